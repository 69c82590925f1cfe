"""The engine against the literal evaluator, on policies that nearly match."""

from __future__ import annotations

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from policy_builders import (
    HOME,
    OTHER,
    ROLE_ID,
    USER_ID,
    document,
    federated_user,
    role_session,
    root,
    service,
    user,
    web_identity,
)
from reference import is_allowed

from isthmus.policy import (
    AuthorizationRequest,
    NamedPolicy,
    PolicyType,
    Principal,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    decide,
)

ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]
RESOURCES = [
    "arn:aws:s3:::photos",
    "arn:aws:s3:::photos/alice/cat.jpg",
    "arn:aws:s3:::photos/a*b",
    "arn:aws:s3:::docs/x:y",
]
ALICE, READER = f"arn:aws:iam::{HOME}:user/alice", f"arn:aws:iam::{HOME}:role/jobs/reader"

action_patterns = st.sampled_from(
    ["*", "s3:*", "s3:Get*", "S3:getobject", "s3:*Object", "s3:?etObject", "s3:List*", "iam:*", *ACTIONS]
)
resource_patterns = st.sampled_from(
    [
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::photos*",
        "arn:aws:s3:::photos/*",
        "arn:aws:s3:::photos/${aws:username}/*",
        "arn:aws:s3:::photos/${aws:username, 'alice'}/*.jpg",
        "arn:aws:s3:::photos/a${*}b",
        "arn:aws:s3:::${aws:PrincipalTag/bucket}/*",
        "arn:aws:s3:::*/?l*c*t*",
        "arn:aws:s3",
        "arn:*:s3:*:*:docs/*:y",
        *RESOURCES,
    ]
)  # fmt: skip
STRINGS = [
    "alice",
    "Alice",
    "al*",
    "*",
    "?lice",
    "bob",
    "${aws:username}",
    "${aws:missing}",
    "${aws:missing, 'alice'}",
    "a${*}b",
    "a*b",
]
KEYS = ["aws:username", "aws:PrincipalTag/bucket", "aws:TagKeys", "aws:missing", "AWS:UserName"]
operators = st.sampled_from(
    [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
    ]
)
ARNS = [
    ALICE,
    "arn:aws:iam::*:user/*",
    "arn:aws:iam::${aws:PrincipalAccount}:*",
    "*",
    f"arn:aws:iam::{HOME}:role/*",
    "arn:*",
]


def listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return values | st.lists(values, min_size=1, max_size=3)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, object]:
    kind = draw(st.sampled_from(["string", "string", "arn", "number", "date", "bool", "address", "null"]))
    prefix = draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]))
    suffix = draw(st.sampled_from(["", "", "IfExists"]))
    if kind == "string":
        operator, key, values = (
            draw(operators),
            draw(st.sampled_from(KEYS)),
            draw(listed(st.sampled_from(STRINGS))),
        )
    elif kind == "arn":
        operator = draw(st.sampled_from(["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"]))
        key, values = (
            draw(st.sampled_from(["aws:PrincipalArn", "aws:username"])),
            draw(listed(st.sampled_from(ARNS))),
        )
    elif kind == "number":
        sign = draw(
            st.sampled_from(["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"])
        )
        operator, key = "Numeric" + sign, draw(st.sampled_from(["s3:max-keys", "aws:username"]))
        values = draw(st.sampled_from([10, "10", ["9.5", 11], 1000]))
    elif kind == "date":
        sign = draw(st.sampled_from(["Equals", "NotEquals", "LessThan", "GreaterThan"]))
        operator, key = "Date" + sign, "aws:CurrentTime"
        values = draw(
            st.sampled_from(["2030-01-01T00:00:00Z", "1893456000", "2020-06-01", "2031-01-01T00:00:00+02:00"])
        )
    elif kind == "bool":
        operator, key = "Bool", draw(st.sampled_from(["aws:SecureTransport", "aws:MultiFactorAuthPresent"]))
        values = draw(st.sampled_from([True, False, "True", "false"]))
    elif kind == "address":
        operator, key = draw(st.sampled_from(["IpAddress", "NotIpAddress"])), "aws:SourceIp"
        values = draw(listed(st.sampled_from(["10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "2001:db8::/32"])))
    else:
        return {"Null": {draw(st.sampled_from(KEYS)): draw(st.sampled_from(["true", "false", True]))}}
    return {prefix + operator + suffix: {key: values}}


@st.composite
def statements(draw: st.DrawFn, with_principal: bool = False, trust: bool = False) -> dict[str, object]:
    statement: dict[str, object] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))}
    actions = st.just("sts:AssumeRole") | st.just("sts:*") if trust else action_patterns
    statement[draw(st.sampled_from(["Action"] * 7 + ["NotAction"]))] = draw(listed(actions))
    if not trust:
        statement[draw(st.sampled_from(["Resource"] * 7 + ["NotResource"]))] = draw(listed(resource_patterns))
    if draw(st.integers(0, 2)) == 0:
        statement["Condition"] = {**draw(conditions()), **(draw(conditions()) if draw(st.booleans()) else {})}
    if with_principal:
        aws = listed(
            st.sampled_from(
                [
                    "*",
                    HOME,
                    OTHER,
                    f"arn:aws:iam::{HOME}:root",
                    ALICE,
                    READER,
                    f"arn:aws:iam::{HOME}:user/recreated",
                    USER_ID,
                    f"arn:aws:sts::{HOME}:assumed-role/reader/nightly",
                    f"arn:aws:sts::{HOME}:federated-user/guest",
                ]
            )
        )
        element = draw(
            st.just("*")
            | st.fixed_dictionaries({"AWS": aws})
            | st.fixed_dictionaries({"AWS": aws, "Service": st.just("logging.s3.amazonaws.com")})
            | st.just({"Federated": "arn:aws:iam::111122223333:oidc-provider/idp.example.com"})
        )
        name = draw(st.sampled_from(["Principal"] * 5 + ["NotPrincipal"]))
        plain = isinstance(element, dict) and "*" not in element.get("AWS", ())
        statement[name if plain else "Principal"] = element
    return statement


versions = st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None])


@st.composite
def policies(draw: st.DrawFn) -> NamedPolicy:
    size = draw(st.sampled_from([1, 2, 3, 12]))
    body = draw(st.lists(statements(), min_size=1, max_size=size))
    return NamedPolicy(document(*body, version=draw(versions)), "drawn")


contexts = st.fixed_dictionaries(
    {},
    optional={
        "aws:username": st.sampled_from(["alice", "bob", "a*b"]),
        "aws:principaltag/bucket": st.sampled_from(["photos", "*", "docs"]),
        "aws:tagkeys": st.sampled_from([(), ("alice",), ("alice", "bob"), ("bob", "carol")]),
        "aws:principalarn": st.sampled_from([ALICE, READER]),
        "aws:principalaccount": st.sampled_from([HOME, OTHER]),
        "s3:max-keys": st.sampled_from(["10", "1000", "many"]),
        "aws:currenttime": st.sampled_from(["2030-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]),
        "aws:securetransport": st.sampled_from(["true", "false"]),
        "aws:multifactorauthpresent": st.sampled_from(["true", "false"]),
        "aws:sourceip": st.sampled_from(["10.1.2.3", "192.168.7.7", "2001:db8::1"]),
    },
)
principals = st.sampled_from(
    [user(), user(), role_session(), role_session(), federated_user(), root(), user(OTHER,
    unique_id="AIDAEXAMPLEMALLORY123"),
     root(OTHER), service(), web_identity(), Principal.anonymous()]
)  # fmt: skip
IDS = {ALICE: USER_ID, READER: ROLE_ID, f"arn:aws:iam::{HOME}:user/recreated": "AIDAEXAMPLEDELETED123"}


@st.composite
def requests(draw: st.DrawFn) -> AuthorizationRequest:
    trust = draw(st.integers(0, 4)) == 0
    levels = st.lists(st.lists(policies(), min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
    own = None
    if trust or draw(st.booleans()):
        body = draw(st.lists(statements(with_principal=True, trust=trust), min_size=1, max_size=3))
        kind = PolicyType.TRUST if trust else PolicyType.RESOURCE
        own = ResourcePolicy(document(*body, version=draw(versions)), IDS, kind, not trust)
    seldom = draw(st.integers(0, 3)) == 0
    return AuthorizationRequest(
        draw(principals),
        "sts:AssumeRole" if trust else draw(st.sampled_from(ACTIONS)),
        f"arn:aws:iam::{HOME}:role/target" if trust else draw(st.sampled_from(RESOURCES)),
        ResourceSide(
            draw(st.sampled_from([HOME, HOME, OTHER])),
            own,
            acl_allows=draw(st.integers(0, 5)) == 0,
            rcps=draw(levels) if seldom else (),
        ),
        PrincipalPolicies(
            tuple(draw(st.lists(policies(), max_size=2))),
            draw(st.none() | policies()),
            draw(st.none() | st.lists(policies(), min_size=1, max_size=2).map(tuple)),
            draw(levels) if seldom else (),
        ),
        draw(contexts),
    )


@settings(settings.get_profile("policy"))
@given(requests())
def test_the_engine_decides_as_the_literal_evaluator(request: AuthorizationRequest) -> None:
    decision = decide(request)
    note(repr(decision))
    assert decision.allowed is is_allowed(request)


@settings(settings.get_profile("policy"), max_examples=200, suppress_health_check=list(HealthCheck))
@given(requests())
def test_every_decision_can_be_explained_and_every_refusal_has_a_layer(request: AuthorizationRequest) -> None:
    decision = decide(request)
    assert decision.message
    assert decision.to_json()["allowed"] is decision.allowed
    assert decision.to_json(OTHER)["allowed"] is decision.allowed
    assert bool(decision.refused_by) is not decision.allowed
    if not decision.allowed:
        assert decision.layer in decision.refused_by
        assert len(decision.changes) == len(decision.refused_by)
    if decision.explicit_deny:
        assert decision.by is not None
        assert decision.by.statement.effect == "Deny"
