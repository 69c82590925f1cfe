"""The console names the missing permission where S3's text does not: its table is the server's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import isthmus.s3  # noqa: F401 - registers its operations
from isthmus.operation import OPERATIONS

TABLE = Path(__file__).parents[2] / "console" / "src" / "aws" / "s3-actions.json"
ACTIONS: dict[str, str] = json.loads(TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "action"), sorted(ACTIONS.items()))
def test_the_console_names_the_permission_that_the_operation_needs(name: str, action: str) -> None:
    assert action == OPERATIONS["s3", name].permissions[0].action
