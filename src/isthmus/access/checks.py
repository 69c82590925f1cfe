"""One sentence of sharing as the list of what must be possible and what must not.

"alice of 444455556666 reads s3://reports/2026/ through the role, with MFA" says more than that she can: nobody else
can, not without MFA, not outside of the prefix, not writing, not in another bucket, not around the role. Each of these
is a check. Which there are follows from the words alone, so that a list of them needs no account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .access_file import Words
from .link_plan import Grantee, share_of
from .link_request import default_name


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must be possible, or must be refused.

    id: stable, for machines. title: a sentence whose outcome is `expected`. tried: whether it can be tried at all; what
    only other times and places would show is foretold alone. foretold: whether policies say anything of it. words: for
    its two outcomes.
    """

    id: str
    title: str
    expected: bool
    tried: bool = True
    foretold: bool = True
    words: tuple[str, str] = ("allowed", "refused")

    def word(self, outcome: bool | None) -> str | None:
        """An outcome in a word; None for one that is not known."""
        return None if outcome is None else self.words[0 if outcome else 1]


def name_of(words: Words) -> str:
    """The name of the link, as `link` gives it. Raises InvalidLink."""
    bucket, prefix = share_of(words.share)
    return words.name or default_name(bucket, prefix, Grantee.parse(words.to))


def checks_of(words: Words) -> list[Check]:
    """Every check of a sentence, in the order they are made. Raises InvalidLink."""
    return list(_checks(words))


def _checks(words: Words) -> Iterator[Check]:
    bucket, prefix = share_of(words.share)
    to = Grantee.parse(words.to)
    place = f"s3://{bucket}/{prefix}"
    reads, writes = words.access in ("read", "read-write"), words.access in ("write", "read-write")
    role = f"the role {words.role.rpartition('/')[2]}" if words.role else "the role"
    shown = [*(["with MFA"] if words.require_mfa else []), *(["with the external id"] if words.external_id else [])]
    if words.role is None:
        yield Check("intact", "the link is as it was made", True, foretold=False, words=("intact", "changed"))
    yield Check("take", " ".join([f"{_who(to)} takes {role}", *shown]), expected=True)
    yield Check("list", f"the role lists {place}", expected=True)
    yield Check("read", f"the role reads an object of {place}", expected=reads)
    yield Check("write", f"the role writes an object of {place}", expected=writes)
    yield Check("delete", f"the role deletes an object of {place}", expected=words.access == "read-write")
    if prefix:
        yield Check("list-outside", f"the role lists {bucket} outside of {prefix}", expected=False)
        yield Check("read-outside", f"the role reads an object outside of {prefix}", expected=False)
        yield Check("write-outside", f"the role writes an object outside of {prefix}", expected=False)
    yield Check("other-bucket", "the role lists another bucket of the owner", expected=False)
    yield Check("read-without-role", f"{_who(to)} reads without the role", expected=False)
    yield Check("write-without-role", f"{_who(to)} writes without the role", expected=False)
    if words.require_mfa:
        yield Check("no-mfa", f"{_who(to)} takes {role} without MFA", expected=False)
    if words.external_id:
        yield Check("wrong-external-id", f"{_who(to)} takes {role} with a wrong external id", expected=False)
        yield Check("no-external-id", f"{_who(to)} takes {role} without an external id", expected=False)
    if words.source_ip:
        yield Check("other-address", f"{_who(to)} takes {role} from another address", expected=False, tried=False)
    if words.expires:
        yield Check("after-the-end", f"{_who(to)} takes {role} after the end", expected=False, tried=False)
    for profile in words.probe_as:
        yield Check(f"probe-as:{profile}", f"whoever the profile {profile} is takes {role}", expected=False)
    yield Check("others", f"{_others(to, words.except_)} takes {role}", expected=False)


def _who(to: Grantee) -> str:
    if to.kind == "account":
        return f"an allowed user of {to.account}"
    return f"{'a member of ' if to.kind == 'group' else ''}{to.kind}/{to.name} of {to.account}"


def _others(to: Grantee, known: tuple[str, ...]) -> str:
    if to.kind == "account":
        return f"a user of {to.account} whom nothing allows it"
    return f"anybody else of {to.account}{f' but {chr(44).join(known)}' if known else ''}"
