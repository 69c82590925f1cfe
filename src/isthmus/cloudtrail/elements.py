"""`requestParameters` and `responseElements` from what an operation was given and answered, without secrets.

Members are those of botocore's model with a small first letter, times are written out, binary members are left out,
and so are the tokens of grants (CloudTrail User Guide, "CloudTrail record contents"; examples in "Logging IAM and AWS
STS API calls" and, of KMS, "Encrypt", "Sign", "CreateGrant" and "RetireGrant").

What a model marks as sensitive (passwords, secret keys, private keys, seeds, identity tokens) and what stands in
`HIDDEN_MEMBERS` is replaced by `HIDDEN`, so that no secret ever reaches the trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
HIDDEN_MEMBERS = frozenset({
    "SecretAccessKey", "SessionToken", "TokenCode", "AuthenticationCode1", "AuthenticationCode2", "MFA",
    "Password", "NewPassword", "OldPassword", "PrivateKey", "Base32StringSeed", "QRCodePNG",
    "WebIdentityToken", "SAMLAssertion", "EncodedMessage", "Plaintext", "ImportToken", "EncryptedKeyMaterial",
})  # fmt: skip
"""Secrets that the service models do not mark, and those that must stay hidden should a model forget them."""
_LEFT_OUT = "GrantToken"


def shown_members(shape: Any, members: Mapping[str, Any]) -> dict[str, Any] | None:
    """The members of a structure as a record shows them; None for nothing at all."""
    shown = {
        member_name(name): written
        for name, value in members.items()
        if value is not None and name in shape.members and (written := _shown(shape.members[name], name, value)) != {}
    }
    return shown or None


def member_name(name: str) -> str:
    """A member's name in records: `RoleArn` is `roleArn`."""
    return name[:1].lower() + name[1:]


def is_hidden(shape: Any, name: str) -> bool:
    """Whether a member's value is a secret."""
    return name in HIDDEN_MEMBERS or bool(shape.metadata.get("sensitive"))


def written_time(value: datetime | float) -> str:
    """`Jul 18, 2026, 4:07:39 PM`."""
    moment = value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    return (
        f"{moment:%b} {moment.day}, {moment.year}, "
        f"{moment.hour % 12 or 12}:{moment:%M:%S} {'AM' if moment.hour < 12 else 'PM'}"
    )


def _shown(shape: Any, name: str, value: Any) -> Any:
    kind = shape.type_name
    if kind == "blob" or name == _LEFT_OUT:
        return {}
    if is_hidden(shape, name):
        return HIDDEN
    if kind == "structure":
        return shown_members(shape, value) or {}
    if kind == "list":
        return [_shown(shape.member, name, item) for item in value]
    if kind == "map":
        return {key: _shown(shape.value, name, item) for key, item in value.items()}
    if kind == "timestamp":
        return written_time(value)
    return value
