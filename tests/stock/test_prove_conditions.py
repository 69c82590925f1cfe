"""`isthmus prove` of what a link asks for: MFA, an external id, the bucket's key, an address, a time, Object Lock."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
from proofs import (
    Link,
    isthmus,
    kept_in,
    linked_user,  # noqa: F401 - the fixture `link`
    new_link,
    outcomes,
    profiles,  # noqa: F401 - the commands' profiles, in every test
    proved,
    remove_link,
)
from stage import (
    OWNER,
    PARTNER,
    SOURCE,
    Keys,
    Stage,
    Terminal,
    trust,
    unique,
)

from isthmus.access import prove
from isthmus.cli.terminal import run_with_code


def test_with_mfa_one_code_serves_the_whole_proof(
    stage: Stage, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, name, user = stage.owner.new_bucket({"2026/report": b"shared"}), unique("proved"), "mfa-prove"
    terminal.add_profile(user, stage.mfa_users[user].keys)
    options = ("--owner", "owner", "--with", "partner")
    isthmus(
        "link", f"s3://{bucket}/2026/", *options, "--to", f"{PARTNER}:user/{user}", "--name", name,
        "--source-profile", user, "--yes", "--require-mfa", "--external-id", "auto",
    )  # fmt: skip
    assert "set ISTHMUS_MFA_CODE" in isthmus("prove", name, *options, status=2)
    monkeypatch.setenv("ISTHMUS_MFA_CODE", stage.codes[user].wrong())
    assert "was not accepted" in isthmus("prove", name, *options, status=2)
    monkeypatch.setenv("ISTHMUS_MFA_CODE", stage.codes[user].next())
    stage.owner.new_bucket()
    rows = proved(name, *options, "--make-user", "--strict")
    assert outcomes(rows) == {}
    refused = {check for check, row in rows.items() if row["observed"] == "refused"}
    assert {"no-mfa", "wrong-external-id", "no-external-id", "others"} <= refused

    # Somebody takes both conditions out: the link's tags still know that it asked for them.
    role = f"isthmus-link-{name}"
    relaxed = json.dumps(trust(f"arn:aws:iam::{PARTNER}:user/{user}"))
    stage.owner.iam.update_assume_role_policy(RoleName=role, PolicyDocument=relaxed)
    monkeypatch.setenv("ISTHMUS_MFA_CODE", stage.codes[user].next())
    changed = outcomes(proved(name, *options, "--make-user", status=1))
    assert changed == dict.fromkeys(("intact", "no-mfa", "wrong-external-id", "no-external-id"), "wrong")
    isthmus("unlink", name, *options, "--yes")


def test_a_code_is_asked_for_and_a_session_needs_none(stage: Stage, terminal: Terminal) -> None:
    bucket, name, user = stage.owner.new_bucket({"a": b"a"}), unique("asked"), "mfa-typed"
    stage.owner.new_bucket()
    terminal.add_profile(user, stage.mfa_users[user].keys)
    options = ("--owner", "owner", "--with", "partner")
    isthmus(
        "link", f"s3://{bucket}", *options, "--to", f"{PARTNER}:user/{user}", "--name", name, "--source-profile", user,
        "--yes", "--require-mfa",
    )  # fmt: skip
    command = [sys.executable, "-m", "isthmus", "prove", name, *options, "--make-user", "--strict"]
    environment = {**terminal.environment, "PYTHONPATH": str(SOURCE.parent), "COLUMNS": "200"}
    done = run_with_code(command, environment, stage.codes[user].next(), timeout=100)
    assert done.status == 0, done.output
    assert f"MFA code of {stage.mfa_serial(user)}:" in done.output
    assert "11 proved both ways" in done.output

    sts = stage.partner.client("sts", stage.mfa_users[user])
    session = sts.get_session_token(SerialNumber=stage.mfa_serial(user), TokenCode=stage.codes[user].next())
    terminal.add_profile("session", Keys.of(session))
    rows = proved(name, *options, "--as", "session", "--make-user")
    assert outcomes(rows) == {"no-mfa": "foretold"}
    isthmus("unlink", name, *options, "--yes")


def test_without_the_other_side_only_what_the_owner_refuses_is_foretold(link: Link) -> None:
    rows = proved(link.name, "--owner", "owner")
    assert outcomes(rows) == {"take": "observed", "others": "foretold"}
    assert rows["others"]["foretold"] == "refused"
    isthmus("prove", link.name, "--owner", "owner", "--strict", status=1)


def test_predicting_only_tries_nothing(link: Link) -> None:
    rows = proved(link.name, "--owner", "owner", "--with", "partner", "--predict-only")
    assert {row["observed"] for check, row in rows.items() if check != "intact"} == {None}
    assert set(outcomes(rows).values()) == {"foretold"}
    isthmus("prove", link.name, "--owner", "owner", "--with", "partner", "--predict-only", "--strict", status=1)


def test_in_an_account_of_one_bucket_another_is_foretold_about_only(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = prove.find_targets
    monkeypatch.setattr(prove, "find_targets", lambda *where: replace(real(*where), other_buckets=()))
    rows = proved(*link.prove)
    assert outcomes(rows) == {"other-bucket": "foretold"}
    assert rows["other-bucket"]["foretold"] == "refused"


def test_the_policy_of_the_bucket_s_key_has_its_say(stage: Stage, terminal: Terminal) -> None:
    kms = stage.owner.client("kms", stage.owner.admin)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    bucket, user, name = stage.owner.new_bucket(), stage.partner.new_user(), unique("sealed")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    stage.owner.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    stage.owner.s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    terminal.add_profile(user.name, user.keys)
    options = ("--owner", "owner", "--with", "partner")
    isthmus(
        "link", f"s3://{bucket}", *options, "--to", f"{PARTNER}:user/{user.name}", "--name", name, "--kms", "auto",
        "--access", "read-write", "--source-profile", user.name, "--yes",
    )  # fmt: skip
    stage.owner.new_bucket()
    assert outcomes(proved(name, *options, "--make-user", "--strict")) == {}

    document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    (mine,) = [one for one in document["Statement"] if one["Sid"].startswith("IsthmusLink")]
    mine["Action"] = "kms:Decrypt"
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    denied = {"Sid": "Sealed", "Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*",
              "Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWNER}:role/*"}}}  # fmt: skip
    document["Statement"].append(denied)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    rows = proved(name, *options, "--make-user", status=1)
    assert outcomes(rows) == {"write": "wrong"}
    assert "Sealed" in rows["write"]["foretoldBecause"]
    isthmus("unlink", name, *options, "--yes")


def test_an_address_and_an_end_are_foretold_for_what_cannot_be_tried(stage: Stage, terminal: Terminal) -> None:
    made = new_link(stage, terminal, "--source-ip", "127.0.0.0/8", "--expires", "2d")
    assert outcomes(proved(*made.prove)) == {"other-address": "foretold", "after-the-end": "foretold"}
    remove_link(made)
    made = new_link(stage, terminal, "--source-ip", "203.0.113.0/24")
    rows = proved(*made.prove, status=1)
    assert rows["take"]["outcome"] == "wrong"
    assert "from 203.0.113.0/24 alone" in rows["take"]["foretoldBecause"]
    remove_link(made)


def test_a_prefix_that_a_tag_cannot_hold_is_read_from_the_role(stage: Stage, terminal: Terminal) -> None:
    prefix = "a*b$&ü/"
    bucket, user, name = (
        stage.owner.new_bucket({f"{prefix}x": b"", "a-b": b""}),
        stage.partner.new_user(),
        unique("odd"),
    )
    terminal.add_profile(user.name, user.keys)
    stage.owner.new_bucket()
    options = ("--owner", "owner", "--with", "partner")
    isthmus(
        "link", f"s3://{bucket}/{prefix}", *options, "--to", f"{PARTNER}:user/{user.name}", "--name", name,
        "--source-profile", user.name, "--yes",
    )  # fmt: skip
    rows = proved(name, *options, "--make-user", "--strict")
    assert rows["list"]["title"] == f"the role lists s3://{bucket}/{prefix}"
    isthmus("unlink", name, *options, "--yes")


def test_object_lock_keeps_a_proof_from_writing(stage: Stage, terminal: Terminal) -> None:
    bucket = stage.owner.new_bucket(ObjectLockEnabledForBucket=True)
    retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    stage.owner.s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention}
    )
    user, name = stage.partner.new_user(), unique("locked")
    terminal.add_profile(user.name, user.keys)
    options = ("--owner", "owner", "--with", "partner")
    isthmus(
        "link", f"s3://{bucket}", *options, "--to", f"{PARTNER}:user/{user.name}", "--name", name,
        "--access", "read-write", "--source-profile", user.name, "--yes",
    )  # fmt: skip
    rows = outcomes(proved(name, *options, "--make-user"))
    assert {"read", "write", "delete", "write-without-role"} <= rows.keys()
    assert set(rows.values()) == {"foretold"}
    assert kept_in(stage, bucket) == ([], [])
    isthmus("unlink", name, *options, "--yes")
