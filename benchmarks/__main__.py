"""`make bench`: Isthmus beside its peers in one run: requests, a large account, a large bucket, decisions.

The server beside SeaweedFS and moto, the same signed requests, CPU per request; the rest as `scale`, `listing` and
`decisions` say.

CPU is what the operating system charged the server's processes (user and system) while the requests ran, so a
busy machine moves it less than wall-clock time. Rounds are interleaved; the median round is printed, and the
ratio to Isthmus. Requests are signed beforehand by botocore and sent by a small client of raw sockets, which costs
little and the same for everybody, over keep-alive connections, anew where a server closes them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from . import decisions, listing, scale
from .load import Figures, measure
from .peers import PEERS, Peer, start

PARTS = ("requests", "scale", "listing", "decisions")
OPERATIONS = ("GET 1 KiB", "PUT 1 KiB", "LIST 1000 keys")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="requests a round of GETs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--keys", type=int, default=10_000_000, help="keys of the large bucket (5 GB for ten million)")
    parser.add_argument("--part", choices=PARTS, help="only one of them")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time of each kind of decision and round")
    options = parser.parse_args()
    parts = PARTS if options.part is None else (options.part,)
    if "requests" in parts:
        run_requests(options)
    if "scale" in parts:
        with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
            scale.run(Path(folder), options.rounds, options.requests)
    if "listing" in parts:
        with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
            listing.run(Path(folder), options.rounds, max(1, options.requests // 30), options.keys)
    if "decisions" in parts:
        decisions.run(options.rounds, options.seconds)
    return 0


def run_requests(options: argparse.Namespace) -> None:
    """Starts the servers, measures them, prints a table for each operation."""
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
        peers = [start(name, Path(folder)) for name in dict.fromkeys(("isthmus", *options.peers))]
        try:
            for peer in peers:
                peer.prepare(keys=1000)
            for operation in OPERATIONS:
                report(operation, run(operation, peers, options.requests, options.rounds))
        finally:
            for peer in peers:
                peer.stop()


def run(operation: str, peers: list[Peer], requests: int, rounds: int) -> dict[str, list[Figures]]:
    """All rounds of one operation, by peer; the first round of each warms up and is dropped."""
    counts = {"GET 1 KiB": requests, "PUT 1 KiB": max(1, requests // 3), "LIST 1000 keys": max(1, requests // 30)}
    results: dict[str, list[Figures]] = {peer.name: [] for peer in peers}
    for number in range(rounds + 1):
        for peer in peers:
            # moto answers some hundred requests a second: fewer of them tell as much.
            count = counts[operation] if peer.name != "moto" else max(10, counts[operation] // 10)
            figures = measure(peer, peer.requests(operation, count), connections=8)
            if number:
                results[peer.name].append(figures)
    return results


def report(operation: str, results: dict[str, list[Figures]]) -> None:
    """One table."""
    print(f"\n{operation}")
    print(f"{'':12}{'CPU µs/request':>16}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU ratio':>11}")
    ours = median(figures.cpu_us for figures in results["isthmus"])
    for name, rounds in results.items():
        cpu = median(figures.cpu_us for figures in rounds)
        rate = median(figures.rate for figures in rounds)
        p50, p99 = median(f.p50_ms for f in rounds), median(f.p99_ms for f in rounds)
        print(f"{name:12}{cpu:16.0f}{rate:12.0f}{p50:9.2f}{p99:9.2f}{cpu / ours:11.2f}")


if __name__ == "__main__":
    sys.exit(main())
