"""Numbers and untrusted text as words: the same in every form of the report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from evals.comparison import Compared
from evals.report.values import Cell, Question, Report, Row, Table
from evals.statistics import Figure

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"
_PLACES = {"ms": 0, "tokens": 0}
# What no reader sees or what turns the order of characters around, and what cannot be written as UTF-8.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_VERDICTS = ("failed", "weak", "good")


def number(value: float, unit: str = "share", places: int = 3) -> str:
    """Return a number in its unit: `.904` of a share, `1,234` of ms and tokens, else three significant digits."""
    if not math.isfinite(value):
        return NOTHING if math.isnan(value) else f"{MINUS if value < 0 else ''}∞"
    if unit == "share":
        text = f"{abs(value):.{places}f}"
        text = text.removeprefix("0") if places else text
    elif unit in _PLACES:
        text = f"{abs(value):,.{_PLACES[unit]}f}"
    else:
        text = f"{abs(value):,.0f}" if abs(value) >= 1000 else f"{abs(value):.3g}"
    return MINUS + text if value < 0 and re.search("[1-9]", text) else text


def signed(value: float, unit: str = "share") -> str:
    """Return a difference with its sign; zero has none."""
    text = number(value, unit)
    return f"+{text}" if value > 0 and re.search("[1-9]", text) else text


def span(low: float, high: float, unit: str = "share") -> str:
    """Return the interval of a mean, `.85–.96`."""
    return f"{number(low, unit, 2)}–{number(high, unit, 2)}"


def signed_span(low: float, high: float, unit: str = "share") -> str:
    """Return the interval of a difference, both ends with their signs."""
    return f"{signed(low, unit)} to {signed(high, unit)}"


def cell_text(cell: Cell, unit: str = "share") -> str:
    """Return the main part of a cell: the mean of a figure, without its interval."""
    match cell:
        case None:
            return NOTHING
        case str():
            return cell
        case Figure():
            return number(cell.mean, unit)
        case int():
            return f"{cell:,}".replace("-", MINUS)
        case float():
            return number(cell, unit)


def figure_note(figure: Figure) -> str:
    """Return how many questions a figure stands on, and how many could not be scored."""
    failed = f", {figure.failed} could not be scored" if figure.failed else ""
    return f"95 % interval over {figure.count} question{'' if figure.count == 1 else 's'}{failed}"


def table_notes(table: Table) -> list[str]:
    """Return what a reader must know of a table: its unit and its own note."""
    unit = {"ms": "In milliseconds.", "tokens": "In tokens."}.get(table.unit, "")
    return [note for note in (unit, table.note) if note]


def unit_of(suite: str, measure: str, tables: Iterable[Table], *values: float) -> str:
    """Return the unit of the suite's table that has this measure; without one, a share where `values` can be some."""
    for table in tables:
        if table.suite == suite and measure in {*table.columns, *(row.name for row in table.rows)}:
            return table.unit
    return "share" if all(abs(value) <= 1 for value in values) else ""


def unit_of_difference(compared: Compared, tables: Iterable[Table]) -> str:
    """Return the unit of a compared measure."""
    difference = compared.difference
    return unit_of(compared.suite, compared.measure, tables, difference.mean, difference.low, difference.high)


def won_lost(compared: Compared) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the questions that got better and worse, in the measure's own direction."""
    higher, lower = compared.difference.won, compared.difference.lost
    return (lower, higher) if compared.lower_is_better else (higher, lower)


def printable(text: str) -> str:
    """Return a text in which what cannot be printed is replaced by a visible mark."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n"))


def when(created: str) -> str:
    """Return an ISO 8601 time as words; anything else as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return moment.strftime("%Y-%m-%d %H:%M %Z").rstrip()


def clip(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text, and how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit:,} more characters)"


def suites(tables: Iterable[Table]) -> list[tuple[str, list[Table]]]:
    """Return the tables by suite, in the order in which the suites appear."""
    tables = list(tables)
    order = list(dict.fromkeys(table.suite for table in tables))
    ordered = sorted(tables, key=lambda table: order.index(table.suite))
    return [(suite, list(group)) for suite, group in groupby(ordered, key=lambda table: table.suite)]


def shipped(table: Table) -> Row | None:
    """Return the row of what we ship."""
    return next((row for row in table.rows if row.strong), None)


def shipped_cells(table: Table) -> list[tuple[str, Cell]]:
    """Return the named cells of what we ship: its row, or in a table of one model's measures its column."""
    if row := shipped(table):
        return list(zip(table.columns, row.cells, strict=False))
    return [(row.name, row.cells[0]) for row in table.rows] if table.columns[1:] == ("n",) else []


def by_verdict(questions: Iterable[Question]) -> list[Question]:
    """Return the questions, failed ones first, then weak ones; a verdict that nobody knows leads."""
    rank = {verdict: position for position, verdict in enumerate(_VERDICTS)}
    return sorted(questions, key=lambda question: rank.get(question.verdict, -1))


def identity_facts(report: Report) -> list[tuple[str, str]]:
    """Return what was measured, as names and values."""
    identity = report.identity
    return [
        ("fury-agent", identity.code),
        ("Library", f"{identity.library} {identity.version} ({identity.revision})"),
        ("Index", identity.index),
        ("Embedding", identity.embedding),
        ("Model", identity.model),
        ("Answered by", identity.answerer),
        ("Settings", identity.settings),
        ("Questions", f"{report.cases:,}"),
        ("Run", report.run),
        ("Created", when(report.created)),
        ("Command", report.command),
    ]
