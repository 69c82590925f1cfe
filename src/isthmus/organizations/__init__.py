"""Organizations: accounts under a management account, in a tree of units, limited by policies at each level.

One file per noun; importing it registers every operation. The functions named `insert_…`, `join`, `attach`, `enable_…`
work in a transaction of the caller's: the operations are made of them, and so is whoever sets a system up. What the
policies do to requests is not here: the directory reads them (`identity/membership.py`), the engine decides.
"""

from . import (
    account_creation,
    accounts,
    attached_rows,
    attachments,
    delegation,
    handshakes,
    joining,
    organization,
    policies,
    resource_policy,
    tags,
    tree,
    units,
)

__all__ = [
    "account_creation",
    "accounts",
    "attached_rows",
    "attachments",
    "delegation",
    "handshakes",
    "joining",
    "organization",
    "policies",
    "resource_policy",
    "tags",
    "tree",
    "units",
]
