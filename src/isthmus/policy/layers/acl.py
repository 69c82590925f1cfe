"""Access control lists of S3: what they grant is worked out by S3, which knows grantees and ownership
settings.

A grant to an account is worth what a bucket policy's grant to an account is; a list cannot deny (S3 User
Guide, "Access control list (ACL) overview").
"""

from __future__ import annotations

from ..model import AuthorizationRequest, PolicyType
from .shape import ALLOW, SILENT, Level, Side, Verdict

TYPE = PolicyType.ACL
SIDE: Side = "owner"


def verdict(request: AuthorizationRequest) -> Verdict:
    """ALLOW where a grant names the requester's account or everybody."""
    return ALLOW if request.owner.acl_allows else SILENT


def levels(request: AuthorizationRequest) -> tuple[Level, ...]:
    """None: a list is not a policy document."""
    return ()
