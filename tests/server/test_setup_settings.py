"""Settings of the whole server, from the setup file to the operation that follows them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from isthmus.s3.deliveries.event_targets import Opened, opened_targets
from isthmus.server.configuration import Configuration
from isthmus.server.setup import apply
from isthmus.server.setup_fields import InvalidSetup
from isthmus.server.setup_file import parse_setup
from isthmus.server.system import open_system

QUEUE = "arn:aws:sqs:us-east-1:111122223333:uploads"
TOPIC = "arn:aws:sns:us-east-1:111122223333:news"
ACCOUNT = 'accounts: [{id: "111122223333", buckets: [{name: first-bucket}]}]\n'


async def made(folder: Path, text: str) -> tuple[str, bool]:
    async with open_system(Configuration(data=folder / "data", durability="relaxed"), {}) as system:
        await apply(parse_setup(text, folder), system)
        system.directory.refresh()
        bucket = await system.directory.bucket("first-bucket")
        assert bucket is not None
        return bucket.ownership, bucket.public_access_block is not None


async def targets(folder: Path, *texts: str) -> dict[str, Opened]:
    """The table after applying these files, read as a restarted server would."""
    configuration = Configuration(data=folder / "data", durability="relaxed")
    for text in texts:
        async with open_system(configuration, {}) as system:
            await apply(parse_setup(text, folder), system)
    async with open_system(configuration, {}) as system:
        return await opened_targets(system)


def test_event_targets_are_there_after_a_restart_and_stay_until_a_file_replaces_them(tmp_path: Path) -> None:
    first = f"event_targets: {{'{QUEUE}': 'https://me:hidden@hooks.example.com/'}}\naccounts: []\n"
    second = f"event_targets: {{'{TOPIC}': {{url: 'file:///a', accounts: ['444455556666']}}}}\naccounts: []\n"
    kept = {QUEUE: Opened("https://me:hidden@hooks.example.com/", frozenset())}
    assert asyncio.run(targets(tmp_path, first, first, ACCOUNT)) == kept
    assert asyncio.run(targets(tmp_path, second)) == {TOPIC: Opened("file:///a", frozenset({"444455556666"}))}
    assert asyncio.run(targets(tmp_path, "event_targets: {}\naccounts: []")) == {}


def test_passwords_in_the_addresses_of_event_targets_are_neither_stored_nor_shown_in_the_clear(tmp_path: Path) -> None:
    text = f"event_targets: {{'{QUEUE}': 'https://me:hidden@hooks.example.com/'}}\naccounts: []\n"
    asyncio.run(targets(tmp_path, text))
    files = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert any(b"event_targets" in file.read_bytes() for file in files)
    assert not any(b"hidden" in file.read_bytes() for file in files)
    assert "hidden" not in repr(parse_setup(text, tmp_path))
    with pytest.raises(InvalidSetup) as refused:
        parse_setup(text.replace("https:", "ftp:"), tmp_path)
    assert "hidden" not in str(refused.value)


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
        (f"event_targets:\n  {QUEUE}: ftp://example.com/", "line 2: event_targets: an address must be http(s)://"),
        (f"event_targets:\n  {QUEUE}: nats://example.com/", "line 2: event_targets: a NATS address needs a subject"),
        (
            "event_targets:\n  arn:aws:s3:::a: file:///a",
            "line 2: event_targets: 'arn:aws:s3:::a' must be the ARN of an",
        ),
        (f"event_targets:\n  {QUEUE}: {{}}", "line 2: an event target needs `url`"),
        (
            f"event_targets:\n  {QUEUE}: {{url: 'file:///a', accounts: [me]}}\naccounts: []",
            "line 2: event_targets: account 'me' must be 12 digits in quotes",
        ),
    ],
)
def test_a_setting_that_makes_no_sense_names_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidSetup) as refused:
        parse_setup(text if "accounts" in text else text + "\naccounts: []", tmp_path)
    assert str(refused.value).startswith(problem)
