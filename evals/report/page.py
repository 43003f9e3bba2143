"""The report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from evals.report import formats, plots
from evals.report.values import Cell, Moment, Report, Score, Table
from evals.statistics import Figure

MAX_TEXT = 6_000
"""Characters shown of a passage, of an answer and of any other long text."""
_HEADLINES = 4
_SAFE_ID = re.compile(r"[\w.-]{1,80}", re.ASCII)
_WEB = re.compile(r"https?://[^\s\x00-\x20\x7f\"'<>\\^`{|}]+", re.ASCII | re.IGNORECASE)


def render_page(report: Report) -> str:
    """Return the page: the text of one HTML file, the same at every call.

    Anybody may have written what stands in a report, so nothing of it becomes markup but the plain formatting of an
    answer's Markdown, and no link of it can be followed but those of citations to `http` and `https`.
    """
    style, script = _asset("page.css"), _asset("page.js")
    questions = formats.by_verdict(report.questions)
    template = _environment(report).get_template("page.html.jinja")
    return template.render(
        report=report,
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        facts=formats.identity_facts(report),
        headlines=_headlines(report.tables),
        suites=formats.suites(report.tables),
        curves=sorted(report.curves, key=lambda curve: not curve.strong),
        bars=_bars(report.tables),
        history=_measures(report.history) if len(report.history) > 1 else [],
        questions=questions,
        verdicts=_distinct(question.verdict for question in questions),
        kinds=sorted({question.kind for question in questions}),
        scored_suites=_distinct(score.suite for question in questions for score in question.scores),
        max_text=MAX_TEXT,
    )


def anchor(identifier: str) -> str:
    """Return the id of a question's place on the page: its own where HTML and an address can hold that."""
    if _SAFE_ID.fullmatch(identifier):
        return f"q-{identifier}"
    return f"q-{hashlib.sha256(identifier.encode('utf-8', 'replace')).hexdigest()[:12]}"


def web_address(url: str | None) -> str | None:
    """Return an address that may be followed, which is one of the web; None of any other."""
    return url if url and _WEB.fullmatch(url) else None


def markdown_to_html(text: str) -> Markup:
    """Return an answer's Markdown as HTML: no markup of its own, and links and images stay the text that they are."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["link", "image", "autolink", "reference"])
    tokens = parser.parse(formats.clip(text, MAX_TEXT))
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h4"  # an answer's headings are no headings of the page
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - markdown-it escaped it


def _asset(name: str) -> str:
    return resources.files("evals.report").joinpath(name).read_text("utf-8")


def _environment(report: Report) -> Environment:
    known = {question.id for question in report.questions}
    environment = Environment(
        loader=PackageLoader("evals.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    filters: dict[str, Any] = {
        "cell": formats.cell_text,
        "clip": formats.clip,
        "markdown": markdown_to_html,
        "number": formats.number,
        "signed": formats.signed,
        "signed_span": formats.signed_span,
        "span": formats.span,
        "when": formats.when,
    }
    tests: dict[str, Any] = {"figure": _is_figure, "known": known.__contains__, "numeric": _is_numeric}
    functions: dict[str, Any] = {
        "anchor": anchor,
        "figure_note": formats.figure_note,
        "has_gaps": _has_gaps,
        "plots": plots,
        "table_notes": formats.table_notes,
        "unit_of": partial(formats.unit_of_difference, tables=report.tables),
        "unit_of_score": partial(_unit_of_score, report.tables),
        "won_lost": formats.won_lost,
        "web_address": web_address,
    }
    environment.filters.update(filters)
    environment.tests.update(tests)
    environment.globals.update(functions)
    return environment


def _printable(value: object) -> object:
    """Take out of every inserted text what cannot be printed."""
    match value:
        case Markup():
            return Markup(formats.printable(value))  # noqa: S704 - it was markup before
        case str():
            return formats.printable(value)
        case _:
            return value


def _unit_of_score(tables: Iterable[Table], score: Score) -> str:
    return formats.unit_of(score.suite, score.measure, tables, score.value or 0.0)


def _is_figure(cell: Cell) -> bool:
    return isinstance(cell, Figure)


def _has_gaps(table: Table) -> bool:
    return any(isinstance(cell, Figure) and cell.failed for row in table.rows for cell in row.cells)


def _is_numeric(cell: Cell) -> bool:
    return not isinstance(cell, str)


def _headlines(tables: Iterable[Table]) -> list[tuple[Table, list[tuple[str, Figure]]]]:
    """Return the first figures of what we ship, of each suite's first table."""
    found: list[tuple[Table, list[tuple[str, Figure]]]] = []
    for _, (table, *_) in formats.suites(tables):
        figures = [(name, cell) for name, cell in formats.shipped_cells(table) if isinstance(cell, Figure)]
        if figures:
            found.append((table, figures[:_HEADLINES]))
    return found


def _bars(tables: Iterable[Table]) -> tuple[Table, str] | None:
    """Return the first table of retrieval that can be drawn as bars, and the measure to draw."""
    measures = ((table, plots.bar_measure(table)) for table in tables if table.suite == "retrieval")
    return next(((table, measure) for table, measure in measures if measure), None)


def _measures(moments: Sequence[Moment]) -> list[str]:
    return _distinct(measure for moment in moments for measure in moment.means)


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
