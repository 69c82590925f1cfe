"""`make bench`: decisions per CPU second of one process, beside cedarpy, iam-simulate and moto's evaluator.

Every engine decides the four requests of both documents of `decision_cases`; a request is new each time. Our engine
is asked as the server asks it: a whole `AuthorizationRequest` with the caller's and the resource's side, all layers
and rules of the language in force. Peers run in processes of their own, rounds are interleaved, the median is printed.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import harmonic_mean, median
from typing import Any

from isthmus.policy import (
    AuthorizationRequest,
    NamedPolicy,
    PolicyDocument,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourceSide,
    decide,
)

from .decision_cases import ACCOUNT, PRINCIPAL, REQUESTS, asked, cases
from .peers import PEERS_PYTHON

HERE = Path(__file__).parent
ENGINES = ("isthmus", "cedarpy", "iam-simulate", "moto")
Rates = dict[str, dict[str, float]]
"""Document -> request -> decisions per CPU second."""


def run(rounds: int, seconds: float) -> None:
    """Measures every engine and prints the tables. seconds: CPU time of each request of each round."""
    found: dict[str, list[Rates]] = {}
    for _ in range(rounds):
        for engine in ENGINES:
            if engine == "iam-simulate" and not (shutil.which("node") and (HERE / "node_modules").is_dir()):
                print("iam-simulate left out: it needs node and the packages of benchmarks/package-lock.json")
                continue
            found.setdefault(engine, []).append(ours(seconds) if engine == "isthmus" else peer(engine, seconds))
    for size in REQUESTS:
        report(size, found)


def ours(seconds: float) -> Rates:
    """Our engine's rates."""
    principal = Principal(PrincipalKind.USER, ACCOUNT, PRINCIPAL, PRINCIPAL, "AIDAIOSFODNN7EXAMPLE")
    owner = ResourceSide(ACCOUNT)
    rates: Rates = {}
    for size, rows in REQUESTS.items():
        document = PolicyDocument.parse(json.dumps(cases()["policies"][size]))
        caller = PrincipalPolicies(identity=(NamedPolicy(document, size),))
        rates[size] = {}
        for title, (action, resource, team, verdict) in rows.items():
            example = asked(action, resource, team, 0)
            template = {key.lower(): value for key, value in example["context"].items()}

            def request(
                number: int,
                action: str = action,
                resource: str = resource,
                caller: PrincipalPolicies = caller,
                template: dict[str, Any] = template,
            ) -> AuthorizationRequest:
                context = {**template, "aws:currenttime": str(number)}
                return AuthorizationRequest(
                    principal, action, resource.replace("N", str(number)), owner, caller, context
                )

            decision = decide(request(0))
            said = "allowed" if decision.allowed else "explicitDeny" if decision.explicit_deny else "implicitDeny"
            _check("isthmus", size, title, said, verdict)
            numbers = itertools.count()
            done, started = 0, time.process_time()
            while (took := time.process_time() - started) < seconds:
                for number in itertools.islice(numbers, 200):
                    decide(request(number))
                done += 200
            rates[size][title] = done / took
    return rates


def peer(engine: str, seconds: float) -> Rates:
    """A peer's rates, of a process of its own; its verdicts must be ours."""
    if engine == "iam-simulate":
        command = ["node", str(HERE / "decision_peer.mjs"), str(seconds)]
    else:
        command = [PEERS_PYTHON, str(HERE / "decision_peers.py"), engine, str(seconds)]
    answer = subprocess.run(command, input=json.dumps(cases()), capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{engine}: {answer.stderr}")
    rates: Rates = {}
    for size, rows in json.loads(answer.stdout).items():
        for title, row in rows.items():
            _check(engine, size, title, row["verdict"], REQUESTS[size][title][3])
            rates.setdefault(size, {})[title] = row["rate"]
    return rates


def _check(engine: str, size: str, title: str, said: str, expected: str) -> None:
    # moto takes no part in conditions, so one that does not hold does not stop it.
    if said != expected:
        sys.exit(f"{engine} says {said} to the {title} of the {size} policy; it is {expected}")


def report(size: str, found: dict[str, list[Rates]]) -> None:
    """One table: the median round, and how many times each engine's time for all four is ours."""
    titles = list(REQUESTS[size])
    print(f"\nDecisions per CPU second, {size} policy")
    print(f"{'':14}" + "".join(f"{title:>15}" for title in titles) + f"{'all four':>12}{'ours is':>9}")
    together: dict[str, float] = {}
    for engine, rounds in found.items():
        rates = [median(one[size][title] for one in rounds) for title in titles]
        together[engine] = harmonic_mean(rates)
        times = together["isthmus"] / together[engine]
        print(f"{engine:14}" + "".join(f"{rate:15,.0f}" for rate in rates) + f"{together[engine]:12,.0f}{times:8.1f}×")
