"""IAM: users, groups, roles, policies and credentials. One file per noun; importing it registers every
operation.

The functions named `insert_…`, `put`, `attach`, `set_…` work in a transaction of the caller's: the operations
are made of them, and so is whoever sets a system up.
"""

from . import (
    access_keys,
    accounts,
    attachments,
    authorization_details,
    credential_report,
    documents,
    entities,
    groups,
    inline_policies,
    instance_profiles,
    login_profiles,
    mfa_devices,
    oidc_providers,
    password_policy,
    policies,
    policy_versions,
    roles,
    saml_providers,
    server_certificates,
    service_linked_roles,
    tag_rows,
    tags,
    user_certificates,
    users,
)

__all__ = [
    "access_keys",
    "accounts",
    "attachments",
    "authorization_details",
    "credential_report",
    "documents",
    "entities",
    "groups",
    "inline_policies",
    "instance_profiles",
    "login_profiles",
    "mfa_devices",
    "oidc_providers",
    "password_policy",
    "policies",
    "policy_versions",
    "roles",
    "saml_providers",
    "server_certificates",
    "service_linked_roles",
    "tag_rows",
    "tags",
    "user_certificates",
    "users",
]
