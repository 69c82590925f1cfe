"""The audit trail with stock tools against a server of two workers: the history, trails and their files, the check of
their digests by the AWS CLI, and refusals explained by request id."""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError
from stage import Account, Document, Keys, Stage, Terminal, allow, policy, statement, trust, unique

T = TypeVar("T")


def soon(look: Callable[[], T], seconds: float = 20.0) -> T:
    """The first answer that is not empty."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)
    return found


def history(account: Account, key: str, value: str) -> list[Document]:
    """The records that an account finds, the oldest first."""
    client = account.client("cloudtrail", account.admin)
    pages = client.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}]
    )
    events = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
    return events[::-1]


def trail_policy(bucket: str, account: str, trail: str, prefix: str = "") -> str:
    """AWS's bucket policy for one trail."""
    service: Document = {"Service": "cloudtrail.amazonaws.com"}
    source = {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{account}:trail/{trail}"}
    condition = {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}}
    return json.dumps(
        policy(
            statement("Allow", "s3:GetBucketAcl", f"arn:aws:s3:::{bucket}", Principal=service,
                      Condition={"StringEquals": source}),
            statement("Allow", "s3:PutObject", f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/{account}/*", Principal=service,
                      Condition=condition),
        )
    )  # fmt: skip


def files(account: Account, bucket: str, folder: str = "/CloudTrail/") -> dict[str, Any]:
    """The delivered files of a bucket, unpacked."""
    found = {}
    for one in account.s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
        if folder in one["Key"]:
            content = account.s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            found[one["Key"]] = json.loads(gzip.decompress(content))
    return found


def code(action: Callable[[], Any]) -> str:
    """AWS's code of a refusal."""
    with pytest.raises(ClientError) as refused:
        action()
    return str(refused.value.response["Error"]["Code"])


def test_each_account_sees_its_side_of_a_role_assumed_and_only_the_caller_s_sees_a_refusal(stage: Stage) -> None:
    owner, partner = stage.owner, stage.partner
    user, other = partner.new_user(allow("sts:AssumeRole", "*")), partner.new_user()
    role = owner.new_role(trust(partner.id), allow("s3:ListAllMyBuckets", "*"))
    session = owner.session_of(role, partner.client("sts", user), ExternalId="our-secret-handshake")
    refused = partner.client("sts", other)
    assert code(lambda: refused.assume_role(RoleArn=role, RoleSessionName="refused")) == "AccessDenied"
    owner.client("s3", session).list_buckets()
    theirs = soon(lambda: two if len(two := history(partner, "ResourceName", role)) == 2 else None)
    good, bad = theirs
    (ours,) = [one for one in history(owner, "ResourceName", role) if one["eventName"] == "AssumeRole"]
    assert good["sharedEventID"] == ours["sharedEventID"]
    assert good["eventID"] != ours["eventID"]
    assert good["userIdentity"]["arn"] == user.arn
    assert ours["userIdentity"] == {
        "type": "AWSAccount", "principalId": good["userIdentity"]["principalId"], "accountId": partner.id,
    }  # fmt: skip
    assert ours["requestParameters"]["externalId"] == "our-secret-handshake"
    assert (bad["errorCode"], bad["userIdentity"]["arn"]) == ("AccessDenied", other.arn)
    assert not [one for one in history(owner, "ResourceName", role) if "errorCode" in one]
    assert history(stage.stranger, "ResourceName", role) == []
    (used,) = soon(lambda: history(owner, "AccessKeyId", session.keys.id))
    assert (used["eventName"], used["userIdentity"]["type"]) == ("ListBuckets", "AssumedRole")
    assert used["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == role


def test_no_secret_that_was_made_or_sent_is_in_the_server_s_files(stage: Stage) -> None:
    owner = stage.owner
    password = unique("Passw0rd!")
    user = owner.new_user()
    owner.iam.create_login_profile(UserName=user.name, Password=password)
    session = owner.session_of(owner.new_role(trust(owner.id), allow("s3:*", "*")))
    given = Keys.of(owner.client("sts", user).get_session_token())
    device = owner.iam.create_virtual_mfa_device(VirtualMFADeviceName=user.name)["VirtualMFADevice"]
    soon(lambda: history(owner, "ResourceName", device["SerialNumber"]) or history(owner, "ResourceName", user.name))
    time.sleep(0.6)
    secrets = [password, user.keys.secret, session.keys.secret, session.keys.token, given.secret, given.token,
               device["Base32StringSeed"].decode()]  # fmt: skip
    texts = [json.dumps(one) for one in history(owner, "ReadOnly", "false") + history(owner, "ReadOnly", "true")]
    assert [text for text in texts for secret in secrets if str(secret) in text] == []
    databases = [path for path in stage.server.data.iterdir() if ".sqlite3" in path.name]
    assert len(databases) >= 2
    found = [(path.name, str(secret)[:4]) for path in databases for secret in secrets
             if str(secret).encode() in path.read_bytes()]  # fmt: skip
    assert found == []


def test_a_trail_delivers_to_another_account_s_bucket_while_its_policy_allows(stage: Stage) -> None:
    owner, partner = stage.owner, stage.partner
    trail, bucket, reports = unique("trail"), partner.new_bucket(), owner.new_bucket({"a.csv": b"1"})
    client = owner.client("cloudtrail", owner.admin)
    make = {"Name": trail, "S3BucketName": bucket, "S3KeyPrefix": "audit"}
    assert code(lambda: client.create_trail(**make)) == "InsufficientS3BucketPolicyException"
    for wrong in (
        trail_policy(bucket, owner.id, "another", "audit/"),
        trail_policy(bucket, partner.id, trail, "audit/"),
    ):
        partner.s3.put_bucket_policy(Bucket=bucket, Policy=wrong)
        assert code(lambda: client.create_trail(**make)) == "InsufficientS3BucketPolicyException"
    partner.s3.put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, owner.id, trail, "audit/"))
    client.create_trail(**make)
    selected = [{"ReadWriteType": "All", "IncludeManagementEvents": True,
                 "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{reports}/"]}]}]  # fmt: skip
    client.put_event_selectors(TrailName=trail, EventSelectors=selected)
    client.start_logging(Name=trail)
    user = owner.new_user(allow("s3:GetObject", f"arn:aws:s3:::{reports}/*"))
    owner.client("s3", user).get_object(Bucket=reports, Key="a.csv")

    def records() -> list[Document]:
        return [one for file in files(partner, bucket).values() for one in file["Records"]]

    (read,) = soon(lambda: [one for one in records() if one["eventName"] == "GetObject"])
    assert read["userIdentity"]["arn"] == user.arn
    assert read["resources"][0]["ARN"] == f"arn:aws:s3:::{reports}/a.csv"
    made = [one for one in records() if one["eventName"] == "CreateUser"]
    assert [one["requestParameters"]["userName"] for one in made if "responseElements" in one].count(user.name) == 1
    key = next(iter(files(partner, bucket)))
    assert key.startswith(f"audit/AWSLogs/{owner.id}/CloudTrail/us-east-1/{datetime.now(UTC):%Y/%m}/")
    owner_of = partner.s3.get_object_acl(Bucket=bucket, Key=key)["Owner"]["ID"]
    assert owner_of == partner.s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    assert "LatestDeliveryError" not in client.get_trail_status(Name=trail)

    partner.s3.delete_bucket_policy(Bucket=bucket)
    late = owner.new_user()
    failed = soon(lambda: client.get_trail_status(Name=trail).get("LatestDeliveryError"))
    assert failed == "AccessDenied"
    assert not [one for one in records() if (one["requestParameters"] or {}).get("userName") == late.name]
    partner.s3.put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, owner.id, trail, "audit/"))
    soon(lambda: [one for one in records() if (one["requestParameters"] or {}).get("userName") == late.name])
    client.delete_trail(Name=trail)


def test_the_aws_cli_validates_the_digests_and_notices_a_changed_file(stage: Stage, terminal: Terminal) -> None:
    owner = stage.owner
    trail, bucket = unique("trail"), owner.new_bucket()
    owner.s3.put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, owner.id, trail))
    terminal.add_profile("owner", owner.admin.keys)
    since = datetime.now(UTC) - timedelta(minutes=5)
    terminal.must("owner", "cloudtrail", "create-trail", "--name", trail, "--s3-bucket-name", bucket,
                  "--enable-log-file-validation")  # fmt: skip
    terminal.must("owner", "cloudtrail", "start-logging", "--name", trail)
    owner.new_user()
    digests = soon(lambda: files(owner, bucket, "/CloudTrail-Digest/"), 40)
    arn = f"arn:aws:cloudtrail:us-east-1:{owner.id}:trail/{trail}"
    check = ("cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", f"{since:%Y-%m-%dT%H:%M:%SZ}")
    terminal.must("owner", "cloudtrail", "stop-logging", "--name", trail)
    said = terminal.must("owner", *check, "--verbose")
    assert "INVALID" not in said
    assert "digest files valid" in said
    (log, *_) = next(iter(digests.values()))["logFiles"]
    assert f"{log['s3Object']}\tvalid" in said
    owner.s3.put_object(Bucket=bucket, Key=log["s3Object"], Body=gzip.compress(b'{"Records":[]}'))
    outcome = terminal.aws("owner", *check)
    assert f"{log['s3Object']}\tINVALID: hash value doesn't match" in outcome.output
    owner.client("cloudtrail", owner.admin).delete_trail(Name=trail)


def test_a_refusal_is_explained_to_both_sides_by_its_request_id(stage: Stage, terminal: Terminal) -> None:
    owner, partner = stage.owner, stage.partner
    bucket = owner.new_bucket({"a": b"1"})
    listing = statement("Allow", "s3:ListBucket", f"arn:aws:s3:::{bucket}", Principal={"AWS": partner.id})
    owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(listing)))
    user = partner.new_user(allow("sts:DecodeAuthorizationMessage", "*"))
    with pytest.raises(ClientError) as refused:
        partner.client("s3", user).get_object(Bucket=bucket, Key="a")
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    time.sleep(1)  # by then on every worker
    terminal.add_profile("owner", owner.admin.keys)
    terminal.add_profile("user", user.keys)
    terminal.add_profile("stranger", stage.stranger.admin.keys)
    ask = ("sts", "decode-authorization-message", "--query", "DecodedMessage", "--output", "text", "--encoded-message")
    full, own = (json.loads(terminal.must(who, *ask, request_id)) for who in ("owner", "user"))
    assert {layer["side"] for layer in full["layers"]["items"]} == {"caller", "owner"}
    assert [layer.get("explanation", layer["side"]) for layer in own["layers"]["items"]][-1] == (
        "the other account does not allow it"
    )
    assert "InvalidAuthorizationMessageException" in terminal.aws("stranger", *ask, request_id).output
    with pytest.raises(ClientError) as of_sts:
        partner.client("sts", user).assume_role(RoleArn=owner.new_role(trust(owner.id)), RoleSessionName="stock")
    given = of_sts.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    soon(lambda: terminal.aws("owner", *ask, given).status == 0, 5)


def test_the_owner_of_a_role_that_asked_for_it_hears_who_was_refused_at_the_door(stage: Stage) -> None:
    owner, partner = stage.owner, stage.partner
    trail, bucket = unique("trail"), owner.new_bucket()
    owner.s3.put_bucket_policy(Bucket=bucket, Policy=trail_policy(bucket, owner.id, trail))
    client = owner.client("cloudtrail", owner.admin)
    client.create_trail(Name=trail, S3BucketName=bucket)
    wanted = {"eventCategory": "Management", "eventName": "AssumeRole", "errorCode": "AccessDenied"}
    fields = [{"Field": name, "Equals": [value]} for name, value in wanted.items()]
    selectors = [{"Name": "refused at the door", "FieldSelectors": fields}]
    client.put_event_selectors(TrailName=trail, AdvancedEventSelectors=selectors)
    user, role = partner.new_user(allow("sts:AssumeRole", "*")), owner.new_role(trust(owner.id))

    def knock(session: str) -> None:
        sts = partner.client("sts", user)
        assert code(lambda: sts.assume_role(RoleArn=role, RoleSessionName=session)) == "AccessDenied"

    def heard() -> list[Document]:
        return [one for one in history(owner, "ResourceName", role) if one["eventName"] == "AssumeRole"]

    knock("unheard")
    client.start_logging(Name=trail)
    knock("heard")
    (record,) = soon(heard)
    client.delete_trail(Name=trail)
    assert record["requestParameters"]["roleSessionName"] == "heard"
    assert record["additionalEventData"]["IsthmusExtension"] == "RefusedAtTheDoor"
    assert record["userIdentity"].keys() == {"type", "principalId", "accountId"}
    assert user.name not in json.dumps(record)


def test_a_server_that_is_stopped_loses_no_record_of_what_it_answered(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    try:
        name = stage.owner.new_user().name
    finally:
        assert stage.server.stop() == 0
    database = sqlite3.connect(stage.server.data / "objects.sqlite3")
    rows = database.execute("SELECT name FROM trail_events WHERE resources LIKE ?", (f"%{name}%",)).fetchall()
    database.close()
    assert [row[0] for row in rows] == ["CreateUser", "CreateAccessKey"]


def test_every_worker_finds_what_another_recorded(stage: Stage) -> None:
    names = [stage.owner.new_user().name for _ in range(6)]
    for name in names:
        soon(lambda name=name: history(stage.owner, "ResourceName", name), 5)  # type: ignore[misc]
