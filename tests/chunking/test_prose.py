"""Sections of reStructuredText and Markdown, and plain text."""

from __future__ import annotations

from docutils.frontend import get_default_settings
from docutils.nodes import section, title
from docutils.parsers.rst import Parser
from docutils.utils import new_document

from agent.chunking.prose import _rst_headings
from tests.chunking.conftest import Cut

RST = """\
.. _install:

=======
Install
=======

Conda
-----

Run this::

    Not a heading
    -------------

    conda install

Pip
---
Use pip.

=====
Usage
=====

A table:

===== =====
a     b
===== =====

----

End.
"""

MARKDOWN = """\
Intro.

# Install

## Conda

```sh
# not a heading

conda install
```

Pip
---
Use pip.

# Usage
"""


def test_rst_sections_are_titled_by_their_heading_path(cut: Cut) -> None:
    chunks = cut(RST, "docs/install.rst", language="rst", role="docs")

    assert [(chunk.title, chunk.start_line, chunk.end_line) for chunk in chunks] == [
        ("Install > Conda", 1, 15),
        ("Install > Pip", 17, 19),
        ("Usage", 21, 33),
    ]
    assert {(chunk.kind, chunk.symbol) for chunk in chunks} == {("section", None)}
    assert chunks[1].embed_text == "Install > Pip\nPip\n---\nUse pip."


def test_headings_are_those_that_docutils_finds() -> None:
    settings = get_default_settings(Parser())
    settings.report_level = 5
    settings.file_insertion_enabled = False
    settings.raw_enabled = False
    document = new_document("install.rst", settings)
    Parser().parse(RST, document)
    found = [node.next_node(title) for node in document.findall(section)]

    assert [heading.title for heading in _rst_headings(list(RST.split("\n")))] == [
        node.astext() for node in found if node
    ]


def test_markdown_sections_are_titled_by_their_heading_path(cut: Cut) -> None:
    chunks = cut(MARKDOWN, "README.md", language="markdown", role="docs")

    assert [(chunk.title, chunk.start_line, chunk.end_line) for chunk in chunks] == [
        ("README.md", 1, 1),
        ("Install > Conda", 3, 11),
        ("Install > Pip", 13, 15),
        ("Usage", 17, 17),
    ]


def test_long_sections_are_cut_between_paragraphs_but_not_in_code(cut: Cut) -> None:
    code = "\n".join(f"    value_{n} = compute({n})\n" for n in range(60))
    text = (
        ("Words and words and more words.\n\n" * 60) + f".. code-block:: python\n\n{code}\n" + "Last words.\n\n" * 100
    )
    parts = cut(f"Title\n=====\n\n{text}", "a.rst", language="rst", role="docs")

    assert len(parts) > 1
    assert all(part.title == "Title" for part in parts)
    assert sum("value_" in part.text for part in parts) == 1
    assert parts[1].embed_text.startswith("Title, continued")


def test_a_lone_carriage_return_does_not_shift_markdown_lines(cut: Cut) -> None:
    chunks = cut(b"a\rb\n\n# One\n\ntext\n", "a.md", language="markdown", role="docs")

    assert [(chunk.title, chunk.start_line) for chunk in chunks] == [("a.md", 1), ("One", 3)]


def test_nothing_is_included_or_run(cut: Cut) -> None:
    (chunk,) = cut(".. include:: /etc/passwd\n\n.. raw:: html\n   :file: x\n", "a.rst", language="rst", role="docs")

    assert chunk.text == ".. include:: /etc/passwd\n\n.. raw:: html\n   :file: x\n"


def test_plain_text_is_one_chunk(cut: Cut) -> None:
    (chunk,) = cut("[project]\nname = 'x'\n", "pyproject.toml", language="text", role="docs")

    assert (chunk.kind, chunk.title) == ("section", "pyproject.toml")
