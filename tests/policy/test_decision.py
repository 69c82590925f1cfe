"""AWS's words for a refusal, and who is told what."""

from __future__ import annotations

import json
from dataclasses import replace

from policy_builders import HOME, OTHER, allow, ask, bucket_policy, deny, policy, trust, user

from isthmus.policy import NamedPolicy, Principal

OPENING = f"User: arn:aws:iam::{HOME}:user/alice is not authorized to perform: s3:GetObject on resource: "
CAT = "arn:aws:s3:::photos/cat.jpg"
ALL = policy(allow("*"))
SILENT = policy(allow("ec2:*"))


def test_silence_is_told_by_the_layer_that_was_silent() -> None:
    reason = " because no {} allows the s3:GetObject action"
    assert ask(user()).message == OPENING + CAT + reason.format("identity-based policy")
    assert ask(user(), identity=ALL, boundary=SILENT).message.endswith(reason.format("permissions boundary"))
    assert ask(user(), identity=ALL, session=(SILENT,)).message.endswith(reason.format("session policy"))
    assert ask(user(), identity=ALL, scps=((SILENT,),)).message.endswith(reason.format("service control policy"))
    assert ask(user(), identity=ALL, rcps=((SILENT,),)).message.endswith(reason.format("resource control policy"))


def test_an_explicit_deny_names_the_policy_inside_the_account_only() -> None:
    arn = f"arn:aws:iam::{HOME}:policy/no-photos"
    denying = policy(deny(), arn=arn)
    assert ask(user(), identity=denying).message.endswith(f" with an explicit deny in an identity-based policy: {arn}")
    assert ask(user(), identity=denying, owner=OTHER).message.endswith("explicit deny in an identity-based policy")
    shared = ask(user(), identity=denying, owner=OTHER, same_organization=True)
    assert shared.message.endswith(f": {arn}")
    bucket = ask(user(), identity=ALL, resource_policy=bucket_policy(deny(Principal="*")))
    assert bucket.message.endswith(" with an explicit deny in a resource-based policy")


def test_s3_quotes_the_resource_and_tells_strangers_nothing() -> None:
    ending = " because no identity-based policy allows the s3:GetObject action"
    assert ask(user()).s3_message == f'{OPENING}"{CAT}"{ending}'
    assert ask(user(), owner=OTHER, identity=ALL).s3_message == "Access Denied"
    assert ask(user(), owner=OTHER, identity=ALL, same_organization=True).s3_message.startswith(OPENING)
    assert ask(Principal.anonymous()).s3_message == "Access Denied"


def test_assuming_a_role_of_another_account_tells_no_reason() -> None:
    role = f"arn:aws:iam::{OTHER}:role/target"
    asked = {"action": "sts:AssumeRole", "resource": role, "resource_policy": trust({"AWS": OTHER})}
    opening = OPENING.replace("s3:GetObject", "sts:AssumeRole") + role
    assert ask(user(), owner=OTHER, **asked).message == opening
    own = ask(user(), owner=HOME, **asked)
    assert own.message == opening + " because no role trust policy allows the sts:AssumeRole action"


def test_a_decision_points_at_the_line_of_its_statement() -> None:
    decision = ask(user(), identity=policy(allow(), deny(Sid="Stop")))
    assert decision.by is not None
    assert (decision.by.statement.sid, decision.by.statement.line) == ("Stop", 9)


def test_a_near_miss_tells_the_missing_key_and_the_change() -> None:
    guarded = policy(allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    decision = ask(user(), identity=guarded)
    assert decision.missing_context_keys == ("aws:MultiFactorAuthPresent",)
    assert [change.kind for change in decision.changes] == ["satisfy"]


def test_the_suggested_statements_of_both_accounts_make_the_request_pass() -> None:
    refused = ask(user(), owner=OTHER)
    by_side = {change.side: change for change in refused.changes}
    assert by_side["caller"].account == HOME
    assert by_side["owner"].account == OTHER
    assert by_side["caller"].statement and by_side["owner"].statement
    assert ask(
        user(),
        owner=OTHER,
        identity=policy(by_side["caller"].statement),
        resource_policy=bucket_policy(by_side["owner"].statement),
    ).allowed


def test_the_caller_sees_its_own_side_only() -> None:
    secret = bucket_policy(deny(Principal="*", Sid="TheirSecret"), allow(Principal={"AWS": HOME}))
    decision = ask(user(), owner=OTHER, identity=ALL, resource_policy=secret)
    for viewer in (None, OTHER):
        seen = decision.to_json(viewer)
        assert "TheirSecret" in json.dumps(seen)
        assert seen["explicitDeny"] is True
    seen = decision.to_json(HOME)
    assert "TheirSecret" not in json.dumps(seen)
    assert seen["explicitDeny"] is False
    assert "the other account does not allow it" in json.dumps(seen)
    assert json.dumps(decision.to_json("444455556666")).count("statementId") == 0


def test_the_decoded_message_has_awss_shape() -> None:
    seen = ask(user(), identity=policy(deny(Sid="Stop")), context={"aws:username": "alice"}).to_json()
    assert seen["allowed"] is False
    assert seen["matchedStatements"]["items"][0]["statementId"] == "Stop"
    assert seen["context"]["principal"] == {
        "id": "AIDAEXAMPLEALICE12345",
        "arn": f"arn:aws:iam::{HOME}:user/alice",
    }
    assert seen["context"]["conditions"]["items"] == [
        {"key": "aws:username", "values": {"items": [{"value": "alice"}]}}
    ]


def test_of_an_organization_every_level_is_told_with_its_holder() -> None:
    def level(*documents: NamedPolicy, at: str) -> tuple[NamedPolicy, ...]:
        return tuple(replace(document, holder=f"arn:aws:organizations::{OTHER}:{at}") for document in documents)

    root, unit, account = "root/o-a/r-a", "ou/o-a/ou-a-b", f"account/o-a/{HOME}"
    scps = (level(ALL, at=root), level(ALL, SILENT, at=unit), level(SILENT, at=account))
    seen = ask(user(), identity=ALL, scps=scps).to_json()
    (told,) = (layer for layer in seen["layers"]["items"] if layer["type"] == "service control policy")
    assert told["verdict"] == "implicit deny"
    assert [(one["holder"].split(":")[-1], one["verdict"], len(one["policies"])) for one in told["levels"]] == [
        (root, "allow", 1),
        (unit, "allow", 2),
        (account, "implicit deny", 1),
    ]
    denying = (level(ALL, at=root), level(ALL, policy(deny(Sid="Stop")), at=unit))
    seen = ask(user(), identity=ALL, scps=denying).to_json()
    (stated,) = seen["matchedStatements"]["items"]
    assert (stated["statementId"], stated["sourcePolicyHolder"].split(":")[-1]) == ("Stop", unit)
    assert all("levels" not in layer for layer in ask(user()).to_json()["layers"]["items"])
