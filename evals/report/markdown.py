"""The report as Markdown (GitHub's), for a comment or a file: figures, comparisons and what failed."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence

from evals.comparison import Comparison
from evals.report import formats
from evals.report.values import Cell, Question, Report, Table
from evals.statistics import Figure

MAX_TEXT = 500
"""Characters shown of a question, a reason and any other text."""
_MARKUP = re.compile(r"[\\`*_\[\]<|~$]|&(?=#|\w+;)")
# GitHub makes links of bare addresses and calls whoever is named: a backslash stops the first, only a break the second.
_ADDRESS = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
_NAME = re.compile(r"(?<!\w)@(?=\w)|@(?=[\w-]+\.\w)")
_BLOCK = re.compile(r"^(?:([-+=>#])|(\d+)([.)]))")
_BREAK = "\u200b"


def render_markdown(report: Report) -> str:
    """Return the report as Markdown; what others wrote stays plain text in it."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def escape(text: str) -> str:
    """Return text as Markdown that shows it letter by letter within a line, whatever it holds."""
    text = " ".join(formats.printable(formats.clip(text, MAX_TEXT)).split())
    text = _ADDRESS.sub(r"\\\g<0>", _MARKUP.sub(r"\\\g<0>", text))
    return _NAME.sub(f"@{_BREAK}", text)


def _start(text: str) -> str:
    """Return escaped text that may begin a line: no heading, quotation or list begins with it."""
    return _BLOCK.sub(r"\2\\\1\3", escape(text))


def _lines(report: Report) -> Iterator[str]:
    yield f"# {escape(report.title)}"
    yield from _section("What was measured", _table(("", ""), formats.identity_facts(report)))
    yield from _section("Read this first", _bullets(report.notes))
    yield from _section("Could not be scored", _bullets(report.failures))
    for suite, tables in formats.suites(report.tables):
        yield from ("", f"## {escape(suite)}")
        for table in tables:
            yield from table_lines(table)
    for comparison in report.comparisons:
        yield from ("", f"## Against {escape(comparison.against)}")
        yield from _compared(comparison, report.tables)
    failed = [question for question in report.questions if question.verdict == "failed"]
    yield from _section("Failed questions", [_failed(question) for question in failed])


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *lines] if lines else []


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {_start(text)}" for text in texts]


def table_lines(table: Table) -> Iterator[str]:
    """Yield a table with its title and notes."""
    yield from ("", f"### {escape(table.title)}", "")
    rows = [(row.name, *(_cell(cell, table.unit) for cell in row.cells)) for row in table.rows]
    numeric = table.rows[0].cells if table.rows else ()
    right = {position for position, cell in enumerate(numeric, start=1) if not isinstance(cell, str)}
    strong = {position for position, row in enumerate(table.rows) if row.strong}
    yield from _table((table.of, *table.columns), rows, right, strong)
    for note in formats.table_notes(table):
        yield from ("", _start(note))


def _cell(cell: Cell, unit: str) -> str:
    text = formats.cell_text(cell, unit)
    if not isinstance(cell, Figure):
        return text
    failed = f" ({cell.failed} not scored)" if cell.failed else ""
    return f"{text} ({formats.span(cell.low, cell.high, unit)}){failed}"


def _compared(comparison: Comparison, tables: Sequence[Table]) -> Iterator[str]:
    for note in comparison.notes:
        yield from ("", _start(note))
    rows: list[tuple[str, ...]] = []
    lost_ids: list[str] = []
    for measure in comparison.measures:
        difference, unit = measure.difference, formats.unit_of_difference(measure, tables)
        won, lost = formats.won_lost(measure)
        name = f"{measure.measure} (lower is better)" if measure.lower_is_better else measure.measure
        change = (formats.signed(difference.mean, unit), formats.signed_span(difference.low, difference.high, unit))
        counts = (str(len(won)), str(len(lost)), str(len(difference.tied)))
        rows.append((measure.suite, name, *change, measure.verdict, *counts))
        if lost:
            ids = ", ".join(escape(identifier) for identifier in lost)
            lost_ids.append(f"- {escape(measure.suite)}, {escape(measure.measure)}: lost {ids}")
    columns = ("suite", "measure", "difference", "95 % interval", "verdict", "won", "lost", "tied")
    yield ""
    yield from _table(columns, rows, {2, 3, 5, 6, 7})
    if lost_ids:
        yield from ("", *lost_ids)


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Iterable[int] = (),
    strong: Container[int] = (),
) -> list[str]:
    """Return a table of plain texts; `right` are columns of numbers, `strong` rows in bold, by position."""
    numbers = set(right)
    lines = [
        _row(escape(column) for column in columns),
        _row("--:" if position in numbers else ":--" for position in range(len(columns))),
    ]
    for position, row in enumerate(rows):
        mark = "**" if position in strong else ""
        lines.append(_row(f"{mark}{escape(text)}{mark}" for text in row))
    return lines


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _failed(question: Question) -> str:
    why = f" – {escape('; '.join(question.why))}" if question.why else ""
    error = f" – error: {escape(question.error)}" if question.error else ""
    return f"- **{escape(question.id)}** ({escape(question.kind)}) {escape(question.question)}{why}{error}"
