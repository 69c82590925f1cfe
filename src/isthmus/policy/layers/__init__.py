"""The layers that have a say, one module each, all of the shape in `shape`.

`LAYERS` is in the order of AWS's evaluation (IAM User Guide, "How AWS enforcement code logic evaluates
requests to allow or deny access"), which is also the order in which a refusal is named.
"""

from . import acl, boundary, identity, public_access_block, rcp, resource, scp, session
from .shape import Layer, Level, Verdict

LAYERS: tuple[Layer, ...] = (scp, rcp, resource, acl, public_access_block, identity, boundary, session)

__all__ = [
    "LAYERS",
    "Layer",
    "Level",
    "Verdict",
    "acl",
    "boundary",
    "identity",
    "public_access_block",
    "rcp",
    "resource",
    "scp",
    "session",
]
