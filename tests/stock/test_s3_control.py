"""S3 Control with stock clients: tags of buckets one by one, and Block Public Access of an account."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from refusal_table import fetch
from stage import Account, Client, Someone, Stage, Terminal, allow, keys_on, policy, statement

ALL = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def control(stage: Stage, account: Account, who: Someone | None = None) -> Any:
    """A client of `ACCOUNT.localhost`. The server itself is its proxy, as not every resolver knows such names."""
    keys = (who or account.admin).keys
    return Client.make("s3control", f"http://localhost:{stage.server.port}", keys, proxies={"http": stage.endpoint})


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def tag(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_tags_are_added_and_removed_one_by_one(stage: Stage) -> None:
    bucket, s3, account = stage.owner.new_bucket(), stage.owner.s3, stage.owner.id
    client, named = control(stage, stage.owner), {"ResourceArn": f"arn:aws:s3:::{bucket}", "AccountId": account}
    assert client.list_tags_for_resource(**named)["Tags"] == []
    client.tag_resource(**named, Tags=tag(team="data", stage="test"))
    client.tag_resource(**named, Tags=tag(stage="live", cost="7"))
    assert client.list_tags_for_resource(**named)["Tags"] == tag(team="data", stage="live", cost="7")
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tag(team="data", stage="live", cost="7")
    client.untag_resource(**named, TagKeys=["stage", "never there"])
    assert client.list_tags_for_resource(**named)["Tags"] == tag(team="data", cost="7")
    client.untag_resource(**named, TagKeys=["team", "cost"])
    with pytest.raises(ClientError) as error:
        s3.get_bucket_tagging(Bucket=bucket)
    assert code(error) == ("NoSuchTagSet", 404)


def test_what_is_no_bucket_of_the_account_has_no_tags(stage: Stage) -> None:
    bucket = stage.owner.new_bucket()
    client = control(stage, stage.owner)
    for arn, account, expected in (
        (f"arn:aws:s3:::{bucket}-not", stage.owner.id, ("NoSuchBucket", 404)),
        (f"arn:aws:s3:::{bucket}", stage.partner.id, ("AccessDenied", 403)),
        ("bucket", stage.owner.id, ("InvalidRequest", 400)),
        ("arn:aws:s3:us-east-1:111122223333:accesspoint/a", stage.owner.id, ("NotImplemented", 501)),
    ):
        with pytest.raises(ClientError) as error:
            client.list_tags_for_resource(AccountId=account, ResourceArn=arn)
        assert code(error) == expected
    named = {"ResourceArn": f"arn:aws:s3:::{bucket}", "AccountId": stage.owner.id}
    for tags, expected in (
        ([{"Key": f"k{number}", "Value": ""} for number in range(51)], ("BadRequest", 400)),
        (tag(**{"aws:x": "y"}), ("InvalidTag", 400)),
    ):
        with pytest.raises(ClientError) as error:
            client.tag_resource(**named, Tags=tags)
        assert code(error) == expected


def test_tagging_has_permissions_of_its_own_that_see_the_tags(stage: Stage) -> None:
    bucket, owner = stage.owner.new_bucket(), stage.owner
    arn = f"arn:aws:s3:::{bucket}"
    only = {
        "StringEquals": {"aws:RequestTag/team": "data"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    user = owner.new_user(
        policy(
            statement("Allow", "s3:TagResource", arn, Condition=only),
            statement("Allow", "s3:UntagResource", arn, Condition={"StringEquals": {"aws:TagKeys": "team"}}),
        )
    )
    client, named = control(stage, owner, user), {"ResourceArn": arn, "AccountId": owner.id}
    client.tag_resource(**named, Tags=tag(team="data"))
    client.untag_resource(**named, TagKeys=["team"])
    for refused in (
        lambda: client.list_tags_for_resource(**named),
        lambda: client.tag_resource(**named, Tags=tag(team="other")),
        lambda: client.tag_resource(**named, Tags=tag(team="data", more="x")),
        lambda: client.untag_resource(**named, TagKeys=["other"]),
        lambda: control(stage, stage.partner).list_tags_for_resource(**named),
    ):
        with pytest.raises(ClientError) as error:
            refused()
        assert code(error) == ("AccessDenied", 403)
    shared = statement("Allow", "s3:ListTagsForResource", arn, Principal={"AWS": stage.partner.id})
    owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(shared)))
    assert control(stage, stage.partner).list_tags_for_resource(**named)["Tags"] == []


def test_a_bucket_is_made_with_its_tags_by_who_may_tag(stage: Stage) -> None:
    owner = stage.owner
    creator = owner.new_user(allow("s3:CreateBucket", "*"))
    tagging = {"CreateBucketConfiguration": {"Tags": tag(team="data")}}
    name = owner.new_bucket(**tagging)
    assert owner.s3.get_bucket_tagging(Bucket=name)["TagSet"] == tag(team="data")
    with pytest.raises(ClientError, match="s3:TagResource"):
        owner.client("s3", creator).create_bucket(Bucket=f"{name}-2", **tagging)
    owner.client("s3", creator).create_bucket(Bucket=f"{name}-2")


def test_the_tags_of_a_bucket_count_in_policies_once_that_is_turned_on(stage: Stage) -> None:
    owner = stage.owner
    bucket = owner.new_bucket({"k": b"data"}, CreateBucketConfiguration={"Tags": tag(team="data")})
    conditions = ({"s3:BucketTag/team": "data"}, {"aws:ResourceTag/team": "data"})
    users = [
        owner.new_user(
            policy(statement("Allow", ["s3:GetObject", "s3:ListBucket"], "*", Condition={"StringEquals": condition}))
        )
        for condition in conditions
    ]
    assert owner.s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Disabled"}
    for user in users:
        with pytest.raises(ClientError, match="AccessDenied"):
            owner.client("s3", user).list_objects_v2(Bucket=bucket)
    owner.s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    for user in users:
        assert owner.client("s3", user).list_objects_v2(Bucket=bucket)["KeyCount"] == 1
        assert owner.client("s3", user).get_object(Bucket=bucket, Key="k")["Body"].read() == b"data"
    with pytest.raises(ClientError) as error:
        owner.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag(team="other")})
    assert code(error) == ("InvalidRequest", 400)
    named = {"ResourceArn": f"arn:aws:s3:::{bucket}", "AccountId": owner.id}
    control(stage, owner).tag_resource(**named, Tags=tag(team="other"))
    for user in users:
        with pytest.raises(ClientError, match="AccessDenied"):
            owner.client("s3", user).get_object(Bucket=bucket, Key="k")


def test_an_account_blocks_public_access_for_all_of_its_buckets(stage: Stage) -> None:
    stranger, account = stage.stranger, {"AccountId": stage.stranger.id}
    client = control(stage, stranger)
    bucket = stranger.new_bucket({"k": b"data"})
    stranger.s3.delete_public_access_block(Bucket=bucket)
    public = policy(statement("Allow", "s3:GetObject", keys_on(bucket), Principal="*"))
    stranger.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(public))
    url = f"{stage.endpoint}/{bucket}/k"
    assert fetch(url) == b"data"
    with pytest.raises(ClientError) as error:
        client.get_public_access_block(**account)
    assert code(error) == ("NoSuchPublicAccessBlockConfiguration", 404)
    try:
        client.put_public_access_block(**account, PublicAccessBlockConfiguration=ALL)
        assert client.get_public_access_block(**account)["PublicAccessBlockConfiguration"] == ALL
        with pytest.raises(Exception, match="403"):
            fetch(url)
        with pytest.raises(ClientError, match="BlockPublicPolicy"):
            stranger.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(public))
    finally:
        client.delete_public_access_block(**account)
    assert fetch(url) == b"data"


def test_an_accounts_block_is_its_own_and_has_permissions(stage: Stage) -> None:
    owner = stage.owner
    reader = owner.new_user(allow("s3:GetAccountPublicAccessBlock", "*"))
    with pytest.raises(ClientError) as error:
        control(stage, owner, reader).get_public_access_block(AccountId=owner.id)
    assert code(error) == ("NoSuchPublicAccessBlockConfiguration", 404)
    for refused in (
        lambda: control(stage, owner, reader).put_public_access_block(
            AccountId=owner.id, PublicAccessBlockConfiguration=ALL
        ),
        lambda: control(stage, owner, reader).delete_public_access_block(AccountId=owner.id),
        lambda: control(stage, stage.partner).get_public_access_block(AccountId=owner.id),
    ):
        with pytest.raises(ClientError) as error:
            refused()
        assert code(error) == ("AccessDenied", 403)


def test_what_is_not_built_says_so(stage: Stage) -> None:
    with pytest.raises(ClientError) as error:
        control(stage, stage.owner).list_jobs(AccountId=stage.owner.id)
    assert code(error) == ("NotImplemented", 501)


def test_a_bucket_may_have_the_name_of_the_path(stage: Stage) -> None:
    owner = stage.owner
    owner.s3.create_bucket(Bucket="v20180820")
    owner.s3.put_object(Bucket="v20180820", Key="configuration/publicAccessBlock", Body=b"an object")
    got = owner.s3.get_object(Bucket="v20180820", Key="configuration/publicAccessBlock")
    assert got["Body"].read() == b"an object"
    owner.s3.delete_object(Bucket="v20180820", Key="configuration/publicAccessBlock")
    owner.s3.delete_bucket(Bucket="v20180820")


def test_the_command_line_does_the_same(stage: Stage, terminal: Terminal) -> None:
    terminal.add_profile("owner", stage.owner.admin.keys, endpoint_url=f"http://localhost:{stage.server.port}")
    terminal.environment["HTTP_PROXY"] = stage.endpoint
    bucket = stage.owner.new_bucket()
    arn, account = f"arn:aws:s3:::{bucket}", stage.owner.id
    command = ("s3control", "tag-resource", "--account-id", account, "--resource-arn", arn)
    terminal.must("owner", *command, "--tags", "Key=team,Value=data")
    shown = terminal.must(
        "owner", "s3control", "list-tags-for-resource", "--account-id", account, "--resource-arn", arn,
        "--query", "Tags[0].Value", "--output", "text",
    )  # fmt: skip
    assert shown.strip() == "data"
    outcome = terminal.aws("owner", "s3control", "get-public-access-block", "--account-id", account)
    assert "NoSuchPublicAccessBlockConfiguration" in outcome.output
