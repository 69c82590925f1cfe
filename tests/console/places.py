"""The pages of the console: where they are, and what they show when they are there."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

import pytest
from botocore.exceptions import ClientError
from visitor import ANALYTICS, PRODUCTION, Site

ROLE, GROUP, POLICY, PROVIDER = "AnalyticsReader", "analysts", "read-reports", "token.actions.githubusercontent.com"
BUCKET = "production-reports"
POLICY_PAGE = f"iam/policies/details/arn%3Aaws%3Aiam%3A%3A{PRODUCTION}%3Apolicy%2F{POLICY}"


class Place(NamedTuple):
    """A page: its address, a format of what `furnish` found, and what it shows when it is there."""

    path: str
    shows: str


PAGES = {
    "home": Place("", "Signed in as"),
    "switch-role": Place(f"switchrole?account={PRODUCTION}&roleName={ROLE}", "Display color"),
    "dashboard": Place("iam", "Sign-in URL for IAM users in this account"),
    "users": Place("iam/users", "Console last sign-in"),
    "create-user": Place("iam/users/create", "The user name can have up to"),
    "user": Place("iam/users/admin", "AdministratorAccess"),
    "add-permissions": Place("iam/users/bob/add-permissions", "Permissions options"),
    "groups": Place("iam/groups", GROUP),
    "create-group": Place("iam/groups/create", "Name the group"),
    "group": Place(f"iam/groups/{GROUP}", "Users in this group"),
    "allow-assume-role": Place(f"iam/groups/{GROUP}/allow-assume-role", "The administrator of the other account"),
    "roles": Place("iam/roles", f"Account: {ANALYTICS}"),
    "create-role": Place("iam/roles/create", "Trusted entity type"),
    "role": Place(f"iam/roles/{ROLE}", "AmazonS3ReadOnlyAccess"),
    "trust-policy": Place(f"iam/roles/{ROLE}/trust", "No findings"),
    "edit-role": Place(f"iam/roles/{ROLE}/edit", "Maximum session duration"),
    "boundary": Place(f"iam/roles/{ROLE}/permissions-boundary", "Choose the policy that is the boundary."),
    "policies": Place("iam/policies", "AdministratorAccess-Amplify"),
    "create-policy": Place("iam/policies/create", "Policy editor"),
    "policy": Place(POLICY_PAGE, "s3:GetObject"),
    "identity-providers": Place("iam/identity-providers", PROVIDER),
    "add-provider": Place("iam/identity-providers/create", "Provider details"),
    "account-settings": Place("iam/account-settings", "This account uses the default password policy:"),
    "credential-report": Place("iam/credential-report", "Credentials report"),
    "security-credentials": Place("iam/security-credentials", "Access keys"),
    "buckets": Place("s3", BUCKET),
    "create-bucket": Place("s3/bucket/create", "Object Ownership"),
    "objects": Place(f"s3/buckets/{BUCKET}", "readme.txt"),
    "bucket-properties": Place(f"s3/buckets/{BUCKET}?tab=properties", "Default encryption"),
    "bucket-permissions": Place(f"s3/buckets/{BUCKET}?tab=permissions", "Bucket policy"),
    "bucket-management": Place(f"s3/buckets/{BUCKET}?tab=management", "Lifecycle"),
    "object": Place(f"s3/object/{BUCKET}?key=readme.txt", "ETag"),
    "upload": Place(f"s3/upload/{BUCKET}", "Add files"),
    "activity": Place("activity?attribute=EventName&value=AssumeRole", "From another account"),
    "event": Place("activity/us-east-1/{event}", "This is the record of the account that was asked;"),
    "explain": Place("explain?request={refused}", "Implicitly denied: role trust policy"),
    "explain-start": Place("explain", "Request ID or encoded authorization message"),
    "not-found": Place("nowhere", "Page not found"),
}
"""All pages, as Production's administrator sees them."""

MAIN_PAGES = {
    "home": 640,
    "dashboard": 640,
    "roles": 640,
    "create-role": 900,
    "role": 900,
    "user": 800,
    "policy": 800,
    "switch-role": 800,
    "objects": 700,
    "bucket-permissions": 900,
    "activity": 760,
    "explain": 1700,
}
"""Those that the documentation shows, and the height in pixels at which each is pictured."""


def furnish(site: Site) -> dict[str, Place]:
    """Something of everything, so that no page is empty; the pages, with the addresses of what was made."""
    iam = site.client(PRODUCTION, "iam")
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    trust = {"Effect": "Allow", "Principal": {"AWS": ANALYTICS}, "Action": "sts:AssumeRole", "Condition": mfa}
    open_trust = {"Effect": "Allow", "Principal": {"AWS": ANALYTICS}, "Action": "sts:AssumeRole"}
    arns = {}
    for name, statement in ((ROLE, trust), ("Auditor", open_trust)):
        document = json.dumps({"Version": "2012-10-17", "Statement": statement}, indent=2)
        arns[name] = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.create_group(GroupName=GROUP)
    iam.add_user_to_group(GroupName=GROUP, UserName="bob")
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [reading]}, indent=2)
    iam.create_policy(PolicyName=POLICY, PolicyDocument=document)
    s3 = site.client(PRODUCTION, "s3")
    s3.create_bucket(Bucket=BUCKET)
    for key in ("2026/january.csv", "2026/february.csv", "readme.txt"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"region,amount\nnorth,1\n")
    iam.create_open_id_connect_provider(Url=f"https://{PROVIDER}", ClientIDList=["sts.amazonaws.com"])
    iam.generate_credential_report()
    sts = site.client(ANALYTICS, "sts")
    sts.assume_role(RoleArn=arns["Auditor"], RoleSessionName="admin")
    with pytest.raises(ClientError) as refusal:
        sts.assume_role(RoleArn=arns[ROLE], RoleSessionName="admin")
    found = {"refused": refusal.value.response["ResponseMetadata"]["RequestId"], "event": _event(site)}
    return {name: place._replace(path=place.path.format(**found)) for name, place in PAGES.items()}


def _event(site: Site) -> str:
    """The id of Production's record of the assumed role, which comes within half a second."""
    trail = site.client(PRODUCTION, "cloudtrail")
    attribute = {"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}
    for _ in range(100):
        events = trail.lookup_events(LookupAttributes=[attribute])["Events"]
        if events:
            identifier: str = events[0]["EventId"]
            return identifier
        time.sleep(0.1)
    raise AssertionError("the assumed role is not in the history")
