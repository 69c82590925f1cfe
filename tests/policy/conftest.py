"""Settings of the differential tests.

Without ISTHMUS_POLICY_EXAMPLES, which says how many examples each tries, they are the same every time: a change that
has nothing to do with them does not fail on one that nobody met before. Larger runs look for new ones. With
ISTHMUS_POLICY_FIXED the first that fails is enough: no smaller one is looked for.
"""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "policy",
    max_examples=int(os.environ.get("ISTHMUS_POLICY_EXAMPLES", "5000")),
    derandomize="ISTHMUS_POLICY_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
if "ISTHMUS_POLICY_FIXED" in os.environ:
    settings.register_profile(
        "policy",
        settings.get_profile("policy"),
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
