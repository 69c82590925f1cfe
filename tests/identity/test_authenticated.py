"""Condition keys and policies of each kind of requester: what is there, and what must be absent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import ANALYTICS, PRODUCTION, START, World, allow, story, trusts
from isthmus.identity import PrincipalGone, Session, authenticated
from isthmus.policy import Principal, PrincipalKind


def _session(principal: Principal, kind: str = "AssumeRole", **claims: object) -> Session:
    session = Session("ASIAIOSFODNN7EXAMPLE", kind, principal, START, START + 3600)
    return replace(session, **claims)  # type: ignore[arg-type]


async def _role(world: World) -> Principal:
    role = await world.role(
        PRODUCTION, "reader", allow("s3:GetObject"), trust=trusts(PRODUCTION), path="/team/",
        tags={"Team": "Red", "Cost": "1"},
    )  # fmt: skip
    arn = f"arn:aws:sts::{PRODUCTION}:assumed-role/reader/alice"
    return Principal(PrincipalKind.ROLE_SESSION, PRODUCTION, arn, role.arn, role.id, "alice")


@story
async def test_a_user_with_long_term_keys(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:GetObject"), path="/team/", tags={"Team": "Red"})
    key = await world.access_key(PRODUCTION, alice)
    principal, policies, context = await authenticated.long_term(world.directory, key)
    assert principal == Principal(PrincipalKind.USER, PRODUCTION, alice.arn, alice.arn, alice.id)
    assert len(policies.identity) == 1
    assert policies.session is None
    assert context == {
        "aws:principalarn": alice.arn,
        "aws:principalaccount": PRODUCTION,
        "aws:principaltype": "User",
        "aws:principalisawsservice": "false",
        "aws:userid": alice.id,
        "aws:username": "alice",
        "aws:principaltag/team": "Red",
    }


@story
async def test_the_root_user_with_long_term_keys(world: World) -> None:
    principal, policies, context = await authenticated.long_term(world.directory, await world.access_key(PRODUCTION))
    root = f"arn:aws:iam::{PRODUCTION}:root"
    assert principal == Principal(PrincipalKind.ROOT, PRODUCTION, root, root, PRODUCTION)
    assert policies.identity == ()
    assert context == {
        "aws:principalarn": root,
        "aws:principalaccount": PRODUCTION,
        "aws:principaltype": "Account",
        "aws:principalisawsservice": "false",
        "aws:userid": PRODUCTION,
    }


def test_an_anonymous_request() -> None:
    principal, policies, context = authenticated.anonymous()
    assert principal.kind is PrincipalKind.ANONYMOUS
    assert policies.identity == ()
    assert context == {
        "aws:principalaccount": "anonymous",
        "aws:principaltype": "Anonymous",
        "aws:userid": "anonymous",
    }


@story
async def test_a_role_session_without_mfa_says_so(world: World) -> None:
    who = await _role(world)
    session = _session(who, tags={"team": "Blue"}, source_identity="alice")
    principal, policies, context = await authenticated.temporary(world.directory, session)
    assert principal == who
    assert len(policies.identity) == 1
    assert policies.session is None
    assert context == {
        "aws:principalarn": f"arn:aws:iam::{PRODUCTION}:role/team/reader",
        "aws:principalaccount": PRODUCTION,
        "aws:principaltype": "AssumedRole",
        "aws:principalisawsservice": "false",
        "aws:userid": f"{who.entity_id}:alice",
        "aws:principaltag/team": "Blue",
        "aws:principaltag/cost": "1",
        "aws:tokenissuetime": "2027-01-15T08:00:00Z",
        "aws:multifactorauthpresent": "false",
        "aws:sourceidentity": "alice",
    }


@story
async def test_a_session_of_a_user_is_that_user_with_mfa_told(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:GetObject"))
    who = Principal(PrincipalKind.USER, PRODUCTION, alice.arn, alice.arn, alice.id)
    session = _session(who, "GetSessionToken", mfa_at=START)
    principal, policies, context = await authenticated.temporary(world.directory, session)
    assert principal == who
    assert len(policies.identity) == 1
    assert context["aws:username"] == "alice"
    assert context["aws:multifactorauthpresent"] == "true"
    assert context["aws:tokenissuetime"] == "2027-01-15T08:00:00Z"


@story
async def test_a_federated_user_is_limited_to_its_session_policies(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:*"), tags={"Team": "Red", "Cost": "1"})
    arn = f"arn:aws:sts::{PRODUCTION}:federated-user/guest"
    who = Principal(PrincipalKind.FEDERATED_USER, PRODUCTION, arn, alice.arn, alice.id, "guest")
    session = _session(who, "GetFederationToken", limited=True, tags={"Team": "Guests"})
    principal, policies, context = await authenticated.temporary(world.directory, session)
    assert principal == who
    assert len(policies.identity) == 1
    assert policies.session == ()
    assert context["aws:principalarn"] == arn
    assert context["aws:userid"] == f"{PRODUCTION}:guest"
    assert context["aws:principaltype"] == "FederatedUser"
    assert context["aws:principaltag/team"] == "Guests"
    assert context["aws:principaltag/cost"] == "1"
    assert "aws:username" not in context


@story
async def test_session_policies_stand_beside_the_roles_own(world: World) -> None:
    who = await _role(world)
    arns = ("arn:aws:iam::aws:policy/ReadOnlyAccess", f"arn:aws:iam::{PRODUCTION}:policy/gone")
    text = '{"Version":"2012-10-17","Statement":[]}'
    session = _session(who, limited=True, session_policy=text, session_policy_arns=arns)
    _, policies, _ = await authenticated.temporary(world.directory, session)
    assert policies.session is not None
    assert [policy.arn for policy in policies.session] == [None, arns[0]]


@story
async def test_a_session_ends_with_its_role_even_if_one_of_that_name_is_made_again(world: World) -> None:
    who = await _role(world)
    await authenticated.temporary(world.directory, _session(who))
    await world.sql("DELETE FROM roles WHERE id = ?", who.entity_id)
    with pytest.raises(PrincipalGone):
        await authenticated.temporary(world.directory, _session(who))
    await world.role(PRODUCTION, "reader", trust=trusts(PRODUCTION), path="/team/")
    with pytest.raises(PrincipalGone):
        await authenticated.temporary(world.directory, _session(who))


@story
async def test_a_session_ends_with_its_user(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    key = await world.access_key(PRODUCTION, alice)
    await world.sql("DELETE FROM access_keys")
    await world.sql("DELETE FROM users")
    for kind, sort in [
        ("GetSessionToken", PrincipalKind.USER),
        ("GetFederationToken", PrincipalKind.FEDERATED_USER),
    ]:
        who = Principal(sort, PRODUCTION, alice.arn, alice.arn, alice.id, "guest")
        with pytest.raises(PrincipalGone):
            await authenticated.temporary(world.directory, _session(who, kind))
    with pytest.raises(PrincipalGone):
        await authenticated.long_term(world.directory, key)


@story
async def test_a_renamed_user_goes_on_under_its_new_name(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    who = Principal(PrincipalKind.USER, PRODUCTION, alice.arn, alice.arn, alice.id)
    await world.sql("UPDATE users SET name = 'alicia', name_folded = 'alicia'")
    principal, _, context = await authenticated.temporary(world.directory, _session(who, "GetSessionToken"))
    assert principal.arn == f"arn:aws:iam::{PRODUCTION}:user/alicia"
    assert context["aws:username"] == "alicia"


@story
async def test_two_sessions_with_one_access_key_id_are_not_mixed_up(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    bob = await world.user(ANALYTICS, "bob")
    names = []
    for user in (alice, bob, alice):
        who = Principal(PrincipalKind.USER, user.account, user.arn, user.arn, user.id)
        principal, _, _ = await authenticated.temporary(world.directory, _session(who, "GetSessionToken"))
        names.append(principal.arn)
    assert names == [alice.arn, bob.arn, alice.arn]
