"""Mistakes around buckets that are shared: objects of others, keys that are not shared, blocks against policies."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from isthmus.policy import (
    AuthorizationRequest,
    NamedPolicy,
    PolicyDocument,
    Principal,
    PrincipalKind,
    PrincipalPolicies,
    ResourcePolicy,
    ResourceSide,
    Statement,
    decide,
    is_public,
)

from ..arns import PRINCIPAL
from ..asked import ANYTHING
from ..operation_actions import KEY_PERMISSIONS
from .finding import Fix, Found, Json, Place, rule, statement_place
from .policy_rules import PolicyFacts, store_command

_OWNERSHIP_PAGE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"
_KMS_PAGE = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html"
_BLOCK_PAGE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_REGION_PAGE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html"


@dataclass(frozen=True, slots=True)
class BucketKey:
    """The KMS key of a bucket's default encryption. policy: None where it was not read."""

    arn: str
    managed_by_aws: bool
    policy: PolicyDocument | None


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """One bucket; None for what it does not have, or what was not read.

    restricts: whether RestrictPublicBuckets is on for it. blocked_by: whose setting that is, in words.
    foreign: keys of objects that others own -> the owner's canonical id. looked_through: how many keys were.
    profile_region: of the profile that looks.
    """

    name: str
    account: str
    region: str | None = None
    policy: PolicyDocument | None = None
    restricts: bool = False
    blocked_by: str = "bucket"
    key: BucketKey | None = None
    foreign: Mapping[str, str] = field(default_factory=dict)
    looked_through: int = 0
    profile_region: str | None = None
    profile: str = ""

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"


@rule("bucket-objects-of-others", "buckets", "error", "objects in the bucket belong to another account",
      _OWNERSHIP_PAGE)  # fmt: skip
def _objects_of_others(facts: BucketFacts) -> Iterator[Found]:
    if not facts.foreign:
        return
    example = next(iter(facts.foreign))
    owners = len(set(facts.foreign.values()))
    what = f"{len(facts.foreign)} of {facts.looked_through} objects ({example} …) belong to {owners} other account"
    what += f"{'s' if owners > 1 else ''}: the bucket's policy grants nobody anything on them"
    fix = Fix("let the bucket's owner own all of them; ACLs are then off",
              f"aws s3api put-bucket-ownership-controls --bucket {shlex.quote(facts.name)} "
              "--ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'")  # fmt: skip
    yield Found(Place(arn=facts.arn), what, fix)


@rule("bucket-key-not-shared", "buckets", "error", "the bucket is shared and the KMS key of its objects is not",
      _KMS_PAGE)  # fmt: skip
def _key_not_shared(facts: BucketFacts) -> Iterator[Found]:
    key = facts.key
    if key is None or facts.policy is None:
        return
    for statement in facts.policy.statements:
        for name, action in _grants(statement, facts.account):
            if key.managed_by_aws:
                what = (
                    f"{name} may read or write here, but the objects are encrypted with the AWS managed key, which no "
                )
                what += "other account can ever use"
                fix = Fix("make a key of your own, share it, and copy the objects onto themselves",
                          f"aws kms create-key && aws s3api put-bucket-encryption --bucket {shlex.quote(facts.name)} "
                          "--server-side-encryption-configuration file://encryption.json")  # fmt: skip
                yield Found(statement_place(facts.arn, statement), what, fix)
                break
            if key.policy is not None and not _may_use(facts, key.policy, name, action):
                what = f"{name} may do this with the objects, but not {action} with their key {key.arn}"
                yield Found(statement_place(facts.arn, statement), what, _sharing_key(facts, key, name, action))


@rule("bucket-policy-blocked", "buckets", "error", "Block Public Access turns off what the bucket's policy grants",
      _BLOCK_PAGE)  # fmt: skip
def _blocked(facts: BucketFacts) -> Iterator[Found]:
    if facts.policy is None or not facts.restricts or not is_public(facts.policy):
        return
    what = (
        "the policy is public, so RestrictPublicBuckets leaves it to the bucket's account alone: whatever it grants to "
    )
    what += "other accounts is off"
    words = "name in each statement who is meant, or limit it by aws:PrincipalOrgID or aws:SourceArn"
    yield Found(_public_statement(facts), what, Fix(words + f" (the setting is the {facts.blocked_by}'s)"))


@rule("bucket-public", "buckets", "warning", "the bucket's policy is public", _BLOCK_PAGE)
def _public(facts: BucketFacts) -> Iterator[Found]:
    if facts.policy is None or facts.restricts or not is_public(facts.policy):
        return
    settings = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    block = ",".join(f"{name}=true" for name in settings)
    bucket = shlex.quote(facts.name)
    command = f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {block}"
    fix = Fix("if that is not meant, block it", command)
    yield Found(_public_statement(facts), "everybody may do what the policy's public statement allows", fix)


@rule("bucket-region-differs", "buckets", "note", "the profile's region is not the bucket's", _REGION_PAGE)
def _region(facts: BucketFacts) -> Iterator[Found]:
    if facts.region is None or facts.profile_region is None or facts.region == facts.profile_region:
        return
    what = f"the bucket is in {facts.region}, the profile {facts.profile} in {facts.profile_region}: requests are "
    what += "redirected, and presigned addresses do not work"
    command = f"aws configure set region {facts.region} --profile {shlex.quote(facts.profile)}"
    yield Found(Place(arn=facts.arn), what, Fix("", command))


def _grants(statement: Statement, owner: str) -> Iterator[tuple[str, str]]:
    """Whom of other accounts a statement gives objects, by the name it uses, and what they then need of a key."""
    if statement.effect != "Allow" or statement.negates_principals or statement.negates_actions:
        return
    for name in (statement.principals or {}).get("AWS", ()):
        found = PRINCIPAL.match(name)
        if found is None or found[1] == owner:
            continue
        for action, of_key in KEY_PERMISSIONS.items():
            if any(_covers(pattern, action) for pattern in statement.actions):
                yield name, of_key


def _covers(pattern: str, action: str) -> bool:
    return re.fullmatch(re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", "."), action.lower()) is not None


def _may_use(facts: BucketFacts, policy: PolicyDocument, name: str, action: str) -> bool:
    """Whether the key's side allows it to that principal; to an account, whether to anybody of it."""
    found = PRINCIPAL.match(name)
    assert found is not None
    account, what = found[1], found[2] or "root"
    if what == "root":
        names = {one for statement in policy.statements if statement.effect == "Allow"
                 for one in (statement.principals or {}).get("AWS", ())}  # fmt: skip
        inside = [one for one in names if (match := PRINCIPAL.match(one)) and match[1] == account]
        return "*" in names or any(_decided(facts, policy, one, action) for one in inside)
    return _decided(facts, policy, name, action)


def _decided(facts: BucketFacts, policy: PolicyDocument, name: str, action: str) -> bool:
    found = PRINCIPAL.match(name)
    assert found is not None
    account, what = found[1], found[2] or "root"
    arn = name if name.startswith("arn:") else f"arn:aws:iam::{account}:root"
    if what.startswith("assumed-role/"):
        role = f"arn:aws:iam::{account}:role/{what.split('/')[1]}"
        who = Principal(PrincipalKind.ROLE_SESSION, account, arn, role, role, what.rpartition("/")[2])
    elif what.startswith("role/"):
        session = f"arn:aws:sts::{account}:assumed-role/{what.rpartition('/')[2]}/doctor"
        who = Principal(PrincipalKind.ROLE_SESSION, account, session, arn, arn, "doctor")
    else:
        kind = PrincipalKind.ROOT if what == "root" else PrincipalKind.USER
        who = Principal(kind, account, arn, arn, account if what == "root" else arn)
    region = facts.region or "us-east-1"
    context = {
        "aws:principalarn": who.entity_arn, "aws:principalaccount": account, "aws:securetransport": "true",
        "kms:viaservice": f"s3.{region}.amazonaws.com", "kms:calleraccount": account,
    }  # fmt: skip
    ids = {one: one for one in policy.principal_arns()}
    owner = ResourceSide(facts.account, ResourcePolicy(policy, ids, trusts_account=False))
    caller = PrincipalPolicies((NamedPolicy(ANYTHING, "open"),))
    return decide(
        AuthorizationRequest(who, action, facts.key.arn if facts.key else "*", owner, caller, context)
    ).allowed


def _sharing_key(facts: BucketFacts, key: BucketKey, name: str, action: str) -> Fix:
    assert key.policy is not None
    added: Json = {
        "Effect": "Allow",
        "Principal": {"AWS": name},
        "Action": action,
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{facts.region or 'us-east-1'}.amazonaws.com"}},
    }
    written = key.policy.value["Statement"]
    document = {**key.policy.value, "Statement": [*(written if isinstance(written, list) else [written]), added]}
    command = store_command(PolicyFacts("key", key.arn, facts.account, key.policy))
    return Fix("let them use the key through S3; their own account has to allow it too", command, document)


def _public_statement(facts: BucketFacts) -> Place:
    assert facts.policy is not None
    for statement in facts.policy.statements:
        alone = PolicyDocument.made({**facts.policy.value, "Statement": [_written(facts.policy, statement)]})
        if is_public(alone):
            return statement_place(facts.arn, statement)
    return Place(arn=facts.arn)


def _written(document: PolicyDocument, statement: Statement) -> Json:
    written = document.value["Statement"]
    found: Json = written[statement.index] if isinstance(written, list) else written
    return found
