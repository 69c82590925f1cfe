"""What was decided, by which layer and statement; words and layers are worked out when somebody asks.

AWS's texts: IAM User Guide, "Troubleshoot access denied error messages"; for S3, S3 User Guide, "Troubleshoot access
denied (403 Forbidden) errors".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .document import Statement
from .model import AuthorizationRequest, NamedPolicy, PolicyType, PrincipalKind

_ARTICLES = {
    PolicyType.IDENTITY: "an identity-based policy",
    PolicyType.RESOURCE: "a resource-based policy",
    PolicyType.TRUST: "the role trust policy",
    PolicyType.BOUNDARY: "a permissions boundary",
    PolicyType.SESSION: "a session policy",
    PolicyType.SCP: "a service control policy",
    PolicyType.RCP: "a resource control policy",
}
_WITH_ARN = frozenset({PolicyType.IDENTITY, PolicyType.BOUNDARY, PolicyType.SESSION, PolicyType.SCP, PolicyType.RCP})


@dataclass(frozen=True, slots=True)
class Determining:
    """A statement that determined an outcome, and the policy it stands in (None for a resource's own policy)."""

    statement: Statement
    policy: NamedPolicy | None = None


@dataclass(frozen=True, slots=True)
class LayerVerdict:
    """What one layer says. verdict: `allow`, `explicit deny`, `implicit deny`.

    side: `caller` or `owner`; account: whose documents they are.
    """

    type: PolicyType
    side: str
    account: str
    verdict: str
    determining: tuple[Determining, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, and why.

    layer: the layer that decided: the one that denied or stayed silent; the one that granted otherwise.
    by: the statement that determined it, where there is one.
    """

    allowed: bool
    explicit_deny: bool
    layer: PolicyType
    request: AuthorizationRequest
    by: Determining | None = None

    @property
    def cross_account(self) -> bool:
        """Whether the resource belongs to another account than the principal."""
        owner = self.request.owner
        return self.request.principal.account != (owner.object_owner or owner.account)

    @property
    def message(self) -> str:
        """AWS's text of the denial, as IAM and STS give it. Across accounts AssumeRole tells no reason,
        and to somebody with a provider's token it does not even say who he is."""
        if self.request.principal.kind is PrincipalKind.WEB_IDENTITY:
            return f"Not authorized to perform {self.request.action}"
        return f"{self._opening(self.request.resource)}{self._reason()}"

    @property
    def s3_message(self) -> str:
        """S3's text: the resource in quotes, and only `Access Denied` to strangers and to other accounts."""
        anonymous = self.request.principal.kind is PrincipalKind.ANONYMOUS
        if anonymous or (self.cross_account and not self.request.same_organization):
            return "Access Denied"
        quoted = f'"{self.request.resource}"'
        return f"{self._opening(quoted)}{self._reason()}"

    @property
    def layers(self) -> tuple[LayerVerdict, ...]:
        """Every layer of both sides with the statements that determined it."""
        from .explain import verdicts  # noqa: PLC0415 - explaining reads decisions

        return verdicts(self.request)

    def to_json(self, viewer: str | None = None) -> dict[str, Any]:
        """The decision as DecodeAuthorizationMessage shows it, with both sides' layers.

        viewer: an account id that may see only its own side, unless it owns the resource; None sees everything.
        """
        from .explain import decision_json  # noqa: PLC0415 - explaining reads decisions

        return decision_json(self, viewer)

    def _opening(self, resource: str) -> str:
        who, action = self.request.principal.arn or "anonymous", self.request.action
        return f"User: {who} is not authorized to perform: {action} on resource: {resource}"

    def _reason(self) -> str:
        action = self.request.action
        trust = self.request.owner.policy is not None and self.request.owner.policy.type is PolicyType.TRUST
        if trust and self.cross_account and not self.request.same_organization:
            return ""
        if self.layer is PolicyType.PUBLIC_ACCESS_BLOCK:
            setting = self.request.owner.public_access_blocked
            return f" because public access is prevented by the {setting} setting in S3 Block Public Access"
        if not self.explicit_deny:
            return f" because no {self.layer.value} allows the {action} action"
        reason = f" with an explicit deny in {_ARTICLES[self.layer]}"
        policy = self.by.policy if self.by is not None else None
        near = not self.cross_account or self.request.same_organization
        if policy is not None and policy.arn is not None and near and self.layer in _WITH_ARN:
            reason += f": {policy.arn}"
        return reason
