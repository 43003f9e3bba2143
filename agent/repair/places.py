"""Places in a Markdown text as offsets, and changes made there: whatever is not named stays byte for byte."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable
from functools import cached_property

from msgspec import Struct

from agent.verification.markdown import lines_of
from agent.verification.report import CheckedBlock
from agent.verification.source import Code, read_code

_BEFORE_CODE = re.compile(r"[ \t>]*")  # a list's indent, a quotation's marks, a doctest's prompt


class Edit(Struct, frozen=True, order=True):
    """Characters `start` to `end` of a text become `new`."""

    start: int
    end: int
    new: str


class Text:
    """A text with its lines, as CommonMark counts them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = lines_of(text)
        self._starts = [0, *itertools.accumulate(map(len, self.lines))]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a 1-based line and column."""
        return self._starts[min(line, len(self._starts)) - 1] + column - 1

    def replaced(self, start: int, old: str, new: str) -> Edit | None:
        """Return the edit that puts `new` in the place of `old`, if that is what stands there."""
        return Edit(start, start + len(old), new) if start >= 0 and self.text.startswith(old, start) else None

    def edited(self, edits: Iterable[Edit]) -> str | None:
        """Return the text with all edits made, or None where two of them overlap."""
        parts: list[str] = []
        end = 0
        for edit in sorted(set(edits)):
            if edit.start < end:
                return None
            parts += [self.text[end : edit.start], edit.new]
            end = edit.end
        return "".join([*parts, self.text[end:]])


class Block:
    """A Python block of a text; its nodes have places in the whole text.

    Attributes:
        checked: the block as it was checked.
        nodes: of its syntax tree; none where the block is no Python.
    """

    def __init__(self, text: Text, checked: CheckedBlock) -> None:
        self._text = text
        self.checked = checked
        self._code: Code = read_code(checked.code)
        self.body: list[ast.stmt] = self._code.tree.body if self._code.tree is not None else []
        self.nodes: list[ast.AST] = [node for statement in self.body for node in ast.walk(statement)]

    def at(self, line: int, column: int) -> list[ast.AST]:
        """Return the nodes that begin at a 1-based line and column of the whole text."""
        return self._at.get((line, column), [])

    @cached_property
    def _at(self) -> dict[tuple[int, int], list[ast.AST]]:
        found: dict[tuple[int, int], list[ast.AST]] = {}
        for node in self.nodes:
            if isinstance(node, ast.expr | ast.stmt | ast.alias):
                found.setdefault(self.place(node), []).append(node)
        return found

    def place(self, node: ast.expr | ast.stmt | ast.alias | ast.keyword) -> tuple[int, int]:
        """Return the 1-based line and column of a node in the whole text."""
        return self._in_text(node.lineno, node.col_offset)

    def start(self, node: ast.expr | ast.stmt | ast.alias | ast.keyword) -> int:
        """Return the offset at which a node begins."""
        return self._text.offset(*self.place(node))

    def end(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        """Return the offset behind a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._text.offset(*self._in_text(node.end_lineno, node.end_col_offset))

    def text(self, start: int, end: int) -> str:
        """Return what stands between two offsets."""
        return self._text.text[start:end]

    def replaced(self, start: int, old: str, new: str) -> Edit | None:
        """Return the edit that puts `new` in the place of `old`, if that is what stands there."""
        return self._text.replaced(start, old, new)

    def added_line(self, statement: str) -> Edit | None:
        """Return the edit that adds a top-level statement after the block's first imports, or before all else."""
        last = self._last_import
        if last is not None:
            line, _ = self._in_text(last.end_lineno or last.lineno, 0)
            return self._inserted(statement, last, line + 1)
        first = self._first
        if first is None:
            return None
        line, _ = self._in_text(min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))]), 0)
        while line > self.checked.line and self._content(line - 1).startswith("#"):
            line -= 1
        return self._inserted(statement, first, line)

    def without_line(self, node: ast.stmt) -> Edit | None:
        """Return the edit that takes out a statement with its lines, if it stands alone on them."""
        line, column = self.place(node)
        last, end = self._in_text(node.end_lineno or node.lineno, node.end_col_offset or 0)
        rest = self._text.lines[last - 1][end - 1 :].strip()
        if not _BEFORE_CODE.fullmatch(self._text.lines[line - 1][: column - 1]) or rest:
            return None
        return Edit(self._text.offset(line, 1), self._text.offset(last + 1, 1), "")

    @cached_property
    def _last_import(self) -> ast.stmt | None:
        """The last of the imports with which the block begins."""
        start = 1 if _is_docstring(self.body[:1]) else 0
        leading = list(
            itertools.takewhile(lambda node: isinstance(node, ast.Import | ast.ImportFrom), self.body[start:])
        )
        return leading[-1] if leading else None

    @property
    def _first(self) -> ast.stmt | None:
        rest = self.body[1:] if _is_docstring(self.body[:1]) else self.body
        return rest[0] if rest else None

    def _inserted(self, statement: str, beside: ast.stmt, line: int) -> Edit | None:
        row, column = self.place(beside)
        before = self._text.lines[row - 1][: column - 1]
        if not _BEFORE_CODE.fullmatch(before):
            return None
        ending = "\r\n" if self._text.lines[row - 1].endswith("\r\n") else "\n"
        offset = self._text.offset(line, 1)
        new = f"{before}{statement}{ending}"
        return Edit(offset, offset, new if self._text.text[offset - 1 : offset] in ("\n", "\r", "") else ending + new)

    def _content(self, line: int) -> str:
        return self._text.lines[line - 1][self.checked.column :].strip()

    def _in_text(self, line: int, column: int) -> tuple[int, int]:
        row, position = self._code.place(line, column)
        return row + self.checked.line - 1, position + self.checked.column


def _is_docstring(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[0], ast.Expr) and isinstance(getattr(body[0].value, "value", None), str)
