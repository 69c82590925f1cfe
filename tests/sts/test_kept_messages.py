"""Messages of refusals by request id: whose they are, how many are kept, and for how long."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from builders import ANALYTICS, PRODUCTION, World, story
from isthmus.policy import Principal, PrincipalKind
from isthmus.sts import encode_decision
from isthmus.sts.kept_messages import (
    MOST_OF_ONE_ASKER,
    KeptMessage,
    asker_of,
    drop_old,
    is_request_id,
    keep,
    kept_message,
)

BOTH, OWN = {"layers": ["both"]}, {"layers": ["own"]}


def sealed(world: World, owner: str = PRODUCTION, asker: str = ANALYTICS) -> str:
    denial: Any = SimpleNamespace(
        request=SimpleNamespace(owner=SimpleNamespace(account=owner)),
        to_json=lambda viewer=None: BOTH if viewer is None else OWN,
    )
    call: Any = SimpleNamespace(account=asker)
    return encode_decision(world.vault, denial, call)


def request_id(number: int) -> str:
    return f"{number:016X}"


@story
async def test_each_account_sees_of_a_kept_message_what_it_sees_of_the_message(world: World) -> None:
    await world.account("999999999999", "stranger")
    await keep(world.system.objects, [KeptMessage(request_id(1), ANALYTICS, world.now, sealed(world))])
    for account, view in ((PRODUCTION, BOTH), (ANALYTICS, OWN)):
        output = await world.call(account, "sts", "DecodeAuthorizationMessage", EncodedMessage=request_id(1))
        assert json.loads(output["DecodedMessage"]) == view
    for account, asked in (("999999999999", request_id(1)), (PRODUCTION, request_id(2))):
        error = await world.refused(account, "sts", "DecodeAuthorizationMessage", EncodedMessage=asked)
        assert (error.code, error.message) == (
            "InvalidAuthorizationMessageException", "The message is not a valid authorization message.",
        )  # fmt: skip


@story
async def test_the_newest_thousand_of_each_asker_are_kept(world: World) -> None:
    objects = world.system.objects
    await keep(objects, [KeptMessage(request_id(0), PRODUCTION, world.now, "of another asker")])
    for start in range(1, MOST_OF_ONE_ASKER + 201, 100):
        numbers = range(start, start + 100)
        await keep(objects, [KeptMessage(request_id(n), ANALYTICS, world.now + n, "message") for n in numbers])
    rows = await objects.fetch_all("SELECT asker, COUNT(*) FROM denials GROUP BY asker ORDER BY asker")
    assert rows == [(PRODUCTION, 1), (ANALYTICS, MOST_OF_ONE_ASKER)]
    assert await kept_message(objects, request_id(MOST_OF_ONE_ASKER + 200)) == "message"
    assert await kept_message(objects, request_id(200)) is None
    assert await kept_message(objects, request_id(201)) == "message"


@story
async def test_messages_are_kept_for_a_week(world: World) -> None:
    await keep(world.system.objects, [KeptMessage(request_id(1), ANALYTICS, world.now, "message")])
    await drop_old(world.system.objects, world.now + 6 * 86400)
    assert await kept_message(world.system.objects, request_id(1)) == "message"
    await drop_old(world.system.objects, world.now + 8 * 86400)
    assert await kept_message(world.system.objects, request_id(1)) is None


@pytest.mark.parametrize(
    ("kind", "account", "asker"),
    [
        (PrincipalKind.USER, ANALYTICS, ANALYTICS),
        (PrincipalKind.ANONYMOUS, "anonymous", f"anonymous/{PRODUCTION}"),
        (PrincipalKind.WEB_IDENTITY, "anonymous", f"anonymous/{PRODUCTION}"),
    ],
)
def test_refusals_count_against(kind: PrincipalKind, account: str, asker: str) -> None:
    decision: Any = SimpleNamespace(
        request=SimpleNamespace(
            principal=Principal(kind, account, "arn", "arn", "id"), owner=SimpleNamespace(account=PRODUCTION)
        )
    )
    assert asker_of(decision) == asker


@story
async def test_no_sealed_message_looks_like_a_request_id(world: World) -> None:
    assert not is_request_id(sealed(world))
    assert is_request_id("0B02452448D8ED4F")
    assert not is_request_id("0B02452448D8ED4G")
