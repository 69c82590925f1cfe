"""Encoded authorization messages: who may read what of a denial."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import isthmus.sts
from builders import ANALYTICS, PRODUCTION, World, allow, story
from isthmus.identity import AUTHORIZATION_MESSAGE

STRANGER = "999999999999"
DECISION = {
    "allowed": False,
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::reports/a",
    "context": {"aws:sourceip": "127.0.0.1", "s3:existingobjecttag/secret": "project-x"},
    "layers": [
        {"side": "principal", "type": "identity-based policy", "allowed": True},
        {
            "side": "resource",
            "type": "resource-based policy",
            "allowed": False,
            "statement": "only the auditors",
        },
    ],
    "changes": [{"side": "resource", "text": "add alice to the bucket policy"}],
    "something new": "that nobody has judged yet",
}


def _message(world: World, decision: dict[str, Any], asked_by: str = ANALYTICS) -> str:
    """The message of a denial by Production of what `asked_by` asked."""
    owner = SimpleNamespace(account=PRODUCTION)
    denial: Any = SimpleNamespace(request=SimpleNamespace(owner=owner), to_json=lambda: decision)
    call: Any = SimpleNamespace(account=asked_by)
    return isthmus.sts.encode_decision(world.vault, denial, call)


async def _decoded(world: World, who: Any, message: str) -> dict[str, Any]:
    output = await world.call(who, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    view: dict[str, Any] = json.loads(output["DecodedMessage"])
    return view


@story
async def test_the_owner_of_the_resource_sees_both_sides(world: World) -> None:
    assert await _decoded(world, PRODUCTION, _message(world, DECISION)) == DECISION


@story
async def test_the_asking_account_sees_its_own_side_only(world: World) -> None:
    assert await _decoded(world, ANALYTICS, _message(world, DECISION)) == {
        "allowed": False,
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::reports/a",
        "context": {"aws:sourceip": "127.0.0.1"},
        "layers": [{"side": "principal", "type": "identity-based policy", "allowed": True}],
        "changes": [],
        "otherAccount": "the other account does not allow it",
    }


@story
async def test_inside_one_account_everything_is_seen(world: World) -> None:
    assert await _decoded(world, PRODUCTION, _message(world, DECISION, PRODUCTION)) == DECISION


@story
async def test_a_third_account_sees_nothing(world: World) -> None:
    await world.account(STRANGER, "stranger")
    message = _message(world, DECISION)
    error = await world.refused(STRANGER, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    nonsense = await world.refused(STRANGER, "sts", "DecodeAuthorizationMessage", EncodedMessage="nonsense")
    assert (error.code, error.message) == (nonsense.code, nonsense.message)
    assert error.code == "InvalidAuthorizationMessageException"


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-1], lambda text: "B" + text[1:], lambda text: "é" + text]
)
def test_a_changed_message_is_refused(spoil: Any, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        message = spoil(_message(world, DECISION))
        error = await world.refused(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
        assert error.code == "InvalidAuthorizationMessageException"

    tell(tmp_path)


@story
async def test_a_session_token_is_no_message_and_a_message_no_session_token(world: World) -> None:
    token = (await world.call(PRODUCTION, "sts", "GetSessionToken"))["Credentials"]["SessionToken"]
    error = await world.refused(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=token)
    assert error.code == "InvalidAuthorizationMessageException"
    with pytest.raises(ValueError, match="not sealed"):
        world.vault.session(_message(world, DECISION))


@story
async def test_decoding_needs_permission(world: World) -> None:
    message = _message(world, DECISION)
    bob = await world.user(PRODUCTION, "bob", allow("sts:DecodeAuthorizationMessage"))
    carol = await world.user(PRODUCTION, "carol")
    assert await _decoded(world, bob, message) == DECISION
    error = await world.refused(carol, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    assert error.code == "AccessDenied"
    assert "sts:DecodeAuthorizationMessage" in error.message


@story
async def test_a_decision_too_large_for_a_message_leaves_its_layers_out(world: World) -> None:
    large = DECISION | {"layers": [{"side": "principal", "text": world.entropy(9000).hex()}]}
    message = _message(world, large)
    assert len(message) <= 10240
    view = await _decoded(world, PRODUCTION, message)
    assert view == {key: DECISION[key] for key in ("allowed", "action", "resource")}
    assert world.vault.unseal_text(message, AUTHORIZATION_MESSAGE)
