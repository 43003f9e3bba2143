"""Run benchmarks by name, or all of them, and print one table; exit code 1 when a target was missed."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

import msgspec
from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.table import Row

INTERNAL = {
    "__main__",
    "chunkers_page",
    "embedding_page",
    "http_client",
    "scale_corpus",
    "scale_embedding",
    "scale_page",
    "scale_search",
    "scripted",
    "table",
    "turns",
}


def names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in INTERNAL)


def render(rows: dict[str, list[Row]]) -> Table:
    """Return the table that is printed."""
    table = Table("benchmark", "figure", "value", "unit", "target", "met")
    for name, figures in rows.items():
        for row in figures:
            met = "" if row.ok is None else "yes" if row.ok else "NO"
            table.add_row(name, row.name, f"{row.value:,.3g}", row.unit, row.target, met)
    return table


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*names(), []], help="which to run; all without a name")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rows: dict[str, list[Row]] = {}
    for name in options.name or names():
        print(f"running {name} ...", file=sys.stderr)
        rows[name] = importlib.import_module(f"benchmarks.{name}").run()
    if options.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    else:
        Console().print(render(rows))
    return int(any(row.ok is False for figures in rows.values() for row in figures))


if __name__ == "__main__":
    sys.exit(main())
