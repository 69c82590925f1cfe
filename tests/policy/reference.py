"""AWS's rules once more, as literally and slowly as they can be written: what the engine is held against.

Works on JSON documents and shares nothing with the engine but the request's types. Read it beside the IAM
User Guide:
"Policy evaluation logic", "Condition operators", "Principal", "NotPrincipal", "Variables and tags".
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from datetime import UTC, datetime

from isthmus.policy import AuthorizationRequest, NamedPolicy, PolicyType, PrincipalKind

NO_POLICIES_OF_ITS_OWN = (PrincipalKind.SERVICE, PrincipalKind.WEB_IDENTITY, PrincipalKind.ANONYMOUS)
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnLike",
    "ArnNotLike": "ArnLike",
}
LITERAL = {"*": "\ue000", "?": "\ue001"}  # how wildcards that are not meant as such are kept apart


def as_list(value):
    return value if isinstance(value, list) else [value]


def glob(pattern, text):
    """`*` any run, `?` one character; by a table of which pattern prefixes match which text prefixes."""
    for sign, kept in LITERAL.items():
        text = text.replace(sign, kept)
    row = [True] + [False] * len(text)
    for sign in pattern:
        new = [row[0] and sign == "*"]
        for at, character in enumerate(text):
            if sign == "*":
                new.append(row[at + 1] or new[at])
            else:
                new.append(row[at] and (sign == "?" or sign == character))
        row = new
    return row[-1]


def arn_glob(pattern, text):
    if pattern == "*":
        return True
    patterns, fields = pattern.split(":", 5), text.split(":", 5)
    patterns += ["*"] * (6 - len(patterns))
    return len(fields) == 6 and all(map(glob, patterns, fields))


def substitute(text, request, wildcards=True):
    """Variables put in, their wildcards taken literally; None where one has no value."""

    def value(found):
        inside = found.group(1)
        if inside in ("*", "?", "$"):
            return LITERAL.get(inside, inside) if wildcards else inside
        name, _, default = inside.partition(",")
        given = request.context.get(name.strip().lower())
        if not isinstance(given, str):
            given = default.strip()[1:-1] if default else None
        if given is None:
            raise LookupError(name)
        return "".join(LITERAL.get(sign, sign) for sign in given) if wildcards else given

    try:
        return re.sub(r"\$\{([^{}]*)\}", value, text)
    except LookupError:
        return None


def action_matches(statement, action):
    def one(pattern):
        return pattern == "*" or glob(pattern.lower(), action.lower())

    if "Action" in statement:
        return any(map(one, as_list(statement["Action"])))
    return not any(map(one, as_list(statement["NotAction"])))


def resource_matches(statement, request, version):
    def one(pattern):
        if version == "2012-10-17":
            head, tail = pattern.split(":", 5)[:5], pattern.split(":", 5)[5:]
            if tail:
                filled = substitute(tail[0], request)
                if filled is None:
                    return False
                pattern = ":".join([*head, filled])
        return arn_glob(pattern, request.resource)

    if "Resource" in statement:
        return any(map(one, as_list(statement["Resource"])))
    return "NotResource" not in statement or not any(map(one, as_list(statement["NotResource"])))


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def moment(text):
    if number(text) is not None:
        return number(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def compare(operator, wanted, given, request, version):
    """One value of the policy with one of the request, by a positive operator."""
    variables = version == "2012-10-17" and operator.startswith(("String", "Arn", "Bool"))
    if variables:
        wanted = substitute(wanted, request, wildcards=operator in ("StringLike", "ArnLike", "ArnEquals"))
        if wanted is None:
            return False
    if operator == "StringEquals":
        return wanted == given
    if operator in ("StringEqualsIgnoreCase", "Bool"):
        return wanted.casefold() == given.casefold()
    if operator == "StringLike":
        return glob(wanted, given)
    if operator in ("ArnLike", "ArnEquals"):
        return given.startswith("arn:") and given.count(":") >= 5 and arn_glob(wanted, given)
    if operator == "BinaryEquals":
        return base64.b64decode(wanted) == base64.b64decode(given)
    if operator == "IpAddress":
        network, address = ipaddress.ip_network(wanted, strict=False), ipaddress.ip_address(given)
        return address.version == network.version and address in network
    read = number if operator.startswith("Numeric") else moment
    left, right = read(given), read(wanted)
    if left is None or right is None:
        return False
    comparison = operator.removeprefix("Numeric").removeprefix("Date")
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[comparison]


def condition_holds(operator, key, values, request, version):
    prefix, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    values = [str(value).lower() if isinstance(value, bool) else str(value) for value in as_list(values)]
    given = request.context.get(key.lower())
    present = given not in (None, ())
    if name == "Null":
        return ("false" if present else "true") in [value.lower() for value in values]
    negated, positive = name in NEGATED, NEGATED.get(name, name)
    if not present:
        return if_exists or prefix == "ForAllValues" or (negated and prefix != "ForAnyValue")
    given = [given] if isinstance(given, str) else list(given)
    hits = [any(compare(positive, value, one, request, version) for value in values) for one in given]
    if prefix == "ForAllValues":
        return not any(hits) if negated else all(hits)
    if prefix == "ForAnyValue":
        return not all(hits) if negated else any(hits)
    return not any(hits) if negated else any(hits)


def conditions_hold(statement, request, version):
    return all(
        condition_holds(operator, key, values, request, version)
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def named_as(element, request):
    """The set of ways in which a Principal map names the requester: `self`, `entity`, `account`."""
    principal, ids = request.principal, request.owner.policy.principal_ids
    kind, ways = principal.kind, set()
    if kind is PrincipalKind.SERVICE:
        return {"self"} if principal.entity_id in as_list(element.get("Service", [])) else set()
    if kind is PrincipalKind.WEB_IDENTITY:
        return {"self"} if principal.entity_id in as_list(element.get("Federated", [])) else set()
    if kind is PrincipalKind.ANONYMOUS:
        return set()
    for name in as_list(element.get("AWS", [])):
        if name in (principal.account, f"arn:aws:iam::{principal.account}:root"):
            ways.add("account")
        elif kind in (PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER) and name == principal.arn:
            ways.add("self")
        elif kind is not PrincipalKind.ROOT and ids.get(name, name) == principal.entity_id:
            ways.add("self" if kind is PrincipalKind.USER else "entity")
    return ways


def naming(statement, request):
    """`everybody`, `self`, `entity`, `account` or None: how a resource policy's statement names the
    requester."""
    kind = request.principal.kind
    if "NotPrincipal" in statement:
        element = statement["NotPrincipal"]
        ways = named_as(element, request)
        if statement["Effect"] == "Allow":
            exempt = bool(ways)
        else:
            needed = {"self", "account"}
            if kind in (PrincipalKind.ROLE_SESSION, PrincipalKind.FEDERATED_USER):
                needed = {"self", "entity", "account"}
            if kind in NO_POLICIES_OF_ITS_OWN:
                needed = {"self"}
            if kind is PrincipalKind.ROOT:
                needed = {"account"}
            exempt = needed <= ways and request.caller.boundary is None
        found = None if exempt else "everybody"
    else:
        element = statement.get("Principal", "*")
        if element == "*" or "*" in as_list(element.get("AWS", [])):
            found = "everybody"
        else:
            ways = named_as(element, request)
            found = next((way for way in ("self", "entity", "account") if way in ways), None)
    if found == "everybody" and statement["Effect"] == "Allow":
        if kind is PrincipalKind.FEDERATED_USER:
            return "entity"
        if kind is PrincipalKind.WEB_IDENTITY:
            return None
    return found


def applying(document, request):
    """The statements that apply, principals apart."""
    content = json.loads(document.text)
    version = content.get("Version", "2008-10-17")
    for statement in as_list(content["Statement"]):
        if (
            action_matches(statement, request.action)
            and resource_matches(statement, request, version)
            and conditions_hold(statement, request, version)
        ):
            yield statement


def effects(policies, request):
    return {statement["Effect"] for policy in policies for statement in applying(policy.document, request)}


def is_allowed(request: AuthorizationRequest) -> bool:
    """AWS's decision."""
    principal, caller, owner = request.principal, request.caller, request.owner
    kind, policy = principal.kind, owner.policy
    outsider = kind in NO_POLICIES_OF_ITS_OWN
    root = kind is PrincipalKind.ROOT
    identity: tuple[NamedPolicy, ...] = () if outsider or root else caller.identity
    boundary = None if outsider or root else caller.boundary
    session = None if outsider else caller.session
    scps = () if outsider else caller.scps
    rcps = owner.rcps if request.action.split(":")[0] in ("s3", "sts", "kms") else ()

    grants = set()
    if policy is not None:
        for statement in applying(policy.document, request):
            way = naming(statement, request)
            if way is not None and statement["Effect"] == "Deny":
                return False
            if way is not None:
                grants.add(way)
    for level in (*scps, *rcps, identity, session or (), (boundary,) if boundary else ()):
        if "Deny" in effects(level, request):
            return False
    if not all("Allow" in effects(level, request) for level in (*scps, *rcps)):
        return False

    by_identity = root or "Allow" in effects(identity, request)
    by_boundary = boundary is None or "Allow" in effects((boundary,), request)
    by_session = kind is not PrincipalKind.FEDERATED_USER if session is None else "Allow" in effects(session, request)
    if outsider or principal.account != owner.account:
        granted = bool(grants) or owner.acl_allows
        return granted and (outsider or (by_identity and by_boundary and by_session))
    trust = policy is not None and policy.type is PolicyType.TRUST
    if trust and not grants:
        return False
    if root:
        return by_session
    if grants & {"everybody", "self"}:
        return by_boundary or not trust
    if "entity" in grants:
        return by_boundary and by_session
    return by_identity and by_boundary and by_session
