"""A proof for machines: JSON, and the XML that CI systems know from JUnit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

from .prove import Proof, Row

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def proof_json(proof: Proof, strict: bool = False) -> dict[str, Any]:
    """A proof as `--output json` shows it."""
    return {
        "name": proof.name,
        "sentence": proof.sentence,
        "place": proof.place or None,
        "holds": proof.holds(strict),
        "rows": [_row_json(row) for row in proof.rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "check": row.check.id,
        "title": row.check.title,
        "outcome": row.outcome,
        "expected": row.check.word(row.check.expected),
        "foretold": row.check.word(row.foretold.allowed),
        "observed": row.check.word(row.observed.allowed),
        "foretoldBecause": row.foretold.reason,
        "observedBecause": row.observed.reason,
    }


def junit(proofs: Iterable[Proof], strict: bool = False) -> bytes:
    """A test suite for each proof, a test case for each row.

    What is not as expected is a failure; where prediction and observation differ, or trying failed, an error; what was
    proved in one way only is skipped, or with `strict` a failure.
    """
    root = ElementTree.Element("testsuites", name="isthmus prove")
    for proof in proofs:
        suite = ElementTree.SubElement(root, "testsuite", name=proof.name)
        counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        for row in proof.rows:
            case = ElementTree.SubElement(suite, "testcase", classname=f"isthmus.prove.{proof.name}", name=row.check.id)
            counts["tests"] += 1
            verdict = _verdict(row, strict)
            if verdict is not None:
                counts[{"failure": "failures", "error": "errors"}.get(verdict, verdict)] += 1
                ElementTree.SubElement(case, verdict, message=_NOT_XML.sub("\ufffd", told(row)), type=row.outcome)
        suite.attrib.update({name: str(count) for name, count in counts.items()})
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def told(row: Row) -> str:
    """A row in a sentence: what was checked, what should have come of it, and why it did not."""
    return f"{row.check.title}: expected to be {row.check.word(row.check.expected)}, {row.outcome}: {row.reason}"


def _verdict(row: Row, strict: bool) -> str | None:
    if row.outcome == "proved":
        return None
    if row.outcome in ("differs", "fault"):
        return "error"
    if row.outcome in ("foretold", "observed") and not strict:
        return "skipped"
    return "failure"
