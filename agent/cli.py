"""The shell interface. Nothing heavy is imported before a command needs it, so that `--help` answers at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.errors import AgentError, InvalidInput, MissingExtra
from agent.shell.asking import register as register_asking
from agent.shell.first_use import build_index, ensure_indexed, ensure_weights
from agent.shell.keys import app as keys_app
from agent.shell.output import EverythingOption, JsonOption, LibraryOption, VersionOption, print_json
from agent.shell.records import register as register_records
from agent.shell.sandbox import app as sandbox_app

if TYPE_CHECKING:
    from agent.service import Service

app = typer.Typer(
    name="fury-agent",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(keys_app, name="keys")
register_asking(app)

DiffKind = Literal["removed", "added", "moved", "changed"]


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version of fury-agent and exit.")] = False,
) -> None:
    """Ask a Python library's own sources: answers with links to the exact lines. FURY 2.0.0 by default."""
    if version:
        from agent import __version__

        typer.echo(f"fury-agent {__version__}")
        raise typer.Exit


class ExitCode:
    """What a shell script can rely on."""

    COULD_NOT = 1
    USAGE = 2
    INTERRUPTED = 130


def run() -> None:
    """Run the command line; an error is one line on stderr, never a traceback."""
    try:
        app()
    except AgentError as error:
        typer.secho(f"fury-agent: {error}", fg="red", err=True)
        sys.exit(ExitCode.USAGE if isinstance(error, InvalidInput) else ExitCode.COULD_NOT)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has gone; that is not an error
        sys.exit(0)


@app.command(
    epilog="Examples: `fury-agent check my_scene.py README.md`, `cat answer.md | fury-agent check - --stdin-name x.md`"
)
def check(
    files: Annotated[
        list[str], typer.Argument(help="Python or Markdown files; - reads standard input.", metavar="FILE")
    ],
    library: LibraryOption = None,
    version: VersionOption = None,
    stdin_name: Annotated[str, typer.Option(help="What standard input is called: .md for Markdown.")] = "-",
    json: Annotated[bool, typer.Option("--json", help="Print the findings as a JSON list.")] = False,
) -> None:
    """Check code against a library's real API: names that do not exist, calls that do not fit. Nothing in it is run.

    Prints `file:line:column: kind: message`. The exit code is 1 if anything but an unused import was found, or
    something was not checked to its end, and 2 if nothing could be: no such file, a library that is not indexed.
    """
    from agent.settings import load_settings
    from agent.shell.code_check import check_files

    try:
        settings = load_settings()
        is_default = library is None and version is None
        report = check_files(
            files,
            settings,
            library=library,
            version=version,
            stdin_name=stdin_name,
            prepare=(lambda: ensure_indexed(settings)) if is_default else None,
        )
    except AgentError as error:  # as linters do: 1 is for what was found, and nothing was looked at
        typer.secho(f"fury-agent: {error}", fg="red", err=True)
        raise typer.Exit(ExitCode.USAGE) from error
    sys.stdout.write(report.as_json() if json else report.as_lines())
    typer.echo(report.summary(), err=True)
    if not report.is_clean:
        raise typer.Exit(ExitCode.COULD_NOT)


@app.command(epilog="Examples: `fury-agent index`, `fury-agent index fury==0.10.0`, `fury-agent index ./my-library`")
def index(
    spec: Annotated[
        str | None, typer.Argument(help="NAME==VERSION, git+URL@REF or a folder; the default library without it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Build from scratch even if nothing changed.")] = False,
    on: Annotated[
        str | None,
        typer.Option("--on", help="Ray that chunks and embeds: local, auto or ray://HOST:PORT.", metavar="CLUSTER"),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Build or update the index of a library. The old index answers until the new one is complete."""
    from agent.settings import load_settings

    settings = load_settings()
    report = build_index(spec or settings.library, settings, force=force, on=on)
    if json:
        print_json(report)
    else:
        from agent.shell.tables import show_build

        show_build(report)


@app.command(epilog="Example: `fury-agent serve --port 8080`")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port (default 8000; 0 takes a free one).")] = None,
) -> None:
    """Serve the HTTP API until interrupted. Indexes the default library first if that was never done."""
    from agent.answer_cache import AnswerCache
    from agent.api import serve as serve_http
    from agent.observability.logs import configure as configure_logs
    from agent.recording import Recorder
    from agent.service import Service
    from agent.settings import load_settings

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(**given)
    configure_logs(settings)
    ensure_indexed(settings)
    ensure_weights(settings)

    def open_service() -> Service:
        service = Service(settings, recorder=Recorder(settings), answers=AnswerCache(settings))
        try:
            service.warm_up()
        except BaseException:
            service.close()
            raise
        return service

    serve_http(open_service, settings)


@app.command()
def libraries(json: JsonOption = False) -> None:
    """List what is indexed: versions, revisions and when."""
    from agent.generations import list_libraries, unusable_indexes
    from agent.settings import load_settings

    indexes = load_settings().indexes_dir
    found = list_libraries(indexes)
    if json:
        print_json(found)
    else:
        from agent.shell.tables import show_libraries

        show_libraries(found)
    for error in unusable_indexes(indexes):
        typer.secho(str(error), fg="yellow", err=True)


@app.command(epilog="Example: `fury-agent diff 0.10.0 2.0.0 --only removed`")
def diff(
    old: Annotated[str, typer.Argument(help="An indexed version.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="Another one.", metavar="NEW")],
    library: LibraryOption = None,
    only: Annotated[DiffKind | None, typer.Option("--only", help="Show one kind of difference.")] = None,
    json: EverythingOption = False,
) -> None:
    """Compare the public API of two indexed versions: what went, what there is instead, what moved and changed.

    Nothing of either version is run, and no model is needed. In a pipe, each name is a line of its own.
    """
    from agent.settings import load_settings
    from agent.sources import parse_spec
    from agent.versions import Versions, only_kind

    settings = load_settings()
    found = Versions(settings).difference(library or parse_spec(settings.library).library, old, new)
    found = found if only is None else only_kind(found, only)
    if json:
        print_json(found)
    else:
        from agent.shell.difference_table import show_difference

        show_difference(found)


@app.command()
def discord() -> None:
    """Answer on Discord, by a service that `serve` runs. Set FURY_AGENT_DISCORD_TOKEN; see docs/discord.md."""
    from agent.observability.logs import configure as configure_logs
    from agent.settings import load_settings

    try:
        from agent.discord_adapter import run_bot
    except ModuleNotFoundError as error:
        if error.name != "discord":
            raise
        raise MissingExtra(
            "discord.py is not installed.", remedy="Install it: pip install 'fury-agent[discord]'."
        ) from error
    settings = load_settings()
    configure_logs(settings)
    run_bot(settings)


@app.command()
def doctor(
    settings: Annotated[bool, typer.Option("--settings", help="List every setting with its value instead.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Load no model and let none answer.")] = False,
    json: JsonOption = False,
) -> None:
    """Say what is configured, what is missing, and the command that mends it.

    Models are loaded and asked as a question would. The exit code is 1 if something must be mended.
    """
    from agent.diagnosis import doctor as checks
    from agent.settings import load_settings
    from agent.shell.progress import checking
    from agent.shell.tables import show_findings, show_settings

    current = load_settings()
    if settings:
        show_settings(current)
        return
    with checking() as progress:
        findings = checks.examine(current, checks.QUICK_CHECKS if quick else checks.ALL_CHECKS, progress=progress)
    if json:
        print_json(findings)
    else:
        show_findings(findings)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(ExitCode.COULD_NOT)


register_records(app)
