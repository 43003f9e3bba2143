"""`fury-agent keys`: who may ask over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from agent.shell.records import open_records

app = typer.Typer(
    no_args_is_help=True,
    help="API keys of the HTTP service. As soon as there is one, nobody is answered without; see docs/limits.md.",
)
Name = Annotated[str, typer.Argument(help="Who has it, such as discord or docs-site.", metavar="NAME")]


@app.command(epilog="Example: `fury-agent keys add discord`")
def add(name: Name) -> None:
    """Make a key and print it, this once: only its digest is kept."""
    with open_records() as records:
        key = records.keys.add(name)
    typer.echo(key)
    typer.echo(f"Keep it: it cannot be shown again. Send it as `Authorization: Bearer {key[:9]}…`.", err=True)


@app.command("list")
def list_keys() -> None:
    """List the keys: names and dates."""
    with open_records() as records:
        found = records.keys.all()
    for key in found:
        typer.echo(f"{key.name}\tmade {_day(key.made)}\t{f'revoked {_day(key.revoked)}' if key.revoked else 'counts'}")
    if not found:
        typer.echo("There are no keys: whoever reaches the service may ask.", err=True)


@app.command(epilog="Example: `fury-agent keys revoke discord`")
def revoke(name: Name) -> None:
    """Let a key count no longer; services hear of it within seconds."""
    with open_records() as records:
        records.keys.revoke(name)
    typer.echo(f"The key {name!r} is revoked.")


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
