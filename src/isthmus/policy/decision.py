"""What was decided, and by which layer; words, statements and layers are worked out when somebody asks.

AWS's texts: IAM User Guide, "Troubleshoot access denied error messages"; for S3, S3 User Guide, "Troubleshoot
access denied (403 Forbidden) errors".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .model import AuthorizationRequest, PolicyType, PrincipalKind

if TYPE_CHECKING:
    from .explain import Determining, LayerVerdict
    from .fix import Change

_EXPLICIT = {
    PolicyType.IDENTITY: "an identity-based policy",
    PolicyType.RESOURCE: "a resource-based policy",
    PolicyType.TRUST: "the role trust policy",
    PolicyType.BOUNDARY: "a permissions boundary",
    PolicyType.SESSION: "a session policy",
    PolicyType.SCP: "a service control policy",
    PolicyType.RCP: "a resource control policy",
}
_KEY = (
    "this resource because the resource does not exist in this Region, no resource-based policies allow access, or a "
    "resource-based policy explicitly denies access"
)


class Decision:
    """Whether a request is allowed, and why; a value, never changed after it was made.

    allowed, explicit_deny: the outcome. layer: the layer that decided: the one that denied or stayed silent;
    the one that granted otherwise. request: what was asked.
    """

    # Not a frozen dataclass: those set each field through object.__setattr__, a fifth of the time of a
    # decision.
    __slots__ = ("_changes", "_explained", "allowed", "explicit_deny", "layer", "request")

    def __init__(self, allowed: bool, explicit_deny: bool, layer: PolicyType, request: AuthorizationRequest) -> None:
        self.allowed = allowed
        self.explicit_deny = explicit_deny
        self.layer = layer
        self.request = request
        self._explained: tuple[LayerVerdict, ...] | None = None
        self._changes: tuple[Change, ...] | None = None

    def __repr__(self) -> str:
        outcome = "allowed" if self.allowed else "explicit deny" if self.explicit_deny else "implicit deny"
        return f"<Decision: {outcome} by {self.layer.value}>"

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
        if self._hides_key:
            return f"User: {self.request.principal.arn} is not authorized to perform: {self.request.action} on {_KEY}"
        return f"{self._opening(self.request.resource)}{self._reason()}"

    @property
    def s3_message(self) -> str:
        """S3's text: the resource in quotes, and only `Access Denied` to strangers and to other accounts.

        What KMS refused S3 tells in the words of KMS.
        """
        if self.request.action.startswith("kms:"):
            return self.message
        anonymous = self.request.principal.kind is PrincipalKind.ANONYMOUS
        if anonymous or not self._tells_reasons:
            return "Access Denied"
        quoted = f'"{self.request.resource}"'
        return f"{self._opening(quoted)}{self._reason()}"

    @property
    def layers(self) -> tuple[LayerVerdict, ...]:
        """Every layer of both sides with the statements that determined it."""
        if self._explained is None:
            from .explain import verdicts  # noqa: PLC0415 - only explanations need it

            self._explained = verdicts(self.request)
        return self._explained

    @property
    def by(self) -> Determining | None:
        """The statement that determined the outcome; None where silence or a setting did."""
        wanted = "allow" if self.allowed else "explicit deny"
        for layer in self.layers:
            if layer.type is self.layer and layer.verdict.value == wanted and layer.determining:
                return layer.determining[0]
        return None

    @property
    def refused_by(self) -> tuple[PolicyType, ...]:
        """Every layer that stands in the way; empty when allowed."""
        if self.allowed:
            return ()
        from .decide import refusals  # noqa: PLC0415 - deciding makes decisions

        return refusals(self.request)

    @property
    def missing_context_keys(self) -> tuple[str, ...]:
        """Condition keys that the request lacks and that kept an allow from applying."""
        return tuple(dict.fromkeys(key for layer in self.layers for miss in layer.misses for key in miss.missing_keys))

    @property
    def changes(self) -> tuple[Change, ...]:
        """The smallest changes, per account, that would allow the request; empty when it is allowed."""
        if self._changes is None:
            from .fix import changes_for  # noqa: PLC0415 - only explanations need it

            self._changes = changes_for(self)
        return self._changes

    def to_json(self, viewer_account: str | None = None) -> dict[str, Any]:
        """The decision as DecodeAuthorizationMessage shows it, with both sides' layers and what would help.

        viewer_account: who looks. None, the operator, and the resource's owner see both sides; the caller's
        account sees its own and that "the other account does not allow it".
        """
        from .explain import decision_json  # noqa: PLC0415 - only explanations need it

        return decision_json(self, viewer_account)

    @property
    def _hides_key(self) -> bool:
        """Whether a KMS key's account refuses another one, which is not even told whether there is such a key."""
        sides = (PolicyType.RESOURCE, PolicyType.RCP)
        return self.request.action.startswith("kms:") and not self._tells_reasons and self.layer in sides

    @property
    def _tells_reasons(self) -> bool:
        return not self.cross_account or self.request.same_organization

    def _opening(self, resource: str) -> str:
        who = self.request.principal.arn or "anonymous"
        return f"User: {who} is not authorized to perform: {self.request.action} on resource: {resource}"

    def _reason(self) -> str:
        action = self.request.action
        policy = self.request.owner.policy
        if policy is not None and policy.type is PolicyType.TRUST and not self._tells_reasons:
            return ""
        if self.layer is PolicyType.PUBLIC_ACCESS_BLOCK:
            setting = self.request.owner.public_access_blocked
            return f" because public access is prevented by the {setting} setting in S3 Block Public Access"
        if not self.explicit_deny:
            return f" because no {self.layer.value} allows the {action} action"
        reason = f" with an explicit deny in {_EXPLICIT[self.layer]}"
        by = self.by
        # A resource's own policy has no ARN; the others' is told inside one account or organization.
        if by is not None and by.policy.arn is not None and self._tells_reasons:
            reason += f": {by.policy.arn}"
        return reason
