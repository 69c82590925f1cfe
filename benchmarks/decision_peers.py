"""cedarpy and moto on the cases of `decision_cases`, run by the interpreter of the peers' environment.

    python decision_peers.py cedarpy|moto SECONDS < cases.json

Prints one JSON object: policy -> request -> verdict and decisions per CPU second. Stands alone: it imports nothing of
Isthmus. cedarpy gets its policies parsed beforehand, moto its document read beforehand.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Decide = Callable[[str, str, Json], str]


def cedar_text(policy: Json) -> str:
    """The same rules in Cedar. Wildcards are `like`, addresses Cedar's ip extension."""
    rules = []
    for statement in policy["Statement"]:
        effect = "permit" if statement["Effect"] == "Allow" else "forbid"
        tests = [_any(f'context.action like "{one}"' for one in _listed(statement["Action"]))]
        tests.append(_any(f'context.resource like "{one}"' for one in _listed(statement["Resource"])))
        for operator, keys in statement.get("Condition", {}).items():
            for key, value in keys.items():
                name = key.rpartition("/")[2] if "/" in key else "ip"
                tests.append(
                    {
                        "IpAddress": f'context.ip.isInRange(ip("{value}"))',
                        "StringLike": f'context.{name} like "{value}"',
                        "StringNotEquals": f'context.{name} != "{value}"',
                    }[operator]
                )
        rules.append(f"{effect}(principal, action, resource) when {{ {' && '.join(tests)} }};")
    return "\n".join(rules)


def _any(tests: Any) -> str:
    return "(" + " || ".join(tests) + ")"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def cedar(policy: Json) -> Decide:
    import cedarpy

    policies = cedarpy.PolicySet.from_str(cedar_text(policy))
    entities = cedarpy.Entities.from_json_str("[]")
    principal, kind = {"type": "User", "id": "alice"}, {"type": "Action", "id": "ask"}
    resource_entity = {"type": "Object", "id": "any"}

    def decide(action: str, resource: str, context: Json) -> str:
        result = cedarpy.is_authorized(
            {
                "principal": principal,
                "action": kind,
                "resource": resource_entity,
                "context": {
                    "action": action,
                    "resource": resource,
                    "ip": {"__extn": {"fn": "ip", "arg": context["aws:SourceIp"]}},
                    "team": context["aws:PrincipalTag/team"],
                    "clearance": context["aws:PrincipalTag/clearance"],
                },
            },
            policies,
            entities,
        )
        if result.allowed:
            return "allowed"
        return "explicitDeny" if result.diagnostics.reasons else "implicitDeny"

    return decide


def moto(policy: Json) -> Decide:
    from moto.iam.access_control import IAMPolicy, PermissionResult

    # moto knows two condition operators and denies where a condition of any statement fails: it gets none.
    bare = [{key: value for key, value in one.items() if key != "Condition"} for one in policy["Statement"]]
    compiled = IAMPolicy({"policy_document": json.dumps({**policy, "Statement": bare})})
    said = {
        PermissionResult.PERMITTED: "allowed",
        PermissionResult.DENIED: "explicitDeny",
        PermissionResult.NEUTRAL: "implicitDeny",
    }

    def decide(action: str, resource: str, context: Json) -> str:
        return said[compiled.is_action_permitted(action, resource, None, context)]

    return decide


def rate(decide: Decide, request: Json, seconds: float) -> float:
    """Decisions per CPU second, each of a request of its own."""
    numbers = itertools.count()
    done = 0
    started = time.process_time()
    while (took := time.process_time() - started) < seconds:
        for number in itertools.islice(numbers, 50):
            context = {**request["context"], "aws:CurrentTime": str(number)}
            decide(request["action"], request["resource"].replace("0.csv", f"{number}.csv"), context)
        done += 50
    return done / took


def main() -> None:
    """Entry point."""
    engine = {"cedarpy": cedar, "moto": moto}[sys.argv[1]]
    cases = json.load(sys.stdin)
    found: dict[str, Any] = {}
    for size, requests in cases["requests"].items():
        decide = engine(cases["policies"][size])
        found[size] = {
            title: {
                "verdict": decide(request["action"], request["resource"], request["context"]),
                "rate": rate(decide, request, float(sys.argv[2])),
            }
            for title, request in requests.items()
        }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
