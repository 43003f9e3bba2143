"""The benchmark of large corpora: its copies are consistent, and its page is what was measured."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks import scale
from benchmarks.scale_corpus import Words, copy, read_words
from benchmarks.scale_page import page

CODE = (
    '"""Shapes."""\nfrom shapes import helpers\n\n\nclass RoundShape:\n    def __init__(self, radius):\n'
    '        self.radius = radius\n\n    def draw_circle(self):\n        """Draw the circle of a RoundShape."""\n'
    "        return helpers.scale(self.radius)\n\n\ndef scale_shape(): ...\n\n\ndef blend_color(): ...\n"
)
WORDS = Words([CODE], ["shapes"])


def test_the_page_is_what_was_measured() -> None:
    assert scale.MEASURED.with_suffix(".md").read_text() == page(scale.load())


def test_a_copy_is_other_code_that_means_the_same() -> None:
    copied = WORDS.copying(3)(CODE)
    assert copied != CODE
    assert [len(line) for line in copied.splitlines()] == [len(line) for line in CODE.splitlines()]
    assert [type(node) for node in ast.walk(ast.parse(copied))] == [type(node) for node in ast.walk(ast.parse(CODE))]
    assert "from shape3 import" in copied
    assert "def __init__(self" in copied
    assert WORDS.marks.findall(copied) == ["3"]


@given(st.text(alphabet=st.sampled_from("shapes draw_Scale circleCOLOR.\n3"), max_size=60), st.integers(1, 9))
def test_a_copy_can_be_translated_back(text: str, number: int) -> None:
    if WORDS.marks.search(text):
        return  # a mark that was there before
    assert WORDS.restoring(number)(WORDS.copying(number)(text)) == text


def test_copies_stand_side_by_side_and_documents_apart(tmp_path: Path) -> None:
    original = tmp_path / "original"
    for path, text in {"shapes/__init__.py": CODE, "docs/lib/guide.rst": "About shapes\n"}.items():
        (original / path).parent.mkdir(parents=True, exist_ok=True)
        (original / path).write_text(text)
    copy(original, tmp_path / "all", read_words(original), 3)
    found = sorted(path.relative_to(tmp_path / "all").as_posix() for path in (tmp_path / "all").rglob("*.*"))
    assert [path for path in found if path.endswith("__init__.py")] == [
        "shape1/__init__.py",
        "shape2/__init__.py",
        "shapes/__init__.py",
    ]
    assert len([path for path in found if path.startswith("docs/")]) == 3
    assert 'name = "all"' in (tmp_path / "all" / "pyproject.toml").read_text()
