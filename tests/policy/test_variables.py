"""Policy variables in Resource elements (IAM User Guide, "IAM policy elements: Variables and tags")."""

from __future__ import annotations

from typing import Any

import pytest
from policy_builders import allow, ask, policy, user

BUCKET = "arn:aws:s3:::b/"


def matches(pattern: str, resource: str, element: str = "Resource", version: str = "2012-10-17", **keys: Any) -> bool:
    """Whether a statement about the pattern applies to the resource. keys: the context, `__` for `:`."""
    context = {key.replace("__", ":"): value for key, value in keys.items()}
    statement = {"Effect": "Allow", "Action": "*", element: pattern}
    return ask(user(), identity=policy(statement, version=version), resource=resource, context=context).allowed


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("${aws:username}", "alice", True),
        ("${aws:username}", "bob", False),
        ("${aws:username}", "alice/", False),
        ("${aws:username}/*", "alice/cat", True),
        ("${aws:username}/*", "alice/", True),
        ("${aws:username}/*", "alice", False),
        ("${aws:username}*", "alice-2", True),
        ("home/${aws:username}/*", "home/alice/cat", True),
        ("home/${aws:username}/*", "home/bob/cat", False),
        ("home/${aws:username}/${aws:team}", "home/alice/red", True),
        ("home/${aws:username}${aws:team}", "home/alicered", True),
        ("*/${aws:username}", "home/alice", True),
        ("*/${aws:username}", "home/bob", False),
        ("*${aws:username}*", "my alice is here", True),
        ("?/${aws:username}", "h/alice", True),
        ("?/${aws:username}", "ho/alice", False),
        ("${aws:username}/?", "alice/x", True),
        ("${aws:username}/?", "alice/xy", False),
        ("${aws:username}/*/x", "alice/y/x", True),
        ("${aws:username}/*/x", "alice/y/z", False),
        ("${AWS:UserName}", "alice", True),
        ("${ aws:username }", "alice", True),
        ("${aws:star}", "*", True),
        ("${aws:star}", "anything", False),
        ("${aws:star}/*", "*/cat", True),
        ("${aws:star}/*", "anything/cat", False),
        ("x*${aws:star}", "xy*", True),
        ("x*${aws:star}", "xyz", False),
        ("${aws:colon}", "a:b", True),
        ("${aws:nothing}", "", False),
        ("${aws:nothing}", "${aws:nothing}", False),
        ("${aws:nothing}*", "alice", False),
        ("?${aws:nothing}", "a", False),
        ("${aws:several}", "one", False),
        ("${aws:several, 'one'}", "one", True),
        ("${aws:nothing, 'alice'}", "alice", True),
        ("${aws:nothing, 'alice'}", "bob", False),
        ("${aws:nothing,'alice'}*", "alice/x", True),
        ("?${aws:nothing,'alice'}", "/alice", True),
        ("${aws:nothing, 'al*'}", "al*", True),
        ("${aws:nothing, 'al*'}", "alice", False),
        ("${aws:nothing, ''}x", "x", True),
        ("${aws:nothing, 'a, b'}", "a, b", True),
        ("${aws:username, 'bob'}", "alice", True),
        ("${aws:username, 'bob'}", "bob", False),
        ("a${*}b", "a*b", True),
        ("a${*}b", "axb", False),
        ("a${?}b", "a?b", True),
        ("a${?}b", "axb", False),
        ("a${$}b", "a$b", True),
        ("a${$}{aws:username}", "a${aws:username}", True),
        ("${*}*", "*x", True),
        ("${*}*", "x", False),
        ("${}", "${}", True),
        ("${ }", "${ }", True),
        ("${aws:username", "${aws:username", True),
        ("${aws:username", "alice", False),
        ("${aws:nothing, alice}", "${aws:nothing, alice}", True),
        ("${aws:nothing, alice}", "alice", False),
        ("${aws:nothing, '}", "${aws:nothing, '}", True),
        ("${aws:nothing, 'a'b'}", "${aws:nothing, 'a'b'}", True),
        ("${aws:nothing, ''a'}", "${aws:nothing, ''a'}", True),
        ("${aws:nothing, 'a''}", "${aws:nothing, 'a''}", True),
        ("${aws:nothing, 'a}", "${aws:nothing, 'a}", True),
        ("${aws:nothing, a'}", "${aws:nothing, a'}", True),
        ("${aws:nothing,}", "${aws:nothing,}", True),
        ("${aws:n'x}", "${aws:n'x}", True),
        ("${, 'alice'}", "${, 'alice'}", True),
        ("${, 'alice'}", "alice", False),
        ("$aws:username", "$aws:username", True),
        ("{aws:username}", "{aws:username}", True),
        ("a?${}", "ab${}", True),
    ],
)  # fmt: skip
def test_a_variable_is_its_value_and_its_value_is_literal(pattern: str, key: str, expected: bool) -> None:
    context = {
        "aws__username": "alice", "aws__team": "red", "aws__star": "*", "aws__colon": "a:b", "aws__several": ("one",),
    }  # fmt: skip
    assert matches(BUCKET + pattern, BUCKET + key, **context) is expected


def test_a_not_resource_without_a_value_names_nothing() -> None:
    assert matches(BUCKET + "${aws:username}", BUCKET + "alice", "NotResource")
    assert matches(BUCKET + "?${aws:username}", BUCKET + "xalice", "NotResource")
    assert not matches(BUCKET + "${aws:username}", BUCKET + "alice", "NotResource", aws__username="alice")


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("arn:aws:sqs:eu:${aws:account}:queue", "arn:aws:sqs:eu:1:queue", False),
        ("arn:aws:sqs:eu:${aws:account}:*", "arn:aws:sqs:eu:1:queue", False),
        ("arn:aws:sqs:*:1:${aws:name}", "arn:aws:sqs:eu:1:queue", True),
        ("arn:aws:sqs:*:1:${aws:name}", "arn:aws:sqs:eu:2:queue", False),
        ("arn:aws:sqs:*:1:${aws:name}", "arn:aws:sqs:eu:1:other", False),
        ("arn:aws:sqs:*:1:${aws:name}*", "arn:aws:sqs:eu:1:queue-2", True),
        ("arn:aws:${aws:name}", "arn:aws:queue:eu:1:x", False),
        ("${aws:name}", "queue", False),
    ],
)
def test_variables_stand_only_in_the_last_field_of_a_resource(pattern: str, resource: str, expected: bool) -> None:
    assert matches(pattern, resource, aws__account="1", aws__name="queue") is expected


def test_the_old_version_has_no_variables() -> None:
    for version in ("2008-10-17", "2020-01-01"):
        assert not matches(BUCKET + "${aws:username}", BUCKET + "alice", version=version, aws__username="alice")
        assert matches(BUCKET + "${aws:username}", BUCKET + "${aws:username}", version=version, aws__username="alice")
        assert matches(BUCKET + "a${*}b", BUCKET + "a${x}b", version=version)


def test_patterns_with_and_without_variables_are_alternatives() -> None:
    several = [BUCKET + "cat", BUCKET + "dogs/*", BUCKET + "b?rd", BUCKET + "${aws:username}", BUCKET + "*${aws:team}"]
    for key, expected in (("cat", 1), ("dogs/x", 1), ("bird", 1), ("alice", 1), ("red", 1), ("cats", 0), ("bob", 0)):
        decision = ask(
            user(),
            identity=policy(allow(resource=several)),
            resource=BUCKET + key,
            context={"aws:username": "alice", "aws:team": "red"},
        )
        assert decision.allowed is bool(expected)
