"""The first start: one account, and its root credentials in a file that only the owner reads."""

from __future__ import annotations

import asyncio
import configparser
from pathlib import Path

import pytest

from isthmus.operation import System
from isthmus.server import first_start
from isthmus.server.configuration import Configuration
from isthmus.server.first_start import make_first_account
from isthmus.server.system import open_system


def started(folder: Path, endpoint: str = "http://127.0.0.1:9000") -> tuple[Path | None, int]:
    """What a start writes, and how many accounts there are then."""

    async def start() -> tuple[Path | None, int]:
        async with open_system(Configuration(data=folder, durability="relaxed"), {}) as system:
            written = await make_first_account(system, folder, endpoint)
            row = await system.identity.fetch_one("SELECT count(*) FROM accounts")
            assert row is not None
            return written, row[0]

    return asyncio.run(start())


def profile(path: Path) -> dict[str, str]:
    read = configparser.ConfigParser()
    read.read(path)
    return dict(read["isthmus"])


def test_the_first_start_writes_a_profile_and_later_ones_keep_its_credentials(tmp_path: Path) -> None:
    path, accounts = started(tmp_path)
    assert path == tmp_path / "credentials"
    assert accounts == 1
    assert path.stat().st_mode & 0o777 == 0o600
    first = profile(path)
    assert started(tmp_path) == (None, 1)
    assert profile(path) == first
    started(tmp_path, "https://s3.company.example:443")
    assert profile(path) == {**first, "endpoint_url": "https://s3.company.example:443"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_profile_that_was_taken_away_stays_away(tmp_path: Path) -> None:
    path, _ = started(tmp_path)
    assert path is not None
    path.unlink()
    assert started(tmp_path) == (None, 1)
    assert not path.exists()


def test_a_start_that_dies_before_the_account_exists_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_setup: object, _system: System) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(first_start, "apply", die)
        started(tmp_path)
    orphaned = profile(tmp_path / "credentials")
    path, accounts = started(tmp_path)
    assert path is not None
    assert accounts == 1
    assert profile(path)["aws_access_key_id"] != orphaned["aws_access_key_id"]
