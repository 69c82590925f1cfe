"""Which key or alias a request asks for, as the decision about it needs it.

The key's policy is the resource's policy and trusts nobody by itself; a grant that fits is an allow of its own. What
was found stays in `call.found`, under the name of the input's member: see `the_key`.

Operations that AWS keeps inside an account ("Cross-account use: No" in the API reference) never see another account's
key policy, so nothing in it can open them. Whether a key exists is told after the decision: a stranger learns nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from isthmus.operation import Call, Permission, Resource

from .conditions import key_conditions, new_key_conditions, request_conditions, tag_conditions
from .errors import disabled, pending_deletion
from .granting import is_granted
from .keys_table import ENABLED, PENDING_DELETION, Key, alias_arn
from .references import Found, resolve

When = Callable[[Call], bool]


def key_permission(
    action: str,
    *,
    member: str = "KeyId",
    aliases: bool = False,
    across: bool = False,
    context_member: str = "EncryptionContext",
    when: When | None = None,
    condition: str = "",
) -> Permission:
    """`action` on the key that the input's `member` names.

    aliases: whether an alias may name it. across: whether other accounts may do this at all.
    context_member: which member is the encryption context.
    """

    async def on(call: Call) -> Resource:
        found = call.found.get(member)
        if found is None:
            found = call.found[member] = await resolve(call, call.input[member], aliases=aliases)
        return await key_resource(call, action, found, across=across, context_member=context_member)

    return Permission(action, on, when, condition)


async def key_resource(
    call: Call, action: str, found: Found, *, across: bool = True, context_member: str = "EncryptionContext"
) -> Resource:
    """A key as the resource of `action`."""
    key = found.key
    context = request_conditions(call, alias=found.alias, context_member=context_member)
    if key is None or (found.account != call.account and not across):
        return Resource(found.arn, found.account, context=context)
    context |= key_conditions(key)
    if call.operation.name == "TagResource":
        context |= tag_conditions(call.input["Tags"])
    elif call.operation.name == "UntagResource":
        context["aws:tagkeys"] = tuple(call.input["TagKeys"])
    encryption_context = call.input.get(context_member) or {}
    return Resource(
        arn=key.arn,
        account=key.account,
        policy=key.policy,
        context=context,
        granted=await is_granted(call, key, action, encryption_context),
    )


def alias_permission(action: str) -> Permission:
    """`action` on the alias that the input names, in the caller's account."""

    async def on(call: Call) -> Resource:
        arn = alias_arn(call.account, call.region, call.input["AliasName"])
        return Resource(arn, call.account, context=request_conditions(call))

    return Permission(action, on, condition="on the alias")


def account_permission(action: str, when: When | None = None, condition: str = "") -> Permission:
    """`action` on the account's keys as a whole, which policies name `*` or `arn:aws:kms:REGION:ACCOUNT:*`."""

    async def on(call: Call) -> Resource:
        context = request_conditions(call)
        if call.operation.name == "CreateKey":
            context |= new_key_conditions(call.input)
            if call.input.get("Tags"):
                context |= tag_conditions(call.input["Tags"])
        return Resource(f"arn:aws:kms:{call.region}:{call.account}:*", call.account, context=context)

    return Permission(action, on, when, condition)


def the_key(call: Call, member: str = "KeyId") -> Key:
    """The key that the permission found. Raises NotFoundException."""
    found: Found = call.found[member]
    if found.key is None:
        assert found.problem is not None
        raise found.problem
    return found.key


def usable(key: Key) -> Key:
    """The key, if it is enabled. Raises DisabledException, KMSInvalidStateException."""
    if key.state == PENDING_DELETION:
        raise pending_deletion(key.arn)
    if key.state != ENABLED:
        raise disabled(key.arn)
    return key


def alive(key: Key) -> Key:
    """The key, if it is not about to be deleted. Raises KMSInvalidStateException."""
    if key.state == PENDING_DELETION:
        raise pending_deletion(key.arn)
    return key
