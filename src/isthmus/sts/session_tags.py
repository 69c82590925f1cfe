"""Session tags: those a call passes and those it inherits (IAM User Guide, "Passing session tags in AWS
STS").

Keys are one regardless of case. Transitive tags of the calling session go on into the new one and cannot be
given again; other tags of the calling session end with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.identity import Session
from isthmus.policy import ContextValue
from isthmus.wire import AwsError

from .parameters import is_tag_text


@dataclass(frozen=True, slots=True)
class SessionTags:
    """passed, inherited: tags by key. transitive: the passed keys that go on; inherited ones always do."""

    passed: Mapping[str, str]
    inherited: Mapping[str, str]
    transitive: tuple[str, ...]

    @property
    def all(self) -> dict[str, str]:
        """The tags of the new session."""
        return {**self.inherited, **self.passed}

    @property
    def all_transitive(self) -> tuple[str, ...]:
        """The keys that go on from the new session."""
        return (*self.inherited, *self.transitive)

    def context(self) -> dict[str, ContextValue]:
        """`aws:RequestTag/…`, `aws:TagKeys`, `sts:TransitiveTagKeys`: absent where nothing was passed."""
        context: dict[str, ContextValue] = {
            f"aws:requesttag/{key.lower()}": value for key, value in self.passed.items()
        }
        if self.passed or self.inherited:
            context["aws:tagkeys"] = tuple(self.all)
        if self.transitive:
            context["sts:transitivetagkeys"] = self.transitive
        return context


def session_tags(members: Mapping[str, Any], session: Session | None) -> SessionTags:
    """The tags that a call passes and inherits. Raises InvalidParameterValue."""
    passed: dict[str, str] = {}
    folded: set[str] = set()
    for tag in members.get("Tags") or ():
        key, value = tag["Key"], tag.get("Value", "")
        if key.lower().startswith("aws:"):
            raise _invalid("Tag keys that begin with 'aws:' are reserved for AWS; choose another key.")
        if not key or not is_tag_text(key) or not is_tag_text(value):
            raise _invalid("Tag keys and values can contain only letters, digits, spaces and _.:/=+-@")
        if key.lower() in folded:
            raise _invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        folded.add(key.lower())
        passed[key] = value
    inherited = _inherited(session)
    if any(key.lower() in folded for key in inherited):
        raise _invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive"
            " tag key from the calling session."
        )
    transitive = tuple(members.get("TransitiveTagKeys") or ())
    if any(key.lower() not in folded for key in transitive):
        raise _invalid("The specified transitive tag key must be included in the requested tags.")
    return SessionTags(passed, inherited, transitive)


def _inherited(session: Session | None) -> dict[str, str]:
    if session is None:
        return {}
    goes_on = {key.lower() for key in session.transitive_tag_keys}
    return {key: value for key, value in session.tags.items() if key.lower() in goes_on}


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)
