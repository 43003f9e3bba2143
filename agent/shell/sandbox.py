"""`fury-agent sandbox`: prepare what code is run with, and try it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Run code within walls; see docs/sandbox.md.")


@app.command(epilog="Example: `fury-agent sandbox prepare fury==2.0.0 --with matplotlib`")
def prepare(
    spec: Annotated[str | None, typer.Argument(help="NAME==VERSION; the default library without it.")] = None,
    extra: Annotated[
        list[str] | None, typer.Option("--with", help="Another package that code may import.", metavar="PACKAGE")
    ] = None,
) -> None:
    """Install a release in an environment of its own, from wheels alone, for the sandbox to run code with."""
    from agent.sandbox import prepare as prepare_environment
    from agent.settings import load_settings

    settings = load_settings()
    environment = prepare_environment(spec or settings.library, settings, extra=extra or ())
    typer.echo(environment.directory)


@app.command(epilog="Example: `fury-agent sandbox run three_spheres.py --picture spheres.png`")
def run(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="The code; - reads it from standard input.")],
    spec: Annotated[str | None, typer.Option(help="NAME==VERSION; the default library without it.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Where to save what it shows.")] = None,
) -> None:
    """Run a file in the sandbox, as the code of an answer is run; the exit code is 1 if it fails."""
    from agent.durable_files import storage_errors
    from agent.errors import InvalidInput
    from agent.sandbox import MAX_SIDE, Sandbox
    from agent.settings import load_settings
    from agent.sources import parse_spec

    settings = load_settings()
    release = parse_spec(spec or settings.library)
    if release.version is None:
        raise InvalidInput(f"{spec!r} names no version.", remedy="Say NAME==VERSION: `--spec fury==2.0.0`.")
    try:
        code = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8, whatever encoding it declares."
        raise InvalidInput(f"The file {file.name!r} is not UTF-8: {error}.", remedy=remedy, field="file") from error
    result = Sandbox(settings, release.library, release.version).run(code)
    if result.output:
        typer.echo(result.output)
    if result.image is not None and picture is not None:
        with storage_errors(picture, "--picture"):
            picture.write_bytes(result.image)
    drawn = "no picture" if result.image is None else f"a picture of {len(result.image):,} bytes"
    if result.refused:
        drawn = f"its picture was refused: only a plain PNG of at most {MAX_SIDE} pixels a side is passed on"
    typer.echo(f"{'ran' if result.ok else 'failed'} in {result.seconds:.1f} s, {drawn}", err=True)
    if result.error:
        typer.secho(result.error, fg="red", err=True)
        raise typer.Exit(1)
