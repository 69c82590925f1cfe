"""What the commands have in common on a screen: colour on a terminal alone, JSON, errors that say what to do.

rich leaves colour out where standard output is no terminal, and where NO_COLOR is set (no-color.org).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from isthmus.access.profiles import NoSide
from isthmus.access.terminal_questions import printable

Form = Annotated[Literal["text", "json"], typer.Option("--output", help="text, for people, or json, for programs.")]

_ENDLESS = 10_000


class Screen(Console):
    """A console on which no text is a command to the terminal: names and messages are others'."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is shown, with the control characters of texts replaced."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)

    @property
    def size(self) -> ConsoleDimensions:
        """A file or a pipe has no width: there a row is one line, for grep and its like, unless COLUMNS says more."""
        found = super().size
        if self.is_terminal or self._width is not None or "COLUMNS" in os.environ:
            return found
        return ConsoleDimensions(_ENDLESS, found.height)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        """Fix width and height, as rich's own console does."""
        self._width, self._height = new_size


def table(*columns: str) -> Table:
    """A table whose texts are wrapped where it is narrow, never cut off."""
    made = Table(box=None)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


out = Screen(soft_wrap=True, highlight=False)


def print_json(value: Any) -> None:
    """For programs: nothing else goes to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def fail(error: Exception | str, status: int) -> NoReturn:
    """One clear line on standard error."""
    typer.echo(f"isthmus: {printable(words_of(error))}", err=True)
    raise typer.Exit(status)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Meanwhile a terminal sees what is being done; on standard error, so that output can be piped."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def profile_names(incomplete: str) -> list[str]:
    """The AWS profiles that begin so, for the completion of shells."""
    from isthmus.access.profile_lines import configured_profiles  # noqa: PLC0415 - completion alone needs it

    return [name for name in configured_profiles() if name.startswith(incomplete)]


def words_of(error: Exception | str) -> str:
    """An error, and what to do next where AWS's own words do not say it."""
    cause = error.__cause__ if isinstance(error, NoSide) else error
    hint = None
    if isinstance(cause, ClientError):
        hint = _NEXT.get(cause.response["Error"]["Code"])
    elif isinstance(cause, BotoCoreError):
        hint = _NEXT_OF_CLIENT.get(type(cause).__name__)
    return f"{error}. {hint}" if hint else str(error)


_ASK = "`isthmus explain` says which policy refuses, and what its administrator can change"
_NEXT = {
    "AccessDenied": _ASK,
    "AccessDeniedException": _ASK,
    "ExpiredToken": "Sign in again: the profile's temporary credentials have run out",
    "InvalidClientTokenId": "The profile's access key is not known there: `aws configure list` shows where it is from",
    "SignatureDoesNotMatch": "The profile's secret key is not that of its access key, or the clock is wrong: see "
    "`isthmus doctor`",
    "RequestTimeTooSkewed": "This machine's clock is wrong: see `isthmus doctor`",
    "Throttling": "Wait a little and run it again",
}
_NEXT_OF_CLIENT = {
    "EndpointConnectionError": "Check the profile's endpoint_url, and that the server runs",
    "ConnectionClosedError": "Check the profile's endpoint_url, and that the server runs",
    "NoCredentialsError": "`aws configure --profile NAME` gives the profile credentials",
    "PartialCredentialsError": "`aws configure --profile NAME` gives the profile the other half",
    "TokenRetrievalError": "`aws sso login --profile NAME` signs in again",
}
