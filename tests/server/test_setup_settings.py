"""Settings of the whole server, from the setup file to the operation that follows them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from isthmus.server.configuration import Configuration
from isthmus.server.setup import apply
from isthmus.server.setup_file import InvalidSetup, parse_setup
from isthmus.server.system import open_system

ACCOUNT = 'accounts: [{id: "111122223333", buckets: [{name: first-bucket}]}]\n'


async def made(folder: Path, text: str) -> tuple[str, bool]:
    async with open_system(Configuration(data=folder / "data", durability="relaxed"), {}) as system:
        await apply(parse_setup(text, folder), system)
        system.directory.refresh()
        bucket = await system.directory.bucket("first-bucket")
        assert bucket is not None
        return bucket.ownership, bucket.public_access_block is not None


def test_a_new_bucket_has_acls_off_and_public_access_blocked(tmp_path: Path) -> None:
    assert asyncio.run(made(tmp_path, ACCOUNT)) == ("BucketOwnerEnforced", True)


def test_the_setup_file_can_say_what_new_buckets_get(tmp_path: Path) -> None:
    text = "new_buckets: {object_ownership: ObjectWriter, block_public_access: false}\n" + ACCOUNT
    assert asyncio.run(made(tmp_path, text)) == ("ObjectWriter", False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("new_buckets: {object_ownership: Nobody}", "line 1: `object_ownership` is 'Nobody'"),
        (
            "accounts: []\nnew_buckets: {block_public_access: maybe}",
            "line 2: `block_public_access` must be true or false",
        ),
        ("accounts: []\nnew_buckets: {colour: blue}", "line 2: new_buckets has no key 'colour'"),
        ("accounts: []\nlifecycle_day_seconds: 0", "line 2: `lifecycle_day_seconds` must be above 0"),
    ],
)
def test_a_setting_that_makes_no_sense_names_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidSetup) as refused:
        parse_setup(text if "accounts" in text else text + "\naccounts: []", tmp_path)
    assert str(refused.value).startswith(problem)
