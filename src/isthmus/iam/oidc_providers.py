"""OpenID Connect providers: the issuers whose tokens an account's roles may trust.

A provider is its issuer's URL without the scheme: `arn:aws:iam::A:oidc-provider/HOST/PATH`. Quotas (IAM User
Guide, "IAM and AWS STS quotas"): 100 providers in an account, 100 client ids and 5 thumbprints on each.

Two things differ from AWS because identity providers of one's own house must work: the URL may have a port, and
it may be written with `http://`; the ARN shows no scheme, but tokens must name the issuer exactly as it is
registered. Without a thumbprint the issuer's certificate must come from an authority that the server's machine
trusts; none is fetched from the issuer to trust it by its own word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from isthmus.operation import Call, Permission, Resource, on_anything, operation
from isthmus.store import Reader, Row, Transaction

from . import tags
from .entities import check_room, moment
from .errors import already_exists, exceeds_quota, invalid_input, invalid_value, no_such_entity
from .permissions import on_provider, tagged_resource, with_tags
from .tag_rows import add_shown_tags, checked_tags, remove_tags, set_tags

PROVIDERS_PER_ACCOUNT = 100
CLIENT_IDS = 100
THUMBPRINTS = 5

_MEMBER = "OpenIDConnectProviderArn"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?\Z")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()+,;=@%-]+)*/?\Z")

_provider = on_provider(_MEMBER, "oidc-provider", "an OpenID Connect provider")


def provider_arn(account: str, url: str) -> str:
    """The ARN of the provider for an issuer's URL."""
    return f"arn:aws:iam::{account}:oidc-provider/{url.split('://', 1)[-1]}"


def issuer_url(url: str) -> str:
    """The URL if an issuer may have it. Raises ValidationError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid_url() from None
    if not _is_issuer(parts) or port == 0 or url != parts.geturl():
        raise _invalid_url()
    return url


def _is_issuer(parts: SplitResult) -> bool:
    return (
        parts.scheme in ("https", "http")
        and not parts.query
        and not parts.fragment
        and _HOST.match(parts.netloc) is not None
        and _PATH.match(parts.path) is not None
    )


def _invalid_url() -> Exception:
    return invalid_value("Invalid Open ID Connect Provider URL")


async def _new_provider(call: Call) -> Resource:
    return await tagged_resource(call, provider_arn(call.account, issuer_url(call.input["Url"])), None)


async def find(reader: Reader, account: str, arn: str) -> Row:
    """URL, client ids (JSON), thumbprints (JSON) and creation of a provider. Raises NoSuchEntity."""
    row = await reader.fetch_one(
        "SELECT url, client_ids, thumbprints, created FROM oidc_providers WHERE arn = ? AND account = ?", arn, account
    )
    if row is None:
        raise no_such_entity(f"OpenIDConnect Provider not found for arn {arn}")
    return row


@operation(
    "iam",
    "CreateOpenIDConnectProvider",
    Permission("iam:CreateOpenIDConnectProvider", on=_new_provider),
    with_tags("iam:TagOpenIDConnectProvider", _new_provider),
)
async def create_open_id_connect_provider(call: Call) -> dict[str, Any]:
    """Trust an issuer. Raises EntityAlreadyExists, InvalidInput, ValidationError, LimitExceeded."""
    url = issuer_url(call.input["Url"])
    client_ids = _distinct(call.input.get("ClientIDList") or ())
    thumbprints = _checked_thumbprints(call.input.get("ThumbprintList") or ())
    given_tags = checked_tags(call.input.get("Tags"))
    arn = provider_arn(call.account, url)
    if len(client_ids) > CLIENT_IDS:
        raise exceeds_quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS)

    async def work(tx: Transaction) -> dict[str, Any]:
        if await tx.fetch_one("SELECT 1 FROM oidc_providers WHERE arn = ?", arn):
            raise already_exists(f"Provider with url {url} already exists.")
        await check_room(tx, "oidc_providers", call.account, "OpenIdConnectProvidersPerAccount", PROVIDERS_PER_ACCOUNT)
        await tx.execute(
            "INSERT INTO oidc_providers (arn, account, url, client_ids, thumbprints, created)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            arn, call.account, url, json.dumps(client_ids), json.dumps(thumbprints), call.now,
        )  # fmt: skip
        await set_tags(tx, arn, given_tags, "OpenIDConnectProvider")
        return await add_shown_tags(tx, arn, {_MEMBER: arn})

    return await call.system.identity.write(work)


@operation("iam", "GetOpenIDConnectProvider", Permission("iam:GetOpenIDConnectProvider", on=_provider))
async def get_open_id_connect_provider(call: Call) -> dict[str, Any]:
    """A provider; its URL without `https://`, as on AWS. Raises NoSuchEntity, InvalidInput."""
    reader, arn = call.system.identity, call.input[_MEMBER]
    url, client_ids, thumbprints, created = await find(reader, call.account, arn)
    shape = {
        "Url": url.removeprefix("https://"),
        "ClientIDList": json.loads(client_ids),
        "ThumbprintList": json.loads(thumbprints),
        "CreateDate": moment(created),
    }
    return await add_shown_tags(reader, arn, shape)


@operation("iam", "ListOpenIDConnectProviders", Permission("iam:ListOpenIDConnectProviders", on=on_anything))
async def list_open_id_connect_providers(call: Call) -> dict[str, Any]:
    """The ARNs of the account's providers."""
    rows = await call.system.identity.fetch_all(
        "SELECT arn FROM oidc_providers WHERE account = ? ORDER BY arn", call.account
    )
    return {"OpenIDConnectProviderList": [{"Arn": arn} for (arn,) in rows]}


@operation("iam", "DeleteOpenIDConnectProvider", Permission("iam:DeleteOpenIDConnectProvider", on=_provider))
async def delete_open_id_connect_provider(call: Call) -> dict[str, Any]:
    """Trust an issuer no longer. Roles that name it in their trust policies stay, and nobody can assume them
    through it. Raises NoSuchEntity.

    The IAM API reference says of a provider that does not exist both that it is no error and that it is this one;
    the public test suite wants this one.
    """
    arn = call.input[_MEMBER]

    async def work(tx: Transaction) -> None:
        await find(tx, call.account, arn)
        await tx.execute("DELETE FROM oidc_providers WHERE arn = ?", arn)
        await remove_tags(tx, arn)

    await call.system.identity.write(work)
    return {}


@operation(
    "iam", "AddClientIDToOpenIDConnectProvider", Permission("iam:AddClientIDToOpenIDConnectProvider", on=_provider)
)
async def add_client_id(call: Call) -> dict[str, Any]:
    """Accept tokens for one more audience; adding it again changes nothing. Raises NoSuchEntity, LimitExceeded."""

    def added(client_ids: list[str]) -> list[str]:
        more = _distinct((*client_ids, call.input["ClientID"]))
        if len(more) > CLIENT_IDS:
            raise exceeds_quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS)
        return more

    return await _change_client_ids(call, added)


@operation(
    "iam",
    "RemoveClientIDFromOpenIDConnectProvider",
    Permission("iam:RemoveClientIDFromOpenIDConnectProvider", on=_provider),
)
async def remove_client_id(call: Call) -> dict[str, Any]:
    """Accept tokens for an audience no longer; one that is not there is no error. Raises NoSuchEntity."""
    return await _change_client_ids(call, lambda ids: [one for one in ids if one != call.input["ClientID"]])


async def _change_client_ids(call: Call, change: Callable[[list[str]], list[str]]) -> dict[str, Any]:
    arn = call.input[_MEMBER]

    async def work(tx: Transaction) -> None:
        row = await find(tx, call.account, arn)
        changed = json.dumps(change(json.loads(row[1])))
        await tx.execute("UPDATE oidc_providers SET client_ids = ? WHERE arn = ?", changed, arn)

    await call.system.identity.write(work)
    return {}


@operation(
    "iam",
    "UpdateOpenIDConnectProviderThumbprint",
    Permission("iam:UpdateOpenIDConnectProviderThumbprint", on=_provider),
)
async def update_thumbprints(call: Call) -> dict[str, Any]:
    """Replace the thumbprints. Raises NoSuchEntity, InvalidInput."""
    arn, thumbprints = call.input[_MEMBER], _checked_thumbprints(call.input["ThumbprintList"])

    async def work(tx: Transaction) -> None:
        await find(tx, call.account, arn)
        await tx.execute("UPDATE oidc_providers SET thumbprints = ? WHERE arn = ?", json.dumps(thumbprints), arn)

    await call.system.identity.write(work)
    return {}


async def _tags_under(call: Call, reader: Reader) -> str:
    arn: str = call.input[_MEMBER]
    await find(reader, call.account, arn)
    return arn


tags.register(tags.Tagged("OpenIDConnectProvider", _provider, _tags_under))


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _checked_thumbprints(thumbprints: Iterable[str]) -> list[str]:
    """Thumbprints, at most five. AWS demands 40 characters of each, not that they be hex digits. Raises
    InvalidInput."""
    checked = _distinct(thumbprints)
    if len(checked) > THUMBPRINTS:
        raise invalid_input(f"Thumbprint list must contain at most {THUMBPRINTS} entries.")
    return checked
