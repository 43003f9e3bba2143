"""Statements of a guide are cut where they stand for themselves, with their exact lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.symbols.guides import Statement, read_statements
from tests.support import make_chunk

RST = """Renamed
-------

.. list-table::

   * - ``actor.glyph``
     - Replaces 1.x's ``odf`` and ``odf_slicer``, :ghpull:`12`
   * - ``actor.box``
     - Renamed from ``cube``

We removed ``lib.io.load``; nothing else
was needed.

* Use :func:`~lib.new` instead of ``old()``.
* A plain word such as line or use.
"""


def read(text: str, path: str = "docs/migration.rst", **fields: object) -> tuple[Statement, ...]:
    whole = ((0, len(text)),)
    chunk = make_chunk(text=text, path=path, start_line=100, end_line=100 + text.count("\n"), pieces=whole, **fields)
    return read_statements([chunk])


def test_rows_paragraphs_and_items_are_statements_of_their_own() -> None:
    assert [(said.place, said.names) for said in read(RST)] == [
        ("docs/migration.rst:105-106", ("actor.glyph", "odf", "odf_slicer")),
        ("docs/migration.rst:107-108", ("actor.box", "cube")),
        ("docs/migration.rst:110-111", ("lib.io.load",)),
        ("docs/migration.rst:113-113", ("lib.new", "old")),
    ]


def test_a_statement_says_that_something_took_a_place_or_that_it_went() -> None:
    assert [(said.replaces, said.went) for said in read(RST)] == [
        (True, False),
        (True, False),
        (False, True),
        (True, False),
    ]


def test_the_text_is_plain_words() -> None:
    texts = [said.text for said in read(RST)]
    assert texts[0] == "actor.glyph: Replaces 1.x's odf and odf_slicer"
    assert texts[2] == "We removed lib.io.load; nothing else was needed."
    assert texts[3] == "Use lib.new instead of old()."


def test_a_row_of_a_markdown_table_needs_no_verb() -> None:
    [said] = read("| old | new |\n| --- | --- |\n| `rm` | `Scene.remove` |\n", "MIGRATION.md")
    assert said.names == ("rm", "Scene.remove")
    assert said.replaces
    assert said.text == "rm: Scene.remove"


def test_migration_guides_speak_before_release_notes() -> None:
    notes = make_chunk(id="n", path="docs/a_release.rst", text="Use ``x`` instead of ``y``.")
    guide = make_chunk(id="g", path="docs/z_migration.rst", text="Use ``x`` instead of ``y``.")
    assert [said.chunk for said in read_statements([notes, guide])] == ["g", "n"]


@given(st.text("ab `.:*-|\n12use removed", max_size=300))
def test_any_page_can_be_read(text: str) -> None:
    for said in read(text):
        assert 100 <= said.start_line <= said.end_line <= 100 + text.count("\n")
