"""Ordinary AWS profiles as one side of a sharing: who it is, and clients of its account.

A profile's own `endpoint_url` (or AWS_ENDPOINT_URL) is where its calls go, as with every AWS tool; without one they go
to AWS. Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files", "Service-specific
endpoints".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound


class NoSide(Exception):
    """A profile that cannot be used; the message says what to do."""


@dataclass
class Side:
    """The account behind a profile. Raises NoSide at the first use of a profile that does not work."""

    profile: str
    _clients: dict[tuple[str, str | None], Any] = field(default_factory=dict, repr=False)

    @cached_property
    def session(self) -> Any:
        """The boto3 session of the profile."""
        return _session(self.profile)

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of the account, the same for the same service and region."""
        from botocore.config import Config  # noqa: PLC0415 - as above

        key = (service, region)
        if key not in self._clients:
            retries = Config(retries={"mode": "standard", "max_attempts": 3}, user_agent_extra="isthmus")
            try:
                self._clients[key] = self.session.client(service, region_name=region or self.region, config=retries)
            except ValueError as error:  # botocore's own, of an endpoint_url that is no address
                raise NoSide(f"the AWS profile {self.profile!r} does not work: {error}") from error
        return self._clients[key]

    @property
    def region(self) -> str:
        """The profile's region, or us-east-1."""
        return self.session.region_name or "us-east-1"

    @cached_property
    def endpoint(self) -> str | None:
        """The endpoint that the profile or the environment names; None for AWS's own."""
        configured = self.session._session.get_scoped_config().get("endpoint_url")
        return configured or os.environ.get("AWS_ENDPOINT_URL")

    @cached_property
    def identity(self) -> dict[str, str]:
        """What GetCallerIdentity answers."""
        try:
            answer = self.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError, OSError) as error:  # OSError: of a credential_process that is not there
            raise NoSide(f"the AWS profile {self.profile!r} does not work: {error}") from error
        return {name: answer[name] for name in ("Account", "Arn", "UserId")}

    @property
    def account(self) -> str:
        """The 12 digits of its account."""
        return self.identity["Account"]

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        return self.identity["Arn"].split(":")[1]


@dataclass
class HeldSide(Side):
    """Credentials at hand, and for everything else the settings of a profile: its endpoint, its region.

    credentials: as STS and CreateAccessKey answer them: AccessKeyId, SecretAccessKey and perhaps SessionToken.
    """

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def session(self) -> Any:
        """The boto3 session of the credentials."""
        return _session(
            self.profile,
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials.get("SessionToken"),
        )


def _session(profile: str, **credentials: Any) -> Any:
    """The boto3 session of a profile, or of credentials with its settings. Raises NoSide.

    Where no file has a profile `default` it means what the AWS tools do without any: the environment's credentials,
    the machine's role.
    """
    import boto3  # noqa: PLC0415 - takes a third of a second, which help and errors need not

    try:
        return boto3.Session(profile_name=profile, **credentials)
    except ProfileNotFound:
        if profile == "default" and not os.environ.get("AWS_PROFILE"):
            return boto3.Session(**credentials)
        raise NoSide(f"there is no AWS profile {profile!r}: `aws configure --profile {profile}` makes one") from None
