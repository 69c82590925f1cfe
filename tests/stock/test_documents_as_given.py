"""A policy document comes back byte for byte as it was given, whatever its layout.

boto3 decodes documents; what the server sent is read before it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from stage import OWNER, Account, Stage, allow, trust, unique

# Layouts of one identity policy that an editor, a template or a hand makes.
STATEMENT = '"Effect":"Allow","Action":["s3:Get*"],"Resource":"*"'
LAYOUTS = {
    "compact": f'{{"Version":"2012-10-17","Statement":[{{{STATEMENT}}}]}}',
    "indented": json.dumps(allow("s3:Get*", "*"), indent=4),
    "with carriage returns and tabs": f'{{\r\n\t"Statement" :\t[ {{ {STATEMENT} }} ] ,\r\n "Version": '
    '"2012-10-17" }\r\n',
    "one statement": f'  {{"Statement": {{ {STATEMENT} }}, "Version": "2012-10-17"}}\n\n',
    "of the old version": f'{{"Version":"2008-10-17","Statement":[{{{STATEMENT}}}]}}',
    "with escapes": '{"Version":"2012-10-17","Statement":[{"Sid":"\\u0041b","Effect":"Allow",'
    '"Action":"s3\\u003aGet*","Resource":"arn:aws:s3:::b\\/é/ü + %41&<>\\""}]}',
    "with numbers and booleans": f'{{"Version":"2012-10-17","Statement":[{{{STATEMENT},"Condition":{{"Bool":'
    '{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":1.50e1},"Null":{"aws:username":"false"}}}]}',
}


@contextmanager
def sent(account: Account, element: str) -> Iterator[list[str]]:
    """The texts of all elements of that name in the answers of IAM, as the server sent them."""
    found: list[str] = []

    def keep(http_response: Any, **_: Any) -> None:
        root = ElementTree.fromstring(http_response.content)
        found.extend(unquote(one.text or "") for one in root.iter() if one.tag.endswith("}" + element))

    events = account.iam.meta.events
    events.register_first("after-call.iam.*", keep)
    try:
        yield found
    finally:
        events.unregister("after-call.iam.*", keep)


@pytest.fixture(params=LAYOUTS.values(), ids=LAYOUTS.keys())
def text(request: pytest.FixtureRequest) -> str:
    """A document."""
    return str(request.param)


def test_a_managed_policy_and_each_of_its_versions(stage: Stage, text: str) -> None:
    iam = stage.owner.iam
    arn = iam.create_policy(PolicyName=unique("policy"), PolicyDocument=text)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=f" {text}", SetAsDefault=True)
    with sent(stage.owner, "Document") as found:
        for version in ("v1", "v2"):
            iam.get_policy_version(PolicyArn=arn, VersionId=version)
    assert found == [text, f" {text}"]


def test_inline_policies_of_a_user_a_group_and_a_role(stage: Stage, text: str) -> None:
    iam, name = stage.owner.iam, unique("name")
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(OWNER)))
    with sent(stage.owner, "PolicyDocument") as found:
        for word in ("user", "group", "role"):
            whom = {f"{word.title()}Name": name, "PolicyName": "inline"}
            getattr(iam, f"put_{word}_policy")(**whom, PolicyDocument=text)
            getattr(iam, f"get_{word}_policy")(**whom)
    assert found == [text] * 3


def test_a_trust_policy_also_among_all_details(stage: Stage) -> None:
    iam, name = stage.owner.iam, unique("role")
    text = json.dumps(trust(f"arn:aws:iam::{OWNER}:user/admin", Null={"aws:é": "true"}), indent=1).replace("\n", "\r\n")
    with sent(stage.owner, "AssumeRolePolicyDocument") as found:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=f"\t{text}")
        iam.get_role(RoleName=name)
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=text)
        iam.get_role(RoleName=name)
    assert found == [f"\t{text}", f"\t{text}", text]
    with sent(stage.owner, "AssumeRolePolicyDocument") as found:
        iam.get_account_authorization_details(Filter=["Role"], MaxItems=1000)
    assert text in found


def test_a_bucket_policy(stage: Stage) -> None:
    bucket, s3 = stage.owner.new_bucket(), stage.owner.s3
    for layout in (
        '{{"Version":"2012-10-17","Id":"ü €","Statement":[{{"Sid":"any text, really","Effect":"Allow",'
        '"Principal":{{"AWS":"arn:aws:iam::{owner}:user/admin"}},"Action":"s3:*","Resource":"arn:aws:s3:::{bucket}/é*"}}]}}',
        '{{\r\n\t"Statement" : {{ "Resource":["arn:aws:s3:::{bucket}"] , "Action": "s3:ListBucket","Principal":'
        '{{"AWS":"{owner}"}}, "Effect" :"Deny","Condition":{{"Bool":{{"aws:SecureTransport":false}}}}}}}}\n\n',
    ):
        text = layout.format(owner=OWNER, bucket=bucket)
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
        assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
