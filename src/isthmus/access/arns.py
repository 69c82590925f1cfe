"""What is read out of ARNs in policies and profiles, by patterns that several rules share.

Source: IAM User Guide, "IAM identifiers", "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

import re

ROLE = re.compile(r"arn:aws[\w-]*:iam::([0-9]{12}):role/(?:.*/)?([^/]+)\Z")
"""A role's ARN: its account, and its name without the path."""
WHOLE_ACCOUNT = re.compile(r"(?:arn:aws[\w-]*:iam::)?([0-9]{12})(?::root)?\Z")
"""A principal that is an account: its id alone, or the ARN of its root."""
PRINCIPAL = re.compile(r"(?:arn:aws[\w-]*:(?:iam|sts)::)?([0-9]{12})(?::(.+))?\Z")
"""Any principal of an account: the account, and who of it; None for the account's id alone."""
WILDCARDS = frozenset("*?$")
"""What a name has that stands for others: wildcards, and the sign of a variable."""
