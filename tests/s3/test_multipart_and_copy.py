"""Multipart uploads and copies."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import pytest
from object_builders import bucket, content, refusal, rows, s3

from builders import ANALYTICS, PRODUCTION, World, allow, deny, policy, statement, story
from isthmus.s3.checksums import Checksum
from isthmus.store import Transaction

MIB = 1024 * 1024
FIVE = b"a" * (5 * MIB)
TAIL = b"the end"
KEY: dict[str, Any] = {"Bucket": "photos", "Key": "film"}


async def begin(world: World, **more: Any) -> str:
    answer = await s3(world, "CreateMultipartUpload", **{**KEY, **more})
    upload: str = answer["UploadId"]
    return upload


async def part(world: World, upload: str, number: int, body: bytes, **more: Any) -> dict[str, Any]:
    answer = await s3(world, "UploadPart", **KEY, UploadId=upload, PartNumber=number, body=body, **more)
    return {"PartNumber": number, "ETag": answer["ETag"]}


async def complete(world: World, upload: str, parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return await s3(world, "CompleteMultipartUpload", **KEY, UploadId=upload, MultipartUpload={"Parts": parts}, **more)


async def not_completed(world: World, upload: str, parts: list[dict[str, Any]], **more: Any) -> str:
    error = await refusal(
        world, "CompleteMultipartUpload", **KEY, UploadId=upload, MultipartUpload={"Parts": parts}, **more
    )
    return error.code


@story
async def test_parts_become_an_object_with_the_settings_of_its_creation(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world, ContentType="video/mp4", Tagging="kind=film", Metadata={"by": "me"})
    parts = [await part(world, upload, 2, FIVE), await part(world, upload, 7, TAIL)]
    answer = await complete(world, upload, parts, MpuObjectSize=len(FIVE + TAIL))
    md5 = hashlib.md5(hashlib.md5(FIVE).digest() + hashlib.md5(TAIL).digest()).hexdigest()
    assert answer["ETag"] == f'"{md5}-2"'
    got = await s3(world, "GetObject", **KEY)
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("video/mp4", {"by": "me"}, 1)
    assert await content(world, "photos", "film") == FIVE + TAIL
    assert await content(world, "photos", "film", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 2}") == b"aathe"
    assert await content(world, "photos", "film", Range="bytes=-3") == b"end"
    second = await s3(world, "GetObject", **KEY, PartNumber=7)
    assert (second["Body"], second["PartsCount"], second["ResponseStatus"]) == (TAIL, 2, 206)
    assert second["ContentRange"] == f"bytes {5 * MIB}-{5 * MIB + 6}/{5 * MIB + 7}"
    assert (await refusal(world, "GetObject", **KEY, PartNumber=3)).code == "InvalidPart"
    assert await rows(world, "SELECT 1 FROM uploads") == await rows(world, "SELECT 1 FROM upload_parts") == []
    attributes = await s3(world, "GetObjectAttributes", **KEY, ObjectAttributes=["ObjectParts"], MaxParts=1)
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert attributes["ObjectParts"]["IsTruncated"] is True


@story
async def test_a_repeated_completion_gets_the_same_answer(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    upload = await begin(world)
    parts = [await part(world, upload, 1, TAIL)]
    first = await complete(world, upload, parts)
    assert await complete(world, upload, parts) == first
    assert len(await rows(world, "SELECT 1 FROM object_versions")) == 1
    assert await not_completed(world, upload, [{"PartNumber": 2, "ETag": "x"}]) == "NoSuchUpload"


@story
async def test_lists_of_parts_that_cannot_be_completed(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world)
    small, large, last = (
        await part(world, upload, 1, b"small"),
        await part(world, upload, 2, FIVE),
        await part(world, upload, 3, TAIL),
    )
    assert await not_completed(world, upload, []) == "MalformedXML"
    assert await not_completed(world, upload, [{"PartNumber": 1}]) == "MalformedXML"
    assert await not_completed(world, upload, [last, large]) == "InvalidPartOrder"
    assert await not_completed(world, upload, [large, large]) == "InvalidPartOrder"
    assert await not_completed(world, upload, [large, {**last, "PartNumber": 4}]) == "InvalidPart"
    assert await not_completed(world, upload, [{**large, "ETag": small["ETag"]}]) == "InvalidPart"
    assert await not_completed(world, upload, [small, last]) == "EntityTooSmall"
    assert await not_completed(world, upload, [large], MpuObjectSize=1) == "InvalidRequest"
    assert await not_completed(world, "no-such", [large]) == "NoSuchUpload"
    assert await not_completed(world, upload, [large], IfMatch='"x"') == "NoSuchKey"
    await complete(world, upload, [large, last], IfNoneMatch="*")
    assert await content(world, "photos", "film") == FIVE + TAIL
    assert await rows(world, "SELECT content FROM unnamed_contents") == []
    again = await begin(world)
    one = await part(world, again, 1, TAIL)
    assert await not_completed(world, again, [one], IfNoneMatch="*") == "PreconditionFailed"


@story
async def test_part_numbers_go_from_one_to_ten_thousand(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world)
    for number in (0, 10_001):
        error = await refusal(world, "UploadPart", **KEY, UploadId=upload, PartNumber=number)
        assert error.code == "InvalidArgument"
    await part(world, upload, 10_000, b"x")
    error = await refusal(world, "UploadPart", **{**KEY, "Key": "other"}, UploadId=upload, PartNumber=1)
    assert error.code == "NoSuchUpload"


@story
async def test_a_part_sent_again_replaces_the_first(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world)
    old = await part(world, upload, 1, FIVE)
    new = await part(world, upload, 1, FIVE[::-1] + b"!")
    assert len(await rows(world, "SELECT content FROM unnamed_contents")) == 1
    assert await not_completed(world, upload, [old]) == "InvalidPart"
    sent = await asyncio.gather(*(part(world, upload, 1, bytes([n]) * MIB) for n in range(5)))
    [(etag,)] = await rows(world, "SELECT etag FROM upload_parts")
    assert f'"{etag}"' in {item["ETag"] for item in sent} - {new["ETag"]}


@story
async def test_an_aborted_upload_leaves_nothing(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world)
    one = await part(world, upload, 1, FIVE)
    await s3(world, "AbortMultipartUpload", **KEY, UploadId=upload)
    assert len(await rows(world, "SELECT content FROM unnamed_contents")) == 1
    assert (await refusal(world, "AbortMultipartUpload", **KEY, UploadId=upload)).code == "NoSuchUpload"
    assert await not_completed(world, upload, [one]) == "NoSuchUpload"
    assert (await refusal(world, "UploadPart", **KEY, UploadId=upload, PartNumber=1)).code == "NoSuchUpload"


@story
async def test_who_began_an_upload_may_list_and_abort_it(world: World) -> None:
    await bucket(world, "photos")
    writer = await world.user(PRODUCTION, "writer", allow("s3:PutObject"))
    other = await world.user(PRODUCTION, "other", allow("s3:PutObject"))
    barred = await world.user(
        PRODUCTION,
        "barred",
        policy(statement("Allow", "s3:PutObject"), statement("Deny", "s3:AbortMultipartUpload")),
    )
    upload = (await s3(world, "CreateMultipartUpload", who=writer, **KEY))["UploadId"]
    listed = await s3(world, "ListParts", who=writer, **KEY, UploadId=upload)
    assert listed["Initiator"]["ID"] == writer.arn
    for name in ("ListParts", "AbortMultipartUpload"):
        assert (await refusal(world, name, who=other, **KEY, UploadId=upload)).code == "AccessDenied"
    await s3(world, "AbortMultipartUpload", who=writer, **KEY, UploadId=upload)
    upload = (await s3(world, "CreateMultipartUpload", who=barred, **KEY))["UploadId"]
    error = await refusal(world, "AbortMultipartUpload", who=barred, **KEY, UploadId=upload)
    assert error.code == "AccessDenied"


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT"), ("SHA256", "COMPOSITE")],
)
def test_the_whole_has_a_checksum_of_the_type_asked_for(tmp_path: Any, algorithm: str, kind: str) -> None:
    def digest(*pieces: bytes) -> str:
        checksum = Checksum(algorithm)
        for piece in pieces:
            checksum.update(piece)
        return checksum.base64()

    @story
    async def told(world: World) -> None:
        await bucket(world, "photos")
        upload = await begin(world, ChecksumAlgorithm=algorithm, ChecksumType=kind)
        member, header = "Checksum" + algorithm, "x-amz-checksum-" + algorithm.lower()
        parts = []
        for number, body in ((1, FIVE), (2, TAIL)):
            item = await part(world, upload, number, body, headers={header: digest(body)})
            parts.append({**item, member: digest(body)})
        if kind == "FULL_OBJECT":
            expected = digest(FIVE, TAIL)
        else:
            expected = digest(base64.b64decode(digest(FIVE)), base64.b64decode(digest(TAIL))) + "-2"
        wrong = [parts[0], {**parts[1], member: digest(b"")}]
        assert await not_completed(world, upload, wrong) == "InvalidPart"
        assert await not_completed(world, upload, parts, **{member: digest(b"")}) == "BadDigest"
        answer = await complete(world, upload, parts, **{member: expected}, ChecksumType=kind)
        assert (answer[member], answer["ChecksumType"]) == (expected, kind)
        got = await s3(world, "HeadObject", **KEY, ChecksumMode="ENABLED")
        assert (got[member], got["ChecksumType"]) == (expected, kind)

    told(tmp_path)


@story
async def test_a_part_with_another_checksum_than_the_upload_is_refused(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world, ChecksumAlgorithm="SHA256")
    checksum = Checksum("CRC32")
    checksum.update(TAIL)
    error = await refusal(
        world, "UploadPart", **KEY, UploadId=upload, PartNumber=1, body=TAIL,
        headers={"x-amz-checksum-crc32": checksum.base64()},
    )  # fmt: skip
    assert error.code == "InvalidRequest"
    # An upload that did not choose takes what comes.
    free = await begin(world)
    item = await part(world, free, 1, TAIL, headers={"x-amz-checksum-crc32": checksum.base64()})
    answer = await complete(world, free, [{**item, "ChecksumCRC32": checksum.base64()}])
    assert answer["ChecksumType"] == "FULL_OBJECT"
    assert "ChecksumCRC64NVME" in answer


@story
async def test_listing_parts_goes_page_by_page(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world, StorageClass="STANDARD_IA")
    for number in (1, 5, 9):
        await part(world, upload, number, b"x")
    first = await s3(world, "ListParts", **KEY, UploadId=upload, MaxParts=2)
    assert [item["PartNumber"] for item in first["Parts"]] == [1, 5]
    assert (first["IsTruncated"], first["NextPartNumberMarker"]) == (True, 5)
    assert (await refusal(world, "ListParts", **KEY, UploadId=upload, PartNumberMarker=-1)).code == "InvalidArgument"
    rest = await s3(world, "ListParts", **KEY, UploadId=upload, PartNumberMarker=5)
    assert ([item["PartNumber"] for item in rest["Parts"]], rest["IsTruncated"]) == ([9], False)
    assert rest["StorageClass"] == "STANDARD_IA"


@story
async def test_an_object_replaced_between_its_row_and_its_parts_is_asked_for_again(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world)
    await complete(world, upload, [await part(world, upload, 1, FIVE), await part(world, upload, 2, TAIL)])

    async def lose_the_parts(tx: Transaction) -> None:
        await tx.execute("DELETE FROM object_parts WHERE number = 2")

    await world.store.objects.write(lose_the_parts)
    error = await refusal(world, "GetObject", **KEY)
    assert (error.code, error.status) == ("ServiceUnavailable", 503)


# Copies


@story
async def test_a_copy_shares_bytes_and_takes_headers_and_tags(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", **KEY, body=FIVE, ContentType="a/b", Tagging="k=v", WebsiteRedirectLocation="/")
    answer = await s3(world, "CopyObject", Bucket="photos", Key="copy", CopySource="/photos/film")
    assert answer["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(FIVE).hexdigest()}"'
    head = await s3(world, "HeadObject", Bucket="photos", Key="copy")
    assert (head["ContentType"], head["TagCount"]) == ("a/b", 1)
    assert "WebsiteRedirectLocation" not in head
    contents = await rows(world, "SELECT DISTINCT content FROM object_versions")
    assert len(contents) == 1
    await s3(
        world, "CopyObject", Bucket="photos", Key="copy", CopySource="photos/film", ContentType="c/d",
        MetadataDirective="REPLACE", TaggingDirective="REPLACE", Tagging="x=y",
    )  # fmt: skip
    assert (await s3(world, "HeadObject", Bucket="photos", Key="copy"))["ContentType"] == "c/d"
    tags = await s3(world, "GetObjectTagging", Bucket="photos", Key="copy")
    assert tags["TagSet"] == [{"Key": "x", "Value": "y"}]


@story
async def test_a_copy_onto_itself_must_change_something(world: World) -> None:
    await bucket(world, "photos")
    for body in (b"inline", FIVE):
        await s3(world, "PutObject", **KEY, body=body)
        error = await refusal(world, "CopyObject", **KEY, CopySource="photos/film")
        assert error.code == "InvalidRequest"
        assert error.message.startswith("This copy request is illegal because it is trying to copy an object")
        await s3(world, "CopyObject", **KEY, CopySource="photos/film", MetadataDirective="REPLACE")
        assert await content(world, "photos", "film") == body
        assert await rows(world, "SELECT content FROM unnamed_contents") == []


@story
async def test_a_multipart_object_is_copied_in_its_parts_even_onto_itself(world: World) -> None:
    await bucket(world, "photos")
    upload = await begin(world)
    await complete(world, upload, [await part(world, upload, 1, FIVE), await part(world, upload, 2, TAIL)])
    await s3(world, "CopyObject", **KEY, CopySource="photos/film", StorageClass="STANDARD_IA")
    assert await content(world, "photos", "film") == FIVE + TAIL
    assert await rows(world, "SELECT content FROM unnamed_contents") == []
    await s3(world, "CopyObject", Bucket="photos", Key="b", CopySource="photos/film", ChecksumAlgorithm="SHA256")
    head = await s3(world, "HeadObject", Bucket="photos", Key="b", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(FIVE + TAIL).digest()).decode()
    await s3(world, "DeleteObject", **KEY)
    assert await content(world, "photos", "b") == FIVE + TAIL


@story
async def test_an_older_version_can_be_copied_over_the_newest(world: World) -> None:
    await bucket(world, "photos", versioning="Enabled")
    one = (await s3(world, "PutObject", **KEY, body=b"one"))["VersionId"]
    await s3(world, "PutObject", **KEY, body=b"two")
    answer = await s3(world, "CopyObject", **KEY, CopySource=f"photos/film?versionId={one}")
    assert answer["CopySourceVersionId"] == one
    assert await content(world, "photos", "film") == b"one"


@story
async def test_conditions_on_the_source_answer_412(world: World) -> None:
    await bucket(world, "photos")
    etag = (await s3(world, "PutObject", **KEY, body=b"one"))["ETag"]
    to = {"Bucket": "photos", "Key": "b", "CopySource": "photos/film"}
    for members in ({"CopySourceIfMatch": '"x"'}, {"CopySourceIfNoneMatch": etag}):
        assert (await refusal(world, "CopyObject", **to, **members)).status == 412
    await s3(world, "CopyObject", **to, CopySourceIfMatch=etag, CopySourceIfNoneMatch='"x"')
    assert (await refusal(world, "CopyObject", **to, IfNoneMatch="*")).code == "PreconditionFailed"
    for source, code in (
        ("photos/none", "NoSuchKey"),
        ("nowhere/x", "NoSuchBucket"),
        ("x", "InvalidArgument"),
    ):
        assert (await refusal(world, "CopyObject", **{**to, "CopySource": source})).code == code


@story
async def test_a_copy_across_accounts_is_decided_by_both_buckets(world: World) -> None:
    reader = await world.user(ANALYTICS, "reader", allow("s3:*"))
    opened = policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::photos/*", Principal={"AWS": reader.arn}))
    await bucket(world, "photos", policy=opened, policy_principal_ids=f'{{"{reader.arn}": "{reader.id}"}}')
    await bucket(world, "mine", account=ANALYTICS)
    await s3(world, "PutObject", **KEY, body=b"one")
    to = {"Bucket": "mine", "Key": "b", "CopySource": "photos/film"}
    await s3(world, "CopyObject", who=reader, **to)
    assert await content(world, "mine", "b", who=ANALYTICS) == b"one"
    assert (await rows(world, "SELECT owner FROM object_versions WHERE key = ?", b"b")) == [(ANALYTICS,)]
    # The other way round the source's bucket allows nothing, and the destination's neither.
    back = {"Bucket": "photos", "Key": "c", "CopySource": "mine/b"}
    assert (await refusal(world, "CopyObject", who=reader, **back)).code == "AccessDenied"
    assert (await refusal(world, "CopyObject", who=PRODUCTION, **back)).code == "AccessDenied"
    barred = await world.user(ANALYTICS, "barred", allow("s3:*"), deny("s3:PutObject"))
    assert (await refusal(world, "CopyObject", who=barred, **{**to, "CopySource": "mine/b"})).status == 403


@story
async def test_a_part_can_be_copied_from_a_range(world: World) -> None:
    await bucket(world, "photos")
    await s3(world, "PutObject", Bucket="photos", Key="source", body=FIVE + TAIL)
    upload = await begin(world)
    copy = {**KEY, "UploadId": upload, "CopySource": "photos/source"}
    one = await s3(world, "UploadPartCopy", **copy, PartNumber=1, CopySourceRange=f"bytes=0-{5 * MIB - 1}")
    two = await s3(world, "UploadPartCopy", **copy, PartNumber=2, CopySourceRange=f"bytes={5 * MIB}-{5 * MIB + 6}")
    for text, code in (("bytes=0-", "InvalidArgument"), (f"bytes=0-{5 * MIB + 7}", "InvalidRange")):
        error = await refusal(world, "UploadPartCopy", **copy, PartNumber=3, CopySourceRange=text)
        assert error.code == code
    parts = [
        {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]} for number, answer in ((1, one), (2, two))
    ]
    await complete(world, upload, parts)
    assert await content(world, "photos", "film") == FIVE + TAIL
