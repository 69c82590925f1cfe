"""Server certificates: a certificate, its chain and its private key, kept for load balancers.

The private key is sealed and never shown again, as on AWS. Quota: 20 in an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from isthmus.names import unique_id
from isthmus.operation import Call, Permission, Resource, operation
from isthmus.store import Reader, Row, Transaction
from isthmus.wire import AwsError

from . import tags
from .entities import check_room, iam_arn, moment
from .errors import already_exists, cannot_be_found
from .paging import Page
from .permissions import on_list, on_new, tagged_resource, with_tags
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags, tags_of

CERTIFICATES_PER_ACCOUNT = 20
MOST_BITS = 4096  # of an RSA key, as on AWS: to look whether its primes are takes 0.2 s, minutes for 16384
PRIVATE_KEY = "server-certificate-key"
"""Purpose of the private keys of server certificates (`server_certificates.private_key`)."""

_NAME = "ServerCertificateName"
_SELECT = "SELECT id, account, name, path, body, chain, expires, created FROM server_certificates WHERE account = ?"

_new_certificate = on_new("server-certificate", _NAME)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A stored certificate; body and chain are PEM."""

    id: str
    account: str
    name: str
    path: str
    body: str
    chain: str | None
    expires: float
    created: float

    @property
    def arn(self) -> str:
        """`arn:aws:iam::ACCOUNT:server-certificate/PATH/NAME`."""
        return iam_arn(self.account, "server-certificate", self.path, self.name)

    def metadata(self) -> dict[str, Any]:
        """`ServerCertificateMetadata`."""
        return {
            "Path": self.path,
            _NAME: self.name,
            "ServerCertificateId": self.id,
            "Arn": self.arn,
            "UploadDate": moment(self.created),
            "Expiration": moment(self.expires),
        }


def certificate_of(pem: str) -> x509.Certificate:
    """The one certificate of a PEM text. Raises MalformedCertificate."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        found = []
    if len(found) != 1:
        raise _malformed("Unable to parse certificate. Please ensure it is in PEM format.")
    return found[0]


def private_key_of(pem: str, *, unusable: AwsError, too_long: AwsError) -> PrivateKeyTypes:
    """The private key of a PEM text without a password. Raises `unusable` for anything else, `too_long` for an RSA key
    of more than MOST_BITS."""
    try:
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, RSAPrivateKey) and key.key_size > MOST_BITS:
            raise too_long
        return load_pem_private_key(pem.encode(), None)  # whether its primes are, which stops the process for so long
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise unusable from None


def _check_pair(certificate: x509.Certificate, pem: str) -> None:
    """Raises MalformedCertificate, KeyPairMismatch."""
    key = private_key_of(
        pem,
        unusable=_malformed("Unable to parse private key. It must be in PEM format, without a password."),
        too_long=_malformed(f"The private key has more than {MOST_BITS} bits."),
    )
    try:
        certified = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise _malformed("Unable to parse certificate. Its public key is of an unknown kind.") from None
    if key.public_key() != certified:
        raise AwsError("KeyPairMismatch", "The public key of the certificate does not match the private key.", 400)


def _check_chain(pem: str | None) -> None:
    try:
        if pem is not None:
            x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise _malformed("Unable to parse certificate chain. Please ensure it is in PEM format.") from None


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedCertificate", message, 400)


async def _find(reader: Reader, account: str, name: str) -> ServerCertificate | None:
    row: Row | None = await reader.fetch_one(f"{_SELECT} AND name_folded = ?", account, name.lower())
    return None if row is None else ServerCertificate(*row)


async def _get(reader: Reader, account: str, name: str) -> ServerCertificate:
    found = await _find(reader, account, name)
    if found is None:
        raise cannot_be_found("Server Certificate", name)
    return found


async def _the_certificate(call: Call) -> Resource:
    name = call.input[_NAME]
    found = await _find(call.system.identity, call.account, name)
    if found is None:
        return await tagged_resource(call, iam_arn(call.account, "server-certificate", "/", name), None)
    return await tagged_resource(call, found.arn, found.id)


async def _renamed(call: Call) -> Resource:
    found = await _find(call.system.identity, call.account, call.input[_NAME])
    path = call.input.get("NewPath") or ("/" if found is None else found.path)
    name = call.input.get(f"New{_NAME}") or call.input[_NAME]
    return await tagged_resource(call, iam_arn(call.account, "server-certificate", path, name), None)


async def _check_name_is_free(tx: Reader, account: str, name: str, unless: str | None = None) -> None:
    other = await _find(tx, account, name)
    if other is not None and other.id != unless:
        raise already_exists(f"The Server Certificate with name {name} already exists.")


@operation(
    "iam",
    "UploadServerCertificate",
    Permission("iam:UploadServerCertificate", on=_new_certificate),
    with_tags("iam:TagServerCertificate", _new_certificate),
)
async def upload_server_certificate(call: Call) -> dict[str, Any]:
    """Keep a certificate. Raises MalformedCertificate, KeyPairMismatch, EntityAlreadyExists, LimitExceeded."""
    members, name, path = call.input, call.input[_NAME], call.input.get("Path") or "/"
    certificate = certificate_of(members["CertificateBody"])
    _check_pair(certificate, members["PrivateKey"])
    _check_chain(members.get("CertificateChain"))
    given_tags = checked_tags(members.get("Tags"))
    stored = ServerCertificate(
        unique_id("ASCA", call.system.entropy(11)), call.account, name, path, members["CertificateBody"],
        members.get("CertificateChain"), certificate.not_valid_after_utc.timestamp(), call.now,
    )  # fmt: skip
    sealed = call.system.vault.seal(members["PrivateKey"].encode(), PRIVATE_KEY)

    async def work(tx: Transaction) -> dict[str, Any]:
        await _check_name_is_free(tx, call.account, name)
        quota, most = "ServerCertificatesPerAccount", CERTIFICATES_PER_ACCOUNT
        await check_room(tx, "server_certificates", call.account, quota, most)
        await tx.execute(
            "INSERT INTO server_certificates (id, account, name, name_folded, path, body, chain, private_key, expires,"
            " created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            stored.id, call.account, name, name.lower(), path, stored.body, stored.chain, sealed, stored.expires,
            call.now,
        )  # fmt: skip
        await set_tags(tx, stored.id, given_tags, "ServerCertificate")
        return await add_shown_tags(tx, stored.id, {"ServerCertificateMetadata": stored.metadata()})

    return await call.system.identity.write(work)


@operation("iam", "GetServerCertificate", Permission("iam:GetServerCertificate", on=_the_certificate))
async def get_server_certificate(call: Call) -> dict[str, Any]:
    """A certificate and its chain, without its key. Raises NoSuchEntity."""
    found = await _get(call.system.identity, call.account, call.input[_NAME])
    shape: dict[str, Any] = {"ServerCertificateMetadata": found.metadata(), "CertificateBody": found.body}
    if found.chain is not None:
        shape["CertificateChain"] = found.chain
    if shown_tags := await tags_of(call.system.identity, found.id):
        shape["Tags"] = shown_tags
    return {"ServerCertificate": shape}


@operation(
    "iam",
    "UpdateServerCertificate",
    Permission("iam:UpdateServerCertificate", on=_the_certificate),
    Permission(
        "iam:UpdateServerCertificate",
        on=_renamed,
        when=lambda call: bool(call.input.get(f"New{_NAME}") or call.input.get("NewPath")),
        condition="the certificate as it will be called",
    ),
)
async def update_server_certificate(call: Call) -> dict[str, Any]:
    """Rename a certificate or move it to another path. Raises NoSuchEntity, EntityAlreadyExists."""

    async def work(tx: Transaction) -> None:
        found = await _get(tx, call.account, call.input[_NAME])
        name = call.input.get(f"New{_NAME}") or found.name
        await _check_name_is_free(tx, call.account, name, unless=found.id)
        await tx.execute(
            "UPDATE server_certificates SET name = ?, name_folded = ?, path = ? WHERE id = ?",
            name, name.lower(), call.input.get("NewPath") or found.path, found.id,
        )  # fmt: skip

    await call.system.identity.write(work)
    return {}


@operation("iam", "DeleteServerCertificate", Permission("iam:DeleteServerCertificate", on=_the_certificate))
async def delete_server_certificate(call: Call) -> dict[str, Any]:
    """Delete a certificate. Raises NoSuchEntity."""

    async def work(tx: Transaction) -> None:
        found = await _get(tx, call.account, call.input[_NAME])
        await remove_tags(tx, found.id)
        await tx.execute("DELETE FROM server_certificates WHERE id = ?", found.id)

    await call.system.identity.write(work)
    return {}


@operation("iam", "ListServerCertificates", Permission("iam:ListServerCertificates", on=on_list("server-certificate")))
async def list_server_certificates(call: Call) -> dict[str, Any]:
    """The account's certificates under a path, by name."""
    prefix = call.input.get("PathPrefix") or "/"
    rows = await call.system.identity.fetch_all(_SELECT, call.account)
    under = (one for row in rows if (one := ServerCertificate(*row)).path.startswith(prefix))
    found, more = Page.of(call.input).cut(under, lambda one: one.name.lower())
    return {"ServerCertificateMetadataList": [one.metadata() for one in found], **more}


async def _tags_under(call: Call, reader: Reader) -> str:
    return (await _get(reader, call.account, call.input[_NAME])).id


tags.register(tags.Tagged("ServerCertificate", _the_certificate, _tags_under))
