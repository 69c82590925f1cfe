"""The reference says what the server does: nothing stale, nothing missing."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import generate_reference
import pytest
import typer
from pages import ROOT
from reference_keys import GROUPS, filled_keys

from isthmus.cli.commands import app
from isthmus.operation import OPERATIONS
from isthmus.server.configuration import Configuration, load_configuration
from isthmus.server.setup_fields import InvalidSetup
from isthmus.server.setup_file import parse_setup
from isthmus.wire import route_s3, service_model


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", generate_reference.PAGES)
def test_the_generated_pages_are_as_make_docs_writes_them(name: str) -> None:
    assert page(name) == generate_reference.PAGES[name](), f"docs/{name} is stale: run make docs"


@pytest.mark.parametrize("service", generate_reference.SERVICES)
def test_every_operation_of_the_service_models_is_in_the_reference(service: str) -> None:
    text = page("operations.md")
    names = {*service_model(service).operation_names, *(name for owner, name in OPERATIONS if owner == service)}
    assert {name for name in names if f"| `{name}` |" not in text} == set()


def test_the_readme_says_of_operations_whether_they_are_built() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    built = {name for _, name in OPERATIONS}
    known = {name for service in generate_reference.SERVICES for name in service_model(service).operation_names}
    supported, missing = text.split("## What is supported")[1].split("## Licence")[0].split("## What is not")
    assert set(re.findall(r"`([A-Z]\w+)`", supported)) & known <= built
    assert set(re.findall(r"`([A-Z]\w+)`", missing)) & built == set()


def test_every_declared_permission_says_when_it_is_asked_for() -> None:
    silent = {
        (key, permission.action)
        for key, operation in OPERATIONS.items()
        for permission in operation.permissions
        if permission.when is not None and not permission.condition
    }
    assert silent == set()


def test_every_built_operation_of_s3_is_reached_by_its_own_request() -> None:
    model = service_model("s3")
    wrong = {}
    for service, name in OPERATIONS:
        if service == "s3" and name in model.operation_names:
            request = generate_reference.request_for(model.operation_model(name))
            if (routed := route_s3(request, ("localhost",)).operation) != name:
                wrong[name] = routed
    assert wrong == {}


def test_the_condition_keys_of_the_reference_are_those_that_the_code_fills() -> None:
    documented = {key.spelling for _, keys in GROUPS for key in keys if not key.from_data}
    assert documented == set(filled_keys())


def test_every_setting_and_every_option_is_in_the_reference() -> None:
    text = page("settings.md")
    group: Any = typer.main.get_command(app)
    options = {option for command in group.commands.values() for one in command.params for option in one.opts}
    wanted = {option for option in options if option.startswith("--")}
    wanted |= {f"`ISTHMUS_{setting.name.upper()}`" for setting in fields(Configuration)}
    assert {one for one in wanted if one not in text} == set()


def test_every_documented_environment_variable_is_read() -> None:
    server = page("settings.md").partition("\n## Commands")[0]
    names = set(re.findall(r"ISTHMUS_[A-Z_]+", server)) - {"ISTHMUS_CONFIG", "ISTHMUS_MASTER_KEY"}
    some = {"ISTHMUS_WORKERS": "3", "ISTHMUS_LISTEN": "[::1]:0", "ISTHMUS_DURABILITY": "relaxed",
            "ISTHMUS_TRUSTED_PROXIES": "10.0.0.0/8", "ISTHMUS_ACCESS_LOG_SECONDS": "1.5"}  # fmt: skip
    for name in names - {"ISTHMUS_METADATA", "ISTHMUS_BYTES", "ISTHMUS_TLS_CERT", "ISTHMUS_TLS_KEY"}:
        assert load_configuration({}, {name: some.get(name, "x")}) != Configuration(), name


# What each part of the setup file may have, as the reader itself says when it finds something else.
PARTS = {
    "top": "nonsense: 1",
    "new buckets": "{new_buckets: {nonsense: 1}, accounts: []}",
    "event target": '{event_targets: {"arn:aws:sns:us-east-1:111122223333:t": {nonsense: 1}}, accounts: []}',
    "organization": "{organization: {nonsense: 1}, accounts: []}",
    "unit": '{organization: {management_account: "111122223333", units: [{nonsense: 1}]}, accounts: []}',
    "organization's policy": '{organization: {management_account: "111122223333", policies: [{nonsense: 1}]},'
    " accounts: []}",
    "account": "accounts: [{nonsense: 1}]",
    "root": 'accounts: [{id: "111122223333", root: {nonsense: 1}}]',
    "user": 'accounts: [{id: "111122223333", users: [{nonsense: 1}]}]',
    "group": 'accounts: [{id: "111122223333", groups: [{nonsense: 1}]}]',
    "role": 'accounts: [{id: "111122223333", roles: [{nonsense: 1}]}]',
    "policy": 'accounts: [{id: "111122223333", policies: [{nonsense: 1}]}]',
    "bucket": 'accounts: [{id: "111122223333", buckets: [{nonsense: 1}]}]',
    "access key": 'accounts: [{id: "111122223333", root: {access_keys: [{nonsense: 1}]}}]',
}


@pytest.mark.parametrize("part", PARTS)
def test_every_key_of_the_setup_file_is_documented_and_in_the_example(part: str) -> None:
    with pytest.raises(InvalidSetup) as refused:
        parse_setup(PARTS[part], ROOT)
    keys = str(refused.value).split("it may have ")[1].split(", ")
    text = page("setup-file.md")
    example = text.split("```yaml runnable")[1].split("```")[0]
    for key in keys:
        assert f"`{key}`" in text, key
        assert re.search(rf"\b{key}:", example), key
