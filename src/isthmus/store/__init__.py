"""Where state lives: metadata (SQL transactions) and contents (bytes), each behind a small interface."""

from .content import INLINE_BYTES, Contents, ContentWriter
from .local import Store, open_sqlite
from .metadata import IntegrityConflict, Metadata, Reader, Row, StoreError, Transaction
from .sqlite import Durability
from .sweep import sweep_dropped, sweep_orphans

__all__ = [
    "INLINE_BYTES",
    "ContentWriter",
    "Contents",
    "Durability",
    "IntegrityConflict",
    "Metadata",
    "Reader",
    "Row",
    "Store",
    "StoreError",
    "Transaction",
    "open_sqlite",
    "sweep_dropped",
    "sweep_orphans",
]
