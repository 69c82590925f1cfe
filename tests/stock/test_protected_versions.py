"""What protects versions from being deleted: MFA delete and Object Lock, end to end with boto3."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from stage import OWNER, Client, Codes, Keys, Server, Stage, keys_on, new_keys, policy, statement

SERIAL = f"arn:aws:iam::{OWNER}:mfa/root-account-mfa-device"


@pytest.fixture
def rooted(tmp_path: Path) -> Iterator[tuple[Any, Any, Codes]]:
    """S3 as the root user, who has an MFA device, and as its administrator; and the codes of the device."""
    root, admin, seed = new_keys(), new_keys(), secrets.token_bytes(20)

    def written(keys: Keys) -> dict[str, str]:
        return {"id": keys.id, "secret": keys.secret}

    account = {
        "id": OWNER,
        "root": {"access_keys": [written(root)], "mfa_seed": base64.b32encode(seed).decode()},
        "users": [{"name": "admin", "access_keys": [written(admin)], "managed_policies": ["AdministratorAccess"]}],
    }
    setup = tmp_path / "setup.yaml"
    setup.touch(mode=0o600)
    setup.write_text(yaml.safe_dump({"accounts": [account]}), encoding="utf-8")
    server = Server(tmp_path / "data", "--setup", str(setup))
    yield Client.make("s3", server.endpoint, root), Client.make("s3", server.endpoint, admin), Codes(seed)
    assert server.stop() == 0


def test_with_mfa_delete_versions_are_deleted_with_a_code_of_the_root_user(rooted: tuple[Any, Any, Codes]) -> None:
    root, admin, codes = rooted
    root.create_bucket(Bucket="safe")
    enabled = {"Bucket": "safe", "VersioningConfiguration": {"Status": "Enabled", "MFADelete": "Enabled"}}
    for who, more in ((root, {}), (root, {"MFA": f"{SERIAL} {codes.wrong()}"})):
        with pytest.raises(ClientError, match="AccessDenied"):
            who.put_bucket_versioning(**enabled, **more)
    root.put_bucket_versioning(**enabled, MFA=f"{SERIAL} {codes.next()}")
    assert root.get_bucket_versioning(Bucket="safe")["MFADelete"] == "Enabled"
    version = admin.put_object(Bucket="safe", Key="k", Body=b"data")["VersionId"]
    marker = admin.delete_object(Bucket="safe", Key="k")  # a marker hides and deletes nothing
    assert marker["DeleteMarker"] is True
    named: dict[str, Any] = {"Bucket": "safe", "Key": "k", "VersionId": version}
    with pytest.raises(ClientError, match="Mfa Authentication must be used"):
        root.delete_object(**named)
    with pytest.raises(ClientError, match="AccessDenied"):
        root.delete_object(**named, MFA=f"{SERIAL} {codes.wrong()}")
    several = {"Objects": [{"Key": "k", "VersionId": version}]}
    with pytest.raises(ClientError, match="Mfa Authentication must be used"):
        root.delete_objects(Bucket="safe", Delete=several)
    for client in (root, admin):
        with pytest.raises(ClientError, match="AccessDenied"):
            client.put_bucket_versioning(Bucket="safe", VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(ClientError, match="InvalidBucketState"):
        root.put_bucket_lifecycle_configuration(
            Bucket="safe",
            LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]},
        )
    root.delete_object(**named, MFA=f"{SERIAL} {codes.next()}")
    with pytest.raises(ClientError, match="NoSuchVersion"):
        root.get_object(**named)


def locked(stage: Stage, **retention: Any) -> str:
    bucket = stage.owner.new_bucket(ObjectLockEnabledForBucket=True)
    if retention:
        stage.owner.s3.put_object_lock_configuration(
            Bucket=bucket,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}},
        )
    return bucket


def test_governance_yields_to_who_may_bypass_it_and_compliance_to_nobody(stage: Stage) -> None:
    s3, until = stage.owner.s3, datetime.now(UTC) + timedelta(days=1)
    bucket = locked(stage)
    clerk = stage.owner.client(
        "s3", stage.owner.new_user(policy(statement("Allow", ["s3:DeleteObjectVersion"], keys_on(bucket))))
    )
    root = stage.owner.client("s3", stage.owner.root)
    for mode, bypassed in (("GOVERNANCE", True), ("COMPLIANCE", False)):
        put = s3.put_object(Bucket=bucket, Key=mode, ObjectLockMode=mode, ObjectLockRetainUntilDate=until)
        named: dict[str, Any] = {"Bucket": bucket, "Key": mode, "VersionId": put["VersionId"]}
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(**named)
        with pytest.raises(ClientError, match="s3:BypassGovernanceRetention"):
            clerk.delete_object(**named, BypassGovernanceRetention=True)
        if bypassed:
            s3.delete_object(**named, BypassGovernanceRetention=True)
            continue
        for client in (s3, root):
            with pytest.raises(ClientError, match="AccessDenied"):
                client.delete_object(**named, BypassGovernanceRetention=True)


@pytest.mark.parametrize("way", ["put", "copy", "multipart"])
def test_new_versions_get_the_buckets_retention_whichever_way_they_are_written(way: str, stage: Stage) -> None:
    s3, bucket = stage.owner.s3, locked(stage, Mode="COMPLIANCE", Days=3)
    source = stage.owner.new_bucket({"k": b"data"})
    before = datetime.now(UTC)
    if way == "put":
        version = s3.put_object(Bucket=bucket, Key="k", Body=b"data")["VersionId"]
    elif way == "copy":
        version = s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{source}/k")["VersionId"]
    else:
        upload: dict[str, Any] = {"Bucket": bucket, "Key": "k"}
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"data")["ETag"]}
        version = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})["VersionId"]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert timedelta(days=3) <= head["ObjectLockRetainUntilDate"] - before < timedelta(days=3, minutes=5)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version)


def test_a_legal_hold_is_set_and_lifted_by_who_may(stage: Stage) -> None:
    s3, bucket = stage.owner.s3, locked(stage)
    version = s3.put_object(Bucket=bucket, Key="k", ObjectLockLegalHoldStatus="ON")["VersionId"]
    named: dict[str, Any] = {"Bucket": bucket, "Key": "k", "VersionId": version}
    writer = stage.owner.client(
        "s3", stage.owner.new_user(policy(statement("Allow", ["s3:PutObject", "s3:PutObjectRetention"], "*")))
    )
    for refused in (
        lambda: s3.delete_object(**named, BypassGovernanceRetention=True),
        lambda: writer.put_object_legal_hold(**named, LegalHold={"Status": "OFF"}),
        lambda: writer.put_object(Bucket=bucket, Key="k2", ObjectLockLegalHoldStatus="ON"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
    s3.put_object_legal_hold(**named, LegalHold={"Status": "OFF"})
    s3.delete_object(**named)


def test_policies_see_the_lock_that_is_asked_for(stage: Stage) -> None:
    s3, bucket = stage.owner.s3, locked(stage)
    s3.put_object(Bucket=bucket, Key="k")
    short = {
        "NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": "10"},
        "StringEquals": {"s3:object-lock-mode": "GOVERNANCE"},
    }
    user = stage.owner.new_user(
        policy(
            statement("Allow", "s3:PutObjectRetention", keys_on(bucket), Condition=short),
            statement(
                "Allow", "s3:PutObjectLegalHold", keys_on(bucket),
                Condition={"StringEquals": {"s3:object-lock-legal-hold": "ON"}},
            ),
        )
    )  # fmt: skip
    client, named = stage.owner.client("s3", user), {"Bucket": bucket, "Key": "k"}

    def retain(mode: str, days: int) -> Any:
        until = datetime.now(UTC) + timedelta(days=days)
        return client.put_object_retention(**named, Retention={"Mode": mode, "RetainUntilDate": until})

    retain("GOVERNANCE", 5)
    client.put_object_legal_hold(**named, LegalHold={"Status": "ON"})
    for refused in (
        lambda: retain("GOVERNANCE", 20),
        lambda: retain("COMPLIANCE", 6),
        lambda: client.put_object_legal_hold(**named, LegalHold={"Status": "OFF"}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()
