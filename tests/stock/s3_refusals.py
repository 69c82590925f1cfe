"""What S3 refuses because of what is asked, and requests whose signature is not good."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import botocore.auth
import botocore.crt.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from refusal_table import Attempt, fetch, refusal
from stage import OWNER, Keys, Stage, trust, unique

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)


@contextmanager
def signed_at(difference: datetime.timedelta) -> Iterator[None]:
    """Let botocore sign with another time; it has two signers, one in Python and one in C."""

    def moved(remove_tzinfo: bool = True) -> datetime.datetime:
        moment = datetime.datetime.now(datetime.UTC) + difference
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    with (
        mock.patch.object(botocore.auth, "get_current_datetime", moved),
        mock.patch.object(botocore.crt.auth, "get_current_datetime", moved),
    ):
        yield


def _keys(stage: Stage, bucket: str) -> Any:
    listed = stage.owner.s3.list_object_versions(Bucket=bucket)
    return [(entry["Key"], entry["ETag"]) for entry in listed.get("Versions", [])]


def _put(stage: Stage, wrong: dict[str, Any], right: dict[str, Any], **make: Any) -> Attempt:
    """PutObject that is refused and leaves the bucket as it was."""
    bucket = stage.owner.new_bucket({"k": b"before"}, **make)
    base = {"Bucket": bucket, "Key": "k", "Body": b"after"}
    return Attempt(
        lambda: stage.owner.s3.put_object(**{**base, **wrong}),
        lambda: stage.owner.s3.put_object(**{**base, **right}),
        lambda: _keys(stage, bucket),
    )


@refusal("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
def an_acl_in_a_bucket_that_has_none(stage: Stage) -> Attempt:
    return _put(stage, {"ACL": "public-read"}, {"ACL": "bucket-owner-full-control"})


@refusal("BadDigest", 400, "The Content-MD5 you specified did not match what we received.")
def a_body_whose_md5_is_another(stage: Stage) -> Attempt:
    def md5(data: bytes) -> str:
        return base64.b64encode(hashlib.md5(data).digest()).decode()

    return _put(stage, {"ContentMD5": md5(b"other")}, {"ContentMD5": md5(b"after")})


@refusal("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
def an_md5_that_is_none(stage: Stage) -> Attempt:
    return _put(stage, {"ContentMD5": "short"}, {})


@refusal("BadDigest", 400, "The SHA256 you specified did not match the calculated checksum.")
def a_body_whose_checksum_is_another(stage: Stage) -> Attempt:
    def sha256(data: bytes) -> str:
        return base64.b64encode(hashlib.sha256(data).digest()).decode()

    return _put(stage, {"ChecksumSHA256": sha256(b"other")}, {"ChecksumSHA256": sha256(b"after")})


@refusal("KeyTooLongError", 400, "Your key is too long")
def a_key_of_1025_bytes(stage: Stage) -> Attempt:
    return _put(stage, {"Key": "é" * 512 + "a"}, {"Key": "é" * 512})


@refusal("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
def writing_only_if_there_is_nothing(stage: Stage) -> Attempt:
    return _put(stage, {"IfNoneMatch": "*"}, {"IfNoneMatch": "*", "Key": "new"})


@refusal("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
def writing_only_over_a_version_that_is_no_more(stage: Stage) -> Attempt:
    etag = hashlib.md5(b"before").hexdigest()
    return _put(stage, {"IfMatch": f'"{etag[::-1]}"'}, {"IfMatch": f'"{etag}"'})


@refusal("InvalidTag", 400, "Cannot provide multiple Tags with the same key")
def one_tag_twice(stage: Stage) -> Attempt:
    return _put(stage, {"Tagging": "a=1&a=2"}, {"Tagging": "a=1&b=2"})


@refusal("InvalidStorageClass", 400, "The storage class you specified is not valid")
def a_storage_class_that_does_not_exist(stage: Stage) -> Attempt:
    return _put(stage, {"StorageClass": "WARM"}, {"StorageClass": "STANDARD"})


def _read(stage: Stage, wrong: dict[str, Any], right: dict[str, Any]) -> Attempt:
    bucket = stage.owner.new_bucket({"k": b"0123456789"})
    return Attempt(
        lambda: stage.owner.s3.get_object(Bucket=bucket, Key="k", **wrong),
        lambda: stage.owner.s3.get_object(Bucket=bucket, Key="k", **right),
    )


@refusal("InvalidRange", 416, "The requested range is not satisfiable")
def a_range_beyond_the_end(stage: Stage) -> Attempt:
    return _read(stage, {"Range": "bytes=10-"}, {"Range": "bytes=9-"})


@refusal("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
def reading_only_what_it_is_not(stage: Stage) -> Attempt:
    etag = hashlib.md5(b"0123456789").hexdigest()
    return _read(stage, {"IfMatch": '"0123"'}, {"IfMatch": f'"{etag}"'})


@refusal("InvalidArgument", 400, "Invalid version id specified")
def a_version_id_that_can_be_none(stage: Stage) -> Attempt:
    return _read(stage, {"VersionId": "no such thing"}, {"VersionId": "null"})


@refusal(
    "BucketAlreadyExists",
    409,
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please"
    " select a different name and try again.",
)
def a_bucket_name_that_another_account_has(stage: Stage) -> Attempt:
    bucket = stage.owner.new_bucket({"k": b"data"})
    return Attempt(
        lambda: stage.partner.s3.create_bucket(Bucket=bucket),
        lambda: stage.partner.s3.create_bucket(Bucket=unique("bucket")),
        lambda: _keys(stage, bucket),
    )


@refusal("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
def deleting_a_bucket_with_an_object(stage: Stage) -> Attempt:
    bucket = stage.owner.new_bucket({"k": b"data"})

    def allowed() -> None:
        stage.owner.s3.delete_object(Bucket=bucket, Key="k")
        stage.owner.s3.delete_bucket(Bucket=bucket)

    return Attempt(lambda: stage.owner.s3.delete_bucket(Bucket=bucket), allowed, lambda: _keys(stage, bucket))


@refusal("InvalidBucketName", 400, "The specified bucket is not valid.")
def a_bucket_name_with_capitals(stage: Stage) -> Attempt:
    s3, name = stage.owner.s3, unique("bucket")
    return Attempt(
        lambda: s3.create_bucket(Bucket=name.upper()),
        lambda: s3.create_bucket(Bucket=name),
        lambda: [one["Name"] for one in s3.list_buckets(Prefix=name[:-1].upper())["Buckets"]],
    )


@refusal("NoSuchBucket", 404, "The specified bucket does not exist")
def a_bucket_that_does_not_exist(stage: Stage) -> Attempt:
    missing, there = unique("missing"), stage.owner.new_bucket()
    return Attempt(
        lambda: stage.owner.s3.list_objects_v2(Bucket=missing), lambda: stage.owner.s3.list_objects_v2(Bucket=there)
    )


@refusal("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
def the_policy_of_a_bucket_without_one(stage: Stage) -> Attempt:
    bucket = stage.owner.new_bucket()
    return Attempt(
        lambda: stage.owner.s3.get_bucket_policy(Bucket=bucket),
        lambda: stage.owner.s3.get_public_access_block(Bucket=bucket),
    )


def _upload(stage: Stage) -> tuple[dict[str, str], str]:
    """A multipart upload with one small part; its ETag."""
    bucket = stage.owner.new_bucket({"k": b"before"})
    upload = stage.owner.s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    return named, stage.owner.s3.upload_part(**named, PartNumber=1, Body=b"part")["ETag"]


def _complete(stage: Stage, named: dict[str, str], *parts: tuple[int, str]) -> Any:
    listed = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
    return lambda: stage.owner.s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed})


@refusal(
    "NoSuchUpload",
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or"
    " completed.",
)
def a_part_of_an_upload_that_was_aborted(stage: Stage) -> Attempt:
    named, _ = _upload(stage)
    other, _ = _upload(stage)
    stage.owner.s3.abort_multipart_upload(**named)
    return Attempt(
        lambda: stage.owner.s3.upload_part(**named, PartNumber=2, Body=b"part"),
        lambda: stage.owner.s3.upload_part(**other, PartNumber=2, Body=b"part"),
        lambda: _keys(stage, named["Bucket"]),
    )


@refusal(
    "InvalidPart",
    400,
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified"
    " entity tag may not match the part's entity tag.",
)
def completing_with_a_part_that_is_another(stage: Stage) -> Attempt:
    named, etag = _upload(stage)
    return Attempt(
        _complete(stage, named, (1, '"0123"')),
        _complete(stage, named, (1, etag)),
        lambda: (_keys(stage, named["Bucket"]), stage.owner.s3.list_parts(**named)["Parts"]),
    )


@refusal(
    "InvalidPartOrder",
    400,
    "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
)
def completing_with_parts_in_disorder(stage: Stage) -> Attempt:
    named, etag = _upload(stage)
    return Attempt(
        _complete(stage, named, (2, etag), (1, etag)),
        _complete(stage, named, (1, etag)),
        lambda: _keys(stage, named["Bucket"]),
    )


@refusal("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")
def completing_with_a_small_part_before_the_last(stage: Stage) -> Attempt:
    named, etag = _upload(stage)
    second = stage.owner.s3.upload_part(**named, PartNumber=2, Body=b"part")["ETag"]
    return Attempt(
        _complete(stage, named, (1, etag), (2, second)),
        _complete(stage, named, (2, second)),
        lambda: _keys(stage, named["Bucket"]),
    )


# Signatures


def _list(stage: Stage, keys: Keys) -> Any:
    return stage.owner.client("s3", keys).list_buckets


def _presigned(stage: Stage, bucket: str) -> str:
    named = {"Bucket": bucket, "Key": "k"}
    return str(
        stage.owner.client("s3", stage.owner.admin, signature_version="s3v4").generate_presigned_url(
            "get_object", Params=named, ExpiresIn=60
        )
    )


@refusal("AccessDenied", 403, "Request has expired")
def a_presigned_address_after_its_time(stage: Stage) -> Attempt:
    bucket = stage.owner.new_bucket({"k": b"data"})
    with signed_at(-datetime.timedelta(seconds=61)):
        expired = _presigned(stage, bucket)
    with signed_at(-datetime.timedelta(seconds=20)):
        good = _presigned(stage, bucket)
    return Attempt(lambda: fetch(expired), lambda: fetch(good))


@refusal("SignatureDoesNotMatch", 403, MISMATCH)
def a_presigned_address_for_another_key(stage: Stage) -> Attempt:
    bucket = stage.owner.new_bucket({"k": b"data", "other": b"secret"})
    url = _presigned(stage, bucket)
    return Attempt(lambda: fetch(url.replace("/k?", "/other?")), lambda: fetch(url))


@refusal("SignatureDoesNotMatch", 403, MISMATCH)
def a_request_signed_with_a_wrong_secret(stage: Stage) -> Attempt:
    keys = stage.owner.admin.keys
    return Attempt(_list(stage, Keys(keys.id, keys.secret[::-1])), _list(stage, keys))


@refusal("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.")
def a_request_signed_sixteen_minutes_ago(stage: Stage) -> Attempt:
    def signed(minutes: int) -> None:
        with signed_at(-datetime.timedelta(minutes=minutes)):
            _list(stage, stage.owner.admin.keys)()

    return Attempt(lambda: signed(16), lambda: signed(14))


@refusal("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")
def a_request_with_an_access_key_that_does_not_exist(stage: Stage) -> Attempt:
    keys = stage.owner.admin.keys
    return Attempt(_list(stage, Keys("AKIAIOSFODNN7EXAMPLE", keys.secret)), _list(stage, keys))


@refusal("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
def a_session_token_with_one_character_changed(stage: Stage) -> Attempt:
    keys = stage.owner.session_of(stage.owner.new_role(trust(OWNER), _list_policy())).keys
    assert keys.token is not None
    middle = len(keys.token) // 2
    changed = keys.token[:middle] + ("A" if keys.token[middle] != "A" else "B") + keys.token[middle + 1 :]
    return Attempt(_list(stage, Keys(keys.id, keys.secret, changed)), _list(stage, keys))


@refusal("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")
def temporary_keys_without_their_token(stage: Stage) -> Attempt:
    keys = stage.owner.session_of(stage.owner.new_role(trust(OWNER), _list_policy())).keys
    return Attempt(_list(stage, Keys(keys.id, keys.secret)), _list(stage, keys))


@refusal("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
def the_token_of_another_session(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(OWNER), _list_policy())
    one, other = stage.owner.session_of(role).keys, stage.owner.session_of(role).keys
    return Attempt(_list(stage, Keys(one.id, one.secret, other.token)), _list(stage, one))


def _list_policy() -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
    }


def _raw_put(stage: Stage, bucket: str, body: bytes, declared: bytes) -> None:
    """A PUT whose x-amz-content-sha256 is that of `declared`."""
    request = AWSRequest("PUT", f"{stage.endpoint}/{bucket}/k", data=declared)
    keys = stage.owner.admin.keys
    signer = botocore.auth.S3SigV4Auth(Credentials(keys.id, keys.secret), "s3", "us-east-1")
    request.context["client_config"] = None
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(declared).hexdigest()
    botocore.auth.SigV4Auth.add_auth(signer, request)
    fetch(request.url, method="PUT", data=body, headers=dict(request.headers.items()))


@refusal(
    "XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed."
)
def a_body_that_was_exchanged_under_way(stage: Stage) -> Attempt:
    bucket = stage.owner.new_bucket({"k": b"before"})
    return Attempt(
        lambda: _raw_put(stage, bucket, b"forged", b"signed"),
        lambda: _raw_put(stage, bucket, b"signed", b"signed"),
        lambda: _keys(stage, bucket),
    )
