"""LookupEvents: what an account finds of its own, and nothing of others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from recording import Trail, attribute

from builders import ANALYTICS, PRODUCTION, START, World, allow, story, trusts
from isthmus.cloudtrail import purge
from isthmus.cloudtrail.events_table import look_up


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


@story
async def test_each_attribute_finds_what_has_it_and_nothing_else(world: World) -> None:
    trail = Trail(world)
    alice = await world.user(PRODUCTION, "alice", allow("*"))
    await trail.call(alice, "iam", "CreateUser", UserName="bob")
    await trail.call(PRODUCTION, "iam", "ListUsers")
    await trail.call(alice, "s3", "CreateBucket", Bucket="reports")
    everything = await trail.lookup(PRODUCTION)
    assert [one["eventName"] for one in everything] == ["CreateBucket", "ListUsers", "CreateUser"]
    for key, value, names in (
        ("EventName", "CreateUser", ["CreateUser"]),
        ("EventName", "DeleteUser", []),
        ("EventId", everything[1]["eventID"], ["ListUsers"]),
        ("ReadOnly", "true", ["ListUsers"]),
        ("ReadOnly", "false", ["CreateBucket", "CreateUser"]),
        ("Username", "alice", ["CreateBucket", "CreateUser"]),
        ("Username", "root", ["ListUsers"]),
        ("ResourceType", "AWS::IAM::User", ["CreateUser"]),
        ("ResourceName", "bob", ["CreateUser"]),
        ("ResourceName", f"arn:aws:iam::{PRODUCTION}:user/bob", ["CreateUser"]),
        ("ResourceName", "reports", ["CreateBucket"]),
        ("EventSource", "s3.amazonaws.com", ["CreateBucket"]),
        ("AccessKeyId", "AKIAIOSFODNN7EXAMPLE", []),
    ):
        found = await trail.lookup(PRODUCTION, **attribute(key, value))
        assert [one["eventName"] for one in found] == names, (key, value)


@story
async def test_an_account_sees_its_own_events_only(world: World) -> None:
    trail = Trail(world)
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="bob")
    (event,) = await trail.lookup(PRODUCTION)
    assert await trail.lookup(ANALYTICS) == []
    assert await trail.lookup(ANALYTICS, **attribute("EventId", event["eventID"])) == []
    assert await trail.lookup(ANALYTICS, **attribute("ResourceName", "bob")) == []


@story
async def test_both_accounts_find_their_side_of_a_role_assumed_and_one_of_a_refusal(world: World) -> None:
    trail = Trail(world)
    alice = await world.user(ANALYTICS, "alice", allow("sts:AssumeRole"))
    role = await world.role(PRODUCTION, "reader", trust=trusts(alice.arn))
    mallory = await world.user(ANALYTICS, "mallory")
    assert await trail.call(alice, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s")
    assert await trail.call(mallory, "sts", "AssumeRole", RoleArn=role.arn, RoleSessionName="s") is None
    wanted = attribute("ResourceName", role.arn)
    refused, good = await trail.lookup(ANALYTICS, **wanted)
    (seen,) = await trail.lookup(PRODUCTION, **wanted)
    assert seen["sharedEventID"] == good["sharedEventID"]
    assert seen["eventID"] != good["eventID"]
    assert (seen["userIdentity"]["type"], good["userIdentity"]["type"]) == ("AWSAccount", "IAMUser")
    assert refused["errorCode"] == "AccessDenied"


@story
async def test_pages_are_whole_and_in_order(world: World) -> None:
    trail = Trail(world)
    names = [f"user-{number}" for number in range(7)]
    for name in names:
        await trail.call(PRODUCTION, "iam", "CreateUser", UserName=name)
    seen: list[str] = []
    token: dict[str, Any] = {}
    sizes = []
    while True:
        page = await world.call(PRODUCTION, "cloudtrail", "LookupEvents", MaxResults=3, **token)
        sizes.append(len(page["Events"]))
        seen += [one["ResourceName"] for event in page["Events"] for one in event["Resources"][:1]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sizes == [3, 3, 1]
    assert seen == names[::-1]


@story
async def test_a_time_range_has_both_its_ends(world: World) -> None:
    trail = Trail(world)
    for seconds in (0.0, 10.5, 20.0):
        world.now = START + seconds
        await trail.call(PRODUCTION, "iam", "CreateUser", UserName=f"at-{seconds}")
    world.now = START + 30
    for start, end, count in ((0, 30, 3), (10, 10, 1), (11, 20, 1), (0, 10, 2), (21, 30, 0)):
        found = await trail.lookup(PRODUCTION, StartTime=moment(start), EndTime=moment(end))
        assert len(found) == count, (start, end)


@story
async def test_events_are_of_the_region_in_which_they_happened(world: World) -> None:
    trail = Trail(world)
    await trail.call(PRODUCTION, "s3", "CreateBucket", Bucket="here",
                     CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})  # fmt: skip
    world.directory.refresh()
    await trail.call(PRODUCTION, "s3", "GetBucketVersioning", Bucket="here")
    assert [one["eventName"] for one in await trail.lookup(PRODUCTION)] == ["CreateBucket"]
    call = await world.new_call(PRODUCTION, "cloudtrail", "LookupEvents")
    call.region = "eu-west-1"
    found = await call.operation.execute(call)
    assert [one["EventName"] for one in found["Events"]] == ["GetBucketVersioning"]


@story
async def test_data_events_are_not_in_the_history(world: World) -> None:
    trail = Trail(world)
    await trail.call(PRODUCTION, "s3", "CreateBucket", Bucket="reports")
    await trail.call(PRODUCTION, "s3", "ListObjectsV2", Bucket="reports")
    assert [one["eventName"] for one in await trail.lookup(PRODUCTION)] == ["CreateBucket"]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "a"}] * 2},
         "InvalidLookupAttributesException"),
        (attribute("ReadOnly", "yes"), "InvalidLookupAttributesException"),
        ({"StartTime": moment(2), "EndTime": moment(1)}, "InvalidTimeRangeException"),
        ({"NextToken": "nonsense"}, "InvalidNextTokenException"),
        ({"NextToken": "WyJhIl0="}, "InvalidNextTokenException"),
    ],
)  # fmt: skip
def test_what_is_refused(members: Any, code: str, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        assert (await world.refused(PRODUCTION, "cloudtrail", "LookupEvents", **members)).code == code

    tell(tmp_path)


@story
async def test_looking_needs_permission(world: World) -> None:
    bob = await world.user(PRODUCTION, "bob", allow("cloudtrail:LookupEvents"))
    carol = await world.user(PRODUCTION, "carol")
    assert (await world.call(bob, "cloudtrail", "LookupEvents"))["Events"] == []
    assert (await world.refused(carol, "cloudtrail", "LookupEvents")).code == "AccessDenied"


@story
async def test_the_history_is_of_ninety_days(world: World) -> None:
    trail = Trail(world)
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="old")
    world.now += 89 * 86400
    await trail.call(PRODUCTION, "iam", "CreateUser", UserName="new")
    assert await purge(world.system.objects, world.now) == 0
    assert len(await trail.lookup(PRODUCTION)) == 2
    world.now += 2 * 86400
    assert len(await trail.lookup(PRODUCTION)) == 1
    assert await purge(world.system.objects, world.now) == 1
    rows = await world.system.objects.fetch_all("SELECT value FROM trail_event_resources WHERE kind = 'n'")
    assert {row[0] for row in rows} == {"new", f"arn:aws:iam::{PRODUCTION}:user/new"}


class Explaining:
    """A reader that answers how a query would be answered."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    async def fetch_all(self, sql: str, *values: Any) -> Any:
        return await self.reader.fetch_all(f"EXPLAIN QUERY PLAN {sql}", *values)


@story
async def test_each_lookup_walks_along_an_index_in_the_order_of_time(world: World) -> None:
    for key, index in (
        (None, "trail_events_by_time"),
        ("EventName", "trail_events_by_name"),
        ("Username", "trail_events_by_username"),
        ("AccessKeyId", "trail_events_by_access_key"),
        ("EventSource", "trail_events_by_source"),
        ("EventId", "trail_events_by_event_id"),
        ("ReadOnly", "trail_events_by_time"),
        ("ResourceName", "sqlite_autoindex_trail_event_resources_1"),
        ("ResourceType", "sqlite_autoindex_trail_event_resources_1"),
    ):
        reader: Any = Explaining(world.system.objects)
        attribute_asked = None if key is None else (key, "value")
        plan = str(await look_up(reader, PRODUCTION, "us-east-1", attribute_asked, 0.0, 9.0, (5.0, 1), 50))
        assert f"INDEX {index} " in plan, (key, plan)
        assert "TEMP B-TREE" not in plan, (key, plan)
