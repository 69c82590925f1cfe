"""What a simulated request would be answered, by the engine that answers the real ones.

A simulation has a principal with its policies, the context that was given, and perhaps a resource-based policy that
every resource counts as having. Of the results (IAM API reference, "EvaluationResult" and "ResourceSpecificResult"):

    MatchedStatements     the statements that decided: the allows, or for an explicit deny only the denies
    MissingContextValues  after an implicit deny, every key that the policies refer to and the request lacks
    …DecisionDetail       present where an organization or a permissions boundary has a say; a service control policy
                          that does not allow ends the simulation, and nothing else is told
    EvalDecisionDetails   across accounts the decision of each type of policy; empty within one; absent for `*`

Of several resources the result as a whole is the most restrictive. A statement's position is told as AWS tells it:
it starts just behind what stands before it (the bracket that opens the list, the statement before, for a lone
statement its own brace) and ends just behind its last brace, so that a text can be cut there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from isthmus.names import Arn, InvalidArn, is_account_id
from isthmus.policy import (
    AuthorizationRequest,
    Context,
    ContextValue,
    Decision,
    Determining,
    LayerVerdict,
    NamedPolicy,
    PolicyType,
    Principal,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    Verdict,
    context_keys,
    decide,
)
from isthmus.policy.validate import is_object_action

ALLOWED, EXPLICIT_DENY, IMPLICIT_DENY = "allowed", "explicitDeny", "implicitDeny"
EVERY_RESOURCE = "*"
# What AWS answers as SourcePolicyType and as the keys of EvalDecisionDetails; the model's enumeration says otherwise.
_SOURCES = {
    PolicyType.IDENTITY: "IAM Policy",
    PolicyType.RESOURCE: "Resource Policy",
    PolicyType.TRUST: "Resource Policy",
    PolicyType.BOUNDARY: "Permissions Boundary Policy",
}
_DECISIONS = {Verdict.ALLOW: ALLOWED, Verdict.DENY: EXPLICIT_DENY}
_RESTRICTIVE = (EXPLICIT_DENY, IMPLICIT_DENY, ALLOWED)
_RESOURCE_TYPES = (PolicyType.RESOURCE, PolicyType.TRUST)
_ROLE_ACTIONS = frozenset(
    {"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:setcontext",
     "sts:setsourceidentity", "sts:tagsession"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Simulation:
    """Who asks, and everything that has a say.

    context: keys in lower case: the principal's own, under those that were given.
    resource_policy: a policy that counts as every resource's; None where none was given.
    resource_owner: account of resources whose ARN names none; the principal's by default.
    trust: trust policies of roles by ARN, for what is done to a role where no `resource_policy` was given.
    """

    principal: Principal
    policies: PrincipalPolicies
    context: Context
    resource_policy: ResourcePolicy | None = None
    resource_owner: str | None = None
    trust: Mapping[str, ResourcePolicy] = field(default_factory=dict)

    def outcome(self, action: str, resource: str) -> Outcome:
        """What would be answered to `action` on `resource`."""
        policy = self.resource_policy
        if policy is None and is_role_action(action):
            policy = self.trust.get(resource)
        owner = _account_of(resource) or self.resource_owner or self.principal.account
        request = AuthorizationRequest(
            principal=self.principal,
            action=action,
            resource=resource,
            # Without its policy the other account's side cannot be simulated; the principal's own side decides.
            owner=ResourceSide(owner if policy is not None else self.principal.account, policy),
            caller=self.policies,
            context=self._context(action, resource, owner),
        )
        resource_source = "ResourcePolicy" if self.resource_policy is not None else "AssumeRolePolicyDocument"
        return _outcome(decide(request), resource_source)

    def _context(self, action: str, resource: str, owner: str) -> Context:
        if resource == EVERY_RESOURCE:
            return self.context
        context: dict[str, ContextValue] = {"aws:resourceaccount": owner}
        if action.lower().startswith("s3:"):
            context["s3:resourceaccount"] = owner
        return context | dict(self.context)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one action on one resource.

    matched: as MatchedStatements tells them. organization, boundary: whether it allows; None where there is none.
    details: by type of policy, across accounts. made: the decision itself, with all its layers.
    """

    decision: str
    made: Decision
    matched: tuple[Mapping[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    organization: bool | None = None
    boundary: bool | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def is_role_action(action: str) -> bool:
    """Whether a role's trust policy has a say about the action."""
    return action.lower() in _ROLE_ACTIONS


def result(action: str, outcomes: list[tuple[str, Outcome]]) -> dict[str, Any]:
    """The EvaluationResult of an action: by resource, in the order they were given."""
    every = [outcome for _, outcome in outcomes]
    decision = min((outcome.decision for outcome in every), key=_RESTRICTIVE.index)
    told = [outcome for outcome in every if decision != EXPLICIT_DENY or outcome.decision == EXPLICIT_DENY]
    details: dict[str, str] = {}
    for outcome in every:
        for source, said in outcome.details.items():
            details[source] = min(said, details.get(source, ALLOWED), key=_RESTRICTIVE.index)
    described: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": _resource_name(action, [resource for resource, _ in outcomes]),
        "EvalDecision": decision,
        "MatchedStatements": _distinct(one for outcome in told for one in outcome.matched),
        "MissingContextValues": list(dict.fromkeys(key for outcome in every for key in outcome.missing)),
    }
    _tell(described, "OrganizationsDecisionDetail", "AllowedByOrganizations", [one.organization for one in every])
    _tell(
        described, "PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary", [one.boundary for one in every]
    )
    if outcomes[0][0] == EVERY_RESOURCE:
        return described
    if all(outcome.organization is not False for outcome in every):
        described["EvalDecisionDetails"] = details
    described["ResourceSpecificResults"] = [_specific(resource, outcome) for resource, outcome in outcomes]
    return described


def _specific(resource: str, outcome: Outcome) -> dict[str, Any]:
    described: dict[str, Any] = {"EvalResourceName": resource, "EvalResourceDecision": outcome.decision}
    if outcome.matched:
        described["MatchedStatements"] = _distinct(outcome.matched)
    if outcome.missing:
        described["MissingContextValues"] = list(outcome.missing)
    if outcome.details:
        described["EvalDecisionDetails"] = dict(outcome.details)
    _tell(described, "PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary", [outcome.boundary])
    return described


def _tell(described: dict[str, Any], detail: str, member: str, said: list[bool | None]) -> None:
    if any(one is not None for one in said):
        described[detail] = {member: all(one is not False for one in said)}


def _outcome(decision: Decision, resource_source: str) -> Outcome:
    """resource_source: what the resource's own policy is called."""
    layers = {layer.type: layer for layer in decision.layers}
    by_scp = layers.get(PolicyType.SCP)
    organization = None if by_scp is None else by_scp.verdict is Verdict.ALLOW
    if by_scp is not None and not organization:
        return Outcome(_decision_of(by_scp), decision, organization=False)
    by_boundary = layers.get(PolicyType.BOUNDARY)
    boundary = None if by_boundary is None else by_boundary.verdict is Verdict.ALLOW
    answer = ALLOWED if decision.allowed else EXPLICIT_DENY if decision.explicit_deny else IMPLICIT_DENY
    matched: list[Mapping[str, Any]] = []
    missing: tuple[str, ...] = ()
    if answer == IMPLICIT_DENY:
        missing = _missing(decision.request)
    else:
        for kind, layer in layers.items():
            if _decision_of(layer) == answer and _is_told(layer, answer):
                own = kind in _RESOURCE_TYPES
                matched += [
                    _statement(one, resource_source if own else _source_id(one.policy), kind)
                    for one in layer.determining
                ]
    details: dict[str, str] = {}
    if decision.cross_account:
        details = {_SOURCES[kind]: _decision_of(layer) for kind, layer in layers.items() if kind in _SOURCES}
    return Outcome(answer, decision, tuple(matched), missing, organization, boundary, details)


def _decision_of(layer: LayerVerdict) -> str:
    return _DECISIONS.get(layer.verdict, IMPLICIT_DENY)


def _is_told(layer: LayerVerdict, answer: str) -> bool:
    """A boundary grants nothing: only its denies are statements that decide."""
    return layer.type in _SOURCES and (answer == EXPLICIT_DENY or layer.type is not PolicyType.BOUNDARY)


def _missing(request: AuthorizationRequest) -> tuple[str, ...]:
    documents = [policy.document for policy in request.caller.identity]
    if request.caller.boundary is not None:
        documents.append(request.caller.boundary.document)
    if request.owner.policy is not None:
        documents.append(request.owner.policy.document)
    return tuple(key for key in context_keys(documents) if key.lower() not in request.context)


def _statement(one: Determining, source: str, kind: PolicyType) -> dict[str, Any]:
    """source: the SourcePolicyId."""
    statement, document = one.statement, one.policy.document
    if statement.index:
        before = document.statements[statement.index - 1]
        line, column = before.end_line, before.end_column
    else:
        line, column = document.statements_at
        column += 1
    return {
        "SourcePolicyId": source,
        "SourcePolicyType": _SOURCES[kind],
        "StartPosition": {"Line": line, "Column": column},
        "EndPosition": {"Line": statement.end_line, "Column": statement.end_column},
    }


def _source_id(policy: NamedPolicy) -> str:
    """A managed policy by its name, an inline one as `user_alice_reports`, an input as `PolicyInputList.1`."""
    if policy.arn is not None or not policy.holder:
        return policy.name
    holder = Arn.parse(policy.holder)
    return f"{holder.resource_type}_{holder.name}_{policy.name}"


def _distinct(statements: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    told: list[Mapping[str, Any]] = []
    for statement in statements:
        if statement not in told:
            told.append(statement)
    return told


def _account_of(resource: str) -> str | None:
    try:
        account = Arn.parse(resource).account
    except InvalidArn:
        return None
    return account if is_account_id(account) else None


def _resource_name(action: str, resources: list[str]) -> str:
    """The one resource, or for several what such resources look like."""
    if len(resources) == 1:
        return resources[0]
    service, _, name = action.lower().partition(":")
    if service == "s3":
        return "arn:aws:s3:::${BucketName}/${KeyName}" if is_object_action(name) else "arn:aws:s3:::${BucketName}"
    if service == "iam":
        return "arn:aws:iam::${Account}:${ResourceType}/${ResourceName}"
    return "arn:aws:iam::${Account}:role/${RoleNameWithPath}" if is_role_action(action) else EVERY_RESOURCE
