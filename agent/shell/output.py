"""Options and output that several commands share."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

LibraryOption = Annotated[str | None, typer.Option("--library", help="Name of an indexed library.", metavar="NAME")]
VersionOption = Annotated[str | None, typer.Option("--version", help="Its exact version.", metavar="VERSION")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the HTTP API's reply as JSON.")]
EverythingOption = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]


def print_json(value: object) -> None:
    """Print a value of the schema, as JSON that people can read."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")
