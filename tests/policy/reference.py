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
from datetime import UTC, datetime, timedelta
from decimal import Decimal

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
NEEDS_NO_PERMISSION = ("sts:GetCallerIdentity", "sts:GetSessionToken")
UNDER_RCPS = ("s3", "sts", "kms", "sqs", "secretsmanager")
ROOT_MAY = ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
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


def fields_of(pattern):
    """The six fields of an ARN pattern; the colon of a variable's name ends none."""
    hidden = re.sub(r"\$\{[^{}]*\}", lambda found: found.group().replace(":", "\ue002"), pattern).split(":", 5)
    return [field.replace("\ue002", ":") for field in hidden] + ["*"] * (6 - len(hidden))


def arn_glob(patterns, text):
    fields = text.split(":", 5)
    return len(fields) == 6 and None not in patterns and all(map(glob, patterns, fields))


def substitute(text, request, wildcards=True):
    """Variables put in, their wildcards taken literally; None where one has no value."""

    def value(found):
        inside = found.group(1)
        if inside in ("*", "?", "$"):
            return LITERAL.get(inside, inside) if wildcards else inside
        if not inside:
            return found.group()
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
        service, _, name = pattern.partition(":")
        could_be_one = name and ":" not in name and not set(service) & {"*", "?"}
        return pattern == "*" or (could_be_one and glob(pattern.lower(), action.lower()))

    if "Action" in statement:
        return any(map(one, as_list(statement["Action"])))
    return not any(map(one, as_list(statement["NotAction"])))


def resource_matches(statement, request, version):
    def one(pattern):
        *heads, last = fields_of(pattern)
        if version == "2012-10-17":
            last = substitute(last, request)
        return pattern == "*" or arn_glob([*heads, last], request.resource)

    if "Resource" in statement:
        return any(map(one, as_list(statement["Resource"])))
    return "NotResource" not in statement or not any(map(one, as_list(statement["NotResource"])))


def number(text):
    return Decimal(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE]\d+)?", text) else None


def moment(text):
    """Seconds since 1970 of a moment as W3C's note on dates has it, or of the seconds themselves."""
    date, time, zone = r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", r"T(\d\d):(\d\d)(?::(\d\d))?", r"Z|([+-]\d\d):(\d\d)"
    found = re.fullmatch(f"{date}(?:{time}(?:{zone}))?", text)
    if found is None:
        return number(text)
    *parts, east, minutes = found.groups()
    year, month, day, hour, minute, second = (
        int(part or one) for part, one in zip(parts, (1, 1, 1, 0, 0, 0), strict=True)
    )
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = timedelta(hours=int(east), minutes=int(east[0] + minutes)) if east else timedelta()
    return Decimal((local - offset - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))


def binary(text):
    group = "[A-Za-z0-9+/]"
    return base64.b64decode(text) if re.fullmatch(f"({group}{{4}})*({group}{{2}}==|{group}{{3}}=)?", text) else None


def address_in(network, address):
    try:
        network, address = ipaddress.ip_network(network, strict=False), ipaddress.ip_address(address)
    except ValueError:
        return False
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version == network.version and address in network


def compare(operator, wanted, given, request, version):
    """One value of the policy with one of the request, by a positive operator."""
    variables = version == "2012-10-17"
    if operator in ("ArnLike", "ArnEquals"):
        fields = fields_of(wanted)
        if variables:
            fields = [substitute(field, request) for field in fields]
        return given.startswith("arn:") and arn_glob(fields, given)
    if variables and operator.startswith(("String", "Bool")):
        wanted = substitute(wanted, request, wildcards=operator == "StringLike")
        if wanted is None:
            return False
    if operator == "StringEquals":
        return wanted == given
    if operator in ("StringEqualsIgnoreCase", "Bool"):
        return wanted.casefold() == given.casefold()
    if operator == "StringLike":
        return glob(wanted, given)
    if operator == "BinaryEquals":
        return None is not binary(wanted) == binary(given)
    if operator == "IpAddress":
        return address_in(wanted, given)
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
    for canonical in as_list(element.get("CanonicalUser", [])):
        if ids.get(canonical) == principal.account:
            ways.add("account")
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
        ways = {} if element == "*" else named_as(element, request)
        found = next((way for way in ("self", "entity", "account") if way in ways), None)
        if element == "*" or "*" in as_list(element.get("AWS", [])):
            found = "self" if kind is PrincipalKind.WEB_IDENTITY and found else "everybody"
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
    if request.action in NEEDS_NO_PERMISSION and kind is not PrincipalKind.ANONYMOUS:
        return True
    outsider = kind in NO_POLICIES_OF_ITS_OWN
    root = kind is PrincipalKind.ROOT
    identity: tuple[NamedPolicy, ...] = () if outsider or root else caller.identity
    boundary = None if outsider or root else caller.boundary
    session = None if outsider else caller.session
    service_linked = ":role/aws-service-role/" in principal.entity_arn
    scps = () if outsider or service_linked else caller.scps
    rcps = owner.rcps if request.action.split(":")[0] in UNDER_RCPS and not service_linked else ()
    if request.action == "kms:RetireGrant":
        rcps = ()
    at_home = principal.account == owner.account
    foreign_object = owner.object_owner not in (None, owner.account)

    grants = set()
    if policy is not None:
        for statement in applying(policy.document, request):
            way = naming(statement, request)
            if way is not None and statement["Effect"] == "Deny":
                if not (root and at_home and request.action in ROOT_MAY):
                    return False
            elif way is not None and not foreign_object:
                grants.add(way)
    if owner.public_access_blocked and not at_home and kind is not PrincipalKind.SERVICE:
        grants = set()
    for level in (*scps, *rcps, identity, session or (), (boundary,) if boundary else ()):
        if "Deny" in effects(level, request):
            return False
    if not all("Allow" in effects(level, request) for level in (*scps, *rcps)):
        return False

    by_identity = root or "Allow" in effects(identity, request)
    by_boundary = boundary is None or "Allow" in effects((boundary,), request)
    by_session = kind is not PrincipalKind.FEDERATED_USER if session is None else "Allow" in effects(session, request)
    if owner.granted and by_boundary and (outsider or by_session):
        return True
    if outsider or not at_home or foreign_object:
        granted = bool(grants) or owner.acl_allows
        return granted and (outsider or (by_identity and by_boundary and by_session))
    trust = policy is not None and policy.type is PolicyType.TRUST
    if policy is not None and not policy.trusts_account and not grants:
        return False
    if root:
        return by_session
    if grants & {"everybody", "self"}:
        return by_boundary or not trust
    if "entity" in grants:
        return by_boundary and by_session
    return by_identity and by_boundary and by_session
