"""Run ceph/s3-tests, the public conformance suite, against a server of its own and count what passes.

    make s3tests ARGS="CHECKOUT [-k EXPRESSION] [--files test_s3.py test_iam.py]"

CHECKOUT is a clone of the public repository github.com/ceph/s3-tests at the commit named in docs/s3-tests.md.
Tests that the suite itself marks `fails_on_aws` do not count. Names in tests/s3-tests/excluded.txt are left out
(each with its reason there). The six identities the suite wants come from a setup file written here.
"""

from __future__ import annotations

import argparse
import base64
import configparser
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

# Section of the suite's configuration -> account id, display name, e-mail.
IDENTITIES = {
    "s3 main": ("100000000001", "M. Tester", "tester@example.com"),
    "s3 alt": ("100000000002", "john.doe", "john.doe@example.com"),
    "s3 tenant": ("100000000003", "tenanteduser", "tenanteduser@example.com"),
    "iam": ("100000000002", "iam", "iam@example.com"),
    "iam root": ("100000000005", "account1", "account1@example.com"),
    "iam alt root": ("100000000006", "account2", "account2@example.com"),
}
# Names in the suite's configuration -> ids of KMS keys.
KMS_KEYS = {"kms_keyid": "testkey-1", "kms_keyid2": "testkey-2"}
# Tests that pass, but not in one run with the others; each kind has a run, and a server, of its own.
ONE_ACCOUNT = (  # a user without permission to assume a role that names it, which suffices within an account only
    "test_same_account_role_policy_allow",
    "test_account_role_policy_allow_get_role",
)
ALONE = (  # the test before it leaves a user behind: the suite deletes users before the groups they are in
    "test_account_managed_group_policy_allow",
)
EXCLUDED = Path(__file__).parent.parent / "tests" / "s3-tests" / "excluded.txt"


def new_key() -> dict[str, str]:
    """An access key nobody has used before."""
    return {
        "id": "AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(),
        "secret": base64.b64encode(secrets.token_bytes(30)).decode(),
    }


def identities(alt_is_a_user: bool, one_root: bool = False) -> tuple[dict[str, Any], configparser.RawConfigParser]:
    """The setup file and the suite's configuration that belong together.

    The suite's user-policy tests use `alt`'s id as a user name in the account of `[iam]` and as a canonical id:
    a user named by its account's canonical id is both. The tests of S3 take `alt` for an account, its root.
    one_root: `[iam alt root]` is the root of the account of `[iam root]` too.
    """
    keys = {section: new_key() for section in IDENTITIES}
    config = configparser.RawConfigParser()
    accounts: dict[str, dict[str, Any]] = {}
    for section, (account_id, display_name, email) in IDENTITIES.items():
        if section == "iam alt root" and one_root:
            config.add_section(section)
            for name, value in config.items("iam root"):
                config.set(section, name, value)
            continue
        canonical = secrets.token_hex(32)
        config.add_section(section)
        for name, value in {
            "display_name": display_name,
            "user_id": canonical,
            "email": email,
            "access_key": keys[section]["id"],
            "secret_key": keys[section]["secret"],
            "tenant": "testx",
            "api_name": "eu-west-1",
        }.items():
            config.set(section, name, value)
        if account_id not in accounts:
            accounts[account_id] = {
                "id": account_id, "name": display_name, "email": email, "canonical_id": canonical, "users": [],
            }  # fmt: skip
            if section == "s3 main":
                accounts[account_id]["kms_keys"] = [{"id": key_id} for key_id in KMS_KEYS.values()]
        account = accounts[account_id]
        if section == "s3 alt" and alt_is_a_user:
            account["users"].append({
                "name": canonical, "access_keys": [keys[section]], "managed_policies": ["AdministratorAccess"],
            })  # fmt: skip
        elif section == "iam":
            account["users"].append({
                "name": "iam", "access_keys": [keys[section]], "managed_policies": ["AdministratorAccess"],
            })  # fmt: skip
        else:
            account["root"] = {"access_keys": [keys[section]]}
    config.set("s3 main", "storage_classes", "STANDARD_IA, GLACIER_IR")
    config.set("s3 main", "lc_debug_interval", "10")
    for name, key_id in KMS_KEYS.items():
        config.set("s3 main", name, key_id)
    setup = {
        "lifecycle_day_seconds": 10,
        # The suite was written for the S3 of before 2023, when only what asked for it was encrypted, and of before
        # April 2023, when new buckets had ACLs and no public access block.
        "default_encryption": "none",
        "new_buckets": {"object_ownership": "ObjectWriter", "block_public_access": False},
        "accounts": list(accounts.values()),
    }
    return setup, config


def read_exclusions() -> list[str]:
    """Test names left out, one a line, the reason behind a `#`."""
    lines = EXCLUDED.read_text(encoding="utf-8").splitlines() if EXCLUDED.exists() else []
    return [name for line in lines if (name := line.split("#")[0].strip())]


def summarise(report: Path) -> int:
    """Print what failed, then counts per file; 1 if anything failed."""
    outcomes: dict[tuple[str, str], str] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - written by our own pytest
        # A test whose teardown fails stands there twice.
        test = case.get("classname", "").rsplit(".", 1)[-1], case.get("name", "")
        problem = case.find("failure") if case.find("failure") is not None else case.find("error")
        if problem is not None:
            outcomes[test] = "failed"
            message = (problem.get("message") or "").splitlines()
            print(f"FAILED {'::'.join(test)}: {message[0][:150] if message else ''}")
        else:
            outcomes.setdefault(test, "skipped" if case.find("skipped") is not None else "passed")
    counts: dict[str, dict[str, int]] = {}
    for (file, _), outcome in outcomes.items():
        counts.setdefault(file, {"passed": 0, "failed": 0, "skipped": 0})[outcome] += 1
    for file, count in counts.items():
        tried = count["passed"] + count["failed"]
        share = 100 * count["passed"] / tried if tried else 0.0
        print(f"{file}: {count['passed']} of {tried} passed ({share:.1f} %), {count['skipped']} skipped")
    return int(any(count["failed"] for count in counts.values()))


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Run ceph/s3-tests against Isthmus.")
    parser.add_argument("checkout", type=Path, help="clone of github.com/ceph/s3-tests")
    parser.add_argument("-k", dest="expression", default="", help="pytest -k expression")
    parser.add_argument("-m", dest="marks", default="not fails_on_aws", help="pytest -m expression")
    parser.add_argument("--files", nargs="+", default=["test_s3.py", "test_headers.py", "test_iam.py"])
    parser.add_argument("--verbose", action="store_true", help="show pytest's own output")
    options = parser.parse_args()
    users = [name for name in options.files if name == "test_iam.py"]
    others = [name for name in options.files if name not in users]
    results = [run(options, others, [])] if others else []
    if users:
        apart = [*ONE_ACCOUNT, *ALONE]
        results.append(run(options, users, [f"--deselect=s3tests/functional/test_iam.py::{one}" for one in apart]))
        for names in (ONE_ACCOUNT, ALONE):
            results.append(run(options, [f"test_iam.py::{one}" for one in names], [], one_root=names is ONE_ACCOUNT))
    return max(results)


def run(options: argparse.Namespace, files: list[str], more: list[str], one_root: bool = False) -> int:
    """Run some files or tests of the suite against a server of their own; 1 if a test failed, 2 without a server."""
    setup, config = identities(files[0].startswith("test_iam.py"), one_root)
    with tempfile.TemporaryDirectory(prefix="isthmus-s3tests-") as folder:
        home = Path(folder)
        (home / "setup.yaml").touch(mode=0o600)
        (home / "setup.yaml").write_text(yaml.safe_dump(setup), encoding="utf-8")
        server = subprocess.Popen(
            [
                sys.executable, "-m", "isthmus", "serve", "--data", str(home / "data"), "--listen", "127.0.0.1:0",
                "--setup", str(home / "setup.yaml"), "--durability", "relaxed",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        try:
            line = server.stdout.readline() if server.stdout else ""
            address = re.search(r"//([^:/]+):(\d+)", line)
            if address is None:
                print("the server did not start")
                return 2
            (home / "s3tests.conf").touch(mode=0o600)
            with (home / "s3tests.conf").open("w", encoding="utf-8") as file:
                file.write(f"[DEFAULT]\nhost = {address[1]}\nport = {address[2]}\nis_secure = False\n")
                file.write("[fixtures]\nbucket prefix = isthmus-{random}-\n")
                config.write(file)
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            command += ["-p", "no:randomly", "--tb=short", f"--junit-xml={home}/report.xml", "-m", options.marks]
            if options.expression:
                command += ["-k", options.expression]
            for name in read_exclusions():
                command.append(f"--deselect=s3tests/functional/{name}")
            command += [*more, *(f"s3tests/functional/{name}" for name in files)]
            subprocess.run(
                command,
                cwd=options.checkout,
                env={
                    "S3TEST_CONF": str(home / "s3tests.conf"),
                    "PATH": "/usr/bin:/bin",
                    "HOME": str(home),
                    "BOTO_DISABLE_CRT": "true",
                },
                stdout=None if options.verbose else subprocess.DEVNULL,
                check=False,
            )
            return summarise(home / "report.xml")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


if __name__ == "__main__":
    sys.exit(main())
