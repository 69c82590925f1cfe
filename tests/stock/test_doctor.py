"""`isthmus doctor` on a real server: mistakes made, found, mended by the command or document that was told."""

from __future__ import annotations

import json
import os
import shlex
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from stage import (
    OWNER,
    PARTNER,
    Account,
    Keys,
    Someone,
    Stage,
    Terminal,
    allow,
    keys_on,
    policy,
    statement,
    trust,
    unique,
)
from typer.testing import CliRunner

from isthmus.access.doctor import RULES
from isthmus.access.profiles import Side
from isthmus.cli import doctor_command
from isthmus.cli.commands import app


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, terminal: Terminal, stage: Stage) -> list[str]:
    """Profiles of both administrators; every call that the command makes is noted: `profile service Operation`."""
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    made: list[str] = []

    class Watched(Side):
        def client(self, service: str, region: str | None = None) -> Any:
            client = super().client(service, region)
            client.meta.events.register("before-send", self._note, unique_id="watch")
            return client

        def _note(self, event_name: str, **_more: Any) -> None:
            made.append(f"{self.profile} {event_name.removeprefix('before-send.').replace('.', ' ')}")

    monkeypatch.setattr(doctor_command, "Side", Watched)
    return made


def doctor(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, ["doctor", *arguments, "--output", "json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def findings(report: Any, rule: str) -> list[Any]:
    return [one for one in report["findings"] if one["rule"] == rule]


def test_a_profile_s_mistake_is_found_at_its_line_and_mended_by_the_command_told(
    calls: list[str], stage: Stage, terminal: Terminal
) -> None:
    shown = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringEquals": {"sts:ExternalId": "agreed"}}
    role = stage.owner.new_role(trust(PARTNER, **shown))
    own_devices = allow("iam:ListMFADevices", "*")
    stage.partner.iam.put_user_policy(UserName="mfa-cli", PolicyName="own", PolicyDocument=json.dumps(own_devices))
    terminal.add_profile("me", stage.mfa_users["mfa-cli"].keys)
    config = terminal.home / ".aws" / "config"
    with config.open("a") as opened:
        opened.write(f"[profile shared]\nrole_arn = {role}\nsource_profile = me\nregion = us-east-1\n")
    line = len(config.read_text().splitlines()) - 2
    report = doctor("--profile", "shared", "--owner", "owner", "--only", "profiles", status=1)
    by_rule = {one["rule"]: one for one in report["findings"]}
    assert set(by_rule) == {
        "profile-endpoint-on-source-only", "profile-mfa-serial-missing", "profile-external-id-missing",
    }  # fmt: skip
    for one in by_rule.values():
        assert (one["where"]["file"], one["where"]["line"]) == (str(config), line)
        _, *command = shlex.split(one["fix"]["command"])
        terminal.must("partner", *command)
    assert doctor("--profile", "shared", "--owner", "owner", "--only", "profiles")["findings"] == []
    stage.partner.iam.delete_user_policy(UserName="mfa-cli", PolicyName="own")
    written = config.read_text().partition("[profile shared]")[2]
    device = stage.mfa_serial("mfa-cli")
    for setting in (f"endpoint_url = {stage.endpoint}", f"mfa_serial = {device}", "external_id = agreed"):
        assert setting in written


class AnHourAhead(BaseHTTPRequestHandler):
    """STS on a machine whose clock is wrong."""

    def do_POST(self) -> None:
        body = (
            b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn><UserId>AIDA"
            b"</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        self.send_response_only(200)
        self.send_header("Date", formatdate(time.time() + 3600, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is printed."""


def test_a_clock_that_is_wrong_is_found_and_one_that_is_right_is_not(calls: list[str], terminal: Terminal) -> None:
    server = HTTPServer(("127.0.0.1", 0), AnHourAhead)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    terminal.add_profile("ahead", Keys("AKIAIOSFODNN7EXAMPLE", "not a secret"), endpoint_url=address)
    only = ("--only", "clock-skew", "--only", "profile-unusable")
    (one,) = doctor("--profile", "ahead", *only, status=1)["findings"]
    server.shutdown()
    server.server_close()
    assert (one["rule"], one["severity"]) == ("clock-skew", "error")
    assert "3600 seconds behind" in one["what"] or "3599 seconds behind" in one["what"]
    assert doctor("--profile", "owner", *only)["findings"] == []
    (refused,) = doctor("--profile", "ahead", "--only", "profile-unusable", status=1)["findings"]
    assert "Could not connect" in refused["what"]
    assert doctor("--profile", "ahead", "--offline", *only)["findings"] == []


def test_keys_that_the_server_does_not_know_are_found(calls: list[str], terminal: Terminal) -> None:
    terminal.add_profile("old", Keys("AKIAIOSFODNN7EXAMPLE", "not a secret"))
    (one,) = doctor("--profile", "old", "--only", "profile-unusable", status=1)["findings"]
    assert "InvalidClientTokenId" in one["what"]
    assert one["fix"]["command"] == "aws configure --profile old"


def test_without_a_profile_of_the_role_s_account_it_says_what_was_not_checked(
    calls: list[str], stage: Stage, terminal: Terminal
) -> None:
    terminal.add_profile("shared", None, role_arn=f"arn:aws:iam::{OWNER}:role/Reader", source_profile="partner")
    report = doctor("--profile", "shared", "--skip", "policies")
    needs = {name: one["needs"] for one in report["notChecked"] for name in one["rules"]}
    assert f"a profile of account {OWNER}" in needs["profile-mfa-serial-missing"]
    assert "--owner PROFILE and --with PROFILE" in needs["caller-not-trusted"]


def mistaken(stage: Stage, name: str) -> tuple[str, str]:
    """A role of the owner with an MFA condition that has a hole, for a principal that is deleted; and its ARN."""
    gone = stage.owner.new_user()
    arn = stage.owner.new_role(
        policy(
            {**trust(gone.arn)["Statement"][0], "Sid": "Gone"},
            {**trust(PARTNER, BoolIfExists={"aws:MultiFactorAuthPresent": "true"})["Statement"][0], "Sid": "Hole"},
            {**trust("*")["Statement"][0], "Sid": "Everybody"},
        )
    )
    remove(stage.owner, gone)
    return arn.rpartition("/")[2], arn


def remove(account: Account, who: Someone) -> None:
    account.iam.delete_access_key(UserName=who.name, AccessKeyId=who.keys.id)
    account.iam.delete_user(UserName=who.name)


def test_mistakes_of_a_trust_policy_are_found_and_its_documents_mend_them(calls: list[str], stage: Stage) -> None:
    name, arn = mistaken(stage, "role")
    only = ("--owner", "owner", "--role", name, "--only", "policies")
    report = doctor(*only, status=1)
    found = {one["rule"]: one for one in report["findings"]}
    assert set(found) == {
        "principal-deleted", "mfa-if-exists", "trust-no-external-id", "trust-wildcard-principal",
    }  # fmt: skip
    assert {one["where"]["arn"] for one in report["findings"]} == {arn}
    assert found["mfa-if-exists"]["where"]["statement"] == "Hole"
    assert "AIDA" in found["principal-deleted"]["what"]
    for rule in ("principal-deleted", "mfa-if-exists", "trust-wildcard-principal", "trust-no-external-id"):
        (one, *_) = findings(doctor(*only, status=1), rule)
        text = json.dumps(one["fix"]["document"]).replace("ARN-OF-ITS-SUCCESSOR", stage.owner.admin.arn)
        stage.owner.iam.update_assume_role_policy(RoleName=name, PolicyDocument=text)
    assert doctor(*only)["findings"] == []


def test_callers_that_are_not_trusted_and_trusted_ones_that_are_not_allowed(calls: list[str], stage: Stage) -> None:
    silent, willing = stage.partner.new_user(), stage.partner.new_user()
    role = stage.owner.new_role(trust(silent.arn))
    document = allow("sts:AssumeRole", role)
    stage.partner.iam.put_user_policy(UserName=willing.name, PolicyName="take", PolicyDocument=json.dumps(document))
    only = ("--owner", "owner", "--with", "partner", "--role", role.rpartition("/")[2], "--only", "callers")
    report = doctor(*only, status=1)
    (untrusted,), (unallowed,) = findings(report, "caller-not-trusted"), findings(report, "trusted-not-allowed")
    assert untrusted["where"]["arn"] == willing.arn
    assert unallowed["where"]["arn"] == role
    assert silent.arn in unallowed["what"]
    stage.owner.iam.update_assume_role_policy(
        RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps(untrusted["fix"]["document"])
    )
    stage.partner.iam.put_user_policy(
        UserName=silent.name, PolicyName="take", PolicyDocument=json.dumps(unallowed["fix"]["document"])
    )
    assert doctor(*only)["findings"] == []
    for who in (silent, willing):
        assert stage.partner.client("sts", who).assume_role(RoleArn=role, RoleSessionName="stock")["Credentials"]


def test_objects_of_the_other_account_and_a_key_that_is_not_shared(calls: list[str], stage: Stage) -> None:
    bucket = stage.owner.new_bucket(ObjectOwnership="ObjectWriter")
    grant = statement("Allow", ["s3:PutObject", "s3:GetObject"], keys_on(bucket), Principal={"AWS": PARTNER})
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(grant)))
    stage.partner.s3.put_object(Bucket=bucket, Key="theirs", Body=b"a")
    stage.owner.s3.put_object(Bucket=bucket, Key="ours", Body=b"a")
    kms = stage.owner.client("kms", stage.owner.admin)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}]}
    stage.owner.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=encryption)
    only = ("--owner", "owner", "--bucket", bucket, "--only", "buckets")
    report = doctor(*only, status=1)
    (objects,) = findings(report, "bucket-objects-of-others")
    assert objects["what"].startswith("1 of 2 objects (theirs")
    shared = findings(report, "bucket-key-not-shared")
    assert len(shared) == 2  # kms:Decrypt and kms:GenerateDataKey
    for rule in ("bucket-key-not-shared", "bucket-key-not-shared"):
        (one, *_) = findings(doctor(*only, status=1), rule)
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(one["fix"]["document"]))
    stage.owner.s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    assert doctor(*only)["findings"] == []
    assert doctor(*only, "--objects", "0")["findings"] == []


def test_a_public_policy_is_told_with_the_block_and_without(calls: list[str], stage: Stage) -> None:
    bucket = stage.owner.new_bucket()
    stage.owner.s3.delete_public_access_block(Bucket=bucket)
    grant = statement("Allow", "s3:GetObject", keys_on(bucket), Principal="*", Sid="Everybody")
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(grant)))
    only = ("--owner", "owner", "--bucket", bucket, "--only", "buckets")
    (public,) = doctor(*only, status=1)["findings"]
    assert (public["rule"], public["where"]["statement"]) == ("bucket-public", "Everybody")
    stage.owner.s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    (blocked,) = doctor(*only, status=1)["findings"]
    assert (blocked["rule"], blocked["severity"]) == ("bucket-policy-blocked", "error")


def test_a_permission_that_is_missing_is_told_and_hides_nothing_else(
    calls: list[str], stage: Stage, terminal: Terminal
) -> None:
    bucket = stage.owner.new_bucket()
    seen = ["s3:ListAllMyBuckets", "s3:GetBucketLocation"]
    terminal.add_profile("half", stage.owner.new_user(allow(seen, "*")).keys)
    report = doctor("--owner", "half", "--role", "any", "--bucket", bucket, "--skip", "profiles", "--skip", "callers")
    needs = {one["needs"] for one in report["notChecked"]}
    assert needs == {
        f"{permission} in account {OWNER}"
        for permission in (
            "iam:GetAccountAuthorizationDetails", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock",
            "s3:GetAccountPublicAccessBlock", "s3:GetBucketOwnershipControls",
        )
    }  # fmt: skip
    told = {name for one in report["notChecked"] for name in one["rules"]}
    assert told >= {"bucket-policy-blocked", "bucket-objects-of-others", "trust-no-external-id"}
    assert report["lookedAt"] == {"buckets": 1}


def test_nothing_is_changed_by_looking(calls: list[str], stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"a": b"a"})
    name, _ = mistaken(stage, "role")
    before = stage.owner.iam.get_account_authorization_details(), stage.owner.s3.list_objects_v2(Bucket=bucket)
    doctor("--owner", "owner", "--with", "partner", "--bucket", bucket, "--role", name, status=1)
    after = stage.owner.iam.get_account_authorization_details(), stage.owner.s3.list_objects_v2(Bucket=bucket)
    for answer in (*before, *after):
        answer.pop("ResponseMetadata")
    assert before == after
    operations = {call.split()[-1] for call in calls}
    assert operations
    assert all(name.startswith(("Get", "List", "Describe")) for name in operations)


def test_the_exit_status_is_for_pipelines(calls: list[str], stage: Stage) -> None:
    name, _ = mistaken(stage, "role")
    only = ("--owner", "owner", "--role", name)
    doctor(*only, "--only", "trust-no-external-id", "--fail-on", "error")
    doctor(*only, "--only", "trust-no-external-id", status=1)
    doctor(*only, "--only", "mfa-if-exists", "--fail-on", "error", status=1)
    doctor(*only, "--only", "mfa-if-exists", "--fail-on", "never")
    for arguments, said in (
        (["--owner", "nobody"], "no AWS profile 'nobody'"),
        (["--only", "nonsense"], "isthmus doctor --rules"),
        (["--profile", "nobody"], "no AWS profile 'nobody'"),
    ):
        result = CliRunner().invoke(app, ["doctor", *arguments])
        assert result.exit_code == 2
        assert said in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--owner", "owner", "--role", "nobody-there"), f"account {OWNER} has no role 'nobody-there'"),
        (("--owner", "owner", "--bucket", "nothing-there"), "there is no bucket 'nothing-there'"),
        (("--role", "nobody-there"), "say whose with --owner PROFILE"),
    ],
    ids=["role", "bucket", "no account"],
)
def test_what_is_named_and_is_not_there_is_no_clean_bill(
    arguments: tuple[str, ...], said: str, calls: list[str], stage: Stage
) -> None:
    result = CliRunner().invoke(app, ["doctor", *arguments, "--only", "policies", "--only", "buckets"])
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_people_see_where_what_and_the_fix(calls: list[str], stage: Stage) -> None:
    name, arn = mistaken(stage, unique("role"))
    result = CliRunner().invoke(app, ["doctor", "--owner", "owner", "--role", name, "--only", "policies"])
    assert result.exit_code == 1
    for part in (f"error {arn}, statement Hole (line", "mfa-if-exists", "update-assume-role-policy", '"Bool": {'):
        assert part in result.output
    assert "Looked at 1 role: 3 errors, 1 warning" in result.output
    listed = CliRunner().invoke(app, ["doctor", "--rules"])
    assert all(rule in listed.output for rule in RULES)
