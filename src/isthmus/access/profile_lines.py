"""Profiles as they stand in AWS's two files, each setting with its file and line.

Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files": profiles of the configuration file
are `[profile NAME]` and `[default]`, of the credentials file `[NAME]`; what both set is taken from the credentials
file. Indented lines belong to the setting above them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .profile_file import config_file

_HEADER = re.compile(r"\s*\[\s*(?P<name>[^\]]+?)\s*\]")
_SETTING = re.compile(r"(?P<name>[^\s=#;\[][^=]*?)\s*=\s*(?P<value>.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it stands; line: from 1. The value of a secret is not kept."""

    value: str
    file: Path
    line: int


@dataclass(frozen=True, slots=True)
class ConfiguredProfile:
    """A profile of either or both files. file, line: of its first header."""

    name: str
    file: Path
    line: int
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def value(self, setting: str) -> str | None:
        """A setting's value; None where it is not set."""
        found = self.settings.get(setting)
        return None if found is None else found.value

    def line_of(self, setting: str | None) -> int:
        """The line of a setting, or of the profile where it has none."""
        found = self.settings.get(setting or "")
        return self.line if found is None or found.file != self.file else found.line


def credentials_file() -> Path:
    """The file that AWS's tools read: AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials."""
    return Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()


def configured_profiles() -> dict[str, ConfiguredProfile]:
    """Every profile by name, in the order of the files. Raises OSError for a file that cannot be read."""
    found: dict[str, ConfiguredProfile] = {}
    for file, prefixed in ((config_file(), True), (credentials_file(), False)):
        for profile in read_profiles(file, prefixed):
            before = found.get(profile.name)
            if before is None:
                found[profile.name] = profile
            else:
                merged = {**before.settings, **profile.settings}
                found[profile.name] = ConfiguredProfile(profile.name, before.file, before.line, merged)
    return found


def read_profiles(file: Path, prefixed: bool) -> list[ConfiguredProfile]:
    """The profiles of one file; prefixed: whether it is the configuration file. Other sections are left out."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found: list[ConfiguredProfile] = []
    settings: dict[str, Setting] | None = None
    for number, line in enumerate(lines, 1):
        header = _HEADER.match(line)
        if header is not None:
            name = _profile_name(header["name"], prefixed)
            settings = None
            if name is not None:
                settings = {}
                found.append(ConfiguredProfile(name, file, number, settings))
            continue
        setting = _SETTING.match(line)
        if settings is not None and setting is not None:
            name = setting["name"].lower()  # the case of settings does not matter to the AWS tools
            secret = name in ("aws_secret_access_key", "aws_session_token")
            settings[name] = Setting("" if secret else setting["value"], file, number)
    return found


def _profile_name(header: str, prefixed: bool) -> str | None:
    if not prefixed or header == "default":
        return header
    word, _, name = header.partition(" ")
    return name.strip().strip("\"'") if word == "profile" and name else None
