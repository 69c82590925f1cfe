"""Globs: what they match, and that no pattern costs more than its length times the text's."""

from __future__ import annotations

import pytest

from isthmus.policy.patterns import arn_glob_of, glob, glob_of, split_arn, tokens_of


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
