"""The page of a report: complete, self-contained, and inert whatever the texts in it hold."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.schema import Citation, Passage
from evals.comparison import Compared, Comparison
from evals.report import formats, plots
from evals.report.page import MAX_TEXT, anchor, markdown_to_html, render_page, web_address
from evals.report.values import Curve, FoundPlace, Moment, RiskCurve, Row, Score, Table
from evals.statistics import Difference, Figure, Operating
from tests.evals.report_sample import BAD_ADDRESSES, HOSTILE, figure, full_report, question, report

VOID = frozenset({"meta", "input", "img", "br", "hr", "link"})
ALLOWED = frozenset(
    {"html", "head", "meta", "title", "style", "body", "header", "main", "section", "script"}
    | {
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "div",
        "details",
        "summary",
        "figure",
        "figcaption",
    }
    | {
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "a",
        "span",
        "small",
        "sup",
        "b",
        "strong",
        "code",
        "pre",
    }
    | {"form", "label", "input", "select", "option", "button", "output"}
    | {"em", "br", "hr", "blockquote"}  # in answers
    | {"svg", "g", "path", "defs", "clippath", "rect", "text", "use"}
)


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text within each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str | None = None) -> str:
        return " ".join(data for name, data in self.texts if tag in (None, name))


@pytest.fixture(scope="module")
def html() -> str:
    return render_page(full_report())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


# --- nothing untrusted becomes markup ------------------------------------------------------------


def test_the_only_script_is_ours_and_the_policy_allows_no_other(html: str, page: Page) -> None:
    assert len(page.all("script")) == html.lower().count("<script") == html.lower().count("</script") == 1
    digest = base64.b64encode(hashlib.sha256(page.text("script").encode()).digest()).decode()
    policy = next(each["content"] for each in page.all("meta") if each.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert f"script-src 'sha256-{digest}'" in policy


def test_no_element_but_those_of_the_page(page: Page) -> None:
    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert page.open == []


def test_no_attribute_runs_anything(page: Page) -> None:
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def addresses(page: Page) -> Iterator[tuple[str, dict[str, str | None]]]:
    for tag, attributes in page.elements:
        for name in ("href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href", "background"):
            if name in attributes:
                yield tag, attributes


def test_the_only_addresses_are_places_of_the_page_and_citations(page: Page) -> None:
    for tag, attributes in addresses(page):
        href = attributes.get("href") or ""
        if not href.startswith("#"):
            assert tag == "a"
            assert href.startswith("https://github.com/fury/")
            assert attributes["rel"] == "noopener noreferrer"


def test_no_style_loads_anything(html: str, page: Page) -> None:
    styles = [attributes.get("style") or "" for _, attributes in page.elements] + [page.text("style")]
    assert not [style for style in styles if re.search(r"@import|url\((?!#)|expression", style)]
    assert "http" not in " ".join(styles)
    assert "purl.org" not in html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_letter_by_letter(text: str) -> None:
    """Wherever a text may stand, what is seen is the text itself, but for what cannot be printed."""
    everywhere = render_page(
        report(
            question(
                text,
                text,
                kind=text,
                verdict=text,
                provenance=text,
                why=(text,),
                gold=(text,),
                places=(FoundPlace(text, hit=True),),
                scores=(Score(text, text, None, failed=text),),
                status=text,
                answer=text,
                citations=(Citation(1, text, text, 1, 2, None, text),),
                passages=(Passage(text, text, 1, 2, text, 0.1, text),),
                checks=(text,),
                error=text,
            ),
            title=text,
            run=text,
            command=text,
            created=text,
            tables=(
                Table(
                    text, text, text, (text,), (Row(text, (text,)), Row(text, (figure(0.5),), strong=True)), "", text
                ),
            ),
            curves=(Curve(text, (figure(0.5), figure(0.6))),),
            risk=(RiskCurve(text, (), None),),
            history=tuple(Moment(text, text, text, {text: figure(0.5)}) for _ in range(2)),
            comparisons=(
                Comparison(text, (Compared(text, text, Difference(0, 0, 0, (text,), (text,), ())),), (text,)),
            ),
            failures=(text,),
            notes=(text,),
        )
    )
    parsed = Page(everywhere)
    assert {tag for tag, _ in parsed.elements} <= ALLOWED
    assert len(parsed.all("script")) == 1
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert not [attributes for _, attributes in addresses(parsed) if not (attributes["href"] or "").startswith("#")]
    shown = formats.printable(text)
    assert shown in [data for tag, data in parsed.texts if tag == "code"]
    for tag in ("title", "h1"):
        assert parsed.text(tag) == shown
    everywhere.encode()  # no lone surrogate


@pytest.mark.parametrize("address", [*BAD_ADDRESSES, "", "https://", "http://a b", "HTTPS:/x", None])
def test_no_link_but_to_the_web(address: str | None) -> None:
    assert web_address(address) is None
    cited = Citation(1, "a.py", None, 1, 2, address, "a place")
    assert not [each for each in Page(render_page(report(question(citations=(cited,))))).all("a") if each]


def test_a_citation_links_to_its_lines() -> None:
    url = "https://github.com/fury-gl/fury/blob/v2.0.0/fury/window.py#L1-L9"
    html = render_page(report(question(citations=(Citation(1, "fury/window.py", "show", 1, 9, url, "show"),))))
    assert Page(html).all("a") == [{"href": url, "rel": "noopener noreferrer"}]


@settings(max_examples=60)
@given(st.lists(st.sampled_from([*HOSTILE, "\n", "`", "> ", "# ", "- ", "| a |\n|---|\n", "[x](y)", "&#60;b&#62;"])))
def test_an_answer_keeps_its_formatting_and_gains_no_markup(parts: list[str]) -> None:
    parsed = Page(markdown_to_html("".join(parts)))
    assert not [tag for tag, _ in parsed.elements if tag in {"a", "img", "script", "svg", "iframe", "h1", "h2", "h3"}]
    assert not [
        name for _, attributes in parsed.elements for name in attributes if name not in {"class", "start", "style"}
    ]


def test_an_answer_s_code_is_code_and_its_headings_stay_below_the_page_s() -> None:
    parsed = Page(markdown_to_html("# Title\n\n```python\na < b\n```\n\n**strong** [text](https://x.example)"))
    assert parsed.text("code") == "a < b\n"
    assert parsed.text("h4") == "Title"
    assert "[text](https://x.example)" in parsed.text("p")


def test_huge_texts_are_cut_and_say_so() -> None:
    huge = "<b>" * 100_000
    html = render_page(
        report(question(text=huge, answer=huge, passages=(Passage("a.py", None, 1, 2, None, 0.1, huge),)))
    )
    assert len(html) < 150_000
    assert html.count(f"({len(huge) - MAX_TEXT:,} more characters)") == 3


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_question_has_a_place_of_its_own_that_an_address_can_name(first: str, second: str) -> None:
    assert re.fullmatch(r"q-[\w.-]+", anchor(first), re.ASCII)
    assert (anchor(first) == anchor(second)) == (first == second)


# --- what is shown -------------------------------------------------------------------------------


def test_failed_questions_come_first_then_weak_ones() -> None:
    mixed = (
        question("a"),
        question("b", verdict="weak"),
        question("c", verdict="failed"),
        question("d", verdict="failed"),
    )
    shown = [each["id"] for each in Page(render_page(report(*mixed))).all("details")]
    assert shown == ["q-c", "q-d", "q-b", "q-a"]


def test_every_link_within_the_page_leads_somewhere(page: Page) -> None:
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    targets = {each["href"] for each in page.all("a") + page.all("use") if (each["href"] or "").startswith("#")}
    assert targets <= {f"#{identifier}" for identifier in identifiers}
    drawn = {
        attributes["id"] for tag, attributes in page.elements if tag in {"path", "clippath"} and "id" in attributes
    }
    named = [identifier for identifier in identifiers if identifier not in drawn]
    assert len(named) == len(set(named))


def test_headings_are_in_order(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_sections_come_in_their_order(page: Page) -> None:
    titles = ["What was measured", "Read this first", "In short", "retrieval", "answers", "declining", "judge"]
    assert [text for tag, text in page.texts if tag == "h2"] == [*titles, "Plots", "Comparisons", "Every question"]


def test_an_empty_report_is_a_page_too() -> None:
    html = render_page(report())
    assert "What was measured" in html
    assert not {"table", "svg", "form", "script"} & {tag for tag, _ in Page(html).elements}


def test_a_figure_shows_its_interval_and_what_it_stands_on() -> None:
    table = Table(
        "retrieval", "T", "system", ("hit@1",), (Row("ours", (Figure(0.904, 0.851, 0.957, 73, 2),), strong=True),)
    )
    html = render_page(report(tables=(table,)))
    assert 'title="95 % interval over 73 questions, 2 could not be scored">.904 <small>.85–.96<sup' in html
    assert "<b>.904</b> <small>.85–.96</small>" in html  # among the headlines


def test_a_measure_that_should_be_low_is_won_where_it_sank() -> None:
    faster = Compared(
        "answers",
        "ms",
        Difference(-9, -12, -6, won=("up",), lost=("down-1", "down-2"), tied=tuple("abcdefg")),
        lower_is_better=True,
    )
    html = render_page(report(question("up"), question("down-1"), comparisons=(Comparison("run-1", (faster,)),)))
    assert '<span class="badge good">better</span>' in html
    assert "answers · ms: 1 lost, 2 won" in html
    assert re.search(r'Lost</strong> <a href="#q-up">up</a>', html)
    assert re.search(r'Won</strong> <a href="#q-down-1">down-1</a> down-2</p>', html)


def test_history_needs_two_runs() -> None:
    moments = tuple(Moment(f"run-{n}", "", f"code{n}", {"MRR": figure(0.5)}) for n in range(2))
    assert "Over the revisions" not in render_page(report(history=moments[:1]))
    assert "Over the revisions" in render_page(report(history=moments))


def test_without_the_script_all_questions_are_there(page: Page) -> None:
    """The filter is hidden until the script shows it, and nothing else is."""
    assert [tag for tag, attributes in page.elements if "hidden" in attributes] == ["form"]
    assert len([each for each in page.all("details") if "data-verdict" in each]) == 140


def test_the_page_is_small_enough_to_send(html: str) -> None:
    assert len(html.encode()) < 3_000_000


# --- plots ---------------------------------------------------------------------------------------


def test_the_same_report_is_the_same_page(html: str) -> None:
    assert render_page(full_report()) == html


def svg_texts(svg: str) -> list[str]:
    return [data for tag, data in Page(svg).texts if tag == "text"]


def test_colours_and_typeface_come_from_the_page(html: str) -> None:
    assert "#0102" not in html
    curve = Curve("a", (figure(0.5), figure(0.7)), strong=True)
    drawn = plots.curve_panel(curve, (curve,))
    assert "var(--accent)" in drawn
    assert not re.search("font:|DejaVu|#[0-9a-f]{6}", drawn)


def test_a_plot_has_a_name_for_those_who_do_not_see_it() -> None:
    curve = Curve('a "quoted" <b>', (figure(0.5),))
    (root,) = Page(plots.curve_panel(curve, (curve,))).all("svg")
    assert (root["role"], root["aria-label"]) == ("img", 'hit@k of a "quoted" <b>')


def test_bars_are_drawn_by_mrr_or_else_by_the_first_hit() -> None:
    def table(column: str, *cells: Figure | None) -> Table:
        return Table(
            "retrieval", "T", "system", (column,), tuple(Row(f"s{n}", (cell,)) for n, cell in enumerate(cells))
        )

    assert plots.bar_measure(table("MRR", figure(0.5), figure(0.6))) == "MRR"
    assert plots.bar_measure(table("hit@1", figure(0.5), figure(0.6))) == "hit@1"
    assert plots.bar_measure(table("hit@5", figure(0.5), figure(0.6))) is None
    assert plots.bar_measure(table("MRR", figure(0.5), None)) is None
    assert [
        text for text in svg_texts(plots.ablation(table("MRR", figure(0.5), figure(0.6)), "MRR")) if text[0] == "s"
    ] == ["s1", "s0"]


def test_the_suggested_threshold_is_marked() -> None:
    points = (
        Operating(0.1, 1.0, 0.3, 0.0, 0.0),
        Operating(0.4, 0.8, 0.2, 0.6, 0.1),
        Operating(float("inf"), 0.0, 0.0, 1.0, 1.0),
    )
    assert "suggested" in svg_texts(plots.risk_coverage(RiskCurve("t", points, points[1])))
    assert "suggested" not in svg_texts(plots.risk_coverage(RiskCurve("t", points, None)))
    html = render_page(report(risk=(RiskCurve("t", points, points[1]),)))
    assert "decline below a confidence of .400. Then .80 of the questions are answered, .20 of those wrongly" in html


def test_runs_are_labelled_by_their_code_the_last_one_always() -> None:
    moments = [Moment(f"run-{n}", "", f"code{n}", {"MRR": figure(0.5)}) for n in range(30)]
    labels = [text for text in svg_texts(plots.history_panel("MRR", moments, "run-29")) if text.startswith("code")]
    assert "code29" in labels
    assert len(labels) <= 8


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("$x^2$", "$x^2$"),
        ("$", "$"),
        ("名前 🚀", "名前 🚀"),
        ("a\x00b\nc", "a\ufffdb c"),
        ("", None),
        ("x" * 5_000, "x" * 25 + "…"),
    ],
)
def test_any_name_can_be_drawn_and_stays_what_it_is(name: str, label: str | None) -> None:
    table = Table("retrieval", "T", name, ("MRR",), tuple(Row(name, (figure(0.5),)) for _ in range(2)))
    names = [text for text in svg_texts(plots.ablation(table, "MRR")) if not re.fullmatch(r"[\d.]+|\s+", text)]
    assert names == [label, label] if label else not names


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9041, "share", ".904"),
        (1.0, "share", "1.000"),
        (0.0, "share", ".000"),
        (-0.0341, "share", "\N{MINUS SIGN}.034"),
        (-0.0001, "share", ".000"),
        (1934.2, "ms", "1,934"),
        (312.6, "tokens", "313"),
        (12.345, "", "12.3"),
        (12345.6, "", "12,346"),
        (float("inf"), "share", "∞"),
        (float("nan"), "ms", "–"),
    ],
)
def test_numbers_in_their_unit(value: float, unit: str, text: str) -> None:
    assert formats.number(value, unit) == text


def test_a_difference_has_its_sign_and_no_difference_has_none() -> None:
    assert formats.signed(0.034) == "+.034"
    assert formats.signed(0.0001) == ".000"
    assert formats.signed_span(-0.011, 0.015) == "\N{MINUS SIGN}.011 to +.015"


def test_times_are_words_and_what_is_no_time_stays() -> None:
    assert formats.when("2026-11-22T19:09:08+00:00") == "2026-11-22 19:09 UTC"
    assert formats.when("yesterday") == "yesterday"
