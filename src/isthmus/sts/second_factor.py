"""The MFA parameters of AssumeRole and GetSessionToken: a device of the caller's own and its code of this
moment."""

from __future__ import annotations

from isthmus.identity import mfa
from isthmus.operation import Call
from isthmus.policy import PrincipalKind
from isthmus.wire import AwsError


async def second_factor(call: Call) -> bool:
    """Whether the call proved a second factor; False if it did not try. Raises AccessDenied if it failed."""
    serial, code = call.input.get("SerialNumber"), call.input.get("TokenCode")
    if serial is None and code is None:
        return False
    if serial is None or code is None:
        raise _failed("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
    who = call.caller.principal
    device = await call.system.directory.mfa_device(serial)
    if (
        device is None
        or device.enabled is None
        or device.owner_id != who.entity_id
        or who.kind not in (PrincipalKind.USER, PrincipalKind.ROOT)
    ):
        raise _failed(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA"
            " serial number is valid and associated with this user."
        )
    if not await mfa.verify(call.system.objects, device, code, call.now):
        raise _failed("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
    return True


def _failed(message: str) -> AwsError:
    return AwsError("AccessDenied", message, 403)
