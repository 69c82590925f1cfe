"""Buckets are one name space over all accounts; each belongs to one account and is its to open or delete."""

from __future__ import annotations

import pytest

from builders import ANALYTICS, PRODUCTION, World, allow, story
from isthmus import s3

assert s3.buckets  # fills the table of operations


def _constraint(region: str) -> dict[str, str]:
    return {"LocationConstraint": region}


@story
async def test_a_new_bucket_is_private_and_blocks_public_access(world: World) -> None:
    assert await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos") == {"Location": "/photos"}
    block = await world.call(PRODUCTION, "s3", "GetPublicAccessBlock", Bucket="photos")
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}
    controls = await world.call(PRODUCTION, "s3", "GetBucketOwnershipControls", Bucket="photos")
    assert controls["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert await world.call(PRODUCTION, "s3", "GetBucketVersioning", Bucket="photos") == {}
    head = await world.call(PRODUCTION, "s3", "HeadBucket", Bucket="photos")
    assert (head["BucketRegion"], head["AccessPointAlias"]) == ("us-east-1", False)
    acl = await world.call(PRODUCTION, "s3", "GetBucketAcl", Bucket="photos")
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]


@story
async def test_strangers_cannot_see_it_but_learn_that_a_name_is_free(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    assert (await world.refused(ANALYTICS, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    assert (await world.refused(None, "s3", "HeadBucket", Bucket="photos")).code == "AccessDenied"
    error = await world.refused(None, "s3", "HeadBucket", Bucket="nothing-here")
    assert (error.code, error.status, error.extra) == ("NoSuchBucket", 404, {"BucketName": "nothing-here"})
    assert error.message == "The specified bucket does not exist"


@story
async def test_a_name_taken_by_another_account_stays_taken(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    error = await world.refused(ANALYTICS, "s3", "CreateBucket", Bucket="photos")
    assert (error.code, error.status) == ("BucketAlreadyExists", 409)
    assert await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos") == {"Location": "/photos"}


@story
async def test_outside_us_east_1_an_owner_cannot_repeat_the_creation(world: World) -> None:
    wanted = _constraint("eu-central-1")
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="fotos", CreateBucketConfiguration=wanted)
    error = await world.refused(PRODUCTION, "s3", "CreateBucket", Bucket="fotos", CreateBucketConfiguration=wanted)
    assert (error.code, error.status) == ("BucketAlreadyOwnedByYou", 409)


@pytest.mark.parametrize("name", ["ab", "Photos", "a..b", "192.168.0.1", "a_b", "x" * 64])
def test_bad_names_are_refused(name: str, tmp_path: object) -> None:
    @story
    async def run(world: World) -> None:
        error = await world.refused(PRODUCTION, "s3", "CreateBucket", Bucket=name)
        assert (error.code, error.message) == ("InvalidBucketName", "The specified bucket is not valid.")

    run(tmp_path)  # type: ignore[arg-type]


@story
async def test_locations_are_told_as_they_were_given(world: World) -> None:
    for name, wanted, region in [("old", "EU", "eu-west-1"), ("new", "ap-southeast-7", "ap-southeast-7")]:
        bucket = f"bucket-{name}"
        await world.call(PRODUCTION, "s3", "CreateBucket", Bucket=bucket, CreateBucketConfiguration=_constraint(wanted))
        location = await world.call(PRODUCTION, "s3", "GetBucketLocation", Bucket=bucket)
        assert location == {"LocationConstraint": wanted}
        assert (await world.call(PRODUCTION, "s3", "HeadBucket", Bucket=bucket))["BucketRegion"] == region
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    location = await world.call(PRODUCTION, "s3", "GetBucketLocation", Bucket="photos")
    assert location == {"LocationConstraint": ""}
    for wanted in ("us-east-1", "mars-north-1"):
        error = await world.refused(
            PRODUCTION, "s3", "CreateBucket", Bucket="more", CreateBucketConfiguration=_constraint(wanted)
        )
        assert error.code == "InvalidLocationConstraint"


@story
async def test_creating_needs_permission_for_each_thing_asked(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:CreateBucket", "*"))
    await world.call(alice, "s3", "CreateBucket", Bucket="photos")
    tags = {"Tags": [{"Key": "team", "Value": "data"}]}
    for more in (
        {"ObjectOwnership": "ObjectWriter"},
        {"ObjectLockEnabledForBucket": True},
        {"ACL": "authenticated-read"},
        {"CreateBucketConfiguration": tags},
    ):
        error = await world.refused(alice, "s3", "CreateBucket", Bucket="more", **more)
        assert error.code == "AccessDenied"
    bob = await world.user(PRODUCTION, "bob", allow("s3:*", "*"))
    await world.call(bob, "s3", "CreateBucket", Bucket="more", CreateBucketConfiguration=tags)
    assert (await world.call(bob, "s3", "GetBucketTagging", Bucket="more"))["TagSet"] == tags["Tags"]
    carol = await world.user(PRODUCTION, "carol")
    assert (await world.refused(carol, "s3", "CreateBucket", Bucket="again")).code == "AccessDenied"


@story
async def test_a_new_bucket_takes_no_public_acl_and_none_while_acls_are_off(world: World) -> None:
    error = await world.refused(PRODUCTION, "s3", "CreateBucket", Bucket="photos", ACL="public-read")
    assert error.code == "InvalidBucketAclWithObjectOwnership"
    error = await world.refused(
        PRODUCTION, "s3", "CreateBucket", Bucket="photos", ACL="public-read", ObjectOwnership="ObjectWriter"
    )
    assert (error.code, "BlockPublicAcls" in error.message) == ("AccessDenied", True)
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos", ACL="private")


@story
async def test_listing_shows_the_accounts_own_buckets_page_by_page(world: World) -> None:
    for name in ("data-c", "data-a", "other", "data-b"):
        await world.call(PRODUCTION, "s3", "CreateBucket", Bucket=name)
    await world.call(ANALYTICS, "s3", "CreateBucket", Bucket="data-d")
    everything = await world.call(PRODUCTION, "s3", "ListBuckets")
    assert [b["Name"] for b in everything["Buckets"]] == ["data-a", "data-b", "data-c", "other"]
    page = await world.call(PRODUCTION, "s3", "ListBuckets", Prefix="data-", MaxBuckets=2)
    assert [b["Name"] for b in page["Buckets"]] == ["data-a", "data-b"]
    rest = await world.call(
        PRODUCTION, "s3", "ListBuckets", Prefix="data-", ContinuationToken=page["ContinuationToken"]
    )
    assert [b["Name"] for b in rest["Buckets"]] == ["data-c"]
    assert "ContinuationToken" not in rest
    assert (await world.refused(PRODUCTION, "s3", "ListBuckets", MaxBuckets=0)).code == "InvalidArgument"
    assert (await world.refused(PRODUCTION, "s3", "ListBuckets", ContinuationToken="?")).code == "InvalidArgument"
    nobody = await world.user(PRODUCTION, "nobody")
    assert (await world.refused(nobody, "s3", "ListBuckets")).code == "AccessDenied"


@story
async def test_only_an_empty_bucket_can_be_deleted(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    world.directory.refresh()
    bucket = await world.directory.bucket("photos")
    assert bucket is not None

    async def add(tx: object) -> None:
        await tx.execute(  # type: ignore[attr-defined]
            "INSERT INTO object_versions (bucket_id, key, sequence, version_id, is_current, is_delete_marker,"
            " size, etag, modified, owner, storage_class, metadata)"
            " VALUES (?, ?, 1, 'null', 1, 1, 0, '', 0, ?, '', '{}')",
            bucket.id, b"k", PRODUCTION,
        )  # fmt: skip

    await world.system.objects.write(add)
    error = await world.refused(PRODUCTION, "s3", "DeleteBucket", Bucket="photos")
    assert (error.code, error.status) == ("BucketNotEmpty", 409)
    assert error.message == "The bucket you tried to delete is not empty"

    async def empty(tx: object) -> None:
        await tx.execute("DELETE FROM object_versions")  # type: ignore[attr-defined]
        await tx.execute(  # type: ignore[attr-defined]
            "INSERT INTO uploads VALUES ('u', ?, ?, 0, 'arn', ?, ?, '{}')",
            bucket.id,
            b"k",
            PRODUCTION,
            PRODUCTION,
        )
        await tx.execute("INSERT INTO upload_parts VALUES ('u', 1, 5, '', NULL, NULL, 'c1', 0)")  # type: ignore[attr-defined]

    await world.system.objects.write(empty)
    assert (await world.refused(ANALYTICS, "s3", "DeleteBucket", Bucket="photos")).code == "AccessDenied"
    await world.call(PRODUCTION, "s3", "DeleteBucket", Bucket="photos")
    assert (await world.refused(PRODUCTION, "s3", "HeadBucket", Bucket="photos")).code == "NoSuchBucket"
    assert await world.system.objects.fetch_all("SELECT content FROM unnamed_contents") == [("c1",)]
    assert await world.system.objects.fetch_all("SELECT * FROM live_buckets") == []
    await world.call(ANALYTICS, "s3", "CreateBucket", Bucket="photos")


@story
async def test_a_deletion_that_was_cut_off_can_be_repeated(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")

    async def half(tx: object) -> None:
        await tx.execute("DELETE FROM live_buckets")  # type: ignore[attr-defined]

    await world.system.objects.write(half)
    await world.call(PRODUCTION, "s3", "DeleteBucket", Bucket="photos")
    assert (await world.refused(PRODUCTION, "s3", "HeadBucket", Bucket="photos")).code == "NoSuchBucket"


@story
async def test_the_expected_owner_must_own_it(world: World) -> None:
    await world.call(PRODUCTION, "s3", "CreateBucket", Bucket="photos")
    await world.call(PRODUCTION, "s3", "HeadBucket", Bucket="photos", ExpectedBucketOwner=PRODUCTION)
    error = await world.refused(PRODUCTION, "s3", "HeadBucket", Bucket="photos", ExpectedBucketOwner=ANALYTICS)
    assert (error.code, error.message) == ("AccessDenied", "Access Denied")
    for nobody in ("production", PRODUCTION[:-1]):
        error = await world.refused(PRODUCTION, "s3", "HeadBucket", Bucket="photos", ExpectedBucketOwner=nobody)
        assert (error.code, error.status) == ("InvalidBucketOwnerAWSAccountID", 400)
        error = await world.refused(None, "s3", "HeadBucket", Bucket="photos", ExpectedBucketOwner=nobody)
        assert (error.code, error.status) == ("AccessDenied", 403)
