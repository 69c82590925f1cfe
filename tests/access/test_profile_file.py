"""Profiles in the AWS configuration file: ours are written and removed, what others wrote stays byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.access.profile_file import ForeignProfile, profiles_of, remove_profile, set_endpoint, write_profile

THEIRS = (
    "",
    "[default]\nregion = eu-west-1\n",
    "[default]\nregion = eu-west-1\n\n",
    "# mine\n[profile me]\n  region=eu-west-1 # why not\n\n[profile other]\ns3 =\n  max_concurrent_requests = 2\n\n"
    "# the end\n",
)
SETTINGS = {"role_arn": "arn:aws:iam::111122223333:role/isthmus-link-reports", "source_profile": "me"}


@pytest.mark.parametrize("theirs", THEIRS)
def test_a_profile_comes_and_goes_without_a_trace(theirs: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(theirs)
    write_profile(file, "reports", "shared", SETTINGS)
    assert file.read_text() == theirs + (
        "# isthmus link reports\n[profile shared]\nrole_arn = arn:aws:iam::111122223333:role/isthmus-link-reports\n"
        "source_profile = me\n"
    )
    assert profiles_of(file, "reports") == ["shared"]
    assert remove_profile(file, "reports", "shared")
    assert file.read_text() == theirs
    assert not remove_profile(file, "reports", "shared")


def test_what_was_written_behind_a_profile_stays_when_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "config"
    write_profile(file, "reports", "shared", SETTINGS)
    later = "\n# written later\n[profile later]\nregion = eu-west-1\n"
    file.write_text(file.read_text() + later)
    write_profile(file, "reports", "shared", SETTINGS | {"region": "us-east-1"})
    assert file.read_text().endswith("region = us-east-1\n" + later)
    assert remove_profile(file, "reports", "shared")
    assert file.read_text() == later


def test_a_profile_that_no_link_wrote_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "config"
    theirs = "[profile shared]\nregion = eu-west-1\n"
    file.write_text(theirs)
    with pytest.raises(ForeignProfile, match="choose another name"):
        write_profile(file, "reports", "shared", SETTINGS)
    assert not remove_profile(file, "reports", "shared")
    write_profile(file, "reports", "mine", SETTINGS)
    with pytest.raises(ForeignProfile):
        write_profile(file, "other-link", "mine", SETTINGS)
    assert not remove_profile(file, "other-link", "mine")
    assert remove_profile(file, "reports", "mine")
    assert file.read_text() == theirs


def test_an_endpoint_is_given_to_a_profile_that_has_none(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[profile me]\nregion = eu-west-1\n\n# mine\n[profile other]\nendpoint_url = http://old\n")
    assert set_endpoint(file, "me", "http://new")
    assert not set_endpoint(file, "other", "http://new")
    assert not set_endpoint(file, "nobody", "http://new")
    assert file.read_text() == (
        "[profile me]\nregion = eu-west-1\nendpoint_url = http://new\n\n# mine\n[profile other]\n"
        "endpoint_url = http://old\n"
    )


def test_a_new_file_is_its_owner_s_alone_and_an_old_one_keeps_its_rights(tmp_path: Path) -> None:
    new, old = tmp_path / "new" / "config", tmp_path / "config"
    old.touch(mode=0o640)
    for file in (new, old):
        write_profile(file, "reports", "shared", SETTINGS)
    assert new.stat().st_mode & 0o777 == 0o600
    assert old.stat().st_mode & 0o777 == 0o640
