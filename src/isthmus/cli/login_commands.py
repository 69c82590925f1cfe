"""`isthmus login` and `isthmus logout`: sessions for the AWS tools, and a profile that gets them."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import sys
from datetime import datetime
from typing import Annotated, NoReturn

import typer

from isthmus.access.login import CannotLogIn, Login, session_for
from isthmus.access.profile_file import ForeignProfile, config_file, read_profile, write_profile
from isthmus.access.session_cache import forget_all
from isthmus.access.terminal_questions import Cancelled, printable

Profile = Annotated[str | None, typer.Option(help="AWS profile that says whom to sign in.", show_default="AWS_PROFILE")]
_PROBLEMS = (CannotLogIn, ForeignProfile, OSError, configparser.Error)


def register(app: typer.Typer) -> None:
    """Add the commands to the `isthmus` command."""
    app.command("login")(login)
    app.command("logout")(logout)


def login(
    profile: Profile = None,
    account: Annotated[str | None, typer.Option(help="Account id or alias.")] = None,
    user: Annotated[str | None, typer.Option(help="User who signs in with a password.")] = None,
    email: Annotated[str | None, typer.Option(help="Root user's address, instead of account and user.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Address of the server.", show_default="the profile's endpoint_url")
    ] = None,
    source_profile: Annotated[
        str | None, typer.Option(help="AWS profile with long-lived keys, to sign in with an MFA code instead.")
    ] = None,
    mfa_serial: Annotated[str | None, typer.Option(help="MFA device of these keys' user.")] = None,
    region: Annotated[str | None, typer.Option(help="Region that --configure writes.")] = None,
    configure: Annotated[
        bool, typer.Option("--configure", help="Write the profile instead, for the AWS tools to use.")
    ] = False,
) -> None:
    """Sign in with password and MFA code, once for twelve hours, and hand the session to AWS tools.

    Works as credential_process of a profile; asks on the terminal, and only when there is no session that lasts.

    Example: isthmus login --configure --profile alice --account analytics --user alice --endpoint http://127.0.0.1:9000
    """
    given = {
        name: value
        for name, value in (
            ("account", account), ("user", user), ("email", email), ("endpoint", endpoint),
            ("source_profile", source_profile), ("mfa_serial", mfa_serial),
        )
        if value
    }  # fmt: skip
    try:
        name = _profile_name(profile, given)
        settings = read_profile(config_file(), name) if name else None
        if configure:
            _configure(name, given, region)
            return
        if name and settings is None and not given:
            raise CannotLogIn(
                f"there is no AWS profile {name!r} in {config_file()}: `isthmus login --configure --profile {name}"
                " --account … --user … --endpoint …` writes one"
            )
        session = session_for(Login.from_settings(name, settings or {}, given))
    except Cancelled:
        raise typer.Exit(130) from None
    except _PROBLEMS as error:
        _fail(error)
    if sys.stdout.isatty():  # a person, who has no use for the credentials themselves
        until = datetime.fromtimestamp(session.expires).astimezone()
        typer.echo(f"signed in as {printable(session.who)} until {until:%Y-%m-%d %H:%M}")
    else:
        typer.echo(session.process_output())


def logout(profile: Profile = None) -> None:
    """Forget the sessions that `isthmus login` keeps: one profile's, or all.

    Example: isthmus logout --profile alice
    """
    try:
        if profile is None:
            count = forget_all()
        else:
            settings = read_profile(config_file(), profile)
            if settings is None:
                raise CannotLogIn(f"there is no AWS profile {profile!r} in {config_file()}")
            count = int(Login.from_settings(profile, settings, {}).file.remove())
    except _PROBLEMS as error:
        _fail(error)
    typer.echo(f"{count} session{'' if count == 1 else 's'} forgotten")


def _profile_name(profile: str | None, given: dict[str, str]) -> str:
    """The profile to read: the one that is named, else the environment's where nothing else says whom to sign in."""
    if profile is not None or given:
        return profile or ""
    return os.environ.get("AWS_PROFILE", "")


def _configure(name: str, given: dict[str, str], region: str | None) -> None:
    if not name:
        raise CannotLogIn("--configure needs --profile, the name of the profile to write")
    if re.fullmatch(r"[\w.@+-]+", name) is None or not all(map(str.isprintable, (*given.values(), region or ""))):
        raise CannotLogIn("a profile's name has letters, digits and _.@+- only, and its settings no line breaks")
    Login.from_settings(name, {}, given)
    keys = {
        "account": "isthmus_account", "user": "isthmus_user", "email": "isthmus_email",
        "source_profile": "isthmus_source_profile", "mfa_serial": "mfa_serial", "endpoint": "endpoint_url",
    }  # fmt: skip
    command = "isthmus" if shutil.which("isthmus") else f'"{sys.executable}" -m isthmus'
    settings = {"credential_process": f"{command} login --profile {name}"}
    settings |= {keys[option]: given[option] for option in keys if option in given}
    settings["region"] = region or "us-east-1"
    write_profile(config_file(), name, name, settings, kind="login")
    typer.echo(f"wrote the profile {name} to {config_file()}: `aws --profile {name} sts get-caller-identity` asks once")


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"isthmus: {printable(str(error))}", err=True)
    raise typer.Exit(1)
