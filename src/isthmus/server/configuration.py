"""What the operator chose: options, then `ISTHMUS_…` environment variables, then the TOML file, then defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from .proxies import networks

Durability = Literal["full", "relaxed"]
_LONGEST_COLLECTING = 86400


class InvalidConfiguration(ValueError):
    """A setting that cannot be used; the message is one line that says what to change."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings of `isthmus serve`. Every field is an environment variable and a key of the file, and all but
    trusted_proxies and access_log_seconds are options.

    data: directory of databases, contents and keys. listen: HOST:PORT, port 0 takes a free one.
    workers: processes; 0 means one per core. setup: a setup file applied at start.
    domain: names for virtual-host addressing. durability: `full` syncs before it answers, `relaxed` does not.
    trusted_proxies: addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
    access_log_seconds: how long records of server access logging are collected before they are delivered.
    """

    data: Path = Path("isthmus-data")
    listen: str = "127.0.0.1:9000"
    workers: int = 0
    setup: Path | None = None
    metadata: str = ""
    bytes: str = ""
    domain: tuple[str, ...] = ("localhost",)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    region: str = "us-east-1"
    durability: Durability = "full"
    trusted_proxies: tuple[str, ...] = ()
    access_log_seconds: float = 300.0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def worker_count(self) -> int:
        """How many processes serve."""
        return self.workers or len(os.sched_getaffinity(0))


def load_configuration(
    options: Mapping[str, Any], environ: Mapping[str, str], config_file: Path | None = None
) -> Configuration:
    """Combine the sources. `options` holds only what was given on the command line. Raises InvalidConfiguration."""
    if config_file is None and environ.get("ISTHMUS_CONFIG"):
        config_file = Path(environ["ISTHMUS_CONFIG"])
    known = {field.name for field in fields(Configuration)}
    values: dict[str, Any] = {}
    if config_file is not None:
        values.update(_read_file(config_file, known))
    for name in known:
        variable = "ISTHMUS_" + name.upper()
        if variable in environ:
            values[name] = environ[variable]
    values.update(options)
    return _checked({name: _typed(name, value) for name, value in values.items()})


def _read_file(path: Path, known: set[str]) -> dict[str, Any]:
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfiguration(f"cannot read the configuration file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{path} is not TOML: {error}") from None
    values = {key.replace("-", "_"): value for key, value in loaded.items()}
    unknown = sorted(set(values) - known)
    if unknown:
        raise InvalidConfiguration(f"{path}: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
    return values


def _typed(name: str, value: Any) -> Any:
    """The value as the field's type; text comes from the environment."""
    if name in ("data", "setup", "tls_cert", "tls_key"):
        return Path(value) if value not in (None, "") else None
    if name == "workers":
        try:
            return int(value)
        except (TypeError, ValueError):
            raise InvalidConfiguration(f"workers is {value!r}; it must be a whole number") from None
    if name == "access_log_seconds":
        try:
            return float(value)
        except (TypeError, ValueError):
            raise InvalidConfiguration(f"access_log_seconds is {value!r}; it must be a number") from None
    if name in ("domain", "trusted_proxies"):
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(part.strip().lower() for part in parts if part.strip())
    return str(value)


def _checked(values: dict[str, Any]) -> Configuration:
    if values.get("data", True) is None:
        raise InvalidConfiguration("data must name a directory")
    configuration = Configuration(**values)
    _host, separator, port = configuration.listen.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise InvalidConfiguration(f"listen is {configuration.listen!r}; it must be HOST:PORT, like 127.0.0.1:9000")
    if configuration.workers < 0:
        raise InvalidConfiguration("workers must be 0 (one per core) or more")
    if not 0 < configuration.access_log_seconds <= _LONGEST_COLLECTING:
        raise InvalidConfiguration(f"access_log_seconds must be above 0 and at most {_LONGEST_COLLECTING}")
    if cast("str", configuration.durability) not in ("full", "relaxed"):
        raise InvalidConfiguration(f"durability is {configuration.durability!r}; it must be full or relaxed")
    if (configuration.tls_cert is None) != (configuration.tls_key is None):
        raise InvalidConfiguration("TLS needs both --tls-cert and --tls-key")
    try:
        networks(configuration.trusted_proxies)
    except ValueError as error:
        raise InvalidConfiguration(f"trusted_proxies: {error}") from None
    for name in ("metadata", "bytes"):
        if getattr(configuration, name):
            raise InvalidConfiguration(f"--{name} is not supported by this version: data is kept in --data")
    return configuration
