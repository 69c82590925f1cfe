"""Where state lives: metadata (SQL transactions) and contents (bytes), each behind a small interface."""

from .content import INLINE_BYTES, Contents, ContentWriter
from .metadata import IntegrityConflict, Metadata, Reader, Row, Transaction

__all__ = [
    "INLINE_BYTES",
    "ContentWriter",
    "Contents",
    "IntegrityConflict",
    "Metadata",
    "Reader",
    "Row",
    "Transaction",
]
