"""Sessions on disk: one file each under ~/.aws/isthmus/cache, readable for their owner alone.

A file is replaced at once, never written in place. Whoever wants to renew a session holds its lock meanwhile, so that
of many programs that find none at the same moment one asks the person and the others take what it got.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_LAST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()  # behind it there are no dates


@dataclass(frozen=True, slots=True)
class CachedSession:
    """Temporary credentials. expires: seconds since the epoch. who: an ARN, or a name, for people."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    expires: float
    who: str

    @property
    def is_whole(self) -> bool:
        """Whether it is what was written: a file may be damaged."""
        texts = (self.access_key, self.secret_key, self.token, self.who)
        moment = isinstance(self.expires, int | float) and 0 < self.expires < _LAST
        return moment and all(isinstance(text, str) and text for text in texts)

    def process_output(self) -> str:
        """What a `credential_process` prints (AWS SDKs and Tools Reference Guide, "Process credential provider")."""
        return json.dumps({
            "Version": 1,
            "AccessKeyId": self.access_key,
            "SecretAccessKey": self.secret_key,
            "SessionToken": self.token,
            "Expiration": datetime.fromtimestamp(self.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        })  # fmt: skip


def cache_folder() -> Path:
    """Where sessions are kept."""
    return Path("~/.aws/isthmus/cache").expanduser()


class SessionFile:
    """The place of one session, found again by what it is a session of."""

    def __init__(self, of: Sequence[str], folder: Path | None = None) -> None:
        name = hashlib.sha256(json.dumps(list(of)).encode()).hexdigest()[:40]
        self._folder = folder or cache_folder()
        self._file = self._folder / f"{name}.json"

    def read(self, now: float) -> CachedSession | None:
        """The session, if there is one that has not ended. What cannot be read is none."""
        try:
            session = CachedSession(**json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return session if session.is_whole and now < session.expires else None

    def write(self, session: CachedSession) -> None:
        """Keep a session. Raises OSError."""
        self._make_folder()
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as new:
                json.dump(asdict(session), new)
            Path(temporary).replace(self._file)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise

    def remove(self) -> bool:
        """Forget the session; whether there was one. Raises OSError."""
        try:
            self._file.unlink()
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def locked(self, waits: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Wait for whoever renews this session. Raises OSError.

        waits: called before, where somebody at another terminal does; at this one the question can be seen.
        """
        self._make_folder()
        here = str(os.getsid(0))
        with os.fdopen(os.open(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if lock.read() != here:
                    waits()
                fcntl.flock(lock, fcntl.LOCK_EX)
            os.pwrite(lock.fileno(), here.encode(), 0)
            os.ftruncate(lock.fileno(), len(here))
            yield

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)


def forget_all(folder: Path | None = None) -> int:
    """Remove every session; how many there were. Raises OSError."""
    found = list((folder or cache_folder()).glob("*.json"))
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)
