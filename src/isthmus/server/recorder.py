"""The audit trail of one worker: records of finished requests are noted in memory and written in batches.

A worker that is killed loses at most the records of its last quarter of a second (`batches`). What is recorded, and for
whom, is `cloudtrail.events_of`'s to say. Data events are recorded only for trails that want them: a request that
nobody wants recorded costs a fraction of a microsecond.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence

from isthmus.cloudtrail import (
    DATA_OPERATIONS,
    SERVICE,
    Answer,
    Event,
    enqueue,
    events_of,
    known_logging_trails,
    logging_trails,
    packed,
    store,
)
from isthmus.identity import Bucket
from isthmus.operation import Call, System
from isthmus.policy import PrincipalKind
from isthmus.store import Transaction
from isthmus.wire import AwsError, FileSlice

from .answered import Answered
from .batches import Batches

_log = logging.getLogger("isthmus")

_MOST_NOTED = 100_000  # records that wait while the database cannot be written, some hundred megabytes
_MOST_ANONYMOUS = 50  # refused requests without credentials in a batch: nobody fills a history by knocking


class Recorder:
    """What one worker has still to write is in `batches`. What S3 asked of KMS for a caller is recorded for itself."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._directory = system.directory
        self._anonymous = 0
        # The directory's cache, if it is known that no trail wants data events as long as that cache holds.
        self._quiet: dict[tuple[str, str], object] | None = None
        self.batches: Batches[Event] = Batches("writing the audit trail", self._write, _MOST_NOTED)

    def listen(self) -> None:
        """Be told also of what no request to this server asked for: calls of services, people who sign in."""
        self._system.note_service_call = self.note_service_call
        self._system.note_events = self.note_events

    def note(self, answered: Answered) -> None:
        """A finished request; an observer."""
        call = answered.call
        if call is None:
            return
        operation = call.operation
        if (
            operation.service == "s3"
            and operation.name in DATA_OPERATIONS
            and self._directory.cache is self._quiet
            and not call.performed
        ):
            return
        try:
            self._note(call, answered)
        except Exception:
            # A record that cannot be made must not cost the request its answer.
            _log.error("request %s was not recorded\n%s", answered.request_id, traceback.format_exc())

    def _note(self, call: Call, answered: Answered) -> None:
        for one in call.performed:
            self.note_events(events_of(one.call, Answer(one.error)))
        if not self._is_wanted(call):
            return
        if answered.error is not None and call.caller.principal.kind is PrincipalKind.ANONYMOUS:
            self._anonymous += 1
            if self._anonymous > _MOST_ANONYMOUS:
                return
        body = answered.response.body
        size = (
            body.length if isinstance(body, FileSlice) else len(body) if isinstance(body, bytes) else _length(answered)
        )
        self.note_events(events_of(call, Answer(answered.error, answered.response.headers, answered.host_id, size)))

    def note_service_call(self, call: Call, error: AwsError | None) -> None:
        """What a service did by itself. CloudTrail's own deliveries are not recorded: each would cause another."""
        for one in call.performed:
            self.note_events(events_of(one.call, Answer(one.error)))
        if call.caller.principal.entity_id != SERVICE and self._is_wanted(call):
            self.note_events(events_of(call, Answer(error)))

    def note_events(self, events: Sequence[Event]) -> None:
        """Take records that are to be written."""
        if events:
            self.batches.note(events)

    def _is_wanted(self, call: Call) -> bool:
        """Whether a request may leave a record: each but those data events that certainly no trail wants."""
        operation = call.operation
        if operation.service != "s3" or operation.name not in DATA_OPERATIONS:
            return True
        trails = known_logging_trails(self._directory)
        if trails is None:  # the identity database changed just now: `write` will look
            self.batches.note(())
            return True
        accounts = trails.data
        if not accounts:
            self._quiet = self._directory.cache
            return False
        if call.caller.principal.account in accounts:
            return True
        buckets = (call.found.get("bucket"), call.found.get("source_bucket"))
        return any(isinstance(bucket, Bucket) and bucket.account in accounts for bucket in buckets)

    async def _write(self, events: list[Event]) -> None:
        self._anonymous = 0
        self._directory.refresh()
        trails = await logging_trails(self._system)
        now = self._system.clock()
        rows = []
        for event in events:
            queues = trails.that_want(event)
            history = event.category == "Management"
            if queues or (history and not event.refused_at_the_door):
                rows.append((event, history, queues, packed(event.record)))
        if not rows:
            return

        async def work(tx: Transaction) -> None:
            for event, history, queues, record in rows:
                if history:
                    await store(tx, event, record)
                await enqueue(tx, queues, event, record, now)

        await self._system.objects.write(work)


def _length(answered: Answered) -> int:
    """What a streamed answer announces as its length."""
    for name, value in answered.response.headers:
        if name == "Content-Length":
            return int(value)
    return 0
