"""Access control lists as values: an owner and grants, the canned ones, and what a grant allows.

How a request gives one is in `acl_requests`. An ACL is stored as the JSON of its `to_json`; no stored ACL at
all means the private one. ACLs only count where the bucket's ownership setting is not BucketOwnerEnforced.

Source: S3 User Guide, "Access control list (ACL) overview" (grantees, permissions and the actions they map
to, canned ACLs).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Permission = Literal["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"]
Kind = Literal["bucket", "object"]

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
_PUBLIC = frozenset({ALL_USERS, AUTHENTICATED_USERS})

# The canonical ids AWS documents for requests without credentials and for EC2's image loader.
ANONYMOUS_ID = "65a011a29cdf8ec533ec3d1ccaae921c"
_EC2_ID = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"

PERMISSIONS = frozenset({"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"})

# Which permission an action needs. Bucket WRITE lets its holder delete versions only as the bucket's owner,
# who may anyway; so that action is absent.
_NEEDS: dict[str, Permission] = {
    "s3:ListBucket": "READ",
    "s3:ListBucketVersions": "READ",
    "s3:ListBucketMultipartUploads": "READ",
    "s3:PutObject": "WRITE",
    "s3:DeleteObject": "WRITE",
    "s3:GetBucketAcl": "READ_ACP",
    "s3:PutBucketAcl": "WRITE_ACP",
    "s3:GetObject": "READ",
    "s3:GetObjectVersion": "READ",
    "s3:GetObjectVersionForReplication": "READ",
    "s3:GetObjectTorrent": "READ",
    "s3:GetObjectAttributes": "READ",
    "s3:GetObjectVersionAttributes": "READ",
    "s3:GetObjectAcl": "READ_ACP",
    "s3:GetObjectVersionAcl": "READ_ACP",
    "s3:PutObjectAcl": "WRITE_ACP",
    "s3:PutObjectVersionAcl": "WRITE_ACP",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """`permission` for an account's canonical id or a group's URI."""

    grantee: str
    permission: str

    @property
    def is_group(self) -> bool:
        """Whether the grantee is one of AWS's groups."""
        return self.grantee in GROUPS


@dataclass(frozen=True, slots=True)
class AccessControlList:
    """An owner (canonical id) and its grants, in the order given."""

    owner: str
    grants: tuple[Grant, ...]

    def to_json(self) -> str:
        """The stored form: S3's AccessControlPolicy as JSON."""
        return json.dumps(
            {
                "Owner": {"ID": self.owner},
                "Grants": [
                    {
                        "Grantee": {"Type": "Group", "URI": grant.grantee}
                        if grant.is_group
                        else {"Type": "CanonicalUser", "ID": grant.grantee},
                        "Permission": grant.permission,
                    }
                    for grant in self.grants
                ],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> AccessControlList:
        """The inverse of `to_json`; remembered by text."""
        return _from_json(text)

    @property
    def is_public(self) -> bool:
        """Whether it grants anything to AllUsers or AuthenticatedUsers, which is AWS's "public" for ACLs."""
        return any(grant.grantee in _PUBLIC for grant in self.grants)


@lru_cache(maxsize=1024)
def _from_json(text: str) -> AccessControlList:
    value: dict[str, Any] = json.loads(text)
    return AccessControlList(
        value["Owner"]["ID"],
        tuple(
            Grant(grant["Grantee"].get("URI") or grant["Grantee"]["ID"], grant["Permission"])
            for grant in value["Grants"]
        ),
    )


def private_acl(owner: str) -> AccessControlList:
    """FULL_CONTROL for the owner, nothing for others."""
    return AccessControlList(owner, (Grant(owner, "FULL_CONTROL"),))


def canned_acl(name: str, owner: str, bucket_owner: str, kind: Kind) -> AccessControlList | None:
    """The canned ACL `name` for something that `owner` (canonical id) owns; None for an unknown name.

    bucket_owner: canonical id; the two `bucket-owner-` ACLs grant to it on objects and do nothing on buckets.
    """
    more: tuple[Grant, ...]
    match name:
        case "private":
            more = ()
        case "public-read":
            more = (Grant(ALL_USERS, "READ"),)
        case "public-read-write":
            more = (Grant(ALL_USERS, "READ"), Grant(ALL_USERS, "WRITE"))
        case "authenticated-read":
            more = (Grant(AUTHENTICATED_USERS, "READ"),)
        case "aws-exec-read":
            more = (Grant(_EC2_ID, "READ"),)
        case "bucket-owner-read":
            more = (Grant(bucket_owner, "READ"),)
        case "bucket-owner-full-control":
            more = (Grant(bucket_owner, "FULL_CONTROL"),)
        case "log-delivery-write" if kind == "bucket":
            more = (Grant(LOG_DELIVERY, "WRITE"), Grant(LOG_DELIVERY, "READ_ACP"))
        case _:
            return None
    if name.startswith("bucket-owner-") and (kind == "bucket" or owner == bucket_owner):
        more = ()
    return AccessControlList(owner, (Grant(owner, "FULL_CONTROL"), *more))


def acl_grants(acl: AccessControlList, action: str, canonical: str | None, *, ignore_public: bool) -> bool:
    """Whether `acl` grants `action` to the account `canonical` (None: an anonymous request).

    The owner may always read and write the ACL itself. ignore_public: IgnorePublicAcls is in force.
    """
    needed = _NEEDS.get(action)
    if needed is None:
        return False
    if canonical is not None and canonical == acl.owner and needed in ("READ_ACP", "WRITE_ACP"):
        return True
    for grant in acl.grants:
        if grant.permission not in (needed, "FULL_CONTROL"):
            continue
        if grant.grantee == ALL_USERS or (grant.grantee == AUTHENTICATED_USERS and canonical is not None):
            if not ignore_public:
                return True
        elif canonical is not None and grant.grantee == canonical:
            return True
    return False


_LOG_DELIVERY_SERVICE = "logging.s3.amazonaws.com"


def service_acl_grants(acl: AccessControlList, action: str, service: str) -> bool:
    """Whether `acl` grants `action` to an AWS service: only log delivery is in a group that ACLs know.

    The account for which a service acts has no part in this: its own grants are not the service's.
    """
    needed = _NEEDS.get(action)
    return (
        service == _LOG_DELIVERY_SERVICE
        and needed is not None
        and any(grant.grantee == LOG_DELIVERY and grant.permission in (needed, "FULL_CONTROL") for grant in acl.grants)
    )
