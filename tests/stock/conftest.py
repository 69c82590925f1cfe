"""One server for all tests of this folder that do not stop theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Someone, Stage, Terminal


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The server with its accounts; it must end cleanly and must not have had a fault of its own."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    assert made.server.stop() == 0
    assert "Traceback" not in made.server.errors.read_text()


@pytest.fixture
def terminal(tmp_path: Path, stage: Stage) -> Terminal:
    """A home directory for the AWS CLI."""
    return Terminal(tmp_path / "home", stage.endpoint)


@pytest.fixture
def nobody(stage: Stage) -> Someone:
    """A user of the owner who may do nothing."""
    return stage.owner.new_user()
