"""What some temporary credentials cannot call at all, whatever any policy says.

IAM User Guide, "Compare AWS STS credentials", as a table: how the credentials were got, and what is closed. A console
sign-in is not in it: what its user may do with long-term keys it may do in the console, but for more credentials.
"""

from __future__ import annotations

from isthmus.wire import AwsError

from .call import Call

_ISSUERS = frozenset(("GetSessionToken", "GetFederationToken"))
_STS_OPEN_TO = {
    # What credentials of this kind can call; kinds that are not here can call all but _ISSUERS.
    "GetSessionToken": frozenset(("AssumeRole", "GetCallerIdentity")),
    "GetFederationToken": frozenset(("GetCallerIdentity",)),
}


def refuse_unfit_credentials(call: Call) -> None:
    """Raises AwsError if the kind of the caller's credentials rules this operation out."""
    session = call.caller.session
    if session is None:
        return
    service, name = call.operation.service, call.operation.name
    if service == "sts":
        open_to = _STS_OPEN_TO.get(session.kind)
        if name in _ISSUERS if open_to is None else name not in open_to:
            raise AwsError("AccessDenied", f"Cannot call {name} with session credentials", 403)
    elif service == "iam" and (
        session.kind == "GetFederationToken" or (session.kind == "GetSessionToken" and session.mfa_at is None)
    ):
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid", 403)
