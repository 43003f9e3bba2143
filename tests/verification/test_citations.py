"""Citations are attached by code, and an answer never ends inside a code block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agent.arrangement import Hit
from agent.verification import citation, cite, closed, uses, without_foreign_links
from tests.support import make_chunk

SPHERE = Hit(make_chunk(), 1.0)
SHOW = Hit(
    make_chunk(
        id="c2",
        kind="class",
        symbol="ShowManager",
        path="fury/window.py",
        public="fury.window.ShowManager",
        qualified="fury.window.ShowManager",
    ),
    0.9,
)
PROSE = Hit(make_chunk(id="c3", kind="section", symbol=None, public=None, qualified=None, path="README.md"), 0.8)
HITS = [SPHERE, SHOW, PROSE]


def test_an_excerpt_is_the_first_lines_of_the_place() -> None:
    code = "".join(f"line {number}\n" for number in range(100))
    shown = citation(1, Hit(make_chunk(text=f"\n{code}"), 1.0), None).excerpt
    assert shown.split("\n") == [f"line {number}" for number in range(16)]
    assert len(citation(1, Hit(make_chunk(text="x" * 5_000), 1.0), None).excerpt) == 1_201  # with an ellipsis


def test_known_numbers_stay_and_unknown_ones_go() -> None:
    text, cited = cite("It is red [3], or blue [9]; see [1, 7].", HITS)
    assert text == "It is red [3], or blue; see [1]."
    assert cited == [1, 3]


def test_indexing_in_code_is_not_a_citation() -> None:
    text, cited = cite("Use `x[9]`:\n```python\ny = x[7]\n```\nas in [2].", HITS)
    assert "x[9]" in text
    assert "x[7]" in text
    assert cited == [2]


def test_a_passage_whose_symbol_is_used_is_cited_unasked() -> None:
    _, cited = cite("```python\nactor.sphere(centers)\n```", HITS)
    assert cited == [1]


def test_an_answer_always_has_a_citation() -> None:
    assert cite("Yes.", HITS)[1] == [1]
    assert cite("Yes.", [])[1] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call actor.sphere", True),
        ("sphere(centers)", True),
        ("fury.actor.sphere(...)", True),
        ("draw a sphere", False),
        ("billboard_sphere(x)", False),
        ("scene.sphere(x)", False),
    ],
)
def test_a_word_is_not_a_use(text: str, *, expected: bool) -> None:
    assert uses(text, SPHERE.chunk) is expected


def test_links_name_exact_lines_at_the_revision() -> None:
    template = "https://example.org/blob/v2.0.0/{path}#L{start}-L{end}"
    found = citation(1, Hit(make_chunk(path="a dir/x#y.py"), 1.0), template)
    assert found.url == "https://example.org/blob/v2.0.0/a%20dir/x%23y.py#L46-L163"
    assert citation(1, Hit(make_chunk(), 1.0), None).url is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see [docs](https://evil.example/x) now", "see docs now"),
        ("![p](http://evil.example/p.png)", "p"),
        ("go to https://evil.example/a today", "go to  today"),
        ("<https://evil.example>", ""),
        ("`https://kept.example`", "`https://kept.example`"),
    ],
)
def test_links_made_up_by_the_model_go(text: str, expected: str) -> None:
    assert without_foreign_links(text) == expected


def test_an_open_block_is_closed() -> None:
    assert closed("a\n```python\nx = 1", cut=False) == "a\n```python\nx = 1\n```"


def test_a_cut_program_loses_its_half_line() -> None:
    text = closed("a\n```python\nx = 1\ny = fun(", cut=True)
    assert "fun(" not in text
    assert "x = 1\n```" in text


@given(st.text(alphabet=st.sampled_from(list("a`~ \n[1]->")), max_size=60), st.booleans())
def test_no_text_ends_inside_a_code_block(text: str, cut: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
    """A paragraph added to it is a paragraph, as CommonMark reads it."""
    tokens = MarkdownIt("commonmark").parse(closed(text, cut=cut) + "\n\nsentinel")
    assert [token.type for token in tokens if "sentinel" in token.content] == ["inline"]


@pytest.mark.parametrize(
    "text",
    [
        "a\n```python\nx=1\n```python\ny=2",
        "1. do\n    ```python\n    x = 1",
        "a\n~~~\nx",
        "````\n```\nx",
        "a\n   ```\nx",
        "> ```\n> x",
    ],
)
def test_fences_are_closed_as_markdown_reads_them(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(closed(text, cut=False) + "\n\nsentinel")
    assert [token.type for token in tokens if "sentinel" in token.content] == ["inline"]


@pytest.mark.parametrize(
    "text",
    [
        "1. So:\n\n    ```python\n    x = colors[0] + c[7]\n    ```",
        "~~~\nx = colors[0]\n~~~",
        "Use colors[0] and f(x)[7].",
        "``a`[9]``",
        "    indented[9]",
    ],
)
def test_code_is_never_changed(text: str) -> None:
    assert cite(text, HITS)[0].split() == text.split()


@given(st.text(max_size=200))
def test_any_text_can_be_cited(text: str) -> None:
    _, cited = cite(text, HITS)
    assert set(cited) <= {1, 2, 3}
