"""No document and no request, however wild, costs more to match than pattern length times text length.

Each bomb is a whole decision: a document of up to 6,144 characters against keys of 1,024 bytes, made so that a matcher
that tries again what it has tried would never end. Measured twice: by the characters that the texts of the request
are compared with, one by one, and by the growth of the CPU time, of reading and compiling too, when the sizes of
pattern and text are doubled: product of lengths is a factor of four, the next worse a factor of eight.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from policy_builders import HOME, allow, bucket_policy, deny, role_session, user

from isthmus.policy import (
    AuthorizationRequest,
    NamedPolicy,
    PolicyDocument,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    decide,
)

LONGEST_POLICY, LONGEST_KEY = 6144, 1024
BUCKET = "arn:aws:s3:::b/"


class Counted(str):
    """A text that counts the characters that are looked at whenever it is searched."""

    __slots__ = ()
    looked_at = 0

    def _count(self, searched: str, start: int | None = None, end: int | None = None) -> None:
        Counted.looked_at += len(searched) + max(0, min(len(self), end or len(self)) - (start or 0))

    def find(self, searched: str, *bounds: int) -> int:  # type: ignore[override]
        self._count(searched, *bounds)
        return str.find(self, searched, *bounds)

    def startswith(self, searched: Any, *bounds: int) -> bool:  # type: ignore[override]
        Counted.looked_at += sum(map(len, searched if isinstance(searched, tuple) else (searched,)))
        return str.startswith(self, searched, *bounds)

    def endswith(self, searched: Any, *bounds: int) -> bool:  # type: ignore[override]
        Counted.looked_at += len(searched)
        return str.endswith(self, searched, *bounds)

    def __contains__(self, searched: object) -> bool:
        self._count(str(searched))
        return str.__contains__(self, searched)  # type: ignore[operator]

    def split(self, *how: Any) -> list[str]:  # type: ignore[override]
        return [Counted(piece) for piece in str.split(self, *how)]

    def lower(self) -> str:
        return Counted(str.lower(self))

    def casefold(self) -> str:
        return Counted(str.casefold(self))

    def __eq__(self, other: object) -> bool:
        Counted.looked_at += len(self)
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def repeated(piece: str, length: int) -> str:
    return piece * (length // len(piece))


def request(
    statement: dict[str, Any], key: str = "cat.jpg", context: dict[str, Any] | None = None, action: str = "s3:GetObject"
) -> AuthorizationRequest:
    """What one statement of an identity policy says about one key; its document is read anew."""
    document = PolicyDocument.made({"Version": "2012-10-17", "Statement": [statement]})
    return AuthorizationRequest(
        user(),
        Counted(action),
        Counted(BUCKET + key),
        ResourceSide(HOME),
        PrincipalPolicies((NamedPolicy(document, "bomb"),)),
        {
            name: tuple(map(Counted, value)) if isinstance(value, tuple) else Counted(value)
            for name, value in (context or {}).items()
        },
    )


def condition(operator: str, pattern: str, value: Any, effect: Any = allow) -> AuthorizationRequest:
    return request(effect(Condition={operator: {"aws:UserAgent": pattern}}), context={"aws:useragent": value})


def with_principal(name: str) -> AuthorizationRequest:
    asked = request(allow("s3:Nothing"))
    own = ResourcePolicy(bucket_policy(allow(Principal={"AWS": name})).document)
    return asked._replace(principal=role_session(), owner=ResourceSide(HOME, own))


# (length of the pattern, length of the text) -> a request that nearly matches.
Bomb = Callable[[int, int], AuthorizationRequest]
BOMBS: dict[str, Bomb] = {
    "stars in a Resource": lambda p, t: request(allow(resource=BUCKET + repeated("*a", p) + "b"), "a" * t),
    "stars that match to the last": lambda p, t: request(
        allow(resource=BUCKET + repeated("*a", min(p, 2 * t - 60)) + "*b*"), "a" * t
    ),
    "question marks between stars": lambda p, t: request(allow(resource=BUCKET + repeated("*a?b", p)), "aa" * (t // 2)),
    "question marks and stars only": lambda p, t: request(allow(resource=BUCKET + repeated("?*", p)), "a" * t),
    "question marks only": lambda p, t: request(allow(resource=BUCKET + repeated("?a", p // 8) + "*b"), "a" * t),
    "one long segment that nearly fits everywhere": lambda p, t: request(
        allow(resource=BUCKET + "*" + "a?" * (t // 4) + "b*"), "a" * t
    ),
    "a NotResource": lambda p, t: request(
        {"Effect": "Allow", "Action": "s3:*", "NotResource": BUCKET + repeated("*a", p) + "b"}, "a" * t
    ),
    "many patterns": lambda p, t: request(
        allow(resource=[BUCKET + f"*a{n}?" + "*a" * 20 + "b" for n in range(p // 70)]), "a" * t
    ),
    "variables of long values": lambda p, t: request(
        allow(resource=BUCKET + repeated("*${aws:username}?", p)), "a" * t, {"aws:username": "a" * (t // 16)}
    ),
    "variables side by side": lambda p, t: request(
        allow(resource=BUCKET + "*" + repeated("${aws:username}", p)), "a" * t, {"aws:username": "a" * (t // 16)}
    ),
    "defaults of variables": lambda p, t: request(allow(resource=BUCKET + repeated("*${aws:none, 'aa'}?", p)), "a" * t),
    "a variable full of spaces": lambda p, t: request(allow(resource=BUCKET + "${a" + " " * p + "x'}"), "a" * t),
    "braces that do not close": lambda p, t: request(allow(resource=BUCKET + repeated("${", p)), "${" * (t // 2)),
    "literals side by side": lambda p, t: request(allow(resource=BUCKET + "*" + repeated("${$}", p) + "x"), "$" * t),
    "stars in StringLike": lambda p, t: condition("StringLike", repeated("*a", p) + "b", "a" * t),
    "stars in StringNotLike": lambda p, t: condition("StringNotLike", repeated("*a?", p) + "b", "a" * t, deny),
    "many values of the request": lambda p, t: condition(
        "ForAnyValue:StringLike", repeated("*a?", p) + "b", tuple("a" * (t // 16) for _ in range(16))
    ),
    "a variable in StringLike": lambda p, t: request(
        allow(Condition={"StringLike": {"aws:UserAgent": repeated("*${aws:username}?", p)}}),
        context={"aws:useragent": "a" * t, "aws:username": "a" * (t // 16)},
    ),
    "stars in every field of ArnLike": lambda p, t: condition(
        "ArnLike", "arn:" + ":".join([repeated("*a", p // 5) + "b"] * 5), "arn:" + ":".join(["a" * (t // 5)] * 5)
    ),
    "colons in ArnNotLike": lambda p, t: condition(
        "ArnNotLike", "arn:*:*:*:*:" + repeated("*:", p), "arn" + ":" * t, deny
    ),
    "a variable in ArnLike": lambda p, t: request(
        allow(Condition={"ArnLike": {"aws:SourceArn": "arn:*:*:*:*:" + repeated("*${aws:username}?", p)}}),
        context={"aws:sourcearn": "arn:a:a:a:a:" + "a" * t, "aws:username": "a" * (t // 16)},
    ),
    "numbers that are none": lambda p, t: condition("NumericEquals", "1" * p + "x", "1" * t + "x"),
    "moments that are none": lambda p, t: condition("DateEquals", "1" * p + "-", "1" * t + "-"),
    "networks that are none": lambda p, t: condition("IpAddress", repeated("1.", p), repeated("1.", t)),
    "bytes that are none": lambda p, t: condition("BinaryEquals", "=" * p, "=" * t),
    "another case": lambda p, t: condition("StringEqualsIgnoreCase", "A" * t, "a" * t),
    "stars in an Action": lambda p, t: request(allow("s3:" + repeated("*a", p) + "b"), action="s3:" + "a" * t),
    "a NotAction": lambda p, t: request(
        {"Effect": "Allow", "NotAction": "s3:" + repeated("*a?", p) + "b", "Resource": "*"}, action="s3:" + "a" * t
    ),
    "stars in a Principal, which match nobody": lambda p, t: with_principal(
        f"arn:aws:iam::{HOME}:role/" + repeated("*a?", p)
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_bomb_looks_at_more_characters_than_pattern_times_text(name: str) -> None:
    asked = BOMBS[name](LONGEST_POLICY - 200, LONGEST_KEY)
    patterns = sum(len(policy.document.text) for policy in asked.caller.identity)
    if asked.owner.policy is not None:
        patterns += len(asked.owner.policy.document.text)
    # What a variable holds is part of the pattern.
    held = len(asked.context.get("aws:username", ""))
    patterns += patterns // len("*${aws:username}?") * held
    values = [asked.action, asked.resource, *asked.context.values()]
    texts = sum(len(value) if isinstance(value, str) else sum(map(len, value)) for value in values)
    Counted.looked_at = 0
    decide(asked)
    assert Counted.looked_at <= patterns * texts


def cpu_seconds(bomb: Bomb, scale: int) -> float:
    """The least of some runs; to read, to compile and to decide."""
    took = []
    for _ in range(5):
        started = time.process_time()
        decide(bomb(LONGEST_POLICY * scale, LONGEST_KEY * scale))
        took.append(time.process_time() - started)
    return min(took)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_twice_the_size_costs_no_more_than_four_times_as_much(name: str) -> None:
    growth = []
    for _ in range(5):
        small, large = cpu_seconds(BOMBS[name], 2), cpu_seconds(BOMBS[name], 4)
        growth.append(large / small)
        if growth[-1] <= 4.5:
            return
    pytest.fail(f"grew by {growth}")


def test_the_measure_sees_a_matcher_that_tries_again() -> None:
    def backtracking(pattern: str, text: str, at: int = 0) -> bool:
        if not pattern:
            return at == len(text)
        if pattern[0] == "*":
            return any(backtracking(pattern[1:], text, to) for to in range(at, len(text) + 1))
        return text.startswith(pattern[0], at) and backtracking(pattern[1:], text, at + 1)

    Counted.looked_at = 0
    pattern, text = "*a" * 6 + "b", Counted("a" * 24)
    assert not backtracking(pattern, text)
    assert Counted.looked_at > len(pattern) * len(text)
