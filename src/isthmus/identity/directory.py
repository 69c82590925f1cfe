"""Reads of the identity database through a cache that holds until anybody commits to it.

SKELETON: signatures are the contract; bodies are to be built.
"""

from __future__ import annotations

from isthmus.policy import NamedPolicy, PolicyDocument, ResourcePolicy
from isthmus.store import Metadata

from .records import AccessKey, Account, Bucket, EntityPolicies, MfaDevice, Role, User
from .vault import Vault


class InvalidPrincipal(ValueError):
    """A Principal element names a user or role that does not exist; `principal` is that ARN or id."""

    def __init__(self, principal: str) -> None:
        super().__init__(principal)
        self.principal = principal


class Directory:
    """Everything a request needs to know about identities and buckets.

    `refresh()` is called once at the start of each request; between two calls answers are consistent.
    """

    def __init__(self, identity: Metadata, vault: Vault) -> None: ...

    def refresh(self) -> None:
        """Empty the cache if the identity database changed."""

    async def account(self, account: str) -> Account | None: ...
    async def account_by_canonical_id(self, canonical: str) -> Account | None: ...
    async def account_by_email(self, email: str) -> Account | None: ...
    async def account_by_alias(self, alias: str) -> Account | None: ...
    async def access_key(self, key_id: str) -> AccessKey | None: ...
    async def user(self, account: str, name: str) -> User | None: ...
    async def user_by_id(self, user_id: str) -> User | None: ...
    async def role(self, account: str, name: str) -> Role | None: ...
    async def role_by_id(self, role_id: str) -> Role | None: ...
    async def bucket(self, name: str) -> Bucket | None: ...
    async def mfa_device(self, serial: str) -> MfaDevice | None: ...
    async def tags(self, resource: str) -> dict[str, str]: ...
    async def managed_policy(self, arn: str) -> NamedPolicy | None:
        """The default version of an AWS managed or customer managed policy."""
    async def policies_of_user(self, user_id: str) -> EntityPolicies: ...
    async def policies_of_role(self, role_id: str) -> EntityPolicies: ...
    async def principal_ids(self, document: PolicyDocument) -> dict[str, str]:
        """The unique id of each user and role ARN its Principal elements name. Raises InvalidPrincipal."""
    async def shown_text(self, policy: ResourcePolicy) -> str:
        """The document as read back: byte for byte as stored, but deleted principals shown as their unique id."""
