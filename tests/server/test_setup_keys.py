"""The KMS keys of the setup file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import isthmus.kms
from builders import ANALYTICS, PRODUCTION, World, story
from isthmus.server.setup import apply
from isthmus.server.setup_fields import InvalidSetup
from isthmus.server.setup_file import parse_setup

assert isthmus.kms  # importing it registers the operations
ARN = f"arn:aws:kms:us-east-1:{PRODUCTION}:key/testkey-1"


def text(*keys: dict[str, Any]) -> str:
    """A setup file, which may be JSON, of one account with keys."""
    return json.dumps({"accounts": [{"id": PRODUCTION, "kms_keys": list(keys)}]})


def policy_for(principal: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}]}


async def given(world: World, *keys: dict[str, Any]) -> int:
    """Apply a file with these keys; how many things were made."""
    result = await apply(parse_setup(text(*keys), Path()), world.system)
    world.directory.refresh()
    return result.made


@story
async def test_a_key_has_the_id_that_the_operator_chose_and_works_like_others(world: World) -> None:
    assert await given(world, {"id": "testkey-1", "alias": "alias/tests", "description": "for tests"}) == 1
    for name in ("testkey-1", ARN, "alias/tests"):
        blob = (await world.call(PRODUCTION, "kms", "Encrypt", KeyId=name, Plaintext=b"x"))["CiphertextBlob"]
        opened = await world.call(PRODUCTION, "kms", "Decrypt", CiphertextBlob=blob)
        assert (opened["Plaintext"], opened["KeyId"]) == (b"x", ARN)
    metadata = (await world.call(PRODUCTION, "kms", "DescribeKey", KeyId="testkey-1"))["KeyMetadata"]
    assert (metadata["KeyId"], metadata["Description"]) == ("testkey-1", "for tests")
    assert (await world.refused(ANALYTICS, "kms", "DescribeKey", KeyId="testkey-1")).code == "NotFoundException"


@story
async def test_applying_it_again_keeps_the_material_and_sets_the_policy(world: World) -> None:
    await given(world, {"id": "testkey-1"})
    blob = (await world.call(PRODUCTION, "kms", "Encrypt", KeyId=ARN, Plaintext=b"x"))["CiphertextBlob"]
    user = await world.user(PRODUCTION, "alice")
    assert (await world.refused(user, "kms", "Decrypt", CiphertextBlob=blob)).code == "AccessDenied"
    statements = policy_for(PRODUCTION)["Statement"] + policy_for(user.arn)["Statement"]
    assert await given(world, {"id": "testkey-1", "policy": {"Statement": statements}}) == 0
    assert (await world.call(user, "kms", "Decrypt", CiphertextBlob=blob))["Plaintext"] == b"x"


@story
async def test_a_key_is_in_the_region_that_it_names(world: World) -> None:
    await given(world, {"id": "testkey-1", "region": "eu-west-1"})
    assert (await world.refused(PRODUCTION, "kms", "DescribeKey", KeyId="testkey-1")).code == "NotFoundException"
    rows = await world.system.identity.fetch_all("SELECT arn FROM kms_keys")
    assert [row[0] for row in rows] == [ARN.replace("us-east-1", "eu-west-1")]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ({}, "a KMS key needs `id`"),
        ({"id": "a/b"}, "`id` is 'a/b'"),
        ({"id": "k", "alias": "tests"}, "`alias` is 'tests'"),
        ({"id": "k", "alias": "alias/aws/s3"}, "`alias` is 'alias/aws/s3'"),
        ({"id": "k", "region": "mars"}, "`region` is 'mars'"),
        ({"id": "k", "policy": {"Statement": []}}, "no statement"),
        ({"id": "k", "spec": "RSA_2048"}, "a KMS key has no key 'spec'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(key: dict[str, Any], problem: str) -> None:
    assert parse_setup(text({"id": "k", "alias": "alias/k", "policy": policy_for("*")}), Path())
    with pytest.raises(InvalidSetup) as refused:
        parse_setup(text(key), Path())
    assert problem in str(refused.value)


@pytest.mark.parametrize("twice", [[{"id": "k"}] * 2, [{"id": name, "alias": "alias/same"} for name in ("a", "b")]])
def test_two_keys_of_a_region_share_neither_id_nor_alias(twice: list[dict[str, Any]]) -> None:
    elsewhere = {**twice[1], "region": "eu-west-1"}
    assert parse_setup(text(twice[0], elsewhere), Path())
    with pytest.raises(InvalidSetup, match="twice"):
        parse_setup(text(*twice), Path())


@story
async def test_an_alias_of_another_key_and_a_principal_that_is_none_are_refused(world: World) -> None:
    other = (await world.call(PRODUCTION, "kms", "CreateKey"))["KeyMetadata"]["KeyId"]
    await world.call(PRODUCTION, "kms", "CreateAlias", AliasName="alias/taken", TargetKeyId=other)
    nobody = policy_for(f"arn:aws:iam::{PRODUCTION}:role/nobody")
    for key in ({"id": "k", "alias": "alias/taken"}, {"id": "k", "policy": nobody}):
        with pytest.raises(InvalidSetup, match="KMS key k"):
            await given(world, key)
    assert (await world.refused(PRODUCTION, "kms", "DescribeKey", KeyId="k")).code == "NotFoundException"
    assert await given(world, {"id": "k", "alias": "alias/free"}) == 1
