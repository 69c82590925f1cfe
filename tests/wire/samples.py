"""A value for every shape of a service model: what any client could send, or any operation answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

MOMENT = datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)
# Characters that XML, percent-encoding and forms each treat in a way of their own.
_DEEPEST = 5  # the models have shapes within themselves
TEXT = "a <b> & \"c\" 'd' é% +\u2028/~"
_FITTING = (
    "arn:aws:iam::111122223333:policy/division/Name", "arn:aws:iam::111122223333:mfa/alice", "111122223333",
    "123456", "AKIAIOSFODNN7EXAMPLE", "example-name", "/division/team/", "https://idp.example.com/path", "2012-10-17",
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:s3:::example", "v12",
    "a" * 32, "A" * 24, "a" * 48, "o-a1b2c3d4e5",
    "o-a1b2c3d4e5/r-a1b2/ou-a1b2", "p-a1b2c3d4", "o-a1b2c3d4e5/r-a1b2/ou-a1b2-c3d4e5f6/", "r-a1b2", "h-a1b2c3d4",
    "ou-a1b2-c3d4e5f6", "rp-a1b2c3d4", "rt-a1b2c3d4", "car-a1b2c3d4", "someone@example.com", "12:30", "a1" * 32,
    "1234abcd-12ab-34cd-56ef-1234567890ab", "kms.amazonaws.com", "s3://example/prefix", "/kms/xks/v1", "us-east-1",
    "a.example.com", "com.amazonaws.vpce.us-east-1.vpce-svc-a1b2", "https://example.com", "cluster-a2b3c4d5e6f",
    *("arn:aws:organizations::111122223333:" + rest for rest in (
        "account/o-a1b2c3d4e5/111122223333", "handshake/o-a1b2c3d4e5/invite/h-a1b2c3d4", "organization/o-a1b2c3d4e5",
        "ou/o-a1b2c3d4e5/ou-a1b2-c3d4e5f6", "root/o-a1b2c3d4e5/r-a1b2", "resourcepolicy/o-a1b2c3d4e5/rp-a1b2c3d4",
        "policy/o-a1b2c3d4e5/service_control_policy/p-a1b2c3d4e5",
        "transfer/o-a1b2c3d4e5/billing/inbound/rt-a1b2c3d4",
    )),
)  # fmt: skip


def sample(shape: Any, *, complete: bool, header: bool = False, depth: int = _DEEPEST) -> Any:
    """A value of `shape`. complete: with all members, not only the required. header: it must fit into a header."""
    kind = shape.type_name
    if kind == "structure":
        # Forms and XML cannot say that a structure is there and empty.
        whole = depth > 0 and (complete or (depth < _DEEPEST and not shape.required_members))
        names = shape.members if whole else shape.required_members
        return {
            name: sample(
                shape.members[name],
                complete=complete,
                header="location" in shape.members[name].serialization,
                depth=depth - 1,
            )
            for name in names
        }
    if kind == "list":
        least = shape.metadata.get("min", 0)
        count = max(least, min(2 if depth > 0 else 0, shape.metadata.get("max", 2)))
        return [sample(shape.member, complete=complete, header=header, depth=depth - 1) for _ in range(count)]
    if kind == "map":
        return {
            (shape.key.metadata.get("enum") or ["name"])[0]: sample(
                shape.value, complete=complete, header=header, depth=depth - 1
            )
        }
    if kind == "string":
        return _string(shape, header)
    if kind == "blob":
        return b"\x00bytes\xff"
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return MOMENT
    return max(7, shape.metadata.get("min", 0)) if kind in ("integer", "long") else 0.5


def _string(shape: Any, header: bool) -> str:
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10**6)
    if enum:
        return str(enum[0])
    if pattern is None and not header:
        return (TEXT + "x" * least)[:most]
    if pattern is None:
        return "plain" + "x" * least
    java = re.sub(r"\\p\{\w+\}", r"\\w", pattern).replace(r"\uD800\uDC00-\uDBFF\uDFFF", "")
    test = re.compile(java)
    fits = test.search if pattern.startswith("^") else test.fullmatch
    return next(text for text in _FITTING if least <= len(text) <= most and fits(text))
