"""What names a key in a request: its id, its ARN, an alias or the ARN of an alias.

An id and an alias mean a key of the caller's account in the region of the request; ARNs reach other accounts, never
other regions. An alias of AWS (`alias/aws/s3`) that has no key yet gets one when it is first asked for.

Source: "KeyId" of each operation in the AWS KMS API reference; DescribeKey ("predefined AWS alias").
"""

from __future__ import annotations

import re
from typing import NamedTuple

from isthmus.names import Arn, InvalidArn
from isthmus.operation import Call
from isthmus.wire import AwsError

from .aws_managed import PREDEFINED, managed_key
from .errors import invalid_key_id, no_such_key, not_found
from .keys_table import Key, alias_arn, find_key, key_arn, target_of_alias

_KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z|mrk-[0-9a-f]{32}\Z")


class Found(NamedTuple):
    """What a reference led to.

    arn, account: of the key, or of what is not there. key: None where there is none.
    alias: the name by which it was asked for. problem: what to answer where there is no key.
    """

    arn: str
    account: str
    key: Key | None
    alias: str | None = None
    problem: AwsError | None = None


async def resolve(call: Call, text: str, *, aliases: bool) -> Found:
    """The key that `text` names, whether or not it exists; aliases: whether the operation takes them.

    Raises NotFoundException for a text that can name no key here.
    """
    account, region, resource = call.account, call.region, text
    if text.startswith("arn:"):
        try:
            arn = Arn.parse(text)
        except InvalidArn:
            raise not_found(f"Invalid arn {text}") from None
        if arn.service != "kms" or arn.partition != "aws":
            raise not_found(f"Invalid arn {text}")
        if arn.region != call.region:
            raise not_found(f"Invalid arn {arn.region}")
        account, region, resource = arn.account, arn.region, arn.resource
    elif not text.startswith("alias/"):
        resource = f"key/{text}"
    if resource.startswith("alias/"):
        if not aliases:
            raise invalid_key_id(text)
        return await _by_alias(call, account, region, resource)
    if not resource.startswith("key/"):
        raise not_found(f"Invalid arn {text}")
    key_id = resource.removeprefix("key/")
    own = key_arn(account, region, key_id)
    key = await find_key(call.system, own)
    problem = None
    if key is None:
        problem = no_such_key(own) if _KEY_ID.match(key_id) else invalid_key_id(key_id)
    return Found(own, account, key, None, problem)


async def _by_alias(call: Call, account: str, region: str, name: str) -> Found:
    arn = alias_arn(account, region, name)
    target = await target_of_alias(call.system, arn)
    if target is None and name in PREDEFINED and account == call.account:
        target = await managed_key(call.system, account, region, name)
    if target is None:
        return Found(arn, account, None, name, not_found(f"Alias {arn} is not found."))
    return Found(target, account, await find_key(call.system, target), name, no_such_key(target))
