"""CloudTrail: who did what from which account; the event history, trails and their files.

Importing the room fills `operation.OPERATIONS` with everything that is built.
"""

from . import event_selectors, lookup, signing_keys, tags, trails
from .delivery import deliver_trails
from .destination import SERVICE
from .event import Event
from .events_table import enqueue, packed, purge, store
from .records import Answer, events_of
from .s3_elements import DATA_OPERATIONS
from .sign_in import SignIn, note_sign_in
from .trails_table import known_logging_trails, logging_trails

__all__ = [
    "DATA_OPERATIONS",
    "SERVICE",
    "Answer",
    "Event",
    "SignIn",
    "deliver_trails",
    "enqueue",
    "event_selectors",
    "events_of",
    "known_logging_trails",
    "logging_trails",
    "lookup",
    "note_sign_in",
    "packed",
    "purge",
    "signing_keys",
    "store",
    "tags",
    "trails",
]
