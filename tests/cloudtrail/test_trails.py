"""Trails as the API sees them, and each of AWS's refusals."""

from __future__ import annotations

from typing import Any

import pytest
from recording import bucket_policy, make_bucket, make_trail

from builders import ANALYTICS, PRODUCTION, World, allow, story

SELECTOR = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]


def arn(name: str = "audit", region: str = "us-east-1", account: str = PRODUCTION) -> str:
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


async def in_region(world: World, region: str, name: str, **members: Any) -> Any:
    """A call of Production's root in another region."""
    call = await world.new_call(PRODUCTION, "cloudtrail", name, **members)
    call.region = region
    for permission in call.operation.permissions:
        await permission.on(call)
    return await call.operation.execute(call)


@story
async def test_a_trail_is_made_shown_changed_and_removed(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION, prefix="audit/")
    made = await world.call(
        PRODUCTION, "cloudtrail", "CreateTrail", Name="audit", S3BucketName="logs", S3KeyPrefix="audit",
        IsMultiRegionTrail=True, EnableLogFileValidation=True, TagsList=[{"Key": "team", "Value": "security"}],
    )  # fmt: skip
    settings = {
        "Name": "audit", "S3BucketName": "logs", "S3KeyPrefix": "audit", "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": True, "TrailARN": arn(), "LogFileValidationEnabled": True, "KmsKeyId": None,
        "IsOrganizationTrail": False, "RecursiveLogging": False,
    }  # fmt: skip
    assert made == settings
    described = settings | {"HomeRegion": "us-east-1", "HasCustomEventSelectors": False, "HasInsightSelectors": False}
    assert (await world.call(PRODUCTION, "cloudtrail", "GetTrail", Name=arn()))["Trail"] == described
    assert (await world.call(PRODUCTION, "cloudtrail", "DescribeTrails"))["trailList"] == [described]
    listed = {"TrailARN": arn(), "Name": "audit", "HomeRegion": "us-east-1"}
    assert (await world.call(PRODUCTION, "cloudtrail", "ListTrails"))["Trails"] == [listed]
    changed = await world.call(PRODUCTION, "cloudtrail", "UpdateTrail", Name="audit", EnableLogFileValidation=False)
    assert changed == settings | {"LogFileValidationEnabled": False}
    await world.call(PRODUCTION, "cloudtrail", "DeleteTrail", Name="audit")
    assert (await world.call(PRODUCTION, "cloudtrail", "DescribeTrails"))["trailList"] == []
    error = await world.refused(PRODUCTION, "cloudtrail", "GetTrail", Name="audit")
    assert error.code == "TrailNotFoundException"
    assert await world.directory.tags(arn()) == {}


@story
async def test_the_bucket_s_policy_decides_whether_a_trail_may_be_made(world: World) -> None:
    make = {"Name": "audit", "S3BucketName": "logs"}
    assert (
        await world.refused(PRODUCTION, "cloudtrail", "CreateTrail", **make)
    ).code == "S3BucketDoesNotExistException"
    await world.call(ANALYTICS, "s3", "CreateBucket", Bucket="logs")
    insufficient = "InsufficientS3BucketPolicyException"
    assert (await world.refused(PRODUCTION, "cloudtrail", "CreateTrail", **make)).code == insufficient
    for text in (
        bucket_policy("logs", ANALYTICS),
        bucket_policy("logs", PRODUCTION, prefix="elsewhere/"),
        bucket_policy("logs", PRODUCTION, **{"aws:SourceAccount": ANALYTICS}),
        bucket_policy("logs", PRODUCTION).replace("s3:GetBucketAcl", "s3:GetBucketPolicy"),
        bucket_policy("logs", PRODUCTION).replace("cloudtrail.amazonaws.com", "logging.s3.amazonaws.com"),
        bucket_policy("logs", PRODUCTION).replace("trail/*", "trail/other"),
    ):
        await world.call(ANALYTICS, "s3", "PutBucketPolicy", Bucket="logs", Policy=text)
        assert (await world.refused(PRODUCTION, "cloudtrail", "CreateTrail", **make)).code == insufficient, text
    good = bucket_policy("logs", PRODUCTION, **{"aws:SourceAccount": PRODUCTION})
    await world.call(ANALYTICS, "s3", "PutBucketPolicy", Bucket="logs", Policy=good)
    assert (await world.call(PRODUCTION, "cloudtrail", "CreateTrail", **make))["TrailARN"] == arn()
    error = await world.refused(PRODUCTION, "cloudtrail", "UpdateTrail", Name="audit", S3KeyPrefix="elsewhere")
    assert error.code == insufficient
    assert (await world.call(PRODUCTION, "cloudtrail", "GetTrail", Name="audit"))["Trail"]["S3KeyPrefix"] is None


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Name": "ab"}, "InvalidTrailNameException"),
        ({"Name": "audit-"}, "InvalidTrailNameException"),
        ({"Name": "au--dit"}, "InvalidTrailNameException"),
        ({"Name": "192.168.5.4"}, "InvalidTrailNameException"),
        ({"Name": "a b c"}, "InvalidTrailNameException"),
        ({"S3BucketName": "No"}, "InvalidS3BucketNameException"),
        ({"S3KeyPrefix": "/x"}, "InvalidS3PrefixException"),
        ({"S3KeyPrefix": "x" * 201}, "InvalidS3PrefixException"),
        ({"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": False}, "InvalidParameterCombinationException"),
        ({"SnsTopicName": "topic"}, "UnsupportedOperationException"),
        ({"CloudWatchLogsLogGroupArn": "arn"}, "CloudWatchLogsDeliveryUnavailableException"),
        ({"IsOrganizationTrail": True}, "OrganizationsNotInUseException"),
        ({"RecursiveLogging": True}, "UnsupportedOperationException"),
        ({"TagsList": [{"Key": "aws:x", "Value": "y"}]}, "InvalidTagParameterException"),
        ({"TagsList": [{"Key": f"k{number}", "Value": ""} for number in range(51)]}, "TagsLimitExceededException"),
    ],
)
def test_trails_that_are_refused(members: Any, code: str, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        await make_bucket(world, PRODUCTION, PRODUCTION)
        given = {"Name": "audit", "S3BucketName": "logs"} | members
        assert (await world.refused(PRODUCTION, "cloudtrail", "CreateTrail", **given)).code == code
        assert (await world.call(PRODUCTION, "cloudtrail", "ListTrails"))["Trails"] == []

    tell(tmp_path)


@story
async def test_names_are_taken_once_and_a_region_has_five_trails(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    for number in range(5):
        await make_trail(world, PRODUCTION, f"audit-{number}")
    make = {"Name": "audit-0", "S3BucketName": "logs"}
    assert (await world.refused(PRODUCTION, "cloudtrail", "CreateTrail", **make)).code == "TrailAlreadyExistsException"
    make["Name"] = "audit-5"
    error = await world.refused(PRODUCTION, "cloudtrail", "CreateTrail", **make)
    assert error.code == "MaximumNumberOfTrailsExceededException"


@story
async def test_a_trail_of_all_regions_is_seen_everywhere_and_changed_at_home(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION, "everywhere", IsMultiRegionTrail=True)
    await make_trail(world, PRODUCTION, "here")
    shown = await in_region(world, "eu-west-1", "DescribeTrails")
    assert [one["Name"] for one in shown["trailList"]] == ["everywhere"]
    shown = await in_region(world, "eu-west-1", "DescribeTrails", includeShadowTrails=False)
    assert shown["trailList"] == []
    shown = await in_region(world, "eu-west-1", "DescribeTrails", trailNameList=["everywhere", "here", "none"])
    assert [one["HomeRegion"] for one in shown["trailList"]] == ["us-east-1"]
    for name in ("StopLogging", "DeleteTrail"):
        with pytest.raises(Exception, match="InvalidHomeRegionException"):
            await in_region(world, "eu-west-1", name, Name="everywhere")
    with pytest.raises(Exception, match="TrailNotFoundException"):
        await in_region(world, "eu-west-1", "GetTrail", Name="here")


@story
async def test_logging_is_started_and_stopped(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await world.call(PRODUCTION, "cloudtrail", "CreateTrail", Name="audit", S3BucketName="logs")
    status = await world.call(PRODUCTION, "cloudtrail", "GetTrailStatus", Name="audit")
    assert (status["IsLogging"], status["StartLoggingTime"], status["TimeLoggingStarted"]) == (False, None, "")
    await world.call(PRODUCTION, "cloudtrail", "StartLogging", Name="audit")
    world.now += 60
    await world.call(PRODUCTION, "cloudtrail", "StartLogging", Name=arn())
    status = await world.call(PRODUCTION, "cloudtrail", "GetTrailStatus", Name="audit")
    assert (status["IsLogging"], status["TimeLoggingStarted"]) == (True, "2027-01-15T08:00:00Z")
    await world.call(PRODUCTION, "cloudtrail", "StopLogging", Name="audit")
    status = await world.call(PRODUCTION, "cloudtrail", "GetTrailStatus", Name="audit")
    assert (status["IsLogging"], status["TimeLoggingStopped"]) == (False, "2027-01-15T08:01:00Z")


@story
async def test_selectors_are_kept_as_they_were_put(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION)
    shown = await world.call(PRODUCTION, "cloudtrail", "GetEventSelectors", TrailName="audit")
    assert shown["EventSelectors"][0]["ReadWriteType"] == "All"
    put = await world.call(PRODUCTION, "cloudtrail", "PutEventSelectors", TrailName="audit", EventSelectors=SELECTOR)
    assert put["EventSelectors"][0] | SELECTOR[0] == put["EventSelectors"][0]
    advanced = [{"Name": "all", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
    await world.call(
        PRODUCTION, "cloudtrail", "PutEventSelectors", TrailName="audit", AdvancedEventSelectors=advanced
    )  # fmt: skip
    shown = await world.call(PRODUCTION, "cloudtrail", "GetEventSelectors", TrailName="audit")
    assert shown == {"TrailARN": arn(), "EventSelectors": None, "AdvancedEventSelectors": advanced}
    described = await world.call(PRODUCTION, "cloudtrail", "GetTrail", Name="audit")
    assert described["Trail"]["HasCustomEventSelectors"] is True
    for both in ({}, {"EventSelectors": SELECTOR, "AdvancedEventSelectors": advanced}):
        error = await world.refused(PRODUCTION, "cloudtrail", "PutEventSelectors", TrailName="audit", **both)
        assert error.code == "InvalidEventSelectorsException"


@story
async def test_tags_are_added_listed_and_removed(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION)
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    await world.call(PRODUCTION, "cloudtrail", "AddTags", ResourceId=arn(), TagsList=tags)
    listed = await world.call(PRODUCTION, "cloudtrail", "ListTags", ResourceIdList=[arn()])
    assert listed["ResourceTagList"] == [{"ResourceId": arn(), "TagsList": tags}]
    await world.call(PRODUCTION, "cloudtrail", "RemoveTags", ResourceId=arn(), TagsList=[{"Key": "a"}])
    other = [{"Key": "b", "Value": "another"}]
    await world.call(PRODUCTION, "cloudtrail", "RemoveTags", ResourceId=arn(), TagsList=other)
    listed = await world.call(PRODUCTION, "cloudtrail", "ListTags", ResourceIdList=[arn()])
    assert listed["ResourceTagList"][0]["TagsList"] == tags[1:]
    error = await world.refused(PRODUCTION, "cloudtrail", "AddTags", ResourceId=arn("none"), TagsList=tags)
    assert error.code == "ResourceNotFoundException"
    twice = [{"Key": "a"}, {"Key": "A"}]
    error = await world.refused(PRODUCTION, "cloudtrail", "AddTags", ResourceId=arn(), TagsList=twice)
    assert error.code == "InvalidTagParameterException"


@story
async def test_trails_are_allowed_by_arn_tag_and_action(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION, "mine", TagsList=[{"Key": "team", "Value": "security"}])
    await make_trail(world, PRODUCTION, "theirs")
    by_arn = await world.user(PRODUCTION, "by-arn", allow("cloudtrail:*", arn("mine")))
    by_tag = await world.user(
        PRODUCTION, "by-tag",
        allow("cloudtrail:GetTrail", Condition={"StringEquals": {"aws:ResourceTag/team": "security"}}),
    )  # fmt: skip
    for who in (by_arn, by_tag):
        assert (await world.call(who, "cloudtrail", "GetTrail", Name="mine"))["Trail"]["Name"] == "mine"
        assert (await world.refused(who, "cloudtrail", "GetTrail", Name="theirs")).code == "AccessDenied"
        assert (await world.refused(who, "cloudtrail", "GetTrail", Name="none")).code == "AccessDenied"
        assert (await world.refused(who, "cloudtrail", "DescribeTrails")).code == "AccessDenied"
    assert (await world.refused(by_tag, "cloudtrail", "StopLogging", Name="mine")).code == "AccessDenied"
    both = [arn("mine"), arn("theirs")]
    assert (await world.refused(by_arn, "cloudtrail", "ListTags", ResourceIdList=both)).code == "AccessDenied"
    make = {"Name": "third", "S3BucketName": "logs"}
    maker = await world.user(PRODUCTION, "maker", allow("cloudtrail:CreateTrail"))
    tagged = make | {"TagsList": [{"Key": "a", "Value": "b"}]}
    assert (await world.refused(maker, "cloudtrail", "CreateTrail", **tagged)).code == "AccessDenied"
    assert (await world.call(maker, "cloudtrail", "CreateTrail", **make))["Name"] == "third"


@story
async def test_the_trail_of_another_account_is_its_own_business(world: World) -> None:
    await make_bucket(world, PRODUCTION, PRODUCTION)
    await make_trail(world, PRODUCTION)
    for name in ("GetTrail", "StopLogging", "DeleteTrail", "GetTrailStatus"):
        assert (await world.refused(ANALYTICS, "cloudtrail", name, Name=arn())).code == "AccessDenied"
    shown = await world.call(ANALYTICS, "cloudtrail", "DescribeTrails", trailNameList=[arn()])
    assert shown["trailList"] == []
    error = await world.refused(PRODUCTION, "cloudtrail", "GetTrail", Name="arn:aws:s3:::logs")
    assert error.code == "CloudTrailARNInvalidException"
