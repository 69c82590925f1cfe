"""The reviewed file of who may do what: `isthmus link --from` makes it so, `isthmus prove` proves that it is so.

    links:
      - name: reports
        share: s3://reports/2026
        owner: production            # an AWS profile
        to: "444455556666:group/analysts"
        with: analytics-admin        # an AWS profile; left out, its administrator is told what to run
        access: read
        require_mfa: true
        external_id: auto
        source_ip: [203.0.113.0/24]
        expires: 2027-01-31
        kms: auto
        as: alice                    # an AWS profile of whom the link is for: she takes the role
        probe_as: [bob]              # AWS profiles of others, who must be refused (prove alone)
        except: [user/auditor]       # others of that account who may take the role too (prove alone)
        mfa_serial: arn:aws:iam::444455556666:mfa/alice    # where AWS is not to be asked (prove alone)
        role: AnalyticsReader        # a role that no link made (prove alone)

A file is read by its nodes, not into values: an account id stays what was written, and errors name the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from .link_plan import ACCESSES, Grantee, InvalidLink, share_of

_MANDATORY = ("share", "owner", "to", "access")
_YES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, in the words of the command's options; names and defaults are theirs.

    as_: the AWS profile of whom it is for. role, probe_as, except_, mfa_serial: for proofs alone. place: `FILE:LINE`
    of the entry; empty for the words of a command.
    """

    share: str
    owner: str
    to: str
    access: str
    with_: str | None = None
    name: str | None = None
    require_mfa: bool = False
    external_id: str | None = None
    source_ip: tuple[str, ...] = ()
    expires: str | None = None
    kms: str | None = None
    as_: str | None = None
    role: str | None = None
    probe_as: tuple[str, ...] = ()
    except_: tuple[str, ...] = ()
    mfa_serial: str | None = None
    place: str = ""


_LISTS = frozenset({"source_ip", "probe_as", "except"})
KEYS = tuple(field.name.rstrip("_") for field in fields(Words) if field.name != "place")
"""The keys of an entry."""


def read_access_file(file: Path) -> list[Words]:
    """The entries of a file, whose shape is checked; none of them is looked up. Raises InvalidLink, OSError."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}"
        raise InvalidLink(f"{file}{line}: this is not YAML: {error.problem or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidLink(f"{file}: this is not YAML: {error}") from None
    reader = _Reader(file)
    top = {} if root is None else reader.mapping(root, ("links",), "the file")
    if "links" not in top:
        raise InvalidLink(f"{file}:1: the file must have a list of `links`")
    entries = top["links"]
    if not isinstance(entries, yaml.SequenceNode) or not entries.value:
        raise InvalidLink(f"{reader.at(entries)}: `links` must be a list with an entry for each link")
    return [reader.words(entry, number) for number, entry in enumerate(entries.value, 1)]


class _Reader:
    def __init__(self, file: Path) -> None:
        self._file = file

    def at(self, node: yaml.Node) -> str:
        return f"{self._file}:{node.start_mark.line + 1}"

    def mapping(self, node: yaml.Node, known: tuple[str, ...], what: str) -> Mapping[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise InvalidLink(f"{self.at(node)}: {what} must be a mapping of {', '.join(known)}")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in known:
                raise InvalidLink(f"{self.at(key)}: {what} does not know {name!r}; its keys are {', '.join(known)}")
            if name in found:
                raise InvalidLink(f"{self.at(key)}: {what} has {name!r} twice")
            found[name] = value
        return found

    def words(self, node: yaml.Node, number: int) -> Words:
        what = f"link {number}"
        entry = self.mapping(node, KEYS, what)
        values: dict[str, Any] = {}
        for name, value in entry.items():
            field = f"{name}_" if name in ("with", "as", "except") else name
            if name in _LISTS:
                values[field] = tuple(self._texts(value, name, what))
            elif name == "require_mfa":
                values[field] = self._truth(value, name, what)
            elif (text := self._text(value, name, what)) is not None:
                values[field] = text
        missing = [name for name in _MANDATORY if not values.get(name)]
        if missing:
            raise InvalidLink(f"{self.at(node)}: {what} lacks {', '.join(missing)}; its keys are {', '.join(KEYS)}")
        words = Words(**values, place=self.at(node))
        self._check(words, entry, what)
        return words

    def _check(self, words: Words, entry: Mapping[str, yaml.Node], what: str) -> None:
        if words.access not in ACCESSES:
            at = self.at(entry["access"])
            raise InvalidLink(f"{at}: {what}: access is {words.access!r}; it is one of {', '.join(ACCESSES)}")
        try:
            Grantee.parse(words.to)
        except InvalidLink as error:
            raise InvalidLink(f"{self.at(entry['to'])}: {what}: {error}") from None
        try:
            share_of(words.share)
        except InvalidLink as error:
            raise InvalidLink(f"{self.at(entry['share'])}: {what}: {error}") from None
        for other in words.except_:
            if not other.startswith(("user/", "role/")):
                at = self.at(entry["except"])
                raise InvalidLink(f"{at}: {what}: except has {other!r}; say user/NAME or role/NAME")

    def _text(self, node: yaml.Node, name: str, what: str) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            raise InvalidLink(f"{self.at(node)}: {what}: {name} must be one text")
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)

    def _texts(self, node: yaml.Node, name: str, what: str) -> list[str]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return [text for one in nodes if (text := self._text(one, name, what)) is not None]

    def _truth(self, node: yaml.Node, name: str, what: str) -> bool:
        text = self._text(node, name, what)
        if text is None or text.lower() not in _YES:
            raise InvalidLink(f"{self.at(node)}: {what}: {name} must be true or false")
        return _YES[text.lower()]
