"""Buckets whose requesters pay, with stock clients of both accounts."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from refusal_table import fetch
from stage import Stage, Terminal, policy, statement

PAYER: dict[str, Any] = {"RequestPayer": "requester"}


def shared(stage: Stage, payer: str = "Requester") -> str:
    """A bucket of the owner that the partner and everybody else may read, and the partner write."""
    bucket = stage.owner.new_bucket({"k": b"data"})
    stage.owner.s3.delete_public_access_block(Bucket=bucket)
    both = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    document = policy(
        statement("Allow", "s3:GetObject", both[1], Principal="*"),
        statement("Allow", "s3:*", both, Principal={"AWS": stage.partner.id}),
    )
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    stage.owner.s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": payer})
    return bucket


def test_another_account_says_that_it_pays_and_is_told_so(stage: Stage) -> None:
    bucket, s3 = shared(stage), stage.partner.s3
    requests: list[tuple[Any, dict[str, Any]]] = [
        (s3.get_object, {"Key": "k"}),
        (s3.head_object, {"Key": "k"}),
        (s3.list_objects_v2, {}),
        (s3.put_object, {"Key": "new", "Body": b"x"}),
        (s3.copy_object, {"Key": "copy", "CopySource": f"{bucket}/k"}),
        (s3.create_multipart_upload, {"Key": "large"}),
        (s3.delete_objects, {"Delete": {"Objects": [{"Key": "new"}]}}),
        (s3.delete_object, {"Key": "copy"}),
    ]
    for request, members in requests:
        with pytest.raises(ClientError, match=r"403|AccessDenied"):
            request(Bucket=bucket, **members)
        assert request(Bucket=bucket, **members, **PAYER)["RequestCharged"] == "requester"


def test_the_owners_account_is_asked_nothing(stage: Stage) -> None:
    bucket = shared(stage)
    assert "RequestCharged" not in stage.owner.s3.get_object(Bucket=bucket, Key="k")
    assert "RequestCharged" not in stage.owner.s3.get_object(Bucket=bucket, Key="k", **PAYER)


def test_a_copy_out_of_the_bucket_is_paid_for_as_well(stage: Stage) -> None:
    bucket, own = shared(stage), stage.partner.new_bucket()
    copy: dict[str, Any] = {"Bucket": own, "Key": "k", "CopySource": f"{bucket}/k"}
    with pytest.raises(ClientError, match="AccessDenied"):
        stage.partner.s3.copy_object(**copy)
    assert stage.partner.s3.copy_object(**copy, **PAYER)["RequestCharged"] == "requester"


def test_nobody_anonymous_is_served(stage: Stage) -> None:
    for payer, served in (("BucketOwner", True), ("Requester", False)):
        url = f"{stage.endpoint}/{shared(stage, payer)}/k"
        if served:
            assert fetch(url) == b"data"
            continue
        for address in (url, f"{url}?x-amz-request-payer=requester"):
            with pytest.raises(HTTPError, match="403"):
                fetch(address)


def test_an_address_to_hand_out_says_it_too(stage: Stage) -> None:
    bucket = shared(stage)
    for more, served in (({}, False), (PAYER, True)):
        url = stage.partner.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k", **more})
        if served:
            assert fetch(url) == b"data"
            continue
        with pytest.raises(HTTPError, match="403"):
            fetch(url)


def test_the_command_line_says_it_with_an_option(stage: Stage, terminal: Terminal) -> None:
    bucket = shared(stage)
    terminal.add_profile("partner", stage.partner.admin.keys)
    command = ("s3", "cp", f"s3://{bucket}/k", str(terminal.home / "k"))
    assert terminal.aws("partner", *command).status != 0
    terminal.must("partner", *command, "--request-payer", "requester")
    assert (terminal.home / "k").read_bytes() == b"data"
