"""Records: who receives one, what it tells, and what it leaves out."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

from recording import events, outcome, record_of

from builders import ANALYTICS, PRODUCTION, SEED, START, World, allow, policy, story, trusts
from isthmus.cloudtrail import Answer, SignIn, events_of, note_sign_in
from isthmus.cloudtrail.elements import HIDDEN, written_time
from isthmus.identity import mfa
from isthmus.operation import OPERATIONS
from isthmus.policy import Principal, PrincipalKind
from isthmus.wire import AwsError, Request

NOW = "2027-01-15T08:00:00Z"
GET = {"Bucket": "reports", "Key": "a.csv"}


# The whole of a record


@story
async def test_a_record_has_cloudtrail_s_elements(world: World) -> None:
    (event,) = await events(world, PRODUCTION, "iam", "CreateUser", UserName="bob", Path="/people/")
    record = event.record
    user = record["responseElements"]["user"]
    assert record == {
        "eventVersion": "1.11",
        "userIdentity": record["userIdentity"],
        "eventTime": NOW,
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "test/1",
        "requestParameters": {"userName": "bob", "path": "/people/"},
        "responseElements": {
            "user": {
                "path": "/people/",
                "userName": "bob",
                "userId": user["userId"],
                "arn": f"arn:aws:iam::{PRODUCTION}:user/people/bob",
                "createDate": "Jan 15, 2027, 8:00:00 AM",
            }
        },
        "requestID": "request-1",
        "eventID": event.event_id,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": PRODUCTION,
        "eventCategory": "Management",
    }
    assert len(event.event_id) == 36
    assert ("AWS::IAM::User", "bob") in event.resources


@story
async def test_reads_say_so_and_tell_nothing_of_what_they_read(world: World) -> None:
    await world.user(PRODUCTION, "bob")
    record = await record_of(world, PRODUCTION, "iam", "GetUser", UserName="bob")
    assert (record["readOnly"], record["responseElements"]) == (True, None)
    assert (await record_of(world, PRODUCTION, "iam", "DeleteUser", UserName="bob"))["readOnly"] is False


@story
async def test_errors_have_the_names_of_the_model_s_exceptions(world: World) -> None:
    record = await record_of(world, PRODUCTION, "iam", "GetUser", UserName="nobody")
    assert (record["errorCode"], record["responseElements"]) == ("NoSuchEntityException", None)
    assert "nobody" in record["errorMessage"]
    bob = await world.user(PRODUCTION, "bob")
    assert (await record_of(world, bob, "iam", "ListUsers"))["errorCode"] == "AccessDenied"


@story
async def test_over_tls_the_record_says_which(world: World) -> None:
    call = await world.new_call(PRODUCTION, "iam", "ListUsers")
    call.request = replace(call.request, secure=True, tls_version="1.3", headers={"host": "iam.localhost"})
    (event,) = events_of(call, Answer())
    assert event.record["tlsDetails"] == {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": "iam.localhost"}
    assert "tlsDetails" not in await record_of(world, PRODUCTION, "iam", "ListUsers")


def test_times_are_written_out() -> None:
    assert written_time(START) == "Jan 15, 2027, 8:00:00 AM"
    assert written_time(START + 4 * 3600) == "Jan 15, 2027, 12:00:00 PM"
    assert written_time(START - 8 * 3600) == "Jan 15, 2027, 12:00:00 AM"


@story
async def test_every_operation_can_be_recorded_whatever_became_of_it(world: World) -> None:
    for service, name in OPERATIONS:
        for who in (PRODUCTION, None):
            call = await world.new_call(who, service, name)
            for error in (None, AwsError("InternalFailure", "a fault", 500)):
                for event in events_of(call, Answer(error)):
                    json.dumps(event.record)


@story
async def test_an_element_that_is_too_long_is_left_out(world: World) -> None:
    record = await record_of(world, PRODUCTION, "iam", "CreateUser", UserName="x" * 200_000)
    assert record["requestParameters"] is None
    assert record["eventName"] == "CreateUser"


# Secrets


@story
async def test_no_secret_is_in_a_record(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("*"))
    serial = await world.mfa_device(PRODUCTION, alice.id, "alice")
    role = await world.role(PRODUCTION, "reader", trust=trusts(alice.arn))
    bob = {"UserName": "bob"}
    secrets: list[str] = ["Secret-Passw0rd!", "Another-Passw0rd!"]
    texts: list[str] = []

    async def record(name: str, service: str = "iam", **members: Any) -> Any:
        call = await world.new_call(alice, service, name, **members)
        error = await outcome(call)
        assert error is None, error
        texts.extend(json.dumps(event.record) for event in events_of(call, Answer()))
        return call.output

    await record("CreateUser", **bob)
    key = await record("CreateAccessKey", **bob)
    secrets.append(key["AccessKey"]["SecretAccessKey"])
    await record("CreateLoginProfile", **bob, Password=secrets[0])
    await record("UpdateLoginProfile", **bob, Password=secrets[1])
    device = (await record("CreateVirtualMFADevice", VirtualMFADeviceName="bob"))["VirtualMFADevice"]
    seed = device["Base32StringSeed"]
    secrets.append(seed.decode() if isinstance(seed, bytes) else str(seed))
    raw = base64.b32decode(secrets[-1])
    codes = [mfa.code_at(raw, mfa.step_at(world.now) + step) for step in (-1, 0)]
    await record("EnableMFADevice", **bob, SerialNumber=device["SerialNumber"],
                 AuthenticationCode1=codes[0], AuthenticationCode2=codes[1])  # fmt: skip
    assumed = await record("AssumeRole", "sts", RoleArn=role.arn, RoleSessionName="s", SerialNumber=serial,
                           TokenCode=world.code(SEED))  # fmt: skip
    own = await record("GetSessionToken", "sts", SerialNumber=serial, TokenCode=world.code(SEED, 1))
    for answer in (assumed, own):
        secrets += [answer["Credentials"]["SecretAccessKey"], answer["Credentials"]["SessionToken"]]
    secrets += [f'"{code}"' for code in (*codes, world.code(SEED), world.code(SEED, 1))]
    assert len(texts) == 8
    found = [secret for secret in secrets for text in texts if secret in text]
    assert found == []
    assert sum(text.count(HIDDEN) for text in texts) >= 10
    assert key["AccessKey"]["AccessKeyId"] in texts[1]  # ids are no secrets


# Two accounts


@story
async def test_both_accounts_are_told_of_a_role_assumed_across_them(world: World) -> None:
    alice = await world.user(ANALYTICS, "alice", allow("sts:AssumeRole"))
    role = await world.role(PRODUCTION, "reader", trust=trusts(alice.arn))
    own, other = await events(world, alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s", ExternalId="42")
    assert (own.account, other.account) == (ANALYTICS, PRODUCTION)
    assert own.record["sharedEventID"] == other.record["sharedEventID"]
    assert own.event_id != other.event_id
    assert own.record["userIdentity"]["userName"] == "alice"
    assert other.record["userIdentity"] == {"type": "AWSAccount", "principalId": alice.id, "accountId": ANALYTICS}
    for event in (own, other):
        assert event.record["requestParameters"]["externalId"] == "42"
        assert event.record["resources"] == [{"accountId": PRODUCTION, "type": "AWS::IAM::Role", "ARN": role.arn}]
        assert event.record["responseElements"]["assumedRoleUser"]["arn"].endswith(":assumed-role/reader/s")
        assert event.record["readOnly"] is True
    assert "alice" not in json.dumps(other.record)


@story
async def test_a_role_assumed_in_its_own_account_is_told_once(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    role = await world.role(PRODUCTION, "reader", trust=trusts(alice.arn))
    record = await record_of(world, alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    assert "sharedEventID" not in record


@story
async def test_a_refused_attempt_is_told_to_the_caller_s_account_and_kept_for_the_other_that_asks(world: World) -> None:
    alice = await world.user(ANALYTICS, "alice")
    serial = f"arn:aws:iam::{ANALYTICS}:mfa/alice"
    role = await world.role(PRODUCTION, "reader", trust=trusts(ANALYTICS))
    own, door = await events(world, alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s", Tags=[])
    assert (own.account, own.record["errorCode"], own.refused_at_the_door) == (ANALYTICS, "AccessDenied", False)
    assert "sharedEventID" not in own.record
    assert (door.account, door.refused_at_the_door) == (PRODUCTION, True)
    assert door.record["userIdentity"] == {"type": "AWSAccount", "principalId": alice.id, "accountId": ANALYTICS}
    assert door.record["additionalEventData"]["IsthmusExtension"] == "RefusedAtTheDoor"
    assert door.record["additionalEventData"]["DecidedBy"] == "identity-based policy"
    assert door.record["errorMessage"].startswith("The caller is not authorized to perform: sts:AssumeRole")
    assert "alice" not in json.dumps(door.record)
    _, by_code = await events(
        world,
        alice,
        "sts",
        "AssumeRole",
        RoleArn=role.arn,
        RoleSessionName="s",
        SerialNumber=serial,
        TokenCode="123456",
    )
    assert "alice" not in json.dumps(by_code.record)


# S3


async def _shared_bucket(world: World, action: str = "s3:*", **more: Any) -> Any:
    alice = await world.user(ANALYTICS, "alice", allow("s3:*"))
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports", **more)
    both = ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"]
    statement = {"Effect": "Allow", "Principal": {"AWS": alice.arn}, "Action": action, "Resource": both}
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="reports", Policy=json.dumps(policy(statement)))
    return alice


@story
async def test_the_owner_of_a_bucket_is_told_of_what_another_account_does_to_it(world: World) -> None:
    alice = await _shared_bucket(world)
    for name, category in (("GetBucketPolicyStatus", "Management"), ("ListObjectsV2", "Data")):
        own, other = await events(world, alice, "s3", name, Bucket="reports")
        assert (own.account, other.account) == (ANALYTICS, PRODUCTION)
        assert own.category == other.category == category
        assert other.record["userIdentity"] == {"type": "AWSAccount", "principalId": alice.id, "accountId": ANALYTICS}
        assert own.record["sharedEventID"] == other.record["sharedEventID"]
    own, other = await events(world, alice, "s3", "GetObject", **GET)
    assert own.record["errorCode"] == other.record["errorCode"] == "NoSuchKey"


@story
async def test_object_level_requests_name_their_objects(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    (event,) = await events(world, PRODUCTION, "s3", "GetObject", **GET)
    assert event.record["resources"] == [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::reports/a.csv"},
        {"accountId": PRODUCTION, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::reports"},
    ]
    assert (event.record["managementEvent"], event.record["eventCategory"]) == (False, "Data")
    assert event.arns == ("arn:aws:s3:::reports/a.csv",)
    assert event.record["requestParameters"] == {"bucketName": "reports", "Host": "localhost", "key": "a.csv"}
    (event,) = await events(world, PRODUCTION, "s3", "ListObjectsV2", Bucket="reports", Prefix="2026/")
    assert event.name == "ListObjects"
    assert event.record["requestParameters"]["list-type"] == ""
    assert event.record["requestParameters"]["prefix"] == "2026/"
    assert event.arns == ("arn:aws:s3:::reports/2026/",)
    keys = {"Objects": [{"Key": "a"}, {"Key": "b"}]}
    (event,) = await events(world, PRODUCTION, "s3", "DeleteObjects", Bucket="reports", Delete=keys)
    assert event.arns == ("arn:aws:s3:::reports/a", "arn:aws:s3:::reports/b")


@story
async def test_documents_of_buckets_are_told_by_their_elements(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    status = {"Status": "Enabled"}
    (event,) = await events(
        world,
        PRODUCTION,
        "s3",
        "PutBucketVersioning",
        Bucket="reports",
        VersioningConfiguration=status,
        MFA="serial 123456",
    )
    told = event.record["requestParameters"]
    assert told == {
        "bucketName": "reports", "Host": "localhost", "versioning": "", "VersioningConfiguration": status,
    }  # fmt: skip
    document = policy({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::reports/*"})
    record = await record_of(world, PRODUCTION, "s3", "PutBucketPolicy", Bucket="reports", Policy=json.dumps(document))
    assert record["requestParameters"]["bucketPolicy"] == document
    assert ("AWS::S3::Bucket", "reports") in event.resources


@story
async def test_keys_that_customers_provide_are_left_out(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    record = await record_of(
        world, PRODUCTION, "s3", "GetObject", **GET, SSECustomerAlgorithm="AES256", SSECustomerKey="a secret key",
        SSECustomerKeyMD5="its md5",
    )  # fmt: skip
    assert "a secret key" not in json.dumps(record)
    assert "its md5" not in json.dumps(record)
    assert record["requestParameters"]["x-amz-server-side-encryption-customer-algorithm"] == "AES256"


@story
async def test_an_unsigned_request_is_told_to_the_owner_alone(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    (event,) = await events(world, None, "s3", "GetObject", **GET)
    assert event.account == PRODUCTION
    assert event.record["userIdentity"] == {
        "type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL",
    }  # fmt: skip
    assert event.record["errorMessage"] == "Access Denied"
    assert await events(world, None, "s3", "GetObject", Bucket="nothing-is-here", Key="a") == []


@story
async def test_of_an_object_of_another_account_the_bucket_s_owner_hears_only_if_it_may_use_it(world: World) -> None:
    alice = await _shared_bucket(world, ObjectOwnership="ObjectWriter")
    call = await world.new_call(alice, "s3", "GetObject", **GET)
    assert (await outcome(call)) is not None

    class Row:
        owner, acl = ANALYTICS, None

    call.found["object"] = Row()
    assert [one.account for one in events_of(call, Answer())] == [ANALYTICS]
    shared = await world.directory.account(PRODUCTION)
    assert shared is not None
    Row.acl = json.dumps({"grants": [shared.canonical_id]})
    assert [one.account for one in events_of(call, Answer())] == [ANALYTICS, PRODUCTION]
    private = await world.new_call(alice, "s3", "PutObject", **GET)
    private.found["bucket"] = call.found["bucket"]
    assert [one.account for one in events_of(private, Answer())] == [ANALYTICS]
    private.input["ACL"] = "bucket-owner-full-control"
    assert [one.account for one in events_of(private, Answer())] == [ANALYTICS, PRODUCTION]


@story
async def test_e_mail_addresses_of_grantees_are_not_told_to_the_bucket_s_owner(world: World) -> None:
    alice = await _shared_bucket(world)
    grants = {"Grants": [{"Grantee": {"Type": "AmazonCustomerByEmail", "EmailAddress": "carol@example.com"}}]}
    own, other = await events(
        world, alice, "s3", "PutObjectAcl", **GET, AccessControlPolicy=grants,
        GrantRead='emailAddress="carol@example.com", id="abc"',
    )  # fmt: skip
    assert "carol@example.com" in json.dumps(own.record)
    assert "carol@example.com" not in json.dumps(other.record)
    assert other.record["requestParameters"]["x-amz-grant-read"] == 'id="abc"'


@story
async def test_a_copy_between_accounts_is_told_to_the_owners_of_both_buckets(world: World) -> None:
    alice = await _shared_bucket(world)
    await world.call(ANALYTICS, "s3", "CreateBucket", Bucket="copies")
    seen = await events(
        world, alice, "s3", "CopyObject", Bucket="copies", Key="a.csv", CopySource="reports/a.csv"
    )  # fmt: skip
    assert [event.account for event in seen] == [ANALYTICS, PRODUCTION]
    assert seen[1].arns == ("arn:aws:s3:::copies/a.csv", "arn:aws:s3:::reports/a.csv")


# People who sign in


@story
async def test_signing_in_is_recorded_with_whether_a_code_was_given(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    who = Principal(PrincipalKind.USER, PRODUCTION, alice.arn, alice.arn, alice.id)
    heard: list[Any] = []
    world.system.note_events = heard.extend
    request = Request("POST", "/-/signin", "", {"user-agent": "a browser", "host": "localhost"})
    note_sign_in(world.system, SignIn(PRODUCTION, who, request, mfa_used=True))
    note_sign_in(world.system, SignIn(PRODUCTION, None, request, error_message="Failed authentication"))
    good, bad = (event.record for event in heard)
    assert (good["eventSource"], good["eventName"], good["eventType"]) == (
        "signin.amazonaws.com", "ConsoleLogin", "AwsConsoleSignIn",
    )  # fmt: skip
    assert good["responseElements"] == {"ConsoleLogin": "Success"}
    assert good["additionalEventData"]["MFAUsed"] == "Yes"
    assert good["userIdentity"]["userName"] == "alice"
    assert (bad["errorMessage"], bad["responseElements"]) == ("Failed authentication", {"ConsoleLogin": "Failure"})
    assert bad["userIdentity"]["userName"] == HIDDEN
    assert heard[0].username == "alice"
