"""Where the statements of a document stand: each can be cut out of the text by its beginning and its end."""

from __future__ import annotations

import json

import pytest

from isthmus.policy import PolicyDocument, Statement

FIRST = '{"Sid": "A{}[]", "Effect": "Allow",\n   "Action": "s3:*", "Resource": "*"}'
SECOND = (
    '{ "Effect": "Deny", "Action": "s3:Put*", "Resource": "*",\r\n"Condition": {"Null": {"aws:username": "true"}} }'
)
DOCUMENTS = [
    f'{{"Version":"2012-10-17","Statement":[{FIRST},{SECOND}]}}',
    f'{{\n  "Statement" : [\n    {FIRST} ,\n\n    {SECOND}\n  ],\n  "Version": "2012-10-17"\n}}\n',
    f'{{"Version":"2012-10-17",\n\t"Statement":\t{FIRST}\n}}',
    f'{{"Id":"é","Statement":[\n{SECOND}]}}',
]


def _cut(text: str, statement: Statement) -> str:
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: statement.line - 1]) + statement.column - 1
    end = sum(len(line) + 1 for line in lines[: statement.end_line - 1]) + statement.end_column - 1
    return text[start:end]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_statement_is_what_stands_between_its_beginning_and_its_end(text: str) -> None:
    document = PolicyDocument.parse(text)
    given = document.value["Statement"]
    cut = [_cut(text, statement) for statement in document.statements]
    assert [json.loads(piece) for piece in cut] == (given if isinstance(given, list) else [given])
    assert set(cut) <= {FIRST, SECOND}


def test_the_end_is_told_in_an_explanation_too() -> None:
    document = PolicyDocument.parse(DOCUMENTS[1])
    assert [(one.line, one.column, one.end_line, one.end_column) for one in document.statements] == [
        (3, 5, 4, 38), (6, 5, 7, 50),
    ]  # fmt: skip
    assert document.statements_at == (2, 17)
