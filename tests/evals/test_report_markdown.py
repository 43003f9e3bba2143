"""A report as Markdown: tables that stay tables, and text that stays text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from evals.comparison import Compared, Comparison
from evals.report.formats import clip, printable
from evals.report.markdown import MAX_TEXT, escape, render_markdown
from evals.report.values import Row, Table
from evals.statistics import Difference, Figure
from tests.evals.report_sample import HOSTILE, full_report, question, report

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
BREAK = "\u200b"


def shown(markdown: str) -> str:
    """Return the text that a reader sees of a paragraph."""
    (paragraph,) = [token for token in GITHUB.parse(markdown) if token.type == "inline"]
    assert {token.type for token in paragraph.children or ()} <= {"text"}
    return "".join(token.content for token in paragraph.children or ()).replace(BREAK, "")


@given(st.one_of(st.sampled_from(HOSTILE), st.text(), st.text(alphabet="\\`*_[]<>|~$&#;!(){}:/.@w1-+ \n")))
def test_escaped_text_is_read_as_it_was_written(text: str) -> None:
    """The law: what Markdown makes of it is the text on one line, and no markup."""
    line = " ".join(printable(clip(text, MAX_TEXT)).split()).replace(BREAK, "")
    assert shown(f"x {escape(text)}. x") == f"x {line}. x"


def test_no_hostile_text_becomes_markup() -> None:
    tokens = GITHUB.parse(render_markdown(full_report()))
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert not {
        kind for kind in kinds if kind.startswith(("html", "link", "image", "fence", "code", "blockquote", "s_"))
    }


@pytest.mark.parametrize(
    "start", ["# no heading", "> no quotation", "- no list", "+ no list", "1. no list", "2) no list", "--- "]
)
def test_a_note_begins_no_block(start: str) -> None:
    tokens = GITHUB.parse(render_markdown(report(notes=(start,))))
    lists = [token for token in tokens if token.type.endswith(("list_open", "blockquote_open", "hr"))]
    assert [token.type for token in lists] == ["bullet_list_open"]
    assert [token.content for token in tokens if token.type == "inline"][-1].replace("\\", "") == start.strip()


@pytest.mark.parametrize(
    "text", ["https://evil.example", "HTTP://evil.example", "www.evil.example", "a@evil.example", "@somebody"]
)
def test_github_makes_no_link_and_calls_nobody(text: str) -> None:
    escaped = escape(text)
    assert not re.search(r"https?://|www\.|@\w", escaped, re.IGNORECASE)


def test_a_measure_s_name_stays_as_it_is() -> None:
    assert escape("nDCG@10 of v2.0.0 (all)") == "nDCG@10 of v2.0.0 (all)"


def test_a_table_keeps_its_columns_whatever_its_cells_hold() -> None:
    rows = tuple(Row(text, (text, Figure(0.904, 0.851, 0.957, 73, 2))) for text in HOSTILE)
    markdown = render_markdown(report(tables=(Table("retrieval", "T", "a|b", ("c\nd", "hit@1"), rows),)))
    tokens = GITHUB.parse(markdown[markdown.index("### T") :])
    assert [token.type for token in tokens].count("tr_open") == len(HOSTILE) + 1
    assert [token.type for token in tokens].count("td_open") == 3 * len(HOSTILE)


def test_a_figure_shows_its_interval_and_what_we_ship_is_bold() -> None:
    rows = (Row("ours", (Figure(0.904, 0.851, 0.957, 73, 2),), strong=True), Row("theirs", (None,)))
    markdown = render_markdown(report(tables=(Table("retrieval", "Systems", "system", ("hit@1",), rows, note="Few."),)))
    assert (
        "| system | hit@1 |\n| :-- | --: |\n| **ours** | **.904 (.85–.96) (2 not scored)** |\n| theirs | – |\n\nFew."
        in markdown
    )


TIED = tuple(f"t{number}" for number in range(9))


def test_what_was_lost_is_named_in_the_measure_s_own_direction() -> None:
    slower = Compared("answers", "ms", Difference(9, 6, 12, won=("v2-001",), lost=(), tied=TIED), lower_is_better=True)
    markdown = render_markdown(report(comparisons=(Comparison("run-1", (slower,)),)))
    assert "| answers | ms (lower is better) | +9 | +6 to +12 | worse | 0 | 1 | 9 |" in markdown
    assert "- answers, ms: lost v2-001" in markdown


def test_only_failed_questions_are_listed() -> None:
    markdown = render_markdown(report(question("fine"), question("lost", verdict="failed", why=("not found",))))
    assert "- **lost** (usage) How do I draw a sphere? – not found" in markdown
    assert "fine" not in markdown


def test_sections_without_content_are_left_out() -> None:
    assert render_markdown(report()).count("## ") == 1
