"""What STS refuses."""

from __future__ import annotations

import json
from typing import Any

from refusal_table import Attempt, refusal
from stage import OWNER, PARTNER, Keys, Someone, Stage, allow, deny, policy, statement, trust, unique

ASSUME = "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}"
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def _call(sts: Any, role: str, **more: Any) -> Any:
    """The call itself, to be made later."""
    return lambda: sts.assume_role(RoleArn=role, **{"RoleSessionName": "stock", **more})


def _allowed_user(stage: Stage, role: str, *actions: str) -> Someone:
    return stage.partner.new_user(allow(list(actions or ("sts:AssumeRole",)), role))


@refusal("AccessDenied", 403, ASSUME)
def assume_role_without_permission_of_its_own_account(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER))
    user, permitted = stage.partner.new_user(), _allowed_user(stage, role)
    return Attempt(
        _call(stage.partner.client("sts", user), role),
        _call(stage.partner.client("sts", permitted), role),
        named={"caller": user.arn, "role": role},
    )


@refusal("AccessDenied", 403, ASSUME)
def assume_role_of_an_account_that_does_not_trust(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER))
    return Attempt(
        _call(stage.stranger.sts, role),
        _call(stage.partner.sts, role),
        named={"caller": stage.stranger.admin.arn, "role": role},
    )


@refusal("AccessDenied", 403, ASSUME)
def assume_role_that_does_not_exist_reads_as_forbidden(stage: Stage) -> Attempt:
    role = f"arn:aws:iam::{OWNER}:role/{unique('missing')}"
    there = stage.owner.new_role(trust(PARTNER))
    return Attempt(
        _call(stage.partner.sts, role),
        _call(stage.partner.sts, there),
        named={"caller": stage.partner.admin.arn, "role": role},
    )


@refusal("AccessDenied", 403, f"{ASSUME} because no identity-based policy allows the sts:AssumeRole action")
def assume_role_in_the_own_account_when_only_the_account_is_trusted(stage: Stage) -> Attempt:
    user = stage.partner.new_user()
    to_account = stage.partner.new_role(trust(PARTNER))
    to_user = stage.partner.new_role(trust(user.arn))
    sts = stage.partner.client("sts", user)
    return Attempt(_call(sts, to_account), _call(sts, to_user), named={"caller": user.arn, "role": to_account})


@refusal("AccessDenied", 403, f"{ASSUME} because no role trust policy allows the sts:AssumeRole action")
def assume_role_in_the_own_account_as_an_administrator_whom_it_does_not_trust(stage: Stage) -> Attempt:
    other, trusted = stage.partner.new_user(), stage.partner.new_role(trust(PARTNER))
    role = stage.partner.new_role(trust(other.arn))
    return Attempt(
        _call(stage.partner.sts, role),
        _call(stage.partner.sts, trusted),
        named={"caller": stage.partner.admin.arn, "role": role},
    )


@refusal("AccessDenied", 403, f"{ASSUME} with an explicit deny in an identity-based policy: {{policy}}")
def assume_role_with_an_explicit_deny(stage: Stage) -> Attempt:
    user = stage.partner.new_user()
    role = stage.partner.new_role(trust(user.arn))
    denying = stage.partner.new_policy(deny("sts:*", role))
    denied = stage.partner.new_user(managed=[denying])
    both = stage.partner.new_role(policy(*trust(user.arn)["Statement"], *trust(denied.arn)["Statement"]))
    stage.partner.iam.create_policy_version(
        PolicyArn=denying, PolicyDocument=json.dumps(deny("sts:*", both)), SetAsDefault=True
    )
    return Attempt(
        _call(stage.partner.client("sts", denied), both),
        _call(stage.partner.client("sts", user), both),
        named={"caller": denied.arn, "role": both, "policy": denying},
    )


@refusal("AccessDenied", 403, ASSUME)
def assume_role_without_mfa(stage: Stage) -> Attempt:
    name = "mfa-missing"
    user = stage.mfa_users[name]
    role = stage.owner.new_role(trust(PARTNER, **WITH_MFA))
    stage.partner.iam.put_user_policy(
        UserName=name, PolicyName=unique("p"), PolicyDocument=json.dumps(allow("sts:AssumeRole", role))
    )
    sts = stage.partner.client("sts", user)
    return Attempt(
        _call(sts, role),
        _call(sts, role, SerialNumber=stage.mfa_serial(name), TokenCode=stage.codes[name].next()),
        named={"caller": user.arn, "role": role},
    )


@refusal("AccessDenied", 403, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
def assume_role_with_a_wrong_mfa_code(stage: Stage) -> Attempt:
    name = "mfa-wrong"
    role = stage.owner.new_role(trust(PARTNER, **WITH_MFA))
    stage.partner.iam.put_user_policy(
        UserName=name, PolicyName=unique("p"), PolicyDocument=json.dumps(allow("sts:AssumeRole", role))
    )
    sts, codes = stage.partner.client("sts", stage.mfa_users[name]), stage.codes[name]
    serial = stage.mfa_serial(name)
    return Attempt(
        _call(sts, role, SerialNumber=serial, TokenCode=codes.wrong()),
        _call(sts, role, SerialNumber=serial, TokenCode=codes.next()),
    )


@refusal("AccessDenied", 403, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
def assume_role_with_an_mfa_code_that_was_used(stage: Stage) -> Attempt:
    name = "mfa-reused"
    role = stage.owner.new_role(trust(PARTNER, **WITH_MFA))
    stage.partner.iam.put_user_policy(
        UserName=name, PolicyName=unique("p"), PolicyDocument=json.dumps(allow("sts:AssumeRole", role))
    )
    sts, codes = stage.partner.client("sts", stage.mfa_users[name]), stage.codes[name]
    once = _call(sts, role, SerialNumber=stage.mfa_serial(name), TokenCode=codes.next())
    once()
    return Attempt(once, _call(sts, role, SerialNumber=stage.mfa_serial(name), TokenCode=codes.next()))


@refusal(
    "AccessDenied",
    403,
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and"
    " associated with this user.",
)
def assume_role_with_somebody_elses_mfa_device(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER))
    sts = stage.partner.client("sts", _allowed_user(stage, role))
    return Attempt(_call(sts, role, SerialNumber=stage.mfa_serial("mfa-cli"), TokenCode="123456"), _call(sts, role))


def _external(stage: Stage, *wrong: str) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER, StringEquals={"sts:ExternalId": "right"}))
    user = _allowed_user(stage, role)
    sts = stage.partner.client("sts", user)
    given = {"ExternalId": wrong[0]} if wrong else {}
    return Attempt(
        _call(sts, role, **given), _call(sts, role, ExternalId="right"), named={"caller": user.arn, "role": role}
    )


@refusal("AccessDenied", 403, ASSUME)
def assume_role_with_a_wrong_external_id(stage: Stage) -> Attempt:
    return _external(stage, "Right")


@refusal("AccessDenied", 403, ASSUME)
def assume_role_with_no_external_id(stage: Stage) -> Attempt:
    return _external(stage)


@refusal("ValidationError", 400, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
def assume_role_for_longer_than_the_role_allows(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER), MaxSessionDuration=7200)
    return Attempt(
        _call(stage.partner.sts, role, DurationSeconds=7201), _call(stage.partner.sts, role, DurationSeconds=7200)
    )


@refusal(
    "ValidationError",
    400,
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
)
def assume_role_by_chaining_for_longer_than_an_hour(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER), MaxSessionDuration=7200)
    first = stage.partner.new_role(trust(PARTNER), allow("sts:AssumeRole", role))
    sts = stage.partner.client("sts", stage.partner.session_of(first))
    return Attempt(_call(sts, role, DurationSeconds=3601), _call(sts, role, DurationSeconds=3600))


@refusal("AccessDenied", 403, "Roles may not be assumed by root accounts.")
def assume_role_as_root(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER))
    return Attempt(_call(stage.partner.client("sts", stage.partner.root), role), _call(stage.partner.sts, role))


@refusal("AccessDenied", 403, "User: {caller} is not authorized to perform: sts:TagSession on resource: {role}")
def assume_role_with_tags_when_the_role_does_not_trust_tagging(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER))
    taggable = stage.owner.new_role(trust(PARTNER, ["sts:AssumeRole", "sts:TagSession"]))
    user = stage.partner.new_user(allow(["sts:AssumeRole", "sts:TagSession"], [role, taggable]))
    sts, tags = stage.partner.client("sts", user), [{"Key": "team", "Value": "data"}]
    return Attempt(
        _call(sts, role, Tags=tags), _call(sts, taggable, Tags=tags), named={"caller": user.arn, "role": role}
    )


@refusal("InvalidParameterValue", 400, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
def assume_role_with_one_tag_twice(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER, ["sts:AssumeRole", "sts:TagSession"]))
    team, again = {"Key": "team", "Value": "data"}, {"Key": "Team", "Value": "data"}
    return Attempt(_call(stage.partner.sts, role, Tags=[team, again]), _call(stage.partner.sts, role, Tags=[team]))


@refusal("AccessDenied", 403, "The source identity of the calling session cannot be changed: leave SourceIdentity out.")
def a_chained_session_with_another_source_identity(stage: Stage) -> Attempt:
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    role = stage.owner.new_role(trust(PARTNER, actions))
    first = stage.partner.new_role(trust(PARTNER, actions), allow(actions, role))
    sts = stage.partner.client("sts", stage.partner.session_of(first, SourceIdentity="alice"))
    return Attempt(_call(sts, role, SourceIdentity="bob"), _call(sts, role, SourceIdentity="alice"))


@refusal(
    "ValidationError",
    400,
    "1 validation error detected: Value 'two words' at 'roleSessionName' failed to satisfy constraint: Member must"
    " satisfy regular expression pattern: [\\w+=,.@-]*",
)
def a_session_name_with_a_space(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER))
    return Attempt(
        _call(stage.partner.sts, role, RoleSessionName="two words"),
        _call(stage.partner.sts, role, RoleSessionName="two-words"),
    )


@refusal("MalformedPolicyDocument", 400, "Policy document should not specify a principal.")
def a_session_policy_with_a_principal(stage: Stage) -> Attempt:
    role = stage.owner.new_role(trust(PARTNER))
    wrong = json.dumps(policy(statement("Allow", "s3:*", "*", Principal="*")))
    return Attempt(
        _call(stage.partner.sts, role, Policy=wrong),
        _call(stage.partner.sts, role, Policy=json.dumps(allow("s3:*", "*"))),
    )


def _credentials_for_iam(stage: Stage, keys: Keys) -> Attempt:
    return Attempt(stage.partner.client("iam", keys).list_users, stage.partner.iam.list_users)


@refusal("InvalidClientTokenId", 403, "The security token included in the request is invalid")
def iam_with_credentials_of_get_federation_token(stage: Stage) -> Attempt:
    answer = stage.partner.sts.get_federation_token(Name="guest", Policy=json.dumps(allow("*", "*")))
    return _credentials_for_iam(stage, Keys.of(answer))


@refusal("InvalidClientTokenId", 403, "The security token included in the request is invalid")
def iam_with_credentials_of_get_session_token_without_mfa(stage: Stage) -> Attempt:
    return _credentials_for_iam(stage, Keys.of(stage.partner.sts.get_session_token()))


@refusal("AccessDenied", 403, "Cannot call GetSessionToken with session credentials")
def get_session_token_with_temporary_credentials(stage: Stage) -> Attempt:
    session = stage.partner.session_of(stage.partner.new_role(trust(PARTNER), allow("*", "*")))
    return Attempt(stage.partner.client("sts", session).get_session_token, stage.partner.sts.get_session_token)


@refusal("InvalidAuthorizationMessageException", 400, "The message is not a valid authorization message.")
def decode_authorization_message_of_somebody_else(stage: Stage) -> Attempt:
    user = stage.partner.new_user()
    refused = stage.partner.client("iam", user)

    def message() -> str:
        try:
            refused.list_users()
        except refused.exceptions.ClientError as error:
            return str(error.response["Error"]["EncodedAuthorizationMessage"])
        raise AssertionError("a user without permissions may not list users")

    encoded = message()
    return Attempt(
        lambda: stage.stranger.sts.decode_authorization_message(EncodedMessage=encoded),
        lambda: stage.partner.sts.decode_authorization_message(EncodedMessage=encoded),
    )
