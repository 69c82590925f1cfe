"""The first start without a setup file: one account, and its root credentials in a file only the owner reads.

The file is an AWS profile; the root user's console password stands in a comment of it.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

from isthmus.names import access_key_id
from isthmus.operation import System

from .setup import apply
from .setup_file import AccountSetup, KeySetup, RootSetup, SetupFile

PROFILE = "isthmus"
EMAIL = "root@localhost"
"""The e-mail address that the first account's root signs in with."""


async def make_first_account(system: System, data: Path, endpoint: str) -> Path | None:
    """Make an account if there is none; the path of the AWS profile with its root credentials, else None.

    A profile written earlier is kept, and told the address the server has now.

    The file is complete and synced before the account exists, so a crash between cannot lock anybody out: the
    next start writes it anew.
    """
    path = data / "credentials"
    if await system.identity.fetch_one("SELECT 1 FROM accounts LIMIT 1") is not None:
        if path.exists():
            _write(path, re.sub(r"(?m)^endpoint_url = .*$", lambda _: f"endpoint_url = {endpoint}", path.read_text()))
        return None
    account = f"{int.from_bytes(system.entropy(8), 'big') % 899_999_999_999 + 100_000_000_000:012d}"
    key = KeySetup(access_key_id("AKIA", account, system.entropy(10)), base64.b64encode(system.entropy(30)).decode())
    password = base64.b32encode(system.entropy(15)).decode()
    _write(path, _profile(key, system.settings.region, endpoint, password))
    setup = AccountSetup(account, 0, "main", EMAIL, root=RootSetup(access_keys=(key,), password=password))
    await apply(SetupFile((setup,)), system)
    return path


def _profile(key: KeySetup, region: str, endpoint: str, password: str) -> str:
    return (
        f"# To sign in to the console as root: {EMAIL}, password {password}\n"
        f"[{PROFILE}]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
        f"region = {region}\nendpoint_url = {endpoint}\n"
    )


def _write(path: Path, text: str) -> None:
    """Put `text` there whole, readable by the owner only; nothing if it is there already. Raises OSError."""
    if path.exists() and path.read_text() == text:
        return
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)
    temporary.replace(path)
