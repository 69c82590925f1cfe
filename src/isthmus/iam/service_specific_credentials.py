"""Service-specific credentials: there are none, as no service of Isthmus takes them (CodeCommit, Keyspaces, Bedrock).

Whoever deletes a user asks for them first, Terraform's `force_destroy` for instance, and has to hear that there is
nothing to delete.
"""

from __future__ import annotations

from typing import Any

from isthmus.operation import Call, Permission, operation

from .credential_owner import owner_of
from .entities import USER
from .errors import invalid_input
from .paging import Page
from .permissions import on_entity


@operation(
    "iam",
    "ListServiceSpecificCredentials",
    Permission("iam:ListServiceSpecificCredentials", on=on_entity(USER)),
)
async def list_service_specific_credentials(call: Call) -> dict[str, Any]:
    """The empty list (ListServiceSpecificCredentials: "If none exists"). Raises NoSuchEntity, InvalidInput."""
    if call.input.get("AllUsers") and call.input.get("UserName") is not None:
        raise invalid_input("Specify either UserName or AllUsers.")
    await owner_of(call, call.system.identity)
    found: list[dict[str, Any]] = []
    shown, more = Page.of(call.input).cut(found, str)
    return {"ServiceSpecificCredentials": shown, **more}
