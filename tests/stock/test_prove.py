"""`isthmus prove`: green where all is as agreed, red with the right row and reason where somebody changed something."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from proofs import (
    Link,
    isthmus,
    kept_in,
    linked_user,  # noqa: F401 - the fixture `link`
    new_link,
    outcomes,
    profiles,  # noqa: F401 - the commands' profiles, in every test
    proved,
    remove_link,
)
from stage import (
    OWNER,
    PARTNER,
    Stage,
    Terminal,
    allow,
    deny,
    keys_on,
    policy,
    statement,
    trust,
)

from isthmus.access import probe, prove
from isthmus.access.predict import Answer, Predictor
from isthmus.access.profiles import HeldSide


def test_a_link_is_proved_both_ways_and_nothing_stays(link: Link, stage: Stage) -> None:
    users = stage.partner.iam.list_users()["Users"]
    before = kept_in(stage, link.bucket)
    rows = proved(*link.prove, "--strict")
    assert outcomes(rows) == {}
    assert [check for check, row in rows.items() if row["expected"] == "allowed"] == ["take", "list", "read"]
    assert kept_in(stage, link.bucket) == before
    assert stage.partner.iam.list_users()["Users"] == users


@pytest.mark.parametrize("access", ["list", "write", "read-write"])
@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
def test_each_kind_of_access_is_proved_and_takes_back_what_it_wrote(
    access: str, versioned: bool, stage: Stage, terminal: Terminal
) -> None:
    made = new_link(stage, terminal, "--access", access, objects=False)
    if versioned:
        enabled = {"Status": "Enabled"}
        stage.owner.s3.put_bucket_versioning(Bucket=made.bucket, VersioningConfiguration=enabled)
    rows = proved(*made.prove, "--strict")
    assert outcomes(rows) == {}
    allowed = {check for check, row in rows.items() if row["observed"] == "allowed"} - {"intact", "take", "list"}
    assert allowed == {"list": set(), "write": {"write"}, "read-write": {"read", "write", "delete"}}[access]
    assert kept_in(stage, made.bucket) == ([], [])
    remove_link(made)


# Somebody changed something by hand


def widen(link: Link, stage: Stage) -> None:
    document = stage.owner.iam.get_role_policy(RoleName=link.role, PolicyName=link.role)["PolicyDocument"]
    document["Statement"][-1]["Resource"] = f"arn:aws:s3:::{link.bucket}/*"
    put_role_policy(link, stage, document)


def let_write(link: Link, stage: Stage) -> None:
    document = stage.owner.iam.get_role_policy(RoleName=link.role, PolicyName=link.role)["PolicyDocument"]
    document["Statement"][-1]["Action"] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    put_role_policy(link, stage, document)


def put_role_policy(link: Link, stage: Stage, document: Any) -> None:
    stage.owner.iam.put_role_policy(RoleName=link.role, PolicyName=link.role, PolicyDocument=json.dumps(document))


def deny_in_bucket(link: Link, stage: Stage) -> None:
    document = policy(statement("Deny", "s3:GetObject", keys_on(link.bucket), Sid="Closed", Principal="*"))
    stage.owner.s3.put_bucket_policy(Bucket=link.bucket, Policy=json.dumps(document))


def trust_account(link: Link, stage: Stage) -> None:
    document = json.dumps(trust(PARTNER))
    stage.owner.iam.update_assume_role_policy(RoleName=link.role, PolicyDocument=document)


def trust_nobody(link: Link, stage: Stage) -> None:
    document = json.dumps(trust(OWNER))
    stage.owner.iam.update_assume_role_policy(RoleName=link.role, PolicyDocument=document)


def grant_directly(link: Link, stage: Stage) -> None:
    stage.partner.iam.put_user_policy(
        UserName=link.user.name,
        PolicyName="direct",
        PolicyDocument=json.dumps(allow("s3:*", keys_on(link.bucket))),
    )
    grant = statement("Allow", "s3:GetObject", keys_on(link.bucket), Principal={"AWS": link.user.arn})
    stage.owner.s3.put_bucket_policy(Bucket=link.bucket, Policy=json.dumps(policy(grant)))


def open_other_buckets(link: Link, stage: Stage) -> None:
    open_buckets(link, stage, "arn:aws:s3:::*")


def open_a_guarded_and_an_open_bucket(link: Link, stage: Stage) -> None:
    names = sorted(stage.owner.new_bucket() for _ in range(2))
    no = policy(statement("Deny", "s3:ListBucket", f"arn:aws:s3:::{names[0]}", Principal="*"))
    stage.owner.s3.put_bucket_policy(Bucket=names[0], Policy=json.dumps(no))
    open_buckets(link, stage, *(f"arn:aws:s3:::{name}" for name in names))


def open_buckets(link: Link, stage: Stage, *buckets: str) -> None:
    document = policy(statement("Allow", "s3:ListBucket", list(buckets)))
    stage.owner.iam.put_role_policy(RoleName=link.role, PolicyName="more", PolicyDocument=json.dumps(document))


def demand_tls(link: Link, stage: Stage) -> None:
    insecure = {"Bool": {"aws:SecureTransport": "false"}, "ArnLike": {"aws:PrincipalArn": f"{ROLES}*"}}
    where = [f"arn:aws:s3:::{link.bucket}", keys_on(link.bucket)]
    document = policy(statement("Deny", "s3:*", where, Sid="Tls", Principal="*", Condition=insecure))
    stage.owner.s3.put_bucket_policy(Bucket=link.bucket, Policy=json.dumps(document))


def deny_elsewhere(link: Link, stage: Stage) -> None:
    elsewhere = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "ArnLike": {"aws:PrincipalArn": f"{ROLES}*"}}
    document = policy(statement("Deny", "s3:GetObject", keys_on(link.bucket), Principal="*", Condition=elsewhere))
    stage.owner.s3.put_bucket_policy(Bucket=link.bucket, Policy=json.dumps(document))


def deny_caller(link: Link, stage: Stage) -> None:
    stage.partner.iam.put_user_policy(
        UserName=link.user.name, PolicyName="no", PolicyDocument=json.dumps(deny("sts:AssumeRole", "*"))
    )


ROLES = f"arn:aws:iam::{OWNER}:role/"
UNTAKEN = {"list", "read", "write", "delete", "list-outside", "read-outside", "write-outside", "other-bucket"}
CHANGES: list[tuple[Any, dict[str, str], str]] = [
    (widen, {"intact": "wrong", "read-outside": "wrong"}, "Objects, line"),
    (let_write, {"intact": "wrong", "write": "wrong", "delete": "wrong"}, "Objects, line"),
    (deny_in_bucket, {"read": "wrong"}, "denied by the resource-based policy"),
    (trust_account, {"intact": "wrong", "others": "wrong"}, "user/admin"),
    (trust_nobody, {"intact": "wrong", "take": "wrong"} | dict.fromkeys(UNTAKEN, "foretold"), "role trust policy"),
    (grant_directly, {"read-without-role": "wrong"}, "allowed by the resource-based policy"),
    (open_other_buckets, {"intact": "wrong", "list-outside": "wrong", "other-bucket": "wrong"}, "more (line"),
    (open_a_guarded_and_an_open_bucket, {"intact": "wrong", "other-bucket": "wrong"}, "more (line"),
    (demand_tls, {"list": "wrong", "read": "wrong"}, "resource-based policy (Tls"),
    (deny_elsewhere, {"read": "wrong"}, "aws:SourceIp"),
    (deny_caller, {"take": "wrong"} | dict.fromkeys(UNTAKEN, "foretold"), "denied by the identity-based policy no"),
]


@pytest.mark.parametrize(("change", "expected", "because"), CHANGES, ids=[change.__name__ for change, _, _ in CHANGES])
def test_what_was_changed_by_hand_turns_its_row_red_and_says_why(
    change: Any, expected: dict[str, str], because: str, stage: Stage, terminal: Terminal
) -> None:
    link = new_link(stage, terminal)
    before = kept_in(stage, link.bucket)
    change(link, stage)
    rows = proved(*link.prove, status=1)
    assert outcomes(rows) == expected
    (last,) = [check for check, outcome in expected.items() if outcome == "wrong"][-1:]
    assert because in rows[last]["foretoldBecause"]
    assert kept_in(stage, link.bucket) == before


def test_an_answer_that_differs_from_the_prediction_is_said_aloud(
    link: Link, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = Predictor.predict

    def doctored(self: Predictor, check: str) -> Answer:
        return Answer(True, "made up") if check == "write" else real(self, check)

    monkeypatch.setattr(Predictor, "predict", doctored)
    said = isthmus("prove", *link.prove, "--junit", str(tmp_path / "proof.xml"), status=1)
    assert "PREDICTION AND OBSERVATION DIFFER" in said
    assert "the policies say allowed (made up), but it was refused" in said
    suite = ElementTree.parse(tmp_path / "proof.xml").getroot()[0]
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")
    (error,) = suite.iter("error")
    assert "made up" in error.get("message", "")


def test_a_refusal_that_did_not_come_is_said_aloud_and_what_was_written_is_taken_back(
    link: Link, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service lets pass what the policies refuse: its role session is an administrator's."""
    before = kept_in(stage, link.bucket)
    admin = {"AccessKeyId": stage.owner.admin.keys.id, "SecretAccessKey": stage.owner.admin.keys.secret}
    real, other, targets = HeldSide.__init__, stage.owner.new_bucket(), prove.find_targets
    monkeypatch.setattr(prove, "find_targets", lambda *where: replace(targets(*where), other_buckets=(other,)))
    monkeypatch.setattr(HeldSide, "__init__", lambda self, profile, credentials: real(self, profile, credentials=admin))
    rows = proved(*link.prove, status=1)
    differs = {check for check, outcome in outcomes(rows).items() if outcome == "differs"}
    assert {"write", "delete", "read-outside", "write-outside", "list-outside", "other-bucket"} <= differs
    assert kept_in(stage, link.bucket) == before


# What is made for a proof, and what it cannot do without


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_proof_takes_back_what_it_made(
    how: signal.Signals, link: Link, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, before = stage.partner.iam.list_users()["Users"], kept_in(stage, link.bucket)
    seen: list[int] = []

    def interrupted(call: Any, passing: frozenset[str] = frozenset(), **more: Any) -> Answer:
        answer = real(call, passing, **more)
        if passing:  # in the temporary user's name
            seen.append(len(stage.partner.iam.list_users()["Users"]))
            os.kill(os.getpid(), how)
        return answer

    real = probe._tried
    monkeypatch.setattr(probe, "_tried", interrupted)
    before_me = signal.signal(signal.SIGINT, signal.default_int_handler)  # workers of pytest-xdist ignore Ctrl-C
    try:
        isthmus("prove", *link.prove, status=130)
    finally:
        signal.signal(signal.SIGINT, before_me)
    assert seen == [len(users) + 1]
    assert stage.partner.iam.list_users()["Users"] == users
    assert kept_in(stage, link.bucket) == before


@pytest.mark.parametrize("times", [1, 2])
def test_who_interrupts_taking_back_too_is_told_what_is_left(
    times: int, link: Link, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = stage.partner.iam
    before, left = {user["UserName"] for user in iam.list_users()["Users"]}, [times]
    real = probe.unless

    def interrupted(code: str, call: Any) -> Any:
        if code == "NoSuchEntity" and left[0]:  # where the temporary user is deleted
            left[0] -= 1
            raise KeyboardInterrupt
        return real(code, call)

    with monkeypatch.context() as impatient:
        impatient.setattr(probe, "unless", interrupted)
        said = isthmus("prove", *link.prove, status=130 if times == 1 else 2)
    stay = {user["UserName"] for user in iam.list_users()["Users"]} - before
    assert len(stay) == times - 1
    for name in stay:
        assert f"to be deleted by hand: the user {name} of account {PARTNER} (interrupted)" in said
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)


def test_what_cannot_be_taken_back_is_named(stage: Stage, terminal: Terminal) -> None:
    made = new_link(stage, terminal, objects=False)
    keep = statement("Deny", "s3:DeleteObjectVersion", keys_on(made.bucket), Principal="*")
    stage.owner.s3.put_bucket_policy(Bucket=made.bucket, Policy=json.dumps(policy(keep)))
    said = isthmus("prove", *made.prove, status=2)
    kept, _ = kept_in(stage, made.bucket)
    assert kept
    for one in kept:
        assert f"to be deleted by hand: s3://{made.bucket}/" in said
        assert one["Key"] in said
    remove_link(made)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing", "--owner", "owner"), "has no link 'nothing'"),
        (("nothing",), "--owner PROFILE"),
        (("nothing", "--owner", "owner", "--make-user"), "--make-user needs --with"),
        (("nothing", "--owner", "nobody"), "no AWS profile 'nobody'"),
        (("none.yaml", "--owner", "owner"), "a file names the profiles itself"),
        (("none.yaml",), "No such file"),
    ],
    ids=["no link", "no owner", "no side for the user", "no profile", "file and profile", "no file"],
)
def test_what_cannot_be_proved_says_what_to_change(arguments: tuple[str, ...], said: str) -> None:
    assert said in isthmus("prove", *arguments, status=2)


def test_somebody_s_own_profile_is_no_stranger_s(link: Link) -> None:
    said = isthmus("prove", link.name, "--owner", "owner", "--probe-as", link.user.name, status=2)
    assert "is whom it is about" in said
    options = (link.name, "--owner", "owner", "--predict-only", "--junit", "nowhere/report.xml")
    assert "No such file or directory: 'nowhere/report.xml'" in isthmus("prove", *options, status=2)
    said = isthmus("prove", link.name, "--owner", "owner", "--as", "partner", status=2)
    assert f"not the user {PARTNER}:user/{link.user.name}" in said
