"""Condition operators, one table each (IAM User Guide, "IAM JSON policy elements: Condition operators")."""

from __future__ import annotations

from typing import Any

import pytest
from policy_builders import allow, ask, policy, user

from isthmus.policy.conditions import needs_key, operator_problem
from isthmus.policy.document import ConditionEntry

ALICE = "arn:aws:iam::111122223333:user/alice"


def holds(operator: str, values: Any, given: Any, version: str = "2012-10-17", **context: str) -> bool:
    """Whether the condition holds for a key that has the given value (None: that is missing)."""
    guarded = policy(allow(Condition={operator: {"Test:Key": values}}), version=version)
    keys = {name.replace("_", ":"): value for name, value in context.items()}
    return ask(user(), identity=guarded, context=keys if given is None else {**keys, "test:key": given}).allowed


@pytest.mark.parametrize(
    ("operator", "values", "given", "expected"),
    [
        ("StringEquals", "alice", "alice", True),
        ("StringEquals", "alice", "Alice", False),
        ("StringEquals", "al*", "alice", False),
        ("StringEquals", "al*", "al*", True),
        ("StringEquals", ["bob", "alice"], "alice", True),
        ("StringEquals", ["bob", "carol"], "alice", False),
        ("StringNotEquals", "alice", "Alice", True),
        ("StringNotEquals", "alice", "alice", False),
        ("StringNotEquals", ["bob", "alice"], "alice", False),
        ("StringEqualsIgnoreCase", "aLICE", "Alice", True),
        ("StringEqualsIgnoreCase", "alice", "alic", False),
        ("StringEqualsIgnoreCase", ["bob", "ALICE"], "alice", True),
        ("StringNotEqualsIgnoreCase", "ALICE", "alice", False),
        ("StringNotEqualsIgnoreCase", "ALICE", "bob", True),
        ("StringLike", "a*e", "alice", True),
        ("StringLike", "a*e", "alices", False),
        ("StringLike", "A*", "alice", False),
        ("StringLike", "alic?", "alice", True),
        ("StringLike", "alice?", "alice", False),
        ("StringLike", ["b*", "a*"], "alice", True),
        ("StringNotLike", "a*", "alice", False),
        ("StringNotLike", "a*", "bob", True),
        ("StringNotLike", ["b*", "a*"], "alice", False),
        ("Bool", "true", "true", True),
        ("Bool", True, "true", True),
        ("Bool", "TRUE", "true", True),
        ("Bool", "true", "True", True),
        ("Bool", "false", "false", True),
        ("Bool", "true", "false", False),
        ("BinaryEquals", "QUI=", "QUI=", True),
        ("BinaryEquals", "QUI=", "QUM=", False),
        ("BinaryEquals", "QUI=", "no base64!", False),
        ("BinaryEquals", "no base64!", "no base64!", False),
        ("BinaryEquals", "QUI=", "QU I=", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "11.1.2.3", False),
        ("IpAddress", "10.1.2.3", "10.1.2.3", True),
        ("IpAddress", "10.1.2.3", "10.1.2.4", False),
        ("IpAddress", "10.1.2.3/8", "10.9.9.9", True),
        ("IpAddress", ["10.0.0.0/8", "192.168.0.0/16"], "192.168.1.1", True),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("IpAddress", "2001:db8::/32", "2001:db9::1", False),
        ("IpAddress", "2001:db8::1", "2001:db8::1", True),
        ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
        ("IpAddress", "::/0", "10.1.2.3", False),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "nowhere", False),
        ("IpAddress", "nowhere", "10.1.2.3", False),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
        ("NotIpAddress", ["10.0.0.0/8", "11.0.0.0/8"], "11.1.2.3", False),
        ("ArnEquals", ALICE, ALICE, True),
        ("ArnEquals", ALICE, ALICE + "s", False),
        ("ArnEquals", "arn:aws:iam::*:user/*", ALICE, True),
        ("ArnLike", "arn:aws:iam::*:user/a*", ALICE, True),
        ("ArnLike", "arn:aws:iam::*:user/b*", ALICE, False),
        ("ArnLike", "arn:aws:iam::*:USER/alice", ALICE, False),
        ("ArnLike", "arn:aws:*:user/alice", ALICE, False),
        ("ArnLike", "arn:aws:iam::1111?2223333:user/alice", ALICE, True),
        ("ArnLike", "*", ALICE, True),
        ("ArnLike", "*", "alice", False),
        ("ArnLike", "*", "no:arn:at:all:it:is", False),
        ("ArnLike", "*", "arn:aws:iam::111122223333", False),
        ("ArnLike", ["arn:aws:s3:::*", "arn:aws:iam::*:user/*"], ALICE, True),
        ("ArnNotEquals", ALICE, ALICE, False),
        ("ArnNotEquals", ALICE, ALICE + "s", True),
        ("ArnNotLike", "arn:aws:iam::*:user/*", ALICE, False),
        ("ArnNotLike", "arn:aws:iam::*:role/*", ALICE, True),
        ("ArnNotLike", ["arn:aws:iam::*:role/*", ALICE], ALICE, False),
        ("Null", "true", None, True),
        ("Null", "true", "a", False),
        ("Null", "true", (), True),
        ("Null", "false", None, False),
        ("Null", "false", "a", True),
        ("Null", "false", ("a",), True),
        ("Null", "false", (), False),
        ("Null", "TRUE", None, True),
        ("Null", "False", "a", True),
        ("Null", ["true", "false"], None, True),
        ("Null", ["true", "false"], "a", True),
        ("Null", "maybe", "a", False),
        ("Null", "maybe", None, False),
    ],
)  # fmt: skip
def test_an_operator_compares_as_its_type_does(operator: str, values: Any, given: Any, expected: bool) -> None:
    assert holds(operator, values, given) is expected


@pytest.mark.parametrize(
    ("operator", "less", "equal", "greater"),
    [
        ("Equals", False, True, False),
        ("NotEquals", True, False, True),
        ("LessThan", True, False, False),
        ("LessThanEquals", True, True, False),
        ("GreaterThan", False, False, True),
        ("GreaterThanEquals", False, True, True),
    ],
)
def test_numbers_and_moments_are_ordered(operator: str, less: bool, equal: bool, greater: bool) -> None:
    for value, expected in (("9.5", less), ("10", equal), ("1e1", equal), ("10.5", greater)):
        assert holds(f"Numeric{operator}", "10", value) is expected
        assert holds(f"Numeric{operator}", 10, value) is expected
    for value, expected in (("2029-12-31T23:59:59Z", less), ("2030-01-01", equal), ("2030-01-01T00:00:01Z", greater)):
        assert holds(f"Date{operator}", "2030-01-01T00:00:00Z", value) is expected


def test_a_moment_is_no_number_and_a_year_alone_is_both() -> None:
    assert not holds("NumericEquals", "1767225600", "2026-01-01T00:00:00Z")
    assert not holds("NumericEquals", "2026-01-01", "2026-01-01")
    assert holds("DateEquals", "1767225600", "2026-01-01T00:00:00Z")
    assert holds("NumericLessThan", "1767225600", "2026")
    assert holds("DateEquals", "2026", "2026-01-01T00:00:00Z")
    assert not holds("NumericEquals", "2026", "1767225600")


@pytest.mark.parametrize("text", ["ten", "", "1_000", " 10", "infinity", "nan", "1e999", "0x10", "1.2.3", "${aws:x}"])
def test_what_is_no_number_equals_none(text: str) -> None:
    assert not holds("NumericEquals", text, text)
    assert holds("NumericNotEquals", "10", text)
    assert not holds("NumericLessThan", "10", text)
    assert not holds("NumericGreaterThanEquals", text, "10")


@pytest.mark.parametrize("text", ["-3", "+3", "3.", ".5", "0.5", "1E3", "12e-1", "007"])
def test_numbers_are_whole_or_decimal(text: str) -> None:
    assert holds("NumericEquals", text, text)
    assert holds("NumericLessThan", 10_000, text)


@pytest.mark.parametrize(
    "moment",
    [
        "2030",
        "2030-01",
        "2030-01-01",
        "2030-01-01T00:00Z",
        "2030-01-01T00:00:00",
        "2030-01-01T00:00:00Z",
        "2030-01-01T00:00:00.000Z",
        "2030-01-01T02:00:00+02:00",
        "2029-12-31T19:00:00-05:00",
        "1893456000",
    ],
)
def test_moments_are_written_in_many_ways(moment: str) -> None:
    assert holds("DateEquals", moment, "2030-01-01T00:00:00Z")
    assert holds("DateEquals", "1893456000", moment)
    assert not holds("DateLessThan", moment, "2030-01-01T00:00:00Z")
    assert not holds("DateEquals", moment, "2030-01-01T00:00:01Z")


@pytest.mark.parametrize("text", ["soon", "", "2030-13-01", "2030-1", "20300", "2030-01-01T25:00:00Z"])
def test_what_is_no_moment_equals_none(text: str) -> None:
    assert not holds("DateEquals", text, "2030-01-01T00:00:00Z")
    assert holds("DateNotEquals", "2030-01-01T00:00:00Z", text)


POSITIVE = {
    "StringEquals": "a", "StringEqualsIgnoreCase": "a", "StringLike": "*", "NumericEquals": "1", "NumericLessThan": "1",
    "NumericLessThanEquals": "1", "NumericGreaterThan": "1", "NumericGreaterThanEquals": "1", "DateEquals": "2030",
    "DateLessThan": "2030", "DateLessThanEquals": "2030", "DateGreaterThan": "2030", "DateGreaterThanEquals": "2030",
    "Bool": "false", "BinaryEquals": "QUI=", "IpAddress": "0.0.0.0/0", "ArnEquals": "*", "ArnLike": "*",
}  # fmt: skip
NEGATED = {
    "StringNotEquals": "a", "StringNotEqualsIgnoreCase": "a", "StringNotLike": "*", "NumericNotEquals": "1",
    "DateNotEquals": "2030", "NotIpAddress": "0.0.0.0/0", "ArnNotEquals": "*", "ArnNotLike": "*",
}  # fmt: skip


@pytest.mark.parametrize("missing", [None, ()], ids=["missing", "empty"])
@pytest.mark.parametrize("operator", [*POSITIVE, *NEGATED])
def test_a_missing_key_satisfies_negated_operators_if_exists_and_for_all_values(operator: str, missing: Any) -> None:
    values = {**POSITIVE, **NEGATED}[operator]
    assert holds(operator, values, missing) is (operator in NEGATED)
    assert holds(f"{operator}IfExists", values, missing)
    assert holds(f"ForAllValues:{operator}", values, missing)
    assert not holds(f"ForAnyValue:{operator}", values, missing)
    assert holds(f"ForAnyValue:{operator}IfExists", values, missing)
    assert holds(f"ForAllValues:{operator}IfExists", values, missing)


def test_if_exists_changes_nothing_for_a_key_that_is_there() -> None:
    assert holds("StringEqualsIfExists", "a", "a")
    assert not holds("StringEqualsIfExists", "a", "b")
    assert not holds("StringNotEqualsIfExists", "a", "a")
    assert holds("StringNotEqualsIfExists", "a", "b")


@pytest.mark.parametrize(
    ("operator", "given", "for_all", "for_any", "without"),
    [
        ("StringEquals", ("a",), True, True, True),
        ("StringEquals", ("a", "b"), True, True, True),
        ("StringEquals", ("a", "c"), False, True, True),
        ("StringEquals", ("c", "d"), False, False, False),
        ("StringEquals", "a", True, True, True),
        ("StringEquals", "c", False, False, False),
        ("StringNotEquals", ("a",), False, False, False),
        ("StringNotEquals", ("a", "b"), False, False, False),
        ("StringNotEquals", ("a", "c"), False, True, False),
        ("StringNotEquals", ("c", "d"), True, True, True),
        ("StringNotEquals", "a", False, False, False),
        ("StringNotEquals", "c", True, True, True),
    ],
)
def test_set_operators_ask_about_every_value_or_about_some(
    operator: str, given: Any, for_all: bool, for_any: bool, without: bool
) -> None:
    assert holds(f"ForAllValues:{operator}", ["a", "b"], given) is for_all
    assert holds(f"ForAnyValue:{operator}", ["a", "b"], given) is for_any
    assert holds(operator, ["a", "b"], given) is without


@pytest.mark.parametrize("operator", ["stringequals", "FORANYVALUE:STRINGEQUALSIFEXISTS", "forAllValues:StringEquals"])
def test_an_operator_is_known_in_any_case(operator: str) -> None:
    assert holds(operator, "a", "a")
    assert not holds(operator, "a", "b")


@pytest.mark.parametrize(
    "operator",
    [
        "StringSimilar", "StringEqualsIfExist", "ForSomeValues:StringEquals", "NullIfExists", "ForAnyValue:Null",
        "ForAllValues:Null", "ForAllValues:ForAnyValue:StringEquals", ":StringEquals", "IfExists", "",
    ],
)  # fmt: skip
def test_an_unknown_operator_never_holds(operator: str) -> None:
    assert not holds(operator, "true", "true")
    assert not holds(operator, "true", None)


def test_all_operators_and_all_keys_must_hold() -> None:
    both = policy(allow(Condition={"StringEquals": {"a:b": "1", "a:c": "2"}, "Bool": {"a:d": "true"}}))
    right = {"a:b": "1", "a:c": "2", "a:d": "true"}
    assert ask(user(), identity=both, context=right).allowed
    for key in right:
        assert not ask(user(), identity=both, context={**right, key: "other"}).allowed


def test_keys_are_compared_regardless_of_case() -> None:
    guarded = policy(allow(Condition={"StringEquals": {"AWS:PrincipalTag/Team": "red"}}))
    assert ask(user(), identity=guarded, context={"aws:principaltag/team": "red"}).allowed
    assert not ask(user(), identity=guarded, context={"aws:principaltag/team": "Red"}).allowed


@pytest.mark.parametrize(
    ("operator", "value", "given", "expected"),
    [
        ("StringEquals", "${a:name}", "alice", True),
        ("StringEquals", "${a:name}", "bob", False),
        ("StringEquals", "team-${a:name}!", "team-alice!", True),
        ("StringEquals", "*${a:name}?", "*alice?", True),
        ("StringEquals", "*${a:name}?", "-alice-", False),
        ("StringEqualsIgnoreCase", "?${a:name}*", "?ALICE*", True),
        ("StringEqualsIgnoreCase", "?${a:name}*", "-ALICE-", False),
        ("StringEqualsIgnoreCase", "${a:name}", "ALICE", True),
        ("StringEqualsIgnoreCase", "${a:name}", "bob", False),
        ("StringNotEqualsIgnoreCase", "${a:name}", "ALICE", False),
        ("StringLike", "${a:name}*", "alice-2", True),
        ("StringLike", "${a:name}*", "bob-2", False),
        ("StringNotLike", "${a:name}*", "alice-2", False),
        ("Bool", "${a:yes}", "true", True),
        ("Bool", "${a:yes}", "false", False),
        ("ArnLike", "arn:aws:iam::1:user/${a:name}", "arn:aws:iam::1:user/alice", True),
        ("ArnLike", "arn:aws:iam::1:user/${a:name}", "arn:aws:iam::1:user/bob", False),
        ("ArnLike", "arn:aws:iam::${a:number}:user/*", "arn:aws:iam::10:user/bob", True),
        ("ArnLike", "arn:aws:iam::${a:number}:user/*", "arn:aws:iam::11:user/bob", False),
        ("ArnNotLike", "arn:aws:iam::${a:number}:user/*", "arn:aws:iam::10:user/bob", False),
        ("ArnLike", "${a:star}", "arn:aws:iam::10:user/bob", False),
        ("ArnLike", "arn:aws:iam::${a:number}:user/*", "number", False),
        ("ArnLike", "${a:name}:aws:iam::1:user/x", "alice:aws:iam::1:user/x", False),
        ("ArnLike", "arn:aws:iam::${a:colon}:user/x", "arn:aws:iam::1:2:user/x", False),
        ("ArnLike", "arn:*:iam::${a:colon}:user/x", "arn:aws:iam::1:2:user/x", False),
        ("NumericEquals", "${a:number}", "10", False),
        ("DateEquals", "${a:number}", "10", False),
        ("IpAddress", "${a:address}", "10.1.2.3", False),
        ("BinaryEquals", "${a:binary}", "QUI=", False),
        ("StringEquals", "${a:nothing}", "alice", False),
        ("StringNotEquals", "${a:nothing}", "alice", True),
        ("StringNotLike", "*${a:nothing}", "alice", True),
        ("ArnLike", "arn:aws:iam::1:user/${a:nothing}", "arn:aws:iam::1:user/alice", False),
        ("ArnNotLike", "arn:aws:iam::1:user/${a:nothing}", "arn:aws:iam::1:user/alice", True),
        ("StringEquals", "${a:nothing, 'alice'}", "alice", True),
    ],
)  # fmt: skip
def test_variables_stand_in_strings_arns_and_booleans(operator: str, value: str, given: str, expected: bool) -> None:
    context = {
        "a_name": "alice", "a_yes": "true", "a_number": "10", "a_address": "10.1.2.3", "a_binary": "QUI=",
        "a_star": "*", "a_colon": "1:2",
    }  # fmt: skip
    assert holds(operator, value, given, **context) is expected
    if operator == "StringEquals" and "Not" not in operator:
        assert not holds(operator, value, given, version="2008-10-17", **context)
        assert holds(operator, value, value, version="2008-10-17", **context)


def test_values_with_and_without_variables_are_alternatives() -> None:
    for operator in ("StringEquals", "StringLike", "StringEqualsIgnoreCase"):
        mixed = ["bob", "${a:name}", "${a:nothing}", "carol"]
        for given, expected in (("alice", True), ("bob", True), ("carol", True), ("dave", False)):
            assert holds(operator, mixed, given, a_name="alice") is expected


def entry(operator: str, *values: str) -> ConditionEntry:
    return ConditionEntry(operator, "aws:Key", values)


@pytest.mark.parametrize(
    ("operator", "good", "bad"),
    [
        ("Bool", ["true", "FALSE", "${aws:x}"], ["yes", "1", "true "]),
        ("Null", ["true", "False"], ["no", "${aws:x}"]),
        ("BinaryEquals", ["QUI=", ""], ["QUI", "?"]),
        ("IpAddress", ["10.0.0.0/8", "::1"], ["10.0.0.0/33", "ten"]),
        ("NotIpAddress", ["10.1.2.3/8"], [""]),
        ("NumericLessThan", ["1", "-1.5"], ["one", "1_0"]),
        ("NumericEquals", ["0"], ["${aws:x}"]),
        ("DateGreaterThan", ["2030-01-01T00:00:00Z", "2030", "1893456000"], ["soon"]),
        ("DateNotEquals", ["2030-06"], ["2030-13"]),
        ("StringEquals", ["anything", ""], []),
        ("ForAnyValue:StringLikeIfExists", ["*"], []),
        ("ArnLike", ["anything"], []),
    ],
)
def test_a_condition_whose_values_its_type_cannot_read_is_not_stored(
    operator: str, good: list[str], bad: list[str]
) -> None:
    for value in good:
        assert operator_problem(entry(operator, value)) is None
    for value in bad:
        assert operator_problem(entry(operator, value)) == f"{value} is not a value of {operator}"
        assert operator_problem(entry(operator, *good, value))
    assert operator_problem(entry(operator)) == "no values"
    assert operator_problem(entry(operator + "?", "a")) == f"unknown operator {operator}?"


def test_all_conditions_but_a_null_that_wants_it_missing_need_their_key() -> None:
    assert needs_key(entry("StringEquals", "a"))
    assert needs_key(entry("Null", "false"))
    assert needs_key(entry("Null", "true", "FALSE"))
    assert not needs_key(entry("Null", "true"))
    assert not needs_key(entry("StringSimilar", "a"))
