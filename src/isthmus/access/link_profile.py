"""What the user of a link needs: the profile, the switch-role link, the commands to try.

botocore takes the endpoint of a profile's own AssumeRole call from the profile in use alone, so both profiles carry
it. Sources: AWS SDKs and Tools Reference Guide, "Assume role credential provider"; IAM User Guide, "Switch from a user
to an IAM role (console)".
"""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from .link_plan import LinkPlan
from .profile_file import config_file, profiles_of, set_endpoint
from .profiles import NoSide, Side
from .steps import Failure, patiently


def profile_settings(plan: LinkPlan, owner: Side, source: Side | None) -> dict[str, str]:
    """The lines of the user's profile. source: the user's own profile; None leaves its name to be filled in."""
    request = plan.request
    settings = {
        "role_arn": plan.role_arn,
        "source_profile": "YOUR-PROFILE" if source is None else source.profile,
        "region": request.region,
    }
    if request.require_mfa:
        settings["mfa_serial"] = _mfa_serial(plan, source)
    if request.external_id is not None:
        settings["external_id"] = request.external_id
    endpoint = owner.endpoint or (None if source is None else source.endpoint)
    if endpoint is not None:
        settings["endpoint_url"] = endpoint
    return settings


def written_settings(link: str) -> dict[str, str]:
    """The settings of the profile that a link wrote here; empty where there is none."""
    import botocore.session  # noqa: PLC0415 - takes a while, which help and errors need not

    names = profiles_of(config_file(), link)
    profiles: dict[str, dict[str, str]] = botocore.session.Session().full_config.get("profiles", {})
    return dict(profiles.get(names[0], {})) if names else {}


def remember_endpoint(file: Path, source: str, settings: dict[str, str]) -> None:
    """Give the source profile the endpoint too, if it has none."""
    if "endpoint_url" in settings:
        set_endpoint(file, source, settings["endpoint_url"])


def switch_role_link(plan: LinkPlan, owner: Side) -> str:
    """The address that switches a console user to the role."""
    query = urlencode({"account": plan.request.owner, "roleName": plan.role_name, "displayName": plan.request.name})
    if owner.endpoint is not None:
        place = urlsplit(owner.endpoint)
        return f"{place.scheme}://{place.netloc}/-/console/switchrole?{query}"
    return f"https://signin.aws.amazon.com/switchrole?{query}"


def try_commands(plan: LinkPlan, profile: str) -> list[str]:
    """Three commands of the stock AWS CLI that use the link."""
    request, name = plan.request, shlex.quote(profile)
    place = shlex.quote(request.resource)
    verb = {
        "list": f"aws --profile {name} s3 ls --recursive {place}",
        "read": f"aws --profile {name} s3 cp --recursive {place} ./{shlex.quote(request.name)}",
        "read-write": f"aws --profile {name} s3 sync {place} ./{shlex.quote(request.name)}",
        "write": f"aws --profile {name} s3 cp FILE {shlex.quote(request.resource.rstrip('/') + '/')}",
    }[request.access]
    return [f"aws --profile {name} sts get-caller-identity", f"aws --profile {name} s3 ls {place}", verb]


def _mfa_serial(plan: LinkPlan, source: Side | None) -> str:
    """The user's MFA device where it can be found out, else the ARN with the name to be filled in."""
    to = plan.request.to
    if source is None:
        return f"arn:aws:iam::{to.account}:mfa/YOUR-DEVICE"
    arn = source.identity["Arn"]
    name = to.short_name if to.kind == "user" else arn.rpartition("/")[2] if ":user/" in arn else None
    if name is not None:
        try:
            devices = patiently(lambda: source.client("iam").list_mfa_devices(UserName=name))["MFADevices"]
        except (*Failure, NoSide):
            devices = []
        if devices:
            return str(devices[0]["SerialNumber"])
    return f"arn:{source.partition}:iam::{to.account}:mfa/{name or 'YOUR-DEVICE'}"
