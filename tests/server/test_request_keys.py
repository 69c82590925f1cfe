"""Condition keys that the server fills in for every request."""

from __future__ import annotations

import pytest

import isthmus.iam  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, World, allow, story
from isthmus.server.context import request_context
from isthmus.wire import Request


@pytest.mark.parametrize(
    ("client", "shown"), [("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::1"), ("192.0.2.7",) * 2]
)
def test_a_mapped_address_is_its_ipv4_address(client: str, shown: str) -> None:
    request = Request("GET", "/", "", {}, client=client)
    assert request_context(request, "s3", "us-east-1", None, {}, None, 0.0)["aws:sourceip"] == shown


@pytest.mark.parametrize(("account", "allowed"), [(PRODUCTION, True), (ANALYTICS, False)])
def test_the_account_of_the_resource_is_a_key_of_iam_too(account: str, allowed: bool, tmp_path: object) -> None:
    @story
    async def ask(world: World) -> None:
        only = allow("iam:GetUser", Condition={"StringEquals": {"aws:ResourceAccount": account}})
        alice = await world.user(PRODUCTION, "alice", only)
        if allowed:
            await world.call(alice, "iam", "GetUser", UserName="alice")
        else:
            assert (await world.refused(alice, "iam", "GetUser", UserName="alice")).code == "AccessDenied"

    ask(tmp_path)  # type: ignore[arg-type]
