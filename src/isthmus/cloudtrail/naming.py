"""Which trail a request names, and what it is authorised on.

A trail is named by its ARN, or in its own account by its name: in its home region, or anywhere if it logs all regions
(then it is a shadow trail there, which can be looked at but not changed). Actions, resources and condition keys:
Service Authorization Reference, "Actions, resources, and condition keys for AWS CloudTrail".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from isthmus.names import Arn, InvalidArn, is_account_id
from isthmus.operation import Call, Permission, Resource
from isthmus.policy import ContextValue
from isthmus.wire import AwsError

from .trails_table import Trail, trail_arn, trail_by_arn, trails_seen_by

_NAME = re.compile(r"[A-Za-z0-9](?:[._-]?[A-Za-z0-9])*\Z")
_IP = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")
_FOUND = "trail"


def trail_permission(action: str, member: str = "Name") -> Permission:
    """`cloudtrail:action` on the trail that an input member names, whether or not it exists."""

    async def on(call: Call) -> Resource:
        return await trail_resource(call, call.input.get(member) or "", request_tags(call.input.get("TagsList") or ()))

    return Permission(f"cloudtrail:{action}", on)


def new_trail(action: str, when: Callable[[Call], bool] | None = None, condition: str = "") -> Permission:
    """`cloudtrail:action` on a trail about to be made."""

    async def on(call: Call) -> Resource:
        name = checked_name(call.input["Name"])
        context = request_tags(call.input.get("TagsList") or ())
        return Resource(trail_arn(call.account, call.region, name), call.account, context=context)

    return Permission(f"cloudtrail:{action}", on, when, condition)


async def trail_resource(call: Call, named: str, context: dict[str, ContextValue]) -> Resource:
    """The trail that a name or ARN means, which stays in `call.found`. Raises InvalidTrailNameException,
    CloudTrailARNInvalidException."""
    if named.startswith("arn:"):
        arn = _parsed_arn(named)
        trail = await trail_by_arn(call.system.identity, named)
        # The trail of the caller's organization is the caller's to look at, if its own policies allow it.
        account = call.account if trail is not None and await sees(call, trail) else arn.account
    else:
        name, account = checked_name(named), call.account
        trail = _nearest(await trails_seen_by(call.system.identity, account), name, call.region)
        named = trail_arn(account, call.region, name) if trail is None else trail.arn
    call.found[_FOUND] = trail
    if trail is not None:
        tags = await call.system.directory.tags(trail.arn)
        context |= {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}
    return Resource(named, account, context=context)


def found_trail(call: Call, member: str = "Name") -> Trail:
    """The trail that the permission found. Raises TrailNotFoundException."""
    trail: Trail | None = call.found[_FOUND]
    if trail is None:
        named = call.input.get(member)
        raise AwsError("TrailNotFoundException", f"Unknown trail: {named} for the user: {call.account}")
    return trail


async def sees(call: Call, trail: Trail) -> bool:
    """Whether a trail is the calling account's own or that of its organization."""
    if trail.account == call.account:
        return True
    membership = await call.system.directory.membership(call.account)
    return membership is not None and trail.organization == membership.organization


def home_trail(call: Call, member: str = "Name") -> Trail:
    """The same, to be changed. Raises TrailNotFoundException, InvalidHomeRegionException,
    NotOrganizationMasterAccountException."""
    trail = found_trail(call, member)
    if trail.account != call.account:
        raise AwsError(
            "NotOrganizationMasterAccountException",
            f"The trail {trail.name} is changed by the management account of the organization.",
        )
    if trail.region != call.region:
        raise AwsError(
            "InvalidHomeRegionException",
            f"The trail {trail.name} can be changed only in its home region {trail.region}, not in {call.region}.",
        )
    return trail


def request_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, ContextValue]:
    """`aws:RequestTag/…` and `aws:TagKeys` of the tags in a request."""
    given = {tag["Key"]: tag.get("Value", "") for tag in tags}
    context: dict[str, ContextValue] = {f"aws:requesttag/{key.lower()}": value for key, value in given.items()}
    if given:
        context["aws:tagkeys"] = tuple(given)
    return context


def checked_name(name: str) -> str:
    """A trail's name. Raises InvalidTrailNameException."""
    if not 3 <= len(name) <= 128:
        raise AwsError("InvalidTrailNameException", "Trail name must have between 3 and 128 characters.")
    if not _NAME.match(name) or _IP.match(name):
        raise AwsError(
            "InvalidTrailNameException",
            "Trail name must start and end with a letter or number, have only letters, numbers and single periods, "
            "underscores or dashes between them, and not be in IP address format.",
        )
    return name


def _parsed_arn(text: str) -> Arn:
    try:
        arn = Arn.parse(text)
    except InvalidArn:
        arn = None
    good = arn is not None and (arn.partition, arn.service, arn.resource_type) == ("aws", "cloudtrail", "trail")
    if arn is None or not good or not is_account_id(arn.account) or not arn.region:
        raise AwsError("CloudTrailARNInvalidException", f"{text} is not the ARN of a trail.")
    return arn


def _nearest(trails: list[Trail], name: str, region: str) -> Trail | None:
    """The trail of this name as seen from a region."""
    named = [trail for trail in trails if trail.name == name]
    return next((one for one in named if one.region == region), None) or next(
        (one for one in named if one.multi_region), None
    )
