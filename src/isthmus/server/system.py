"""Assembling a running system from a configuration: store, vault, directory, clock, randomness."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from isthmus.identity import Directory, Vault
from isthmus.identity.master_key import InvalidMasterKey, load_master_key
from isthmus.operation import Settings, System
from isthmus.store import StoreError, open_sqlite

from .configuration import Configuration


class CannotStart(RuntimeError):
    """The server cannot start; the message is the one line the operator reads."""


@asynccontextmanager
async def open_system(configuration: Configuration, environ: Mapping[str, str]) -> AsyncIterator[System]:
    """A system on the configured store, closed at the end. Raises CannotStart."""
    try:
        store = open_sqlite(configuration.data, configuration.durability)
    except StoreError as error:
        raise CannotStart(str(error)) from None
    try:
        vault = Vault(load_master_key(configuration.data, environ))
        yield System(
            settings=Settings(
                region=configuration.region,
                domains=configuration.domain,
                access_log_seconds=configuration.access_log_seconds,
            ),
            identity=store.identity,
            objects=store.objects,
            contents=store.contents,
            directory=Directory(store.identity, vault),
            vault=vault,
            clock=time.time,
            entropy=os.urandom,
        )
    except InvalidMasterKey as error:
        raise CannotStart(str(error)) from None
    finally:
        await store.close()
