"""Where the master key comes from: the environment, or a file of the data directory made on first use."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from .vault import MASTER_KEY_BYTES

VARIABLE = "ISTHMUS_MASTER_KEY"
FILE_NAME = "master.key"


class InvalidMasterKey(ValueError):
    """The configured master key is not 32 bytes in base64; the text says where it came from."""


def load_master_key(directory: Path, environ: Mapping[str, str]) -> bytes:
    """The master key (32 bytes): of `ISTHMUS_MASTER_KEY` (base64), else of `DIRECTORY/master.key`.

    The file is made, readable by its owner only, if there is none. Of several processes that start at the
    same moment one wins and all read the same whole key. Raises InvalidMasterKey.
    """
    given = environ.get(VARIABLE, "")
    if given:
        return _decode(given, f"environment variable {VARIABLE}")
    path = directory / FILE_NAME
    if not path.exists():
        _make(path)
    return _decode(path.read_text("ascii"), str(path))


def _make(path: Path) -> None:
    """Write a new key under a name of our own and link it into place: a link never replaces what is there."""
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise InvalidMasterKey(f"{source} must hold {MASTER_KEY_BYTES} bytes in base64")
    return key
