"""Hypothesis strategies that know the types: requests whose policies nearly match.

A pattern is drawn half of the time from those that match what is asked, a condition's value from those that resemble
what the request has, so that small differences decide. Every layer and every kind of requester is there; what a key
holds is one value, several or none, whatever the operator expects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from random import Random
from typing import Any

from hypothesis import strategies as st
from policy_builders import (
    HOME,
    OTHER,
    ROLE_ID,
    USER_ID,
    allow,
    document,
    federated_user,
    policy,
    role_session,
    root,
    service,
    user,
    web_identity,
)
from reference import action_matches, resource_matches

from isthmus.policy import (
    AuthorizationRequest,
    NamedPolicy,
    PolicyType,
    Principal,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
)

ALICE, READER = f"arn:aws:iam::{HOME}:user/alice", f"arn:aws:iam::{HOME}:role/jobs/reader"
RECREATED = f"arn:aws:iam::{HOME}:user/recreated"
MALLORY, STRANGER = f"arn:aws:iam::{OTHER}:user/mallory", f"arn:aws:iam::{OTHER}:role/jobs/reader"
MALLORY_ID, STRANGER_ID = "AIDAEXAMPLEMALLORY123", "AROAEXAMPLESTRANGER12"
LINKED = f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/Linked"
PROVIDER = web_identity().entity_id
CANONICAL_HOME, CANONICAL_OTHER = "a" * 64, "b" * 64
IDS = {
    ALICE: USER_ID,
    READER: ROLE_ID,
    RECREATED: "AIDAEXAMPLEDELETED123",
    MALLORY: MALLORY_ID,
    STRANGER: STRANGER_ID,
    CANONICAL_HOME: HOME,
    CANONICAL_OTHER: OTHER,
}

S3_ACTIONS = ["s3:GetObject", "s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:PutBucketPolicy"]
OTHER_ACTIONS = ["iam:GetUser", "sqs:SendMessage", "sts:GetCallerIdentity", "sts:GetSessionToken"]
KEY_ACTIONS = ["kms:Decrypt", "kms:RetireGrant"]
TRUST_ACTIONS = ["sts:AssumeRole", "sts:AssumeRole", "sts:TagSession"]
ACTIONS = sorted({*S3_ACTIONS, *OTHER_ACTIONS, *KEY_ACTIONS, *TRUST_ACTIONS})
BUCKET_ARNS = [
    "arn:aws:s3:::photos",
    "arn:aws:s3:::photos/alice/cat.jpg",
    "arn:aws:s3:::photos/a*b",
    "arn:aws:s3:::docs/x:y",
]
KEY_ARN, ROLE_ARN = f"arn:aws:kms:eu-west-1:{HOME}:key/1", f"arn:aws:iam::{HOME}:role/target"
RESOURCES = [*BUCKET_ARNS, KEY_ARN, ROLE_ARN, "*"]
ACTION_PATTERNS = [
    "*", "s3:*", "s3:Get*", "S3:getobject", "s3:*Object", "s3:?etObject", "s3:List*", "s3:*Policy", "iam:*", "sts:*",
    "sts:Assume*", "kms:*", "sqs:*", "s3:", "s*:GetObject", "GetObject", "s3:Get:Object", *ACTIONS,
]  # fmt: skip
RESOURCE_PATTERNS = [
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::photos*",
    "arn:aws:s3:::photos/*",
    "arn:aws:s3:::photos/${aws:username}/*",
    "arn:aws:s3:::photos/${aws:username, 'alice'}/*.jpg",
    "arn:aws:s3:::photos/a${*}b",
    "arn:aws:s3:::photos/a${?}b",
    "arn:aws:s3:::photos/${aws:TagKeys}/*",
    "arn:aws:s3:::photos/*${aws:username}*",
    "arn:aws:s3:::*/${aws:username}/*",
    "arn:aws:s3:::${aws:PrincipalTag/bucket}/*",
    "arn:aws:s3:::${aws:PrincipalTag/bucket}",
    "arn:aws:s3:::*/?l*c*t*",
    "arn:aws:s3",
    "arn:*:s3:*:*:docs/*:y",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:kms:eu-west-1:${aws:PrincipalAccount}:key/*",
    f"arn:aws:iam::{HOME}:role/*",
    *RESOURCES,
]


@dataclass(frozen=True)
class Family:
    """Operators that compare values of one type; keys that hold it; how policies write it and requests have it."""

    operators: tuple[str, ...]
    keys: tuple[str, ...]
    written: tuple[object, ...]
    given: tuple[str, ...]


def _six(name: str) -> tuple[str, ...]:
    ends = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    return tuple(name + end for end in ends)


FAMILIES = (
    Family(
        ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
         "StringNotLike"),
        ("aws:username", "aws:PrincipalTag/bucket", "aws:TagKeys", "aws:missing", "AWS:UserName"),
        ("alice", "Alice", "al*", "*", "?lice", "bob", "photos", "docs", "${aws:username}", "${aws:missing}",
         "${aws:missing, 'alice'}", "${aws:missing, 'al*'}", "${AWS:PrincipalTag/Bucket}", "${aws:TagKeys}", "a${*}b",
         "a*b", "${", "${}", "a${$}b", True, 10),
        ("alice", "bob", "a*b", "photos", "a$b", "ALICE", "${", "true", "10", "a:b"),
    ),
    Family(
        ("ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"),
        ("aws:PrincipalArn", "aws:SourceArn"),
        (ALICE, "arn:aws:iam::*:user/*", "arn:aws:iam::${aws:PrincipalAccount}:*", "*", "arn:*", "arn:aws:iam",
         f"arn:aws:iam::{HOME}:role/*", "arn:aws:*:user/alice", f"arn:aws:iam::{HOME}:user/${{aws:username}}",
         "arn:aws:iam::${aws:PrincipalTag/bucket}:user/alice", "arn:*:iam::${aws:PrincipalTag/bucket}:user/alice"),
        (ALICE, READER, MALLORY, "arn:aws:s3:::photos", "alice", "arn:aws:iam::a:b:user/alice"),
    ),
    Family(_six("Numeric"), ("s3:max-keys", "aws:EpochTime"), (10, "10", 9.5, "1e1", "1000", "${aws:username}", "ten"),
           ("10", "9.5", "1000", "-3", "many", "1_000", " 10", "infinity")),
    Family(
        _six("Date"),
        ("aws:CurrentTime",),
        ("2030-01-01T00:00:00Z", "1893456000", 1893456000, "2020-06-01", "2031-01-01T00:00:00+02:00", "2030", "2030-01",
         "2030-01-01T01:00+01:00", "soon"),
        ("2030-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2030-12-31T22:00:00Z", "1893456000", "now"),
    ),
    Family(("Bool",), ("aws:SecureTransport", "aws:MultiFactorAuthPresent"),
           (True, False, "True", "false", "${aws:SecureTransport}"), ("true", "false")),
    Family(
        ("IpAddress", "NotIpAddress"),
        ("aws:SourceIp",),
        ("10.0.0.0/8", "10.1.2.3", "192.168.7.7/16", "2001:db8::/32", "::ffff:10.0.0.0/104", "0.0.0.0/0"),
        ("10.1.2.3", "192.168.7.7", "2001:db8::1", "::ffff:10.1.2.3", "unknown"),
    ),
    Family(("BinaryEquals",), ("s3:digest",), ("QUI=", "QUJD", "${aws:username}"), ("QUI=", "QUJD", "QUI", "?")),
)  # fmt: skip


def listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of them or a list of some."""
    return values | values | st.lists(values, min_size=1, max_size=3)


def shuffled(*choices: Any) -> st.SearchStrategy[Any]:
    """One of each at once, in an order of no meaning: Hypothesis likes what stands first."""
    together = list(product(*choices))
    return st.sampled_from(Random(len(together)).sample(together, len(together)))


# One draw instead of four: what takes most of the time here is to draw.
OPERATORS = tuple(
    (family, prefix + operator + suffix)
    for family in FAMILIES
    for operator, prefix, suffix in product(
        family.operators, ("", "", "ForAllValues:", "ForAnyValue:"), ("", "", "IfExists")
    )
)
RARE = [one for one in OPERATORS if len(one[0].operators) < 3]
operators = shuffled([*OPERATORS, *RARE * 4, *[(FAMILIES[0], "Null")] * (len(OPERATORS) // 6)]).map(lambda one: one[0])
presence = st.sampled_from(["true", "false", True, False, "TRUE", ["true", "false"]])
ALL_KEYS = st.sampled_from([key for family in FAMILIES for key in family.keys])
keys_of = {family: st.sampled_from([*family.keys] * 4) | ALL_KEYS for family in FAMILIES}
values_of = {family: listed(st.sampled_from(family.written)) for family in FAMILIES}


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, str, object]:
    """Operator, key, values; the key holds what the operator compares, most of the time."""
    family, operator = draw(operators)
    if operator == "Null":
        return operator, draw(ALL_KEYS), draw(presence)
    return operator, draw(keys_of[family]), draw(values_of[family])


condition_blocks = st.lists(conditions(), min_size=1, max_size=3).map(
    lambda drawn: {operator: {key: values for one, key, values in drawn if one == operator} for operator, _, _ in drawn}
)


def _given(values: tuple[str, ...]) -> st.SearchStrategy[str | tuple[str, ...]]:
    several = [(), *((one,) for one in values), *product(values, repeat=2)]
    return st.sampled_from(values) | st.sampled_from(values) | st.sampled_from(several)


contexts = st.fixed_dictionaries(
    {},
    optional={
        "aws:principalaccount": st.sampled_from([HOME, OTHER]),
        **{
            key.lower(): _given(family.given)
            for family in FAMILIES
            for key in family.keys
            if key not in ("aws:missing", "AWS:UserName")
        },
    },
)
NOTHING = AuthorizationRequest(user(), "", "", ResourceSide(HOME))
MATCHING_ACTIONS = {
    action: [one for one in ACTION_PATTERNS if action_matches({"Action": one}, action)] for action in ACTIONS
}
MATCHING_RESOURCES = {
    resource: [
        one
        for one in RESOURCE_PATTERNS
        if resource_matches({"Resource": one}, NOTHING._replace(resource=resource), "2008-10-17")
    ]
    for resource in RESOURCES
}
PRINCIPALS = {
    "AWS": ["*", HOME, OTHER, f"arn:aws:iam::{HOME}:root", ALICE, READER, RECREATED, USER_ID, MALLORY, STRANGER,
            role_session().arn, federated_user().arn, role_session(OTHER).arn],
    "Service": [service().entity_id, "s3.amazonaws.com"],
    "Federated": [PROVIDER, "accounts.google.com"],
    "CanonicalUser": [CANONICAL_HOME, CANONICAL_OTHER],
}  # fmt: skip
principal_elements = st.fixed_dictionaries(
    {"AWS": listed(st.sampled_from(PRINCIPALS["AWS"]))},
    optional={kind: listed(st.sampled_from(PRINCIPALS[kind])) for kind in ("Service", "Federated", "CanonicalUser")},
) | st.sampled_from(["Service", "Federated", "CanonicalUser"]).flatmap(
    lambda kind: st.fixed_dictionaries({kind: listed(st.sampled_from(PRINCIPALS[kind]))})
)
who = st.just("*") | st.fixed_dictionaries({"AWS": listed(st.sampled_from(PRINCIPALS["AWS"]))}) | principal_elements


SHAPES = shuffled(
    ["Allow", "Allow", "Deny"],
    ["Action"] * 6 + ["NotAction"],
    ["Resource"] * 6 + ["NotResource"],
    [False, False, True],
    ["Principal"] * 4 + ["NotPrincipal"],
)


@cache
def actions_near(action: str) -> st.SearchStrategy[object]:
    return listed(st.sampled_from(MATCHING_ACTIONS[action]) | st.sampled_from(ACTION_PATTERNS))


@cache
def resources_near(resource: str) -> st.SearchStrategy[object]:
    return listed(st.sampled_from(MATCHING_RESOURCES[resource]) | st.sampled_from(RESOURCE_PATTERNS))


@st.composite
def statements(
    draw: st.DrawFn, action: str, resource: str, principals: bool = False, trust: bool = False
) -> dict[str, object]:
    """A statement that has something to do with the action and the resource."""
    effect, of_actions, of_resources, conditional, of_principals = draw(SHAPES)
    statement: dict[str, object] = {"Effect": effect, of_actions: draw(actions_near(action))}
    if not trust:
        statement[of_resources] = draw(resources_near(resource))
    if conditional:
        statement["Condition"] = draw(condition_blocks)
    if principals:
        element = draw(who)
        everybody = element == "*" or "*" in element.get("AWS", ())
        statement["Principal" if everybody else of_principals] = element
    return statement


versions = st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None])
FULL = policy(allow("*"))


@cache
def bodies(action: str, resource: str, principals: bool = False, trust: bool = False) -> st.SearchStrategy[Any]:
    """The statements of a document; many of them now and then."""
    one = statements(action, resource, principals, trust)
    few = st.lists(one, min_size=1, max_size=2)
    return few | few | few | st.lists(one, min_size=1, max_size=9)


@cache
def policies(action: str, resource: str, principal: str | None = None) -> st.SearchStrategy[NamedPolicy]:
    """A document whose principals are not asked, sometimes one that allows everything."""
    more = {} if principal is None else {"Principal": principal}

    def made(body: list[dict[str, object]], version: str | None) -> NamedPolicy:
        return NamedPolicy(document(*({**one, **more} for one in body), version=version), "drawn")

    drawn = st.builds(made, bodies(action, resource), versions)
    return drawn | drawn | drawn | st.just(FULL)


@cache
def levels(
    action: str, resource: str, principal: str | None = None
) -> st.SearchStrategy[tuple[tuple[NamedPolicy, ...], ...]]:
    """The documents of an organization; a level that has none lets nothing pass."""
    one = st.just(FULL) | policies(action, resource, principal)
    level = st.sampled_from([(), (FULL,)]) | st.lists(one, min_size=1, max_size=2).map(tuple)
    return st.lists(level, max_size=3).map(tuple)


requesters = st.sampled_from(
    [
        user(),
        user(),
        user(),
        role_session(),
        role_session(),
        role_session(),
        federated_user(),
        federated_user(),
        root(),
        user(OTHER, "mallory", MALLORY_ID),
        role_session(OTHER, STRANGER_ID),
        root(OTHER),
        user(name="recreated", unique_id="AIDAEXAMPLENEWONE1234"),
        replace(role_session(), entity_arn=LINKED, entity_id="AROAEXAMPLELINKED1234"),
        replace(role_session(), arn=f"arn:aws:sts::{HOME}:assumed-role/reader/weekly", session_name="weekly"),
        service(),
        service("x.amazonaws.com"),
        web_identity(),
        web_identity("accounts.google.com"),
        Principal.anonymous(),
    ]
)
ABOUT = st.sampled_from(
    [
        *(("bucket", action, arn) for action, arn in product(S3_ACTIONS, BUCKET_ARNS)),
        *(("trust", action, ROLE_ARN) for action in TRUST_ACTIONS * 2),
        *(("key", action, KEY_ARN) for action in KEY_ACTIONS * 2),
        *(("nothing", action, arn) for action, arn in product(OTHER_ACTIONS, ["*", ROLE_ARN])),
    ]
)
OWNERS = st.sampled_from([HOME, HOME, OTHER])
SETTINGS = shuffled(
    [False, False, False, True], [None, None, None, "RestrictPublicBuckets"], [None, None, None, None, HOME, OTHER]
)
WITH_POLICY, LIMITED, IN_ORGANIZATION = st.booleans(), st.sampled_from([False, False, True]), st.integers(0, 3)


@st.composite
def requests(draw: st.DrawFn) -> AuthorizationRequest:
    """A request to a bucket, a role, a key or something without a policy, with documents in any layer."""
    about, action, resource = draw(ABOUT)
    own = None
    if about in ("trust", "key") or (about == "bucket" and draw(WITH_POLICY)):
        body = draw(bodies(action, resource, True, about == "trust"))
        kind = PolicyType.TRUST if about == "trust" else PolicyType.RESOURCE
        own = ResourcePolicy(document(*body, version=draw(versions)), IDS, kind, about == "bucket")
    acl_allows, blocked, object_owner = draw(SETTINGS) if about == "bucket" else (False, None, None)
    organization = draw(IN_ORGANIZATION)
    some = policies(action, resource)
    return AuthorizationRequest(
        draw(requesters),
        action,
        resource,
        ResourceSide(
            draw(OWNERS),
            own,
            acl_allows,
            blocked,
            object_owner,
            draw(levels(action, resource, "*")) if organization in (0, 1) else (),
            granted=draw(st.integers(0, 7)) == 0,
        ),
        PrincipalPolicies(
            tuple(draw(st.lists(some, max_size=2))),
            draw(some) if draw(LIMITED) else None,
            tuple(draw(st.lists(some, max_size=2))) if draw(LIMITED) else None,
            draw(levels(action, resource)) if organization in (0, 2) else (),
        ),
        draw(contexts),
    )
