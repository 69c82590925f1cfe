"""The usual mistakes of cross-account access, found by looking, without changing anything.

Each finding is a rule: a small function over facts, with an id, a severity and the public page it comes from
(`finding.RULES`; docs/doctor.md lists them). What cannot be looked at for want of a permission or a profile is told as
not checked, with what it needs.
"""

from . import bucket_rules, caller_rules, policy_rules, profile_rules  # noqa: F401 - importing them fills the table
from .examine import Scope, examine
from .finding import RULES, SEVERITIES, Finding, NotChecked, Report, Rule

__all__ = ["RULES", "SEVERITIES", "Finding", "NotChecked", "Report", "Rule", "Scope", "examine"]
