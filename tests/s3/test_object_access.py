"""Which permissions reading and writing objects needs, and what is told to those who lack them."""

from __future__ import annotations

from object_builders import bucket, content, refusal, s3

from builders import ANALYTICS, PRODUCTION, World, allow, deny, story


@story
async def test_a_missing_key_is_only_told_to_those_who_may_list(world: World) -> None:
    await bucket(world, "photos")
    reader = await world.user(PRODUCTION, "reader", allow("s3:GetObject"))
    lister = await world.user(PRODUCTION, "lister", allow(["s3:GetObject", "s3:ListBucket"]))
    assert (await refusal(world, "GetObject", who=reader, Bucket="photos", Key="no")).status == 403
    error = await refusal(world, "GetObject", who=lister, Bucket="photos", Key="no")
    assert (error.code, error.status, error.extra["Key"]) == ("NoSuchKey", 404, "no")
    assert (await refusal(world, "GetObject", who=ANALYTICS, Bucket="photos", Key="no")).status == 403


@story
async def test_a_version_needs_the_version_action_and_only_that(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    version = (await s3(world, "PutObject", Bucket="photos", Key="a", body=b"x"))["VersionId"]
    plain = await world.user(PRODUCTION, "plain", allow("s3:GetObject"))
    historian = await world.user(PRODUCTION, "historian", allow("s3:GetObjectVersion"))
    assert await content(world, "photos", "a", who=plain) == b"x"
    assert await content(world, "photos", "a", who=historian, VersionId=version) == b"x"
    for who, members in ((plain, {"VersionId": version}), (historian, {})):
        error = await refusal(world, "GetObject", who=who, Bucket="photos", Key="a", **members)
        assert error.code == "AccessDenied"


@story
async def test_the_number_of_tags_is_only_told_to_those_who_may_read_them(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a", Tagging="team=data&x=")
    blind = await world.user(PRODUCTION, "blind", allow("s3:GetObject"))
    seeing = await world.user(PRODUCTION, "seeing", allow(["s3:GetObject", "s3:GetObjectTagging"]))
    assert "TagCount" not in await s3(world, "HeadObject", who=blind, Bucket="photos", Key="a")
    assert (await s3(world, "HeadObject", who=seeing, Bucket="photos", Key="a"))["TagCount"] == 2
    assert (await refusal(world, "GetObjectTagging", who=blind, Bucket="photos", Key="a")).status == 403


@story
async def test_extra_headers_need_extra_permissions(world: World) -> None:
    await bucket(world, "photos", ownership="ObjectWriter")
    writer = await world.user(PRODUCTION, "writer", allow("s3:PutObject"))
    await s3(world, "PutObject", who=writer, Bucket="photos", Key="a")
    for members in ({"Tagging": "a=b"}, {"ACL": "private"}):
        error = await refusal(world, "PutObject", who=writer, Bucket="photos", Key="a", **members)
        assert error.code == "AccessDenied"


@story
async def test_an_acl_shows_its_owner_and_can_be_replaced_where_acls_count(world: World) -> None:
    await bucket(world, "photos")
    await bucket(world, "old", ownership="ObjectWriter")
    for name in ("photos", "old"):
        await s3(world, "PutObject", Bucket=name, Key="a")
        shown = await s3(world, "GetObjectAcl", Bucket=name, Key="a")
        assert [grant["Permission"] for grant in shown["Grants"]] == ["FULL_CONTROL"]
    await s3(world, "PutObjectAcl", Bucket="old", Key="a", ACL="public-read")
    assert await content(world, "old", "a", who=None) == b""
    error = await refusal(world, "PutObjectAcl", Bucket="photos", Key="a", ACL="public-read")
    assert error.code == "AccessControlListNotSupported"


@story
async def test_a_missing_object_is_told_of_to_those_who_may_list_its_name(world: World) -> None:
    await bucket(world, "photos")
    arn = "arn:aws:s3:::photos"
    below = {"StringLike": {"s3:prefix": "public/*"}}
    lister = await world.user(PRODUCTION, "lister", allow("s3:ListBucket", arn))
    partly = await world.user(PRODUCTION, "partly", allow("s3:ListBucket", arn, Condition=below))
    reader = await world.user(PRODUCTION, "reader", allow("s3:GetObject", f"{arn}/*"))
    denied = await world.user(PRODUCTION, "denied", allow("s3:ListBucket", arn), deny("s3:GetObject", f"{arn}/*"))
    expected = {"lister": ("NoSuchKey", "NoSuchKey"), "partly": ("NoSuchKey", "AccessDenied")}
    for who in (lister, partly, reader, denied):
        for name in ("GetObject", "HeadObject"):
            answers = [
                await refusal(world, name, Bucket="photos", Key=key, who=who) for key in ("public/a", "private/a")
            ]
            assert tuple(answer.code for answer in answers) == expected.get(who.name, ("AccessDenied", "AccessDenied"))
            for answer in answers:
                header = answer.headers.get("x-amz-delete-marker")
                assert header == ("false" if answer.code == "NoSuchKey" else None)


@story
async def test_what_is_there_is_refused_to_those_who_may_only_list(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="a")
    lister = await world.user(PRODUCTION, "lister", allow("s3:ListBucket", "arn:aws:s3:::photos"))
    assert (await refusal(world, "GetObject", Bucket="photos", Key="a", who=lister)).code == "AccessDenied"


@story
async def test_comparing_the_entity_tag_before_writing_needs_leave_to_read(world: World) -> None:
    await bucket(world, "photos")
    key = {"Bucket": "photos", "Key": "a"}
    etag = (await s3(world, "PutObject", **key, body=b"one"))["ETag"]
    writer = await world.user(PRODUCTION, "writer", allow("s3:PutObject"))
    both = await world.user(PRODUCTION, "both", allow(["s3:PutObject", "s3:GetObject"]))
    for name, more in (
        ("PutObject", {}),
        ("CopyObject", {"CopySource": "photos/b"}),
        ("CompleteMultipartUpload", {"UploadId": "none"}),
    ):
        for said in (etag, '"guessed"'):  # the answer does not tell them apart
            error = await refusal(world, name, who=writer, **key, **more, IfMatch=said)
            assert (error.code, error.status) == ("AccessDenied", 403), name
            assert (await refusal(world, name, who=writer, **key, **more, IfNoneMatch=said)).code == "AccessDenied"
    assert (await refusal(world, "PutObject", who=writer, **key, IfNoneMatch="*")).code == "PreconditionFailed"
    assert (await refusal(world, "PutObject", who=both, **key, IfMatch='"guessed"')).code == "PreconditionFailed"
    await s3(world, "PutObject", who=both, **key, body=b"two", IfMatch=etag)
    await s3(world, "PutObject", who=writer, **key, body=b"three")


@story
async def test_comparing_the_entity_tag_before_deleting_needs_leave_to_read(world: World) -> None:
    await bucket(world, "photos")
    etag = {key: (await s3(world, "PutObject", Bucket="photos", Key=key, body=b"x"))["ETag"] for key in "abcd"}
    cleaner = await world.user(PRODUCTION, "cleaner", allow("s3:DeleteObject"))
    both = await world.user(PRODUCTION, "both", allow(["s3:DeleteObject", "s3:GetObject"]))
    error = await refusal(world, "DeleteObject", who=cleaner, Bucket="photos", Key="a", IfMatch=etag["a"])
    assert error.code == "AccessDenied"
    await s3(world, "DeleteObject", who=both, Bucket="photos", Key="a", IfMatch=etag["a"])
    await s3(world, "DeleteObject", who=cleaner, Bucket="photos", Key="b", IfMatch="*")
    several = {"Objects": [{"Key": "c", "ETag": etag["c"]}, {"Key": "d"}]}
    answer = await s3(world, "DeleteObjects", who=cleaner, Bucket="photos", Delete=several)
    assert [entry["Key"] for entry in answer["Deleted"]] == ["d"]
    assert [(entry["Key"], entry["Code"]) for entry in answer["Errors"]] == [("c", "AccessDenied")]
    answer = await s3(world, "DeleteObjects", who=both, Bucket="photos", Delete=several)
    assert [entry["Key"] for entry in answer["Deleted"]] == ["c", "d"]
