"""The pieces of `isthmus login` that need neither a server nor a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isthmus.access.login import CannotLogIn, Login
from isthmus.access.profile_file import ForeignProfile, read_profile, remove_profile, write_profile
from isthmus.access.session_cache import CachedSession, SessionFile, forget_all
from isthmus.access.terminal_questions import six_digits

CONFIG = """\
[default]
region = eu-west-1
[profile alice]
isthmus_account = analytics
s3 =
  max_concurrent_requests = 2
credential_process = isthmus login --profile "alice" # all of it
[profile "two words"]
region = eu-west-2
"""
PASSWORD = {"account": "analytics", "user": "alice", "endpoint": "http://127.0.0.1:9000"}


def session(expires: float) -> CachedSession:
    return CachedSession("ASIA", "secret", "token", expires, "arn")


def test_profiles_are_read_as_the_aws_tools_read_them(tmp_path: Path) -> None:
    file = tmp_path / "config"
    assert read_profile(file, "alice") is None, "no file is no profile"
    file.write_text(CONFIG)
    alice = read_profile(file, "alice")
    assert alice is not None and alice["isthmus_account"] == "analytics"
    assert read_profile(file, "default") == {"region": "eu-west-1"}
    assert read_profile(file, "two words") == {"region": "eu-west-2"}
    assert read_profile(file, "ali") is None


def test_a_login_and_a_link_do_not_take_each_others_profiles(tmp_path: Path) -> None:
    file = tmp_path / "config"
    write_profile(file, "shared", "shared", {"region": "a"}, kind="login")
    write_profile(file, "shared", "shared", {"region": "b"}, kind="login")
    with pytest.raises(ForeignProfile):
        write_profile(file, "shared", "shared", {"region": "c"})
    assert not remove_profile(file, "shared", "shared")
    assert file.read_text() == "# isthmus login shared\n[profile shared]\nregion = b\n"


def test_a_session_is_kept_for_its_owner_alone_until_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    file = SessionFile(["password", "http://a", "analytics", "alice"], folder)
    assert file.read(0) is None and not file.remove()
    file.write(session(100))
    file.write(session(200))
    (kept,) = folder.iterdir()
    assert (kept.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert file.read(199) == session(200)
    assert file.read(200) is None
    assert SessionFile(["password", "http://a", "analytics", "bob"], folder).read(0) is None
    with file.locked():
        assert forget_all(folder) == 1
    assert file.read(0) is None and forget_all(folder) == 0


@pytest.mark.parametrize(
    "damage",
    [
        {"expires": "soon"}, {"expires": None}, {"expires": 1e300}, {"expires": float("nan")}, {"who": 5},
        {"access_key": None}, {"secret_key": ""}, {"token": ["a"]}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_session_is_none(damage: dict[str, object], tmp_path: Path) -> None:
    file = SessionFile(["a"], tmp_path)
    file.write(session(100))
    whole = json.loads(file._file.read_text())
    file._file.write_text(json.dumps(whole | damage))
    assert file.read(0) is None
    file._file.write_text(json.dumps(whole))
    assert file.read(0) == session(100)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff\xfe", b"[" * 100_000, b"{}", b"null"], ids=lambda content: str(content[:4])
)
def test_what_is_no_session_is_none(content: bytes, tmp_path: Path) -> None:
    file = SessionFile(["a"], tmp_path)
    file._file.write_bytes(content)
    assert file.read(0) is None


def test_a_configuration_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(b"[profile a]\nregion = \xff\n")
    with pytest.raises(OSError, match=r"config is no text in UTF-8"):
        read_profile(file, "a")


@pytest.mark.parametrize(
    ("typed", "code"),
    [("123456", "123456"), (" 123 456 ", "123456"), ("12345", None), ("1234567", None), ("", None), ("12345a", None),
     ("\u0661\u0662\u0663\u0664\u0665\u0666", None)],
)  # fmt: skip
def test_a_code_has_six_digits(typed: str, code: str | None) -> None:
    assert six_digits(typed) == code


def test_secrets_are_not_in_what_is_logged_of_a_session() -> None:
    shown = repr(CachedSession("ASIA", "a-secret", "a-token", 0, "arn"))
    assert "a-secret" not in shown and "a-token" not in shown
    told = json.loads(session(1_800_000_000).process_output())
    assert (told["Version"], told["Expiration"]) == (1, "2027-01-15T08:00:00Z")


def test_what_a_command_says_goes_before_what_its_profile_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    settings = {"isthmus_account": "production", "isthmus_user": "bob", "endpoint_url": "https://s3.example.com"}
    assert Login.from_settings("p", settings, {}).name == "bob (production)"
    login = Login.from_settings("p", settings, {"user": "alice"})
    assert (login.name, login.endpoint, login.by_keys) == ("alice (production)", "https://s3.example.com", False)
    keys = Login.from_settings("p", {"isthmus_source_profile": "k", "mfa_serial": "arn", "duration_seconds": "900"}, {})
    assert (keys.by_keys, keys.seconds, keys.name) == (True, 900, "arn")


@pytest.mark.parametrize("endpoint", ["", "localhost:9000", "ftp://example.com", "http://", "file:///etc/passwd"])
def test_a_password_goes_to_an_address_of_http_only(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert Login.from_settings("", {}, PASSWORD)
    with pytest.raises(CannotLogIn, match="needs endpoint_url"):
        Login.from_settings("", {}, PASSWORD | {"endpoint": endpoint})


def test_different_logins_have_different_sessions() -> None:
    logins = [
        Login.from_settings("", {}, PASSWORD),
        Login.from_settings("", {}, PASSWORD | {"user": "bob"}),
        Login.from_settings("", {}, PASSWORD | {"account": "other"}),
        Login.from_settings("", {}, PASSWORD | {"endpoint": "http://127.0.0.1:9001"}),
        Login.from_settings("", {}, {"email": "root@example.com", "endpoint": "http://127.0.0.1:9000"}),
        Login.from_settings("", {}, {"source_profile": "k", "mfa_serial": "arn"}),
    ]
    assert len({one.file._file for one in logins}) == len(logins)
    assert logins[0].file._file == Login.from_settings("p", {}, PASSWORD | {"user": "ALICE"}).file._file
