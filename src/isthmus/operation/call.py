"""One request as an operation sees it, and the system it runs in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isthmus.policy import Context, Principal, PrincipalPolicies
from isthmus.wire import Request

if TYPE_CHECKING:
    from isthmus.identity import Directory, Session, Vault
    from isthmus.store import Contents, Metadata

    from .registry import Operation


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose.

    region: of new buckets without a location, and of the `aws` global endpoints' answers.
    domains: names under which virtual-host addressing works.
    """

    region: str = "us-east-1"
    domains: tuple[str, ...] = ("localhost",)


@dataclass(slots=True)
class System:
    """The parts of a running server that operations use.

    identity, objects: the two databases. contents: bytes too large for them.
    directory: accounts, principals and buckets, cached until the identity database changes.
    vault: seals secrets and session tokens. clock: seconds since the epoch (the only clock there is).
    entropy: n random bytes.
    """

    settings: Settings
    identity: Metadata
    objects: Metadata
    contents: Contents
    directory: Directory
    vault: Vault
    clock: Callable[[], float]
    entropy: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed the request, as the second door found out.

    session: claims of temporary credentials; None for long-term keys, anonymous requests.
    access_key: the id used; empty when anonymous.
    policies: all documents on the caller's side.
    """

    principal: Principal
    policies: PrincipalPolicies
    access_key: str = ""
    session: Session | None = None


@dataclass(slots=True)
class Call:
    """One request on its way through the doors.

    input: the parsed input by botocore's member names; timestamps are aware datetimes, blobs bytes; the
        streaming member of `streams` operations is left out (read `request.body`).
    context: condition keys (lower case) of the request as a whole.
    found: what the permissions' `on` functions looked up, for `execute`; each service defines its keys.
    now: seconds since the epoch, one moment for the whole request.
    """

    operation: Operation
    input: dict[str, Any]
    caller: Caller
    request: Request
    system: System
    context: Context
    request_id: str
    now: float
    region: str
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The caller's account id."""
        return self.caller.principal.account
