"""KMS with the stock AWS CLI and SDK, on a server of several processes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from refusal_table import Answer, answer_of
from stage import Stage, Terminal, allow, policy, statement, trust, unique


@pytest.fixture
def mine(stage: Stage, terminal: Terminal) -> Terminal:
    """A terminal with a profile for the administrator of each account."""
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    return terminal


def kms_of(stage: Stage) -> Any:
    return stage.owner.client("kms", stage.owner.admin)


def test_the_cli_makes_names_uses_and_deletes_a_key(mine: Terminal) -> None:
    def kms(*arguments: str) -> Any:
        output = mine.must("owner", "kms", *arguments)
        return json.loads(output) if output else None

    metadata = kms("create-key", "--description", "for letters", "--tags", "TagKey=team,TagValue=post")["KeyMetadata"]
    key, alias = metadata["KeyId"], f"alias/{unique('letters')}"
    assert (metadata["KeyState"], metadata["Description"]) == ("Enabled", "for letters")
    kms("create-alias", "--alias-name", alias, "--target-key-id", key)
    assert kms("list-aliases", "--key-id", key)["Aliases"][0]["AliasName"] == alias
    assert kms("list-resource-tags", "--key-id", key)["Tags"] == [{"TagKey": "team", "TagValue": "post"}]
    letter = mine.file("letter", b"dear reader")
    context = ("--encryption-context", "to=reader")
    sealed = kms("encrypt", "--key-id", alias, "--plaintext", f"fileb://{letter}", *context)["CiphertextBlob"]
    blob = mine.file("letter.sealed", base64.b64decode(sealed))
    opened = kms("decrypt", "--ciphertext-blob", f"fileb://{blob}", *context)
    assert base64.b64decode(opened["Plaintext"]) == b"dear reader"
    assert opened["KeyId"] == metadata["Arn"]
    without = mine.aws("owner", "kms", "decrypt", "--ciphertext-blob", f"fileb://{blob}")
    assert "InvalidCiphertextException" in without.output
    assert kms("get-key-rotation-status", "--key-id", key)["KeyRotationEnabled"] is False
    kms("enable-key-rotation", "--key-id", key)
    assert kms("get-key-rotation-status", "--key-id", key)["RotationPeriodInDays"] == 365
    kms("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    refused = mine.aws("owner", "kms", "decrypt", "--ciphertext-blob", f"fileb://{blob}", *context)
    assert "KMSInvalidStateException" in refused.output
    assert "is pending deletion" in refused.output


def test_a_change_is_in_force_at_the_next_request_on_every_process(stage: Stage) -> None:
    kms = kms_of(stage)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for _ in range(10):
        blob = kms_of(stage).encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        kms.disable_key(KeyId=key)
        answer = answer_of(lambda blob=blob: kms_of(stage).decrypt(CiphertextBlob=blob))
        assert answer is not None
        assert answer.code == "DisabledException"
        kms.enable_key(KeyId=key)
        assert kms_of(stage).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_errors_have_the_codes_texts_and_types_of_the_sdk(stage: Stage) -> None:
    kms = kms_of(stage)
    missing = "arn:aws:kms:us-east-1:111122223333:key/134f2428-cec1-4b25-a1ae-9048164dba47"
    assert answer_of(lambda: kms.describe_key(KeyId=missing)) == Answer(
        "NotFoundException", 400, f"Key '{missing}' does not exist"
    )
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId="alias/no-such-alias")
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=b"no ciphertext")
    with pytest.raises(kms.exceptions.MalformedPolicyDocumentException):
        kms.create_key(Policy="{}")
    with pytest.raises(kms.exceptions.TagException):
        kms.create_key(Tags=[{"TagKey": "aws:team", "TagValue": "x"}])
    with pytest.raises(kms.exceptions.ClientError, match="ValidationException"):
        kms.decrypt(CiphertextBlob=b"x" * 6145)
    alias = f"alias/{unique('taken')}"
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    with pytest.raises(kms.exceptions.AlreadyExistsException):
        kms.create_alias(AliasName=alias, TargetKeyId=key)
    with pytest.raises(kms.exceptions.ClientError) as refused:
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_the_denial_is_that_of_kms(stage: Stage) -> None:
    key = kms_of(stage).create_key()["KeyMetadata"]["Arn"]
    user = stage.owner.new_user()
    kms = stage.owner.client("kms", user)
    assert answer_of(lambda: kms.encrypt(KeyId=key, Plaintext=b"x")) == Answer(
        "AccessDeniedException",
        400,
        f"User: {user.arn} is not authorized to perform: kms:Encrypt on resource: {key} because no identity-based "
        "policy allows the kms:Encrypt action",
    )
    document = json.dumps(allow("kms:Encrypt", key))
    stage.owner.iam.put_user_policy(UserName=user.name, PolicyName="encrypt", PolicyDocument=document)
    assert kms.encrypt(KeyId=key, Plaintext=b"x")["KeyId"] == key


def test_a_role_of_another_account_needs_both_sides_and_the_arn(stage: Stage) -> None:
    kms = kms_of(stage)
    role = stage.partner.new_role(trust(stage.partner.id), allow("kms:Encrypt", "*"))
    session = stage.partner.client("kms", stage.partner.session_of(role))
    own = statement("Allow", "kms:*", "*", Principal={"AWS": stage.owner.id})
    theirs = statement("Allow", ["kms:Encrypt", "kms:Decrypt"], "*", Principal={"AWS": role})
    key = kms.create_key(Policy=json.dumps(policy(own)))["KeyMetadata"]["Arn"]
    denied = answer_of(lambda: session.encrypt(KeyId=key, Plaintext=b"x"))
    assert denied is not None
    assert (denied.code, "resource-based policy" in str(denied.text)) == ("AccessDeniedException", True)
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy(own, theirs)))
    blob = session.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    with pytest.raises(ClientError, match="AccessDeniedException"):  # the identity policy is silent
        session.decrypt(CiphertextBlob=blob, KeyId=key)
    with pytest.raises(ClientError, match="NotFoundException"):  # an id alone means a key of one's own account
        session.encrypt(KeyId=key.rpartition("/")[2], Plaintext=b"x")


def test_a_grant_and_its_token_let_a_user_in_until_it_is_revoked(stage: Stage) -> None:
    kms = kms_of(stage)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    user = stage.owner.new_user()
    theirs = stage.owner.client("kms", user)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"team": "a"})["CiphertextBlob"]
    given = {"CiphertextBlob": blob, "EncryptionContext": {"team": "a"}}
    with pytest.raises(ClientError, match="AccessDeniedException"):
        theirs.decrypt(**given)
    grant = kms.create_grant(
        KeyId=key,
        GranteePrincipal=user.arn,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"team": "a"}},
    )
    assert theirs.decrypt(**given, GrantTokens=[grant["GrantToken"]])["Plaintext"] == b"x"
    other = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"team": "b"})["CiphertextBlob"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        theirs.decrypt(CiphertextBlob=other, EncryptionContext={"team": "b"})
    assert [one["GrantId"] for one in kms.list_grants(KeyId=key)["Grants"]] == [grant["GrantId"]]
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    with pytest.raises(ClientError, match="AccessDeniedException"):
        theirs.decrypt(**given)


def test_keys_of_one_region_are_not_in_another(stage: Stage, mine: Terminal) -> None:
    key = kms_of(stage).create_key()["KeyMetadata"]["KeyId"]
    assert json.loads(mine.must("owner", "kms", "describe-key", "--key-id", key))["KeyMetadata"]["KeyId"] == key
    outcome = mine.aws("owner", "kms", "describe-key", "--key-id", key, "--region", "eu-west-1")
    assert "NotFoundException" in outcome.output
