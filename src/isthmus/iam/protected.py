"""Roles that only AWS may change: service-linked ones, which live under a path of their own."""

from __future__ import annotations

from .entities import ROLE, Entity
from .errors import invalid_input, unmodifiable

_SERVICE_LINKED = "/aws-service-role/"


def is_service_linked(path: str) -> bool:
    """Whether roles under this path belong to AWS services."""
    return path.startswith(_SERVICE_LINKED)


def check_modifiable(entity: Entity) -> None:
    """Raises UnmodifiableEntity for a service-linked role."""
    if entity.kind is ROLE and is_service_linked(entity.path):
        raise unmodifiable(
            f"Cannot perform the operation on the protected role '{entity.name}' - this role is only modifiable by AWS"
        )


def check_path_is_ours(path: str) -> None:
    """Raises InvalidInput for a path under which only AWS makes roles."""
    if is_service_linked(path):
        raise invalid_input(f"The path {_SERVICE_LINKED} is reserved for service-linked roles; choose another.")
