"""What the first command needs before it can answer, made where people can see how far it is: an index and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from agent.index_build import BuildReport
    from agent.settings import Settings


def ensure_indexed(settings: Settings) -> None:
    """Index the default library, if that was never done."""
    from agent.generations import IndexDirectory, list_libraries
    from agent.sources import parse_spec

    spec = parse_spec(settings.library)
    known = [entry for entry in list_libraries(settings.indexes_dir) if entry.library == spec.library]
    if spec.version is None and known:
        return
    if spec.version and IndexDirectory(settings.indexes_dir, spec.library, spec.version).current_or_none():
        return
    typer.echo(f"{settings.library} is not indexed yet; building its index (once, some minutes).", err=True)
    build_index(settings.library, settings)


def ensure_weights(settings: Settings) -> None:
    """Get the language model's weights where people can see how far it is; they are verified only once.

    Without them, answers list sources only, and say why.
    """
    from agent.errors import MissingExtra, WeightsError
    from agent.providers.llms import fetch_weights
    from agent.shell.progress import progress_bars

    try:
        with progress_bars() as progress:
            fetch_weights(settings, progress=progress)
    except (WeightsError, MissingExtra) as error:
        typer.secho(f"No language model: {error}", fg="yellow", err=True)


def build_index(spec: str, settings: Settings, *, force: bool = False, on: str | None = None) -> BuildReport:
    """Build an index, on a Ray cluster where one is named, with progress bars on stderr."""
    from agent.index_build import build
    from agent.shell.progress import progress_bars

    with progress_bars() as progress:
        return build(spec, settings, progress=progress, force=force, on=on)
