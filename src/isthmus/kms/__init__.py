"""KMS: keys, their policies, aliases and grants, and what is encrypted with them.

Importing the room fills `operation.OPERATIONS` with everything that is built. Left out, and refused: multi-Region keys,
imported key material, custom key stores, key agreement and key encapsulation, enclaves' recipients.

Source: AWS Key Management Service API Reference and Developer Guide.
"""

from . import (
    aliases,
    cryptography_operations,
    data_keys,
    deletion,
    grants,
    key_policies,
    keys,
    rotation,
    tags,
)
from .deletion import delete_due_keys
from .rotation import rotate_due_keys

__all__ = [
    "aliases",
    "cryptography_operations",
    "data_keys",
    "delete_due_keys",
    "deletion",
    "grants",
    "key_policies",
    "keys",
    "rotate_due_keys",
    "rotation",
    "tags",
]
