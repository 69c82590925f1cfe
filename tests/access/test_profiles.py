"""An AWS profile as a side of a sharing: what does not work is named, and what works without a profile too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isthmus.access.profiles import HeldSide, NoSide, Side

CONFIG = """\
[profile odd-address]
endpoint_url = notaurl
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = not-a-real-secret
[profile no-program]
credential_process = /no/such/program
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "config"
    file.write_text(CONFIG)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.mark.parametrize(
    ("profile", "said"),
    [("odd-address", "Invalid endpoint"), ("no-program", "No such file"), ("nobody", "there is no AWS profile")],
)
def test_a_profile_that_does_not_work_is_named(profile: str, said: str) -> None:
    with pytest.raises(NoSide, match=said) as told:
        _ = Side(profile).identity
    assert repr(profile) in str(told.value)


def test_without_a_default_profile_the_environment_speaks_as_it_does_to_the_aws_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    side = Side("default")
    assert (side.session.get_credentials().access_key, side.region) == ("AKIAIOSFODNN7EXAMPLE", "eu-west-1")
    held = HeldSide("default", credentials={"AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t"})
    assert (held.session.get_credentials().token, held.region) == ("t", "eu-west-1")
    # Another profile that is meant, or another one than `default`, is never replaced by the environment.
    with pytest.raises(NoSide):
        _ = Side("nobody").session
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(NoSide):
        _ = Side("default").session
