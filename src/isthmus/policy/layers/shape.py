"""The shape of a layer: whose it is, which documents speak in it, what they say.

`verdict` is on the path of every request and says only allow, deny or nothing; why, `explain` finds out
from `levels` when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from ..model import AuthorizationRequest, NamedPolicy, PolicyType, PrincipalKind

Side = Literal["caller", "owner"]
NO_ACCOUNT = frozenset({PrincipalKind.SERVICE, PrincipalKind.WEB_IDENTITY, PrincipalKind.ANONYMOUS})
"""Requesters without policies of their own: only the resource's side decides about them."""


class Verdict(Enum):
    """What a layer says about a request."""

    ALLOW = "allow"
    SILENT = "implicit deny"
    DENY = "explicit deny"


ALLOW, SILENT, DENY = Verdict.ALLOW, Verdict.SILENT, Verdict.DENY


@dataclass(frozen=True, slots=True)
class Level:
    """Policies of which one must allow. type: what the message calls them (TRUST for a trust policy)."""

    policies: tuple[NamedPolicy, ...]
    type: PolicyType


class Layer(Protocol):
    """What every module of this folder has."""

    @property
    def TYPE(self) -> PolicyType:  # noqa: N802 - a module's constant
        """What the layer is called."""

    @property
    def SIDE(self) -> Side:  # noqa: N802 - a module's constant
        """Whose documents these are."""

    def verdict(self, request: AuthorizationRequest, /) -> Verdict:
        """What the layer says."""

    def levels(self, request: AuthorizationRequest, /) -> tuple[Level, ...]:
        """Its documents, every level of which must allow; empty where the layer has none."""


def verdict_of(policies: Iterable[NamedPolicy], request: AuthorizationRequest) -> Verdict:
    """What documents without principals say together: a deny wins, one allow suffices."""
    action, resource, context = request.action, request.resource, request.context
    found = SILENT
    for policy in policies:
        deny, allow = policy.document.index[action]
        if deny is not None and deny(resource, context):
            return DENY
        if found is SILENT and allow is not None and allow(resource, context):
            found = ALLOW
    return found


def verdict_of_levels(levels: Iterable[Iterable[NamedPolicy]], request: AuthorizationRequest) -> Verdict:
    """What the levels of an organization say together: a deny at any wins, then silence at any, else ALLOW."""
    found = ALLOW
    for level in levels:
        said = verdict_of(level, request)
        if said is DENY:
            return DENY
        if said is SILENT:
            found = SILENT
    return found


def is_service_linked(request: AuthorizationRequest) -> bool:
    """Whether the requester is a service-linked role, which organization policies leave alone."""
    return ":role/aws-service-role/" in request.principal.entity_arn
