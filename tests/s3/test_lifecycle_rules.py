"""What rules say about one object: filters, midnights, conflicts, minimum sizes, headers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isthmus.s3.lifecycle_rules import DAY, Lifecycle, Moment, Subject, rules_in

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
MIDNIGHT = 1_799_971_200.0  # the one before
LARGE = 1 << 20


def rules(*given: dict[str, Any], minimum: str = "all_storage_classes_128K") -> Lifecycle:
    """Enabled rules, called rule-0, rule-1 …, of the whole bucket unless they say otherwise."""
    named = [{"ID": f"rule-{number}", "Status": "Enabled", "Filter": {}, **rule} for number, rule in enumerate(given)]
    return rules_in(json.dumps({"Rules": named, "TransitionDefaultMinimumObjectSize": minimum}))


def written(key: str = "a", size: int = LARGE, **more: Any) -> Subject:
    return Subject(key.encode(), NOON, size, **more)


EXPIRE = {"Expiration": {"Days": 1}}


@pytest.mark.parametrize(
    ("since", "days", "due"),
    [
        (NOON, 1, MIDNIGHT + 2 * DAY),
        (NOON, 0, MIDNIGHT + DAY),
        (MIDNIGHT + 1, 3, MIDNIGHT + 4 * DAY),
        (MIDNIGHT + DAY - 1, 3, MIDNIGHT + 4 * DAY),
    ],
)
def test_days_are_added_and_rounded_up_to_the_next_midnight(since: float, days: int, due: float) -> None:
    assert Moment(days).due(since) == due


def test_a_shortened_day_begins_at_multiples_of_its_length() -> None:
    assert Moment(2).due(103.0, 10.0) == 130.0


def test_an_object_expires_when_its_midnight_has_come_and_not_before() -> None:
    lifecycle = rules(EXPIRE)
    assert not lifecycle.expires(written(), MIDNIGHT + 2 * DAY - 1)
    assert lifecycle.expires(written(), MIDNIGHT + 2 * DAY)


def test_a_date_holds_for_every_object() -> None:
    lifecycle = rules({"Expiration": {"Date": "2027-01-16T00:00:00Z"}})
    assert not lifecycle.expires(written(), MIDNIGHT + DAY - 1)
    assert lifecycle.expires(written(), MIDNIGHT + DAY)


def test_a_disabled_rule_does_nothing() -> None:
    assert not rules({**EXPIRE, "Status": "Disabled"}).expires(written(), NOON * 2)


@pytest.mark.parametrize(
    ("given", "selected", "not_selected"),
    [
        ({"Prefix": "logs/"}, written("logs/a"), written("log")),
        ({"Tag": {"Key": "k", "Value": "v"}}, written(tags_json='{"k":"v","x":"y"}'), written(tags_json='{"k":"w"}')),
        ({"Tag": {"Key": "k", "Value": ""}}, written(tags_json='{"k":""}'), written()),
        ({"ObjectSizeGreaterThan": 10}, written(size=11), written(size=10)),
        ({"ObjectSizeLessThan": 10}, written(size=9), written(size=10)),
        (
            {"And": {"Prefix": "l", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}},
            written("l", tags_json='{"b":"2","a":"1"}'),
            written("l", tags_json='{"a":"1"}'),
        ),
        (
            {"And": {"ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 5, "Prefix": "x"}},
            written("x", size=4),
            written("y", size=4),
        ),
    ],
)
def test_a_filter_selects_what_it_says(given: dict[str, Any], selected: Subject, not_selected: Subject) -> None:
    lifecycle = rules({**EXPIRE, "Filter": given})
    assert lifecycle.expires(selected, NOON * 2)
    assert not lifecycle.expires(not_selected, NOON * 2)


def test_the_older_form_has_its_prefix_beside_the_filter() -> None:
    lifecycle = rules_in(json.dumps({"Rules": [{"ID": "r", "Status": "Enabled", "Prefix": "a/", **EXPIRE}]}))
    assert lifecycle.expires(written("a/b"), NOON * 2)
    assert not lifecycle.expires(written("b"), NOON * 2)


# Transitions


def move(days: int, name: str) -> dict[str, Any]:
    return {"Transitions": [{"Days": days, "StorageClass": name}]}


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        ("STANDARD", "STANDARD_IA"),
        ("STANDARD_IA", "GLACIER_IR"),
        ("ONEZONE_IA", "GLACIER"),
        ("GLACIER", "DEEP_ARCHIVE"),
    ],
)
def test_objects_move_down_and_never_up(origin: str, target: str) -> None:
    assert rules(move(30, target)).moves_to(written(storage_class=origin), NOON * 2) == target
    assert rules(move(30, origin)).moves_to(written(storage_class=target), NOON * 2) is None


def test_one_zone_does_not_lead_to_instant_retrieval() -> None:
    assert rules(move(30, "GLACIER_IR")).moves_to(written(storage_class="ONEZONE_IA"), NOON * 2) is None


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        ("STANDARD_IA", "GLACIER", "GLACIER"),
        ("INTELLIGENT_TIERING", "ONEZONE_IA", "INTELLIGENT_TIERING"),
        ("INTELLIGENT_TIERING", "GLACIER", "GLACIER"),
        ("GLACIER", "DEEP_ARCHIVE", "DEEP_ARCHIVE"),
    ],
)
def test_of_two_transitions_the_cheaper_one_wins(first: str, second: str, wins: str) -> None:
    assert rules(move(30, first), move(30, second)).moves_to(written(), NOON * 2) == wins


def test_small_objects_stay_unless_the_rule_asks_for_their_size() -> None:
    small = written(size=1000)
    for name in ("STANDARD_IA", "GLACIER"):
        assert rules(move(30, name)).moves_to(small, NOON * 2) is None
        sized = {**move(30, name), "Filter": {"ObjectSizeGreaterThan": 1}}
        assert rules(sized).moves_to(small, NOON * 2) == name
    assert rules(move(30, "GLACIER"), minimum="varies_by_storage_class").moves_to(small, NOON * 2) == "GLACIER"
    assert rules(move(30, "GLACIER_IR"), minimum="varies_by_storage_class").moves_to(small, NOON * 2) is None
    assert rules(move(30, "GLACIER")).moves_to(written(size=128 * 1024), NOON * 2) == "GLACIER"


def test_on_servers_with_shortened_days_small_objects_move() -> None:
    assert rules(move(1, "STANDARD_IA")).moves_to(written(size=1), NOON * 2, 10.0) == "STANDARD_IA"


# Noncurrent versions


def test_noncurrent_versions_count_from_when_they_became_so() -> None:
    lifecycle = rules({"NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 3}})
    assert lifecycle.due_when_noncurrent(written(), MIDNIGHT + 3 * DAY - 1).expire is None
    assert lifecycle.due_when_noncurrent(written(), MIDNIGHT + 3 * DAY).expire == 3
    assert lifecycle.earliest_noncurrent(NOON) == MIDNIGHT + 3 * DAY


def test_the_rule_that_keeps_fewest_newer_versions_decides() -> None:
    keep = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 5}}
    lifecycle = rules(keep, {"NoncurrentVersionExpiration": {"NoncurrentDays": 10}})
    assert lifecycle.due_when_noncurrent(written(), MIDNIGHT + 2 * DAY).expire == 5
    assert lifecycle.due_when_noncurrent(written(), MIDNIGHT + 11 * DAY).expire == 0


def test_a_noncurrent_delete_marker_expires_but_does_not_move() -> None:
    lifecycle = rules({
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 0, "StorageClass": "GLACIER"}],
    })  # fmt: skip
    due = lifecycle.due_when_noncurrent(written(is_delete_marker=True), NOON * 2)
    assert (due.expire, due.moves) == (0, ())
    assert lifecycle.due_when_noncurrent(written(), NOON * 2).moves == (("GLACIER", 0),)


# What clients are told


def test_the_earliest_of_the_rules_is_announced() -> None:
    lifecycle = rules({"Expiration": {"Days": 9}}, {"Expiration": {"Days": 3}}, {**EXPIRE, "Filter": {"Prefix": "z"}})
    assert lifecycle.expiration(written()) == (MIDNIGHT + 4 * DAY, "rule-1")
    assert rules({**EXPIRE, "Filter": {"Prefix": "z"}}).expiration(written()) is None


def test_uploads_are_selected_by_prefix() -> None:
    lifecycle = rules({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}, "Filter": {"Prefix": "big/"}})
    assert lifecycle.aborts(b"big/a", NOON) == (MIDNIGHT + 3 * DAY, "rule-0")
    assert lifecycle.aborts(b"small", NOON) is None


def test_ranges_of_keys_do_not_overlap() -> None:
    lifecycle = rules(*({**EXPIRE, "Filter": {"Prefix": prefix}} for prefix in ("b", "a/x", "a", "bc", "c")))
    assert lifecycle.prefixes(lifecycle.rules) == [b"a", b"b", b"c"]
