"""Sealing, session tokens, derived secrets, passwords and the master key."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.identity import InvalidMasterKey, InvalidToken, Session, Vault, load_master_key
from isthmus.policy import Principal, PrincipalKind

KEY = bytes(range(32))
ROLE = Principal(
    PrincipalKind.ROLE_SESSION,
    "111122223333",
    "arn:aws:sts::111122223333:assumed-role/reader/alice",
    "arn:aws:iam::111122223333:role/team/reader",
    "AROAEXAMPLEEXAMPLE123",
    "alice",
)
SESSION = Session(
    access_key="ASIAIOSFODNN7EXAMPLE",
    kind="AssumeRole",
    principal=ROLE,
    issued=1.5,
    expires=3601.5,
    session_policy="{}",
    session_policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    limited=True,
    tags={"Team": "Blau", "leer": ""},
    transitive_tag_keys=("Team",),
    mfa_at=0.0,
    source_identity="alice",
    chained=True,
    federated_provider="arn:aws:iam::111122223333:saml-provider/x",
    context={"saml:sub": "s"},
)
PLAIN = Session("ASIAIOSFODNN7EXAMPLE", "GetSessionToken", ROLE, 1.0, 2.0)


@pytest.mark.parametrize("session", [SESSION, PLAIN, replace(PLAIN, mfa_at=12.25)])
def test_a_token_carries_every_claim(session: Session) -> None:
    assert Vault(KEY).session(Vault(KEY).session_token(session)) == session


def test_a_token_opened_again_is_the_same_object() -> None:
    vault = Vault(KEY)
    token = vault.session_token(SESSION)
    assert vault.session(token) is vault.session(token)


def test_a_token_changed_in_any_character_is_refused() -> None:
    vault = Vault(KEY)
    token = vault.session_token(PLAIN)
    for position in range(len(token)):
        other = "A" if token[position] != "A" else "B"
        with pytest.raises(InvalidToken):
            vault.session(token[:position] + other + token[position + 1 :])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: "",
        lambda token: "é" + token,
        lambda token: "A" * 80,
    ],
)
def test_a_token_in_another_form_is_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    vault = Vault(KEY)
    with pytest.raises(InvalidToken):
        vault.session(spoil(vault.session_token(PLAIN)))


def test_a_token_of_another_server_is_refused() -> None:
    with pytest.raises(InvalidToken):
        Vault(KEY).session(Vault(bytes(32)).session_token(SESSION))


def test_a_token_has_the_size_asked_for() -> None:
    vault = Vault(KEY)
    for minimum in (0, 100, 1001, 4096):
        token = vault.session_token(SESSION, minimum)
        assert len(token) >= minimum
        assert len(token) <= max(minimum + 3, 700)
        assert vault.session(token) == SESSION


def test_what_is_sealed_for_one_purpose_does_not_open_for_another() -> None:
    vault = Vault(KEY)
    sealed = vault.seal(b"secret", "access-key")
    assert vault.unseal(sealed, "access-key") == b"secret"
    assert b"secret" not in sealed
    with pytest.raises(InvalidToken):
        vault.unseal(sealed, "mfa-seed")
    with pytest.raises(InvalidToken):
        vault.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), "access-key")
    with pytest.raises(InvalidToken):
        vault.unseal(b"", "access-key")


def test_what_is_sealed_for_one_owner_does_not_open_for_another() -> None:
    vault = Vault(KEY)
    sealed = vault.seal(b"secret", "s3-bucket/1", b"a/key")
    assert vault.unseal(sealed, "s3-bucket/1", b"a/key") == b"secret"
    for owner in (b"", b"a/ke", b"a/key2"):
        with pytest.raises(InvalidToken):
            vault.unseal(sealed, "s3-bucket/1", owner)
    with pytest.raises(InvalidToken):
        Vault(bytes(32)).unseal(sealed, "s3-bucket/1", b"a/key")


def test_temporary_secrets_are_derived_from_key_id_and_master_key() -> None:
    secret = Vault(KEY).session_secret("ASIAIOSFODNN7EXAMPLE")
    assert len(secret) == 40
    assert secret == Vault(KEY).session_secret("ASIAIOSFODNN7EXAMPLE")
    assert secret != Vault(KEY).session_secret("ASIAIOSFODNN8EXAMPLE")
    assert secret != Vault(bytes(32)).session_secret("ASIAIOSFODNN7EXAMPLE")


def test_a_password_is_verified_against_its_hash_only() -> None:
    vault = Vault(KEY)
    hashed = vault.hash_password("correct horse")
    assert "correct" not in hashed
    assert vault.verify_password(hashed, "correct horse")
    assert not vault.verify_password(hashed, "wrong horse")
    assert not vault.verify_password("no hash", "correct horse")


def test_a_master_key_is_32_bytes() -> None:
    with pytest.raises(ValueError, match="must have 32"):
        Vault(b"short")


def test_the_master_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    key = load_master_key(tmp_path, {})
    assert len(key) == 32
    assert load_master_key(tmp_path, {}) == key
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_processes_that_start_together_agree_on_the_master_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: load_master_key(tmp_path, {}), range(8)))) == 1


def test_the_environment_may_give_the_master_key(tmp_path: Path) -> None:
    assert load_master_key(tmp_path, {"ISTHMUS_MASTER_KEY": base64.b64encode(KEY).decode()}) == KEY
    assert not list(tmp_path.iterdir())
    for wrong in ("short", base64.b64encode(b"short").decode(), "ä"):
        with pytest.raises(InvalidMasterKey, match="ISTHMUS_MASTER_KEY"):
            load_master_key(tmp_path, {"ISTHMUS_MASTER_KEY": wrong})
