"""What things are called."""

from __future__ import annotations

import re

import pytest

from isthmus.names import (
    Arn,
    InvalidArn,
    access_key_id,
    account_of_access_key,
    bucket_arn,
    canonical_id,
    is_account_id,
    is_bucket_name,
    object_arn,
    object_key_problem,
    organizational_unit_id,
    organizations_arn,
    organizations_id,
    root_arn,
    unique_id,
)
from isthmus.wire import service_model


@pytest.mark.parametrize("account", ["000000000000", "111122223333", "999999999999"])
def test_an_access_key_id_names_its_account(account: str) -> None:
    for entropy in (bytes(10), bytes([255] * 10)):
        key = access_key_id("ASIA", account, entropy)
        assert len(key) == 20
        assert account_of_access_key(key) == account
    assert account_of_access_key("short") is None
    assert account_of_access_key("AKIA0000000000000000") is None


def test_unique_ids_have_their_prefix_and_need_entropy() -> None:
    made = unique_id("AROA", bytes(range(11)))
    assert made.startswith("AROA")
    assert len(made) == 21
    with pytest.raises(ValueError, match="11 random bytes"):
        unique_id("AIDA", b"short")
    with pytest.raises(ValueError, match="10 random bytes"):
        access_key_id("AKIA", "111122223333", b"short")


def test_account_ids_have_twelve_digits() -> None:
    assert is_account_id("111122223333")
    for wrong in ("11112222333", "1111222233334", "11112222333a", "111122223333\n"):
        assert not is_account_id(wrong)
    assert root_arn("111122223333") == "arn:aws:iam::111122223333:root"
    assert len(canonical_id("111122223333")) == 64


@pytest.mark.parametrize("text", ["arn:aws:s3:::b/k:x", "arn:aws:iam::111122223333:user/a/b/alice"])
def test_an_arn_is_written_as_it_was_read(text: str) -> None:
    assert str(Arn.parse(text)) == text


def test_an_arn_tells_type_path_and_name() -> None:
    arn = Arn.parse("arn:aws:iam::111122223333:role/division/team/reader")
    assert (arn.resource_type, arn.path, arn.name) == ("role", "/division/team/", "reader")
    assert Arn.parse("arn:aws:iam::111122223333:user/alice").path == "/"


@pytest.mark.parametrize("text", ["", "arn:aws:s3", "arn::s3:::b", "urn:aws:s3:::b", "arn:aws:s3:::"])
def test_what_lacks_a_field_is_no_arn(text: str) -> None:
    with pytest.raises(InvalidArn):
        Arn.parse(text)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("photos", True),
        ("my.photos-2024", True),
        ("ab", False),
        ("a" * 64, False),
        ("Photos", False),
        ("-photos", False),
        ("a..b", False),
        ("192.168.5.4", False),
        ("xn--photos", False),
        ("photos-s3alias", False),
    ],
)
def test_bucket_names(name: str, good: bool) -> None:
    assert is_bucket_name(name) is good


def test_keys_have_at_most_1024_bytes() -> None:
    assert object_key_problem("é" * 512) is None
    assert object_key_problem("é" * 513) == "KeyTooLongError"
    assert bucket_arn("photos") == "arn:aws:s3:::photos"
    assert object_arn("photos", "a/b:c") == "arn:aws:s3:::photos/a/b:c"


def test_ids_of_organizations_have_the_form_of_their_models() -> None:
    shapes = service_model("organizations")
    for kind, shape in (
        ("o", "OrganizationId"), ("r", "RootId"), ("p", "PolicyId"), ("h", "HandshakeId"),
        ("car", "CreateAccountRequestId"), ("rp", "ResourcePolicyId"),
    ):  # fmt: skip
        pattern = shapes.shape_for(shape).metadata["pattern"]
        drawn = {organizations_id(kind, bytes([number] * 24)) for number in range(200)}  # type: ignore[arg-type]
        assert len(drawn) == 200
        assert all(re.match(pattern, one) for one in drawn)
    unit = organizational_unit_id("r-ab12", bytes(range(24)))
    assert re.match(shapes.shape_for("OrganizationalUnitId").metadata["pattern"], unit)
    assert unit.startswith("ou-ab12-")
    with pytest.raises(ValueError, match="random bytes"):
        organizations_id("o", b"too few")


def test_arns_of_organizations_name_the_management_account() -> None:
    arn = organizations_arn("999988887777", "ou", "o-exampleorgid", "ou-ab12-abcdefgh")
    assert arn == "arn:aws:organizations::999988887777:ou/o-exampleorgid/ou-ab12-abcdefgh"
    pattern = service_model("organizations").shape_for("OrganizationalUnitArn").metadata["pattern"]
    assert re.match(pattern, arn)
