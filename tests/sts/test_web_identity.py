"""AssumeRoleWithWebIdentity against a real issuer on a socket. Next to each allow stands its deny."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

import isthmus.iam
import isthmus.sts  # noqa: F401 - registers the operations
from builders import PRODUCTION, START, World, allow, policy, statement, story
from isthmus.server.pipeline import Pipeline
from isthmus.sts.issuer_keys import AGAIN
from isthmus.wire import BytesBody, Request

ROLE = f"arn:aws:iam::{PRODUCTION}:role/deploy"
REFUSED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
AUDIENCE = "sts.amazonaws.com"
REPOSITORY = "repo:octo-org/octo-repo:ref:refs/heads/main"


class Issuer:
    """An OpenID Connect issuer on 127.0.0.1 with keys that it can rotate."""

    def __init__(self) -> None:
        self.key: RSAKey | ECKey = RSAKey.generate_key(2048, {"kid": "first"})
        self.published: list[dict[str, Any]] = [self.key.as_dict(private=False)]
        self.asked: list[str] = []
        self.broken = False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                documents = {
                    "/tenant/.well-known/openid-configuration": {
                        "issuer": issuer.url,
                        "jwks_uri": f"{issuer.url}/keys",
                    },
                    "/tenant/keys": {"keys": issuer.published},
                }
                body = json.dumps(documents.get(self.path, {})).encode()
                self.send_response(500 if issuer.broken or self.path not in documents else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server.server_port}/tenant"
        self.url = f"http://{self.name}"

    def token(self, key: RSAKey | ECKey | None = None, algorithm: str = "RS256", **claims: Any) -> str:
        """A token as it should be, but for the claims given; None leaves one out."""
        all_claims = {
            "iss": self.url, "sub": REPOSITORY, "aud": AUDIENCE, "iat": int(START), "exp": int(START) + 600,
        } | claims  # fmt: skip
        signing = key or self.key
        header = {"alg": algorithm, "kid": signing.kid} if signing.kid else {"alg": algorithm}
        given = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(header, given, signing, [algorithm])


@contextlib.contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()
    thread = threading.Thread(target=issuer.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        thread.join()
        issuer.server.server_close()


def trust(issuer: Issuer, condition: dict[str, Any], *actions: str) -> dict[str, Any]:
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{PRODUCTION}:oidc-provider/{issuer.name}"},
            "Action": ["sts:AssumeRoleWithWebIdentity", *actions],
            "Condition": condition,
        }
    )


async def prepare(world: World, issuer: Issuer, condition: dict[str, Any] | None = None, *actions: str) -> None:
    """The provider, and a role that trusts it."""
    await world.call(PRODUCTION, "iam", "CreateOpenIDConnectProvider", Url=issuer.url, ClientIDList=[AUDIENCE, "other"])
    prefix = f"arn:aws:s3:::artifacts/${{{issuer.name}:sub}}/*"
    await world.role(
        PRODUCTION,
        "deploy",
        policy(statement("Allow", "s3:PutObject", prefix)),
        trust=trust(issuer, condition or {}, *actions),
        tags={"stage": "test"},
    )


async def assume(world: World, token: str, **more: Any) -> dict[str, Any]:
    given = {"RoleArn": ROLE, "RoleSessionName": "run-7", "WebIdentityToken": token} | more
    return await world.call(None, "sts", "AssumeRoleWithWebIdentity", **given)


async def refused(world: World, token: str, **more: Any) -> tuple[str, str]:
    given = {"RoleArn": ROLE, "RoleSessionName": "run-7", "WebIdentityToken": token} | more
    error = await world.refused(None, "sts", "AssumeRoleWithWebIdentity", **given)
    return error.code, error.message


@story
async def test_the_holder_of_a_token_becomes_the_role(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        output = await assume(world, issuer.token())
    provider = f"arn:aws:iam::{PRODUCTION}:oidc-provider/{issuer.name}"
    assert (output["Provider"], output["Audience"]) == (provider, AUDIENCE)
    assert output["SubjectFromWebIdentityToken"] == REPOSITORY
    assert output["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{PRODUCTION}:assumed-role/deploy/run-7"
    assert output["Credentials"]["Expiration"].timestamp() == START + 3600
    identity = await world.call(output, "sts", "GetCallerIdentity")
    assert identity["Arn"] == output["AssumedRoleUser"]["Arn"]
    session = world.session(output)
    assert (session.kind, session.federated_provider) == ("AssumeRoleWithWebIdentity", provider)
    assert session.context[f"{issuer.name}:sub"] == REPOSITORY


@story
async def test_a_workflow_is_trusted_by_its_repository_and_branch(world: World) -> None:
    with issuing() as issuer:
        condition = {
            "StringEquals": {f"{issuer.name}:aud": AUDIENCE},
            "StringLike": {f"{issuer.name}:sub": "repo:octo-org/octo-repo:ref:refs/heads/*"},
        }
        await prepare(world, issuer, condition)
        assert await assume(world, issuer.token())
        for subject in (
            "repo:octo-org/octo-repo:pull_request",
            "repo:evil-org/octo-repo:ref:refs/heads/main",
            "repo:octo-org/octo-repo-2:ref:refs/heads/main",
        ):
            assert await refused(world, issuer.token(sub=subject)) == REFUSED
        assert await refused(world, issuer.token(aud="other")) == REFUSED, "registered, but not trusted by the role"


@story
async def test_a_pod_is_trusted_by_its_service_account(world: World) -> None:
    with issuing() as issuer:
        name = "system:serviceaccount:builds:uploader"
        await prepare(world, issuer, {"StringEquals": {f"{issuer.name}:sub": name, f"{issuer.name}:aud": AUDIENCE}})
        pod = {"kubernetes.io": {"namespace": "builds", "serviceaccount": {"name": "uploader"}}}
        assert await assume(world, issuer.token(sub=name, aud=[AUDIENCE], nbf=int(START), **pod))
        for other in ("system:serviceaccount:default:uploader", "system:serviceaccount:builds:default"):
            assert await refused(world, issuer.token(sub=other, aud=[AUDIENCE], **pod)) == REFUSED


@story
async def test_only_a_registered_audience_is_accepted(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        wrong = ("InvalidIdentityToken", "Incorrect token audience")
        assert await assume(world, issuer.token(aud=["elsewhere", AUDIENCE]))
        assert await refused(world, issuer.token(aud="elsewhere")) == wrong
        assert (await assume(world, issuer.token(aud="elsewhere", azp=AUDIENCE)))["Audience"] == AUDIENCE
        assert await refused(world, issuer.token(aud=AUDIENCE, azp="elsewhere")) == wrong
        arn = f"arn:aws:iam::{PRODUCTION}:oidc-provider/{issuer.name}"
        given = {"OpenIDConnectProviderArn": arn, "ClientID": AUDIENCE}
        await world.call(PRODUCTION, "iam", "RemoveClientIDFromOpenIDConnectProvider", **given)
        assert await refused(world, issuer.token()) == wrong


@story
async def test_only_an_issuer_of_the_roles_account_is_accepted(world: World) -> None:
    with issuing() as issuer, issuing() as stranger:
        await prepare(world, issuer)
        code, message = await refused(world, stranger.token())
        assert code == "InvalidIdentityToken"
        assert message == f"No OpenIDConnect provider found in your account for {stranger.url}"
        await world.call(PRODUCTION, "iam", "CreateOpenIDConnectProvider", Url=stranger.url, ClientIDList=[AUDIENCE])
        assert await refused(world, stranger.token()) == REFUSED, "in the account, but not trusted by the role"
        assert await refused(world, stranger.token(), RoleArn=f"{ROLE}-2") == REFUSED, "nor does the role exist"
        assert await assume(world, issuer.token())
        arn = f"arn:aws:iam::{PRODUCTION}:oidc-provider/{issuer.name}"
        await world.call(PRODUCTION, "iam", "DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
        assert (await refused(world, issuer.token()))[0] == "InvalidIdentityToken"


@story
async def test_a_signature_by_somebody_else_is_worth_nothing(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        forged = issuer.token(RSAKey.generate_key(2048, {"kid": "first"}))
        header, claims, signature = issuer.token().split(".")
        other = issuer.token(sub="repo:evil-org/x:ref:refs/heads/main").split(".")[1]
        for token in (forged, f"{header}.{other}.{signature}", f"{header}.{claims}."):
            code, message = await refused(world, token)
            assert (code, message) == (
                "InvalidIdentityToken",
                "The signature of the token is not one of the identity provider's.",
            )
        none = f"eyJhbGciOiJub25lIn0.{claims}."
        for token in (none, "nonsense", "a.b.c", f"{claims}.{claims}.{signature}"):
            assert (await refused(world, token))[0] == "InvalidIdentityToken"
        assert await assume(world, issuer.token())


@story
async def test_a_token_is_good_from_iat_to_exp_give_or_take_five_minutes(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        now = int(START)
        assert await assume(world, issuer.token(exp=now - 299, iat=now + 299, nbf=now + 299))
        assert await refused(world, issuer.token(exp=now - 300)) == (
            "ExpiredTokenException",
            f"Token expired: current date/time {now} must be before the expiration date/time {now - 300}",
        )
        wrong: list[dict[str, Any]] = [{name: None} for name in ("exp", "iat", "sub", "aud")]
        wrong += [{"iat": now + 301}, {"nbf": now + 301}, {"exp": "soon"}, {"exp": True}, {"exp": 1e300}]
        for claims in (*wrong, {"sub": ""}, {"sub": 7}):
            assert (await refused(world, issuer.token(**claims)))[0] == "InvalidIdentityToken", claims


@story
async def test_keys_are_kept_and_fetched_again_when_the_issuer_rotates_them(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        for _ in range(3):
            await assume(world, issuer.token())
        assert len(issuer.asked) == 2
        unknown = issuer.token(RSAKey.generate_key(2048, {"kid": "second"}))
        world.now += AGAIN
        for _ in range(3):
            assert "Couldn't retrieve verification key" in (await refused(world, unknown))[1]
        assert len(issuer.asked) == 4, "asked again once, not at every such token"
        issuer.key = ECKey.generate_key("P-256", {"kid": "third"})
        issuer.published.append(issuer.key.as_dict(private=False))
        world.now += AGAIN
        assert await assume(world, issuer.token(algorithm="ES256"))


@story
async def test_an_issuer_that_cannot_be_reached_is_an_error_of_its_own_and_does_not_harm_known_keys(
    world: World,
) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        issuer.broken = True
        assert (await refused(world, issuer.token()))[0] == "IDPCommunicationError"
        issuer.broken = False
        world.now += AGAIN
        good = issuer.token()
        assert await assume(world, good)
    world.now += AGAIN
    assert (await refused(world, issuer.token(RSAKey.generate_key(2048, {"kid": "x"}))))[0] == "IDPCommunicationError"
    assert await assume(world, good)


@story
async def test_session_tags_of_the_token_need_the_trust_policys_permission(world: World) -> None:
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]}}
    with issuing() as issuer:
        condition = {"StringEqualsIfExists": {"aws:RequestTag/team": "blue"}}
        await prepare(world, issuer, condition, "sts:TagSession")
        output = await assume(world, issuer.token(**tags))
        session = world.session(output)
        assert (dict(session.tags), session.transitive_tag_keys) == ({"team": "blue"}, ("team",))
        flat = {"https://aws.amazon.com/tags/principal_tags/team": "blue"}
        assert dict(world.session(await assume(world, issuer.token(**flat))).tags) == {"team": "blue"}
        red = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}}}
        assert await refused(world, issuer.token(**red)) == REFUSED
        await world.sql("UPDATE roles SET trust_policy = ?", json.dumps(trust(issuer, {})))
        assert await assume(world, issuer.token())
        assert await refused(world, issuer.token(**tags)) == (
            "AccessDenied",
            "Not authorized to perform sts:TagSession",
        )
        malformed = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["a", "b"]}}}
        assert (await refused(world, issuer.token(**malformed)))[0] == "InvalidIdentityToken"


@story
async def test_a_source_identity_of_the_token_needs_the_trust_policys_permission(world: World) -> None:
    with issuing() as issuer:
        claim = {"https://aws.amazon.com/source_identity": "octocat"}
        await prepare(world, issuer, None, "sts:SetSourceIdentity")
        assert (await assume(world, issuer.token(**claim)))["SourceIdentity"] == "octocat"
        await world.sql("UPDATE roles SET trust_policy = ?", json.dumps(trust(issuer, {})))
        assert (await refused(world, issuer.token(**claim)))[1] == "Not authorized to perform sts:SetSourceIdentity"


@story
async def test_the_session_is_limited_in_time_and_by_session_policies(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        output = await assume(world, issuer.token(), DurationSeconds=900, Policy=json.dumps(allow("s3:GetObject")))
        assert output["Credentials"]["Expiration"].timestamp() == START + 900
        assert world.session(output).limited and output["PackedPolicySize"] > 0
        code, message = await refused(world, issuer.token(), DurationSeconds=3601)
        assert (code, message) == (
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
        assert (await refused(world, issuer.token(), Policy="{}"))[0] == "MalformedPolicyDocument"


@story
async def test_a_caller_without_a_token_of_the_issuer_cannot_use_the_providers_trust(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        admin = await world.user(PRODUCTION, "admin", allow("*"))
        error = await world.refused(admin, "sts", "AssumeRole", RoleArn=ROLE, RoleSessionName="admin")
        assert error.code == "AccessDenied"
        await world.role(PRODUCTION, "plain", trust=policy(
            {"Effect": "Allow", "Principal": {"AWS": PRODUCTION}, "Action": "sts:*"}
        ))  # fmt: skip
        plain = f"arn:aws:iam::{PRODUCTION}:role/plain"
        assert await refused(world, issuer.token(), RoleArn=plain) == REFUSED
        assert await world.call(admin, "sts", "AssumeRole", RoleArn=plain, RoleSessionName="admin")


@story
async def test_the_call_is_not_signed(world: World) -> None:
    with issuing() as issuer:
        await prepare(world, issuer)
        pipeline = Pipeline(world.system)

        async def post(
            token: str, action: str = "AssumeRoleWithWebIdentity", host: str = "localhost"
        ) -> tuple[int, str]:
            form = {"Action": action, "Version": "2011-06-15", "RoleArn": ROLE, "RoleSessionName": "run-7"}
            body = urlencode(form | {"WebIdentityToken": token}).encode()
            headers = {"host": host, "content-type": "application/x-www-form-urlencoded"}
            answer = await pipeline.answer(Request("POST", "/", "", headers, BytesBody(body)))
            assert isinstance(answer.body, bytes)
            return answer.status, answer.body.decode()

        status, text = await post(issuer.token())
        assert (status, "<AssumeRoleWithWebIdentityResult>" in text, "<SecretAccessKey>" in text) == (200, True, True)
        status, text = await post(issuer.token(exp=int(START) - 600))
        assert (status, "<Code>ExpiredTokenException</Code>" in text) == (400, True)
        assert (await post(issuer.token(), host="sts.localhost"))[0] == 200
        status, text = await post(issuer.token(), "AssumeRole", "sts.localhost")
        assert (status, "<Code>MissingAuthenticationToken</Code>" in text) == (403, True)
