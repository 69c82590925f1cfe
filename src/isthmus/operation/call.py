"""One request as an operation sees it, and the system it runs in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from isthmus.policy import Context, Principal, PrincipalPolicies
from isthmus.wire import AwsError, Request

if TYPE_CHECKING:
    from isthmus.identity import Directory, Session, Vault
    from isthmus.store import Contents, Metadata

    from .registry import Operation, Resource


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose.

    region: of new buckets without a location, and of the `aws` global endpoints' answers.
    domains: names under which virtual-host addressing works.
    access_log_seconds: how long records of server access logging are collected before they are delivered.
    """

    region: str = "us-east-1"
    domains: tuple[str, ...] = ("localhost",)
    access_log_seconds: float = 300.0


def _nobody_listens(*_: Any) -> None:
    pass


@dataclass(slots=True)
class System:
    """The parts of a running server that operations use.

    identity, objects: the two databases. contents: bytes too large for them.
    directory: accounts, principals and buckets, cached until the identity database changes.
    vault: seals secrets and session tokens. clock: seconds since the epoch (the only clock there is).
    entropy: n random bytes.
    note_service_call: told of each call that a service made by itself, and of its refusal.
    note_events: takes further records of the audit trail (`cloudtrail.Event`). Both are listened to by the worker.
    """

    settings: Settings
    identity: Metadata
    objects: Metadata
    contents: Contents
    directory: Directory
    vault: Vault
    clock: Callable[[], float]
    entropy: Callable[[int], bytes]
    note_service_call: Callable[[Call, AwsError | None], None] = _nobody_listens
    note_events: Callable[[Sequence[Any]], None] = _nobody_listens


class Caller(NamedTuple):
    """Who signed the request, as the second door found out.

    session: claims of temporary credentials; None for long-term keys, anonymous requests.
    access_key: the id used; empty when anonymous.
    policies: all documents on the caller's side.
    """

    principal: Principal
    policies: PrincipalPolicies
    access_key: str = ""
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Performed:
    """A request that a service made on the caller's behalf. error: None where it succeeded."""

    call: Call
    error: AwsError | None = None


@dataclass(slots=True)
class Call:
    """One request on its way through the doors.

    input: the parsed input by botocore's member names; timestamps are aware datetimes, blobs bytes; the
        streaming member of `streams` operations is left out (read `request.body`).
    context: condition keys (lower case) of the request as a whole.
    found: what the permissions' `on` functions looked up, for `execute`; each service defines its keys.
    performed: what other services were asked to do on the caller's behalf meanwhile, for whoever records requests.
    now: seconds since the epoch, one moment for the whole request.
    host_id: `x-amz-id-2` of the answer; empty for calls that nobody is answered.
    resources: what permissions were decided on, in order, the refused one last.
    output: what the operation answered; None until it has.
    shown: what the audit trail shows of the request beside its input, by the trail's names.
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
    performed: list[Performed] = field(default_factory=list)
    host_id: str = ""
    resources: tuple[Resource, ...] = ()
    output: Any = None
    shown: dict[str, Any] | None = None

    @property
    def account(self) -> str:
        """The caller's account id."""
        return self.caller.principal.account
