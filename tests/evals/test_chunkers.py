"""What chunks hold and where they are is told apart from what their chunkers say."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

from agent.schema import SourceFile
from benchmarks.chunkers import File, Held, Piece, _lines, is_exact, lost_characters
from benchmarks.chunkers_page import PAGE, Measured, render
from evals.chunkers import locate, stretches

CODE = '''"""Orbits."""

@cache
def period(axis):
    """Kepler's third."""
    return axis ** 1.5


class Comet:
    def glow(self):
        return 1
'''


@pytest.fixture
def file() -> File:
    source = SourceFile("sky/orbits.py", "python", "package", "sky.orbits", len(CODE), "")
    return File(source, CODE.encode(), CODE)


def piece(text: str, lines: tuple[int, int] | None) -> tuple[Piece, ...]:
    return (Piece(text, lines),)


def chunk(first: int, last: int) -> tuple[Piece, ...]:
    return piece("\n".join(CODE.splitlines()[first - 1 : last]), (first, last))


def test_what_is_held_whole_is_counted(file: File) -> None:
    held = Held()
    held.add(file, [chunk(1, 2), chunk(3, 6), chunk(7, 11)])
    assert (held.chunks, held.whole, held.exact, held.lost) == (3, 2, 3, 0)
    assert (held.functions_held, held.functions, held.classes_held, held.classes) == (2, 2, 1, 1)


def test_a_decorator_belongs_to_its_definition(file: File) -> None:
    held = Held()
    held.add(file, [chunk(1, 3), chunk(4, 9), chunk(10, 11)])
    assert (held.whole, held.functions_held, held.classes_held) == (1, 1, 0)


@pytest.mark.parametrize(("lines", "exact"), [((3, 6), True), ((3, 7), True), ((2, 6), True), ((4, 6), False)])
def test_lines_are_exact_where_they_hold_the_text(lines: tuple[int, int], *, exact: bool) -> None:
    assert is_exact(CODE.split("\n"), Piece(chunk(3, 6)[0].text, lines)) is exact
    assert not is_exact(CODE.split("\n"), Piece(CODE, None))


def test_lines_are_told_without_blank_ones_around() -> None:
    assert _lines("a\n\n b\nc\n\nd", "\n", 1, 8) == (3, 4)
    assert _lines(b"a\n\n b\nc\n\nd", b"\n", 1, 8) == (3, 4)


def test_what_is_in_no_piece_is_lost() -> None:
    assert lost_characters("ab cd\nef\n", [Piece("ab", (1, 1)), Piece("ef", (2, 2))]) == 2


def test_a_piece_that_leaves_something_out_is_found_line_by_line() -> None:
    """Astchunk drops strings that are longer than a chunk."""
    text = "def f():\n    '''long\n    text'''\n    return 1\n"
    left = "def f():\n    '''\n    return 1"
    assert stretches(text, left) == left.split("\n")
    assert list(locate(text, [left])) == [(0, text.index("1"))]
    assert lost_characters(text, [Piece(left, (1, 4))]) == len("longtext'''")


def test_definitions_are_those_of_the_interpreter(file: File) -> None:
    names = [node.name for node in ast.walk(ast.parse(file.text)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    held = Held()
    held.add(file, [])
    assert held.functions + held.classes == len(names)


def test_the_page_is_that_of_its_figures() -> None:
    """`python -m benchmarks.chunkers --page` writes it."""
    measured = msgspec.json.decode(Path(PAGE.with_suffix(".json")).read_bytes(), type=Measured)
    assert PAGE.read_text(encoding="utf-8") == render(measured)
    assert (measured.results[0].exact, measured.results[0].lost) == (1.0, 0.0)
