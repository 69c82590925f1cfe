"""`make bench`: what a request costs in an account of thousands, beside the same request in a small account.

Both accounts live on one server. The large one has 5,000 users in groups, 1,000 roles and 1,500 customer managed
policies; the small one ten of each. A user of each assumes a role of its own account and gets an object; rounds are
interleaved, and the CPU of the server is compared.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import boto3
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .load import measure
from .served import RunningServer, as_bytes, served, signed_get

SIZES = {"large": (5000, 1000, 1500), "small": (10, 10, 10)}
_ACCOUNTS = {"large": "111122223333", "small": "444455556666"}
_KEYS = {"large": "AKIAIOSFODNN7LARGE00", "small": "AKIAIOSFODNN7SMALL00"}
_SECRET = "not-a-secret-only-for-benchmarks-000000"
_OPERATIONS = ("AssumeRole", "GET 1 KiB")
Json = dict[str, Any]


def run(folder: Path, rounds: int, count: int) -> None:
    """Starts a server with both accounts, measures, prints the table."""
    setup = folder / "scale.yaml"
    setup.write_text(yaml.dump({"accounts": [account(size) for size in SIZES]}, Dumper=_dumper()))
    with served(folder / "scale", setup) as server:
        for size in SIZES:
            client(server, size).put_object(Bucket=f"bucket-{size}", Key="object", Body=b"x" * 1024)
        report(server, rounds, count)


def report(server: RunningServer, rounds: int, count: int) -> None:
    """One table: CPU per request in both accounts, and their ratio."""
    print("\nAn account of 5,000 users, 1,000 roles and 1,500 policies beside one of ten each")
    print(f"{'':12}{'large, CPU µs':>16}{'small, CPU µs':>16}{'ratio':>9}")
    for operation in _OPERATIONS:
        figures: dict[str, list[float]] = {size: [] for size in SIZES}
        for number in range(rounds + 1):
            for size in SIZES:
                requests = [signed(server, size, operation) for _ in range(count)]
                cpu = measure(server, requests, connections=8).cpu_us
                if number:  # the first round warms up
                    figures[size].append(cpu)
        large, small = median(figures["large"]), median(figures["small"])
        print(f"{operation:12}{large:16.0f}{small:16.0f}{large / small:9.2f}")


def account(size: str) -> Json:
    """An account of the setup file. The user `caller` is in the last group and has the last policy."""
    users, roles, policies = SIZES[size]
    groups = max(2, users // 50)
    return {
        "id": _ACCOUNTS[size],
        "policies": [{"name": f"policy-{number}", "document": _document(size, number)} for number in range(policies)],
        "groups": [
            {"name": f"group-{number}", "managed_policies": [f"policy-{number}"]}
            for number in range(groups)
            if number < policies
        ],
        "users": [
            *(
                {"name": f"user-{number}", "groups": [f"group-{number % groups}"], "tags": {"number": str(number)}}
                for number in range(users - 1)
            ),
            {
                "name": "caller",
                "groups": [f"group-{groups - 1}"],
                "managed_policies": [f"policy-{policies - 1}"],
                "access_keys": [{"id": _KEYS[size], "secret": _SECRET}],
            },
        ],
        "roles": [
            {
                "name": f"role-{number}",
                "managed_policies": [f"policy-{number % policies}"],
                "trust": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": f"arn:aws:iam::{_ACCOUNTS[size]}:root"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
            }
            for number in range(roles)
        ],
        "buckets": [{"name": f"bucket-{size}"}],
    }


def _document(size: str, number: int) -> Json:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::bucket-{size}/*"},
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{_ACCOUNTS[size]}:role/role-*"},
            {"Effect": "Deny", "Action": "s3:Get*", "Resource": f"arn:aws:s3:::bucket-{size}/secret-{number}/*"},
        ],
    }


def client(server: RunningServer, size: str) -> Any:
    """An S3 client of the caller."""
    return boto3.client(
        "s3", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=_KEYS[size],
        aws_secret_access_key=_SECRET,
    )  # fmt: skip


def signed(server: RunningServer, size: str, operation: str) -> bytes:
    """One signed request, ready to send."""
    credentials = Credentials(_KEYS[size], _SECRET)
    if operation == "GET 1 KiB":
        return signed_get(server, credentials, f"/bucket-{size}/object")
    arn = f"arn:aws:iam::{_ACCOUNTS[size]}:role/role-{SIZES[size][1] - 1}"
    form = urlencode({"Action": operation, "Version": "2011-06-15", "RoleArn": arn, "RoleSessionName": "bench"})
    request = AWSRequest("POST", f"{server.endpoint}/", data=form)
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    SigV4Auth(credentials, "sts", "us-east-1").add_auth(request)
    request.headers["Content-Length"] = str(len(form))
    return as_bytes(request, "/", server, form.encode())


def _dumper() -> Any:
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)
