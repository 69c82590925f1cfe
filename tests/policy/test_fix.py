"""What is said to help helps: each change, applied, lets the request pass, and opens nothing beside it.

A row is a refusal: who asks under which policies, and what is expected to be told. The changes are then applied, the
request is decided again, and so are its neighbours: the same with another action, another resource, another
requester. Neighbours that the language cannot keep shut are named in the row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from policy_builders import (
    HOME,
    OTHER,
    allow,
    ask,
    bucket_policy,
    deny,
    federated_user,
    policy,
    role_session,
    root,
    service,
    trust,
    user,
)

from isthmus.policy import (
    AuthorizationRequest,
    Change,
    PolicyDocument,
    PolicyType,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourceSide,
    apply_changes,
    decide,
)

CAT, DOG = "arn:aws:s3:::photos/cat.jpg", "arn:aws:s3:::photos/dog.jpg"
PHOTOS = "arn:aws:s3:::photos/*"
ROLE = f"arn:aws:iam::{OTHER}:role/target"
ALICE = f"arn:aws:iam::{HOME}:user/alice"
ALL = policy(allow("*"))
MANAGED = f"arn:aws:iam::{HOME}:policy/shared"
MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
NO_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}


@dataclass(frozen=True)
class Row:
    """told: account side, layer and kind of each change. opened: neighbours that pass too afterwards."""

    title: str
    told: list[tuple[str, PolicyType, str]]
    who: Principal = field(default_factory=user)
    identity: Any = ()
    boundary: Any = None
    session: Any = None
    scps: Any = ()
    rcps: Any = ()
    own: Any = None
    owner: str = HOME
    action: str = "s3:GetObject"
    resource: str = CAT
    context: dict[str, Any] = field(default_factory=dict)
    side: dict[str, Any] = field(default_factory=dict)
    opened: tuple[str, ...] = ()

    def request(self) -> AuthorizationRequest:
        identity = self.identity if isinstance(self.identity, tuple) else (self.identity,)
        return AuthorizationRequest(
            self.who,
            self.action,
            self.resource,
            ResourceSide(self.owner, self.own, rcps=self.rcps, **self.side),
            PrincipalPolicies(identity, self.boundary, self.session, self.scps),
            {**_of(self.who), **self.context},
        )


def _of(principal: Principal) -> dict[str, Any]:
    """The keys that describe a requester, as the server fills them."""
    keys = {"aws:principaltype": principal.kind.value}
    if principal.kind is PrincipalKind.SERVICE:
        return {**keys, "aws:principalservicename": principal.entity_id}
    return {**keys, "aws:principalarn": principal.entity_arn} if principal.entity_arn else keys


IDENTITY, BOUNDARY, SESSION = PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION
RESOURCE, TRUST, SCP, RCP = PolicyType.RESOURCE, PolicyType.TRUST, PolicyType.SCP, PolicyType.RCP
TO_ALICE = {"Principal": {"AWS": ALICE}}
ROWS = [
    Row("no policy at all", [("caller", IDENTITY, "add")]),
    Row("a policy for another action", [("caller", IDENTITY, "add")], identity=policy(allow("s3:PutObject"))),
    Row("a policy for another key", [("caller", IDENTITY, "add")], identity=policy(allow("s3:*", DOG)), opened=()),
    Row("a key with wildcards in its name", [("caller", IDENTITY, "add")], resource="arn:aws:s3:::photos/*.jpg"),
    Row("an allow that asks for MFA", [("caller", IDENTITY, "satisfy")], identity=policy(allow(Condition=MFA))),
    Row("an allow from another network", [("caller", IDENTITY, "satisfy")],
        identity=policy(allow(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
        context={"aws:sourceip": "192.0.2.1"}),
    Row("an allow that asks for another prefix", [("caller", IDENTITY, "satisfy")], action="s3:ListBucket",
        resource="arn:aws:s3:::photos",
        identity=policy(allow("s3:ListBucket", Condition={"StringLike": {"s3:prefix": "alice/*"}}))),
    Row("an allow for those with another tag", [("caller", IDENTITY, "add")],
        identity=policy(allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}))),
    Row("a deny of one action on one key", [("caller", IDENTITY, "remove")],
        identity=policy(allow("*"), deny("s3:GetObject", CAT))),
    Row("a deny of one action on everything", [("caller", IDENTITY, "narrow")],
        identity=policy(allow("*"), deny("s3:GetObject"))),
    Row("a deny of everything", [("caller", IDENTITY, "narrow")], identity=policy(allow("*"), deny("*"))),
    Row("a deny of all of S3 on some keys", [("caller", IDENTITY, "narrow")],
        identity=policy(allow("*"), deny("s3:*", PHOTOS)), opened=("resource",)),
    Row("a deny of some of S3 on some keys", [("caller", IDENTITY, "remove")],
        identity=policy(allow("*"), deny("s3:Get*", PHOTOS)), opened=("resource",)),
    Row("a deny of a list", [("caller", IDENTITY, "narrow")],
        identity=policy(allow("*"), deny(["s3:GetObject", "s3:DeleteObject"], [CAT, DOG]))),
    Row("a deny in a policy that others have too", [("caller", IDENTITY, "narrow")],
        identity=(policy(allow("*")), policy(deny("s3:Get*", PHOTOS), arn=MANAGED)), opened=("resource",)),
    Row("a deny of all but something", [("caller", IDENTITY, "narrow")],
        identity=policy(allow("*"), {"Effect": "Deny", "NotAction": "s3:List*", "Resource": "*"})),
    Row("a deny everywhere but somewhere", [("caller", IDENTITY, "narrow")],
        identity=policy(allow("*"), {"Effect": "Deny", "Action": "s3:GetObject", "NotResource": DOG})),
    Row("a deny of those without MFA", [("caller", IDENTITY, "satisfy")],
        identity=policy(allow("*"), deny("*", Condition=NO_MFA))),
    Row("two denies and no allow", [("caller", IDENTITY, "remove")] * 2 + [("caller", IDENTITY, "add")],
        identity=policy(deny("s3:GetObject", CAT), deny("s3:PutObject"), deny("s3:GetObject", CAT))),
    Row("a boundary that is silent", [("caller", BOUNDARY, "add")], identity=ALL, boundary=policy(allow("s3:List*"))),
    Row("a boundary that denies", [("caller", BOUNDARY, "narrow")], identity=ALL,
        boundary=policy(allow("*"), deny(), arn=MANAGED)),
    Row("a session policy that is silent", [("caller", SESSION, "add")], who=role_session(), identity=ALL,
        session=(policy(allow("s3:List*")),)),
    Row("a session policy that denies", [("caller", SESSION, "narrow")], who=role_session(), identity=ALL,
        session=(policy(allow("*"), deny()),)),
    Row("a federated session without a policy", [("caller", SESSION, "add")], who=federated_user(), identity=ALL),
    Row("an SCP level that is silent", [("caller", SCP, "add")], identity=ALL,
        scps=((policy(allow("*")),), (policy(allow("s3:List*")),)), opened=("requester",)),
    Row("two SCP levels that are silent", [("caller", SCP, "add")] * 2, identity=ALL,
        scps=((policy(allow("s3:List*")),), (policy(allow("s3:List*")),)), opened=("requester",)),
    Row("an SCP that denies", [("caller", SCP, "narrow")], identity=ALL,
        scps=((policy(allow("*"), deny(), arn=MANAGED),),)),
    Row("an RCP that denies", [("owner", RCP, "narrow")], identity=ALL,
        rcps=((policy(allow("*"), deny(Principal="*"), arn=MANAGED),),)),
    Row("another account's bucket, nobody allows", [("caller", IDENTITY, "add"), ("owner", RESOURCE, "add")],
        owner=OTHER),
    Row("another account's bucket without a policy", [("owner", RESOURCE, "add")], identity=ALL, owner=OTHER),
    Row("another account's bucket, its policy allows", [("caller", IDENTITY, "add")], owner=OTHER,
        own=bucket_policy(allow("s3:GetObject", PHOTOS, **TO_ALICE))),
    Row("another account's bucket for another action", [("owner", RESOURCE, "add")], identity=ALL, owner=OTHER,
        own=bucket_policy(allow("s3:PutObject", PHOTOS, **TO_ALICE))),
    Row("a role of another account", [("owner", RESOURCE, "add")], who=role_session(), identity=ALL, owner=OTHER),
    Row("another account's root", [("owner", RESOURCE, "add")], who=root(), owner=OTHER,
        opened=("requester",)),  # its root is the account: naming one names the other
    Row("a bucket policy that denies one user", [("owner", RESOURCE, "narrow")], identity=ALL,
        own=bucket_policy(deny("s3:*", PHOTOS, **TO_ALICE)), opened=("resource",)),
    Row("a bucket policy that denies two users", [("owner", RESOURCE, "narrow")], identity=ALL,
        own=bucket_policy(deny("s3:GetObject", CAT, Principal={"AWS": [ALICE, f"arn:aws:iam::{HOME}:user/bob"]}))),
    Row("a bucket policy that denies everybody", [("owner", RESOURCE, "narrow")], identity=ALL,
        own=bucket_policy(deny("s3:GetObject", PHOTOS, Principal="*", Sid="Stop")), opened=("resource",)),
    Row("a bucket policy that denies all but an exception", [("owner", RESOURCE, "narrow")], identity=ALL,
        own=bucket_policy(deny("s3:GetObject", CAT, Principal="*", Condition={
            "ArnNotEquals": {"AWS:PrincipalArn": f"arn:aws:iam::{HOME}:user/carol"}}))),
    Row("a bucket policy that denies without TLS", [("owner", RESOURCE, "satisfy")], identity=ALL,
        own=bucket_policy(deny("s3:*", PHOTOS, Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})),
        context={"aws:securetransport": "false"}),
    Row("a bucket policy that denies old TLS", [("owner", RESOURCE, "narrow")], identity=ALL,
        own=bucket_policy(
            deny("s3:GetObject", "*", Principal="*", Condition={"NumericLessThan": {"s3:TlsVersion": 1.3}})),
        context={"s3:tlsversion": "1.2"}),
    Row("an anonymous request", [("owner", RESOURCE, "add")], who=Principal.anonymous()),
    Row("a service", [("owner", RESOURCE, "add")], who=service()),
    Row("a service that is denied", [("owner", RESOURCE, "narrow")], who=service(), own=bucket_policy(
        allow("s3:*", PHOTOS, Principal={"Service": service().entity_id}), deny("s3:GetObject", CAT, Principal="*"))),
    Row("a public policy and RestrictPublicBuckets", [("owner", PolicyType.PUBLIC_ACCESS_BLOCK, "unset")],
        identity=ALL, owner=OTHER, own=bucket_policy(allow("s3:GetObject", CAT, Principal="*")),
        side={"public_access_blocked": "RestrictPublicBuckets"}, opened=("requester",)),
    Row("an object of another account", [("owner", PolicyType.ACL, "grant")], identity=ALL,
        side={"object_owner": OTHER}, opened=("action", "resource", "requester")),  # an ACL tells READ, not GetObject
    Row("a role that nobody trusts", [("owner", TRUST, "add")], identity=ALL, owner=OTHER, action="sts:AssumeRole",
        resource=ROLE, own=trust({"AWS": "444455556666"}), opened=("resource",)),  # the policy is about one role
    Row("a role that asks for MFA", [("owner", TRUST, "satisfy")], identity=ALL, owner=OTHER,
        action="sts:AssumeRole", resource=ROLE, own=trust({"AWS": HOME}, Condition=MFA)),
    Row("a role with an external id", [("owner", TRUST, "satisfy")], identity=ALL, owner=OTHER,
        action="sts:AssumeRole", resource=ROLE,
        own=trust({"AWS": HOME}, Condition={"StringEquals": {"sts:ExternalId": "right"}}),
        context={"sts:externalid": "wrong"}),
    Row("a role, the caller may not", [("caller", IDENTITY, "add")], owner=OTHER, action="sts:AssumeRole",
        resource=ROLE, own=trust({"AWS": HOME})),
    Row("a role of the own account that trusts somebody else", [("owner", TRUST, "add")], identity=ALL,
        action="sts:AssumeRole", resource=f"arn:aws:iam::{HOME}:role/target", own=trust({"AWS": ROLE}),
        opened=("resource",)),
    Row("every layer at once", [
            ("owner", RCP, "narrow"), ("owner", RESOURCE, "narrow"), ("caller", IDENTITY, "narrow"),
            ("caller", BOUNDARY, "narrow"), ("caller", SCP, "add"), ("owner", RESOURCE, "add")],
        identity=policy(allow("*"), deny()), boundary=policy(allow("*"), deny(), arn=MANAGED), owner=OTHER,
        scps=((policy(allow("s3:List*")),),), rcps=((policy(allow("*"), deny(Principal="*"), arn=MANAGED),),),
        own=bucket_policy(deny("s3:GetObject", CAT, Principal="*"))),
]  # fmt: skip


BOB = user(name="bob", unique_id="AIDAEXAMPLEBOB1234567")


def neighbours(request: AuthorizationRequest, asked: AuthorizationRequest) -> dict[str, AuthorizationRequest]:
    """The same request but for one thing. asked: the request before the changes, of which the requester's
    neighbour has those documents that are not his too."""
    other = request.resource + "-other" if request.resource != CAT else DOG
    context = {key: value for key, value in request.context.items() if not key.startswith("aws:principal")}
    mine, before = request.caller, asked.caller
    shared = PrincipalPolicies(
        tuple(new if old.arn else old for old, new in zip(before.identity, mine.identity, strict=False)) or (ALL,),
        mine.boundary if before.boundary is not None and before.boundary.arn else before.boundary,
        before.session,
        mine.scps,
    )
    return {
        "action": request._replace(action={"sts:AssumeRole": "sts:TagSession"}.get(request.action, "s3:DeleteObject")),
        "resource": request._replace(resource=other),
        "requester": request._replace(principal=BOB, context={**context, **_of(BOB)}, caller=shared),
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_what_is_told_makes_exactly_the_request_pass(row: Row) -> None:
    request = row.request()
    decision = decide(request)
    assert not decision.allowed
    changes = decision.changes
    assert sorted((one.side, one.type.value, one.kind) for one in changes) == sorted(
        (side, layer.value, kind) for side, layer, kind in row.told
    )
    changed = apply_changes(request, changes)
    assert decide(changed).allowed
    before, after = neighbours(request, request), neighbours(changed, request)
    opened = {name for name in after if decide(after[name]).allowed and not decide(before[name]).allowed}
    shut = {name for name in after if decide(before[name]).allowed and not decide(after[name]).allowed}
    if all(one.kind == "satisfy" for one in changes):
        return  # nobody's policies have changed: it is the neighbour who asks better now
    assert opened == set(row.opened)
    assert shut == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_every_change_names_account_layer_and_place(row: Row) -> None:
    request = row.request()
    for change in decide(request).changes:
        assert change.account in (HOME, OTHER) or change.account == request.principal.account
        assert change.where
        told = change.to_json()
        assert json.loads(orjson.dumps(told)) == told
        assert told["policyType"] == change.type.value
        if change.kind in ("narrow", "remove"):
            assert change.line is not None
            assert change.statement is not None
            assert change.statement["Effect"] == "Deny"


def changes_of(title: str) -> tuple[Change, ...]:
    return decide(next(row for row in ROWS if row.title == title).request()).changes


def test_a_narrowed_deny_says_what_it_still_denies() -> None:
    (change,) = changes_of("a deny of everything")
    assert list(change.replacement) == [
        {"Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "NotResource": CAT},
    ]
    (change,) = changes_of("a bucket policy that denies two users")
    assert change.replacement == (
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": CAT, "Principal": {"AWS": [BOB.arn]}},
    )
    (change,) = changes_of("a bucket policy that denies all but an exception")
    assert change.replacement[0]["Condition"] == {
        "ArnNotEquals": {"AWS:PrincipalArn": [f"arn:aws:iam::{HOME}:user/carol", ALICE]}
    }


def test_what_stays_of_one_statement_has_sids_of_its_own() -> None:
    request = Row("", [], identity=policy(allow("*"), deny("*", Sid="Stop"))).request()
    (change,) = decide(request).changes
    assert [one["Sid"] for one in change.replacement] == ["Stop", "Stop2"]


def test_a_condition_to_satisfy_tells_what_to_send() -> None:
    (change,) = changes_of("a role with an external id")
    assert change.context == {"sts:externalid": "right"}
    (change,) = changes_of("an allow from another network")
    assert change.context == {"aws:sourceip": "203.0.113.1"}
    (change,) = changes_of("a deny of those without MFA")
    assert change.context == {"aws:multifactorauthpresent": "true"}


def test_who_asks_is_not_told_what_the_other_account_wants_to_hear() -> None:
    """The external id is the owner's secret: the change that names it is shown to the owner only."""
    decision = decide(next(row for row in ROWS if row.title == "a role with an external id").request())
    assert '"right"' in json.dumps(decision.to_json(OTHER))
    assert '"right"' not in json.dumps(decision.to_json(HOME))


def test_every_statement_told_can_be_stored() -> None:
    for row in ROWS:
        for change in decide(row.request()).changes:
            statements = list(change.replacement) if change.kind != "add" else [change.statement]
            if statements:
                PolicyDocument.parse(json.dumps({"Version": "2012-10-17", "Statement": statements}))


def test_what_an_organization_lacks_is_added_at_the_level_that_is_silent() -> None:
    holder = "arn:aws:organizations::999988887777:ou/o-a/ou-a-b"
    silent = replace(policy(allow("ec2:*")), holder=holder)
    decision = ask(user(), identity=policy(allow("*")), scps=((policy(allow("*")),), (silent,)))
    (change,) = decision.changes
    assert (change.where, change.level) == (f"a service control policy at {holder}", 1)
    assert decide(apply_changes(decision.request, decision.changes)).allowed
