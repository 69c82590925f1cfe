"""Globs: what they match, and that no pattern costs more than its length times the text's."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.policy.patterns import ONE, STAR, arn_glob_of, glob, glob_of, split_arn, tokens_of


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("", "", True),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("*", "", True),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("*b*", "abc", True),
        ("a*c", "ac", True),
        ("ab*ba", "aba", False),
        ("?", "", False),
        ("?", "a", True),
        ("a?c", "abc", True),
        ("*?", "a", True),
        ("*??*", "a", False),
        ("*a?b*", "xaab", True),
        ("a*b?d*e", "axxbcbcde", True),
        ("a*b?d*e", "axxbcce", False),
        ("**a**", "a", True),
        ("a*", "ba", False),
        ("*a", "ab", False),
        ("*b*", "acd", False),
        ("a*c", "abd", False),
        ("a*c", "bac", False),
        ("?b", "ab", True),
        ("?b", "aab", False),
        ("a?", "ab", True),
        ("a?", "ba", False),
        ("??", "ab", True),
        ("??", "a", False),
        ("??", "abc", False),
        ("*?b*", "b", False),
        ("*?b*", "ab", True),
        ("*?b*", "bb", True),
        ("a*?", "a", False),
        ("a*?", "ab", True),
        ("?*?", "a", False),
        ("?*?", "ab", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "acb", False),
        ("a*b*c", "a-b-c-b", False),
        ("a*bc*bc", "abc", False),
        ("a*bc*bc", "abcbc", True),
        ("*ab*ab*", "aab", False),
        ("*ab*ab*", "abab", True),
        ("*ab*ba*", "aba", False),
        ("*ab*ba*", "abba", True),
        ("*a?c*", "abadc", True),
        ("*a?c*", "aabbc", False),
        ("*a?c*", "acaxc", True),
        ("*a?c*?", "abc", False),
        ("*?a?*b", "xaxb", True),
        ("*?a?*b", "axb", False),
        ("*?a?*b", "aaab", True),
        ("*??*a", "xya", True),
        ("*??*a", "xa", False),
        ("x*?*x", "xx", False),
        ("x*?*x", "xyx", True),
        ("*a?*?b*", "axyb", True),
        ("*a?*?b*", "ayb", False),
        ("*a??b*", "a-a--b", True),
        ("*a??b*", "a-a-b", False),
        ("*a??b*", "aab", False),
        ("*a?b*c", "acab-b", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a\nb*", "a\nbc", True),
        ("*", "a\nb", True),
        ("?", "\n", True),
        ("?", "\u00e9", True),
    ],
)
def test_globs(pattern: str, text: str, matches: bool) -> None:
    assert glob(pattern)(text) is matches


class CountingText(str):
    """A text that counts how often it is searched."""

    searches = 0

    def find(self, *args: object) -> int:  # type: ignore[override]
        CountingText.searches += 1
        return super().find(*args)  # type: ignore[arg-type]

    def startswith(self, *args: object) -> bool:  # type: ignore[override]
        CountingText.searches += 1
        return super().startswith(*args)  # type: ignore[arg-type]


@pytest.mark.parametrize("tail", ["", "b", "*b"])
def test_many_stars_cost_one_search_each(tail: str) -> None:
    pattern = "*a" * 3072 + tail
    text = CountingText("a" * 1024)
    CountingText.searches = 0
    assert not glob_of(tokens_of(pattern))(text)
    assert CountingText.searches <= len(pattern)
    half = "*a" * 500 + tail
    assert glob_of(tokens_of(half))(text) is (tail == "")
    assert CountingText.searches <= len(pattern) + len(half)


def test_question_marks_between_stars_cost_no_more_than_pattern_times_text() -> None:
    pattern, text = "*a?b" * 100, CountingText("aa" * 512)
    CountingText.searches = 0
    assert not glob_of(tokens_of(pattern))(text)
    assert CountingText.searches <= len(pattern) * len(text)


def test_a_wildcard_stays_inside_its_field_of_an_arn() -> None:
    def matches(pattern: str, text: str) -> bool:
        return arn_glob_of([tokens_of(field) for field in split_arn(pattern)])(text)

    assert matches("arn:aws:iam::*:user/*", "arn:aws:iam::1:user/a:b/c")
    assert not matches("arn:aws:*:user/a", "arn:aws:iam::1:user/a")
    assert matches("arn:aws:sqs", "arn:aws:sqs:eu-west-1:1:queue")
    assert not matches("arn:aws:sqs", "arn:aws:sqsx:eu-west-1:1:queue")
    assert not matches("arn:aws:s3:::b/*", "arn:aws:s3:::b")


def test_tokens_are_literals_and_the_two_wildcards() -> None:
    assert tokens_of("a?b*c") == ("a", ONE, "b", STAR, "c")
    assert tokens_of("**?**a") == (STAR, ONE, STAR, "a")
    assert tokens_of("") == ()
    assert tokens_of("abc") == ("abc",)
    assert tokens_of("??") == (ONE, ONE)


@pytest.mark.parametrize(
    ("pattern", "fields"),
    [
        ("arn:aws:s3:::b/k", ["arn", "aws", "s3", "", "", "b/k"]),
        ("arn:aws:s3:::b:c:d", ["arn", "aws", "s3", "", "", "b:c:d"]),
        ("arn:aws:s3", ["arn", "aws", "s3"]),
        ("*", ["*"]),
        ("", [""]),
        ("arn:aws:iam::${aws:PrincipalAccount}:user/x", ["arn", "aws", "iam", "", "${aws:PrincipalAccount}", "user/x"]),
        ("arn:aws:${a:b}:${c:d}::x", ["arn", "aws", "${a:b}", "${c:d}", "", "x"]),
        ("arn:{a:b}:c", ["arn", "{a", "b}", "c"]),
        ("{a:b", ["{a", "b"]),
        ("a}:b", ["a}", "b"]),
    ],
)
def test_an_arn_is_cut_at_colons_that_stand_in_no_variable(pattern: str, fields: list[str]) -> None:
    assert split_arn(pattern) == fields


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("arn:aws:s3:::b", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::", "arn:aws:s3:::", True),
        ("arn:aws:s3:::", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::?", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::*b", "arn:aws:s3:::ab", True),
        ("arn:aws:s3:::a*b", "arn:aws:s3:::a:b", True),
        ("arn:aws:s3:*::b", "arn:aws:s3:eu::b", True),
        ("arn:aws:s3:*::b", "arn:aws:s3:eu:1:b", False),
        ("arn:aws:s3:?::b", "arn:aws:s3:eu::b", False),
        ("arn:a?s:s3:::b", "arn:aws:s3:::b", True),
        ("arn:*", "arn:aws:s3:::b", True),
        ("arn:*", "arn:aws:s3", False),
        ("arn:aws", "arn:aws:s3:::b", True),
        ("arn:aws", "arn:awsx:s3:::b", False),
        ("*:aws:s3:::b", "arn:aws:s3:::b", True),
        ("*:s3:::b", "arn:aws:s3:::b", False),
        ("*", "no arn", True),
        ("?", "x", False),
        ("**", "no arn", True),
    ],
)
def test_an_arn_matches_field_by_field(pattern: str, text: str, matches: bool) -> None:
    assert arn_glob_of([tokens_of(field) for field in split_arn(pattern)])(text) is matches


def test_a_colon_in_a_literal_head_is_in_no_field() -> None:
    head = [("arn",), ("aws",), ("iam",), (), ("1:2",)]
    assert not arn_glob_of([*head, ("user/x",)])("arn:aws:iam::1:2:user/x")
    assert not arn_glob_of([*head, (STAR,)])("arn:aws:iam::1:2:user/x")
    assert arn_glob_of([*head[:4], ("1",), ("2:user/x",)])("arn:aws:iam::1:2:user/x")


@settings(settings.get_profile("policy"))
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_a_glob_is_what_the_regular_expression_of_the_same_meaning_is(pattern: str, text: str) -> None:
    meaning = "".join({"*": ".*", "?": "."}.get(sign, sign) for sign in pattern)
    assert glob(pattern)(text) is (re.fullmatch(meaning, text) is not None)


LONGER = (
    "*ab*ab*", "*a?b*a?b*", "a*ab*b", "?ab*?b", "*aa*aa*", "*ab?*ab*", "*?b*?b*a",
    "*a?b*", "*?a?b*", "*a*?*", "*a*??*b", "*ab*?*",
)  # fmt: skip


def every_text(signs: str, longest: int) -> list[str]:
    """All texts of these characters up to a length."""
    return ["".join(text) for size in range(longest + 1) for text in itertools.product(signs, repeat=size)]


def expression(pattern: str) -> re.Pattern[str]:
    """The pattern as Python's reader of regular expressions reads it."""
    return re.compile("".join({"*": ".*", "?": "."}.get(sign, sign) for sign in pattern), re.DOTALL)


def test_every_short_pattern_matches_the_short_texts_that_it_says() -> None:
    texts = every_text("ab", 5)
    for pattern in (*every_text("a*?", 4), *LONGER):
        test, means = glob(pattern), expression(pattern)
        assert [text for text in texts if test(text)] == [text for text in texts if means.fullmatch(text)], pattern


def test_every_short_pattern_is_the_last_field_of_an_arn_in_the_same_way() -> None:
    texts, front = every_text("a:", 3), "arn:aws:s3:::"
    for pattern in every_text("a*?", 4):
        means = expression(pattern)
        for head in (front, "arn:aws:s?:::", "arn:*:s3:::", "*:aws:s3:*:*:"):
            test = arn_glob_of([tokens_of(field) for field in split_arn(head + pattern)])
            assert [text for text in texts if test(front + text)] == [text for text in texts if means.fullmatch(text)]
        assert not any(test("arn:aws:sqs:::" + text) for text in texts)
