"""The trail of an organization: who makes it, whose events it has, and what members may do with it."""

from __future__ import annotations

import gzip
import json
from typing import Any

from recording import Trail, make_bucket

from builders import ANALYTICS, PRODUCTION, World, story
from isthmus.cloudtrail import deliver_trails

STRANGER = "999999999999"
ORGANIZATION = {"Name": "audit", "S3BucketName": "logs", "IsOrganizationTrail": True}
ARN = f"arn:aws:cloudtrail:us-east-1:{PRODUCTION}:trail/audit"


async def organization(world: World) -> str:
    """Production manages, Analytics is a member; the organization's id."""
    await world.account(STRANGER, "stranger")
    made = await world.call(PRODUCTION, "organizations", "CreateOrganization")
    target = {"Type": "ACCOUNT", "Id": ANALYTICS}
    invitation = await world.call(PRODUCTION, "organizations", "InviteAccountToOrganization", Target=target)
    await world.call(ANALYTICS, "organizations", "AcceptHandshake", HandshakeId=invitation["Handshake"]["Id"])
    return str(made["Organization"]["Id"])


async def trusted(world: World) -> str:
    """The same, with CloudTrail's access to it and a bucket that takes its files."""
    found = await organization(world)
    service = "cloudtrail.amazonaws.com"
    await world.call(PRODUCTION, "organizations", "EnableAWSServiceAccess", ServicePrincipal=service)
    await make_bucket(world, PRODUCTION, PRODUCTION)
    own = f"arn:aws:s3:::logs/AWSLogs/{PRODUCTION}/*"
    text = (await world.call(PRODUCTION, "s3", "GetBucketPolicy", Bucket="logs"))["Policy"]
    document = json.loads(text.replace(f'"{own}"', f'["{own}", "arn:aws:s3:::logs/AWSLogs/{found}/*"]'))
    await world.call(PRODUCTION, "s3", "PutBucketPolicy", Bucket="logs", Policy=json.dumps(document))
    return found


async def content(world: World) -> dict[str, Any]:
    world.directory.refresh()
    listed = await world.call(PRODUCTION, "s3", "ListObjectsV2", Bucket="logs")
    found = {}
    for key in (one["Key"] for one in listed.get("Contents") or ()):
        body = (await world.call(PRODUCTION, "s3", "GetObject", Bucket="logs", Key=key))["Body"]
        found[key] = json.loads(gzip.decompress(body))
    return found


@story
async def test_the_events_of_every_member_are_delivered_in_folders_of_their_own(world: World) -> None:
    found = await trusted(world)
    trail = Trail(world)
    made = await world.call(PRODUCTION, "cloudtrail", "CreateTrail", **ORGANIZATION, EnableLogFileValidation=True)
    assert made["IsOrganizationTrail"] is True
    await world.call(PRODUCTION, "cloudtrail", "StartLogging", Name="audit")
    for account in (PRODUCTION, ANALYTICS, STRANGER):
        await trail.call(account, "iam", "CreateUser", UserName=f"of-{account}")
    for _ in range(2):
        world.now += 3600
        world.directory.refresh()
        await deliver_trails(world.system)
    files = await content(world)
    logs = {key.split("/")[2]: file for key, file in files.items() if "/CloudTrail/" in key}
    assert logs.keys() == {PRODUCTION, ANALYTICS}
    assert all(key.startswith(f"AWSLogs/{found}/") for key in files)
    for account, file in logs.items():
        assert [one["requestParameters"]["userName"] for one in file["Records"]] == [f"of-{account}"]
    digests = {key.split("/")[2]: file for key, file in files.items() if "/CloudTrail-Digest/" in key}
    assert {account: file["awsAccountId"] for account, file in digests.items()} == {
        PRODUCTION: PRODUCTION, ANALYTICS: ANALYTICS,
    }  # fmt: skip
    assert len(digests[ANALYTICS]["logFiles"]) == 1


@story
async def test_an_account_that_leaves_is_logged_no_more(world: World) -> None:
    await trusted(world)
    trail = Trail(world)
    await world.call(PRODUCTION, "cloudtrail", "CreateTrail", **ORGANIZATION)
    await world.call(PRODUCTION, "cloudtrail", "StartLogging", Name="audit")
    await trail.call(ANALYTICS, "iam", "CreateUser", UserName="one")
    await world.call(PRODUCTION, "organizations", "RemoveAccountFromOrganization", AccountId=ANALYTICS)
    await trail.call(ANALYTICS, "iam", "CreateUser", UserName="two")
    rows = await world.system.objects.fetch_all("SELECT account FROM trail_queue")
    assert [row[0] for row in rows] == [ANALYTICS]


@story
async def test_only_the_management_account_makes_it_and_only_with_trusted_access(world: World) -> None:
    async def refused(account: str) -> str:
        return (await world.refused(account, "cloudtrail", "CreateTrail", **ORGANIZATION)).code

    assert await refused(PRODUCTION) == "OrganizationsNotInUseException"
    await organization(world)
    assert await refused(ANALYTICS) == "NotOrganizationMasterAccountException"
    assert await refused(PRODUCTION) == "CloudTrailAccessNotEnabledException"
    service = "cloudtrail.amazonaws.com"
    await world.call(PRODUCTION, "organizations", "EnableAWSServiceAccess", ServicePrincipal=service)
    await make_bucket(world, PRODUCTION, PRODUCTION)  # its policy knows nothing of the organization's folder
    assert await refused(PRODUCTION) == "InsufficientS3BucketPolicyException"
    await world.sql("UPDATE organizations SET feature_set = 'CONSOLIDATED_BILLING'")
    assert await refused(PRODUCTION) == "OrganizationNotInAllFeaturesModeException"


@story
async def test_members_see_it_and_cannot_change_it(world: World) -> None:
    await trusted(world)
    await world.call(PRODUCTION, "cloudtrail", "CreateTrail", **ORGANIZATION)
    for named in ("audit", ARN):
        assert (await world.call(ANALYTICS, "cloudtrail", "GetTrail", Name=named))["Trail"]["TrailARN"] == ARN
        for change in ("StartLogging", "StopLogging", "DeleteTrail", "UpdateTrail"):
            error = await world.refused(ANALYTICS, "cloudtrail", change, Name=named)
            assert error.code == "NotOrganizationMasterAccountException"
    for listed in (
        (await world.call(ANALYTICS, "cloudtrail", "DescribeTrails"))["trailList"],
        (await world.call(ANALYTICS, "cloudtrail", "DescribeTrails", trailNameList=[ARN]))["trailList"],
        (await world.call(ANALYTICS, "cloudtrail", "ListTrails"))["Trails"],
    ):
        assert [one["TrailARN"] for one in listed] == [ARN]
    assert (await world.call(STRANGER, "cloudtrail", "ListTrails"))["Trails"] == []
    assert (await world.refused(STRANGER, "cloudtrail", "GetTrail", Name=ARN)).code == "AccessDenied"


@story
async def test_a_trail_can_be_turned_into_one_of_the_organization_and_back(world: World) -> None:
    await trusted(world)
    await world.call(PRODUCTION, "cloudtrail", "CreateTrail", Name="audit", S3BucketName="logs")
    for wanted in (True, False):
        changed = await world.call(PRODUCTION, "cloudtrail", "UpdateTrail", Name="audit", IsOrganizationTrail=wanted)
        assert changed["IsOrganizationTrail"] is wanted
        seen = (await world.call(ANALYTICS, "cloudtrail", "ListTrails"))["Trails"]
        assert bool(seen) is wanted
