"""What a proof reads and writes: objects that are there, keys that nobody has, other buckets.

Reading is tried on an object that exists, because S3 answers 403 for a key that does not exist to whoever may not list
the bucket, whether or not reading is allowed (S3 API reference, GetObject). Nothing that is there is ever written.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from .profiles import Side
from .steps import patiently

SESSION = "isthmus-prove"
"""The session name of a proof."""
WRONG_EXTERNAL_ID = "isthmus-prove-wrong"
_NAMES = (".isthmus-probe-", "isthmus-probe-", "_isthmus-probe-")
_LAST = "\U0010ffff"  # sorts behind every other character of a key


@dataclass(frozen=True, slots=True)
class Targets:
    """inside, outside: existing keys in the shared part and not in it; None where there is none.

    fresh_inside, fresh_outside: keys that nobody has. other_buckets: the rest of the same account's.
    """

    inside: str | None
    outside: str | None
    fresh_inside: str
    fresh_outside: str
    other_buckets: tuple[str, ...]

    def key_for(self, action: str, outside: bool) -> str:
        """The key that an action is tried on: an existing one for reading, where there is one."""
        existing, fresh = (self.outside, self.fresh_outside) if outside else (self.inside, self.fresh_inside)
        return existing or fresh if action == "s3:GetObject" else fresh


def find_targets(owner: Side, bucket: str, prefix: str, region: str) -> Targets:
    """Look for them with the owner's eyes. Raises botocore's errors."""
    s3 = owner.client("s3", region)

    def first(**where: str) -> str | None:
        answer = patiently(lambda: s3.list_objects_v2(Bucket=bucket, MaxKeys=1, **where))
        return next((str(one["Key"]) for one in answer.get("Contents", [])), None)

    outside = first()
    if outside is not None and outside.startswith(prefix):
        outside = first(StartAfter=prefix + _LAST) if prefix else None
    mark = secrets.token_hex(8)
    names = [one["Name"] for one in patiently(lambda: owner.client("s3").list_buckets())["Buckets"]]
    return Targets(
        inside=first(Prefix=prefix),
        outside=outside,
        fresh_inside=f"{prefix}{_NAMES[0]}{mark}",
        fresh_outside=next(name + mark for name in _NAMES if not prefix or not (name + mark).startswith(prefix)),
        other_buckets=tuple(name for name in names if name != bucket),
    )
