"""Event selectors: which events a trail wants.

Basic selectors ask for management events, reads or writes of them, and for data events of S3 objects by the beginning
of their ARNs. Advanced ones are lists of conditions on fields, all of which must hold; of the positive operators of a
field one must match, of the negative ones none (CloudTrail User Guide, "Logging data events", "Logging management
events"; AdvancedFieldSelector in the API reference).

Beyond AWS, an advanced selector of management events may ask for `errorCode` `AccessDenied` of the `eventName`
`AssumeRole`: then attempts of other accounts to assume a role of this one are told to it also when they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isthmus.wire import AwsError

from .event import Event

Json = Mapping[str, Any]

DEFAULT: list[dict[str, Any]] = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
]
"""The selectors of a trail for which none were put."""

S3_OBJECT = "AWS::S3::Object"
_MOST_SELECTORS, _MOST_DATA_RESOURCES, _MOST_VALUES = 5, 250, 500
_EXCLUDABLE = ("kms.amazonaws.com", "rdsdata.amazonaws.com")
_EVERY_BUCKET = ("arn:aws:s3", "arn:aws:s3:::")

_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}
_NEGATIVE = {f"Not{name}": test for name, test in _POSITIVE.items()}
_FIELDS = {
    # eventCategory -> the fields that its selectors may have (AdvancedFieldSelector)
    "Management": {"eventCategory", "readOnly", "eventSource", "eventName", "eventType", "userIdentity.arn",
                   "sessionCredentialFromConsole", "errorCode"},
    "Data": {"eventCategory", "resources.type", "resources.ARN", "readOnly", "eventSource", "eventName", "eventType",
             "userIdentity.arn", "sessionCredentialFromConsole"},
}  # fmt: skip
_ONLY_EQUALS = {"eventCategory", "readOnly", "resources.type", "errorCode", "sessionCredentialFromConsole"}


# Matching


def wants(basic: Sequence[Json] | None, advanced: Sequence[Json] | None, event: Event) -> bool:
    """Whether a trail with these selectors wants an event; without any it wants management events."""
    if event.refused_at_the_door:
        return wants_refusals(advanced)
    if advanced is not None:
        return any(_holds(selector, event) for selector in advanced)
    return any(_basic_holds(selector, event) for selector in (DEFAULT if basic is None else basic))


def wants_data(basic: Sequence[Json] | None, advanced: Sequence[Json] | None) -> bool:
    """Whether any data event is wanted."""
    if advanced is not None:
        return any(_equals(selector, "eventCategory", "Data") for selector in advanced)
    return any(selector.get("DataResources") for selector in basic or ())


def wants_refusals(advanced: Sequence[Json] | None) -> bool:
    """Whether refused attempts to assume the account's roles are wanted."""
    return any(
        _equals(selector, "eventName", "AssumeRole") and _equals(selector, "errorCode", "AccessDenied")
        for selector in advanced or ()
    )


def _equals(selector: Json, field: str, value: str) -> bool:
    return any(one["Field"] == field and value in one.get("Equals", ()) for one in selector["FieldSelectors"])


def _basic_holds(selector: Json, event: Event) -> bool:
    if selector.get("ReadWriteType", "All") == ("WriteOnly" if event.read_only else "ReadOnly"):
        return False
    if event.category == "Management":
        excluded = selector.get("ExcludeManagementEventSources") or ()
        return bool(selector.get("IncludeManagementEvents", True)) and event.source not in excluded
    return any(
        arn.startswith(tuple(resource.get("Values") or ()))
        for resource in selector.get("DataResources") or ()
        if resource.get("Type") == S3_OBJECT
        for arn in event.arns
    )


def _holds(selector: Json, event: Event) -> bool:
    return all(_field_holds(one, _values(one["Field"], event)) for one in selector["FieldSelectors"])


def _field_holds(condition: Json, values: Sequence[str]) -> bool:
    positive = [(test, condition[name]) for name, test in _POSITIVE.items() if condition.get(name)]
    negative = [(test, condition[name]) for name, test in _NEGATIVE.items() if condition.get(name)]

    def any_matches(tests: list[tuple[Callable[[str, str], bool], list[str]]]) -> bool:
        return any(test(value, wanted) for test, all_wanted in tests for wanted in all_wanted for value in values)

    return (not positive or any_matches(positive)) and not any_matches(negative)


def _values(field: str, event: Event) -> Sequence[str]:
    if field == "resources.ARN":
        return event.arns
    if field == "resources.type":
        return (S3_OBJECT,) if event.category == "Data" else ()
    return ({
        "eventCategory": event.category,
        "readOnly": "true" if event.read_only else "false",
        "eventSource": event.source,
        "eventName": event.name,
        "eventType": event.event_type,
        "userIdentity.arn": event.principal,
        "errorCode": event.error_code,
        "sessionCredentialFromConsole": event.record.get("sessionCredentialFromConsole", "false"),
    }[field],)  # fmt: skip


# Checking what PutEventSelectors is given


def checked_basic(selectors: Sequence[Json]) -> list[dict[str, Any]]:
    """Basic selectors with their defaults filled in. Raises InvalidEventSelectorsException."""
    if not 1 <= len(selectors) <= _MOST_SELECTORS:
        raise _invalid(f"A trail has 1 to {_MOST_SELECTORS} event selectors.")
    checked = []
    count = 0
    for selector in selectors:
        for resource in selector.get("DataResources") or ():
            count += len(resource.get("Values") or ())
            _check_data_resource(resource)
        for source in selector.get("ExcludeManagementEventSources") or ():
            if source not in _EXCLUDABLE:
                raise _invalid(f"ExcludeManagementEventSources takes {' and '.join(_EXCLUDABLE)}, not {source}.")
        if selector.get("ExcludeManagementEventSources") and not selector.get("IncludeManagementEvents", True):
            raise _invalid("ExcludeManagementEventSources needs IncludeManagementEvents.")
        checked.append({**DEFAULT[0], **selector})
    if count > _MOST_DATA_RESOURCES:
        raise _invalid(f"A trail has at most {_MOST_DATA_RESOURCES} data resources, in all its event selectors.")
    return checked


def checked_advanced(selectors: Sequence[Json]) -> list[dict[str, Any]]:
    """Advanced selectors. Raises InvalidEventSelectorsException."""
    if not selectors:
        raise _invalid("Give at least one advanced event selector.")
    values = sum(
        len(given)
        for selector in selectors
        for one in selector["FieldSelectors"]
        for name, given in one.items()
        if name != "Field"
    )
    if values > _MOST_VALUES:
        raise _invalid(f"Advanced event selectors have at most {_MOST_VALUES} values together.")
    for selector in selectors:
        _check_advanced(selector)
    return [dict(selector) for selector in selectors]


def _check_data_resource(resource: Json) -> None:
    kind = resource.get("Type")
    if kind != S3_OBJECT:
        raise _invalid(f"Data events of {kind or 'nothing'} are not recorded; the type is {S3_OBJECT}.")
    for value in resource.get("Values") or ():
        if value not in _EVERY_BUCKET and not (value.startswith(_EVERY_BUCKET[1]) and "/" in value):
            raise _invalid(f"{value} is no S3 object: end the ARN of a bucket with a slash.")


def _check_advanced(selector: Json) -> None:
    conditions = {one["Field"]: one for one in selector["FieldSelectors"]}
    if len(conditions) != len(selector["FieldSelectors"]):
        raise _invalid("A field may be named only once in an advanced event selector.")
    category = conditions.get("eventCategory", {}).get("Equals")
    if category not in (["Management"], ["Data"]):
        raise _invalid("Each advanced event selector needs eventCategory Equals Management or Data, one of the two.")
    for field, condition in conditions.items():
        if field not in _FIELDS[category[0]]:
            raise _invalid(f"The field {field} is not for events of the category {category[0]}.")
        operators = condition.keys() - {"Field"}
        if not operators:
            raise _invalid(f"The field {field} needs an operator.")
        if field in _ONLY_EQUALS and operators != {"Equals"}:
            raise _invalid(f"The field {field} takes only the operator Equals.")
    if category == ["Data"] and conditions.get("resources.type", {}).get("Equals") != [S3_OBJECT]:
        raise _invalid(f"Selectors of data events need resources.type Equals {S3_OBJECT}.")
    read_only = conditions.get("readOnly", {}).get("Equals", ["true"])
    if read_only not in (["true"], ["false"]):
        raise _invalid("The field readOnly equals true or false.")
    if "errorCode" in conditions and not (
        conditions["errorCode"]["Equals"] == ["AccessDenied"]
        and conditions.get("eventName", {}).get("Equals") == ["AssumeRole"]
    ):
        raise _invalid("The field errorCode takes AccessDenied, together with eventName Equals AssumeRole.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidEventSelectorsException", message)
