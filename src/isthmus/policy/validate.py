"""What AWS refuses to store, and in which words.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM and AWS STS quotas"; S3 User Guide, "Policies
and permissions in Amazon S3"; texts as AWS answers them. The checks run in one order, so that one document always
gets one error: shape, version, statement by statement, sizes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .conditions import split_operator
from .document import MalformedPolicy, PolicyDocument, Statement
from .patterns import glob
from .principals import account_named

TRUST_POLICY_SIZE = 2048
SESSION_POLICY_SIZE = 2048
BUCKET_POLICY_SIZE = 20 * 1024
ORGANIZATION_POLICY_SIZE = 5120

_CHARACTERS = re.compile(r"[\t\n\r\x20-\xff]*\Z")
_SPACE = re.compile(r"[ \t\r\n]+")
_SID = re.compile(r"[A-Za-z0-9]*\Z")
_ACTION = re.compile(r"(?:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)\Z")
_ARN_START = re.compile(r"arn:")
_ENTITY = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:(?:iam::[0-9]{12}:(?:user|role)/[^*?]+|sts::[0-9]{12}:(?:assumed-role|federated-user)/[^*?]+)\Z"
)
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,}\Z")
_CANONICAL = re.compile(r"[0-9a-f]{64}\Z")
_IAM_TYPES = ("user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
              "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/")  # fmt: skip
_TRUST_ACTIONS = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession",
                  "sts:setsourceidentity", "sts:setcontext")  # fmt: skip
_TOP = frozenset({"Version", "Id", "Statement"})
_ELEMENTS = frozenset({
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
})  # fmt: skip
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")

# S3's actions on buckets all have Bucket in their name, or are one of these; the others act on objects.
_BUCKET_ACTIONS = frozenset({
    "s3:createbucket", "s3:deletebucket", "s3:listbucket", "s3:listbucketversions",
    "s3:listbucketmultipartuploads", "s3:getaccelerateconfiguration", "s3:putaccelerateconfiguration",
    "s3:getanalyticsconfiguration", "s3:putanalyticsconfiguration", "s3:getencryptionconfiguration",
    "s3:putencryptionconfiguration", "s3:getinventoryconfiguration", "s3:putinventoryconfiguration",
    "s3:getlifecycleconfiguration", "s3:putlifecycleconfiguration", "s3:getmetricsconfiguration",
    "s3:putmetricsconfiguration", "s3:getreplicationconfiguration", "s3:putreplicationconfiguration",
    "s3:getintelligenttieringconfiguration", "s3:putintelligenttieringconfiguration",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one kind of document may and must hold."""

    principal: bool
    resource: bool
    s3: bool = False
    syntax: str = "Syntax errors in policy."


_IDENTITY = _Kind(principal=False, resource=True)
_TRUST = _Kind(principal=True, resource=False)
_BUCKET = _Kind(principal=True, resource=True, s3=True, syntax="Invalid policy syntax.")


def size_without_whitespace(text: str) -> int:
    """Characters that count against IAM's quotas."""
    return len(_SPACE.sub("", text))


def check_identity_policy(text: str) -> PolicyDocument:
    """A managed or inline policy, or a permissions boundary. Raises MalformedPolicy."""
    return _checked(text, _IDENTITY)


def check_session_policy(text: str) -> PolicyDocument:
    """An inline session policy: an identity policy of at most 2,048 characters. Raises MalformedPolicy."""
    if len(text) > SESSION_POLICY_SIZE:
        raise MalformedPolicy(f"The session policy is longer than {SESSION_POLICY_SIZE} characters.")
    return _checked(text, _IDENTITY)


def check_scp(text: str) -> PolicyDocument:
    """A service control policy: an identity policy of at most 5,120 characters. Raises MalformedPolicy."""
    if len(text) > ORGANIZATION_POLICY_SIZE:
        raise MalformedPolicy(f"The policy is longer than {ORGANIZATION_POLICY_SIZE} characters.")
    return _checked(text, _IDENTITY)


def check_rcp(text: str) -> PolicyDocument:
    """A resource control policy: Deny only, principal `*`, no NotAction and NotPrincipal. Raises MalformedPolicy."""
    if len(text) > ORGANIZATION_POLICY_SIZE:
        raise MalformedPolicy(f"The policy is longer than {ORGANIZATION_POLICY_SIZE} characters.")
    document = _checked(text, _Kind(principal=True, resource=True))
    for statement in document.statements:
        place = (statement.line, statement.column)
        if statement.effect != "Deny" or statement.negates_actions or statement.negates_principals:
            raise MalformedPolicy("A resource control policy has only Deny, Action and Principal.", *place)
        if statement.principals != {"*": ("*",)}:
            raise MalformedPolicy('The Principal of a resource control policy must be "*".', *place)
    return document


def check_trust_policy(text: str) -> PolicyDocument:
    """A role's trust policy. Raises MalformedPolicy; whether its principals exist is asked elsewhere."""
    document = _checked(text, _TRUST)
    for statement in document.statements:
        place = (statement.line, statement.column)
        for action in statement.actions:
            if not any(glob(action.lower())(known) for known in _TRUST_ACTIONS):
                raise MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.", *place)
        if statement.negates_principals:
            raise MalformedPolicy("Trust policies may not specify NotPrincipal.", *place)
        if "*" in (statement.principals or {}):
            raise MalformedPolicy('AssumeRole policy contained an invalid principal: "*".', *place)
        if "CanonicalUser" in (statement.principals or {}):
            raise MalformedPolicy("Trust policies may not specify CanonicalUser.", *place)
    if size_without_whitespace(text) > TRUST_POLICY_SIZE:
        raise MalformedPolicy(f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_SIZE}")
    return document


def check_bucket_policy(text: str, bucket: str) -> PolicyDocument:
    """The policy of `bucket`. Raises MalformedPolicy; whether its principals exist is asked elsewhere."""
    if not text.lstrip().startswith("{"):
        raise MalformedPolicy("Policies must be valid JSON and the first byte must be '{'")
    if len(text.encode()) > BUCKET_POLICY_SIZE:
        raise MalformedPolicy(f"Normalized policy document exceeds the maximum allowed size of {BUCKET_POLICY_SIZE}")
    document = _checked(text, _BUCKET)
    for statement in document.statements:
        place = (statement.line, statement.column)
        prefix = f"arn:aws:s3:::{bucket}"
        for resource in statement.resources or ():
            if resource != prefix and not resource.startswith(prefix + "/") and not _covers(resource, prefix):
                raise MalformedPolicy("Policy has invalid resource", *place)
        _check_pairing(statement, prefix)
    return document


def _covers(resource: str, prefix: str) -> bool:
    """A pattern such as `arn:aws:s3:::bucket*` that names this bucket and begins with its name."""
    return resource.startswith(prefix) and resource[len(prefix)] in "*?"


def _check_pairing(statement: Statement, bucket_arn: str) -> None:
    if statement.negates_actions or statement.negates_resources:
        return
    on_bucket = any(glob(resource)(bucket_arn) for resource in statement.resources or ())
    on_objects = any("/" in resource or glob(resource)(bucket_arn + "/") for resource in statement.resources or ())
    for action in statement.actions:
        folded = action.lower()
        if "*" in folded or "?" in folded:
            return
        for_bucket = folded in _BUCKET_ACTIONS or "bucket" in folded
        if (for_bucket and on_bucket) or (not for_bucket and on_objects):
            return
    place = (statement.line, statement.column)
    raise MalformedPolicy("Action does not apply to any resource(s) in statement", *place)


def _checked(text: str, kind: _Kind) -> PolicyDocument:
    if not kind.s3 and not _CHARACTERS.match(text):
        raise MalformedPolicy("The policy document holds characters other than tab, line ends and U+0020 to U+00FF.")
    try:
        document = PolicyDocument.parse(text)
    except MalformedPolicy as error:
        raise _in_words_of(kind, error, text) from None
    _check_top(document, kind)
    sids = [statement.sid for statement in document.statements if statement.sid]
    if len(set(sids)) != len(sids):
        raise MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")
    raw = document.value["Statement"]
    for statement, item in zip(document.statements, raw if isinstance(raw, list) else [raw], strict=True):
        _check_elements(statement, item, kind)
        _check_actions(statement, kind)
        _check_resources(statement, kind)
        _check_principals(statement, kind)
        _check_conditions(statement, kind)
    return document


def _in_words_of(kind: _Kind, error: MalformedPolicy, text: str) -> MalformedPolicy:
    message = error.message
    if kind.s3 and message == "This policy contains invalid Json":
        message = "Policies must be valid JSON and the first byte must be '{'"
    elif kind.s3:
        message = _missing_field(text) or kind.syntax
    return MalformedPolicy(message, error.line, error.column)


def _missing_field(text: str) -> str | None:
    for field in ("Statement", "Effect"):
        if f'"{field}"' not in text:
            return f"Missing required field {field}"
    return None


def _check_top(document: PolicyDocument, kind: _Kind) -> None:
    value: dict[str, Any] = document.value
    unknown = set(value) - _TOP
    if unknown or ("Id" in value and not kind.principal):
        raise MalformedPolicy(kind.syntax)
    if document.version not in ("2012-10-17", "2008-10-17"):
        message = "The policy must contain a valid version string" if kind.s3 else kind.syntax
        raise MalformedPolicy(message)
    if not document.statements:
        raise MalformedPolicy("Missing required field Statement" if kind.s3 else kind.syntax)


def _check_elements(statement: Statement, item: dict[str, Any], kind: _Kind) -> None:
    place = (statement.line, statement.column)
    if set(item) - _ELEMENTS:
        raise MalformedPolicy(kind.syntax, *place)
    if not kind.s3 and not _SID.match(statement.sid):
        raise MalformedPolicy(kind.syntax, *place)
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in item and other in item:
            raise MalformedPolicy(kind.syntax, *place)
    if statement.principals is not None and not kind.principal:
        raise MalformedPolicy("Policy document should not specify a principal.", *place)
    if statement.principals is None and kind.principal:
        raise MalformedPolicy("Missing required field Principal", *place)
    if not statement.actions:
        message = "Missing required field Action" if kind.s3 else "Policy statement must contain actions."
        raise MalformedPolicy(message, *place)
    if statement.resources is not None and not kind.resource:
        raise MalformedPolicy("Has prohibited field Resource", *place)
    if kind.resource and not statement.resources:
        message = "Missing required field Resource" if kind.s3 else "Policy statement must contain resources."
        raise MalformedPolicy(message, *place)
    if kind.s3 and statement.negates_principals and statement.effect == "Allow":
        raise MalformedPolicy("Allow with NotPrincipal is not allowed.", *place)


def _check_actions(statement: Statement, kind: _Kind) -> None:
    place = statement.positions.get("Action", (statement.line, statement.column))
    for action in statement.actions:
        if kind.s3:
            if not (_ACTION.match(action) and action.lower().startswith(("s3:", "*"))):
                raise MalformedPolicy("Policy has invalid action", *place)
            continue
        if action == "*":
            continue
        if ":" not in action:
            raise MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", *place)
        if action.count(":") > 1:
            raise MalformedPolicy("Actions/Condition can contain only one colon.", *place)
        if not _ACTION.match(action):
            vendor = action.partition(":")[0]
            message = kind.syntax if re.fullmatch("[A-Za-z0-9-]+", vendor) else f"Vendor {vendor} is not valid"
            raise MalformedPolicy(message, *place)


def _check_resources(statement: Statement, kind: _Kind) -> None:
    place = statement.positions.get("Resource", (statement.line, statement.column))
    if kind.s3:
        return
    for resource in statement.resources or ():
        if resource == "*":
            continue
        if not _ARN_START.match(resource):
            raise MalformedPolicy(f'Resource {resource} must be in ARN format or "*".', *place)
        fields = resource.split(":", 5)
        if len(fields) < 6 and not resource.endswith("*"):
            raise MalformedPolicy("The policy failed legacy parsing", *place)
        if fields[1] not in _PARTITIONS and "*" not in fields[1]:
            raise MalformedPolicy(f'Partition "{fields[1]}" is not valid for resource "{resource}".', *place)
        if len(fields) < 6:
            continue
        if not fields[2] or "*" in fields[2] or "?" in fields[2]:
            raise MalformedPolicy("Resource vendor must be fully qualified and cannot contain regexes.", *place)
        if fields[2] == "iam":
            if fields[3]:
                raise MalformedPolicy(f"IAM resource {resource} cannot contain region information.", *place)
            if not fields[5].startswith(_IAM_TYPES) and fields[5] not in ("*", "root") and "*" not in fields[5]:
                message = f'IAM resource path must either be "*" or start with {", ".join(_IAM_TYPES)}.'
                raise MalformedPolicy(message, *place)
        if fields[2] == "s3" and fields[3] and "accesspoint" not in fields[5]:
            raise MalformedPolicy(f"Resource {resource} can not contain region information.", *place)


def _check_principals(statement: Statement, kind: _Kind) -> None:
    principals = statement.principals
    if principals is None or "*" in principals:
        return
    place = statement.positions.get("Principal", (statement.line, statement.column))
    if not principals:
        raise MalformedPolicy(kind.syntax, *place)
    for key, names in principals.items():
        if key not in ("AWS", "Service", "Federated", "CanonicalUser") or not names:
            raise MalformedPolicy(kind.syntax, *place)
        for name in names:
            if not _is_principal(key, name):
                message = "Invalid principal in policy" if kind.s3 else f'Invalid principal in policy: "{key}":"{name}"'
                raise MalformedPolicy(message, *place)


def _is_principal(key: str, name: str) -> bool:
    if key == "AWS":
        account = account_named(name)
        known = name == "*" or (account is not None and account.isdigit())
        return known or bool(_ENTITY.match(name) or _UNIQUE_ID.match(name))
    if key == "CanonicalUser":
        return bool(_CANONICAL.match(name))
    return bool(name) and "*" not in name


def _check_conditions(statement: Statement, kind: _Kind) -> None:
    place = statement.positions.get("Condition", (statement.line, statement.column))
    for entry in statement.conditions:
        if split_operator(entry.operator) is None:
            message = f"Invalid Condition type : {entry.operator}" if kind.s3 else kind.syntax
            raise MalformedPolicy(message, *place)
        if ":" not in entry.key and not kind.s3:
            raise MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", *place)
        if kind.s3 and not _is_known_key(entry.key):
            raise MalformedPolicy("Policy has an invalid condition key", *place)


def _is_known_key(key: str) -> bool:
    return key.lower().startswith(("aws:", "s3:", "kms:", "saml:", "sts:", "iam:")) or "/" in key or "." in key
