"""A report in a terminal (rich)."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from evals.comparison import Comparison
from evals.report.formats import cell_text, number, signed, signed_span, span, unit_of_difference, won_lost
from evals.report.values import Cell, Report, Table
from evals.statistics import Figure

_COLOURS = {"better": "green", "worse": "red"}
LISTED = 12
"""Questions named in a list before it says how many more there are."""


def show_report(report: Report, page: Path, suites: Collection[str], *, console: Console | None = None) -> None:
    """Print the tables of some suites, the comparisons and where the page is."""
    console = console or Console()
    for table in report.tables:
        if table.suite not in suites:
            continue
        console.print(_table(table))
        if table.note:
            console.print(Text(table.note, style="dim"))
    for curve in report.risk:
        if curve.suggested is not None and {"retrieval", "abstention"} & set(suites):
            point = curve.suggested
            console.print(
                f"{escape(curve.title)}. Suggested threshold {number(point.threshold)}: it declines "
                f"{number(point.declined_unanswerable)} of the unanswerable and {number(point.declined_answerable)} of "
                "the answerable questions."
            )
    for comparison in report.comparisons:
        show_comparison(comparison, report, console)
    for failure in report.failures:
        console.print(Text(failure, style="yellow"))
    for note in report.notes:
        console.print(Text(note, style="yellow"))
    console.print(Text(f"{report.run}: {page}", style="dim"), soft_wrap=True)


def _empty(title: str) -> RichTable:
    return RichTable(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)


def _table(table: Table) -> RichTable:
    shown = _empty(table.title)
    shown.add_column(table.of, overflow="fold")
    for column in table.columns:
        shown.add_column(column, justify="right", no_wrap=True)
    for row in table.rows:
        cells = (_cell(cell, table.unit, " " if len(row.cells) == 2 else "\n") for cell in row.cells)
        shown.add_row(Text(row.name), *cells, style="bold" if row.strong else None)
    return shown


def _cell(cell: Cell, unit: str, joint: str) -> Text:
    text = Text(cell_text(cell, unit))
    if isinstance(cell, Figure):
        text.append(f"{joint}{span(cell.low, cell.high, unit)}", style="dim not bold")
        if cell.failed:
            text.append(f"{joint}{cell.failed} failed", style="yellow")
    return text


def show_comparison(comparison: Comparison, report: Report, console: Console) -> None:
    """Print each measure's difference with its interval, and which questions were lost."""
    shown = _empty(f"Against {comparison.against}")
    for column in ("measure", "difference", "interval", "won", "lost", "tied", "verdict"):
        shown.add_column(column, no_wrap=True)
    for entry in comparison.measures:
        found = entry.difference
        unit = unit_of_difference(entry, report.tables)
        won, lost = won_lost(entry)
        shown.add_row(
            entry.measure,
            signed(found.mean, unit),
            signed_span(found.low, found.high, unit),
            *(str(len(ids)) for ids in (won, lost, found.tied)),
            Text(entry.verdict, style=_COLOURS.get(entry.verdict, "dim")),
        )
    console.print(shown)
    for note in comparison.notes:
        console.print(Text(note, style="dim"))
    for entry in comparison.measures:
        if entry.verdict == "worse":
            console.print(Text(f"worse: {entry.suite} {entry.measure}: {_listed(won_lost(entry)[1])}", style="red"))


def _listed(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - LISTED} more" if len(ids) > LISTED else ""
    return ", ".join(ids[:LISTED]) + more
