"""Virtual MFA devices: create, enable, resynchronise, deactivate, delete, list.

A device is made with a seed that is shown once, as text and as a QR code. It belongs to nobody until two
consecutive codes prove that somebody has the seed in an authenticator. Codes are used up where they are
checked, in the objects database; whether the device may be enabled is decided again in the transaction that
does it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import segno

from isthmus.identity import MFA_SEED, MfaDevice, Vault, mfa
from isthmus.names import root_arn
from isthmus.operation import Call, Permission, operation
from isthmus.store import Reader, Row, Transaction
from isthmus.wire import AwsError

from . import entities
from .credential_owner import Owner, owner_of
from .entities import USER, described, iam_arn, moment
from .errors import already_exists, delete_conflict, exceeds_quota, no_such_entity
from .paging import Page
from .permissions import On, on_entity, on_list, on_mfa_device, on_new, with_tags
from .tag_rows import checked_tags, remove_tags, set_tags, tags_of

DEVICES_PER_USER = 8
_QR_SCALE = 4  # pixels a module

_the_user: On = on_entity(USER)
_new_device = on_new("mfa", "VirtualMFADeviceName")


async def insert_device(
    tx: Transaction,
    vault: Vault,
    account: str,
    name: str,
    seed: bytes,
    *,
    now: float,
    path: str = "/",
    tags: Mapping[str, str] | None = None,
) -> str:
    """Add a device that belongs to nobody yet; its serial number. Raises EntityAlreadyExists."""
    serial = iam_arn(account, "mfa", path, name)
    if await tx.fetch_one("SELECT 1 FROM mfa_devices WHERE serial = ?", serial):
        raise already_exists("MFADevice entity at the same path and name already exists.")
    await tx.execute(
        "INSERT INTO mfa_devices (serial, account, name, path, seed, created) VALUES (?, ?, ?, ?, ?, ?)",
        serial, account, name, path, vault.seal(seed, MFA_SEED), now,
    )  # fmt: skip
    await set_tags(tx, serial, tags or {}, "MFADevice")
    return serial


async def insert_enabled(
    tx: Transaction, vault: Vault, account: str, name: str, seed: bytes, owner_id: str, *, now: float
) -> str:
    """Add a device that is enabled for its owner, a user's unique id or the account id for root; its serial
    number. Raises EntityAlreadyExists, LimitExceeded."""
    serial = await insert_device(tx, vault, account, name, seed, now=now)
    await assign(tx, serial, account, owner_id, drift=0, now=now)
    return serial


async def assign(tx: Transaction, serial: str, account: str, owner_id: str, *, drift: int, now: float) -> None:
    """Make a device that is nobody's its owner's. Raises EntityAlreadyExists, LimitExceeded."""
    owned = await entities.count(
        tx, "SELECT count(*) FROM mfa_devices WHERE account = ? AND owner_id = ?", account, owner_id
    )
    if owned >= DEVICES_PER_USER:
        raise exceeds_quota("MFADevicesPerUser", DEVICES_PER_USER)
    if not await tx.execute(
        "UPDATE mfa_devices SET owner_id = ?, enabled = ?, drift = ? WHERE serial = ? AND enabled IS NULL",
        owner_id, now, drift, serial,
    ):  # fmt: skip
        raise _in_use()


async def enabled_devices(reader: Reader, account: str, owner_id: str) -> list[str]:
    """The serial numbers of the devices that somebody must give a code of to sign in: a user's by its unique id,
    root's by the account id."""
    rows = await reader.fetch_all(
        "SELECT serial FROM mfa_devices WHERE account = ? AND owner_id = ? AND enabled IS NOT NULL ORDER BY enabled",
        account, owner_id,
    )  # fmt: skip
    return [serial for (serial,) in rows]


@operation(
    "iam",
    "CreateVirtualMFADevice",
    Permission("iam:CreateVirtualMFADevice", on=_new_device),
    with_tags("iam:TagMFADevice", _new_device),
)
async def create_virtual_mfa_device(call: Call) -> dict[str, Any]:
    """Make a device and show its seed. Raises EntityAlreadyExists, InvalidInput."""
    name, path = call.input["VirtualMFADeviceName"], call.input.get("Path") or "/"
    tags = checked_tags(call.input.get("Tags"))
    seed = call.system.entropy(mfa.SEED_BYTES)

    async def work(tx: Transaction) -> tuple[str, list[dict[str, str]]]:
        serial = await insert_device(
            tx, call.system.vault, call.account, name, seed, now=call.now, path=path, tags=tags
        )
        return serial, await tags_of(tx, serial)

    serial, shown_tags = await call.system.identity.write(work)

    async def forget_uses(tx: Transaction) -> None:
        await tx.execute("DELETE FROM used_mfa_codes WHERE serial = ?", serial)

    # Uses of an earlier device of this name say nothing about codes of the new seed.
    await call.system.objects.write(forget_uses)
    secret = base64.b32encode(seed).decode()
    device: dict[str, Any] = {
        "SerialNumber": serial,
        "Base32StringSeed": secret.encode(),
        "QRCodePNG": qr_code(name, call.account, secret),
    }
    return {"VirtualMFADevice": device | ({"Tags": shown_tags} if shown_tags else {})}


def qr_code(name: str, account: str, secret: str) -> bytes:
    """The PNG that authenticator apps read: an `otpauth://totp/` address (API reference, VirtualMFADevice)."""
    label = quote(f"{name}@{account}", safe="@")
    address = f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'Isthmus'})}"
    png = io.BytesIO()
    segno.make(address, micro=False).save(png, kind="png", scale=_QR_SCALE)
    return png.getvalue()


@operation("iam", "EnableMFADevice", Permission("iam:EnableMFADevice", on=_the_user))
async def enable_mfa_device(call: Call) -> dict[str, Any]:
    """Give a device to a user who knows two consecutive codes of it. Raises NoSuchEntity, LimitExceeded,
    EntityAlreadyExists, InvalidAuthenticationCode."""
    identity, serial = call.system.identity, call.input["SerialNumber"]
    await owner_of(call, identity)
    device = await _device(call)
    if device.enabled is not None:
        raise _in_use()
    drift = await _proven_drift(call, device, mfa.ENABLE_WINDOW)

    async def work(tx: Transaction) -> None:
        owner = await owner_of(call, tx)
        await assign(tx, serial, call.account, owner.id, drift=drift, now=call.now)

    await identity.write(work)
    return {}


@operation("iam", "ResyncMFADevice", Permission("iam:ResyncMFADevice", on=_the_user))
async def resync_mfa_device(call: Call) -> dict[str, Any]:
    """Learn how far a device's clock is off from two consecutive codes. Raises NoSuchEntity,
    InvalidAuthenticationCode."""
    owner = await owner_of(call, call.system.identity)
    device = await _device(call)
    _check_owner(device, owner)
    drift = await _proven_drift(call, device, mfa.RESYNC_WINDOW)

    async def work(tx: Transaction) -> None:
        if not await tx.execute(
            "UPDATE mfa_devices SET drift = ? WHERE serial = ? AND owner_id = ?",
            drift,
            device.serial,
            owner.id,
        ):
            raise _not_found(device.serial)

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeactivateMFADevice", Permission("iam:DeactivateMFADevice", on=_the_user))
async def deactivate_mfa_device(call: Call) -> dict[str, Any]:
    """Take a device from its user; it can be enabled again. Raises NoSuchEntity."""
    serial = call.input["SerialNumber"]

    async def work(tx: Transaction) -> None:
        owner = await owner_of(call, tx)
        if not await tx.execute(
            "UPDATE mfa_devices SET owner_id = NULL, enabled = NULL, drift = 0"
            " WHERE serial = ? AND account = ? AND owner_id = ?",
            serial, call.account, owner.id,
        ):  # fmt: skip
            raise _not_found(serial)

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteVirtualMFADevice", Permission("iam:DeleteVirtualMFADevice", on=on_mfa_device))
async def delete_virtual_mfa_device(call: Call) -> dict[str, Any]:
    """Delete a device that is nobody's. Raises NoSuchEntity, DeleteConflict."""
    serial = call.input["SerialNumber"]

    async def work(tx: Transaction) -> None:
        row = await tx.fetch_one(
            "SELECT enabled FROM mfa_devices WHERE serial = ? AND account = ?", serial, call.account
        )
        if row is None:
            raise _not_found(serial)
        if row[0] is not None:
            raise delete_conflict("MFA VirtualDevice in use. Must deactivate first.")
        await tx.execute("DELETE FROM mfa_devices WHERE serial = ?", serial)
        await remove_tags(tx, serial)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListMFADevices", Permission("iam:ListMFADevices", on=_the_user))
async def list_mfa_devices(call: Call) -> dict[str, Any]:
    """The enabled devices of a user or of the caller. Raises NoSuchEntity."""
    page = Page.of(call.input)
    owner = await owner_of(call, call.system.identity)
    rows = await call.system.identity.fetch_all(
        "SELECT serial, enabled FROM mfa_devices WHERE account = ? AND owner_id = ?", call.account, owner.id
    )
    found, more = page.cut(rows, lambda row: str(row[0]))
    devices = [owner.shown_name | {"SerialNumber": serial, "EnableDate": moment(enabled)} for serial, enabled in found]
    return {"MFADevices": devices, **more}


@operation("iam", "GetMFADevice", Permission("iam:GetMFADevice", on=_the_user))
async def get_mfa_device(call: Call) -> dict[str, Any]:
    """One enabled device of a user or of the caller. Raises NoSuchEntity."""
    owner = await owner_of(call, call.system.identity)
    device = await _device(call)
    enabled = _check_owner(device, owner)
    return owner.shown_name | {"SerialNumber": device.serial, "EnableDate": moment(enabled)}


@operation("iam", "ListVirtualMFADevices", Permission("iam:ListVirtualMFADevices", on=on_list("mfa")))
async def list_virtual_mfa_devices(call: Call) -> dict[str, Any]:
    """The account's devices, by AssignmentStatus, with the users they belong to."""
    page = Page.of(call.input)
    reader = call.system.identity
    condition = {"Assigned": " AND enabled IS NOT NULL", "Unassigned": " AND enabled IS NULL"}.get(
        call.input.get("AssignmentStatus") or "Any", ""
    )
    rows = await reader.fetch_all(
        f"SELECT serial, owner_id, enabled FROM mfa_devices WHERE account = ?{condition}",  # noqa: S608
        call.account,
    )
    found, more = page.cut(rows, lambda row: str(row[0]))
    return {"VirtualMFADevices": [await _shown(reader, call.account, row) for row in found], **more}


async def _shown(reader: Reader, account: str, row: Row) -> dict[str, Any]:
    serial, owner_id, enabled = row
    device: dict[str, Any] = {"SerialNumber": serial}
    if enabled is not None:
        device["EnableDate"] = moment(enabled)
        user = await entities.by_id(reader, owner_id)
        if user is not None:
            device["User"] = described(user)
        else:
            device["User"] = {"UserId": account, "Arn": root_arn(account)}
    return device


async def tagged_device(reader: Reader, account: str, serial: str) -> str:
    """What the tags of a device are stored under. Raises NoSuchEntity."""
    if not await reader.fetch_one("SELECT 1 FROM mfa_devices WHERE serial = ? AND account = ?", serial, account):
        raise _not_found(serial)
    return serial


async def _device(call: Call) -> MfaDevice:
    """The device of the input with its seed. Raises NoSuchEntity."""
    serial = call.input["SerialNumber"]
    device = await call.system.directory.mfa_device(serial)
    if device is None or device.account != call.account:
        raise _not_found(serial)
    return device


def _check_owner(device: MfaDevice, owner: Owner) -> float:
    """When the device was enabled. Raises NoSuchEntity if it is not the owner's."""
    if device.enabled is None or device.owner_id != owner.id:
        raise _not_found(device.serial)
    return device.enabled


async def _proven_drift(call: Call, device: MfaDevice, window: int) -> int:
    """The drift in steps that the two codes of the input prove. Raises InvalidAuthenticationCode."""
    codes = (call.input["AuthenticationCode1"], call.input["AuthenticationCode2"])
    drift = await mfa.synchronise(call.system.objects, device, codes, call.now, window)
    if drift is None:
        raise AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
    return drift


def _in_use() -> AwsError:
    return already_exists("MFA Device is already in use.")


def _not_found(serial: str) -> AwsError:
    return no_such_entity(f"VirtualMFADevice with serial number {serial} doesn't exist.")
