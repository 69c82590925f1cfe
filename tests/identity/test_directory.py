"""Cached reads: right, fresh after every commit, and free when warm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders import ANALYTICS, PRODUCTION, World, allow, policy, story, trusts
from isthmus.identity import (
    Directory,
    InvalidPrincipal,
    aws_managed_policy,
    aws_managed_policy_arn,
    managed_policies,
)
from isthmus.policy import PolicyDocument, PolicyType, ResourcePolicy


class _Counting:
    """A database that counts what is read from it."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.reads = 0

    def generation(self) -> int:
        return self._database.generation()

    async def fetch_one(self, sql: str, *values: Any) -> Any:
        self.reads += 1
        return await self._database.fetch_one(sql, *values)

    async def fetch_all(self, sql: str, *values: Any) -> Any:
        self.reads += 1
        return await self._database.fetch_all(sql, *values)


@story
async def test_accounts_are_found_by_every_name_they_have(world: World) -> None:
    account = await world.directory.account(PRODUCTION)
    assert account is not None
    assert account.name == "production"
    assert await world.directory.account_by_canonical_id(account.canonical_id) == account
    assert await world.directory.account_by_email("Production@Example.com") == account
    assert await world.directory.account_by_alias("production") == account
    assert await world.directory.account("999999999999") is None
    assert await world.directory.account_by_alias("nobody") is None


@story
async def test_names_are_found_regardless_of_case_but_keep_theirs(world: World) -> None:
    alice = await world.user(PRODUCTION, "Alice", path="/team/")
    assert await world.directory.user(PRODUCTION, "ALICE") == alice
    assert alice.arn == f"arn:aws:iam::{PRODUCTION}:user/team/Alice"
    assert await world.directory.user(ANALYTICS, "Alice") is None


@story
async def test_a_role_comes_with_its_trust_policy_and_the_ids_it_meant(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    role = await world.role(ANALYTICS, "reader", trust=trusts(alice.arn))
    assert await world.directory.role(ANALYTICS, "READER") == role
    assert role.trust.type is PolicyType.TRUST
    assert not role.trust.trusts_account
    assert role.trust.principal_ids == {alice.arn: alice.id}


@story
async def test_access_keys_come_with_their_secret_and_state(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    key = await world.access_key(PRODUCTION, alice)
    assert (key.account, key.user_id, key.active) == (PRODUCTION, alice.id, True)
    assert key.secret == "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert key.secret not in repr(key)
    assert not (await world.access_key(PRODUCTION, active=False)).active
    assert await world.directory.access_key("AKIAIOSFODNN7EXAMPLE") is None


@story
async def test_a_user_has_its_own_policies_and_its_groups_and_a_boundary(world: World) -> None:
    limit = await world.managed_policy(PRODUCTION, "limit", allow("s3:*"))
    shared = await world.managed_policy(PRODUCTION, "shared", allow("s3:ListBucket"))
    alice = await world.user(PRODUCTION, "alice", allow("s3:GetObject"), boundary=limit)
    await world.attach(PRODUCTION, alice.id, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", 1)
    await world.attach(PRODUCTION, alice.id, shared, 0)
    group = await world.group(PRODUCTION, "analysts", allow("s3:PutObject"), members=[alice])
    await world.attach(PRODUCTION, group, shared)
    found = await world.directory.policies_of_user(alice.id)
    group_arn = f"arn:aws:iam::{PRODUCTION}:group/analysts"
    assert [(policy.name, policy.arn, policy.holder) for policy in found.identity] == [
        ("shared", shared, alice.arn),
        ("AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", alice.arn),
        ("inline-0", None, alice.arn),
        ("shared", shared, group_arn),
        ("inline-0", None, group_arn),
    ]
    assert found.boundary is not None
    assert (found.boundary.arn, found.boundary.holder) == (limit, alice.arn)
    assert (await world.directory.policies_of_user("AIDAUNKNOWN")).identity == ()


@story
async def test_a_boundary_that_is_gone_allows_nothing(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", boundary=f"arn:aws:iam::{PRODUCTION}:policy/gone")
    boundary = (await world.directory.policies_of_user(alice.id)).boundary
    assert boundary is not None
    assert json.loads(boundary.document.text)["Statement"][0]["Effect"] == "Deny"


@story
async def test_a_bucket_comes_with_its_configuration(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    text = json.dumps(trusts(alice.arn, "s3:GetObject", Resource="arn:aws:s3:::reports/*"))
    await world.sql(
        "INSERT INTO buckets (id, name, account, region, ownership, policy, policy_principal_ids,"
        " public_access_block, created)"
        " VALUES (7, 'reports', ?, 'eu-central-1', 'BucketOwnerEnforced', ?, ?, ?, 5.0)",
        PRODUCTION, text, json.dumps({alice.arn: alice.id}), '{"BlockPublicAcls": true}',
    )  # fmt: skip
    await world.sql("INSERT INTO bucket_configurations VALUES (7, 'tagging', '{}')")
    bucket = await world.directory.bucket("reports")
    assert bucket is not None
    assert (bucket.id, bucket.account, bucket.region, bucket.versioning) == (
        7,
        PRODUCTION,
        "eu-central-1",
        "",
    )
    assert bucket.policy is not None
    assert bucket.policy.document.text == text
    assert bucket.policy.trusts_account
    assert bucket.public_access_block == {"BlockPublicAcls": True}
    assert bucket.configurations == {"tagging": "{}"}
    assert bucket.object_lock is False
    assert bucket.created == 5.0
    assert await world.directory.bucket("elsewhere") is None


@story
async def test_tags_keep_their_case_and_are_the_callers_own_copy(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", tags={"Team": "Data"})
    (await world.directory.tags(alice.id))["Team"] = "changed"
    assert await world.directory.tags(alice.id) == {"Team": "Data"}


@story
async def test_a_warm_directory_reads_nothing_and_a_commit_empties_it(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:GetObject"))
    database = _Counting(world.store.identity)
    directory = Directory(database, world.vault)  # type: ignore[arg-type]

    async def ask() -> int:
        before = database.reads
        directory.refresh()
        await directory.account(PRODUCTION)
        await directory.policies_of_user(alice.id)
        await directory.bucket("no-such-bucket")
        await directory.access_key("AKIAIOSFODNN7EXAMPLE")
        return database.reads - before

    assert await ask() > 0
    assert await ask() == 0
    await world.sql("DELETE FROM inline_policies")
    assert await ask() > 0
    assert (await directory.policies_of_user(alice.id)).identity == ()


@story
async def test_an_account_of_many_users_costs_no_more_than_a_small_one(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow("s3:GetObject"))
    database = _Counting(world.store.identity)

    async def reads() -> int:
        before = database.reads
        await Directory(database, world.vault).policies_of_user(alice.id)  # type: ignore[arg-type]
        return database.reads - before

    few = await reads()
    for number in range(50):
        await world.user(PRODUCTION, f"user-{number}", allow("s3:*"))
    assert await reads() == few


@story
async def test_a_read_that_outlives_the_cache_does_not_leave_its_answer_behind(world: World) -> None:
    class Slow(_Counting):
        async def fetch_one(self, sql: str, *values: Any) -> Any:
            row = await super().fetch_one(sql, *values)
            if self.reads == 1:  # somebody commits, and another request begins, before this answer arrives
                await world.sql("UPDATE users SET path = '/new/' WHERE id = ?", alice.id)
                directory.refresh()
            return row

    alice = await world.user(PRODUCTION, "alice")
    directory = Directory(Slow(world.store.identity), world.vault)  # type: ignore[arg-type]
    directory.refresh()
    old = await directory.user_by_id(alice.id)
    new = await directory.user_by_id(alice.id)
    assert old is not None
    assert new is not None
    assert (old.path, new.path) == ("/", "/new/")


@story
async def test_principals_are_resolved_to_the_ids_they_mean_now(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", path="/team/")
    role = await world.role(ANALYTICS, "reader", trust=trusts(PRODUCTION))

    async def ids(*principals: str) -> dict[str, str]:
        text = json.dumps(policy({"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "s3:*"}))
        return await world.directory.principal_ids(PolicyDocument.parse(text))

    assert await ids(alice.arn, role.arn, PRODUCTION) == {alice.arn: alice.id, role.arn: role.id}
    assert await ids(role.id) == {role.id: role.id}
    for wrong in (
        f"arn:aws:iam::{PRODUCTION}:user/nobody",
        f"arn:aws:iam::{PRODUCTION}:user/alice",  # without its path
        f"arn:aws:iam::{PRODUCTION}:user/team/Alice",
        f"arn:aws:iam::{PRODUCTION}:role/reader",  # in the other account
        "AIDAEXAMPLEEXAMPLE123",
    ):
        with pytest.raises(InvalidPrincipal) as refused:
            await ids(alice.arn, wrong)
        assert refused.value.principal == wrong


@story
async def test_a_policy_is_shown_as_written_but_for_principals_that_changed(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice")
    bob = await world.user(PRODUCTION, "bob")
    text = (
        '{ "Statement" : [{"Effect":"Allow","Action":"s3:*","Resource":"*",\n'
        f'  "Principal": {{"AWS": ["{alice.arn}",  "{bob.arn}"]}},\n'
        f'  "Condition": {{"ArnEquals": {{"aws:PrincipalArn": ["{alice.arn}", "{bob.arn}"]}}}}}}]}}'
    )
    kept = ResourcePolicy(PolicyDocument.parse(text), {alice.arn: alice.id, bob.arn: bob.id})
    assert await world.directory.shown_text(kept) == text
    await world.sql("DELETE FROM users WHERE id = ?", alice.id)
    await world.sql("UPDATE users SET name = 'rob', name_folded = 'rob' WHERE id = ?", bob.id)
    again = await world.user(PRODUCTION, "alice")
    shown = await world.directory.shown_text(kept)
    assert f'"AWS": ["{alice.id}",  "arn:aws:iam::{PRODUCTION}:user/rob"]' in shown
    assert f'"aws:PrincipalArn": ["{alice.arn}", "{bob.arn}"]' in shown
    assert again.id != alice.id


def test_the_policies_that_tutorials_name_are_there() -> None:
    for name in (
        "AdministratorAccess", "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess", "IAMFullAccess",
        "ReadOnlyAccess", "PowerUserAccess",
        "SecurityAudit", "ViewOnlyAccess", "Billing", "IAMUserChangePassword",
        "AWSOrganizationsFullAccess", "AWSCloudTrail_FullAccess",
    ):  # fmt: skip
        arn = aws_managed_policy_arn(name)
        assert arn is not None, name
        found = aws_managed_policy(arn)
        assert found is not None
        assert found.name == name
        assert found.id.startswith("ANPA")
        assert len(found.id) == 21
        assert found.created <= found.updated
        assert found.arn == f"arn:aws:iam::aws:policy{found.path}{name}"
    assert aws_managed_policy("arn:aws:iam::aws:policy/NoSuchPolicy") is None
    assert aws_managed_policy_arn("NoSuchPolicy") is None


def test_read_only_access_to_s3_is_what_aws_says_it_is() -> None:
    found = aws_managed_policy("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert found is not None
    assert found.version == "v3"
    assert json.loads(found.document)["Statement"][0]["Action"][:3] == ["s3:Get*", "s3:List*", "s3:Describe*"]


def test_every_managed_policy_parses_and_has_an_id_of_its_own() -> None:
    found = list(managed_policies())
    assert len(found) > 1000
    assert len({policy.id for policy in found}) == len({policy.arn for policy in found}) == len(found)
    for each in found:
        PolicyDocument.parse(each.document)
