"""The reviewed file of who may do what: what it means, and where it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isthmus.access.access_file import KEYS, Words, read_access_file
from isthmus.access.checks import checks_of
from isthmus.access.link_plan import InvalidLink

WHOLE = """\
# agreed in March
links:
  - name: reports
    share: s3://reports/2026/
    owner: production
    with: analytics-admin
    to: 012345670123:user/alice
    access: read
    require_mfa: yes
    external_id: agreed
    source_ip: [203.0.113.0/24, 198.51.100.7]
    expires: 2027-01-31
    kms: auto
    as: alice
    role: AnalyticsReader
    probe_as: bob
    except: [user/auditor]
    mfa_serial: arn:aws:iam::012345670123:mfa/alice
  - share: s3://other
    owner: production
    to: "444455556666"
    access: list
"""


def read(tmp_path: Path, text: str) -> list[Words]:
    file = tmp_path / "agreed.access.yaml"
    file.write_text(text)
    return read_access_file(file)


def test_every_key_is_what_was_written_an_account_id_too(tmp_path: Path) -> None:
    whole, short = read(tmp_path, WHOLE)
    assert whole == Words(
        share="s3://reports/2026/",
        owner="production",
        to="012345670123:user/alice",
        access="read",
        with_="analytics-admin",
        name="reports",
        require_mfa=True,
        external_id="agreed",
        source_ip=("203.0.113.0/24", "198.51.100.7"),
        expires="2027-01-31",
        kms="auto",
        as_="alice",
        role="AnalyticsReader",
        probe_as=("bob",),
        except_=("user/auditor",),
        mfa_serial="arn:aws:iam::012345670123:mfa/alice",
        place=f"{tmp_path}/agreed.access.yaml:3",
    )
    assert short.to == "444455556666"
    assert short.place.endswith(":19")


def test_the_whole_example_has_every_key() -> None:
    assert set(re.findall(r"^ +(?:- )?([a-z_]+):", WHOLE, re.MULTILINE)) == set(KEYS)


ENTRY = "links:\n  - share: s3://bucket\n    owner: o\n    to: '444455556666'\n    access: read\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("links: [", 1, "not YAML"),
        ("", 1, "list of `links`"),
        ("- a", 1, "must be a mapping"),
        ("other: 1", 1, "does not know 'other'"),
        ("links: 5", 1, "`links` must be a list"),
        ("links:\n  - 5", 2, "link 1 must be a mapping"),
        (ENTRY + "    colour: red\n", 6, "link 1 does not know 'colour'; its keys are"),
        (ENTRY + "    owner: p\n", 6, "link 1 has 'owner' twice"),
        (ENTRY + "    require_mfa: perhaps\n", 6, "require_mfa must be true or false"),
        (ENTRY + "    name: [a]\n", 6, "name must be one text"),
        (ENTRY + "    except: [admin]\n", 6, "say user/NAME or role/NAME"),
        (ENTRY.replace("read", "look"), 5, "it is one of read, write, read-write, list"),
        (ENTRY.replace("444455556666", "4444"), 4, "12 digits"),
        (ENTRY.replace("s3://bucket", "bucket"), 2, "say s3://BUCKET"),
        ("links:\n  - share: s3://bucket\n    owner: o\n", 2, "link 1 lacks to, access"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidLink, match=re.escape(said)) as raised:
        read(tmp_path, text)
    assert f"agreed.access.yaml:{line}: " in str(raised.value)


def test_the_checks_follow_from_the_words(tmp_path: Path) -> None:
    whole, short = read(tmp_path, WHOLE)
    assert [check.id for check in checks_of(whole)] == [
        "take", "list", "read", "write", "delete", "list-outside", "read-outside", "write-outside", "other-bucket",
        "read-without-role", "write-without-role", "no-mfa", "wrong-external-id", "no-external-id", "other-address",
        "after-the-end", "probe-as:bob", "others",
    ]  # fmt: skip
    assert [check.id for check in checks_of(whole) if check.expected] == ["take", "list", "read"]
    assert [check.id for check in checks_of(short)] == [
        "intact", "take", "list", "read", "write", "delete", "other-bucket", "read-without-role", "write-without-role",
        "others",
    ]  # fmt: skip
