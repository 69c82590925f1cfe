"""A finished request as a value, for whoever records requests: audit trail, access logs, explanations.

An observer is called once for each answered request, in the worker that answered it, before the answer is sent. It
must be quick and must not raise: what has to be written is noted in memory and written by a task of its own. One is
made for each request, so it is a named tuple: a frozen dataclass takes several times as long to make.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from isthmus.operation import Call
from isthmus.wire import AwsError, Request, Response


class Answered(NamedTuple):
    """One request and its answer.

    operation: AWS's name; empty if the request named none. call: None if it was refused before the fourth door
    (its signature was wrong, say). error: None where it succeeded.
    received: seconds since the epoch. seconds: until the answer was ready to send.
    """

    request: Request
    response: Response
    request_id: str
    host_id: str
    service: str
    operation: str
    call: Call | None
    error: AwsError | None
    received: float
    seconds: float


Observer = Callable[[Answered], None]
