"""The links that are there, found by their tags, and what became of each.

A link is *intact* if both its documents are what they were when it was made and the other account still allows the
role to be taken; *changed by hand* if a document differs; *half gone* if a part of it is missing.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from .arns import PRINCIPAL
from .link import managed_policy_arn
from .link_plan import (
    ROLE_PREFIX,
    TAG_ACCESS,
    TAG_DIGEST,
    TAG_KEY,
    TAG_LINK,
    TAG_RESOURCE,
    TAG_TO,
    Grantee,
    InvalidLink,
    Json,
    LinkPlan,
    LinkRequest,
    caller_policy,
    digest,
    key_statement_id,
    tag_value,
)
from .profiles import Side
from .steps import patiently, unless

_TAGS = (TAG_TO, TAG_RESOURCE, TAG_ACCESS, TAG_DIGEST)
State = Literal["intact", "changed by hand", "half gone"]


@dataclass(frozen=True, slots=True)
class Linked:
    """A link that was found. plan: its documents as they are now. problems: what is changed or missing, in words.

    checked_other_side: whether the other account was looked at too.
    """

    name: str
    plan: LinkPlan
    state: State
    problems: tuple[str, ...]
    checked_other_side: bool
    tags: dict[str, str] = field(default_factory=dict)


def find_links(owner: Side, other: Side | None = None, name: str | None = None) -> Iterator[Linked]:
    """Every link of the owner's account, by name; with `other` those for that account are looked at there too.

    name: of the only one that is looked at.
    """
    _ = owner.identity  # a profile that does not work is named
    pages = owner.client("iam").get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
    roles = [role for page in pages for role in page["RoleDetailList"]]
    for role in sorted(roles, key=lambda one: str(one["RoleName"])):
        tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])}
        if name is not None and tags.get(TAG_LINK) != name:
            continue
        if TAG_LINK in tags and role["RoleName"] == ROLE_PREFIX + tags[TAG_LINK]:
            yield _looked_at(role, tags, owner, other)


def find_link(name: str, owner: Side, other: Side | None = None) -> Linked | None:
    """The link of that name, or None."""
    return next(find_links(owner, other, name), None)


def _looked_at(role: Any, tags: dict[str, str], owner: Side, other: Side | None) -> Linked:
    missing: list[str] = []
    changed = [f"the role has lost its tag {tag}" for tag in _TAGS if tag not in tags]
    inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in role["RolePolicyList"]}
    trust: Json = role["AssumeRolePolicyDocument"]
    permissions: Json | None = inline.pop(role["RoleName"], None)
    if permissions is None:
        missing.append("the role has lost its permissions")
    elif digest(trust, permissions) != tags.get(TAG_DIGEST):
        changed.append("the role's trust policy or permissions are not what the link made")
    attached = [policy["PolicyArn"] for policy in role["AttachedManagedPolicies"]]
    changed += [f"the role has a further policy, {name}" for name in (*inline, *attached)]
    key = tags.get(TAG_KEY)
    statement = None if key is None else _key_statement(owner, key, tags[TAG_LINK])
    if key is not None and statement is None:
        missing.append(f"the policy of the key {key} no longer names the role")
    plan = _plan(role, tags, owner, trust, permissions or {}, statement)
    looks = other is not None and other.account == plan.request.to.account
    if looks and other is not None:
        problem = _caller_problem(plan, other)
        if problem is not None:
            missing.append(problem)
    state: State = "half gone" if missing else "changed by hand" if changed else "intact"
    return Linked(tags[TAG_LINK], plan, state, (*missing, *changed), looks, tags)


def _plan(
    role: Any, tags: dict[str, str], owner: Side, trust: Json, permissions: Json, statement: Json | None
) -> LinkPlan:
    bucket, prefix = _shared(tags.get(TAG_RESOURCE, ""), permissions)
    access: Any = tags.get(TAG_ACCESS, "read")
    request = LinkRequest(
        name=tags[TAG_LINK],
        owner=owner.account,
        bucket=bucket,
        prefix=prefix,
        to=_grantee(tags, trust),
        access=access,
        region=owner.region,
        key_arn=tags.get(TAG_KEY),
    )
    return LinkPlan(
        request, role["RoleName"], role["Arn"], trust, permissions, caller_policy(role["Arn"]), statement, tags
    )


def _grantee(tags: dict[str, str], trust: Json) -> Grantee:
    """Whom a link is for: by its tag, or without it by its trust policy. Raises InvalidLink."""
    with contextlib.suppress(InvalidLink):
        return Grantee.from_tag(tags.get(TAG_TO, ""))
    for statement in _listed(trust["Statement"]):
        for arn in _listed(statement.get("Principal", {}).get("AWS", [])):
            found = PRINCIPAL.match(str(arn))
            if found is not None:
                named = found[2] if found[2] != "root" else None
                return Grantee.parse(f"{found[1]}:{named}" if named else found[1])
    raise InvalidLink(
        f"nothing tells whom the link {tags[TAG_LINK]} is for: give the role its tag {TAG_TO} again, or take its tag "
        f"{TAG_LINK} away too"
    )


def _shared(tag: str, permissions: Json) -> tuple[str, str]:
    """Bucket and prefix. A tag, which may be gone, cannot hold every character of a prefix: the role's policy can."""
    found = re.fullmatch(r"s3://([^/]+)/(.*)", tag)
    for statement in _listed(permissions.get("Statement", [])):
        listing = re.fullmatch(r"arn:aws:s3:::([^/]+)", str(statement.get("Resource")))
        patterns = _listed(statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", []))
        prefix = re.sub(r"[$][{]([*?$])[}]", r"\1", str(patterns[0])) if patterns else ""
        if listing is not None and (found is None or tag_value(f"s3://{found[1]}/{prefix}") == tag):
            return found[1] if found is not None else listing[1], prefix
    return (found[1], found[2]) if found is not None else ("", "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _key_statement(owner: Side, key: str, name: str) -> Json | None:
    kms = owner.client("kms", key.split(":")[3])
    answer = unless("NotFoundException", lambda: patiently(lambda: kms.get_key_policy(KeyId=key, PolicyName="default")))
    statements = [] if answer is None else json.loads(answer["Policy"])["Statement"]
    sid = key_statement_id(name)
    return next((one for one in _listed(statements) if one.get("Sid") == sid), None)


def _caller_problem(plan: LinkPlan, other: Side) -> str | None:
    """What the other side lacks, or None."""
    iam, to, name = other.client("iam"), plan.request.to, plan.role_name
    if to.kind == "account":
        arn = managed_policy_arn(plan, other)
        found = unless("NoSuchEntity", lambda: patiently(lambda: iam.get_policy(PolicyArn=arn)))
        return None if found is not None else f"the policy {arn} is gone"
    member = {"user": "UserName", "group": "GroupName", "role": "RoleName"}[to.kind]
    who = {member: to.short_name, "PolicyName": name}
    found = unless("NoSuchEntity", lambda: patiently(lambda: getattr(iam, f"get_{to.kind}_policy")(**who)))
    if found is None:
        return f"{to.kind} {to.short_name} may no longer take the role"
    return None if found["PolicyDocument"] == plan.caller_policy else f"the policy of {to.kind} {to.short_name} differs"
