"""What a library's own migration guide, release notes and change log say of names that went.

A statement is the smallest piece of a page that stands for itself: a paragraph, a list item, a row of a table. Only
names in code markup count, since in prose `line` and `text` are words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from agent.schema import Chunk

GUIDE_FILE = re.compile(r"migrat|upgrad|porting|release|change|history|whats.?new|\bnews\b", re.IGNORECASE)
"""Paths of pages that tell what became of names."""
MIGRATION_FILE = re.compile(r"migrat|upgrad|porting", re.IGNORECASE)
"""Paths of pages that are about names that went."""
_REPLACES = re.compile(
    r"\b(?:renam|replac|supersed|moved|instead\b|successor|generali[sz]|in favou?r of|use\b|merged into)", re.IGNORECASE
)
_WENT = re.compile(
    r"\b(?:remov|drop|delet|unavailable|disabled|pending|no longer|not (?:yet )?(?:available|ported)|deprecat)",
    re.IGNORECASE,
)
_CODE = re.compile(r"``([^`\n]+)``|:\w+:`~?([^`\n<]+)`|`([^`\n]+)`")
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_BULLET = re.compile(r"( *)(?:[*+-]|\d+\.|#\.) +")
_ROW = re.compile(r"\s*\|")
_CELL = re.compile(r"\n\s+- +")
_REFERENCE = re.compile(r",?\s*\(?(?:Ref:\s*)?(?::\w+:`\d+`[,\s]*)+\)?")  # issue numbers: nothing to read
_MARKUP = re.compile(r"``|:\w+:`~?|\*\*|`|^\s*(?:[*+-]|\||\d+\.)[\s*-]*|\|\s*$")
_LONGEST = 12  # lines: what is longer is a section, in which names merely stand near each other


class Statement(Struct, frozen=True):
    """One statement of a guide.

    Attributes:
        start_line, end_line: in the file, 1-based and inclusive.
        text: in plain words, on one line.
        names: what is written as code in it, in order.
        chunk: id of the passage that holds it.
        replaces: it says that something took something's place.
        went: it says that something is not there (any more).
    """

    path: str
    start_line: int
    end_line: int
    text: str
    names: tuple[str, ...]
    chunk: str
    replaces: bool
    went: bool

    @property
    def place(self) -> str:
        """`path:first-last`."""
        return f"{self.path}:{self.start_line}-{self.end_line}"


def read_statements(passages: Iterable[Chunk]) -> tuple[Statement, ...]:
    """Return the statements about names that came, went or changed; those of migration guides first, then by place."""
    found = (statement for chunk in passages for statement in _statements(chunk))
    return tuple(sorted(found, key=_rank))


def _rank(statement: Statement) -> tuple[bool, str, int]:
    return MIGRATION_FILE.search(statement.path) is None, statement.path, statement.start_line


def _statements(chunk: Chunk) -> Iterator[Statement]:
    # Where a passage has several pieces, its lines are not consecutive in the file.
    consecutive = len(chunk.pieces) == 1
    for first, lines in _blocks(chunk.text.splitlines()):
        raw = " ".join(lines)
        names = dict.fromkeys(name for span in _CODE.findall(raw) for name in _names("".join(span)))
        # A row of a Markdown table needs no verb: its header has it.
        replaces = bool(_REPLACES.search(raw)) or (_ROW.match(raw) is not None and len(names) == 2)  # noqa: PLR2004 - old, new
        went = bool(_WENT.search(raw))
        if not names or not (replaces or went) or len(lines) > _LONGEST:
            continue
        start = chunk.start_line + first if consecutive else chunk.start_line
        end = start + len(lines) - 1 if consecutive else chunk.end_line
        yield Statement(chunk.path, start, end, _plain(lines), tuple(names), chunk.id, replaces, went)


def _plain(lines: list[str]) -> str:
    """Return a statement as one line of plain words; cells of a table row are told apart by colons."""
    joined = _CELL.sub(": ", "\n".join(lines)) if _BULLET.match(lines[0]) else "\n".join(lines)
    return " ".join(_MARKUP.sub("", _REFERENCE.sub("", joined)).replace(" | ", ": ").split())


def _names(code: str) -> Iterator[str]:
    name = code.strip().removesuffix("()")
    if _NAME.fullmatch(name):
        yield name


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the paragraphs, list items and table rows of a text, each with the number of its first line (0-based)."""
    start = 0
    indent = 0
    block: list[str] = []
    for number, line in enumerate(lines):
        bullet = _BULLET.match(line)
        # `   * - a` begins a row of a reStructuredText table; `     - b` is its next cell.
        begins = (bullet is not None and (not block or len(bullet[1]) <= indent)) or _ROW.match(line) is not None
        if block and (begins or not line.strip()):
            yield start, block
            block = []
        if line.strip():
            if not block:
                start, indent = number, len(bullet[1]) if bullet else 0
            block.append(line)
    if block:
        yield start, block
