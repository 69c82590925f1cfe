"""Whose access keys and MFA devices an operation is about: a user, or the account's root user.

Operations without a UserName act on the caller itself (IAM API reference, CreateAccessKey). EnableMFADevice
demands a UserName also of the root user, who has none: it gives the account id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isthmus.operation import Call
from isthmus.policy import PrincipalKind
from isthmus.store import Reader

from . import entities
from .entities import USER, Entity
from .permissions import caller_name


@dataclass(frozen=True, slots=True)
class Owner:
    """user: None for the root user."""

    account: str
    user: Entity | None

    @property
    def user_id(self) -> str | None:
        """The user's unique id; None for root."""
        return None if self.user is None else self.user.id

    @property
    def id(self) -> str:
        """The unique id by which it owns MFA devices: the account id for root."""
        return self.account if self.user is None else self.user.id

    @property
    def shown_name(self) -> dict[str, Any]:
        """`UserName`, which root does not have."""
        return {} if self.user is None else {"UserName": self.user.name}


async def owner_of(call: Call, reader: Reader) -> Owner:
    """The user that the input names, or the caller. Raises NoSuchEntity, ValidationError."""
    name = call.input.get("UserName")
    if name is None:
        name = caller_name(call)
    elif name == call.account and call.caller.principal.kind is PrincipalKind.ROOT:
        return Owner(call.account, await entities.find(reader, USER, call.account, name))
    if name is None:
        return Owner(call.account, None)
    return Owner(call.account, await entities.get(reader, USER, call.account, name))
