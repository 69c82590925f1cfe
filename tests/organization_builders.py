"""An organization for tests: Management has two members, one of them in a unit inside a unit.

root ── Management
     ├─ Sandbox
     └─ Workloads (unit) ── Production (unit) ── Data
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import isthmus.iam
import isthmus.organizations
import isthmus.s3
import isthmus.sts  # noqa: F401 - fill the table of operations
from builders import Json, World, story
from isthmus.identity import User
from isthmus.wire import AwsError

MANAGEMENT, DATA, SANDBOX, OUTSIDER = "999988887777", "111122223333", "444455556666", "222233334444"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


class Company:
    """The organization, acted for by the management account's root unless told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.id = self.root = self.workloads = self.production = ""

    async def do(self, name: str, who: User | Json | str = MANAGEMENT, **members: Any) -> dict[str, Any]:
        """An operation of Organizations that must succeed."""
        return await self.world.call(who, "organizations", name, **members)

    async def refused(self, name: str, who: User | Json | str = MANAGEMENT, **members: Any) -> AwsError:
        """The error of one that must not."""
        return await self.world.refused(who, "organizations", name, **members)

    async def unit(self, parent: str, name: str) -> str:
        """A new unit's id."""
        made = await self.do("CreateOrganizationalUnit", ParentId=parent, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    async def join(self, account: str) -> None:
        """Invite an account, which accepts."""
        invitation = await self.do("InviteAccountToOrganization", Target={"Type": "ACCOUNT", "Id": account})
        await self.do("AcceptHandshake", account, HandshakeId=invitation["Handshake"]["Id"])

    async def policy(self, document: Json, kind: str = SCP, name: str | None = None) -> str:
        """A new policy's id."""
        made = await self.do(
            "CreatePolicy", Type=kind, Description="", Content=json.dumps(document), Name=name or json.dumps(document),
        )  # fmt: skip
        return str(made["Policy"]["PolicySummary"]["Id"])

    async def attach(self, document: Json, target: str, kind: str = SCP) -> str:
        """Attach a new policy; its id."""
        policy_id = await self.policy(document, kind)
        await self.do("AttachPolicy", PolicyId=policy_id, TargetId=target)
        return policy_id

    async def only(self, document: Json, target: str) -> str:
        """Attach a new service control policy and detach FullAWSAccess."""
        policy_id = await self.attach(document, target)
        await self.do("DetachPolicy", PolicyId="p-FullAWSAccess", TargetId=target)
        return policy_id


async def standalone(world: World) -> Company:
    """The four accounts, and no organization yet."""
    # The world has two of the accounts already.
    await world.account(MANAGEMENT, "management")
    await world.account(OUTSIDER, "outsider")
    return Company(world)


async def company(world: World) -> Company:
    """The whole tree."""
    made = await standalone(world)
    made.id = (await made.do("CreateOrganization"))["Organization"]["Id"]
    made.root = (await made.do("ListRoots"))["Roots"][0]["Id"]
    for account in (DATA, SANDBOX):
        await made.join(account)
    made.workloads = await made.unit(made.root, "Workloads")
    made.production = await made.unit(made.workloads, "Production")
    await made.do("MoveAccount", AccountId=DATA, SourceParentId=made.root, DestinationParentId=made.production)
    return made


def company_story(test: Callable[[Company], Awaitable[None]]) -> Callable[[Path], None]:
    """A test that is an async function of the whole tree, made into one that pytest can run."""

    async def tell(world: World) -> None:
        await test(await company(world))

    tell.__name__, tell.__doc__, tell.__module__ = test.__name__, test.__doc__, test.__module__
    return story(tell)
