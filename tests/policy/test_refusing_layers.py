"""In whose name a request is refused or allowed, and everything that stands in its way."""

from __future__ import annotations

from typing import Any

import pytest
from policy_builders import (
    HOME,
    OTHER,
    allow,
    ask,
    bucket_policy,
    deny,
    document,
    federated_user,
    policy,
    role_session,
    root,
    service,
    trust,
    user,
    web_identity,
)

from isthmus.policy import Decision, PolicyType, Principal, ResourcePolicy

SCP, RCP, RESOURCE, IDENTITY = PolicyType.SCP, PolicyType.RCP, PolicyType.RESOURCE, PolicyType.IDENTITY
BOUNDARY, SESSION, TRUST, ACL = PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.TRUST, PolicyType.ACL
BLOCK, GRANT = PolicyType.PUBLIC_ACCESS_BLOCK, PolicyType.GRANT
ALL, SILENT, DENYING = policy(allow("*")), policy(allow("ec2:*")), policy(allow("*"), deny("*"))
ALICE, READER = f"arn:aws:iam::{HOME}:user/alice", f"arn:aws:iam::{HOME}:role/jobs/reader"
ORDER = [SCP, RCP, RESOURCE, IDENTITY, BOUNDARY, SESSION]
ROLE = {"action": "sts:AssumeRole", "resource": f"arn:aws:iam::{HOME}:role/target"}
KEY = {"action": "kms:Decrypt", "resource": f"arn:aws:kms:eu-west-1:{HOME}:key/1"}


def layered(said: dict[PolicyType, Any], owner: str = OTHER, **more: Any) -> Decision:
    """A request of another account's user, all of whose layers allow but those given."""
    documents = {layer: said.get(layer, ALL) for layer in ORDER}
    own = documents[RESOURCE].document.value["Statement"]
    return ask(
        user(),
        owner=owner,
        identity=documents[IDENTITY],
        boundary=documents[BOUNDARY],
        session=(documents[SESSION],),
        scps=((documents[SCP],),),
        rcps=((documents[RCP],),),
        resource_policy=bucket_policy(*({**one, "Principal": "*"} for one in own)),
        **more,
    )


def test_a_deny_is_told_in_the_name_of_the_first_layer_that_denies() -> None:
    for at, layer in enumerate(ORDER):
        decision = layered(dict.fromkeys(ORDER[at:], DENYING))
        assert (decision.allowed, decision.explicit_deny, decision.layer) == (False, True, layer)
        assert set(decision.refused_by) == set(ORDER[at:])
    assert layered({}).allowed


def test_silence_is_told_in_the_name_of_the_first_layer_that_is_silent() -> None:
    order = [RCP, SCP, RESOURCE, IDENTITY, BOUNDARY, SESSION]
    for at, layer in enumerate(order):
        decision = layered(dict.fromkeys(order[at:], SILENT))
        assert (decision.allowed, decision.explicit_deny, decision.layer) == (False, False, layer)
        assert decision.refused_by == tuple(order[at:])


def test_a_deny_anywhere_goes_before_silence_elsewhere() -> None:
    for denying in ORDER:
        for silent in ORDER:
            if denying is not silent:
                decision = layered({denying: DENYING, silent: SILENT})
                assert (decision.explicit_deny, decision.layer) == (True, denying)
                assert decision.refused_by == (denying, silent)


def test_a_policy_that_denies_and_would_not_grant_is_in_the_way_twice_and_told_once() -> None:
    nothing_granted = policy(deny("*"))
    for layer in ORDER:
        assert layered({layer: nothing_granted}).refused_by == (layer,)


def test_of_a_policy_that_denies_what_it_grants_only_the_deny_is_in_the_way() -> None:
    to_alice, from_alice = allow(Principal={"AWS": ALICE}), deny(Principal={"AWS": ALICE})
    assert ask(user(), resource_policy=bucket_policy(to_alice, from_alice)).refused_by == (RESOURCE,)
    assert ask(user(), resource_policy=bucket_policy(from_alice)).refused_by == (RESOURCE, IDENTITY)
    but_alice = {**allow(), "NotPrincipal": {"AWS": [OTHER]}}
    bounded = ask(user(), boundary=SILENT, resource_policy=bucket_policy(but_alice, from_alice))
    assert bounded.refused_by == (RESOURCE,)


def test_inside_one_account_the_user_needs_its_own_allow_or_the_resources() -> None:
    assert ask(user(), identity=ALL).layer is IDENTITY
    granted = ask(user(), resource_policy=bucket_policy(allow(Principal={"AWS": ALICE})))
    assert (granted.allowed, granted.layer, granted.explicit_deny) == (True, RESOURCE, False)
    refused = ask(user(), resource_policy=bucket_policy(allow(Principal={"AWS": HOME})))
    assert (refused.layer, refused.refused_by) == (IDENTITY, (IDENTITY,))
    refused = ask(user(), identity=SILENT, boundary=SILENT, session=(SILENT,))
    assert (refused.layer, refused.refused_by) == (IDENTITY, (IDENTITY, BOUNDARY, SESSION))
    assert ask(user(), identity=ALL, boundary=SILENT).layer is BOUNDARY
    assert ask(role_session(), identity=ALL, boundary=ALL, session=(SILENT,)).layer is SESSION


def test_a_role_that_a_resource_policy_names_is_limited_by_boundary_then_session() -> None:
    named = {"resource_policy": bucket_policy(allow(Principal={"AWS": READER}))}
    both = ask(role_session(), boundary=SILENT, session=(SILENT,), **named)
    assert (both.layer, both.refused_by) == (BOUNDARY, (BOUNDARY, SESSION))
    assert ask(role_session(), session=(SILENT,), **named).layer is SESSION
    assert ask(role_session(), boundary=ALL, session=(ALL,), **named).layer is RESOURCE


def test_across_accounts_the_allow_is_told_in_the_name_of_the_resources_side() -> None:
    assert layered({}).layer is RESOURCE
    by_list = ask(user(), owner=OTHER, identity=ALL, acl_allows=True)
    assert (by_list.allowed, by_list.layer, by_list.explicit_deny) == (True, ACL, False)
    neither = ask(user(), owner=OTHER)
    assert (neither.layer, neither.refused_by) == (RESOURCE, (RESOURCE, IDENTITY))


def test_a_list_of_the_own_account_stands_for_no_policy() -> None:
    assert not ask(user(), acl_allows=True).allowed
    assert ask(user(), identity=ALL, acl_allows=True).allowed
    foreign = {"object_owner": OTHER, "resource_policy": bucket_policy(allow(Principal="*"))}
    assert ask(user(), identity=ALL, **foreign).refused_by == (RESOURCE,)
    assert ask(user(), identity=ALL, acl_allows=True, **foreign).layer is ACL
    assert ask(user(), acl_allows=True, **foreign).refused_by == (IDENTITY,)
    assert ask(user(), identity=ALL, boundary=SILENT, acl_allows=True, **foreign).refused_by == (BOUNDARY,)


def test_a_grant_of_a_key_stands_for_policies_but_not_for_boundaries_sessions_and_denies() -> None:
    for owner in (HOME, OTHER):
        granted = ask(user(), owner=owner, granted=True, **KEY)
        assert (granted.allowed, granted.layer, granted.explicit_deny) == (True, GRANT, False)
        assert not ask(user(), owner=owner, **KEY).allowed
        assert ask(user(), owner=owner, boundary=ALL, granted=True, **KEY).layer is GRANT
        assert not ask(user(), owner=owner, boundary=SILENT, granted=True, **KEY).allowed
        assert ask(role_session(), owner=owner, session=(ALL,), granted=True, **KEY).layer is GRANT
        assert not ask(role_session(), owner=owner, session=(SILENT,), granted=True, **KEY).allowed
        assert ask(user(), owner=owner, identity=DENYING, granted=True, **KEY).explicit_deny
    assert ask(service(), session=(SILENT,), granted=True, **KEY).layer is GRANT
    assert not ask(service(), session=(SILENT,), **KEY).allowed


@pytest.mark.parametrize("principal", [service(), web_identity(), Principal.anonymous()])
def test_who_has_no_policies_is_decided_about_by_the_resources_side_alone(principal: Principal) -> None:
    element = {"Service": service().entity_id, "Federated": web_identity().entity_id, "AWS": "*"}
    silent = {"boundary": SILENT, "session": (SILENT,), "scps": ((SILENT,),)}
    granted = ask(principal, resource_policy=bucket_policy(allow(Principal=element)), **silent)
    assert (granted.allowed, granted.layer) == (True, RESOURCE)
    refused = ask(principal, identity=ALL, **silent)
    assert (refused.layer, refused.refused_by) == (RESOURCE, (RESOURCE,))
    assert ask(principal, acl_allows=True, **silent).allowed


def test_a_restricted_public_bucket_refuses_in_the_name_of_its_setting() -> None:
    public = {"resource_policy": bucket_policy(allow(Principal="*")), "public_access_blocked": "RestrictPublicBuckets"}
    stranger = ask(user(), owner=OTHER, identity=ALL, **public)
    assert (stranger.layer, stranger.explicit_deny, stranger.refused_by) == (BLOCK, False, (BLOCK,))
    assert stranger.message.endswith(
        " because public access is prevented by the RestrictPublicBuckets setting in S3 Block Public Access"
    )
    assert ask(user(), owner=OTHER, **public).refused_by == (BLOCK, IDENTITY)
    assert ask(user(), identity=ALL, **public).allowed
    assert ask(user(), owner=OTHER, identity=ALL, acl_allows=True, **public).layer is ACL
    assert ask(user(), owner=OTHER, acl_allows=True, **public).layer is IDENTITY
    other_key = bucket_policy(allow(resource="arn:aws:s3:::photos/public/*", Principal="*"))
    refused = ask(user(), owner=OTHER, identity=ALL, **{**public, "resource_policy": other_key})
    assert (refused.layer, refused.refused_by) == (RESOURCE, (RESOURCE, BLOCK))
    denied = bucket_policy(allow(Principal="*"), deny(Principal="*"))
    refused = ask(user(), owner=OTHER, identity=ALL, **{**public, "resource_policy": denied})
    assert (refused.layer, refused.refused_by) == (RESOURCE, (RESOURCE, BLOCK))


@pytest.mark.parametrize(
    ("principal", "named", "limits", "refused_by"),
    [
        (user(), {"AWS": ALICE}, {}, ()),
        (user(), {"AWS": ALICE}, {"boundary": SILENT}, (BOUNDARY,)),
        (user(), {"AWS": ALICE}, {"boundary": ALL}, ()),
        (user(), {"AWS": "*"}, {"boundary": SILENT}, (BOUNDARY,)),
        (user(), {"AWS": HOME}, {}, (IDENTITY,)),
        (user(), {"AWS": HOME}, {"identity": ALL}, ()),
        (user(), {"AWS": HOME}, {"identity": ALL, "boundary": SILENT}, (BOUNDARY,)),
        (user(), {"AWS": OTHER}, {"identity": ALL}, (TRUST,)),
        (user(), {"AWS": OTHER}, {}, (TRUST, IDENTITY)),
        (role_session(), {"AWS": READER}, {}, ()),
        (role_session(), {"AWS": READER}, {"session": (SILENT,)}, (SESSION,)),
        (role_session(), {"AWS": role_session().arn}, {"session": (SILENT,)}, ()),
        (role_session(), {"AWS": role_session().arn}, {"boundary": SILENT}, (BOUNDARY,)),
        (root(), {"AWS": HOME}, {}, ()),
        (root(), {"AWS": OTHER}, {}, (TRUST,)),
    ],
)
def test_a_trust_policy_must_grant_whoever_asks(
    principal: Principal, named: Any, limits: dict[str, Any], refused_by: tuple[PolicyType, ...]
) -> None:
    decision = ask(principal, resource_policy=trust(named), **ROLE, **limits)
    assert decision.refused_by == refused_by
    assert decision.allowed is (not refused_by)
    assert decision.layer is (refused_by[0] if refused_by else TRUST)


def test_a_trust_policys_deny_is_told_in_its_own_name() -> None:
    own = ResourcePolicy(document(deny("sts:*", Principal="*")), {}, TRUST, trusts_account=False)
    decision = ask(user(), identity=ALL, resource_policy=own, **ROLE)
    assert (decision.explicit_deny, decision.layer, decision.refused_by) == (True, TRUST, (TRUST,))
    across = ask(user(), identity=ALL, owner=OTHER, resource_policy=trust({"AWS": OTHER}), **ROLE)
    assert (across.layer, across.refused_by) == (TRUST, (TRUST,))


def test_a_key_policy_trusts_its_account_only_where_it_says_so() -> None:
    def key(*statements: Any) -> dict[str, Any]:
        return {"resource_policy": ResourcePolicy(document(*statements), {ALICE: user().entity_id}, RESOURCE, False)}

    to_account = key(allow("kms:*", Principal={"AWS": HOME}))
    to_another = key(allow("kms:*", Principal={"AWS": OTHER}))
    to_alice = key(allow("kms:*", Principal={"AWS": ALICE}))
    assert ask(user(), identity=ALL, **to_account, **KEY).allowed
    assert not ask(user(), **to_account, **KEY).allowed
    assert ask(user(), identity=ALL, **to_another, **KEY).refused_by == (RESOURCE,)
    assert ask(root(), **to_account, **KEY).allowed
    assert ask(root(), **to_another, **KEY).refused_by == (RESOURCE,)
    assert ask(user(), boundary=SILENT, **to_alice, **KEY).allowed


def test_the_root_user_needs_no_policy_and_its_session_may_be_limited() -> None:
    assert ask(root(), boundary=SILENT, identity=policy(deny("*"))).allowed
    assert ask(root(), session=(SILENT,)).refused_by == (SESSION,)
    named = bucket_policy(allow(Principal={"AWS": HOME}))
    assert ask(root(), session=(SILENT,), resource_policy=named).refused_by == (SESSION,)
    assert ask(root(), session=(ALL,), resource_policy=named).allowed
    assert ask(root(), owner=OTHER, session=(SILENT,), resource_policy=named).refused_by == (SESSION,)


def test_a_federated_session_without_a_policy_is_allowed_only_what_names_it() -> None:
    guest = {"AWS": federated_user().arn}
    assert ask(federated_user(), identity=ALL).refused_by == (SESSION,)
    assert ask(federated_user(), identity=ALL, session=(ALL,)).allowed
    assert ask(federated_user(), session=(ALL,)).refused_by == (IDENTITY,)
    assert ask(federated_user(), resource_policy=bucket_policy(allow(Principal=guest))).allowed
    assert not ask(federated_user(), owner=OTHER, resource_policy=bucket_policy(allow(Principal=guest))).allowed


@pytest.mark.parametrize("action", ["sts:GetCallerIdentity", "sts:GetSessionToken"])
def test_no_policy_takes_away_who_one_is_and_a_session_of_ones_own(action: str) -> None:
    nothing = policy(deny("*"))
    decision = ask(
        user(), identity=nothing, boundary=nothing, scps=((nothing,),), rcps=((nothing,),), action=action, resource="*"
    )
    assert (decision.allowed, decision.layer, decision.refused_by) == (True, IDENTITY, ())
    assert not ask(user(), identity=nothing, action="sts:GetAccessKeyInfo", resource="*").allowed
    assert not ask(Principal.anonymous(), identity=ALL, action=action, resource="*").allowed
