"""Objects that AWS's services write into buckets: access logs, inventory reports.

The bucket's policy decides, as for anybody; what is written belongs to the bucket's owner. Some services may also be
told to grant others access to what they write, where the bucket takes ACLs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.names import bucket_arn
from isthmus.operation import Call, System, perform_as_service, service_call
from isthmus.wire import Body

from ..acl import AccessControlList, Grant
from ..acl_requests import canonical_of
from ..incoming import LARGEST_PUT, receive
from ..object_keys import new_object_key
from ..object_settings import object_settings
from ..put import store_object
from ..resources import the_bucket


async def put_as_service(
    system: System,
    service: str,
    target: str,
    key: str,
    body: Body,
    *,
    source_bucket: str,
    source_account: str,
    content_type: str,
    encryption: Mapping[str, str] | None = None,
    grants: Sequence[Grant] = (),
) -> dict[str, Any]:
    """Write an object into the bucket `target` as `service`, on behalf of a bucket; PutObject's answer.

    encryption: PutObject's members that ask for one; None leaves it to the bucket. grants: to others, in a bucket that
    takes ACLs. Nothing of the body is read before the policies allow it.
    Raises AwsError: NoSuchBucket, AccessDenied and what PutObject raises.
    """
    given = {"Bucket": target, "Key": key, "ContentType": content_type, **(encryption or {})}
    call = await service_call(
        system, service, ("s3", "PutObject"), given,
        source_account=source_account, source_arn=bucket_arn(source_bucket), body=body,
    )  # fmt: skip

    async def store(call: Call) -> dict[str, Any]:
        bucket = await the_bucket(call)
        settings = await object_settings(call, bucket)
        if grants and bucket.ownership != "BucketOwnerEnforced":
            owner = await canonical_of(call, bucket.account)
            acl = AccessControlList(owner, (Grant(owner, "FULL_CONTROL"), *grants)).to_json()
            settings = settings._replace(acl=acl)
        object_key = await new_object_key(call, bucket, key)
        received = await receive(call, object_key, most=LARGEST_PUT)
        return await store_object(call, bucket, settings, object_key, received)

    answer: dict[str, Any] = await perform_as_service(call, store)
    return answer
