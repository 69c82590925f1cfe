"""A resource policy as it is read back: principals named as they are called now.

AWS stores the unique id that a principal's ARN meant (IAM User Guide, "AWS JSON policy elements: Principal").
A renamed user is shown under its new ARN, a deleted one as its bare id. We keep the text byte for byte as it
was written and change only those strings, and only inside Principal elements: an ARN in a Condition is just
text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')
_PRINCIPAL_ELEMENTS = ("Principal", "NotPrincipal")


def rename_principals(text: str, names: Mapping[str, str]) -> str:
    """The JSON document `text` with the principals that are keys of `names` replaced by their values."""
    if not names:
        return text
    pieces: list[str] = []
    done = 0
    for start, end, value in _principals(text):
        if value in names:
            pieces += (text[done:start], json.dumps(names[value]))
            done = end
    return "".join(pieces) + text[done:]


def _principals(text: str) -> list[tuple[int, int, str]]:
    """Beginning, end and value of every string value below a Principal element of a well-formed document."""
    found: list[tuple[int, int, str]] = []
    # For each open bracket: whether it is an object, and the key under which its values stand.
    stack: list[tuple[bool, str]] = []
    key = ""
    expects_key = False
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece in "{[":
            stack.append((piece == "{", key))
            expects_key = piece == "{"
        elif piece in "}]":
            _, key = stack.pop()
            expects_key = False
        elif piece == ",":
            expects_key = bool(stack) and stack[-1][0]
        elif piece == ":":
            expects_key = False
        elif expects_key:
            key = json.loads(piece)
        elif key in _PRINCIPAL_ELEMENTS or any(outer in _PRINCIPAL_ELEMENTS for _, outer in stack):
            found.append((match.start(), match.end(), json.loads(piece)))
    return found
