"""Encrypted objects as their owner, a reader in another account and a thief of the disk see them."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from refusal_table import Action, answer_of, fetch
from stage import Account, Document, Someone, Stage, Terminal, allow, keys_on, policy, statement, trust

MIB = 1 << 20
VIA_S3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}


def account_decides(account: Account, *more: Document) -> Document:
    """A key policy that lets the account's identity policies decide, with further statements."""
    return policy(granted(f"arn:aws:iam::{account.id}:root", "kms:*"), *more)


def granted(principal: str, action: str | list[str], **more: Any) -> Document:
    """One statement of a key policy."""
    return statement("Allow", action, "*", Principal={"AWS": principal}, **more)


def new_key(account: Account, *more: Document, **members: Any) -> str:
    """A KMS key; its ARN."""
    kms = account.client("kms", account.admin)
    made = kms.create_key(Policy=json.dumps(account_decides(account, *more)), **members)
    return str(made["KeyMetadata"]["Arn"])


def code_of(action: Action) -> str | None:
    """The code that a call is refused with."""
    answer = answer_of(action)
    return None if answer is None else answer.code


def bytes_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# What is on the disk


@pytest.mark.parametrize("size", [100, 300_000], ids=["in the row", "in a file"])
@pytest.mark.parametrize("kind", ["AES256", "aws:kms", "SSE-C"])
def test_no_byte_of_an_object_is_on_the_disk_as_it_was_sent(stage: Stage, kind: str, size: int) -> None:
    marker = f"marker {secrets.token_hex(16)} ".encode()
    body, name = marker * (size // len(marker)), f"name-{secrets.token_hex(16)}"
    bucket, headers = stage.owner.new_bucket(), {}
    if kind == "aws:kms":
        headers = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": new_key(stage.owner)}
    elif kind == "SSE-C":
        headers = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": secrets.token_hex(16)}
    stage.owner.s3.put_object(Bucket=bucket, Key=name, Body=body, **headers)
    upload = stage.owner.s3.create_multipart_upload(Bucket=bucket, Key="parts", **headers)
    given = {"Bucket": bucket, "Key": "parts", "UploadId": upload["UploadId"], "PartNumber": 1}
    customer = headers if kind == "SSE-C" else {}
    stage.owner.s3.upload_part(**given, Body=body, **customer)
    kept = bytes_on_disk(stage.server.data)
    assert name.encode() in kept  # keys are metadata: the search finds what is there
    assert marker not in kept
    assert headers.get("SSECustomerKey", "no such text").encode() not in kept
    assert stage.owner.s3.get_object(Bucket=bucket, Key=name, **customer)["Body"].read() == body


# SSE-KMS between accounts


class Shared:
    """An object of the owner under a key of the owner, and a role of the partner's account for reading it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.key = new_key(stage.owner)
        self.bucket = stage.owner.new_bucket()
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key}
        stage.owner.s3.put_object(Bucket=self.bucket, Key="report", Body=b"figures", **encrypted)
        self.role = stage.partner.new_role(trust(stage.partner.id), allow("s3:GetObject", keys_on(self.bucket)))
        readers = statement("Allow", ["s3:GetObject", "s3:PutObject"], keys_on(self.bucket))
        readers["Principal"] = {"AWS": self.role}
        stage.owner.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy(readers)))
        self.reader = stage.partner.session_of(self.role)

    def key_policy(self, *more: Document) -> None:
        kms = self.stage.owner.client("kms", self.stage.owner.admin)
        text = json.dumps(account_decides(self.stage.owner, *more))
        kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=text)

    def identity_policy(self, document: Document | None) -> None:
        """What the role may do in KMS."""
        name, iam = self.role.rpartition("/")[2], self.stage.partner.iam
        if document is None:
            iam.delete_role_policy(RoleName=name, PolicyName="kms")
        else:
            iam.put_role_policy(RoleName=name, PolicyName="kms", PolicyDocument=json.dumps(document))

    def read(self) -> str:
        """The object's text, or the code of the refusal."""
        s3 = self.stage.partner.client("s3", self.reader)
        try:
            return str(s3.get_object(Bucket=self.bucket, Key="report")["Body"].read().decode())
        except ClientError as refusal:
            return str(refusal.response["Error"]["Code"])

    def refusal(self) -> str:
        s3 = self.stage.partner.client("s3", self.reader)
        with pytest.raises(ClientError) as refused:
            s3.get_object(Bucket=self.bucket, Key="report")
        return str(refused.value.response["Error"]["Message"])


@pytest.fixture
def shared(stage: Stage) -> Shared:
    return Shared(stage)


def test_reading_across_accounts_needs_the_key_policy_and_the_identity_policy(shared: Shared) -> None:
    may_decrypt = allow("kms:Decrypt", shared.key)
    assert shared.read() == "AccessDenied"
    shared.identity_policy(may_decrypt)
    assert shared.read() == "AccessDenied"
    shared.key_policy(granted(shared.role, "kms:Decrypt"))
    assert shared.read() == "figures"
    shared.identity_policy(None)
    assert shared.read() == "AccessDenied"
    shared.identity_policy(may_decrypt)
    assert shared.read() == "figures"


def test_the_key_policy_may_leave_it_to_the_other_account_s_policies(shared: Shared) -> None:
    shared.key_policy(granted(f"arn:aws:iam::{shared.stage.partner.id}:root", "kms:Decrypt"))
    assert shared.read() == "AccessDenied"
    shared.identity_policy(allow("kms:Decrypt", shared.key))
    assert shared.read() == "figures"


def test_the_refusal_names_what_s3_asked_kms_for(shared: Shared) -> None:
    shared.key_policy(granted(shared.role, "kms:Decrypt"))
    assert shared.refusal() == (
        f"User: {shared.reader.arn} is not authorized to perform: kms:Decrypt on resource: {shared.key} because no "
        "identity-based policy allows the kms:Decrypt action"
    )


def test_a_key_kept_for_s3_opens_objects_but_nothing_else(shared: Shared) -> None:
    shared.identity_policy(allow(["kms:Decrypt", "kms:GenerateDataKey"], shared.key))
    shared.key_policy(granted(shared.role, ["kms:Decrypt", "kms:GenerateDataKey"], Condition=VIA_S3))
    assert shared.read() == "figures"
    kms = shared.stage.partner.client("kms", shared.reader)
    assert code_of(lambda: kms.generate_data_key(KeyId=shared.key, KeySpec="AES_256")) == "AccessDeniedException"
    wrong = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    shared.key_policy(granted(shared.role, "kms:Decrypt", Condition=wrong))
    assert shared.read() == "AccessDenied"


def test_the_encryption_context_is_the_object_s_arn(shared: Shared) -> None:
    shared.identity_policy(allow("kms:Decrypt", shared.key))
    for name, outcome in (("report", "figures"), ("other", "AccessDenied")):
        arn = f"arn:aws:s3:::{shared.bucket}/{name}"
        condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": arn}}
        shared.key_policy(granted(shared.role, "kms:Decrypt", Condition=condition))
        assert shared.read() == outcome


def test_writing_across_accounts_needs_generate_data_key_on_both_sides(shared: Shared) -> None:
    name = shared.role.rpartition("/")[2]
    may_put = json.dumps(allow("s3:PutObject", keys_on(shared.bucket)))
    shared.stage.partner.iam.put_role_policy(RoleName=name, PolicyName="put", PolicyDocument=may_put)
    s3 = shared.stage.partner.client("s3", shared.reader)
    given = {"Bucket": shared.bucket, "Key": "new", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    for identity, key, expected in (
        ("kms:Decrypt", "kms:GenerateDataKey", "AccessDenied"),
        ("kms:GenerateDataKey", "kms:Decrypt", "AccessDenied"),
        ("kms:GenerateDataKey", "kms:GenerateDataKey", None),
    ):
        shared.identity_policy(allow(identity, shared.key))
        shared.key_policy(granted(shared.role, key))
        assert code_of(lambda: s3.put_object(**given, SSEKMSKeyId=shared.key)) == expected


def test_a_disabled_key_opens_nothing_until_it_is_enabled(shared: Shared) -> None:
    kms, s3 = shared.stage.owner.client("kms", shared.stage.owner.admin), shared.stage.owner.s3
    kms.disable_key(KeyId=shared.key)
    assert code_of(lambda: s3.get_object(Bucket=shared.bucket, Key="report")) == "KMS.DisabledException"
    kms.enable_key(KeyId=shared.key)
    assert s3.get_object(Bucket=shared.bucket, Key="report")["Body"].read() == b"figures"


def test_the_aws_managed_key_is_of_no_use_to_another_account(stage: Stage) -> None:
    bucket = stage.owner.new_bucket()
    answer = stage.owner.s3.put_object(Bucket=bucket, Key="own", Body=b"x", ServerSideEncryption="aws:kms")
    managed = answer["SSEKMSKeyId"]
    role = stage.partner.new_role(trust(stage.partner.id), allow(["s3:*", "kms:*"], "*"))
    opened = statement("Allow", "s3:*", [f"arn:aws:s3:::{bucket}", keys_on(bucket)], Principal={"AWS": role})
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(opened)))
    s3 = stage.partner.client("s3", stage.partner.session_of(role))
    assert code_of(lambda: s3.get_object(Bucket=bucket, Key="own")) == "AccessDenied"
    kms = stage.owner.client("kms", stage.owner.admin)
    shared = json.dumps(account_decides(stage.owner, granted(role, "kms:*")))
    assert code_of(lambda: kms.put_key_policy(KeyId=managed, Policy=shared)) == "AccessDeniedException"
    assert stage.owner.s3.get_object(Bucket=bucket, Key="own")["Body"].read() == b"x"
    theirs = s3.put_object(Bucket=bucket, Key="theirs", Body=b"y", ServerSideEncryption="aws:kms")["SSEKMSKeyId"]
    assert (managed.split(":")[4], theirs.split(":")[4]) == (stage.owner.id, stage.partner.id)


# Defaults of buckets


def test_the_default_key_of_a_bucket_protects_what_is_put_without_a_word(stage: Stage, nobody: Someone) -> None:
    key, bucket = new_key(stage.owner), stage.owner.new_bucket()
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    stage.owner.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
        },
    )
    answer = stage.owner.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", key)
    assert answer["BucketKeyEnabled"]
    stage.owner.iam.put_user_policy(
        UserName=nobody.name, PolicyName="read", PolicyDocument=json.dumps(allow("s3:GetObject", keys_on(bucket)))
    )
    s3 = stage.owner.client("s3", nobody)
    assert code_of(lambda: s3.get_object(Bucket=bucket, Key="k")) == "AccessDenied"
    condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
    stage.owner.iam.put_user_policy(
        UserName=nobody.name,
        PolicyName="key",
        PolicyDocument=json.dumps(allow("kms:Decrypt", key, Condition=condition)),
    )
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_bucket_policy_can_insist_on_a_kms_key(stage: Stage) -> None:
    bucket, key, other = stage.owner.new_bucket(), new_key(stage.owner), new_key(stage.owner)
    condition = {"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key}}
    insists = statement("Deny", "s3:PutObject", keys_on(bucket), Principal="*", Condition=condition)
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(insists)))
    given = {"Bucket": bucket, "Key": "k", "Body": b"x"}
    stage.owner.s3.put_object(**given, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    for wrong in ({}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": other}, {"ServerSideEncryption": "AES256"}):
        assert code_of(partial(stage.owner.s3.put_object, **given, **wrong)) == "AccessDenied"


# The AWS CLI


def test_the_cli_uploads_copies_and_downloads_with_a_customer_s_key(stage: Stage, terminal: Terminal) -> None:
    terminal.add_profile("owner", stage.owner.admin.keys)
    bucket, data = stage.owner.new_bucket(), secrets.token_bytes(9 * MIB)
    first, second = (terminal.file(name, secrets.token_bytes(32)) for name in ("first.key", "second.key"))
    source, back = terminal.file("large", data), terminal.home / "back"
    with_first = ("--sse-c", "AES256", "--sse-c-key", f"fileb://{first}", "--no-progress")
    with_second = ("--sse-c", "AES256", "--sse-c-key", f"fileb://{second}", "--no-progress")
    terminal.must("owner", "s3", "cp", source, f"s3://{bucket}/large", *with_first)
    terminal.must("owner", "s3", "cp", f"s3://{bucket}/large", str(back), *with_first)
    assert back.read_bytes() == data
    for wrong in (("--no-progress",), with_second):
        outcome = terminal.aws("owner", "s3", "cp", f"s3://{bucket}/large", str(back), *wrong)
        assert outcome.status == 1
        assert "(400)" in outcome.output
    source_key = ("--sse-c-copy-source", "AES256", "--sse-c-copy-source-key", f"fileb://{first}")
    terminal.must("owner", "s3", "cp", f"s3://{bucket}/large", f"s3://{bucket}/copy", *source_key, *with_second)
    terminal.must("owner", "s3", "cp", f"s3://{bucket}/copy", str(back), *with_second)
    assert back.read_bytes() == data
    assert terminal.aws("owner", "s3", "cp", f"s3://{bucket}/copy", str(back), *with_first).status == 1


def test_the_cli_uploads_in_parts_with_a_kms_key_and_reads_any_range(stage: Stage, terminal: Terminal) -> None:
    terminal.add_profile("owner", stage.owner.admin.keys)
    bucket, data, key = stage.owner.new_bucket(), secrets.token_bytes(9 * MIB + 3), new_key(stage.owner)
    sse = ("--sse", "aws:kms", "--sse-kms-key-id", key, "--no-progress")
    terminal.must("owner", "s3", "cp", terminal.file("large", data), f"s3://{bucket}/large", *sse)
    head = stage.owner.s3.head_object(Bucket=bucket, Key="large")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"], head["ContentLength"]) == ("aws:kms", key, len(data))
    start = 8 * MIB - 5
    part = stage.owner.s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={start}-{start + 9}")["Body"].read()
    assert part == data[start : start + 10]  # across the border of the parts
    terminal.must("owner", "s3", "cp", f"s3://{bucket}/large", str(terminal.home / "back"), "--no-progress")
    assert (terminal.home / "back").read_bytes() == data


# Addresses that are handed out


def test_a_presigned_address_opens_with_the_signer_s_permissions_on_the_key(stage: Stage, nobody: Someone) -> None:
    bucket, key = stage.owner.new_bucket(), new_key(stage.owner)
    given = {"Bucket": bucket, "Key": "k"}
    stage.owner.s3.put_object(**given, Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    stage.owner.iam.put_user_policy(
        UserName=nobody.name, PolicyName="read", PolicyDocument=json.dumps(allow("s3:GetObject", keys_on(bucket)))
    )

    def address(who: Someone, version: str = "s3v4") -> str:
        s3 = stage.owner.client("s3", who, signature_version=version)
        return str(s3.generate_presigned_url("get_object", given))

    assert fetch(address(stage.owner.admin)) == b"x"
    assert code_of(lambda: fetch(address(nobody))) == "AccessDenied"
    assert code_of(lambda: fetch(address(stage.owner.admin, "s3"))) == "InvalidArgument"  # of signature version 2


def test_a_customer_s_key_is_sent_with_the_presigned_request(stage: Stage) -> None:
    bucket, key = stage.owner.new_bucket(), secrets.token_bytes(32)
    md5 = base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()
    headers = {
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-server-side-encryption-customer-key": base64.b64encode(key).decode(),
        "x-amz-server-side-encryption-customer-key-MD5": md5,
    }
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    stage.owner.s3.put_object(Bucket=bucket, Key="k", Body=b"x", **customer)
    s3 = stage.owner.client("s3", stage.owner.admin, signature_version="s3v4")
    url = s3.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "k", "SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    )
    assert fetch(url, headers=headers) == b"x"
    assert code_of(lambda: fetch(url)) == "SignatureDoesNotMatch"
