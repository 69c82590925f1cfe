"""A pytest plug-in: `*.access.yaml` files are tests, and `isthmus_prove` proves one inside a test.

It is loaded in every pytest run of an environment that has Isthmus, so it imports nothing until a file or a test asks
for it. Which items a file has follows from its words alone; the proof is made when the first of them runs, and all of
them look up their row in it.

Source: pytest, "Writing hook functions", "Working with non-python tests".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .access_file import Words
    from .checks import Check
    from .mfa_session import MfaSessions
    from .prove import Manner, Proof

SUFFIX = ".access.yaml"
_MFA: pytest.StashKey[MfaSessions] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of proofs."""
    group = parser.getgroup("isthmus", "proofs of *.access.yaml files (Isthmus)")
    group.addoption(
        "--isthmus-make-user",
        action="store_true",
        help="make a user isthmus-probe-... in the other account for the time of a proof",
    )
    group.addoption("--isthmus-predict-only", action="store_true", help="ask the policies and try nothing")
    group.addoption(
        "--isthmus-organization", metavar="PROFILE", help="AWS profile of the organization's management account"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A collector for an access file."""
    if file_path.name.endswith(SUFFIX):
        return AccessFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session")
def isthmus_prove(request: pytest.FixtureRequest) -> Callable[[str | Path], list[Proof]]:
    """Prove an access file; its proofs, one for each link. `proof.holds()` says whether nothing is against it."""

    def prove(file: str | Path) -> list[Proof]:
        from .access_file import read_access_file  # noqa: PLC0415 - see above

        return [_prove(words, request.config) for words in read_access_file(Path(file))]

    return prove


class AccessFile(pytest.File):
    """An access file: a collector of links."""

    def collect(self) -> Iterator[pytest.Collector]:
        """A collector for each link, named after it."""
        from .access_file import read_access_file  # noqa: PLC0415 - see above
        from .checks import name_of  # noqa: PLC0415
        from .link_plan import InvalidLink  # noqa: PLC0415

        try:
            for words in read_access_file(self.path):
                yield AccessLink.from_parent(self, name=name_of(words), words=words)
        except InvalidLink as error:
            raise self.CollectError(str(error)) from None


class AccessLink(pytest.Collector):
    """A link of an access file: a collector of its checks."""

    def __init__(self, *, words: Words, **more: Any) -> None:
        super().__init__(**more)
        self.words = words
        self._proof: Proof | Exception | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each check."""
        from .checks import checks_of  # noqa: PLC0415 - see above

        for check in checks_of(self.words):
            yield AccessCheck.from_parent(self, name=check.id, check=check)

    def proof(self) -> Proof:
        """The proof of the link, made at the first call. Raises what making it raised."""
        if self._proof is None:
            try:
                self._proof = _prove(self.words, self.config)
            except Exception as error:
                self._proof = error
        if isinstance(self._proof, Exception):
            raise self._proof
        return self._proof


class AccessCheck(pytest.Item):
    """One check of a link. It passes if it is proved both ways, and is skipped if it was only one way."""

    parent: AccessLink

    def __init__(self, *, check: Check, **more: Any) -> None:
        super().__init__(**more)
        self.check = check

    def runtest(self) -> None:
        """Look up the row."""
        from .proof_report import told  # noqa: PLC0415 - see above

        (row,) = (row for row in self.parent.proof().rows if row.check.id == self.check.id)
        if row.outcome in ("foretold", "observed"):
            pytest.skip(told(row))
        if row.outcome != "proved":
            raise NotProved(told(row))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was not as agreed, without the frames of the plug-in. Anything else in the usual way."""
        from .prove import problems  # noqa: PLC0415 - see above

        if isinstance(excinfo.value, (NotProved, *problems())):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file, the line of the link, and the check in words."""
        line = self.parent.words.place.rpartition(":")[2]
        return self.path, int(line) - 1 if line else None, f"{self.parent.name}: {self.check.title}"


class NotProved(AssertionError):
    """A check that is not as agreed."""


def _prove(words: Words, config: pytest.Config) -> Proof:
    from datetime import UTC, datetime  # noqa: PLC0415 - see above

    from .prove import prove_words  # noqa: PLC0415

    return prove_words(words, datetime.now(UTC), _manner(config))


def _manner(config: pytest.Config) -> Manner:
    from .mfa_session import MfaSessions, code_from_environment  # noqa: PLC0415 - see above
    from .prove import Manner  # noqa: PLC0415

    mfa = config.stash.setdefault(_MFA, MfaSessions(code_from_environment))
    option = config.getoption
    return Manner(
        mfa,
        make_user=option("--isthmus-make-user"),
        predict_only=option("--isthmus-predict-only"),
        organization=option("--isthmus-organization"),
    )
