"""Which statements speak about an action and a resource, in small documents and in large ones."""

from __future__ import annotations

from typing import Any

import pytest
from policy_builders import HOME, allow, ask, bucket_policy, deny, policy, role_session, user

from isthmus.policy.compiled import is_action_pattern

PHOTOS, CAT = "arn:aws:s3:::photos", "arn:aws:s3:::photos/cat.jpg"


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "s3:GetObject", True),
        ("s3:*", "s3:GetObject", True),
        ("s3:*", "iam:GetUser", False),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:PutObject", False),
        ("s3:*Object", "s3:GetObject", True),
        ("s3:?etObject", "s3:GetObject", True),
        ("S3:GETOBJECT", "s3:GetObject", True),
        ("s3:getobject", "S3:GetObject", True),
        ("s3:GetObject", "s3:GetObjectAcl", False),
        (["iam:*", "s3:Get*"], "s3:GetObject", True),
        (["iam:*", "s3:Put*"], "s3:GetObject", False),
        ("s*:GetObject", "s3:GetObject", False),
        ("s?:GetObject", "s3:GetObject", False),
        ("*:GetObject", "s3:GetObject", False),
        ("*:*", "s3:GetObject", False),
        ("**", "s3:GetObject", False),
        ("s3:", "s3:", False),
        (":*", ":x", False),
        ("GetObject", "GetObject", False),
        ("s3:*:*", "s3:a:b", False),
        ("", "", False),
    ],
)
def test_an_action_is_a_service_and_a_pattern_of_names(pattern: Any, action: str, expected: bool) -> None:
    assert ask(user(), identity=policy(allow(pattern)), action=action).allowed is expected
    but = policy({"Effect": "Allow", "NotAction": pattern, "Resource": "*"})
    assert ask(user(), identity=but, action=action).allowed is not expected


def test_what_can_be_an_action() -> None:
    assert all(map(is_action_pattern, ("*", "s3:*", "s3:Get?bject", "a4b:X")))
    assert not any(map(is_action_pattern, ("", ":", "s3:", ":x", "s3", "s3:a:b", "*:x", "s?:x", "?")))


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("*", CAT, True),
        ("*", "*", True),
        (CAT, CAT, True),
        (CAT, CAT + "x", False),
        (CAT, CAT.upper(), False),
        (PHOTOS, CAT, False),
        (PHOTOS + "/*", CAT, True),
        (PHOTOS + "/*", PHOTOS, False),
        (PHOTOS + "/*.jpg", CAT, True),
        (PHOTOS + "/*.png", CAT, False),
        (PHOTOS + "/c?t.jpg", CAT, True),
        (PHOTOS + "/ca?", PHOTOS + "/cat", True),
        (PHOTOS + "/ca?", CAT, False),
        ("arn:aws:s3:::?", "arn:aws:s3:::p", True),
        ("arn:aws:s3:::?", PHOTOS, False),
        ("arn:aws:s3:::*", CAT, True),
        ("arn:aws:s3:::", "arn:aws:s3:::", True),
        ("arn:aws:s3:::", CAT, False),
        ("arn:aws:s3:::*", "*", False),
        ("arn:aws:s3:::*", "arn:aws:sqs:::x", False),
        ("arn:aws:s3", CAT, True),
        ("arn:aws:s3", "arn:aws:s3x:::b", False),
        ("arn:aws", CAT, True),
        ("arn:aws:s3:*:*:photos/*", CAT, True),
        ("arn:*:s3:::photos/*", CAT, True),
        ("arn:*:sqs:::photos/*", CAT, False),
        ("arn:aws:s3:::p*o*s/*", CAT, True),
        ([PHOTOS, CAT], CAT, True),
        ([PHOTOS, CAT], PHOTOS + "/dog.jpg", False),
        ([PHOTOS + "/a*", PHOTOS + "/c*"], CAT, True),
        ([PHOTOS + "/a*", PHOTOS + "/b*"], CAT, False),
        ([PHOTOS, PHOTOS + "/c*"], CAT, True),
        ([PHOTOS, PHOTOS + "/c*"], PHOTOS, True),
        ([PHOTOS, PHOTOS + "/b*"], CAT, False),
        ([PHOTOS, PHOTOS + "/?at.jpg"], CAT, True),
        ([PHOTOS, PHOTOS + "/b*", PHOTOS + "/?at.jpg"], CAT, True),
        ([PHOTOS, PHOTOS + "/b*", PHOTOS + "/?og.jpg"], CAT, False),
        ([PHOTOS, PHOTOS + "/c*", PHOTOS + "/?og.jpg"], CAT, True),
        ([CAT, PHOTOS + "/b*", PHOTOS + "/?og.jpg"], CAT, True),
        ([PHOTOS + "/?og.jpg", PHOTOS + "/?at.jpg"], CAT, True),
        ([PHOTOS + "/?og.jpg", PHOTOS + "/?at.png"], CAT, False),
        ([PHOTOS, "*"], CAT, True),
        ([PHOTOS + "/?og.jpg", "*"], CAT, True),
    ],
)
def test_a_resource_is_a_pattern_of_fields(pattern: Any, resource: str, expected: bool) -> None:
    for version in ("2012-10-17", "2008-10-17"):
        own = policy(allow("*", pattern), version=version)
        assert ask(user(), identity=own, resource=resource).allowed is expected
        but = policy({"Effect": "Allow", "Action": "*", "NotResource": pattern}, version=version)
        assert ask(user(), identity=but, resource=resource).allowed is not expected


# Enough statements that only those are tried whose resource can begin as the asked one does.
CROWD = [allow(resource=f"arn:aws:s3:::bucket-{n}/*") for n in range(9)]
SPEAKING = [
    allow(resource="*"),
    allow(resource=CAT),
    allow(resource=PHOTOS + "/*"),
    allow(resource="arn:aws:s3:::*.jpg"),
    allow(resource="arn:aws:s3"),
    allow(resource="arn:aws:*:::photos/*"),
    allow(resource="arn:aws:s3:::${aws:bucket}/*"),
    allow(resource="arn:aws:s3:::photos/${aws:nothing, 'cat'}*"),
    allow(resource=["arn:aws:s3:::docs/*", CAT]),
    {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::docs/*"},
    allow(resource=CAT, Condition={"StringEquals": {"aws:bucket": "photos"}}),
]


@pytest.mark.parametrize("size", [0, 1, 2, 5, 6, 9])
@pytest.mark.parametrize("speaking", SPEAKING, ids=str)
def test_a_statement_speaks_whatever_crowd_it_stands_in(speaking: dict[str, Any], size: int) -> None:
    crowd = CROWD[:size]
    others = [deny(resource="arn:aws:s3:::bucket-1/*"), allow("s3:PutObject")]
    asked = {"context": {"aws:bucket": "photos"}}
    public = {"Principal": "*"}
    for body in ([speaking, *crowd], [*crowd, speaking], [*crowd, *others, speaking]):
        assert ask(user(), identity=policy(*body), **asked).allowed
        assert ask(user(), resource_policy=bucket_policy(*({**one, **public} for one in body)), **asked).allowed
        denied = [allow("*"), *({**one, "Effect": "Deny"} for one in body)]
        assert ask(user(), identity=policy(*denied), **asked).explicit_deny
        refused = ask(user(), resource_policy=bucket_policy(*({**one, **public} for one in denied)), **asked)
        assert refused.explicit_deny
    assert not ask(user(), identity=policy(*crowd, *others), **asked).allowed
    assert not ask(user(), resource_policy=bucket_policy(*({**one, **public} for one in crowd + others))).allowed


@pytest.mark.parametrize("size", [0, 3, 9])
def test_the_most_direct_of_several_grants_counts(size: int) -> None:
    def grant(*named: str, resource: str = "*") -> dict[str, Any]:
        return allow(resource=resource, Principal={"AWS": list(named)})

    reader, nightly = f"arn:aws:iam::{HOME}:role/jobs/reader", role_session().arn
    crowd = [{**one, "Principal": {"AWS": nightly}} for one in CROWD[:size]]
    silent = policy(allow("ec2:*"))
    for weak, strong in ((grant(HOME), grant(reader)), (grant(reader), grant(nightly)), (grant(HOME), grant(nightly))):
        for body in ([weak, strong], [strong, weak]):
            own = bucket_policy(*body[:1], *crowd, *body[1:])
            assert ask(role_session(), resource_policy=own).allowed
    session = {"session": (silent,)}
    for body in ([grant(HOME), grant(reader)], [grant(reader), grant(HOME)]):
        assert not ask(role_session(), resource_policy=bucket_policy(*crowd, *body), **session).allowed
        with_session = bucket_policy(*crowd, *body, grant(nightly))
        assert ask(role_session(), resource_policy=with_session, **session).allowed
        elsewhere = bucket_policy(*crowd, *body, grant(nightly, resource=PHOTOS))
        assert not ask(role_session(), resource_policy=elsewhere, **session).allowed
    assert not ask(role_session(), resource_policy=bucket_policy(*crowd, grant(HOME))).allowed


def test_all_conditions_of_a_statement_must_hold_however_many() -> None:
    for count in range(4):
        block = {"StringEquals": {f"aws:k{n}": "right" for n in range(count)}}
        guarded = policy(allow(Condition=block)) if count else policy(allow())
        right = {f"aws:k{n}": "right" for n in range(count)}
        assert ask(user(), identity=guarded, context=right).allowed
        assert not ask(user(), identity=guarded, context=right, resource="*", action="s3:Other").allowed
        for key in right:
            assert not ask(user(), identity=guarded, context={**right, key: "wrong"}).allowed
    elsewhere = policy(allow(resource=PHOTOS, Condition={"Null": {"aws:a": "true", "aws:b": "true"}}))
    assert not ask(user(), identity=elsewhere).allowed
    assert ask(user(), identity=elsewhere, resource=PHOTOS).allowed


def test_a_document_remembers_a_thousand_actions_and_answers_about_any() -> None:
    own, public = policy(allow("s3:Get*"), deny("s3:GetSecret*")), bucket_policy(allow("s3:Get*", Principal="*"))
    for number in range(1030):
        assert ask(user(), identity=own, action=f"s3:Get{number}").allowed
        assert ask(user(), resource_policy=public, action=f"s3:Get{number}").allowed
        assert not ask(user(), identity=own, resource_policy=public, action=f"s3:Put{number}").allowed
    assert not ask(user(), identity=own, action="s3:GetSecret").allowed
    assert 0 < len(own.document.index) <= 1024
    assert 0 < len(public.document.resource_index) <= 1024


@pytest.mark.parametrize("size", [1, 2, 6, 7, 12])
def test_no_statement_of_a_crowd_speaks_that_only_begins_as_the_resource_does(size: int) -> None:
    endings = [allow(resource=f"{PHOTOS}/c*.{number}") for number in range(size)]
    guarded = [allow(resource=CAT, Condition={"StringEquals": {"aws:k": str(number)}}) for number in range(size)]
    for body in (endings, guarded):
        assert not ask(user(), identity=policy(*body)).allowed
        assert not ask(user(), resource_policy=bucket_policy(*({**one, "Principal": "*"} for one in body))).allowed
        refused = [{**one, "Effect": "Deny"} for one in body]
        assert ask(user(), identity=policy(allow("*"), *refused)).allowed
    last = str(size - 1)
    assert ask(user(), identity=policy(*endings), resource=f"{PHOTOS}/cat.{last}").allowed
    assert ask(user(), identity=policy(*guarded), context={"aws:k": last}).allowed
