"""The policy simulator: SimulatePrincipalPolicy, SimulateCustomPolicy, and the context keys that they need.

Nothing is done; what is asked is decided by the engine that decides real requests. Beyond AWS's simulator it knows
trust policies: what SimulatePrincipalPolicy is asked about assuming a role of the caller's own account is decided with
that role's trust policy, unless a ResourcePolicy takes its place. SimulateCustomPolicy knows only what it is given,
so that whoever may call it learns nothing about the account (IAM API reference, SimulateCustomPolicy). Other resources
never contribute policies of their own: the API reference leaves that to ResourcePolicy.

Beyond AWS's also, the answer to a question about one action and one resource carries an encoded authorization
message, which DecodeAuthorizationMessage opens for the caller's account: every layer, and what would help. All that
it tells is of the caller's account or was given by the caller.

Whose policies are simulated must be of the caller's account; of the other account's side of a request nothing is known
but the ResourcePolicy that was given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from isthmus.identity import Directory, Group, PrincipalGone
from isthmus.identity.authenticated import Authenticated, as_group, as_role, as_user
from isthmus.names import Arn, InvalidArn
from isthmus.operation import Call, Permission, on_anything, operation
from isthmus.operation.authorization_message import authorization_message
from isthmus.operation.paging import key_of, token_of
from isthmus.policy import NamedPolicy, PolicyDocument, Principal, PrincipalPolicies, ResourcePolicy, context_keys

from .context_entries import context_of
from .entities import GROUP, find
from .errors import cannot_be_found, invalid_input
from .permissions import entity_arn, on_policy_source
from .simulation import Outcome, Simulation, is_role_action, result
from .simulation_inputs import (
    check_handling,
    hypothetical_caller,
    input_actions,
    input_boundary,
    input_exclusions,
    input_owner,
    input_policies,
    input_resource_policy,
    input_resources,
    input_scps,
    nobody,
    remaining,
)

ACTIONS_A_PAGE = 100
_WORK_A_PAGE = 1000  # decisions; "IAM might return fewer results, even when there are more results available"
_BREATH = 50  # decisions after which other requests get their turn


@operation("iam", "SimulatePrincipalPolicy", Permission("iam:SimulatePrincipalPolicy", on=on_policy_source))
async def simulate_principal_policy(call: Call) -> dict[str, Any]:
    """What a user, group or role may do. Raises NoSuchEntity, InvalidInput."""
    members = call.input
    source, policies, source_context = await _policy_source(call)
    excludes, without_scps = input_exclusions(members)
    boundary = policies.boundary
    policies = PrincipalPolicies(
        identity=(*remaining(policies.identity, excludes), *input_policies(members)),
        boundary=input_boundary(members) or (None if boundary is None or excludes(boundary, True) else boundary),
        scps=() if without_scps else policies.scps,
    )
    caller_arn = members.get("CallerArn")
    if caller_arn is None or caller_arn == source.entity_arn:
        principal, context = source, dict(source_context)
    else:
        principal, context = hypothetical_caller(caller_arn)
    actions, resources = input_actions(members), input_resources(members)
    check_handling(members, actions, resources)
    simulation = Simulation(
        principal=principal,
        policies=policies,
        context=context | context_of(members.get("ContextEntries") or ()),
        resource_policy=input_resource_policy(members, resources, principal),
        resource_owner=input_owner(members),
        trust=await _trust_policies(call, principal, actions, resources),
    )
    return await _page(call, simulation, actions, resources)


@operation("iam", "SimulateCustomPolicy", Permission("iam:SimulateCustomPolicy", on=on_anything))
async def simulate_custom_policy(call: Call) -> dict[str, Any]:
    """What policies that are given as text would allow. Raises InvalidInput."""
    members = call.input
    caller_arn = members.get("CallerArn")
    if caller_arn is None and members.get("ResourcePolicy") is not None:
        raise invalid_input("Invalid caller - Caller cannot be null or empty.")
    principal, context = nobody(call.account) if caller_arn is None else hypothetical_caller(caller_arn)
    policies = PrincipalPolicies(
        identity=input_policies(members), boundary=input_boundary(members), scps=input_scps(members)
    )
    actions, resources = input_actions(members), input_resources(members)
    check_handling(members, actions, resources)
    simulation = Simulation(
        principal=principal,
        policies=policies,
        context=context | context_of(members.get("ContextEntries") or ()),
        resource_policy=input_resource_policy(members, resources, principal),
        resource_owner=input_owner(members),
    )
    return await _page(call, simulation, actions, resources)


@operation(
    "iam",
    "GetContextKeysForPrincipalPolicy",
    Permission("iam:GetContextKeysForPrincipalPolicy", on=on_policy_source),
)
async def get_context_keys_for_principal_policy(call: Call) -> dict[str, Any]:
    """The context keys in the policies of a user, group or role, its boundary and the policies given as text.
    Raises NoSuchEntity, InvalidInput."""
    _, policies, _ = await _policy_source(call)
    boundary = () if policies.boundary is None else (policies.boundary,)
    return _key_names((*policies.identity, *boundary, *input_policies(call.input)))


@operation("iam", "GetContextKeysForCustomPolicy", Permission("iam:GetContextKeysForCustomPolicy", on=on_anything))
async def get_context_keys_for_custom_policy(call: Call) -> dict[str, Any]:
    """The context keys in policies given as text. Raises InvalidInput."""
    return _key_names(input_policies(call.input))


def _key_names(policies: Iterable[NamedPolicy]) -> dict[str, Any]:
    documents: list[PolicyDocument] = [policy.document for policy in policies]
    return {"ContextKeyNames": list(context_keys(documents))}


async def _policy_source(call: Call) -> Authenticated:
    """The user, group or role that PolicySourceArn names, by name. Raises NoSuchEntity, InvalidInput."""
    arn = entity_arn(call.input["PolicySourceArn"])
    directory = call.system.directory
    try:
        found = await _entity(call, directory, arn)
    except PrincipalGone:  # between the two reads
        found = None
    if found is None or arn.account != call.account:
        raise cannot_be_found(arn.resource_type, arn.name)
    return found


async def _entity(call: Call, directory: Directory, arn: Arn) -> Authenticated | None:
    if arn.resource_type == "user":
        user = await directory.user(arn.account, arn.name)
        return None if user is None else await as_user(directory, user)
    if arn.resource_type == "role":
        role = await directory.role(arn.account, arn.name)
        return None if role is None else await as_role(directory, role)
    group = await find(call.system.identity, GROUP, arn.account, arn.name)
    if group is None:
        return None
    return await as_group(directory, Group(group.id, group.account, group.name, group.path, group.created))


async def _trust_policies(
    call: Call, principal: Principal, actions: list[str], resources: list[str]
) -> dict[str, ResourcePolicy]:
    """The trust policies of the account's own roles among the resources."""
    if not any(is_role_action(action) for action in actions):
        return {}
    found: dict[str, ResourcePolicy] = {}
    for resource in resources:
        try:
            arn = Arn.parse(resource)
        except InvalidArn:
            continue
        if (arn.service, arn.account, arn.resource_type) != ("iam", call.account, "role"):
            continue
        role = await call.system.directory.role(arn.account, arn.name)
        if role is not None and role.arn == resource:
            found[resource] = _seen_by(role.trust, principal)
    return found


def _seen_by(trust: ResourcePolicy, principal: Principal) -> ResourcePolicy:
    """A trust policy for a principal that may be hypothetical: one that it names by ARN is meant by that ARN."""
    if principal.entity_id != principal.entity_arn or principal.entity_arn not in trust.principal_ids:
        return trust
    return replace(trust, principal_ids={**trust.principal_ids, principal.entity_arn: principal.entity_id})


# Pages: of actions, each with all its resources


async def _page(call: Call, simulation: Simulation, actions: list[str], resources: list[str]) -> dict[str, Any]:
    start = _start_of(call.input.get("Marker"))
    size = call.input.get("MaxItems") or ACTIONS_A_PAGE
    size = max(1, min(size, _WORK_A_PAGE // len(resources)))
    end = min(start + size, len(actions))
    results = []
    decided = 0
    for action in actions[start:end]:
        outcomes: list[tuple[str, Outcome]] = []
        for resource in resources:
            outcomes.append((resource, simulation.outcome(action, resource)))
            decided += 1
            if decided % _BREATH == 0:
                await asyncio.sleep(0)
        results.append(result(action, outcomes))
    output: dict[str, Any] = {"EvaluationResults": results, "IsTruncated": end < len(actions)}
    if len(actions) == len(resources) == len(results) == 1:
        decision = outcomes[0][1].made
        # Marked: whoever may simulate chooses every policy of it, and it must not pass for a refusal that was made.
        views = {call.account: {**decision.to_json(), "simulated": True}}
        output["EncodedAuthorizationMessage"] = authorization_message(call.system.vault, decision, views)
    if end < len(actions):
        output["Marker"] = token_of(str(end))
    return output


def _start_of(marker: str | None) -> int:
    """How many actions the pages before have shown. Raises InvalidInput."""
    if marker is None:
        return 0
    try:
        text = key_of(marker)
    except ValueError:
        text = ""
    if not text.isdecimal():
        raise invalid_input("Invalid marker for pagination.")
    return int(text)
