"""What a refusal is: a call that must fail with exactly this code, status and text, and its allow beside it.

The tables are sts_refusals, s3_refusals, bucket_refusals and iam_refusals; test_refusals runs them.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from botocore.exceptions import ClientError
from stage import Document, Stage

Action = Callable[[], Any]
Edit = Callable[[Document], Document]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One refusal, arranged.

    refused: the call that must fail. allowed: the same with the one thing right, run afterwards.
    state: reads what the refused call might have changed; it must be the same before and after.
    named: what fills the placeholders of the text.
    renew: the refused call with a session made anew, its session policy edited by a function.
    """

    refused: Action
    allowed: Action
    state: Action | None = None
    named: dict[str, str] = field(default_factory=dict)
    renew: Callable[[Edit], Action] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of the table. text None: an answer without a body (HEAD)."""

    title: str
    code: str
    status: int
    text: str | None
    arrange: Callable[[Stage], Attempt]


REFUSALS: list[Refusal] = []


def refusal(
    code: str, status: int, text: str | None
) -> Callable[[Callable[[Stage], Attempt]], Callable[[Stage], Attempt]]:
    """Put a row into the table; its title is the function's name."""

    def put(arrange: Callable[[Stage], Attempt]) -> Callable[[Stage], Attempt]:
        REFUSALS.append(Refusal(arrange.__name__.replace("_", " "), code, status, text, arrange))
        return arrange

    return put


@dataclass(frozen=True, slots=True)
class Answer:
    """An error as a client sees it."""

    code: str
    status: int
    text: str | None


def answer_of(action: Action) -> Answer | None:
    """The error that a call ends with; None if it succeeds."""
    try:
        action()
    except ClientError as error:
        found = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        head = error.operation_name.startswith("Head")
        return Answer(found["Code"], status, None if head else found["Message"])
    except urllib.error.HTTPError as error:
        root = ElementTree.fromstring(error.read())
        return Answer(root.findtext("Code") or "", error.code, root.findtext("Message"))
    return None


def fetch(url: str, *, method: str = "GET", data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """A plain HTTP request. Raises HTTPError."""
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        return bytes(response.read())
