"""AWS's own managed policies (`arn:aws:iam::aws:policy/…`), as shipped in `managed_policies/`.

The file is read at first use and indexed by ARN; a policy is parsed when somebody asks for it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files

import orjson

from isthmus.names import Arn

PREFIX = "arn:aws:iam::aws:policy/"
_LINE_START = b'{"arn":"'


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """The default version of an AWS managed policy. Times: seconds since the epoch."""

    arn: str
    id: str
    name: str
    path: str
    version: str
    document: str
    created: float
    updated: float


def managed_policies() -> Iterator[ManagedPolicy]:
    """Every AWS managed policy, in the order of their ARNs."""
    for arn in _lines():
        policy = aws_managed_policy(arn)
        if policy is not None:
            yield policy


@lru_cache(maxsize=2048)
def aws_managed_policy(arn: str) -> ManagedPolicy | None:
    """The AWS managed policy of that ARN; None if there is none."""
    line = _lines().get(arn)
    if line is None:
        return None
    row = orjson.loads(line)
    parsed = Arn.parse(arn)
    return ManagedPolicy(
        arn=arn,
        id=_unique_id(arn),
        name=row["name"],
        path=parsed.path,
        version=row["version"],
        document=orjson.dumps(row["document"], option=orjson.OPT_INDENT_2).decode(),
        created=_epoch(row["created"]),
        updated=_epoch(row["updated"]),
    )


def aws_managed_policy_arn(name: str) -> str | None:
    """The ARN of the AWS managed policy called `name`, whatever its path; None if there is none."""
    return _arns_by_name().get(name)


@lru_cache(maxsize=1)
def _lines() -> dict[str, bytes]:
    """ARN to its line, found by the line's beginning without parsing the rest."""
    lines = (files("isthmus.identity") / "managed_policies" / "policies.jsonl").read_bytes().splitlines()
    start = len(_LINE_START)
    return {line[start : line.index(b'"', start)].decode(): line for line in lines}


@lru_cache(maxsize=1)
def _arns_by_name() -> dict[str, str]:
    return {arn.rsplit("/", 1)[-1]: arn for arn in _lines()}


def _unique_id(arn: str) -> str:
    """An ANPA… id that is always the same for one ARN."""
    return "ANPA" + base64.b32encode(hashlib.sha256(arn.encode()).digest()[:11]).decode()[:17]


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
