"""The encoded authorization messages of refusals, kept so that a request id is enough to find one.

Each worker notes them as it refuses and writes them in batches. Nobody can fill the disk or push out the others by
being refused often: of each asking account a bounded number is noted in a batch, and kept (`sts.kept_messages`).
"""

from __future__ import annotations

from isthmus.operation import AccessDenied, System
from isthmus.sts.kept_messages import KeptMessage, asker_of, keep

from .answered import Answered
from .batches import Batches

_MOST_IN_BATCH = 100  # of one asker
_MOST_NOTED = 10_000


class Explanations:
    """What one worker has still to write is in `batches`."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._counts: dict[str, int] = {}
        self.batches: Batches[KeptMessage] = Batches("keeping explanations", self._write, _MOST_NOTED)

    def note(self, answered: Answered) -> None:
        """A finished request; an observer."""
        error = answered.error
        if error is None or not isinstance(error, AccessDenied) or answered.call is None:
            return
        message = error.extra.get("EncodedAuthorizationMessage")
        if message is None:
            return
        asker = asker_of(error.decision)
        count = self._counts[asker] = self._counts.get(asker, 0) + 1
        if count <= _MOST_IN_BATCH:
            self.batches.note([KeptMessage(answered.request_id, asker, answered.call.now, message)])

    async def _write(self, messages: list[KeptMessage]) -> None:
        self._counts = {}
        await keep(self._system.objects, messages)
