"""What AWS refuses to store, with AWS's words.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM and AWS STS quotas"; S3 User Guide,
"Policies and permissions in Amazon S3"; Organizations User Guide, "SCP syntax", "RCP syntax" and "Quotas". Each check
reads the JSON first (which elements there are, of which type), then the parsed statements (what stands in them).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from .conditions import operator_problem
from .document import (
    NEW_VERSION,
    OLD_VERSION,
    SYNTAX_ERRORS,
    MalformedPolicy,
    PolicyDocument,
    Statement,
    read_json,
)
from .json_text import BrokenJson, JsonText, Path
from .layers.rcp import SERVICES as RCP_SERVICES
from .patterns import glob
from .principals import account_named

Parse = Callable[[str], PolicyDocument]
"""How a check gets its document: `PolicyDocument.parse`, or `PolicyDocument.tried` for one that will not be kept."""
ORGANIZATION_POLICY_CHARACTERS = 5120
BUCKET_POLICY_BYTES = 20 * 1024

_STATEMENT = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_IAM_SID = re.compile(r"[A-Za-z0-9]*\Z")
# IAM's own pattern for documents: tab, line feed, carriage return and U+0020 to U+00FF.
_FOREIGN_CHARACTER = re.compile("[^\t\n\r\x20-\xff]")
_VENDOR = re.compile(r"[a-zA-Z0-9-]+\Z")
_PARTITIONS = frozenset({"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"})
_IAM_TYPES = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
    "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
_TRUST_ACTIONS = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
    }
)
_PRINCIPAL_KINDS = frozenset({"AWS", "Federated", "Service", "CanonicalUser"})
_UNIQUE_ID = re.compile(r"(?:AIDA|AROA)[A-Z0-9]{12,}\Z")
_CANONICAL_ID = re.compile(r"[0-9a-f]{64}\Z")
_PRINCIPAL_ARN = re.compile(
    r"arn:[a-z-]+:(?:iam::[0-9]{12}:(?:root|user/[^*?]+|role/[^*?]+)|sts::[0-9]{12}:(?:assumed-role/[^*?/]+/[^*?/]+"
    r"|federated-user/[^*?/]+)|cloudfront::[^:*?]+|iam::cloudfront:user/[^*?]+)\Z"
)
_SERVICE_NAME = re.compile(r"[a-z0-9.-]+\.[a-z0-9.-]+\Z")


# Identity-based, boundary and session policies


def check_identity_policy(text: str, parse: Parse = PolicyDocument.parse) -> PolicyDocument:
    """A managed or inline policy, or a boundary. Raises MalformedPolicy."""
    _iam_json(text)
    document = parse(text)
    for statement, at in _with_place(document):
        _no_principal(statement, at)
        _identity_statement(statement, at)
    _unique_sids(document)
    return document


def check_session_policy(text: str) -> PolicyDocument:
    """An inline session policy. Raises MalformedPolicy; `sts` counts it together with managed ones."""
    return check_identity_policy(text)


def check_scp(text: str, parse: Parse = PolicyDocument.parse) -> PolicyDocument:
    """A service control policy; since 2025 the full language, without principals. Raises MalformedPolicy."""
    if len(text) > ORGANIZATION_POLICY_CHARACTERS:
        raise MalformedPolicy("The provided policy document exceeds the maximum size limit.")
    return check_identity_policy(text, parse)


def check_rcp(text: str) -> PolicyDocument:
    """A customer's resource control policy: denies for everybody, of services that have them. Raises
    MalformedPolicy."""
    if len(text) > ORGANIZATION_POLICY_CHARACTERS:
        raise MalformedPolicy("The provided policy document exceeds the maximum size limit.")
    json = _iam_json(text)
    document = PolicyDocument.parse(text)
    if document.version != NEW_VERSION:
        raise MalformedPolicy("Policy document must be version 2012-10-17 or greater.", *json.place(("Version",)))
    for statement, at in _with_place(document):
        everybody = statement.principals is not None and (
            "*" in statement.principals or statement.principals == {"AWS": ("*",)}
        )
        if statement.effect != "Deny" or statement.negates_actions or statement.negates_principals or not everybody:
            _refuse(SYNTAX_ERRORS, at)
        _identity_statement(statement, at)
        for action in statement.actions:
            if action == "*" or action.partition(":")[0].lower() not in RCP_SERVICES:
                _refuse(SYNTAX_ERRORS, at, "Action")
    _unique_sids(document)
    return document


def _no_principal(statement: Statement, at: _Place) -> None:
    if statement.principals is not None:
        _refuse("Policy document should not specify a principal.", at, "Principal", "NotPrincipal")


def _identity_statement(statement: Statement, at: _Place) -> None:
    if not statement.actions:
        _refuse("Policy statement must contain actions.", at)
    for action in statement.actions:
        problem = action_problem(action)
        if problem:
            _refuse(problem, at, "Action", "NotAction")
    if not statement.resources:
        _refuse("Policy statement must contain resources.", at)
    for resource in statement.resources or ():
        problem = resource_problem(resource)
        if problem:
            _refuse(problem, at, "Resource", "NotResource")
    _conditions(statement)


def action_problem(action: str) -> str | None:
    """What IAM says against an action; None for a good one."""
    if action == "*":
        return None
    service, colon, name = action.partition(":")
    if not colon or not service:
        return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    if ":" in name:
        return "Actions/Condition can contain only one colon."
    if not _VENDOR.match(service):
        return f"Vendor {service} is not valid"
    if not name or re.search(r"[\s,]", name):
        return SYNTAX_ERRORS
    return None


def resource_problem(resource: str) -> str | None:
    """What IAM says against a resource; None for a good one."""
    if resource == "*":
        return None
    fields = resource.split(":", 5)
    if fields[0] != "arn":
        return f'Resource {resource} must be in ARN format or "*".'
    if len(fields) < 3:
        return "Resource vendor must be fully qualified and cannot contain regexes."
    partition, vendor = fields[1], fields[2]
    if partition != "*" and partition not in _PARTITIONS:
        return f'Partition "{partition}" is not valid for resource "{resource}".'
    if not _VENDOR.match(vendor):
        return "Resource vendor must be fully qualified and cannot contain regexes."
    if len(fields) < 6:
        return "The policy failed legacy parsing"
    region, rest = fields[3], fields[5]
    if not rest:
        return "The policy failed legacy parsing"
    if vendor == "iam":
        if region:
            return f"IAM resource {resource} cannot contain region information."
        if rest not in ("*", "root") and not rest.startswith(_IAM_TYPES) and not re.match(r"[a-z-]*[*?]", rest):
            allowed = ", ".join(_IAM_TYPES)
            return f'IAM resource path must either be "*" or start with {allowed}.'
    # Access points, unlike buckets, live in a region.
    if vendor == "s3" and region and not rest.startswith(("accesspoint/", "job/", "storage-lens/", "*")):
        return f"Resource {resource} can not contain region information."
    return None


# Trust policies


def check_trust_policy(text: str, parse: Parse = PolicyDocument.parse) -> PolicyDocument:
    """A role's trust policy. Raises MalformedPolicy; that its principals exist is for the caller to find
    out."""
    _iam_json(text)
    document = parse(text)
    for statement, at in _with_place(document):
        if statement.resources is not None:
            _refuse("Has prohibited field Resource", at, "Resource", "NotResource")
        if statement.negates_principals:
            _refuse("Has prohibited field NotPrincipal", at, "NotPrincipal")
        if statement.principals is None:
            _refuse("Missing required field Principal", at)
        if not statement.actions:
            _refuse("Policy statement must contain actions.", at)
        for action in statement.actions:
            _trust_action(action, at)
        problem = principal_problem(statement, canonical=False)
        if problem == '"*"':
            _refuse('AssumeRole policy contained an invalid principal: "STAR":"*".', at, "Principal")
        if problem:
            _refuse(f"Invalid principal in policy: {problem}", at, "Principal")
        _conditions(statement)
    _unique_sids(document)
    return document


def _trust_action(action: str, at: _Place) -> None:
    problem = action_problem(action)
    if problem:
        _refuse(problem, at, "Action", "NotAction")
    folded = action.lower()
    # A pattern stays inside STS: the lone star would speak of every service.
    if folded not in _TRUST_ACTIONS and not re.match(r"sts:[a-z]*\*\Z", folded):
        _refuse("AssumeRole policy may only specify STS AssumeRole actions.", at, "Action", "NotAction")


def principal_problem(statement: Statement, canonical: bool) -> str | None:
    """The entry of Principal that cannot name anybody, as AWS quotes it (`"AWS":"…"`); None if all can.

    canonical: whether CanonicalUser is a kind of principal here. A bare `"*"` is refused where it is not:
    trust policies take `{"AWS": "*"}` only.
    """
    principals = statement.principals or {}
    if "*" in principals:
        return None if canonical else '"*"'
    if not principals:
        return '"{}"'
    for kind, names in principals.items():
        if kind not in _PRINCIPAL_KINDS or (kind == "CanonicalUser" and not canonical) or not names:
            return f'"{kind}"'
        for name in names:
            if not _can_be(kind, name):
                return f'"{kind}":"{name}"'
    return None


def _can_be(kind: str, name: str) -> bool:
    if kind == "AWS":
        return (
            name == "*"
            or account_named(name) is not None
            or _PRINCIPAL_ARN.match(name) is not None
            or _UNIQUE_ID.match(name) is not None
        )
    if kind == "CanonicalUser":
        return _CANONICAL_ID.match(name) is not None
    if kind == "Service":
        return _SERVICE_NAME.match(name) is not None
    return bool(name) and "*" not in name


# Bucket policies


def check_bucket_policy(text: str, bucket: str, parse: Parse = PolicyDocument.parse) -> PolicyDocument:
    """The policy of `bucket`. Raises MalformedPolicy with S3's words."""
    if len(text.encode("utf-8", "surrogatepass")) > BUCKET_POLICY_BYTES:
        raise MalformedPolicy("Policy document exceeds the maximum allowed document size of 20480 bytes")
    json = _s3_json(text)
    _s3_fields(json)
    try:
        document = parse(text)
    except MalformedPolicy as error:
        raise MalformedPolicy("Invalid policy syntax.", error.line, error.column) from None
    for statement, at in _with_place(document):
        _s3_statement(statement, at, bucket)
    return document


def _s3_json(text: str) -> JsonText:
    not_json = "Policies must be valid JSON and the first byte must be '{'"
    if not text.startswith("{"):
        raise MalformedPolicy(not_json)
    try:
        return JsonText(text)
    except BrokenJson as error:
        raise MalformedPolicy(not_json, error.line, error.column) from None


def _s3_fields(json: JsonText) -> None:
    document = json.value
    for name in document:
        if name not in ("Version", "Id", "Statement"):
            raise MalformedPolicy(f"Unknown field {name}", *json.place((name,)))
    if document.get("Version", OLD_VERSION) not in (OLD_VERSION, NEW_VERSION):
        raise MalformedPolicy("The policy must contain a valid version string", *json.place(("Version",)))
    if not document.get("Statement"):
        raise MalformedPolicy("Missing required field Statement", *json.place(()))
    statements = document["Statement"]
    several = isinstance(statements, list)
    for index, item in enumerate(statements if several else [statements]):
        at: Path = ("Statement", index) if several else ("Statement",)
        if not isinstance(item, dict):
            raise MalformedPolicy("Invalid policy syntax.", *json.place(at))
        for name in item:
            if name not in _STATEMENT:
                raise MalformedPolicy(f"Unknown field {name}", *json.place((*at, name)))
        for field in ("Effect", "Principal", "Action", "Resource"):
            if field not in item and (field == "Effect" or f"Not{field}" not in item):
                raise MalformedPolicy(f"Missing required field {field}", *json.place(at))
        if item["Effect"] not in ("Allow", "Deny"):
            raise MalformedPolicy(f"Invalid effect: {item['Effect']}", *json.place((*at, "Effect")))


def _s3_statement(statement: Statement, at: _Place, bucket: str) -> None:
    if statement.negates_principals and statement.effect == "Allow":
        _refuse("Allow with NotPrincipal is not allowed.", at, "NotPrincipal")
    if principal_problem(statement, canonical=True):
        _refuse("Invalid principal in policy", at, "Principal", "NotPrincipal")
    for action in statement.actions or ("",):
        if action != "*" and (action_problem(action) or action.partition(":")[0].lower() != "s3"):
            _refuse("Policy has invalid action", at, "Action", "NotAction")
    resources = statement.resources or ("",)
    for resource in resources:
        if not names_bucket(resource, bucket):
            _refuse("Policy has invalid resource", at, "Resource", "NotResource")
    if not statement.negates_actions and not statement.negates_resources and not _fits(statement):
        _refuse("Action does not apply to any resource(s) in statement", at)
    for entry in statement.conditions:
        if operator_problem(entry):
            _refuse("Invalid Condition type : " + entry.operator, at, "Condition")
        if ":" not in entry.key:
            _refuse("Policy has an invalid condition key", at, "Condition")


def names_bucket(resource: str, bucket: str) -> bool:
    """Whether a Resource names the bucket, its keys or an access point."""
    fields = resource.split(":", 5)
    if len(fields) != 6 or fields[0] != "arn" or fields[1] not in _PARTITIONS or fields[2] != "s3":
        return False
    if fields[3] or fields[4]:
        return fields[5].startswith("accesspoint/")
    # A wildcard may say less than the name: the policy is only ever asked about this bucket.
    name, _, _ = fields[5].partition("/")
    return glob(name)(bucket)


def _fits(statement: Statement) -> bool:
    """Whether any action has its type of resource, bucket or object, in the statement."""
    resources = statement.resources or ()
    has_object = any("/" in resource or resource.endswith("*") for resource in resources)
    has_bucket = any("/" not in resource for resource in resources)
    for action in statement.actions:
        name = action.partition(":")[2].lower()
        if action == "*" or "*" in name or "?" in name:
            return True
        if name not in _ACCOUNT_ACTIONS and (has_object if is_object_action(name) else has_bucket):
            return True
    return False


_ACCOUNT_ACTIONS = frozenset({"listallmybuckets", "getaccountpublicaccessblock", "putaccountpublicaccessblock"})
_OBJECT_WORDS = ("object", "multipart", "replicate", "governance", "initiatereplication")


def is_object_action(name: str) -> bool:
    """Whether an S3 action (lower case) takes objects: its name says so (Service Authorization Reference)."""
    if name == "objectowneroverridetobucketowner":
        return True
    return "bucket" not in name and any(word in name for word in _OBJECT_WORDS)


# What all have in common


class _Place:
    """A statement's place in a text; `element` finds the first of some elements in it."""

    __slots__ = ("_statement",)

    def __init__(self, statement: Statement) -> None:
        self._statement = statement

    def element(self, *names: str) -> tuple[int, int]:
        for name in names:
            if name in self._statement.positions:
                return self._statement.positions[name]
        return self._statement.line, self._statement.column


def _with_place(document: PolicyDocument) -> list[tuple[Statement, _Place]]:
    return [(statement, _Place(statement)) for statement in document.statements]


def _refuse(message: str, at: _Place, *elements: str) -> NoReturn:
    raise MalformedPolicy(message, *at.element(*elements))


def _iam_json(text: str) -> JsonText:
    """The JSON of an IAM document whose elements are those of the grammar."""
    if _FOREIGN_CHARACTER.search(text) or not text.strip():
        raise MalformedPolicy(SYNTAX_ERRORS)
    json = read_json(text)
    document = json.value
    if not isinstance(document, dict) or not document.get("Statement"):
        raise MalformedPolicy(SYNTAX_ERRORS, *json.place(()))
    for name in document:
        if name not in ("Version", "Id", "Statement"):
            raise MalformedPolicy(SYNTAX_ERRORS, *json.place((name,)))
    if document.get("Version", OLD_VERSION) not in (OLD_VERSION, NEW_VERSION):
        raise MalformedPolicy(SYNTAX_ERRORS, *json.place(("Version",)))
    statements = document["Statement"]
    several = isinstance(statements, list)
    for index, item in enumerate(statements if several else [statements]):
        at: Path = ("Statement", index) if several else ("Statement",)
        unknown = [name for name in item if name not in _STATEMENT] if isinstance(item, dict) else [""]
        if unknown:
            raise MalformedPolicy(SYNTAX_ERRORS, *json.place((*at, unknown[0])))
    return json


def _unique_sids(document: PolicyDocument) -> None:
    seen: set[str] = set()
    for statement in document.statements:
        if not _IAM_SID.match(statement.sid):
            message = (
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
                "expression [0-9A-Za-z]*"
            )
            raise MalformedPolicy(message, *_Place(statement).element("Sid"))
        if statement.sid and statement.sid in seen:
            raise MalformedPolicy(
                "Statement IDs (SID) in a single policy must be unique.", *_Place(statement).element("Sid")
            )
        seen.add(statement.sid)


def _conditions(statement: Statement) -> None:
    for entry in statement.conditions:
        problem = operator_problem(entry)
        if problem:
            raise MalformedPolicy(SYNTAX_ERRORS, entry.line, entry.column)
        if ":" not in entry.key:
            message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            raise MalformedPolicy(message, entry.line, entry.column)
