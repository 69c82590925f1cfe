"""What S3 refuses because of who asks: every layer that can stand in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from refusal_table import Action, Attempt, Edit, fetch, refusal
from stage import OWNER, READ_ONLY, Account, Document, Someone, Stage, allow, deny, keys_on, statement, trust
from stage import policy as document_of

GET = 'User: {caller} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{bucket}/k"'
LIST = 'User: {caller} is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::{bucket}"'
PUT = 'User: {caller} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{bucket}/k"'


def _get(account: Account, who: Someone, bucket: str) -> Any:
    return lambda: account.client("s3", who).get_object(Bucket=bucket, Key="k")


def _bucket(stage: Stage, *statements: Document) -> str:
    """A bucket with the object `k`, perhaps with a policy; `BUCKET` in it is the bucket's name."""
    bucket = stage.owner.new_bucket({"k": b"data"})
    if statements:
        text = json.dumps(document_of(*statements)).replace("BUCKET", bucket)
        stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=text)
    return bucket


@refusal("AccessDenied", 403, f"{GET} because no identity-based policy allows the s3:GetObject action")
def reading_without_a_policy(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    user, reader = stage.owner.new_user(), stage.owner.new_user(allow("s3:GetObject", keys_on(bucket)))
    return Attempt(
        _get(stage.owner, user, bucket),
        _get(stage.owner, reader, bucket),
        named={"caller": user.arn, "bucket": bucket},
    )


@refusal("AccessDenied", 403, "Access Denied")
def reading_from_another_account_without_a_bucket_policy(stage: Stage) -> Attempt:
    reader = stage.partner.new_user(managed=[READ_ONLY])
    opened = _bucket(stage, statement("Allow", "s3:GetObject", keys_on("BUCKET"), Principal={"AWS": reader.arn}))
    return Attempt(_get(stage.partner, reader, _bucket(stage)), _get(stage.partner, reader, opened))


@refusal("AccessDenied", 403, "Access Denied")
def reading_from_another_account_with_only_a_bucket_policy(stage: Stage) -> Attempt:
    user, reader = stage.partner.new_user(), stage.partner.new_user(managed=[READ_ONLY])
    both = {"AWS": [user.arn, reader.arn]}
    bucket = _bucket(stage, statement("Allow", "s3:GetObject", keys_on("BUCKET"), Principal=both))
    return Attempt(_get(stage.partner, user, bucket), _get(stage.partner, reader, bucket))


@refusal("AccessDenied", 403, f"{GET} with an explicit deny in an identity-based policy: {{policy}}")
def reading_against_a_deny_in_a_managed_policy(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    denying = stage.owner.new_policy(deny("s3:GetObject", keys_on(bucket)))
    denied = stage.owner.new_user(managed=[READ_ONLY, denying])
    reader = stage.owner.new_user(managed=[READ_ONLY])
    return Attempt(
        _get(stage.owner, denied, bucket),
        _get(stage.owner, reader, bucket),
        named={"caller": denied.arn, "bucket": bucket, "policy": denying},
    )


@refusal("AccessDenied", 403, f"{GET} with an explicit deny in a resource-based policy")
def reading_against_a_deny_in_the_bucket_policy(stage: Stage) -> Attempt:
    denied, reader = (stage.owner.new_user(managed=[READ_ONLY]) for _ in range(2))
    bucket = _bucket(stage, statement("Deny", "s3:*", keys_on("BUCKET"), Principal={"AWS": denied.arn}))
    return Attempt(
        _get(stage.owner, denied, bucket),
        _get(stage.owner, reader, bucket),
        named={"caller": denied.arn, "bucket": bucket},
    )


@refusal("AccessDenied", 403, f"{GET} with an explicit deny in a session policy")
def reading_against_a_deny_in_the_session_policy(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    role = stage.owner.new_role(trust(OWNER), managed=[READ_ONLY])
    everything, nothing = statement("Allow", "s3:*", "*"), statement("Deny", "s3:GetObject", keys_on(bucket))
    policy = document_of(everything, nothing)
    narrowed = stage.owner.session_of(role, Policy=json.dumps(policy))
    whole = stage.owner.session_of(role, Policy=json.dumps(document_of(everything)))
    return Attempt(
        _get(stage.owner, narrowed, bucket),
        _get(stage.owner, whole, bucket),
        named={"caller": narrowed.arn, "bucket": bucket},
        renew=_renewed(stage, role, policy, bucket),
    )


@refusal("AccessDenied", 403, f"{GET} because no session policy allows the s3:GetObject action")
def reading_with_a_session_policy_that_is_narrower_than_the_role(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    role = stage.owner.new_role(trust(OWNER), managed=[READ_ONLY])
    policy = allow("s3:ListBucket", "*")
    narrowed = stage.owner.session_of(role, Policy=json.dumps(policy))
    whole = stage.owner.session_of(role)
    return Attempt(
        _get(stage.owner, narrowed, bucket),
        _get(stage.owner, whole, bucket),
        named={"caller": narrowed.arn, "bucket": bucket},
        renew=_renewed(stage, role, policy, bucket),
    )


def _renewed(stage: Stage, role: str, policy: Document, bucket: str) -> Callable[[Edit], Action]:
    """The reading call of a session made anew, its session policy edited."""
    return lambda edit: _get(stage.owner, stage.owner.session_of(role, Policy=json.dumps(edit(policy))), bucket)


@refusal("AccessDenied", 403, f"{GET} with an explicit deny in a permissions boundary: {{policy}}")
def reading_against_a_deny_in_the_boundary(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    everything = statement("Allow", "s3:*", "*")
    boundary = stage.owner.new_policy(document_of(everything, statement("Deny", "s3:Get*", keys_on(bucket))))
    open_boundary = stage.owner.new_policy(document_of(everything))
    bounded = stage.owner.new_user(managed=[READ_ONLY], boundary=boundary)
    reader = stage.owner.new_user(managed=[READ_ONLY], boundary=open_boundary)
    return Attempt(
        _get(stage.owner, bounded, bucket),
        _get(stage.owner, reader, bucket),
        named={"caller": bounded.arn, "bucket": bucket, "policy": boundary},
    )


@refusal("AccessDenied", 403, f"{GET} because no permissions boundary allows the s3:GetObject action")
def reading_beyond_the_boundary(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    boundary = stage.owner.new_policy(allow("s3:List*", "*"))
    bounded = stage.owner.new_user(managed=[READ_ONLY], boundary=boundary)
    reader = stage.owner.new_user(managed=[READ_ONLY])
    return Attempt(
        _get(stage.owner, bounded, bucket),
        _get(stage.owner, reader, bucket),
        named={"caller": bounded.arn, "bucket": bucket},
    )


@refusal("AccessDenied", 403, f"{PUT} because no identity-based policy allows the s3:PutObject action")
def writing_with_a_read_only_role_of_the_other_account(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    role = stage.owner.new_role(trust(stage.partner.id), managed=[READ_ONLY])
    writing = stage.owner.new_role(trust(stage.partner.id), allow("s3:PutObject", keys_on(bucket)))
    reader = stage.owner.session_of(role, stage.partner.sts)
    writer = stage.owner.session_of(writing, stage.partner.sts)

    def put(who: Someone) -> Any:
        return lambda: stage.owner.client("s3", who).put_object(Bucket=bucket, Key="k", Body=b"new")

    return Attempt(
        put(reader),
        put(writer),
        lambda: stage.owner.s3.head_object(Bucket=bucket, Key="k")["ETag"],
        {"caller": reader.arn, "bucket": bucket},
    )


@refusal("AccessDenied", 403, "Access Denied")
def reading_anonymously(stage: Stage) -> Attempt:
    shut, opened = _bucket(stage), stage.owner.new_bucket({"k": b"data"})
    stage.owner.s3.delete_public_access_block(Bucket=opened)
    public = statement("Allow", "s3:GetObject", keys_on(opened), Principal="*")
    stage.owner.s3.put_bucket_policy(Bucket=opened, Policy=json.dumps(document_of(public)))
    return Attempt(lambda: fetch(f"{stage.endpoint}/{shut}/k"), lambda: fetch(f"{stage.endpoint}/{opened}/k"))


@refusal("AccessDenied", 403, "Access Denied")
def listing_buckets_anonymously(stage: Stage) -> Attempt:
    return Attempt(lambda: fetch(f"{stage.endpoint}/"), stage.owner.s3.list_buckets)


def _bucket_policy(bucket: str, **element: Any) -> str:
    principal = {"Principal": {"AWS": OWNER}, **element}
    resource = principal.pop("Resource", keys_on(bucket))
    return json.dumps(document_of(statement("Allow", "s3:GetObject", resource, **principal)))


def _put_bucket_policy(stage: Stage, wrong: Any, **named: str) -> Attempt:
    """A bucket policy that is refused; the one that stood there stays. wrong: from the bucket's name."""
    s3, bucket = stage.owner.s3, stage.owner.new_bucket()
    s3.put_bucket_policy(Bucket=bucket, Policy=_bucket_policy(bucket))
    right = _bucket_policy(bucket, Principal={"AWS": stage.partner.admin.arn})
    return Attempt(
        lambda: s3.put_bucket_policy(Bucket=bucket, Policy=wrong(bucket)),
        lambda: s3.put_bucket_policy(Bucket=bucket, Policy=right),
        lambda: s3.get_bucket_policy(Bucket=bucket)["Policy"],
        {"caller": stage.owner.admin.arn, "bucket": bucket, **named},
    )


@refusal(
    "AccessDenied",
    403,
    'User: {caller} is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::{bucket}" because'
    " public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
)
def a_public_policy_on_a_bucket_that_blocks_public_policies(stage: Stage) -> Attempt:
    return _put_bucket_policy(stage, lambda bucket: _bucket_policy(bucket, Principal="*"))


@refusal("MalformedPolicy", 400, "Policies must be valid JSON and the first byte must be '{{'")
def a_bucket_policy_that_is_not_json(stage: Stage) -> Attempt:
    return _put_bucket_policy(stage, lambda _: "Allow all")


@refusal("MalformedPolicy", 400, "Policy has invalid resource")
def a_bucket_policy_about_another_bucket(stage: Stage) -> Attempt:
    return _put_bucket_policy(stage, lambda bucket: _bucket_policy(bucket, Resource=keys_on(f"{bucket}-other")))


@refusal("MalformedPolicy", 400, "Invalid principal in policy")
def a_bucket_policy_that_names_a_user_who_does_not_exist(stage: Stage) -> Attempt:
    missing = {"AWS": f"{stage.owner.admin.arn}-missing"}
    return _put_bucket_policy(stage, lambda bucket: _bucket_policy(bucket, Principal=missing))


@refusal("MalformedPolicy", 400, "Action does not apply to any resource(s) in statement")
def a_bucket_policy_whose_action_does_not_fit_its_resource(stage: Stage) -> Attempt:
    return _put_bucket_policy(stage, lambda bucket: _bucket_policy(bucket, Resource=f"arn:aws:s3:::{bucket}"))


@refusal("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
def a_bucket_policy_put_by_another_account_that_may_do_everything(stage: Stage) -> Attempt:
    bucket = stage.owner.new_bucket()
    everything = statement("Allow", "s3:*", f"arn:aws:s3:::{bucket}", Principal={"AWS": stage.partner.id})
    stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document_of(everything)))
    wanted = _bucket_policy(bucket)
    return Attempt(
        lambda: stage.partner.s3.put_bucket_policy(Bucket=bucket, Policy=wanted),
        lambda: stage.owner.s3.put_bucket_policy(Bucket=bucket, Policy=wanted),
        lambda: stage.owner.s3.get_bucket_policy(Bucket=bucket)["Policy"],
    )


@refusal("AccessDenied", 403, f"{LIST} because no identity-based policy allows the s3:ListBucket action")
def a_missing_key_is_forbidden_to_who_may_not_list(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    user = stage.owner.new_user(allow("s3:GetObject", keys_on(bucket)))
    s3 = stage.owner.client("s3", user)
    return Attempt(
        lambda: s3.get_object(Bucket=bucket, Key="missing"),
        lambda: s3.get_object(Bucket=bucket, Key="k"),
        named={"caller": user.arn, "bucket": bucket},
    )


@refusal("NoSuchKey", 404, "The specified key does not exist.")
def a_missing_key_is_missing_to_who_may_list(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    listing = statement("Allow", "s3:ListBucket", f"arn:aws:s3:::{bucket}")
    s3 = stage.owner.client(
        "s3", stage.owner.new_user(document_of(listing, statement("Allow", "s3:GetObject", keys_on(bucket))))
    )
    return Attempt(lambda: s3.get_object(Bucket=bucket, Key="missing"), lambda: s3.get_object(Bucket=bucket, Key="k"))


@refusal("403", 403, None)
def head_of_a_missing_key_is_forbidden_to_who_may_not_list(stage: Stage) -> Attempt:
    bucket = _bucket(stage)
    s3 = stage.owner.client("s3", stage.owner.new_user(allow("s3:GetObject", keys_on(bucket))))
    return Attempt(lambda: s3.head_object(Bucket=bucket, Key="missing"), lambda: s3.head_object(Bucket=bucket, Key="k"))


@refusal("AccessDenied", 403, "Access Denied")
def copying_what_the_caller_may_not_read(stage: Stage) -> Attempt:
    source = _bucket(stage)
    target = stage.partner.new_bucket()
    opened = _bucket(stage, statement("Allow", "s3:GetObject*", keys_on("BUCKET"), Principal={"AWS": stage.partner.id}))

    def copy(bucket: str) -> Any:
        return lambda: stage.partner.s3.copy_object(
            Bucket=target, Key="copy", CopySource={"Bucket": bucket, "Key": "k"}
        )

    return Attempt(copy(source), copy(opened), lambda: stage.partner.s3.list_objects_v2(Bucket=target)["KeyCount"])
