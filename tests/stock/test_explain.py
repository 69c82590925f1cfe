"""`isthmus explain`: refusals of a real server, told from both sides, with the lines that decided."""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from stage import OWNER, PARTNER, Stage, Terminal, allow, keys_on, policy, statement, trust
from typer.testing import CliRunner

from isthmus.cli.commands import app

POLICY = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Partners",
      "Effect": "Allow",
      "Principal": {"AWS": "%(partner)s"},
      "Action": "s3:GetObject",
      "Resource": "arn:aws:s3:::%(bucket)s/*"
    },
    {
      "Sid": "NotThese",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:GetObject",
      "Resource": "arn:aws:s3:::%(bucket)s/secret/*"
    }
  ]
}"""


@pytest.fixture(autouse=True)
def profiles(monkeypatch: pytest.MonkeyPatch, terminal: Terminal, stage: Stage) -> None:
    terminal.add_profile("owner", stage.owner.admin.keys)
    terminal.add_profile("partner", stage.partner.admin.keys)
    terminal.add_profile("stranger", stage.stranger.admin.keys)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)


def run(*arguments: str, text: str | None = None, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["explain", *arguments], input=text)
    assert result.exit_code == status, result.output
    return result.output


def explained(*arguments: str, text: str | None = None) -> Any:
    return json.loads(run(*arguments, "--output", "json", text=text))


BOTH = ("--profile", "partner", "--owner", "owner")


def error_of(call: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value


def layer(decision: Any, kind: str) -> Any:
    (found,) = [one for one in decision["layers"]["items"] if one.get("type") == kind]
    return found


@pytest.fixture
def refused(stage: Stage) -> tuple[str, str]:
    """A bucket that denies one part to a user of the other account who may read all of it; bucket, user's ARN."""
    bucket = stage.owner.new_bucket({"secret/a": b"a", "open/a": b"a"})
    who = stage.partner.new_user(allow("s3:GetObject", keys_on(bucket)))
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=POLICY % {"partner": PARTNER, "bucket": bucket})
    reader = stage.partner.client("s3", who)
    assert reader.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"a"
    error_of(lambda: reader.get_object(Bucket=bucket, Key="secret/a"))
    return bucket, who.arn


def test_a_question_shows_both_sides_and_the_line_that_denies(refused: tuple[str, str]) -> None:
    bucket, who = refused
    decision = explained(who, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a", *BOTH)
    assert decision["outcome"] == "denied"
    assert decision["unknownSides"] == []
    assert {one["side"] for one in decision["layers"]["items"]} == {"caller", "owner"}
    (denies,) = layer(decision, "resource-based policy")["statements"]
    assert (denies["statementId"], denies["line"], denies["column"]) == ("NotThese", 11, 5)
    assert [one["line"] for one in denies["excerpt"]["lines"]] == list(range(11, 18))
    assert denies["excerpt"]["lines"][1]["text"] == '      "Sid": "NotThese",'
    allowed = explained(who, "s3:GetObject", f"arn:aws:s3:::{bucket}/open/a", *BOTH)
    assert allowed["outcome"] == "allowed"
    assert allowed["changes"]["items"] == []


def test_people_see_the_lines_with_a_marker_and_what_to_paste(refused: tuple[str, str]) -> None:
    bucket, who = refused
    printed = run(who, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a", *BOTH)
    assert "denied" in printed
    assert f"The principal's side, account {PARTNER}" in printed
    assert f"The resource's side, account {OWNER}" in printed
    assert re.search(r"> 11 │ +\{\n +12 │ +\"Sid\": \"NotThese\"", printed)
    assert f"aws s3api put-bucket-policy --bucket {bucket} --policy file://policy.json" in printed


def test_the_document_of_a_change_makes_the_refused_call_pass(refused: tuple[str, str], stage: Stage) -> None:
    bucket, who = refused
    decision = explained(who, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a", *BOTH)
    (change,) = decision["changes"]["items"]
    assert change["account"] == OWNER
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(change["document"]))
    assert explained(who, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a", *BOTH)["outcome"] == "allowed"


def test_what_both_accounts_lack_is_one_document_for_each(stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"a": b"a"})
    who = stage.partner.new_user()
    reader = stage.partner.client("s3", who)
    text = str(error_of(lambda: reader.get_object(Bucket=bucket, Key="a")))
    decision = explained(*BOTH, "--principal", who.arn, "--resource", f"arn:aws:s3:::{bucket}/a", text=text)
    documents = {change["account"]: json.dumps(change["document"]) for change in decision["changes"]["items"]}
    assert set(documents) == {OWNER, PARTNER}
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=documents[OWNER])
    stage.partner.iam.put_user_policy(UserName=who.name, PolicyName="new", PolicyDocument=documents[PARTNER])
    assert reader.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"


def test_several_changes_of_one_policy_are_one_document(stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"secret/a": b"a"})
    who = stage.partner.new_user(allow("s3:GetObject", keys_on(bucket)))
    document = json.loads(POLICY % {"partner": PARTNER, "bucket": bucket})
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(document["Statement"][1])))
    question = (who.arn, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a", *BOTH)
    narrowed, added = explained(*question)["changes"]["items"]
    assert (narrowed["kind"], added["kind"]) == ("narrow", "add")
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(added["document"]))
    assert stage.partner.client("s3", who).get_object(Bucket=bucket, Key="secret/a")["Body"].read() == b"a"
    printed = run(*question)
    assert printed.startswith("allowed")


def test_an_encoded_message_is_explained_as_the_server_decided_it(stage: Stage) -> None:
    bucket = stage.owner.new_bucket({"a": b"a"})
    who = stage.owner.new_user()
    error = error_of(lambda: stage.owner.client("s3", who).get_object(Bucket=bucket, Key="a"))
    message = error.response["Error"]["EncodedAuthorizationMessage"]
    text = f"You are not authorized to perform this operation. Encoded authorization failure message: {message}"
    decision = explained("--profile", "owner", text=text)
    assert decision["asDecided"] is True
    assert decision["context"]["principal"]["arn"] == who.arn
    assert decision["decidedBy"] == "identity-based policy"
    assert "no server behind these profiles" in run("--profile", "stranger", text=text, status=2)


def test_one_profile_explains_its_side_and_says_how_to_supply_the_other(refused: tuple[str, str]) -> None:
    bucket, who = refused
    question = (who, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a")
    mine = explained(*question, "--profile", "partner")
    assert mine["outcome"] == "unknown"
    (other,) = mine["unknownSides"]
    assert (other["side"], other["account"]) == ("owner", None)
    assert "--owner" in other["why"]
    assert {one["side"] for one in mine["layers"]["items"]} == {"caller"}
    theirs = explained(*question, "--owner", "owner")
    assert theirs["outcome"] == "denied"
    assert [(one["side"], one["account"]) for one in theirs["unknownSides"]] == [("caller", PARTNER)]
    assert "--profile" in theirs["unknownSides"][0]["why"]
    assert layer(theirs, "resource-based policy")["verdict"] == "explicit deny"
    assert "not known" in run(*question, "--profile", "partner")
    silent = explained(who, "s3:PutObject", f"arn:aws:s3:::{bucket}/a", "--profile", "partner")
    assert silent["outcome"] == "denied"
    assert [change["account"] for change in silent["changes"]["items"]] == [PARTNER]


def test_the_usual_profile_stands_for_the_principal_s_account(
    refused: tuple[str, str], stage: Stage, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, who = refused
    question = (who, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a", "--owner", "owner")
    assert [one["side"] for one in explained(*question)["unknownSides"]] == ["caller"]
    monkeypatch.setenv("AWS_PROFILE", "partner")
    assert explained(*question)["unknownSides"] == []
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert [one["side"] for one in explained(*question)["unknownSides"]] == ["caller"]
    assert "no AWS profile 'nobody'" in run(*question[:3], status=2)


def test_a_permission_that_is_missing_leaves_a_side_unknown_and_says_which(
    refused: tuple[str, str], stage: Stage, terminal: Terminal
) -> None:
    bucket, who = refused
    terminal.add_profile("half", stage.owner.new_user(allow("s3:GetBucketLocation", "*")).keys)
    question = (who, "s3:GetObject", f"arn:aws:s3:::{bucket}/secret/a")
    decision = explained(*question, "--profile", "partner", "--owner", "half")
    assert decision["outcome"] == "unknown"
    (owner,) = decision["unknownSides"]
    assert (owner["account"], "s3:GetBucketPolicy" in owner["why"]) == (OWNER, True)
    terminal.add_profile("none", stage.partner.new_user().keys)
    decision = explained(*question, "--profile", "none", "--owner", "owner")
    assert decision["outcome"] == "denied"
    (caller,) = decision["unknownSides"]
    assert (caller["account"], "iam:GetAccountAuthorizationDetails" in caller["why"]) == (PARTNER, True)


def test_a_request_id_is_explained_as_the_server_decided_it(stage: Stage, terminal: Terminal) -> None:
    role = stage.owner.new_role(trust(PARTNER, Bool={"aws:MultiFactorAuthPresent": "true"}))
    who = stage.partner.new_user(allow("sts:AssumeRole", role))
    sts = stage.partner.client("sts", who)
    error = error_of(lambda: sts.assume_role(RoleArn=role, RoleSessionName="without"))
    request_id = error.response["ResponseMetadata"]["RequestId"]
    decision = eventually(lambda: explained(request_id, *BOTH))
    assert decision["asDecided"] is True
    assert decision["outcome"] == "denied"
    assert decision["decidedBy"] == "role trust policy"
    (nearest,) = layer(decision, "role trust policy")["nearest"]
    assert nearest["unmatched"] == ["Condition Bool aws:MultiFactorAuthPresent"]
    assert "aws:MultiFactorAuthPresent" in json.dumps(nearest["excerpt"])
    (mark,) = nearest["excerpt"]["marks"]
    assert "Condition Bool" in mark["what"]
    terminal.add_profile("half", stage.owner.new_user(allow("iam:GetAccountAuthorizationDetails", "*")).keys)
    assert "lacks sts:DecodeAuthorizationMessage" in run(request_id, "--profile", "half", status=2)
    # The caller's account is told its own side, and whom to ask about the other.
    alone = explained(request_id, "--profile", "partner")
    assert [one["account"] for one in alone["unknownSides"]] == [OWNER]
    assert "no server behind these profiles" in run(request_id, "--profile", "stranger", status=2)


def test_a_policy_that_changed_since_is_not_quoted(stage: Stage) -> None:
    role = stage.owner.new_role(trust(PARTNER, StringEquals={"sts:ExternalId": "agreed"}))
    who = stage.partner.new_user(allow("sts:AssumeRole", role))
    sts = stage.partner.client("sts", who)
    error = error_of(lambda: sts.assume_role(RoleArn=role, RoleSessionName="without"))
    request_id = error.response["ResponseMetadata"]["RequestId"]
    document = policy({"Sid": "Changed", **trust(PARTNER)["Statement"][0]})
    stage.owner.iam.update_assume_role_policy(
        RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps(document, indent=1)
    )
    decision = eventually(lambda: explained(request_id, *BOTH))
    (nearest,) = layer(decision, "role trust policy")["nearest"]
    assert nearest["excerpt"] is None
    assert any("has changed since" in note for note in decision["notes"])


def eventually(call: Any) -> Any:
    """The server keeps a refusal within a second."""
    for _ in range(40):
        try:
            return call()
        except AssertionError as error:
            last = error
            time.sleep(0.1)
    raise last


def test_what_the_aws_command_prints_is_explained(refused: tuple[str, str], stage: Stage, terminal: Terminal) -> None:
    bucket, _ = refused
    who = stage.partner.new_user()
    terminal.add_profile("me", who.keys)
    printed = terminal.aws("me", "s3", "cp", f"s3://{bucket}/open/a", "-").output
    assert "when calling the HeadObject operation" in printed
    decision = explained(*BOTH, "--principal", who.arn, "--resource", f"arn:aws:s3:::{bucket}/open/a", text=printed)
    assert decision["context"]["action"] == "s3:GetObject"
    assert decision["decidedBy"] == "identity-based policy"
    printed = terminal.aws("me", "iam", "list-users").output
    decision = explained("--profile", "partner", text=printed)
    assert decision["context"]["principal"]["arn"] == who.arn
    assert decision["context"]["action"] == "iam:ListUsers"
    assert decision["decidedBy"] == "identity-based policy"


def test_the_error_document_of_s3_and_of_iam_are_explained(refused: tuple[str, str], stage: Stage) -> None:
    bucket, _ = refused
    who = stage.owner.new_user()
    bodies: list[str] = []
    for service, call in (
        ("s3", lambda client: client.get_object(Bucket=bucket, Key="open/a")),
        ("iam", lambda client: client.list_users()),
    ):
        client = stage.owner.client(service, who)
        client.meta.events.register(
            "before-parse", lambda response_dict, **_: bodies.append(response_dict["body"].decode())
        )
        error_of(lambda: call(client))  # noqa: B023
    for body, action in zip(bodies, ("s3:GetObject", "iam:ListUsers"), strict=True):
        assert body.lstrip().startswith("<")
        decision = explained("--profile", "owner", text=body)
        assert decision["context"]["action"] == action
        assert decision["decidedBy"] == "identity-based policy"


def test_a_key_s_policy_is_one_of_the_layers(stage: Stage) -> None:
    kms = stage.owner.client("kms", stage.owner.admin)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    who = stage.partner.new_user(allow("kms:Decrypt", key))
    decision = explained(who.arn, "kms:Decrypt", key, *BOTH)
    assert decision["decidedBy"] == "resource-based policy"
    (change,) = decision["changes"]["items"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(change["document"]))
    assert explained(who.arn, "kms:Decrypt", key, *BOTH)["outcome"] == "allowed"


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (("alice", "s3:GetObject", "*"), None, "is no principal"),
        ((), "it does not work", "paste all of it"),
        ((), "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied", "--resource"),
        ((), f"User: arn:aws:iam::{PARTNER}:user/admin is not authorized", "paste all of it"),
        ((), "Not authorized to perform sts:AssumeRoleWithWebIdentity", "the provider's token"),
        ((), "User: anonymous is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::a/b", "not signed"),
        ((f"arn:aws:iam::{PARTNER}:user/nobody", "s3:ListAllMyBuckets", "*"), None, "has no"),
    ],
    ids=["principal", "nonsense", "no resource", "half", "token", "anonymous", "nobody"],
)
def test_what_cannot_be_explained_says_what_to_give(arguments: tuple[str, ...], text: str | None, said: str) -> None:
    assert said in run(*arguments, "--profile", "partner", text=text, status=2)


def test_what_a_session_was_made_with_is_said_not_to_be_known(stage: Stage) -> None:
    role = stage.owner.new_role(trust(OWNER), allow("s3:ListAllMyBuckets", "*"))
    session = f"arn:aws:sts::{OWNER}:assumed-role/{role.rpartition('/')[2]}/somebody"
    decision = explained(session, "s3:ListAllMyBuckets", "*", "--profile", "owner")
    assert decision["outcome"] == "allowed"
    assert any("when the session was made" in note for note in decision["notes"])
    denied = explained(session, "s3:CreateBucket", "arn:aws:s3:::no", "--profile", "owner")
    assert not any("when the session was made" in note for note in denied["notes"])


def test_a_policy_of_an_endpoint_that_the_text_names_is_said_not_to_be_looked_at(stage: Stage) -> None:
    who = stage.partner.new_user(allow("s3:ListAllMyBuckets", "*"))
    text = f"""User: {who.arn} is not authorized to perform: s3:ListAllMyBuckets on resource: "arn:aws:s3:::*" with
an explicit deny in a VPC endpoint policy"""
    decision = explained("--profile", "partner", text=text)
    assert any("VPC endpoint" in note for note in decision["notes"])
    assert statement("Allow", "*", "*")["Effect"] == "Allow"
