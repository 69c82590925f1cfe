"""Each refusal by a policy says what would help; done through the API, it helps.

The message of a refusal is decoded by the account that owns the resource, the changes it lists are made with boto3,
each by the administrator of the account it names, and the very call that was refused is made again.
"""

from __future__ import annotations

import json
import urllib.error
from xml.etree import ElementTree

import bucket_refusals  # noqa: F401 - importing a table fills it
import pytest
import s3_refusals  # noqa: F401
import sts_refusals  # noqa: F401
from botocore.exceptions import ClientError
from refusal_table import REFUSALS, Action, Attempt, Refusal, answer_of
from stage import Account, Document, Stage, policy, unique

# A role that does not exist is refused like one that trusts nobody; no change to a policy makes it exist.
ABSENT = "assume role that does not exist reads as forbidden"
# Wrong one-time codes are no policy's matter either, and a device has only so many codes for one run of the tests.
ROWS = [row for row in REFUSALS if row.code == "AccessDenied" and row.title != ABSENT and " mfa code" not in row.title]
# Refused before any policy is asked: there is nothing that a policy could change.
UNASKED = {
    "assume role with somebody elses mfa device", "assume role as root", "a presigned address after its time",
    "a chained session with another source identity", "get session token with temporary credentials",
    "listing buckets anonymously",
    "a public policy on a bucket that blocks public policies",
}  # fmt: skip


def message_of(action: Action) -> str | None:
    """The encoded message of a refusal."""
    try:
        action()
    except ClientError as error:
        found: str | None = error.response["Error"].get("EncodedAuthorizationMessage")
        return found
    except urllib.error.HTTPError as error:
        return ElementTree.fromstring(error.read()).findtext("EncodedAuthorizationMessage")
    raise AssertionError("it was not refused")


def decoded(stage: Stage, message: str) -> Document:
    """The decision as the owner of the resource sees it: of all accounts the one that is told most."""
    views = []
    for account in (stage.owner, stage.partner, stage.stranger):
        try:
            answer = account.sts.decode_authorization_message(EncodedMessage=message)
        except ClientError:
            continue
        views.append(json.loads(answer["DecodedMessage"]))
    return max(views, key=lambda view: len(view["changes"]["items"]))


class Administrators:
    """Make the changes of a decoded decision, each in its account."""

    def __init__(self, stage: Stage, attempt: Attempt, decision: Document) -> None:
        self.accounts = {account.id: account for account in (stage.owner, stage.partner, stage.stranger)}
        self.attempt = attempt
        self.principal: str = decision["context"]["principal"]["arn"]
        self.resource: str = decision["context"]["resource"]
        self.again: Action = attempt.refused

    def make(self, change: Document) -> None:
        account = self.accounts[change["account"]]
        if change["kind"] == "satisfy":
            self.again = self.attempt.allowed  # the same call, sent with what the statement asks for
            assert change["context"]
            return
        layer = change["policyType"]
        if layer == "resource-based policy":
            self._bucket_policy(account, change)
        elif layer == "role trust policy":
            self._trust_policy(account, change)
        elif layer == "session policy":
            assert self.attempt.renew is not None
            self.again = self.attempt.renew(lambda document: edited(document, change))
        elif change["where"].startswith("arn:"):
            self._managed_policy(account, change)
        else:
            self._inline_policy(account, change)

    def _bucket_policy(self, account: Account, change: Document) -> None:
        bucket = self.resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        try:
            document = json.loads(account.s3.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError:
            document = policy()
        if (change["statement"] or {}).get("Principal") == "*" and change["kind"] == "add":
            account.s3.delete_public_access_block(Bucket=bucket)  # as the explanation says
            assert "Block Public Access" in change["explanation"]
        document = edited(document, change)
        if document["Statement"]:
            account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
        else:
            account.s3.delete_bucket_policy(Bucket=bucket)

    def _trust_policy(self, account: Account, change: Document) -> None:
        name = self.resource.rpartition("/")[2]
        document = account.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        account.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(edited(document, change)))

    def _managed_policy(self, account: Account, change: Document) -> None:
        arn = change["where"]
        version = account.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = account.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        account.iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=json.dumps(edited(document, change)), SetAsDefault=True
        )

    def _inline_policy(self, account: Account, change: Document) -> None:
        assert change["kind"] == "add"
        text, kind, name = json.dumps(policy(change["statement"])), *self._entity()
        if kind == "user":
            account.iam.put_user_policy(UserName=name, PolicyName=unique("help"), PolicyDocument=text)
        else:
            account.iam.put_role_policy(RoleName=name, PolicyName=unique("help"), PolicyDocument=text)

    def _entity(self) -> tuple[str, str]:
        kind, name = self.principal.split(":", 5)[5].split("/")[:2]
        return ("role" if kind == "assumed-role" else kind), name


def edited(document: Document, change: Document) -> Document:
    """A document after one change."""
    statements = document["Statement"]
    statements = list(statements) if isinstance(statements, list) else [statements]
    if change["kind"] == "add":
        statements.append(change["statement"])
    else:
        assert statements[change["index"]] == change["statement"]
        statements[change["index"] : change["index"] + 1] = change["replacement"]
    return {**document, "Statement": statements}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_the_changes_it_names_make_the_refused_call_pass(row: Refusal, stage: Stage) -> None:
    attempt = row.arrange(stage)
    message = message_of(attempt.refused)
    assert (message is None) is (row.title in UNASKED)
    if message is None:
        return
    decision = decoded(stage, message)
    changes = decision["changes"]["items"]
    assert changes
    for change in changes:
        assert change["account"] in (stage.owner.id, stage.partner.id, stage.stranger.id)
        assert change["policyType"]
        assert change["statement"]
    administrators = Administrators(stage, attempt, decision)
    for change in changes:
        administrators.make(change)
    answer = answer_of(administrators.again)
    # Who may list is told that the key is missing: that is the request having passed.
    assert answer is None or answer.code == "NoSuchKey"


def test_most_refusals_of_the_table_are_by_policies() -> None:
    assert len(ROWS) - len(UNASKED) >= 20
    assert {row.title for row in ROWS} >= UNASKED
