"""The doors without a socket: who is let in, and how the others are refused."""

from __future__ import annotations

from builders import PRODUCTION, World, allow, story
from isthmus.server.pipeline import Pipeline
from isthmus.signing.sign import sign_headers
from isthmus.wire import Request, Response


async def ask(world: World, key: str, secret: str, service: str = "s3", token: str | None = None) -> Response:
    host = "localhost" if service == "s3" else f"{service}.localhost"
    request = Request("GET", "/", "" if service == "s3" else "Action=ListUsers&Version=2010-05-08", {"host": host})
    if key:
        request.headers |= sign_headers(request, key, secret, world.now, service=service, session_token=token)
    return await Pipeline(world.system).answer(request)


@story
async def test_only_the_whole_of_the_credentials_opens(world: World) -> None:
    alice = await world.user(PRODUCTION, "alice", allow(["s3:*", "iam:*"]))
    key = await world.access_key(PRODUCTION, alice)
    given = (await world.call(alice, "sts", "GetSessionToken"))["Credentials"]
    temporary, secret, token = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    assert (await ask(world, key.id, key.secret)).status == 200
    assert (await ask(world, temporary, secret, token=token)).status == 200
    for answer, code in (
        (await ask(world, temporary, secret), b"<Code>InvalidAccessKeyId</Code>"),
        (await ask(world, key.id, key.secret, token=token), b"<Code>InvalidToken</Code>"),
        (await ask(world, key.id, "wrong"), b"<Code>SignatureDoesNotMatch</Code>"),
        (await ask(world, temporary, secret, "iam"), b"<Code>InvalidClientTokenId</Code>"),
        (await ask(world, "", "", "iam"), b"<Code>MissingAuthenticationToken</Code>"),
    ):
        assert isinstance(answer.body, bytes)
        assert code in answer.body
        assert answer.status in (400, 403)
