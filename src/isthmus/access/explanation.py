"""Why a request was refused, on both sides, and what to change: from a question, a refusal's text or a request id.

A server that keeps its refusals (ours does, see docs/cloudtrail.md) tells a decision as it was made, by
DecodeAuthorizationMessage. Everything else is decided anew from the policies as they are now, read through the API with
ordinary profiles, on Isthmus and on AWS. Either way the answer has the shape of DecodeAuthorizationMessage's, and to
each statement the lines of its document are added where the document can be read.

Source: STS API reference, DecodeAuthorizationMessage; IAM User Guide, "Troubleshoot access denied error messages".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from isthmus.policy import AuthorizationRequest, ContextValue, NamedPolicy, PolicyType, PrincipalKind, decide

from .account_state import error_code
from .asked import REFUSED, Asked, Unknown, ask, documents_of
from .denial_text import Denial
from .dependence import depends_on
from .excerpt import Excerpt, excerpt_of
from .operation_actions import action_of
from .profiles import NoSide, Side
from .question import CannotForetell, Question
from .steps import Failure, patiently

Json = dict[str, Any]
_NOT_LOOKED_AT = {
    "VPC endpoint policy": "the policy of the VPC endpoint, which no API of IAM tells: "
    "`aws ec2 describe-vpc-endpoints` shows it",
    "session policy": "a session policy, which is known only to whoever made the session: look at what was passed to "
    "AssumeRole or GetFederationToken",
}
_OF_RESOURCES = (PolicyType.RESOURCE.value, PolicyType.TRUST.value)
_OF_ORGANIZATIONS = ("service control policy", "resource control policy")


@dataclass(slots=True)
class Explanation:
    """An explained request.

    decision: as DecodeAuthorizationMessage tells it (see `Decision.to_json`). as_it_was: whether the server told the
    decision as it was made; otherwise it is what would be decided now. unknown: sides nothing was read of.
    notes: what else to know, in words. excerpts: by layer, policy and index (`excerpt_key`). depends_on: the condition
    keys that nobody told and that it hangs on.
    """

    question: Question
    decision: Json
    as_it_was: bool
    unknown: tuple[Unknown, ...] = ()
    notes: list[str] = field(default_factory=list)
    excerpts: dict[tuple[str, str, int], Excerpt] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """`allowed`, `denied`, or `unknown`: the sides that were read allow it, or it hangs on a key that is not."""
        if self.depends_on:
            return "unknown"
        if not self.decision["allowed"]:
            return "denied"
        return "unknown" if self.unknown else "allowed"

    def excerpt(self, kind: str, statement: Json) -> Excerpt | None:
        """The lines of a statement of the decision; None where its document was not read, or has changed since."""
        return self.excerpts.get(excerpt_key(kind, statement))

    def to_json(self) -> Json:
        """For programs."""
        shown: Json = json.loads(json.dumps(self.decision))
        shown["outcome"] = self.outcome
        shown["asDecided"] = self.as_it_was
        shown["unknownSides"] = [{"side": one.side, "account": one.account, "why": one.why} for one in self.unknown]
        shown["dependsOn"] = list(self.depends_on)
        shown["notes"] = self.notes
        for layer in shown["layers"]["items"]:
            for statement in (*layer.get("statements", ()), *layer.get("nearest", ())):
                found = self.excerpt(layer["type"], statement)
                statement["excerpt"] = None if found is None else found.to_json()
        return shown


def excerpt_key(kind: str, statement: Json) -> tuple[str, str, int]:
    """Which statement of which policy of which layer."""
    policy = statement["sourcePolicyArn"] or f"{statement['sourcePolicyHolder']} {statement['sourcePolicyId']}"
    return kind, policy, statement["index"]


class Explainer:
    """The profiles at hand. sides: in the order they were given; the first one's identity stands in for a principal
    that a text does not tell."""

    def __init__(self, sides: Sequence[Side], now: datetime, organization: Side | None = None) -> None:
        self.sides = sides
        self.now = now
        self.organization = organization
        self._may_not_decode: list[str] = []

    def question(self, question: Question) -> Explanation:
        """What would be decided now. Raises CannotForetell, NoSide and botocore's errors."""
        asked, notes, knows_organization = self._ask(question)
        decided = decide(asked.request)
        decision = decided.to_json()
        _leave_out(decision, asked.unknown)
        found = Explanation(question, decision, False, asked.unknown, notes)
        found.depends_on = depends_on(decided, knows_organization)
        if asked.request.principal.kind is PrincipalKind.ROLE_SESSION and decision["allowed"]:
            notes.append("A policy that was passed when the session was made is not known, and could deny it still.")
        _show(found, asked.request)
        return found

    def _ask(self, question: Question) -> tuple[Asked, list[str], bool]:
        """The question as a request, what was not looked at for it, and whether the organization was."""
        not_looked = "Service control and resource control policies were not looked at: "
        if self.organization is None:
            told = not_looked + "--organization PROFILE, of the management account, adds them."
            return ask(question, self.sides, self.now), [told], False
        try:
            return ask(question, self.sides, self.now, self.organization), [], True
        except ClientError as error:
            # Only the organization's own operations are not caught further down.
            if error_code(error) not in REFUSED:
                raise
            needs = f"the profile {self.organization.profile!r} lacks organizations:{error.operation_name}."
            return ask(question, self.sides, self.now), [not_looked + needs], False

    def refusal(self, denial: Denial, context: dict[str, ContextValue]) -> Explanation:
        """What a refusal's text says, explained. Raises CannotForetell, NoSide and botocore's errors."""
        for message in filter(None, (denial.encoded, denial.request_id)):
            decoded = self._decode(message)
            if decoded is not None:
                return self._decoded(decoded, denial, context)
        lacking = ", ".join(
            f"the profile {name!r} lacks sts:DecodeAuthorizationMessage" for name in dict.fromkeys(self._may_not_decode)
        )
        if denial.principal is None and denial.action is None and denial.operation is None:
            said = _only_an_id(denial) if denial.request_id or denial.encoded else _nothing_said()
            raise CannotForetell(f"{said} ({lacking})" if lacking else said)
        found = self.question(self._completed(denial, context))
        if not found.decision["allowed"]:
            found.depends_on = ()  # it was refused, as these policies do it
        if lacking:
            found.notes.append(f"The server was not asked what it decided: {lacking}.")
        if denial.principal is None:
            found.notes.append(f"The text does not say who asked; taken to be {found.question.principal}.")
        _compare(found, denial)
        return found

    def _completed(self, denial: Denial, context: dict[str, ContextValue]) -> Question:
        principal = denial.principal or self.sides[0].identity["Arn"]
        action = denial.action or (action_of(denial.operation) if denial.operation else None)
        if principal == "anonymous":
            raise CannotForetell("the request was not signed: only the bucket's policy and ACL could have allowed it")
        if denial.principal is None and action in ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"):
            raise CannotForetell(
                f"who asked for {action} stands in the provider's token: give the request id to an Isthmus server, or "
                "compare the token with the conditions of the role's trust policy"
            )
        if action is None:
            raise CannotForetell("the text does not say what was asked for: say it with --action SERVICE:NAME")
        resource = denial.resource
        if resource is None and action in ("s3:ListAllMyBuckets", "sts:GetCallerIdentity"):
            resource = "*"
        if resource is None:
            raise CannotForetell("the text does not say on which resource: say it with --resource ARN (* for none)")
        return Question(principal, action, resource, context)

    def _decode(self, message: str) -> Json | None:
        """What a server says to a message or request id; of several views the one that shows most."""
        views: list[Json] = []
        for side in self.sides:
            client = side.client("sts")
            try:
                answer = patiently(partial(client.decode_authorization_message, EncodedMessage=message))
            except ClientError as error:
                if error_code(error) in REFUSED:
                    self._may_not_decode.append(side.profile)
                elif error_code(error) not in ("InvalidAuthorizationMessageException", "ValidationError"):
                    raise
                continue
            except ResponseParserError:  # a server that has no such operation, and fails at it
                continue
            view = json.loads(answer["DecodedMessage"])
            if isinstance(view, dict) and "context" in view:
                views.append(view)
        return max(views, key=_layers_told, default=None)

    def _decoded(self, view: Json, denial: Denial, context: dict[str, ContextValue]) -> Explanation:
        told = view["context"]
        keys = {item["key"].lower(): _value(item["values"]["items"]) for item in told["conditions"]["items"]}
        question = Question(told["principal"]["arn"], told["action"], told["resource"], {**keys, **context})
        if "layers" not in view:  # AWS tells the request, not the layers: those are decided from the policies
            found = self.question(question)
            found.depends_on = ()  # the request was told with all its keys
            _compare(found, denial)
            return found
        view.setdefault("changes", {"items": []})
        found = Explanation(question, view, True, _hidden_sides(view))
        if view.get("simulated"):
            found.notes.append(
                "The policy simulator decided this about policies that somebody chose; it was no request."
            )
        try:
            asked, _, _ = self._ask(question)
        except (CannotForetell, NoSide, *Failure) as error:
            found.notes.append(f"The documents were not read, so their lines are not shown: {error}")
        else:
            _show(found, asked.request)
        return found


def _layers_told(view: Json) -> int:
    return sum("type" in layer for layer in view.get("layers", {}).get("items", ()))


def _value(items: list[Json]) -> ContextValue:
    values = tuple(str(item["value"]) for item in items)
    return values[0] if len(values) == 1 else values


def _hidden_sides(view: Json) -> tuple[Unknown, ...]:
    hidden = [layer for layer in view["layers"]["items"] if "type" not in layer]
    why = "{explanation}; why is told to a profile of account {account}: give one with --owner"
    return tuple(Unknown("owner", layer["account"], why.format_map(layer)) for layer in hidden)


def _leave_out(decision: Json, unknown: Sequence[Unknown]) -> None:
    """Take away what stands for a side that is not known."""
    sides = {one.side for one in unknown}
    layers = decision["layers"]["items"]
    decision["layers"]["items"] = [layer for layer in layers if layer["side"] not in sides]
    changes = decision.setdefault("changes", {"items": []})
    changes["items"] = [change for change in changes["items"] if change["side"] not in sides]
    if sides and decision["allowed"]:
        decision["matchedStatements"]["items"] = []
        decision.pop("decidedBy", None)


def _show(found: Explanation, request: AuthorizationRequest) -> None:
    """Add the lines of the statements, and to each change the whole document as it would be then."""
    documents = documents_of(request)
    for layer in found.decision["layers"]["items"]:
        for statement in (*layer.get("statements", ()), *layer.get("nearest", ())):
            document = _document(documents, layer["type"], statement)
            shown = None if document is None else excerpt_of(document, statement)
            if shown is not None:
                found.excerpts[excerpt_key(layer["type"], statement)] = shown
            elif document is not None and found.as_it_was:
                changed = f"{statement['sourcePolicyId']} has changed since, so its lines are not shown."
                found.notes.extend([changed] if changed not in found.notes else [])
    _show_changes(found.decision, documents)


def _document(documents: list[tuple[PolicyType, NamedPolicy]], kind: str, statement: Json) -> str | None:
    for layer, policy in documents:
        if layer.value != kind:
            continue
        same = policy.arn == statement["sourcePolicyArn"] and policy.name == statement["sourcePolicyId"]
        held = policy.arn is not None or policy.holder == statement["sourcePolicyHolder"]
        if same and held:
            return policy.document.text
    return None


def _show_changes(decision: Json, documents: list[tuple[PolicyType, NamedPolicy]]) -> None:
    """`document` of a change: the policy as it is to be stored, with the changes before it in it too."""
    now: dict[str, Json] = {}
    for change in decision["changes"]["items"]:
        change["document"] = None
        if change["kind"] not in ("add", "narrow", "remove"):
            continue
        kind, where = change["policyType"], change["where"]
        place = changed_policy(change)
        if place not in now:
            now[place] = _written(documents, kind, where)
        document = now[place]
        if change["kind"] == "add":
            document["Statement"].append(change["statement"])
        elif change["index"] < len(document["Statement"]):
            if document["Statement"][change["index"]] != change["statement"]:
                continue
            document["Statement"][change["index"] : change["index"] + 1] = change["replacement"]
        else:
            continue
        change["document"] = json.loads(json.dumps(document))


def changed_policy(change: Json) -> str:
    """Which policy a change is about: the resource has one, of the others each its own."""
    kind: str = change["policyType"]
    return kind if kind in _OF_RESOURCES else f"{kind} {change['where']}"


def _written(documents: list[tuple[PolicyType, NamedPolicy]], kind: str, where: str) -> Json:
    """The policy that a change is about as it is now, with a list of statements; a new one where it adds one."""
    for layer, policy in documents:
        if layer.value == kind and (kind in _OF_RESOURCES or where in (policy.arn, policy.name)):
            value: Json = json.loads(json.dumps(policy.document.value))
            if not isinstance(value["Statement"], list):
                value["Statement"] = [value["Statement"]]
            return value
    return {"Version": "2012-10-17", "Statement": []}


def _compare(found: Explanation, denial: Denial) -> None:
    """Say where the text names something that was not looked at, or another outcome."""
    layer = denial.layer
    if layer in _NOT_LOOKED_AT:
        found.notes.append(f"The text names {_NOT_LOOKED_AT[layer]}.")
    elif layer in _OF_ORGANIZATIONS:
        kinds = {one["type"] for one in found.decision["layers"]["items"]}
        if layer not in kinds:
            by = f", {denial.policy}" if denial.policy else ""
            found.notes.append(
                f"The text names a {layer}{by}, which was not looked at: give a profile of the organization's "
                "management account with --organization."
            )
    elif found.outcome == "allowed":
        found.notes.append(
            "By the policies as they are now the request is allowed: they have changed since, or the request had "
            "something else in it. Say what only the request knows with --context KEY=VALUE."
        )
    elif layer is not None and found.decision.get("decidedBy") not in (None, layer) and not found.unknown:
        found.notes.append(
            f"The text names another layer, {layer}: the policies have changed since, or the request had another "
            "context (--context KEY=VALUE)."
        )


def _only_an_id(denial: Denial) -> str:
    what = f"the request id {denial.request_id}" if denial.request_id else "this message"
    return (
        f"no server behind these profiles explains {what} to them. AWS explains none by its id: paste the text of "
        "the refusal, or say PRINCIPAL ACTION RESOURCE. Isthmus keeps refusals by policies for a week, and tells them "
        "to the accounts of the caller and of the resource: --profile and --owner name profiles of theirs"
    )


def _nothing_said() -> str:
    return (
        "this is no refusal that could be understood: paste all of it, with `User: … is not authorized to perform: …` "
        "or the request id, or say PRINCIPAL ACTION RESOURCE"
    )
