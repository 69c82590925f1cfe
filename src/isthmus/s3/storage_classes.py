"""The storage classes of general purpose buckets: which exist, which are archives, and how objects move between them.

Objects move downwards only, as water does:

    STANDARD → STANDARD_IA → INTELLIGENT_TIERING → ONEZONE_IA → GLACIER_IR → GLACIER → DEEP_ARCHIVE

with one step that is missing (ONEZONE_IA does not lead to GLACIER_IR). Where an object is kept makes no difference
here: all classes are stored alike. What clients see of a class does: an archived object cannot be read until a copy
of it is restored.

Sources: S3 User Guide "Understanding and managing Amazon S3 storage classes", "Transitioning objects using Amazon S3
Lifecycle", "How Amazon S3 handles conflicts in lifecycle configurations".
"""

from __future__ import annotations

STANDARD = "STANDARD"

ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Objects of these are read only after RestoreObject."""

_BELOW = {
    "STANDARD": {
        "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
    },
    "REDUCED_REDUNDANCY": {
        "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
    },
    "STANDARD_IA": {"INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"},
    "INTELLIGENT_TIERING": {"ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"},
    "ONEZONE_IA": {"GLACIER", "DEEP_ARCHIVE"},
    "GLACIER_IR": {"GLACIER", "DEEP_ARCHIVE"},
    "GLACIER": {"DEEP_ARCHIVE"},
    "DEEP_ARCHIVE": set(),
}  # fmt: skip

STORAGE_CLASSES = frozenset(_BELOW)
"""The classes of general purpose buckets in a Region."""

# Of several transitions that are due at once the cheapest class wins, with Intelligent-Tiering above all but the
# two archives.
_PREFERENCE = ("DEEP_ARCHIVE", "GLACIER", "INTELLIGENT_TIERING", "GLACIER_IR", "ONEZONE_IA", "STANDARD_IA")

LEAST_DAYS = {"STANDARD_IA": 30, "ONEZONE_IA": 30}
"""Days an object has been stored, or noncurrent, before a rule may move it to the class."""

SMALLEST_BYTES = 128 * 1024
"""Below this size objects stay where they are, unless a rule filters by size."""


def may_move(origin: str, target: str) -> bool:
    """Whether a lifecycle rule moves objects from one class to the other."""
    return target in _BELOW.get(origin, ())


def preferred(targets: set[str]) -> str | None:
    """The class that wins where rules want to move an object to several; None for none."""
    return next((name for name in _PREFERENCE if name in targets), None)
