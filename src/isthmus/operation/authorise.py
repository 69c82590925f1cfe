"""The fourth door: every permission an operation declares is decided before it runs.

The caller's side comes with the caller (`identity/authenticated.py`). Here the resource's side is put together, with
what the organization of its account adds: resource control policies and the keys `aws:ResourceOrgID` and
`aws:ResourceOrgPaths`. Whoever decides about a request asks `decide_for`, so nothing passes by them.
"""

from __future__ import annotations

from isthmus.policy import AuthorizationRequest, Context, ContextValue, Decision, PolicyType, ResourceSide, decide
from isthmus.wire import AwsError

from .call import Call, Caller, System
from .credentials import refuse_unfit_credentials
from .registry import Resource


class AccessDenied(AwsError):
    """A refusal that carries its decision."""

    def __init__(self, decision: Decision, message: str, code: str = "AccessDenied") -> None:
        super().__init__(code, message, 403)
        self.decision = decision


async def decide_for(call: Call, action: str, resource: Resource) -> Decision:
    """What the policies say about the caller doing `action` to `resource`. Raises AllAccessDisabled where the
    resource's account was closed."""
    return await decide_about(call.system, call.caller, call.context, action, resource)


async def decide_about(
    system: System, caller: Caller, request_context: Context, action: str, resource: Resource
) -> Decision:
    """`decide_for` where there is no call: what a caller would do in requests of this context."""
    context: dict[str, ContextValue] = {**request_context, **resource.context}
    membership = await system.directory.membership(resource.account)
    # An action without resources (`*`) has no owner to tell of, and the keys are absent, as on AWS.
    if resource.arn != "*":
        context.setdefault("aws:resourceaccount", resource.account)
        if action.startswith("s3:"):
            context.setdefault("s3:resourceaccount", resource.account)
        if membership is not None:
            context["aws:resourceorgid"] = membership.organization
            context["aws:resourceorgpaths"] = (membership.path,)
    if membership is not None and membership.closed:
        raise AwsError("AllAccessDisabled", "All access to this resource has been disabled: its account is closed.")
    return decide(
        AuthorizationRequest(
            principal=caller.principal,
            action=action,
            resource=resource.arn,
            owner=ResourceSide(
                account=resource.account,
                policy=resource.policy,
                acl_allows=resource.acl_allows,
                public_access_blocked=resource.public_access_blocked,
                object_owner=resource.object_owner,
                rcps=() if membership is None else membership.rcps,
                granted=resource.granted,
            ),
            caller=caller.policies,
            context=context,
            same_organization=membership is not None
            and request_context.get("aws:principalorgid") == membership.organization,
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
        call.resources += (resource,)
        decision = await decide_for(call, permission.action, resource)
        if not decision.allowed:
            raise AccessDenied(decision, decision.message)
        if decision.layer is PolicyType.ACL and call.account != resource.account:
            call.found["acl_required"] = True  # nothing but an ACL lets another account in here
