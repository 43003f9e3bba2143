"""`python -m evals libraries`: the same two commands for every library whose questions are kept here, and the page.

Figures go to `docs/libraries.json`, the page that is made of them to `docs/libraries.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from agent.errors import InvalidInput
from agent.index_build import build
from agent.providers import weights
from agent.providers.embeddings import build_embedding
from agent.settings import Settings, load_settings
from agent.shell.progress import progress_bars
from agent.sources import open_source
from evals.cases import DATA
from evals.libraries_page import PAGE, LibraryFigures, render
from evals.report.values import Report, Table
from evals.session import Plan, measure
from evals.statistics import Figure

STARTER = "starter.jsonl"
"""Generated questions; beside it, `asked.jsonl` has some that were written by hand."""


def specs() -> list[str]:
    """Return the SPECs of the libraries that have starter cases."""
    names = sorted(file.parent.name for file in DATA.glob(f"*/{STARTER}"))
    return ["==".join(name.rsplit("-", 1)) for name in names]


def measure_library(spec: str, settings: Settings, out: Path, seconds: float | None) -> LibraryFigures:
    """Measure retrieval on a library's questions, peers included; `seconds` is what indexing it took."""
    with progress_bars() as progress:
        outcome = measure(
            Plan(out=out, command="python -m evals libraries"), settings.model_copy(update={"library": spec}), progress
        )
    if outcome.problem is not None:
        raise outcome.problem
    info = build(spec, settings).info
    systems = _table(outcome.report, "system")
    provenances = _table(outcome.report, "provenance")
    return LibraryFigures(
        spec=spec,
        files=info.files,
        chunks=info.chunks,
        seconds=seconds,
        systems={row.name: _figures(systems, row.cells) for row in systems.rows},
        provenances={row.name: _figures(provenances, row.cells) for row in provenances.rows},
    )


def seconds_to_index(spec: str, settings: Settings) -> float:
    """Return what indexing takes where nothing was embedded before; sources and model are there already."""
    tree = open_source(spec, settings)
    weights.resolve(settings.embedding_model, settings)
    with tempfile.TemporaryDirectory() as scratch:
        fresh = settings.model_copy(update={"data_dir": Path(scratch)})
        for shared in ("sources_dir", "weights_dir"):
            getattr(fresh, shared).symlink_to(getattr(settings, shared))
        embedding = build_embedding(fresh)
        started = time.perf_counter()
        build(f"{tree.library}=={tree.version}", fresh, embedding=embedding)
        return round(time.perf_counter() - started, 1)


def _table(report: Report, of: str) -> Table:
    return next(table for table in report.tables if table.suite == "retrieval" and table.of == of)


def _figures(table: Table, cells: Sequence[object]) -> dict[str, Figure]:
    named = zip(table.columns, cells, strict=True)
    return {column: cell for column, cell in named if isinstance(cell, Figure)}


def main(arguments: Sequence[str]) -> int:
    """Measure the libraries that are named, or all, and write figures and page."""
    parser = argparse.ArgumentParser(prog="python -m evals libraries", description=__doc__)
    parser.add_argument("spec", nargs="*", choices=[*specs(), []], help="which to measure; all without one")
    parser.add_argument("--out", type=Path, default=Path("eval-runs"), metavar="DIR", help="where runs are kept")
    parser.add_argument(
        "--no-timing", action="store_true", help="don't index from nothing; seconds stay as they were measured before"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from its figures")
    options = parser.parse_args(arguments)
    if not PAGE.parent.is_dir():
        raise InvalidInput(f"There is no {str(PAGE.parent)!r}.", remedy="Run this in a checkout of fury-agent.")
    file = PAGE.with_suffix(".json")
    known = msgspec.json.decode(file.read_bytes(), type=dict[str, LibraryFigures]) if file.exists() else {}
    for spec in () if options.page else options.spec or specs():
        settings = load_settings()
        before = known[spec].seconds if spec in known else None
        seconds = before if options.no_timing else seconds_to_index(spec, settings)
        known[spec] = measure_library(spec, settings, options.out, seconds)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(known.items())))) + b"\n")
    PAGE.write_text(render(tuple(known.values())), encoding="utf-8")
    sys.stdout.write(f"{PAGE}: {', '.join(known)}\n")
    return 0
