"""Mistakes in AWS profiles."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from isthmus.policy import PolicyDocument

from ..profile_lines import ConfiguredProfile
from .finding import Fix, Found, Place, rule

_ROLE_PAGE = "https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html"
_ENDPOINT_PAGE = "https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html"
_REGION_PAGE = "https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html"
_FILES_PAGE = "https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html"
_MFA_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html"
_EXTERNAL_ID_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"
_CLOCK_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html"
_CREDENTIALS_PAGE = "https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html"

SKEW_REFUSED, SKEW_NOTICED = 15 * 60, 60
"""Seconds: more than the first is refused by every service; more than the second is a clock that nobody sets."""
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """One profile. others: all profiles by name. environment: of the process.

    trust: of the role it takes; None where it was not read. device: an MFA device of whoever takes it; None where none
    is known. skew: seconds that the server's clock is ahead of this machine's; None where nobody was asked.
    problem: why its credentials are of no use.
    """

    profile: ConfiguredProfile
    others: Mapping[str, ConfiguredProfile]
    environment: Mapping[str, str] = field(default_factory=dict)
    trust: PolicyDocument | None = None
    device: str | None = None
    skew: float | None = None
    problem: str | None = None

    @property
    def source(self) -> ConfiguredProfile | None:
        """The profile whose credentials take the role."""
        name = self.profile.value("source_profile")
        return None if name is None else self.others.get(name)

    def place(self, setting: str | None = None) -> Place:
        """The line of a setting, or of the profile."""
        return Place(file=self.profile.file, line=self.profile.line_of(setting))


@rule("profile-endpoint-on-source-only", "profiles", "error", "endpoint_url stands in the source profile alone",
      _ENDPOINT_PAGE)  # fmt: skip
def _endpoint_on_source_only(facts: ProfileFacts) -> Iterator[Found]:
    source, mine = facts.source, facts.profile
    if source is None or "AWS_ENDPOINT_URL" in facts.environment:
        return
    endpoint = source.value("endpoint_url")
    if endpoint is None or mine.value("endpoint_url") is not None or mine.value("services") is not None:
        return
    what = (
        f"the profile {mine.name} has no endpoint_url: its AssumeRole call and all others go to AWS, not to {endpoint}"
    )
    yield Found(facts.place("role_arn"), what, _set(mine, "endpoint_url", endpoint))


@rule("profile-mfa-serial-missing", "profiles", "error", "the role requires MFA and the profile has no mfa_serial",
      _MFA_PAGE)  # fmt: skip
def _mfa_serial_missing(facts: ProfileFacts) -> Iterator[Found]:
    if facts.trust is None or facts.profile.value("mfa_serial") is not None or not wants_mfa(facts.trust):
        return
    what = f"the profile {facts.profile.name} takes a role that asks for an MFA code, which no tool then asks for"
    words = "" if facts.device else "with the device of whoever takes the role: `aws iam list-mfa-devices` tells it"
    fix = _set(facts.profile, "mfa_serial", facts.device or "arn:aws:iam::ACCOUNT:mfa/DEVICE", words)
    yield Found(facts.place("role_arn"), what, fix)


@rule("profile-external-id-missing", "profiles", "error", "the role requires an external id and the profile has none",
      _EXTERNAL_ID_PAGE)  # fmt: skip
def _external_id_missing(facts: ProfileFacts) -> Iterator[Found]:
    if facts.trust is None or facts.profile.value("external_id") is not None:
        return
    values = _always(facts.trust, "sts:externalid")
    if values:
        what = f"the profile {facts.profile.name} takes a role that wants an external id"
        yield Found(facts.place("role_arn"), what, _set(facts.profile, "external_id", values[0]))


@rule("profile-region-missing", "profiles", "warning", "a profile without a region", _REGION_PAGE)
def _region_missing(facts: ProfileFacts) -> Iterator[Found]:
    if facts.profile.value("region") is not None or any(name in facts.environment for name in _REGION_VARIABLES):
        return
    source = facts.source
    region = source.value("region") if source is not None else None
    what = f"the profile {facts.profile.name} has no region"
    what += f", and does not take that of its source profile, {region}" if region else ""
    yield Found(facts.place(), what, _set(facts.profile, "region", region or "us-east-1"))


@rule("profile-region-differs", "profiles", "note", "a profile and its source profile have different regions",
      _REGION_PAGE)  # fmt: skip
def _region_differs(facts: ProfileFacts) -> Iterator[Found]:
    source = facts.source
    mine, theirs = facts.profile.value("region"), source.value("region") if source is not None else None
    if mine is not None and theirs is not None and mine != theirs:
        what = f"the profile {facts.profile.name} is of {mine}, its source profile of {theirs}: tokens of one region's "
        what += "STS are for both, but signatures and keys are of one"
        # No command: a link's profile has the region of the bucket that it is for, and must keep it.
        words = f"leave it where what the role is for is in {mine}; else give both profiles the same region"
        yield Found(facts.place("region"), what, Fix(words))


@rule("profile-source-missing", "profiles", "error", "source_profile names a profile that is not there", _ROLE_PAGE)
def _source_missing(facts: ProfileFacts) -> Iterator[Found]:
    name = facts.profile.value("source_profile")
    if name is not None and name not in facts.others:
        what = f"the profile {facts.profile.name} takes the credentials of {name}, which is in neither file"
        fix = Fix("give it credentials", f"aws configure --profile {shlex.quote(name)}")
        yield Found(facts.place("source_profile"), what, fix)


@rule("profile-role-without-source", "profiles", "error", "role_arn without credentials to take the role with",
      _ROLE_PAGE)  # fmt: skip
def _role_without_source(facts: ProfileFacts) -> Iterator[Found]:
    settings = facts.profile.settings
    sources = ("source_profile", "credential_source", "web_identity_token_file", "credential_process", "sso_session")
    if "role_arn" in settings and not any(name in settings for name in (*sources, "aws_access_key_id")):
        what = f"the profile {facts.profile.name} names a role and nobody who takes it"
        yield Found(facts.place("role_arn"), what, _set(facts.profile, "source_profile", "PROFILE",
                    "with the profile that has credentials"))  # fmt: skip


@rule("profile-unusable", "profiles", "error", "credentials that the server does not accept", _FILES_PAGE)
def _unusable(facts: ProfileFacts) -> Iterator[Found]:
    if facts.problem is not None:
        what = f"the profile {facts.profile.name} is of no use: {facts.problem}"
        yield Found(facts.place(), what, Fix("make a new access key, and give it to the profile",
                    f"aws configure --profile {shlex.quote(facts.profile.name)}"))  # fmt: skip


@rule("clock-skew", "profiles", "error", "this machine's clock and the server's differ", _CLOCK_PAGE)
def _clock_skew(facts: ProfileFacts) -> Iterator[Found]:
    if facts.skew is None or abs(facts.skew) <= SKEW_NOTICED:
        return
    way = "behind" if facts.skew > 0 else "ahead of"
    what = (
        f"this machine's clock is {abs(facts.skew):.0f} seconds {way} that of the profile {facts.profile.name}'s server"
    )
    refused = abs(facts.skew) > SKEW_REFUSED
    what += "; requests are refused from 15 minutes on" if not refused else ", which refuses every signature"
    fix = Fix("set the clock, and let it be kept", "sudo timedatectl set-ntp true")
    yield Found(facts.place(), what, fix, "error" if refused else "warning")


@rule("credentials-readable-by-others", "profiles", "warning", "other users of this machine can read the secret keys",
      _CREDENTIALS_PAGE)  # fmt: skip
def _readable_by_others(facts: ProfileFacts) -> Iterator[Found]:
    secret = facts.profile.settings.get("aws_secret_access_key")
    if secret is None or not secret.file.exists():
        return
    file, line = secret.file, secret.line
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        fix = Fix("take their rights away", f"chmod 600 {shlex.quote(str(file))}")
        yield Found(Place(file=file, line=line), f"{file} has the mode {mode:04o}", fix)


# Conditions that a request without the key does not pass, and one with their value does.
_ASKING = frozenset({"bool", "stringequals", "stringequalsignorecase", "stringlike"})


def _set(profile: ConfiguredProfile, setting: str, value: str, words: str = "") -> Fix:
    name = shlex.quote(profile.name)
    return Fix(words, f"aws configure set {setting} {shlex.quote(value)} --profile {name}")


def wants_mfa(trust: PolicyDocument) -> bool:
    """Whether nobody can take the role without a code of an MFA device."""
    return "true" in {value.lower() for value in _always(trust, "aws:multifactorauthpresent")}


def _always(trust: PolicyDocument, key: str) -> tuple[str, ...]:
    """What every statement that lets somebody take the role asks of that key (in lower case); empty if one does not."""
    found: list[str] = []
    for statement in trust.statements:
        if statement.effect != "Allow" or not _assumes(statement.actions):
            continue
        values = [
            value
            for entry in statement.conditions
            if entry.key.lower() == key and entry.operator.lower() in _ASKING
            for value in entry.values
        ]
        if not values:
            return ()
        found += values
    return tuple(found)


def _assumes(actions: tuple[str, ...]) -> bool:
    return any(action.lower() in ("sts:assumerole", "sts:*", "*", "sts:assume*") for action in actions)
