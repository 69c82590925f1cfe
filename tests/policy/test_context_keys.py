"""Which context keys a document refers to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isthmus.policy import PolicyDocument, context_keys


def _keys(version: str, **elements: Any) -> tuple[str, ...]:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **elements}
    return context_keys([PolicyDocument.made({"Version": version, "Statement": [statement]})])


CASES = [
    ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, ("aws:SecureTransport",), ("aws:SecureTransport",)),
    ({"Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": "x"}, "Null": {"aws:TagKeys": "false"}}},
     ("aws:TagKeys",), ("aws:TagKeys",)),
    ({"Condition": {"StringEquals": {"aws:username": "a"}, "StringLike": {"AWS:UserName": "b"}}},
     ("aws:username",), ("aws:username",)),
    # Variables are there in the newer version only.
    ({"Resource": "arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/team, 'none'}/*"},
     ("aws:username", "aws:PrincipalTag/team"), ()),
    ({"Resource": ["arn:aws:s3:::b/${*}${?}${$}", "arn:aws:s3:::b/${}"]}, (), ()),
    ({"Condition": {"StringEquals": {"s3:prefix": ["", "home/${aws:userid}"]}}}, ("s3:prefix", "aws:userid"),
     ("s3:prefix",)),
    ({}, (), ()),
]  # fmt: skip


@pytest.mark.parametrize(("elements", "newer", "older"), CASES)
def test_keys_stand_in_conditions_and_in_variables(
    elements: dict[str, Any], newer: tuple[str, ...], older: tuple[str, ...]
) -> None:
    assert _keys("2012-10-17", **elements) == newer
    assert _keys("2008-10-17", **elements) == older


def test_several_documents_tell_each_key_once() -> None:
    first = {"Statement": {"Effect": "Deny", "NotAction": "s3:*", "NotResource": "*",
                           "Condition": {"Null": {"a:b": "true"}}}}  # fmt: skip
    second = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                            "Condition": {"Null": {"A:B": "true", "c:d": "true"}}}}  # fmt: skip
    documents = [PolicyDocument.parse(json.dumps(one)) for one in (first, second)]
    assert context_keys(documents) == ("a:b", "c:d")
