"""AssumeRoleWithSAML with assertions of a provider whose key the test made. Next to each allow stands its deny."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

import isthmus.iam
import isthmus.sts  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, policy, statement, story
from isthmus.identity import SAML_PRIVATE_KEY
from isthmus.operation import AccessDenied, authorise
from isthmus.policy import PolicyType, decide
from isthmus.policy.fix import apply_changes, changes_for
from isthmus.server.pipeline import Pipeline
from isthmus.sts import encode_decision
from isthmus.sts.saml_assertion import is_sign_in_address
from isthmus.wire import AwsError, BytesBody, Request
from saml_builders import (
    ASSERTION,
    ATTRIBUTES,
    SIGN_IN,
    IdentityProvider,
    encoded,
    encrypt,
    new_private_key,
    pem_of,
    unproved_key,
)

ROLE = f"arn:aws:iam::{PRODUCTION}:role/analyst"
PROVIDER = f"arn:aws:iam::{PRODUCTION}:saml-provider/corp"
DENIED = "Not authorized to perform sts:AssumeRoleWithSAML"
REFUSED = ("AccessDenied", DENIED)
IDP = IdentityProvider()
TAG = f"{ATTRIBUTES}PrincipalTag:"


def trust(condition: dict[str, Any], *actions: str, provider: str = PROVIDER) -> dict[str, Any]:
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": ["sts:AssumeRoleWithSAML", *actions],
            "Condition": condition,
        }
    )


async def prepare(world: World, condition: dict[str, Any] | None = None, *actions: str) -> None:
    """The provider, and a role that trusts it."""
    await world.call(PRODUCTION, "iam", "CreateSAMLProvider", Name="corp", SAMLMetadataDocument=IDP.metadata())
    own = policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::reports/${saml:sub}/*"))
    await world.role(PRODUCTION, "analyst", own, trust=trust(condition or {}, *actions), max_session_duration=7200)


async def retrust(world: World, condition: dict[str, Any], *actions: str) -> None:
    await world.sql("UPDATE roles SET trust_policy = ?", json.dumps(trust(condition, *actions)))


def given(assertion: str, **more: Any) -> dict[str, Any]:
    return {"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": assertion} | more


async def assume(world: World, idp: IdentityProvider = IDP, more: Any = None, **changes: Any) -> dict[str, Any]:
    """Assume the role with a response that is right but for the changes; more: members of the call."""
    response = idp.response(world.now, ROLE, PROVIDER, **changes)
    return await world.call(None, "sts", "AssumeRoleWithSAML", **given(response, **(more or {})))


async def refused(world: World, idp: IdentityProvider = IDP, more: Any = None, **changes: Any) -> tuple[str, str]:
    response = idp.response(world.now, ROLE, PROVIDER, **changes)
    error = await world.refused(None, "sts", "AssumeRoleWithSAML", **given(response, **(more or {})))
    return error.code, error.message


@story
async def test_the_subject_of_an_assertion_becomes_the_role(world: World) -> None:
    await prepare(world)
    for signed in ("assertion", "response", "both"):
        output = await assume(world, signed=signed)
        assert (output["Subject"], output["SubjectType"]) == ("carla", "persistent")
        assert (output["Issuer"], output["Audience"]) == ("https://idp.example.com/saml", SIGN_IN)
        hashed = hashlib.sha1(f"https://idp.example.com/saml{PRODUCTION}/corp".encode()).digest()
        assert output["NameQualifier"] == base64.b64encode(hashed).decode()
        assert output["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{PRODUCTION}:assumed-role/analyst/carla@example.com"
        assert output["Credentials"]["Expiration"].timestamp() == START + 3600
        assert "SourceIdentity" not in output and "PackedPolicySize" not in output
    identity = await world.call(output, "sts", "GetCallerIdentity")
    assert identity["Arn"] == output["AssumedRoleUser"]["Arn"]
    assert (await refused(world, signed="neither"))[0] == "InvalidIdentityToken"


@story
async def test_the_session_knows_its_subject_and_nothing_else_of_the_assertion(world: World) -> None:
    await prepare(world)
    output = await assume(world)
    session = world.session(output)
    assert (session.kind, session.federated_provider) == ("AssumeRoleWithSAML", None)
    kept = {"saml:sub": "carla", "saml:sub_type": "persistent", "saml:namequalifier": output["NameQualifier"]}
    assert session.context == kept
    call = await world.new_call(output, "sts", "GetCallerIdentity")
    assert {key: value for key, value in call.context.items() if key.startswith("saml:")} == kept
    assert "aws:federatedprovider" not in call.context


@story
async def test_a_role_is_trusted_by_what_the_assertion_says(world: World) -> None:
    edu, name = "urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
    said = {edu: ["staff", "faculty"], name: ["Carla"], "urn:oid:1.3.6.1.4.1.5923.1.1.1.5": ["staff", "alum"]}
    qualifier = base64.b64encode(hashlib.sha1(f"{IDP.entity_id}{PRODUCTION}/corp".encode()).digest()).decode()
    await prepare(world)
    right: list[tuple[str, str, Any]] = [
        ("StringEquals", "SAML:aud", SIGN_IN),
        ("StringEquals", "saml:iss", IDP.entity_id),
        ("StringEquals", "saml:sub", "carla"),
        ("StringEquals", "saml:sub_type", "persistent"),
        ("StringEquals", "saml:doc", f"{PRODUCTION}/corp"),
        ("StringEquals", "saml:namequalifier", qualifier),
        ("ForAllValues:StringLike", "saml:edupersonaffiliation", ["faculty", "staff"]),
        ("StringEquals", "saml:name", "Carla"),
        ("StringEquals", "saml:eduPersonPrimaryAffiliation", "staff"),
        ("StringEquals", "sts:RoleSessionName", "carla@example.com"),
    ]
    for operator, key, value in right:
        await retrust(world, {operator: {key: value}})
        assert await assume(world, attributes=said), key
        await retrust(world, {operator: {key: "something else"}})
        assert await refused(world, attributes=said) == REFUSED, key
    await retrust(world, {"StringEquals": {"saml:name": "Carla"}})
    assert await refused(world) == REFUSED, "an attribute that the assertion does not have"


@story
async def test_only_a_provider_that_the_roles_account_has_and_the_role_trusts_is_accepted(world: World) -> None:
    await prepare(world)
    other = PROVIDER.replace("corp", "other")
    more = {"PrincipalArn": other}
    pairs = [f"{ROLE},{other}"]
    missing = ("InvalidIdentityToken", "Specified provider doesn't exist.")
    assert await refused(world, more=more, pairs=pairs) == missing
    await world.call(PRODUCTION, "iam", "CreateSAMLProvider", Name="other", SAMLMetadataDocument=IDP.metadata())
    assert await refused(world, more=more, pairs=pairs) == REFUSED, "in the account, but not trusted by the role"
    await world.call(ANALYTICS, "iam", "CreateSAMLProvider", Name="corp", SAMLMetadataDocument=IDP.metadata())
    foreign = PROVIDER.replace(PRODUCTION, ANALYTICS)
    assert await refused(world, more={"PrincipalArn": foreign}, pairs=[f"{ROLE},{foreign}"]) == missing
    assert await assume(world)
    await world.call(PRODUCTION, "iam", "DeleteSAMLProvider", SAMLProviderArn=PROVIDER)
    assert await refused(world) == missing


@story
async def test_the_assertion_must_map_its_subject_to_the_role(world: World) -> None:
    await prepare(world)
    await world.role(PRODUCTION, "admin", trust=trust({}))
    admin = f"arn:aws:iam::{PRODUCTION}:role/admin"
    for pair in (f"{ROLE},{PROVIDER}", f"{PROVIDER},{ROLE}", f" {ROLE} ,\n {PROVIDER} "):
        assert await assume(world, pairs=[f"{admin},{PROVIDER}", pair])
    code, message = await refused(world, more={"RoleArn": admin})
    assert (code, message.startswith(DENIED), "attribute Role" in message) == ("AccessDenied", True, True)
    for pair in (ROLE, f"{ROLE},{PROVIDER}2", f"{ROLE}2,{PROVIDER}", f"{ROLE},{admin},{PROVIDER}", ROLE.upper()):
        assert (await refused(world, pairs=[pair]))[0] == "AccessDenied", pair
    assert (await refused(world, pairs=[]))[0] == "InvalidIdentityToken"
    gone = f"arn:aws:iam::{PRODUCTION}:role/gone"
    assert await refused(world, more={"RoleArn": gone}, pairs=[f"{gone},{PROVIDER}"]) == REFUSED
    assert await assume(world, more={"RoleArn": admin}, pairs=[f"{admin},{PROVIDER}"])


@story
async def test_an_assertion_is_for_this_server_alone(world: World) -> None:
    await prepare(world)
    regional = "https://eu-west-1.signin.aws.amazon.com/saml"
    for address in (SIGN_IN, regional, "http://localhost:9000/-/signin", "https://localhost/-/signin"):
        assert (await assume(world, recipient=address, audience=address))["Audience"] == address
    assert await assume(world, audience="urn:amazon:webservices")
    required = ("InvalidIdentityToken", "Response does not contain the required audience.")
    for address in ("https://app.example.com/saml", f"{SIGN_IN}/", "https://localhost.example.com/-/signin", ""):
        assert await refused(world, audience=address) == required, address
        code, message = await refused(world, recipient=address)
        assert (code, "Recipient" in message) == ("InvalidIdentityToken", True), address
    assert await refused(world, audience=None) == required
    assert await refused(world, recipient="urn:amazon:webservices") != required
    assert (await refused(world, issuer="https://evil.example.com/")) == (
        "InvalidIdentityToken",
        "Issuer not present in specified provider",
    )


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("https://signin.aws.amazon.com/saml/acs/ID", True),
        ("https://signin.aws.amazon.com/saml/acs/OTHER", False),
        ("http://signin.aws.amazon.com/saml", False),
        ("https://evil.signin.aws.amazon.com/saml", False),
        ("https://signin.aws.amazon.com.evil.example/saml", False),
        ("https://S3.Example.com/-/signin", True),
        ("https://s3.example.com:443/-/signin", True),
        ("https://s3.example.com:443/-/signin/x", False),
        ("https://user@s3.example.com/-/signin", False),
        ("https://localhost/-/signin", False),
    ],
)
def test_sign_in_addresses_are_awss_and_those_of_the_servers_own_names(address: str, ours: bool) -> None:
    assert is_sign_in_address(address, "ID", ("s3.example.com",)) is ours


@story
async def test_an_assertion_is_good_for_five_minutes(world: World) -> None:
    await prepare(world)
    late = ("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")
    assert await assume(world, issued=-299, not_on_or_after=3600)
    assert await refused(world, issued=-300, not_on_or_after=3600) == late
    assert await assume(world, not_on_or_after=1)
    assert await refused(world, not_on_or_after=0) == late
    assert await assume(world, session_ends=1)
    assert await refused(world, session_ends=0) == late
    assert await assume(world, issued=300, not_before=300, not_on_or_after=900)
    for early in ({"issued": 301}, {"not_before": 301}):
        code, message = await refused(world, not_on_or_after=900, **early)
        assert (code, "not valid yet" in message) == ("InvalidIdentityToken", True)


@story
async def test_the_metadata_of_the_provider_must_be_valid_and_its_certificates_need_not(world: World) -> None:
    await prepare(world)
    assert IDP.certificate.not_valid_after_utc.timestamp() < START
    change = {"SAMLProviderArn": PROVIDER, "SAMLMetadataDocument": IDP.metadata(until="2027-01-15T08:00:01Z")}
    await world.call(PRODUCTION, "iam", "UpdateSAMLProvider", **change)
    assert await assume(world)
    world.now += 1
    code, message = await refused(world)
    assert (code, "UpdateSAMLProvider" in message) == ("InvalidIdentityToken", True)


@story
async def test_a_provider_may_rotate_its_key(world: World) -> None:
    await prepare(world)
    new = IdentityProvider(elliptic=True)
    invalid = ("InvalidIdentityToken", "Response signature invalid")
    assert await refused(world, new) == invalid
    both = {"SAMLProviderArn": PROVIDER, "SAMLMetadataDocument": IDP.metadata(new.certificate)}
    await world.call(PRODUCTION, "iam", "UpdateSAMLProvider", **both)
    assert await assume(world) and await assume(world, new)
    only = {"SAMLProviderArn": PROVIDER, "SAMLMetadataDocument": new.metadata()}
    await world.call(PRODUCTION, "iam", "UpdateSAMLProvider", **only)
    assert await assume(world, new)
    assert await refused(world) == invalid


@story
async def test_a_provider_that_authenticated_nobody_is_an_error_of_its_own(world: World) -> None:
    await prepare(world)
    status = "urn:oasis:names:tc:SAML:2.0:status:Responder"
    error = await world.refused(
        None, "sts", "AssumeRoleWithSAML", **given(IDP.response(START, ROLE, PROVIDER, status=status))
    )
    assert (error.code, error.status, "Responder" in error.message) == ("IDPRejectedClaim", 403, True)
    assert await assume(world)


@story
async def test_session_tags_of_the_assertion_need_the_trust_policys_permission(world: World) -> None:
    tags = {f"{TAG}team": ["blue"], f"{TAG}cost": ["7"], f"{ATTRIBUTES}TransitiveTagKeys": ["team"]}
    await prepare(world, {"StringEqualsIfExists": {"aws:RequestTag/team": "blue"}}, "sts:TagSession")
    output = await assume(world, attributes=tags)
    session = world.session(output)
    assert (dict(session.tags), session.transitive_tag_keys) == ({"team": "blue", "cost": "7"}, ("team",))
    assert output["PackedPolicySize"] > 0
    assert await refused(world, attributes=tags | {f"{TAG}team": ["red"]}) == REFUSED
    await retrust(world, {})
    assert await refused(world, attributes=tags) == ("AccessDenied", "Not authorized to perform sts:TagSession")
    assert await assume(world)
    for wrong in ({f"{TAG}team": ["a", "b"]}, {f"{TAG}team": []}, {f"{TAG}team": ["x" * 257]}):
        assert (await refused(world, attributes=wrong))[0] == "InvalidIdentityToken"
    assert (await refused(world, attributes={f"{TAG}{n}": ["x"] for n in range(51)}))[0] == "InvalidIdentityToken"
    missing = {f"{ATTRIBUTES}TransitiveTagKeys": ["team"]}
    assert (await refused(world, attributes=missing))[0] == "InvalidParameterValue"


@story
async def test_a_source_identity_of_the_assertion_needs_the_trust_policys_permission(world: World) -> None:
    said = {f"{ATTRIBUTES}SourceIdentity": ["carla"]}
    await prepare(world, {"StringEqualsIfExists": {"sts:SourceIdentity": "carla"}}, "sts:SetSourceIdentity")
    output = await assume(world, attributes=said)
    assert (output["SourceIdentity"], world.session(output).source_identity) == ("carla", "carla")
    assert await refused(world, attributes={f"{ATTRIBUTES}SourceIdentity": ["mallory"]}) == REFUSED
    for wrong in (["a b"], ["aws:x"], ["x"], ["x" * 65], ["carla", "bob"]):
        assert (await refused(world, attributes={f"{ATTRIBUTES}SourceIdentity": wrong}))[0] == "InvalidIdentityToken"
    await retrust(world, {})
    assert (await refused(world, attributes=said))[1] == "Not authorized to perform sts:SetSourceIdentity"


@story
async def test_the_session_is_named_by_the_assertion(world: World) -> None:
    await prepare(world)
    assert await assume(world, session_name="ab")
    assert await refused(world, session_name=None) == (
        "InvalidIdentityToken",
        "RoleSessionName is required in AuthnResponse",
    )
    for name in ("a", "x" * 65, "John Doe", "a/b", "", "naïve"):
        assert await refused(world, session_name=name) == (
            "InvalidIdentityToken",
            "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}",
        ), name


@story
async def test_the_session_lasts_as_long_as_request_assertion_and_role_allow(world: World) -> None:
    await prepare(world)

    async def seconds(duration: int | None, **changes: Any) -> float:
        more = {} if duration is None else {"DurationSeconds": duration}
        output = await assume(world, more=more, **changes)
        end: float = output["Credentials"]["Expiration"].timestamp()
        return end - START

    assert await seconds(7200) == 7200
    assert await seconds(7200, session_ends=5000) == 5000
    assert await seconds(900, session_ends=5000) == 900
    short = {f"{ATTRIBUTES}SessionDuration": ["1800"]}
    assert await seconds(None, attributes=short) == 1800
    assert await seconds(7200, attributes=short, session_ends=60) == 60
    assert await seconds(None, attributes={f"{ATTRIBUTES}SessionDuration": ["43200"]}) == 3600
    for wrong in ("899", "43201", "soon", "-1800", ""):
        code, _ = await refused(world, attributes={f"{ATTRIBUTES}SessionDuration": [wrong]})
        assert code == "InvalidIdentityToken", wrong
    assert await refused(world, more={"DurationSeconds": 7201}) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )


@story
async def test_session_policies_limit_the_session(world: World) -> None:
    await prepare(world)
    inline = json.dumps(allow("s3:GetObject"))
    read_only = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    output = await assume(world, more={"Policy": inline, "PolicyArns": [{"arn": read_only}]})
    session = world.session(output)
    assert (session.limited, session.session_policy, session.session_policy_arns) == (True, inline, (read_only,))
    assert output["PackedPolicySize"] > 0
    assert (await refused(world, more={"Policy": "{}"}))[0] == "MalformedPolicyDocument"
    tags = {f"{TAG}{hashlib.sha256(bytes([n])).hexdigest()}": [f"{n}" * 99] for n in range(50)}
    assert (await refused(world, attributes=tags))[0] == "PackedPolicyTooLarge"
    assert (await refused(world, more={"PolicyArns": [{"arn": f"{read_only}2"}]}))[0] == "ValidationError"


@story
async def test_an_assertion_may_be_encrypted_for_the_provider_and_must_be_where_that_is_required(world: World) -> None:
    await prepare(world)
    key = new_private_key()

    async def answer(**changes: Any) -> str:
        document = IDP.document(world.now, ROLE, PROVIDER, **changes)
        encrypt(document.find(ASSERTION), key.public_key())
        members = given(encoded(document))
        try:
            output = await world.call(None, "sts", "AssumeRoleWithSAML", **members)
        except AwsError as error:
            return error.code
        subject: str = output["Subject"]
        return subject

    assert await answer() == "InvalidIdentityToken", "the provider has no key yet"
    update = {"SAMLProviderArn": PROVIDER, "AddPrivateKey": pem_of(key), "AssertionEncryptionMode": "Allowed"}
    await world.call(PRODUCTION, "iam", "UpdateSAMLProvider", **update)
    assert await answer() == "carla"
    assert await assume(world)
    assert await answer(recipient="https://elsewhere.example.com/") == "InvalidIdentityToken"
    assert await answer(issued=-300) == "ExpiredTokenException"
    required = {"SAMLProviderArn": PROVIDER, "AssertionEncryptionMode": "Required"}
    await world.call(PRODUCTION, "iam", "UpdateSAMLProvider", **required)
    assert await answer() == "carla"
    code, message = await refused(world)
    assert (code, "AssertionEncryptionMode" in message) == ("InvalidIdentityToken", True)


@story
async def test_metadata_that_would_be_refused_today_is_to_be_updated(world: World) -> None:
    await prepare(world)
    await world.sql("UPDATE saml_providers SET metadata = ?", IDP.metadata(*[IDP.certificate] * 20))
    code, message = await refused(world)
    assert (code, "UpdateSAMLProvider" in message) == ("InvalidIdentityToken", True)
    await world.call(
        PRODUCTION, "iam", "UpdateSAMLProvider", SAMLProviderArn=PROVIDER, SAMLMetadataDocument=IDP.metadata()
    )
    assert await assume(world)


@story
async def test_a_stored_private_key_is_not_proved_again_for_everybody_who_asks(world: World) -> None:
    """To look whether its factors are prime takes seconds for a large one."""
    await prepare(world)
    update = {"SAMLProviderArn": PROVIDER, "AddPrivateKey": pem_of(new_private_key())}
    await world.call(PRODUCTION, "iam", "UpdateSAMLProvider", **update)
    pem = pem_of(unproved_key(2048)).encode()
    sealed = base64.b64encode(world.system.vault.seal(pem, SAML_PRIVATE_KEY)).decode()
    await world.sql(
        "UPDATE saml_providers SET private_keys = ?", json.dumps([{"id": "K", "added": 0, "sealed": sealed}])
    )
    assert await assume(world)


@story
async def test_a_caller_without_an_assertion_cannot_use_the_providers_trust(world: World) -> None:
    await prepare(world)
    admin = await world.user(PRODUCTION, "admin", allow("*"))
    error = await world.refused(admin, "sts", "AssumeRole", RoleArn=ROLE, RoleSessionName="admin")
    assert error.code == "AccessDenied"
    trusts_account = policy({"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:*"})
    await world.role(PRODUCTION, "plain", trust=trusts_account)
    plain = f"arn:aws:iam::{PRODUCTION}:role/plain"
    assert await refused(world, more={"RoleArn": plain}, pairs=[f"{plain},{PROVIDER}"]) == REFUSED
    assert await world.call(admin, "sts", "AssumeRole", RoleArn=plain, RoleSessionName="admin")


@story
async def test_a_refusal_is_explained_with_the_trust_policy_and_what_would_allow_it(world: World) -> None:
    await prepare(world, {"StringEquals": {"saml:aud": "https://elsewhere.example.com/"}})
    call = await world.new_call(None, "sts", "AssumeRoleWithSAML", **given(IDP.response(START, ROLE, PROVIDER)))
    with pytest.raises(AccessDenied) as refused_:
        await authorise(call)
    decision = refused_.value.decision
    assert decision.request.context["saml:aud"] == SIGN_IN
    changes = changes_for(decision)
    assert changes and all(change.type is PolicyType.TRUST for change in changes)
    assert decide(apply_changes(decision.request, changes)).allowed
    message = encode_decision(world.vault, decision, call)
    decoded = await world.call(PRODUCTION, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    assert PROVIDER in decoded["DecodedMessage"] and "saml:aud" in decoded["DecodedMessage"]
    stranger = await world.refused(ANALYTICS, "sts", "DecodeAuthorizationMessage", EncodedMessage=message)
    assert stranger.code == "InvalidAuthorizationMessageException"


@story
async def test_the_call_is_not_signed(world: World) -> None:
    await prepare(world)
    pipeline = Pipeline(world.system)

    async def post(assertion: str, host: str = "localhost") -> tuple[int, str]:
        form = {"Action": "AssumeRoleWithSAML", "Version": "2011-06-15"} | given(assertion)
        headers = {"host": host, "content-type": "application/x-www-form-urlencoded"}
        body = BytesBody(urlencode(form).encode())
        answer = await pipeline.answer(Request("POST", "/", "", headers, body))
        assert isinstance(answer.body, bytes)
        return answer.status, answer.body.decode()

    for host in ("localhost", "sts.localhost"):
        status, text = await post(IDP.response(START, ROLE, PROVIDER), host)
        assert (status, "<AssumeRoleWithSAMLResult>" in text, "<SecretAccessKey>" in text) == (200, True, True)
    status, text = await post(IDP.response(START, ROLE, PROVIDER, issued=-600))
    assert (status, "<Code>ExpiredTokenException</Code>" in text) == (400, True)
    status, text = await post(base64.b64encode(b"x" * 75_001).decode())
    assert (status, "<Code>ValidationError</Code>" in text) == (400, True), "longer than 100,000 characters"
    status, text = await post(IDP.response(START, ROLE, PROVIDER, status="urn:x:y"))
    assert (status, "<Code>IDPRejectedClaim</Code>" in text) == (403, True)
