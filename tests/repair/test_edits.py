"""Changes are made where Python says that something is, or not at all."""

from __future__ import annotations

import ast

import pytest

from agent.repair.edits import Place, edited, with_line


def _renamed(code: str) -> list[Place]:
    return [
        (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0, "new")
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Name) and node.id == "old"
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_where_python_ends_them(end: str) -> None:
    code = f"x = 'é\x0b\u2028'; old{end}\x0c{end}if old:{end}  f(old, 'é', old){end}"
    assert edited(code, _renamed(code)) == code.replace("old", "new")


def test_one_place_may_begin_where_another_ends() -> None:
    assert edited("f(a)", [(1, 1, 1, 1, "g("), (1, 4, 1, 4, ")")]) == "fg((a))"
    assert edited("ab", [(1, 1, 1, 2, "d"), (1, 0, 1, 1, "c")]) == "cd"


@pytest.mark.parametrize(
    "places",
    [[(1, 0, 1, 3, "x"), (1, 2, 1, 4, "y")], [(1, 0, 1, 4, "x"), (1, 1, 1, 2, "y")], [(1, 3, 1, 4, "")]],
    ids=["overlapping", "one in another", "no Python afterwards"],
)
def test_what_would_be_spoilt_is_not_changed(places: list[Place]) -> None:
    assert edited("f(a)", places) is None


@pytest.mark.parametrize(
    ("code", "line", "changed"),
    [("a\rb", 1, "a\rc\nb"), ("a\r\nb", 1, "a\r\nc\nb"), ("a", 1, "a\nc\n"), ("a", 0, "c\na")],
)
def test_a_line_is_added_between_two(code: str, line: int, changed: str) -> None:
    assert with_line(code, line, "c") == changed
