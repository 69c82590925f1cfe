"""Which events a trail's selectors want, and which selectors are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import PRODUCTION
from isthmus.cloudtrail import Event
from isthmus.cloudtrail.selectors import checked_advanced, checked_basic, wants, wants_data, wants_refusals
from isthmus.wire import AwsError

WRITE = Event(
    PRODUCTION, "1", 0.0, "us-east-1", "Management", "iam.amazonaws.com", "CreateUser", False, {},
    principal=f"arn:aws:iam::{PRODUCTION}:user/alice",
)  # fmt: skip
READ = replace(WRITE, name="ListUsers", read_only=True)
KMS = replace(READ, source="kms.amazonaws.com", name="Decrypt")
GET = replace(
    READ, category="Data", source="s3.amazonaws.com", name="GetObject", arns=("arn:aws:s3:::reports/2026/a.csv",)
)  # fmt: skip
PUT = replace(GET, name="PutObject", read_only=False)
LIST = replace(GET, name="ListObjects", arns=("arn:aws:s3:::reports/",))
OTHER = replace(GET, arns=("arn:aws:s3:::reports-old/2026/a.csv",))
DENIED = replace(READ, source="sts.amazonaws.com", name="AssumeRole", error_code="AccessDenied")
DOOR = replace(DENIED, refused_at_the_door=True)
EVENTS = {"write": WRITE, "read": READ, "kms": KMS, "get": GET, "put": PUT, "list": LIST, "other": OTHER,
          "denied": DENIED, "door": DOOR}  # fmt: skip


def data(*values: str, **more: Any) -> list[dict[str, Any]]:
    return [{"DataResources": [{"Type": "AWS::S3::Object", "Values": list(values)}], **more}]


def fields(**conditions: Any) -> dict[str, Any]:
    """An advanced selector; `resources_ARN={"StartsWith": […]}`, a list means Equals."""
    return {
        "FieldSelectors": [
            {"Field": name.replace("_", "."), **(given if isinstance(given, dict) else {"Equals": given})}
            for name, given in conditions.items()
        ]
    }


MANAGEMENT, DATA = ["Management"], ["Data"]
OF_OBJECTS = {"eventCategory": DATA, "resources_type": ["AWS::S3::Object"]}


@pytest.mark.parametrize(
    ("selectors", "wanted"),
    [
        (None, "write read kms denied"),
        ([{"ReadWriteType": "WriteOnly"}], "write"),
        ([{"ReadWriteType": "ReadOnly"}], "read kms denied"),
        ([{"ExcludeManagementEventSources": ["kms.amazonaws.com"]}], "write read denied"),
        (data("arn:aws:s3:::reports/", IncludeManagementEvents=False), "get put list"),
        (data("arn:aws:s3:::reports/2026/", IncludeManagementEvents=False), "get put"),
        (data("arn:aws:s3:::reports/2025/", IncludeManagementEvents=False), ""),
        (data("arn:aws:s3", IncludeManagementEvents=False), "get put list other"),
        (data("arn:aws:s3:::reports/", IncludeManagementEvents=False, ReadWriteType="WriteOnly"), "put"),
        ([{"ReadWriteType": "WriteOnly"}, *data("arn:aws:s3:::", ReadWriteType="ReadOnly")],
         "write read kms get list other denied"),
    ],
)  # fmt: skip
def test_basic_selectors_want(selectors: Any, wanted: str) -> None:
    kept = None if selectors is None else checked_basic(selectors)
    assert [name for name, event in EVENTS.items() if wants(kept, None, event)] == wanted.split()


@pytest.mark.parametrize(
    ("selectors", "wanted"),
    [
        ([fields(eventCategory=MANAGEMENT)], "write read kms denied"),
        ([fields(eventCategory=MANAGEMENT, readOnly=["false"])], "write"),
        ([fields(eventCategory=MANAGEMENT, eventSource={"NotEquals": ["kms.amazonaws.com"]})], "write read denied"),
        ([fields(eventCategory=MANAGEMENT, eventName={"StartsWith": ["Create", "List"]})], "write read"),
        ([fields(eventCategory=MANAGEMENT, eventName={"EndsWith": ["Users"], "Equals": ["Decrypt"]})], "read kms"),
        ([fields(eventCategory=MANAGEMENT, eventName={"StartsWith": ["Create", "L"], "NotEndsWith": ["s"]})], "write"),
        ([fields(eventCategory=MANAGEMENT, userIdentity_arn={"NotStartsWith": ["arn:aws:iam::"]})], ""),
        ([fields(**OF_OBJECTS)], "get put list other"),
        ([fields(**OF_OBJECTS, resources_ARN={"StartsWith": ["arn:aws:s3:::reports/"]})], "get put list"),
        ([fields(**OF_OBJECTS, resources_ARN={"NotStartsWith": ["arn:aws:s3:::reports/"]})], "other"),
        ([fields(**OF_OBJECTS, readOnly=["false"]), fields(eventCategory=MANAGEMENT, readOnly=["false"])], "write put"),
        ([fields(**OF_OBJECTS, eventName=["GetObject"])], "get other"),
        ([fields(eventCategory=MANAGEMENT, eventName=["AssumeRole"], errorCode=["AccessDenied"])], "denied door"),
    ],
)  # fmt: skip
def test_advanced_selectors_want(selectors: Any, wanted: str) -> None:
    kept = checked_advanced(selectors)
    assert [name for name, event in EVENTS.items() if wants(None, kept, event)] == wanted.split()


def test_only_selectors_that_ask_for_it_want_data_or_refusals() -> None:
    assert wants_data(data("arn:aws:s3"), None)
    assert not wants_data(None, None)
    assert wants_data(None, [fields(**OF_OBJECTS)])
    assert not wants_data(None, [fields(eventCategory=MANAGEMENT)])
    door = fields(eventCategory=MANAGEMENT, eventName=["AssumeRole"], errorCode=["AccessDenied"])
    assert wants_refusals([door])
    assert not wants_refusals([fields(eventCategory=MANAGEMENT, eventName=["AssumeRole"])])
    assert not wants_refusals(None)


@pytest.mark.parametrize(
    "selectors",
    [
        [],
        [{}] * 6,
        data("arn:aws:s3:::reports"),
        data("reports/"),
        data(*["arn:aws:s3:::reports/"] * 251),
        [{"DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}]}],
        [{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}],
        [{"ExcludeManagementEventSources": ["kms.amazonaws.com"], "IncludeManagementEvents": False}],
    ],
)
def test_basic_selectors_that_are_refused(selectors: Any) -> None:
    with pytest.raises(AwsError) as refusal:
        checked_basic(selectors)
    assert refusal.value.code == "InvalidEventSelectorsException"


@pytest.mark.parametrize(
    "selectors",
    [
        [],
        [fields(readOnly=["true"])],
        [fields(eventCategory=["Insight"])],
        [fields(eventCategory=["Management", "Data"])],
        [fields(eventCategory={"StartsWith": ["Data"]})],
        [fields(eventCategory=DATA)],
        [fields(eventCategory=DATA, resources_type=["AWS::Lambda::Function"])],
        [fields(eventCategory=MANAGEMENT, resources_ARN=["arn:aws:s3:::reports/"])],
        [fields(eventCategory=MANAGEMENT, nonsense=["x"])],
        [fields(eventCategory=MANAGEMENT, readOnly=["yes"])],
        [fields(eventCategory=MANAGEMENT, eventName={})],
        [{"FieldSelectors": [*fields(eventCategory=MANAGEMENT)["FieldSelectors"]] * 2}],
        [fields(**OF_OBJECTS, eventName=["x"] * 501)],
        [fields(eventCategory=MANAGEMENT, errorCode=["AccessDenied"])],
        [fields(eventCategory=MANAGEMENT, eventName=["AssumeRole"], errorCode=["NoSuchKey"])],
        [fields(**OF_OBJECTS, errorCode=["AccessDenied"])],
    ],
)
def test_advanced_selectors_that_are_refused(selectors: Any) -> None:
    with pytest.raises(AwsError) as refusal:
        checked_advanced(selectors)
    assert refusal.value.code == "InvalidEventSelectorsException"
