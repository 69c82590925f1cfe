"""From the words of a command, or an entry of a reviewed file, to a `LinkRequest`."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from .access_file import Words
from .account_state import region_in
from .link import caller_arn, check_account_of_key, key_of_bucket
from .link_plan import ACCESSES, Grantee, InvalidLink, LinkRequest, share_of
from .profiles import Side
from .steps import patiently

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def understand(words: Words, owner: Side, other: Side | None, now: Callable[[], datetime]) -> LinkRequest:
    """The request that the words mean, with what only the accounts know looked up in them.

    Raises InvalidLink, NoSide, and botocore's errors.
    """
    if words.role is not None:
        raise InvalidLink(f"{words.place}: a link makes a role of its own: `role` is for `isthmus prove` alone")
    bucket, prefix = share_of(words.share)
    if words.access not in ACCESSES:
        raise InvalidLink(f"--access is {words.access!r}; it is one of {', '.join(ACCESSES)}")
    access: Any = words.access
    to = Grantee.parse(words.to)
    if other is not None:
        if other.account != to.account:
            raise InvalidLink(
                f"the profile {other.profile!r} is of account {other.account}, but the link is for {to.account}"
            )
        to = _with_path(to, other)
    region = region_of(owner, bucket)
    key = key_named(words.kms, owner, bucket, region)
    if key is not None:
        check_account_of_key(key, owner)
    return LinkRequest(
        name=words.name or default_name(bucket, prefix, to),
        owner=owner.account,
        bucket=bucket,
        prefix=prefix,
        to=to,
        access=access,
        region=region,
        require_mfa=words.require_mfa,
        external_id=None if words.external_id is None else external_id_of(words.external_id),
        networks=tuple(network_of(text) for text in words.source_ip),
        expires=None if words.expires is None else moment_of(words.expires, now()),
        key_arn=key,
    )


def key_named(named: str | None, owner: Side, bucket: str, region: str) -> str | None:
    """The ARN of the key that is meant: none, one by its ARN, or with `auto` the one the bucket encrypts with.

    Raises InvalidLink and botocore's errors.
    """
    if named is None or re.fullmatch(r"arn:aws[\w-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[\w-]+", named):
        return named
    if named != "auto":
        raise InvalidLink(f"the key {named!r} is no ARN of a key: give arn:aws:kms:REGION:ACCOUNT:key/ID, or auto")
    return key_of_bucket(owner, bucket, region)


def external_id_of(text: str) -> str:
    """The external id that is meant: `auto` makes one. Raises InvalidLink for one that STS takes from nobody (STS API
    reference, AssumeRole)."""
    if text == "auto":
        return secrets.token_urlsafe(18)
    if re.fullmatch(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", text) is None:
        raise InvalidLink(
            f"--external-id {text!r} is none that anybody could show: use 2 to 1224 letters, digits and _+=,.@:/-, or "
            "auto"
        )
    return text


def network_of(text: str) -> str:
    """A CIDR block as policies write it. Raises InvalidLink."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise InvalidLink(f"--source-ip {text!r} is no network: say 203.0.113.0/24 or 2001:db8::/32") from None


def moment_of(text: str, now: datetime) -> datetime:
    """`12h`, `30d`, `2w` from now, or a day or moment in ISO 8601 (UTC by default). Raises InvalidLink."""
    span = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", text)
    try:
        if span is not None:
            return now + timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidLink(f"--expires {text!r} is no time: say 12h, 30d, 2w, 2027-01-31 or 2027-01-31T18:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment <= now:
        raise InvalidLink(f"--expires {text!r} is in the past")
    return moment


def default_name(bucket: str, prefix: str, to: Grantee) -> str:
    """A name that tells what is shared with whom, within the limits of names."""
    words = [bucket, prefix, to.short_name or to.account]
    return re.sub("[^A-Za-z0-9]+", "-", "-".join(filter(None, words))).strip("-")[:40].strip("-")


def region_of(owner: Side, bucket: str) -> str:
    """The bucket's region. Raises InvalidLink for a bucket that is not the owner's."""
    try:
        answer = patiently(
            lambda: owner.client("s3").get_bucket_location(Bucket=bucket, ExpectedBucketOwner=owner.account)
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchBucket", "AccessDenied"):
            raise InvalidLink(
                f"account {owner.account} has no bucket {bucket!r} that the profile {owner.profile!r} may look at"
            ) from error
        raise
    return region_in(answer)


def _with_path(to: Grantee, other: Side) -> Grantee:
    """The user, group or role with the path that its account knows. Raises InvalidLink where there is none."""
    if to.kind == "account":
        return to
    try:
        arn = caller_arn(to, other)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            raise InvalidLink(f"account {to.account} has no {to.kind} {to.short_name!r}") from error
        raise
    return Grantee(to.account, to.kind, arn.split(":", 5)[5].partition("/")[2])
