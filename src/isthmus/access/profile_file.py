"""Writing a profile into the AWS configuration file, and nothing else of it.

The file belongs to its user: what others wrote stays as it is, byte for byte, comments and order included. A profile
of ours begins with a line that says so, and only such a one is ever changed or removed.

Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files" and "Assume role provider".
"""

from __future__ import annotations

import configparser
import contextlib
import itertools
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_MARK = re.compile(r"# isthmus ((?:link|login) \S+)\s*$")
_HEADER_NAME = re.compile(r"^profile\s+")
_HEADER = re.compile(r"^\s*\[\s*(?:profile\s+)?(?P<name>[^\]]+?)\s*\]\s*(?:[#;].*)?$")


class ForeignProfile(Exception):
    """A profile of that name is there that we did not write."""


def config_file() -> Path:
    """The file that AWS's tools read: AWS_CONFIG_FILE, else ~/.aws/config."""
    return Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()


def read_profile(file: Path, name: str) -> dict[str, str] | None:
    """The settings of a profile; None where there is none. Raises OSError, configparser.Error."""
    parser = configparser.RawConfigParser(strict=False, default_section="\0")
    parser.read_string(_read(file))
    wanted = [section for section in parser.sections() if _HEADER_NAME.sub("", section).strip("\"' ") == name]
    return dict(parser[wanted[-1]]) if wanted else None


def profile_text(link: str, name: str, settings: Mapping[str, str], kind: str = "link") -> str:
    """A profile as it stands in the file, with the line that says whose it is."""
    lines = [f"# isthmus {kind} {link}", f"[profile {name}]", *(f"{key} = {value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


def write_profile(file: Path, link: str, name: str, settings: Mapping[str, str], kind: str = "link") -> None:
    """Add the profile, or put it in the place of the one that this link (or login) wrote. Raises ForeignProfile,
    OSError."""
    text = _read(file)
    found = _find(text, name)
    new = profile_text(link, name, settings, kind)
    if found is None:
        _replace(file, text + ("" if not text or text.endswith("\n") else "\n") + new)
        return
    check_profile(file, link, name, kind)
    _replace(file, text[: found.start] + new + text[found.end :])


def check_profile(file: Path, link: str, name: str, kind: str = "link") -> None:
    """Raises ForeignProfile where a profile of that name is not this link's (or login's), and OSError."""
    found = _find(_read(file), name)
    if found is not None and found.mark != f"{kind} {link}":
        raise ForeignProfile(f"{file} has a profile {name!r} already: choose another name with --profile")


def remove_profile(file: Path, link: str, name: str) -> bool:
    """Remove the profile if this link wrote it; whether it was there. Raises OSError."""
    text = _read(file)
    found = _find(text, name)
    if found is None or found.mark != f"link {link}":
        return False
    _replace(file, text[: found.start] + text[found.end :])
    return True


def profiles_of(file: Path, link: str) -> list[str]:
    """The names of the profiles that this link wrote. Raises OSError."""
    lines = _read(file).splitlines()
    return [
        found["name"]
        for mark, line in itertools.pairwise(lines)
        if mark == f"# isthmus link {link}" and (found := _HEADER.match(line)) is not None
    ]


def set_endpoint(file: Path, name: str, endpoint: str) -> bool:
    """Give a profile an `endpoint_url` if it has none; whether it was given one. Raises OSError."""
    text = _read(file)
    found = _find(text, name)
    if found is None or re.search(r"(?m)^\s*endpoint_url\s*=", text[found.start : found.end]):
        return False
    head = text[: found.end]
    gap = "" if head.endswith("\n") else "\n"
    _replace(file, f"{head}{gap}endpoint_url = {endpoint}\n{text[found.end :]}")
    return True


class _Found(NamedTuple):
    """A profile in the text: from its header, or the line above that says whose it is, to behind its last setting.

    mark: `link NAME` or `login NAME`, that wrote it; None for a profile of the user's own.
    """

    start: int
    end: int
    mark: str | None


def _find(text: str, name: str) -> _Found | None:
    found: _Found | None = None
    place = 0
    before = ""
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line.rstrip("\r\n"))
        if header is not None and found is not None:
            return found
        if header is not None and header["name"] == name:
            mark = _MARK.match(before)
            start = place if mark is None else place - len(before)
            found = _Found(start, place + len(line), None if mark is None else mark[1])
        elif found is not None and "=" in line and not line.lstrip().startswith(("#", ";")):
            found = found._replace(end=place + len(line))
        before = line
        place += len(line)
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise OSError(f"{file} is no text in UTF-8 ({error})") from None


def _replace(file: Path, text: str) -> None:
    """Write the whole file anew and put it in its place at once, with the rights it had (0600 if it is new)."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = file.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
