"""Which claims of which identity providers are condition keys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from test_web_identity import AUDIENCE, REFUSED, assume, issuing, prepare, refused

from builders import World, story
from isthmus.sts import provider_claims
from isthmus.sts.provider_claims import provider_claims as keys_of

GITHUB = "token.actions.githubusercontent.com"
CLAIMS: dict[str, Any] = {
    "repository": "octo-org/octo-repo", "repository_id": 74, "ref_protected": True, "environment": ["a", "b"],
    "project_id": "20", "build_branch": "main", "rpst_id": "r", "oidc.circleci.com/project-id": "p",
    "google": {"organization_number": 123}, "secret": "x",
}  # fmt: skip
CASES = [
    (GITHUB, {"repository": "octo-org/octo-repo", "repository_id": "74"}),
    (f"{GITHUB}/octo-enterprise", {"repository": "octo-org/octo-repo", "repository_id": "74"}),
    ("token.actions.octo.ghe.com", {"repository": "octo-org/octo-repo", "repository_id": "74"}),
    ("github.com/enterprises/octo", {"repository": "octo-org/octo-repo", "repository_id": "74"}),
    ("gitlab.com", {"project_id": "20", "ref_protected": "true"}),
    ("agent.buildkite.com", {"build_branch": "main"}),
    ("agent.eu.buildkite.dev", {"build_branch": "main"}),
    ("oidc.circleci.com/org/o-1", {"oidc.circleci.com/project-id": "p"}),
    ("idcs-1.identity.oraclecloud.com", {"rpst_id": "r"}),
    ("accounts.google.com", {"google/organization_number": "123"}),
    # Others by like names are nobody AWS knows.
    (f"{GITHUB}/a/b", {}),
    (f"{GITHUB}.example.com", {}),
    ("gitlab.example.com", {}),
    ("x.gitlab.com", {}),
    ("token.actions.a.b.ghe.com", {}),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "keys"), CASES)
def test_a_known_provider_has_keys_of_its_own_where_the_token_has_the_claims(
    provider: str, keys: dict[str, str]
) -> None:
    assert keys_of(provider, CLAIMS) == {f"{provider}:{name}": value for name, value in keys.items()}
    assert keys_of(provider, {"sub": "x", "google": "no object"}) == {}


def test_the_role_is_assumed_by_such_a_claim_and_its_session_does_not_have_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    @story
    async def tell(world: World) -> None:
        with issuing() as issuer:
            known = (re.compile(re.escape(issuer.name)), ("repository_id",))
            monkeypatch.setattr(provider_claims, "PROVIDERS", (known,))
            await prepare(world, issuer, {"StringEquals": {f"{issuer.name}:repository_id": "74"}})
            assert (await refused(world, issuer.token())) == REFUSED
            assert (await refused(world, issuer.token(repository_id="75"))) == REFUSED
            session = world.session(await assume(world, issuer.token(repository_id="74")))
            assert f"{issuer.name}:repository_id" not in session.context
            assert session.context[f"{issuer.name}:aud"] == AUDIENCE

    tell(tmp_path)
