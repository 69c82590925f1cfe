"""Stock S3 clients that are commands, or run beside the tests: AWS CLI, s5cmd, rclone, SDK for JavaScript, s3fs."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

from s3_client import PART, PROFILE, Access, Refused, S3Client

from console import find_node
from isthmus.cli.terminal import find_aws, run

HERE = Path(__file__).parent
S3FS_PYTHON = HERE.parents[1] / ".venv-clients" / "bin" / "python"


def installed(name: str) -> str:
    """The path of a command that is beside this Python or on the PATH."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found is not None, f"{name} is needed: make test installs it"
    return found


class Command(S3Client):
    """A client that is run anew for each act."""

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.environment = {**access.terminal.environment, "AWS_PROFILE": PROFILE}

    def run(self, *command: str) -> str:
        """The output of a command. Raises Refused."""
        outcome = run(list(command), self.environment, timeout=100)
        if outcome.status:
            raise Refused(outcome.output)
        return outcome.output

    def url(self, key: str) -> str:
        """The `s3://` address of a key."""
        return f"s3://{self.access.bucket}/{key}"


class AwsCli(Command):
    """The AWS CLI; the role is assumed by its profile."""

    name = "aws-cli"
    denied = r"An error occurred \(AccessDenied\) when calling the PutObject operation: User: .* is not authorized"

    def _aws(self, *arguments: str) -> str:
        found = find_aws()
        assert found is not None, "the AWS CLI is needed: pip install awscli"
        return self.run(found, *arguments)

    def put(self, key: str, source: Path) -> None:
        self._aws("s3", "cp", str(source), self.url(key), "--no-progress")

    def get(self, key: str, target: Path) -> None:
        self._aws("s3", "cp", self.url(key), str(target), "--no-progress")

    def list(self, prefix: str) -> list[str]:
        listed = self._aws("s3", "ls", self.url(prefix), "--recursive")
        return [line.split(maxsplit=3)[3] for line in listed.splitlines()]

    def copy(self, source: str, target: str) -> None:
        self._aws("s3", "cp", self.url(source), self.url(target), "--no-progress")

    def delete(self, key: str) -> None:
        self._aws("s3", "rm", self.url(key))

    def presign(self, key: str) -> str:
        return self._aws("s3", "presign", self.url(key), "--expires-in", "60")


class S5cmd(Command):
    """s5cmd (AWS SDK for Go v1); it assumes roles at AWS's own STS only, so it is given the session's credentials."""

    name = "s5cmd"
    denied = r"ERROR .*AccessDenied: User: .* is not authorized"

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        access.terminal.add_profile("session", access.session)
        self.environment["AWS_PROFILE"] = "session"

    def _s5cmd(self, *arguments: str) -> str:
        return self.run(installed("s5cmd"), "--endpoint-url", self.access.endpoint, *arguments)

    def put(self, key: str, source: Path) -> None:
        self._s5cmd("cp", "--part-size", str(PART >> 20), str(source), self.url(key))

    def get(self, key: str, target: Path) -> None:
        self._s5cmd("cp", self.url(key), str(target))

    def list(self, prefix: str) -> list[str]:
        listed = self._s5cmd("ls", "--show-fullpath", self.url(prefix) + "*")
        return [line.removeprefix(self.url("")) for line in listed.splitlines()]

    def copy(self, source: str, target: str) -> None:
        self._s5cmd("cp", self.url(source), self.url(target))

    def delete(self, key: str) -> None:
        self._s5cmd("rm", self.url(key))

    def presign(self, key: str) -> str:
        return self._s5cmd("presign", "--expire", "60s", self.url(key))


class Rclone(Command):
    """rclone (AWS SDK for Go v2); it assumes roles at AWS's own STS only, so it is given the session's credentials."""

    name = "rclone"
    denied = r"AccessDenied: User: .* is not authorized"

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        access.terminal.add_profile("session", access.session)
        self.environment |= {
            "AWS_PROFILE": "session",
            "AWS_REGION": "us-east-1",
            "RCLONE_CONFIG": "",
            "RCLONE_RETRIES": "1",
            "RCLONE_LOW_LEVEL_RETRIES": "1",
            "RCLONE_CONFIG_AT_TYPE": "s3",
            "RCLONE_CONFIG_AT_PROVIDER": "Other",
            "RCLONE_CONFIG_AT_ENDPOINT": access.endpoint,
            "RCLONE_CONFIG_AT_REGION": "us-east-1",
            "RCLONE_CONFIG_AT_ENV_AUTH": "true",
            "RCLONE_CONFIG_AT_NO_CHECK_BUCKET": "true",
            "RCLONE_CONFIG_AT_UPLOAD_CUTOFF": f"{PART}B",
            "RCLONE_CONFIG_AT_CHUNK_SIZE": f"{PART}B",
        }

    def _at(self, key: str) -> str:
        return f"at:{self.access.bucket}/{key}"

    def put(self, key: str, source: Path) -> None:
        # Without a look at the target first: the answer to a HEAD has no room for a reason.
        self.run(installed("rclone"), "copyto", "--no-check-dest", str(source), self._at(key))

    def get(self, key: str, target: Path) -> None:
        self.run(installed("rclone"), "copyto", self._at(key), str(target))

    def list(self, prefix: str) -> list[str]:
        listed = self.run(installed("rclone"), "lsf", "--recursive", "--files-only", self._at(prefix))
        return [prefix + line for line in listed.splitlines()]

    def copy(self, source: str, target: str) -> None:
        self.run(installed("rclone"), "copyto", self._at(source), self._at(target))

    def delete(self, key: str) -> None:
        self.run(installed("rclone"), "deletefile", self._at(key))

    def presign(self, key: str) -> str:
        return self.run(installed("rclone"), "link", "--s3-no-head-object", "--expire", "60s", self._at(key))


class Program(Command):
    """A program of ours around a library that does not run in this Python; `start` runs it."""

    start: tuple[str, ...]

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.environment["BUCKET"] = access.bucket

    def put(self, key: str, source: Path) -> None:
        self.run(*self.start, "put", key, str(source))

    def get(self, key: str, target: Path) -> None:
        self.run(*self.start, "get", key, str(target))

    def list(self, prefix: str) -> list[str]:
        return self.run(*self.start, "list", prefix).splitlines()

    def copy(self, source: str, target: str) -> None:
        self.run(*self.start, "copy", source, target)

    def delete(self, key: str) -> None:
        self.run(*self.start, "delete", key)

    def presign(self, key: str) -> str:
        return self.run(*self.start, "presign", key)


class JavaScript(Program):
    """The AWS SDK for JavaScript v3; its STS client assumes the role."""

    name = "javascript"
    denied = r"AccessDenied: User: .* is not authorized"

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self.start = (str(find_node()[0]), str(HERE / "javascript" / "client.mjs"))
        del self.environment["AWS_PROFILE"]
        self.environment |= {
            "ROLE_ARN": access.role_arn,
            "AWS_ENDPOINT_URL": access.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": access.member.id,
            "AWS_SECRET_ACCESS_KEY": access.member.secret,
        }


class S3fs(Program):
    """s3fs, the S3 file system of fsspec (aiobotocore); the role is assumed by its profile."""

    name = "s3fs"
    denied = r"PermissionError: User: .* is not authorized"
    start = (str(S3FS_PYTHON), str(HERE / "s3fs_client.py"))
