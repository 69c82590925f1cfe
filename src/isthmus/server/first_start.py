"""The first start without a setup file: one account, and its root credentials in a file only the owner reads."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from isthmus.names import access_key_id
from isthmus.operation import System

from .setup import apply
from .setup_file import AccountSetup, KeySetup, RootSetup, SetupFile

PROFILE = "isthmus"


async def make_first_account(system: System, data: Path, endpoint: str) -> Path | None:
    """Make an account if there is none; the path of the AWS profile with its root credentials, else None.

    The file is complete and synced before the account exists, so a crash between cannot lock anybody out: the
    next start writes it anew.
    """
    if await system.identity.fetch_one("SELECT 1 FROM accounts LIMIT 1") is not None:
        return None
    account = f"{int.from_bytes(system.entropy(8), 'big') % 899_999_999_999 + 100_000_000_000:012d}"
    key = KeySetup(access_key_id("AKIA", account, system.entropy(10)), base64.b64encode(system.entropy(30)).decode())
    path = data / "credentials"
    _write_profile(path, key, system.settings.region, endpoint)
    setup = AccountSetup(account, 0, "main", "root@localhost", root=RootSetup(access_keys=(key,)))
    await apply(SetupFile((setup,)), system)
    return path


def _write_profile(path: Path, key: KeySetup, region: str, endpoint: str) -> None:
    text = (
        f"[{PROFILE}]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
        f"region = {region}\nendpoint_url = {endpoint}\n"
    )
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)
    temporary.replace(path)
