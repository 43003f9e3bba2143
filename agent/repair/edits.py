"""Changes to a program at places of its syntax tree."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable

Place = tuple[int, int, int, int, str]
"""First line and column, last line and the column behind it (lines from 1, columns in bytes), and the new text."""

_LINE_END = re.compile(rb"(?<=\n)|(?<=\r)(?!\n)")


def edited(code: str, places: Iterable[Place]) -> str | None:
    """Return a program with all changes made, or None where they lie in one another or it is then no Python.

    The latter finds places that are wrong: Python 3.11 miscounts those of expressions within f-strings.
    """
    text = code.encode()
    starts = [0, *itertools.accumulate(map(len, _LINE_END.split(text)))]
    parts: list[bytes] = []
    end = 0
    for first, column, last, behind, new in sorted(places):
        start = starts[first - 1] + column
        if start < end:
            return None
        parts += [text[end:start], new.encode()]
        end = starts[last - 1] + behind
    changed = b"".join([*parts, text[end:]]).decode()
    try:
        ast.parse(changed)
    except SyntaxError:
        return None
    return changed


def with_line(code: str, line: int, statement: str) -> str:
    """Return a program with a statement on a line of its own, behind so many lines as Python counts them."""
    lines = [part.decode() for part in _LINE_END.split(code.encode())]
    before = "".join(lines[:line])
    ended = before if not before or before.endswith(("\n", "\r")) else f"{before}\n"
    return f"{ended}{statement}\n{''.join(lines[line:])}"
