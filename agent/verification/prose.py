"""Code in the prose of a Markdown text: dotted names, and whole calls and imports between backticks."""

from __future__ import annotations

import ast
import bisect
import itertools
import keyword
import re
from collections.abc import Collection, Iterator, Sequence

from agent.dotted_names import DOTTED, is_file_or_site
from agent.verification.markdown import inline_code
from agent.verification.source import read_code

_LINE_END = re.compile(r"[\r\n]")
_IMPORTS = ("import ", "from ")
_TWO_WORDS = re.compile(r"[`\s$]*([a-z][\w-]*)[ \t]+[\w./~-]")
_SENTENCE_END = re.compile(r"[.!?;]\s|\n\s*\n")
_SAYS_OTHERWISE = re.compile(r"\b(?:no|not|never|cannot|without|instead|rather|wrong|unlike)\b|n't\b", re.IGNORECASE)
_MOST_OF_SENTENCE = 300
"""Characters before and behind inline code that are read as its sentence."""


class Prose:
    """A Markdown text without its code blocks.

    Args:
        lines: the text's lines, line ends kept.
        code: 0-based numbers of those that are code blocks.
    """

    def __init__(self, lines: Sequence[str], code: Collection[int]) -> None:
        kept = ["\n" if number in code else line for number, line in enumerate(lines)]
        self._text = "".join(kept)
        self._starts = [0, *itertools.accumulate(map(len, kept))]  # behind a lone \r, the text would seem to have fewer
        self._inline = list(inline_code(self._text))

    def pieces(self, roots: Collection[str]) -> Iterator[list[ast.stmt]]:
        """Yield each thing that the text says in code; lines are 1-based, columns 0-based and in characters.

        Inline code that calls or imports something is read whole, if it can be; else a dotted name counts if it is
        inline code, or anywhere if it begins with one of the roots. A shell's command is neither: packages and files
        are what it names.
        """
        read: set[int] = set()
        for start, end in self._inline:
            found = self._read(start, end)
            if found:
                read.add(start)
                yield found
        starts = [start for start, _ in self._inline]
        for match in DOTTED.finditer(self._text):
            index = bisect.bisect_right(starts, match.start()) - 1
            is_code = index >= 0 and match.start() < self._inline[index][1]
            is_read = is_code and starts[index] in read
            is_command = is_code and self._is_command(*self._inline[index])
            rooted = match[0].partition(".")[0] in roots
            if not (is_file_or_site(match[0]) or is_read or is_command) and (rooted or is_code):
                yield [ast.Expr(_expression(match[0].split("."), *self._place(match.start())))]

    def _read(self, start: int, end: int) -> list[ast.stmt]:
        """Return the statements of inline code; none where it is no Python, or neither calls nor imports anything.

        Nor where its sentence says no to something: a call that is warned of is rightly wrong.
        """
        quoted = self._text[start:end]
        written = quoted.strip("`").lstrip()
        is_call = "(" in written or written.startswith(_IMPORTS)
        names_file = any(is_file_or_site(match[0]) for match in DOTTED.finditer(written))
        if not is_call or names_file or _SAYS_OTHERWISE.search(self._around(start, end)):
            return []
        code = read_code(_LINE_END.sub(" ", written))
        if code.tree is None:
            return []
        begin = start + quoted.index(written)
        for node in ast.walk(code.tree):
            if isinstance(node, ast.expr | ast.stmt | ast.alias):
                _, column = code.place(node.lineno, node.col_offset)
                node.lineno, node.col_offset = self._place(begin + column - 1)
        return code.tree.body

    def _is_command(self, start: int, end: int) -> bool:
        """Whether inline code is a shell's: two words in a row, of which Python would have to know the first."""
        words = _TWO_WORDS.match(self._text, start, end)
        return words is not None and not (keyword.iskeyword(words[1]) or keyword.issoftkeyword(words[1]))

    def _around(self, start: int, end: int) -> str:
        """Return what its sentence says beside inline code."""
        before = _SENTENCE_END.split(self._text[max(0, start - _MOST_OF_SENTENCE) : start])[-1]
        return f"{before} {_SENTENCE_END.split(self._text[end : end + _MOST_OF_SENTENCE])[0]}"

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1]


def _expression(parts: list[str], line: int, column: int) -> ast.expr:
    place = {"lineno": line, "col_offset": column}
    node: ast.expr = ast.Name(parts[0], ast.Load(), **place)
    for part in parts[1:]:
        node = ast.Attribute(node, part, ast.Load(), **place)
    return node
