"""Asking a person at the terminal, wherever standard input and output lead: what is asked and typed stays there."""

from __future__ import annotations

import os
import re
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # C0 and C1 but for tabs and ends of lines


def printable(text: str) -> str:
    """A text that came from somewhere, without what a terminal would take for a command."""
    return _CONTROL.sub("\ufffd", text)


SIX_DIGITS = "A code of an MFA device has six digits."
_SILENCE = 2.0  # seconds after which a person wonders whether anything happens


def six_digits(typed: str) -> str | None:
    """The code that was typed, blanks between its digits or not; None where it is none."""
    code = "".join(typed.split())
    return code if re.fullmatch("[0-9]{6}", code) else None


class NoTerminal(Exception):
    """There is nobody to ask."""


class Cancelled(Exception):
    """The person did not want to answer."""


class Questions:
    """The controlling terminal of this process."""

    def __init__(self) -> None:
        """Raises NoTerminal."""
        try:
            descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            raise NoTerminal from None
        # Unbuffered below: a terminal cannot seek, which a text file open for both would want to.
        self._in: TextIO = os.fdopen(os.dup(descriptor), "r", encoding="utf-8", errors="replace")
        self._out: TextIO = os.fdopen(descriptor, "w", encoding="utf-8")

    def say(self, text: str) -> None:
        """Print a line."""
        self._out.write(f"{printable(text)}\n")
        self._out.flush()

    def ask(self, prompt: str) -> str:
        """What is typed after a prompt, without blanks around it. Raises Cancelled."""
        return self._line(prompt).strip()

    def ask_code(self, prompt: str) -> str:
        """A code of an MFA device, asked for again until it has six digits. Raises Cancelled."""
        while (code := six_digits(self.ask(prompt))) is None:
            self.say(SIX_DIGITS)
        return code

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Meanwhile say what is waited for, once it takes a while."""
        timer = threading.Timer(_SILENCE, self.say, [f"waiting for {what} …"])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def ask_hidden(self, prompt: str) -> str:
        """The same, exactly as it is typed and without showing it."""
        terminal = self._in.fileno()
        before = termios.tcgetattr(terminal)
        quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        try:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, quiet)
            return self._line(prompt)
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
            self.say("")

    def _line(self, prompt: str) -> str:
        self._out.write(prompt)
        self._out.flush()
        try:
            line = self._in.readline()
        except KeyboardInterrupt:
            raise Cancelled from None
        if not line:
            raise Cancelled
        return line.rstrip("\r\n")
