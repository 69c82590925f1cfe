"""What a stock S3 client does, the same for each: put, get, list, copy, delete and presign in one bucket.

`Access` is what a user has who was given a role in another account: the keys of a user of his own account, the ARN of
the role, and where the server is. The clients of Python are in s3_libraries.py, those that are commands in
s3_commands.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from stage import Keys, Terminal

MIB = 1 << 20
PART = 8 * MIB
"""Bytes of a part, where a client lets one say so."""
PROFILE = "shared"
"""The profile in the AWS configuration of `Access.terminal` that assumes the role."""


@dataclass(frozen=True, slots=True)
class Access:
    """A bucket of another account, reached through a role of that account.

    member: the user who may assume the role. session: the role's temporary credentials, for clients that cannot assume
    it themselves. terminal: a home directory whose profile `PROFILE` names the role.
    """

    bucket: str
    role_arn: str
    member: Keys
    session: Keys
    terminal: Terminal

    @property
    def endpoint(self) -> str:
        """The server, as `http://host:port`."""
        return self.terminal.endpoint


class Refused(Exception):
    """A command ended with an error; its text is what the command said."""


class S3Client(ABC):
    """One client, with one session of one role.

    A call that the server refuses raises `error`, whose text has `denied` (a regular expression) when the reason is
    that access is denied. `parts`: how many parts 20 MiB have.
    """

    name: ClassVar[str]
    error: ClassVar[type[Exception]] = Refused
    denied: ClassVar[str]
    parts: ClassVar[int] = 3
    presigns: ClassVar[bool] = True

    def __init__(self, access: Access) -> None:
        self.access = access

    @abstractmethod
    def put(self, key: str, source: Path) -> None:
        """Upload a file."""

    @abstractmethod
    def get(self, key: str, target: Path) -> None:
        """Download to a file."""

    @abstractmethod
    def list(self, prefix: str) -> list[str]:
        """All keys that begin with a prefix, which ends in `/`."""

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """Copy within the bucket, without a download."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete one object."""

    def presign(self, key: str) -> str:
        """An address from which anybody downloads the object for a minute."""
        raise AssertionError(f"{self.name} does not presign")
