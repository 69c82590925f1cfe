"""Encoded authorization messages: who may read what of a denial."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from builders import ANALYTICS, PRODUCTION, World, allow, story
from isthmus.sts import encode_decision

STRANGER = "999999999999"
BOTH = {"allowed": False, "layers": ["the asking account's", "the owner's"]}
OWN = {"allowed": False, "layers": ["the asking account's"]}
SHORT = {"allowed": False, "action": "s3:GetObject", "resource": "arn:aws:s3:::reports/a"}


def _message(world: World, both: dict[str, Any], asked_by: str = ANALYTICS) -> str:
    """The message of a denial by Production of what `asked_by` asked."""
    denial: Any = SimpleNamespace(
        allowed=False,
        request=SimpleNamespace(
            owner=SimpleNamespace(account=PRODUCTION), action=SHORT["action"], resource=SHORT["resource"]
        ),
        to_json=lambda viewer=None: both if viewer is None else OWN,
    )
    call: Any = SimpleNamespace(account=asked_by)
    return encode_decision(world.vault, denial, call)


async def _decoded(world: World, who: Any, message: str) -> dict[str, Any]:
    output = await world.call(who, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    view: dict[str, Any] = json.loads(output["DecodedMessage"])
    return view


@story
async def test_the_owner_of_the_resource_sees_both_sides(world: World) -> None:
    assert await _decoded(world, PRODUCTION, _message(world, BOTH)) == BOTH


@story
async def test_the_asking_account_sees_its_own_side_only(world: World) -> None:
    assert await _decoded(world, ANALYTICS, _message(world, BOTH)) == OWN


@story
async def test_inside_one_account_everything_is_seen(world: World) -> None:
    assert await _decoded(world, PRODUCTION, _message(world, BOTH, PRODUCTION)) == BOTH


@story
async def test_a_third_account_sees_nothing(world: World) -> None:
    await world.account(STRANGER, "stranger")
    message = _message(world, BOTH)
    error = await world.refused(STRANGER, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    nonsense = await world.refused(STRANGER, "sts", "DecodeAuthorizationMessage", EncodedMessage="nonsense")
    assert (error.code, error.message) == (nonsense.code, nonsense.message)
    assert error.code == "InvalidAuthorizationMessageException"


@pytest.mark.parametrize("spoil", [lambda text: text[:-1], lambda text: "B" + text[1:], lambda text: "é" + text])
def test_a_changed_message_is_refused(spoil: Any, tmp_path: Any) -> None:
    @story
    async def tell(world: World) -> None:
        message = spoil(_message(world, BOTH))
        error = await world.refused(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
        assert error.code == "InvalidAuthorizationMessageException"

    tell(tmp_path)


@story
async def test_a_session_token_is_no_message_and_a_message_no_session_token(world: World) -> None:
    token = (await world.call(PRODUCTION, "sts", "GetSessionToken"))["Credentials"]["SessionToken"]
    error = await world.refused(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=token)
    assert error.code == "InvalidAuthorizationMessageException"
    with pytest.raises(ValueError, match="not sealed"):
        world.vault.session(_message(world, BOTH))


@story
async def test_decoding_needs_permission(world: World) -> None:
    message = _message(world, BOTH)
    bob = await world.user(PRODUCTION, "bob", allow("sts:DecodeAuthorizationMessage"))
    carol = await world.user(PRODUCTION, "carol")
    assert await _decoded(world, bob, message) == BOTH
    error = await world.refused(carol, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    assert error.code == "AccessDenied"
    assert "sts:DecodeAuthorizationMessage" in error.message


@story
async def test_a_decision_too_large_for_a_message_leaves_its_layers_out(world: World) -> None:
    message = _message(world, BOTH | {"context": world.entropy(9000).hex()})
    assert len(message) <= 10240
    assert await _decoded(world, PRODUCTION, message) == SHORT
    assert await _decoded(world, ANALYTICS, message) == SHORT
