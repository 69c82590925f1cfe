"""Commands of `isthmus`. Each imports what it needs when it runs, so that help and errors come at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

import isthmus

from . import can_command, doctor_command, explain_command, link_commands, login_commands, prove_command

app = typer.Typer(
    name="isthmus",
    help="S3 that several accounts can share safely, behind AWS's own wire protocols.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[Path | None, typer.Option(help="Data directory.", show_default="./isthmus-data")]
Config = Annotated[Path | None, typer.Option(help="TOML configuration file; also ISTHMUS_CONFIG.")]


link_commands.register(app)
login_commands.register(app)
app.command("can")(can_command.can)
app.command("prove")(prove_command.prove)
app.command("explain")(explain_command.explain)
app.command("doctor")(doctor_command.doctor)


def main() -> None:
    """Entry point of the console script."""
    app()


def _fail(message: str) -> NoReturn:
    """One clear line on standard error, exit status 1."""
    typer.echo(f"isthmus: {message}", err=True)
    raise typer.Exit(1)


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"isthmus {isthmus.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""


@app.command()
def serve(
    data: Data = None,
    listen: Annotated[
        str | None, typer.Option(help="HOST:PORT; port 0 takes a free one.", show_default="127.0.0.1:9000")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.", show_default="one per core")] = None,
    setup: Annotated[Path | None, typer.Option(help="Setup file (YAML) to apply at start.")] = None,
    config: Config = None,
    metadata: Annotated[str | None, typer.Option(help="Metadata database URL.", show_default="in --data")] = None,
    bytes_url: Annotated[
        str | None, typer.Option("--bytes", help="Object store URL.", show_default="in --data")
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(help="Name under which BUCKET.NAME is a bucket; repeatable.", show_default="localhost"),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="TLS certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="TLS private key (PEM).")] = None,
    region: Annotated[
        str | None, typer.Option(help="Region of buckets made without one.", show_default="us-east-1")
    ] = None,
    durability: Annotated[
        str | None, typer.Option(help="full, or relaxed for throw-away data.", show_default="full")
    ] = None,
) -> None:
    """Serve S3, IAM, STS, Organizations, KMS, CloudTrail and the console on one port.

    Example: isthmus serve --setup accounts.yaml --listen 127.0.0.1:9000
    """
    from isthmus.server.configuration import InvalidConfiguration, load_configuration
    from isthmus.server.serve import serve_forever
    from isthmus.server.system import CannotStart

    options: dict[str, Any] = {
        "data": data, "listen": listen, "workers": workers, "setup": setup, "metadata": metadata,
        "bytes": bytes_url, "domain": domain, "tls_cert": tls_cert, "tls_key": tls_key, "region": region,
        "durability": durability,
    }  # fmt: skip
    given = {name: value for name, value in options.items() if value is not None}
    try:
        configuration = load_configuration(given, os.environ, config)
        raise typer.Exit(serve_forever(configuration))
    except (InvalidConfiguration, CannotStart) as error:
        _fail(str(error))


@app.command("setup")
def setup_command(
    file: Annotated[Path, typer.Argument(help="Setup file (YAML).")],
    data: Data = None,
    config: Config = None,
) -> None:
    """Apply a setup file to a data directory, also while a server runs on it.

    Example: isthmus setup accounts.yaml --data ./isthmus-data
    """
    from isthmus.server.configuration import InvalidConfiguration, load_configuration
    from isthmus.server.serve import apply_setup
    from isthmus.server.system import CannotStart

    try:
        configuration = load_configuration({"data": data} if data is not None else {}, os.environ, config)
        typer.echo(apply_setup(configuration, file))
    except (InvalidConfiguration, CannotStart) as error:
        _fail(str(error))


@app.command()
def demo(
    exit_: Annotated[bool, typer.Option("--exit", help="Stop at the end even in a terminal.")] = False,
) -> None:
    """One bucket, one role, who may use it and who may not: the walk-through with the stock AWS CLI and boto3.

    Starts a server of its own in a temporary directory. Exit status 0 only if every step came out as it should.

    Example: isthmus demo --exit
    """
    from .demo import run_demo

    raise typer.Exit(run_demo(stay=sys.stdin.isatty() and sys.stdout.isatty() and not exit_))


@app.command()
def completion(shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="The shell.")]) -> None:
    """Print the script that completes commands, options and AWS profiles in a shell.

    Bash: add `source <(isthmus completion bash)` to ~/.bashrc. Zsh: the same with zsh in ~/.zshrc, after `compinit`.
    Fish: isthmus completion fish > ~/.config/fish/completions/isthmus.fish

    Example: isthmus completion bash
    """
    from typer._completion_shared import get_completion_script

    typer.echo(get_completion_script(prog_name="isthmus", complete_var="_ISTHMUS_COMPLETE", shell=shell))
