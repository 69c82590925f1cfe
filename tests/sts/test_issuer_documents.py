"""What is believed of an issuer's connection, and what is not."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from isthmus.sts.issuer_documents import LARGEST, IssuerUnreachable, UnusableDocument, fetch_json


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        body = {"/good": b'{"a": 1}', "/list": b"[]", "/text": b"hello", "/deep": b"[" * 100_000}.get(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'"' + b"x" * LARGEST + b'"' if body is None else body)

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def self_signed(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate of its own making, and the certificate's thumbprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    file = folder / "both.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, hashlib.sha1(certificate.public_bytes(Encoding.DER)).hexdigest()


def test_a_self_signed_certificate_is_believed_by_its_thumbprint_only(tmp_path: Path) -> None:
    context, thumbprint = self_signed(tmp_path)
    with serving(context) as url:
        assert fetch_json(f"{url}/good", ("0" * 40, thumbprint)) == {"a": 1}
        for thumbprints in ((), ("0" * 40,)):
            with pytest.raises(IssuerUnreachable):
                fetch_json(f"{url}/good", thumbprints)


def test_redirects_are_not_followed_and_only_small_json_objects_are_read() -> None:
    with serving() as url:
        assert fetch_json(f"{url}/good", ()) == {"a": 1}
        with pytest.raises(IssuerUnreachable):
            fetch_json(f"{url}/moved", ())
        for path in ("/list", "/text", "/deep", "/large"):
            with pytest.raises(UnusableDocument):
                fetch_json(url + path, ())


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "http://a:port/"])
def test_other_addresses_are_not_asked(url: str) -> None:
    with pytest.raises(UnusableDocument):
        fetch_json(url, ())


def test_an_issuer_that_is_not_there_is_unreachable() -> None:
    with serving() as url:
        pass
    with pytest.raises(IssuerUnreachable):
        fetch_json(f"{url}/good", ())


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"])
def test_link_local_addresses_are_not_asked(host: str) -> None:
    with pytest.raises(IssuerUnreachable):
        fetch_json(f"http://{host}/latest/meta-data/", ())
