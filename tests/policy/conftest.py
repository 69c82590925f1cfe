"""Settings of the differential tests: ISTHMUS_POLICY_EXAMPLES says how many examples each tries."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "policy",
    max_examples=int(os.environ.get("ISTHMUS_POLICY_EXAMPLES", "1000")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
