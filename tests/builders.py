"""A small world for tests: a system on a temporary folder with a clock that stands still until it is moved.

    @story
    async def test_alice_assumes_the_reader_role(world: World) -> None:
        alice = await world.user(PRODUCTION, "alice", allow("sts:AssumeRole", "*"))
        role = await world.role(ANALYTICS, "reader", trust=trusts(alice.arn))

Rows are inserted as the IAM operations would write them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from isthmus.identity import ACCESS_KEY, MFA_SEED, Directory, Role, User, Vault, authenticated, mfa
from isthmus.identity.records import AccessKey, Session
from isthmus.names import access_key_id, canonical_id, unique_id
from isthmus.operation import OPERATIONS, Call, Caller, Settings, System, authorise
from isthmus.policy import PolicyDocument
from isthmus.store import Store, Transaction, open_sqlite
from isthmus.wire import AwsError, Request

PRODUCTION = "111122223333"
ANALYTICS = "444455556666"
START = 1_800_000_000.0  # 2027-01-15T08:00:00Z, on the border of a 30-second step
SEED = b"a seed of forty bytes, known to the test"

Json = Mapping[str, Any]


class World:
    """A system and the accounts, users and roles in it."""

    def __init__(self, store: Store) -> None:
        self.now = START
        self._drawn = 0
        self.store = store
        self.vault = Vault(bytes(range(32)))
        self.directory = Directory(store.identity, self.vault)
        self.system = System(
            settings=Settings(),
            identity=store.identity,
            objects=store.objects,
            contents=store.contents,
            directory=self.directory,
            vault=self.vault,
            clock=lambda: self.now,
            entropy=self.entropy,
        )

    def entropy(self, count: int) -> bytes:
        """Bytes that are different at each call and the same in each run."""
        self._drawn += 1
        return hashlib.shake_128(str(self._drawn).encode()).digest(count)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator[World]:
        """A world with the two accounts of most stories."""
        store = open_sqlite(folder, "relaxed")
        try:
            world = cls(store)
            await world.account(PRODUCTION, "production")
            await world.account(ANALYTICS, "analytics")
            yield world
        finally:
            await store.close()

    async def sql(self, statement: str, *values: Any) -> None:
        """Change the identity database in one transaction."""

        async def work(tx: Transaction) -> None:
            await tx.execute(statement, *values)

        await self.store.identity.write(work)
        self.directory.refresh()

    async def _insert(self, table: str, **columns: Any) -> None:
        marks = ", ".join("?" * len(columns))
        await self.sql(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", *columns.values())

    async def account(self, account: str, name: str) -> None:
        await self._insert(
            "accounts", id=account, name=name, email=f"{name}@example.com", alias=name,
            canonical_id=canonical_id(account), created=START,
        )  # fmt: skip

    async def user(
        self,
        account: str,
        name: str,
        *policies: Json,
        path: str = "/",
        boundary: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> User:
        user_id = unique_id("AIDA", self.entropy(11))
        await self._insert(
            "users", id=user_id, account=account, name=name, name_folded=name.lower(), path=path,
            boundary=boundary, created=START,
        )  # fmt: skip
        await self._policies(user_id, policies)
        await self.tag(user_id, tags or {})
        user = await self.directory.user_by_id(user_id)
        assert user is not None
        return user

    async def group(self, account: str, name: str, *policies: Json, members: Sequence[User] = ()) -> str:
        group_id = unique_id("AGPA", self.entropy(11))
        await self._insert(
            "groups",
            id=group_id,
            account=account,
            name=name,
            name_folded=name.lower(),
            path="/",
            created=START,
        )
        await self._policies(group_id, policies)
        for member in members:
            await self._insert("group_members", group_id=group_id, user_id=member.id)
        return group_id

    async def role(
        self,
        account: str,
        name: str,
        *policies: Json,
        trust: Json,
        path: str = "/",
        max_session_duration: int = 3600,
        boundary: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Role:
        role_id = unique_id("AROA", self.entropy(11))
        text = json.dumps(trust)
        ids = await self.directory.principal_ids(PolicyDocument.parse(text))
        await self._insert(
            "roles", id=role_id, account=account, name=name, name_folded=name.lower(), path=path,
            boundary=boundary, max_session_duration=max_session_duration,
            trust_policy=text, trust_principal_ids=json.dumps(ids),
            created=START,
        )  # fmt: skip
        await self._policies(role_id, policies)
        await self.tag(role_id, tags or {})
        role = await self.directory.role_by_id(role_id)
        assert role is not None
        return role

    async def _policies(self, entity_id: str, policies: Sequence[Json]) -> None:
        for number, document in enumerate(policies):
            await self._insert(
                "inline_policies", entity_id=entity_id, name=f"inline-{number}", document=json.dumps(document)
            )

    async def managed_policy(self, account: str, name: str, document: Json) -> str:
        """A customer managed policy; its ARN."""
        arn = f"arn:aws:iam::{account}:policy/{name}"
        policy_id = unique_id("ANPA", self.entropy(11))
        await self._insert(
            "policies", id=policy_id, account=account, arn=arn, name=name, name_folded=name.lower(), path="/",
            default_version=1, last_version=1, created=START, updated=START,
        )  # fmt: skip
        await self._insert(
            "policy_versions", policy_id=policy_id, version=1, document=json.dumps(document), created=START
        )
        return arn

    async def attach(self, account: str, entity_id: str, arn: str, position: int = 0) -> None:
        await self._insert("attached_policies", account=account, entity_id=entity_id, policy_arn=arn, position=position)

    async def tag(self, resource: str, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            await self._insert("tags", resource=resource, key_folded=key.lower(), key=key, value=value)

    async def access_key(self, account: str, user: User | None = None, *, active: bool = True) -> AccessKey:
        """A long-term key of the user, or of the account's root."""
        key_id = access_key_id("AKIA", account, self.entropy(10))
        await self._insert(
            "access_keys", id=key_id, account=account, user_id=None if user is None else user.id,
            active=int(active), created=START,
            secret=self.vault.seal(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ACCESS_KEY),
        )  # fmt: skip
        key = await self.directory.access_key(key_id)
        assert key is not None
        return key

    async def mfa_device(self, account: str, owner: str, name: str, seed: bytes = SEED) -> str:
        """An enabled virtual MFA device; its serial number."""
        serial = f"arn:aws:iam::{account}:mfa/{name}"
        await self._insert(
            "mfa_devices", serial=serial, account=account, name=name, path="/",
            seed=self.vault.seal(seed, MFA_SEED), owner_id=owner, enabled=START, created=START,
        )  # fmt: skip
        return serial

    def code(self, seed: bytes = SEED, steps: int = 0) -> str:
        """What an authenticator shows now, or some 30-second steps from now."""
        return mfa.code_at(seed, mfa.step_at(self.now) + steps)

    async def call(self, who: User | Json | str | None, service: str, name: str, **members: Any) -> dict[str, Any]:
        """Pass the doors from authorisation on; the output.

        who: a user; the output of an STS operation, for its credentials; an account id, for its root;
        None for nobody.
        """
        call = await self.new_call(who, service, name, **members)
        await authorise(call)
        output: dict[str, Any] = await call.operation.execute(call)
        return output

    async def new_call(self, who: User | Json | str | None, service: str, name: str, **members: Any) -> Call:
        """A call that has passed no door yet; `who` as for `call`."""
        self.directory.refresh()
        operation = OPERATIONS[service, name]
        caller, context = await self._caller(who)
        return Call(
            operation=operation,
            input=members,
            caller=caller,
            request=Request("POST", "/", "", {}),
            system=self.system,
            context=context,
            request_id="request-1",
            now=self.now,
            region="us-east-1",
        )

    async def refused(self, who: User | Json | str | None, service: str, name: str, **members: Any) -> AwsError:
        """The error of a call that must not succeed."""
        try:
            output = await self.call(who, service, name, **members)
        except AwsError as error:
            return error
        raise AssertionError(f"{service}:{name} was not refused: {output}")

    def session(self, output: Json) -> Session:
        """The claims of the credentials that an STS operation gave."""
        return self.vault.session(output["Credentials"]["SessionToken"])

    async def _caller(self, who: User | Json | str | None) -> tuple[Caller, dict[str, Any]]:
        session = None
        if who is None:
            principal, policies, context = authenticated.anonymous()
        elif isinstance(who, str | User):
            user_id, account = (None, who) if isinstance(who, str) else (who.id, who.account)
            key = AccessKey(f"AKIA of {user_id or account}", account, user_id, "")
            principal, policies, context = await authenticated.long_term(self.directory, key)
        else:
            session = self.session(who)
            principal, policies, context = await authenticated.temporary(self.directory, session)
        context = {**context, **authenticated.context_at(session, self.now)}
        return Caller(principal, policies, session=session), context


def story(test: Callable[[World], Awaitable[None]]) -> Callable[[Path], None]:
    """A test that is an async function of a fresh world, made into one that pytest can run."""

    def run(tmp_path: Path) -> None:
        async def tell() -> None:
            async with World.open(tmp_path) as world:
                await test(world)

        asyncio.run(tell())

    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run


def statement(effect: str, action: str | Sequence[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: Json) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str | Sequence[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    """An identity policy that allows one thing."""
    return policy(statement("Allow", action, resource, **more))


def deny(action: str | Sequence[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    """An identity policy that denies one thing."""
    return policy(statement("Deny", action, resource, **more))


def trusts(principal: str | Json, action: str | Sequence[str] = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    """A trust policy for one principal: an ARN or account id, or a whole Principal element."""
    element = {"AWS": principal} if isinstance(principal, str) else principal
    return policy({"Effect": "Allow", "Principal": element, "Action": action, **more})
