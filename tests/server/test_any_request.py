"""Whatever is asked, the answer is an output of the model or an error of AWS: never a fault of the server."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from any_input import AnyInput
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from builders import PRODUCTION, World, allow, story
from isthmus.operation import OPERATIONS
from isthmus.server.pipeline import Pipeline
from isthmus.signing.sign import sign_headers
from isthmus.wire import BytesBody, Request, Response, operation_model, service_model

REQUESTS = 400  # of each service and seed
VERSIONED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
HOSTS = {"s3control": f"{PRODUCTION}.s3-control.us-east-1.amazonaws.com"}
NOT_OF_THE_MODEL = {"PostObject"}  # an HTML form's


class Door:
    """A pipeline to which two users send requests: one who may do everything, and the root user."""

    def __init__(self, world: World, keys: tuple[Any, ...]) -> None:
        self.world, self.keys, self.pipeline = world, keys, Pipeline(world.system)

    async def send(
        self, who: int, service: str, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[Response, bytes]:
        """The answer and its body."""
        host = HOSTS.get(service, "localhost")
        request = Request(method, path, query, {**headers, "host": host}, BytesBody(body), "192.0.2.7")
        digest, key, scope = hashlib.sha256(body).hexdigest(), self.keys[who], service.removesuffix("control")
        request.headers |= sign_headers(request, key.id, key.secret, self.world.now, service=scope, payload_hash=digest)
        self.world.directory.refresh()
        answer = await self.pipeline.answer(request)
        return answer, answer.body if isinstance(answer.body, bytes) else b""


def sent(service: str, name: str, given: dict[str, Any]) -> tuple[str, str, str, dict[str, str], bytes]:
    """What botocore makes of an input: method, path, query, headers, body."""
    protocol = service_model(service).metadata["protocol"]
    made = create_serializer(protocol, include_validation=False).serialize_to_request(
        given, operation_model(service, name)
    )
    path, _, query = str(made["url_path"]).partition("?")
    more = urlencode(made["query_string"], doseq=True, quote_via=quote)
    body = urlencode(made["body"]) if isinstance(made["body"], dict) else made["body"]
    headers = {header.lower(): str(value) for header, value in made["headers"].items()}
    whole = body.encode() if isinstance(body, str) else bytes(body)
    return made["method"], path, "&".join(filter(None, (query, more))), headers, whole


SERVICES = sorted({service for service, _ in OPERATIONS})


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("service", SERVICES)
def test_no_input_is_a_fault_of_the_server(
    service: str, seed: int, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @story
    async def ask(world: World) -> None:
        user = await world.user(PRODUCTION, "alice", allow("*"))
        door = Door(world, (await world.access_key(PRODUCTION), await world.access_key(PRODUCTION, user)))
        for bucket in ("first", "second"):
            await door.send(0, "s3", "PUT", f"/{bucket}", "", {}, b"")
        await door.send(0, "s3", "PUT", "/first", "versioning", {}, VERSIONED)
        for key in ("key", "folder/key"):
            await door.send(0, "s3", "PUT", f"/first/{key}", "", {}, b"content")
        draw = AnyInput(seed)
        names = [name for of, name in OPERATIONS if of == service and name not in NOT_OF_THE_MODEL]
        answered: set[int] = set()
        for _ in range(REQUESTS):
            name = draw.random.choice(names)
            given = draw.of(operation_model(service, name).input_shape)
            if service == "s3control":
                given["AccountId"] = PRODUCTION  # a part of the host name
            message = sent(service, name, given)
            answer, body = await door.send(draw.random.choice((0, 0, 1)), service, *message)
            assert answer.status != 500, f"{service} {name} {given}\n{caplog.text}"
            if answer.status < 300:
                outcome = {"status_code": answer.status, "headers": dict(answer.headers), "body": body}
                protocol = service_model(service).metadata["protocol"]
                create_parser(protocol).parse(outcome, operation_model(service, name).output_shape)
                draw.hear(body.decode(errors="replace"))
            answered.add(answer.status)
        assert {200, 400} <= answered

    ask(tmp_path)
