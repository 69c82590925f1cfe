"""What KMS refuses to store as a key policy, with its words.

Source: KMS Developer Guide, "Creating a key policy"; the messages are those KMS answers with.
"""

from __future__ import annotations

from .conditions import operator_problem
from .document import MalformedPolicy, PolicyDocument
from .validate import principal_problem


def check_key_policy(text: str) -> PolicyDocument:
    """The policy of a key. Raises MalformedPolicy; that its principals exist is for the caller to find out."""
    try:
        document = PolicyDocument.parse(text)
    except MalformedPolicy as error:
        raise MalformedPolicy("Policy is not valid: " + error.message, error.line, error.column) from None
    if not document.statements:
        raise MalformedPolicy("Policy contains no statement.")
    for statement in document.statements:
        place = statement.line, statement.column
        if statement.principals is None:
            raise MalformedPolicy("Policy contains a statement with no principal.", *place)
        if not statement.actions:
            raise MalformedPolicy("Policy contains a statement with no action.", *place)
        if not statement.resources:
            raise MalformedPolicy("Policy contains a statement with no resource.", *place)
        if statement.negates_principals and statement.effect == "Allow":
            raise MalformedPolicy("Policy contains an Allow statement with NotPrincipal.", *place)
        if principal_problem(statement, canonical=True) or "CanonicalUser" in statement.principals:
            raise MalformedPolicy("Policy contains a statement with one or more invalid principals.", *place)
        for entry in statement.conditions:
            if operator_problem(entry) or ":" not in entry.key:
                raise MalformedPolicy(
                    "Policy contains a statement with an invalid condition.", entry.line, entry.column
                )
    return document
