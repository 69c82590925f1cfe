"""An organization as its owner builds it with the stock SDK and CLI, and what its policies do on a real server.

root ── Owner (management)
     ├─ Stranger stays outside
     └─ Workloads ── Production ── Partner, and an account made by CreateAccount
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from stage import Account, Client, Document, Keys, Stage, Terminal, allow, deny, keys_on, policy, statement, unique
from workers import one_connection_to_each_worker

SCP, RCP, FULL = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "p-FullAWSAccess"
pytestmark = pytest.mark.xdist_group("organization")  # one tree, which the tests change and put back


class Tree:
    """The organization, the accounts in it, and the clients of whoever acts."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.owner, self.partner, self.stranger = stage.owner, stage.partner, stage.stranger
        self.organizations = self.owner.client("organizations", self.owner.admin)
        self.id = self.organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.root = self.organizations.list_roots()["Roots"][0]["Id"]
        self.workloads = self.unit(self.root, "Workloads")
        self.production = self.unit(self.workloads, "Production")
        self.join()
        status = self.organizations.create_account(AccountName="data", Email="data@example.com")["CreateAccountStatus"]
        found = self.organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])
        self.data: str = found["CreateAccountStatus"]["AccountId"]
        self.move(self.data)
        role = f"arn:aws:iam::{self.data}:role/OrganizationAccountAccessRole"
        self.data_admin = Keys.of(self.owner.sts.assume_role(RoleArn=role, RoleSessionName="setup"))

    def unit(self, parent: str, name: str) -> str:
        made = self.organizations.create_organizational_unit(ParentId=parent, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def join(self) -> None:
        """Partner is invited, accepts, and is moved into Production."""
        target = {"Type": "ACCOUNT", "Id": self.partner.id}
        invited = self.organizations.invite_account_to_organization(Target=target)["Handshake"]
        theirs = self.partner.client("organizations", self.partner.admin)
        assert [one["Id"] for one in theirs.list_handshakes_for_account()["Handshakes"]][-1] == invited["Id"]
        theirs.accept_handshake(HandshakeId=invited["Id"])
        self.move(self.partner.id)

    def move(self, account: str) -> None:
        self.organizations.move_account(
            AccountId=account, SourceParentId=self.root, DestinationParentId=self.production
        )

    def attach(self, document: Document, target: str, kind: str = SCP) -> str:
        made = self.organizations.create_policy(
            Type=kind, Name=unique("policy"), Description="", Content=json.dumps(document)
        )
        policy_id = str(made["Policy"]["PolicySummary"]["Id"])
        self.organizations.attach_policy(PolicyId=policy_id, TargetId=target)
        return policy_id

    def detach(self, policy_id: str, target: str) -> None:
        self.organizations.detach_policy(PolicyId=policy_id, TargetId=target)

    def as_data(self, service: str) -> Any:
        """A client of the account that was made."""
        return Client.make(service, self.stage.endpoint, self.data_admin)

    def shared(self, **condition: Any) -> str:
        """A bucket of that account with an object, readable under a condition."""
        s3, name = self.as_data("s3"), unique("bucket")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="key", Body=b"content")
        opening = statement("Allow", "s3:GetObject", keys_on(name), Principal="*", **condition)
        if not condition:
            s3.delete_public_access_block(Bucket=name)
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy(opening)))
        return name

    def levels(self) -> dict[str, str]:
        """Everything above Partner, and Partner."""
        return {"root": self.root, "unit": self.workloads, "inner unit": self.production, "account": self.partner.id}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A server of its own: the other tests of this folder are about accounts without an organization."""
    stage = Stage(tmp_path_factory.mktemp("organization"))
    yield Tree(stage)
    assert stage.server.stop() == 0
    assert "Traceback" not in stage.server.errors.read_text()


def read(account: Account | Keys, tree: Tree, bucket: str) -> bytes:
    keys = account.root if isinstance(account, Account) else account
    body = Client.make("s3", tree.stage.endpoint, keys).get_object(Bucket=bucket, Key="key")["Body"].read()
    assert isinstance(body, bytes)
    return body


def denied(account: Account | Keys, tree: Tree, bucket: str) -> str:
    with pytest.raises(ClientError) as refusal:
        read(account, tree, bucket)
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"
    return str(refusal.value.response["Error"]["Message"])


def test_the_tree_is_listed_as_it_was_built(tree: Tree) -> None:
    client = tree.organizations
    pages = client.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 1})
    accounts = {account["Id"]: account for page in pages for account in page["Accounts"]}
    assert set(accounts) == {tree.owner.id, tree.partner.id, tree.data}
    assert accounts[tree.data]["JoinedMethod"] == "CREATED"
    children = client.get_paginator("list_children").paginate(ParentId=tree.production, ChildType="ACCOUNT")
    assert {child["Id"] for page in children for child in page["Children"]} == {tree.partner.id, tree.data}
    assert client.list_parents(ChildId=tree.production)["Parents"] == [
        {"Id": tree.workloads, "Type": "ORGANIZATIONAL_UNIT"}
    ]
    theirs = tree.partner.client("organizations", tree.partner.admin)
    assert theirs.describe_organization()["Organization"]["Id"] == tree.id
    with pytest.raises(theirs.exceptions.AccessDeniedException):
        theirs.list_accounts()


def test_errors_are_those_of_the_model_with_their_reasons(tree: Tree) -> None:
    client = tree.organizations
    with pytest.raises(client.exceptions.DuplicateOrganizationalUnitException):
        client.create_organizational_unit(ParentId=tree.root, Name="Workloads")
    with pytest.raises(client.exceptions.ConstraintViolationException) as refusal:
        client.detach_policy(PolicyId=FULL, TargetId=tree.root)
    assert refusal.value.response["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    assert "at least one attached" in refusal.value.response["Message"]
    with pytest.raises(client.exceptions.InvalidInputException) as refusal:
        client.describe_organizational_unit(OrganizationalUnitId="nonsense")
    assert refusal.value.response["Reason"] == "INVALID_PATTERN"
    outside = tree.stranger.client("organizations", tree.stranger.admin)
    with pytest.raises(outside.exceptions.AWSOrganizationsNotInUseException):
        outside.describe_organization()
    with pytest.raises(ClientError) as unknown:
        client.describe_effective_policy(PolicyType="TAG_POLICY")
    assert unknown.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_member_reads_by_organization_until_it_is_removed_on_every_worker(tree: Tree) -> None:
    bucket = tree.shared(Condition={"StringEquals": {"aws:PrincipalOrgID": tree.id}})
    path = f"/{bucket}/key"
    workers = one_connection_to_each_worker(tree.stage.server)
    try:
        for worker in workers:
            assert worker.get(path, tree.partner.root) == (200, b"content")
            assert worker.get(path, tree.stranger.root)[0] == 403
        tree.organizations.remove_account_from_organization(AccountId=tree.partner.id)
        for worker in workers:
            assert worker.get(path, tree.partner.root)[0] == 403
            assert worker.get(path, tree.owner.root) == (200, b"content")
        tree.join()
        for worker in workers:
            assert worker.get(path, tree.partner.root) == (200, b"content")
    finally:
        for worker in workers:
            worker.close()


@pytest.mark.parametrize("level", ["root", "unit", "inner unit", "account"])
def test_a_service_control_policy_denies_the_root_user_below_it_and_not_the_management_account(
    tree: Tree, level: str
) -> None:
    bucket = tree.partner.new_bucket({"key": b"mine"})
    ours = tree.owner.new_bucket({"key": b"ours"})
    target = tree.levels()[level]
    assert read(tree.partner, tree, bucket) == b"mine"
    denying = tree.attach(deny("s3:GetObject", "*"), target)
    try:
        message = denied(tree.partner, tree, bucket)
        arn = f"arn:aws:organizations::{tree.owner.id}:policy/{tree.id}/service_control_policy/{denying}"
        assert message == (
            f"User: arn:aws:iam::{tree.partner.id}:root is not authorized to perform: s3:GetObject on resource:"
            f' "arn:aws:s3:::{bucket}/key" with an explicit deny in a service control policy: {arn}'
        )
        denied(tree.partner.admin.keys, tree, bucket)
        assert read(tree.owner, tree, ours) == b"ours"
    finally:
        tree.detach(denying, target)
    assert read(tree.partner, tree, bucket) == b"mine"


@pytest.mark.parametrize("level", ["root", "unit", "inner unit", "account"])
def test_without_full_access_only_what_is_listed_is_allowed(tree: Tree, level: str) -> None:
    bucket = tree.partner.new_bucket({"key": b"mine"})
    target = tree.levels()[level]
    listing = tree.attach(allow("s3:List*", "*"), target)
    tree.detach(FULL, target)
    try:
        message = denied(tree.partner, tree, bucket)
        assert message.endswith("because no service control policy allows the s3:GetObject action")
        tree.partner.client("s3", tree.partner.root).list_objects_v2(Bucket=bucket)
    finally:
        tree.organizations.attach_policy(PolicyId=FULL, TargetId=target)
        tree.detach(listing, target)
    assert read(tree.partner, tree, bucket) == b"mine"


def test_a_resource_control_policy_shuts_out_outsiders_and_anonymous_callers(tree: Tree) -> None:
    bucket = tree.shared()
    anonymous = boto3.client(
        "s3", endpoint_url=tree.stage.endpoint, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
    )
    for account in (tree.partner, tree.stranger, tree.owner):
        assert read(account, tree, bucket) == b"content"
    assert anonymous.get_object(Bucket=bucket, Key="key")["Body"].read() == b"content"
    tree.organizations.enable_policy_type(RootId=tree.root, PolicyType=RCP)
    outside = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": tree.id}}
    closing = policy(statement("Deny", "s3:*", "*", Principal="*", Condition=outside))
    tree.attach(closing, tree.production, RCP)
    try:
        for account in (tree.partner, tree.owner):
            assert read(account, tree, bucket) == b"content"
        assert denied(tree.stranger, tree, bucket) == "Access Denied"
        with pytest.raises(ClientError, match="AccessDenied"):
            anonymous.get_object(Bucket=bucket, Key="key")
    finally:
        tree.organizations.disable_policy_type(RootId=tree.root, PolicyType=RCP)
    assert read(tree.stranger, tree, bucket) == b"content"


def test_the_encoded_message_shows_every_level_with_its_holder(tree: Tree) -> None:
    bucket = tree.partner.new_bucket({"key": b"mine"})
    denying = tree.attach(deny("s3:GetObject", "*", Sid="NoReading"), tree.workloads)
    try:
        with pytest.raises(ClientError) as refusal:
            tree.partner.s3.get_object(Bucket=bucket, Key="key")
        encoded = refusal.value.response["Error"]["EncodedAuthorizationMessage"]
        tree.detach(denying, tree.workloads)
        decoded = json.loads(tree.partner.sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    finally:
        if denying in _attached(tree, tree.workloads):
            tree.detach(denying, tree.workloads)
    (layer,) = (one for one in decoded["layers"]["items"] if one["type"] == "service control policy")
    assert [one["holder"].rpartition("/")[2] for one in layer["levels"]] == list(tree.levels().values())
    assert [one["verdict"] for one in layer["levels"]] == ["allow", "explicit deny", "allow", "allow"]
    (stated,) = decoded["matchedStatements"]["items"]
    assert stated["statementId"] == "NoReading"
    assert stated["sourcePolicyHolder"] == f"arn:aws:organizations::{tree.owner.id}:ou/{tree.id}/{tree.workloads}"


def _attached(tree: Tree, target: str) -> list[str]:
    found = tree.organizations.list_policies_for_target(TargetId=target, Filter=SCP)
    return [one["Id"] for one in found["Policies"]]


def test_the_cli_unlocks_a_bucket_of_a_member_as_its_root(tree: Tree, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home", tree.stage.endpoint)
    terminal.add_profile("admin", tree.owner.admin.keys)
    bucket = unique("locked")
    tree.as_data("s3").create_bucket(Bucket=bucket)
    closing = policy(statement("Deny", "s3:*", f"arn:aws:s3:::{bucket}", Principal="*"))
    tree.as_data("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(closing))
    asked = (
        "sts", "assume-root", "--target-principal", tree.data, "--output", "json",
        "--task-policy-arn", "arn=arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",
    )  # fmt: skip
    assert "AccessDenied" in terminal.aws("admin", *asked).output
    terminal.must("admin", "organizations", "enable-aws-service-access", "--service-principal", "iam.amazonaws.com")
    shown = terminal.must("admin", "iam", "enable-organizations-root-sessions", "--output", "json")
    assert json.loads(shown) == {"OrganizationId": tree.id, "EnabledFeatures": ["RootSessions"]}
    terminal.add_profile("root", Keys.of(json.loads(terminal.must("admin", *asked))))
    assert "AccessDenied" in terminal.aws("root", "s3api", "delete-bucket", "--bucket", bucket).output
    terminal.must("root", "s3api", "delete-bucket-policy", "--bucket", bucket)
    tree.as_data("s3").delete_bucket(Bucket=bucket)


def test_the_cli_makes_an_account_and_closes_it(tree: Tree, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home", tree.stage.endpoint)
    terminal.add_profile("admin", tree.owner.admin.keys)
    name = unique("account")
    made = terminal.must(
        "admin", "organizations", "create-account", "--account-name", name, "--email", f"{name}@example.com",
        "--tags", "Key=team,Value=data", "--query", "CreateAccountStatus.AccountId", "--output", "text",
    ).strip()  # fmt: skip
    terminal.add_profile(
        "inside", role_arn=f"arn:aws:iam::{made}:role/OrganizationAccountAccessRole", source_profile="admin"
    )
    who = terminal.must("inside", "sts", "get-caller-identity", "--query", "Account", "--output", "text")
    assert who.strip() == made
    terminal.must("admin", "organizations", "close-account", "--account-id", made)
    assert terminal.aws("inside", "s3", "ls").status != 0
    state = terminal.must(
        "admin", "organizations", "describe-account", "--account-id", made, "--query", "Account.State",
        "--output", "text",
    )  # fmt: skip
    assert state.strip() == "CLOSED"
