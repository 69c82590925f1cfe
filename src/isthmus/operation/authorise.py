"""The fourth door: every permission an operation declares is decided before it runs."""

from __future__ import annotations

from isthmus.policy import AuthorizationRequest, ContextValue, Decision, ResourceSide, decide
from isthmus.wire import AwsError

from .call import Call
from .credentials import refuse_unfit_credentials
from .registry import Resource


class AccessDenied(AwsError):
    """A refusal that carries its decision."""

    def __init__(self, decision: Decision, message: str, code: str = "AccessDenied") -> None:
        super().__init__(code, message, 403)
        self.decision = decision


def decide_for(call: Call, action: str, resource: Resource) -> Decision:
    """What the policies say about the caller doing `action` to `resource`; raises nothing."""
    context: dict[str, ContextValue] = {**call.context, **resource.context}
    # An action without resources (`*`) has no owner to tell of, and the key is absent, as on AWS.
    if resource.arn != "*":
        context.setdefault("aws:resourceaccount", resource.account)
        if action.startswith("s3:"):
            context.setdefault("s3:resourceaccount", resource.account)
    return decide(
        AuthorizationRequest(
            principal=call.caller.principal,
            action=action,
            resource=resource.arn,
            owner=ResourceSide(
                account=resource.account,
                policy=resource.policy,
                acl_allows=resource.acl_allows,
                public_access_blocked=resource.public_access_blocked,
                object_owner=resource.object_owner,
            ),
            caller=call.caller.policies,
            context=context,
        )
    )


async def authorise(call: Call) -> None:
    """Decide every permission of the operation, in order. Raises AccessDenied for the first that is refused.

    Credentials of a kind that cannot call the operation at all are refused before that (AwsError).
    """
    refuse_unfit_credentials(call)
    for permission in call.operation.permissions:
        if permission.when is not None and not permission.when(call):
            continue
        resource = await permission.on(call)
        decision = decide_for(call, permission.action, resource)
        if not decision.allowed:
            raise AccessDenied(decision, decision.message)
