"""Byte arithmetic: lines, blank space, and cutting what is too large.

Everything counts bytes of the file as it is on disk: a line ends at a line feed and nowhere else, as for `git` and the
sites that links lead to.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Span = tuple[int, int]
Levels = Sequence[Sequence[int]]

# About 1,000 tokens: a larger piece does not fit into the prompt even when it is the only one.
LIMIT = 4_000
_ENDLESS = 100_000
BOM = b"\xef\xbb\xbf"
_CONTINUES = 0b1000_0000  # the top bits of a byte inside a UTF-8 sequence


class LineCounter:
    """Offsets to 1-based lines, counting only from the last offset asked for: asked in order, it reads a file once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0
        self._line = 1

    def line(self, offset: int) -> int:
        """Return the line that holds the byte at `offset`."""
        if offset >= self._offset:
            self._line += self._data.count(b"\n", self._offset, offset)
        else:
            self._line -= self._data.count(b"\n", offset, self._offset)
        self._offset = offset
        return self._line


def line_start(data: bytes, offset: int, column: int) -> int:
    """Return where the line of `offset` begins if only indentation stands before it, else `offset`."""
    start = offset - column
    return start if not data[start:offset].strip(b" \t\f") else offset


def trim(data: bytes, start: int, end: int) -> Span:
    """Return the span without blank lines around it; the first line keeps its indentation."""
    if start == 0 and data.startswith(BOM):
        start = len(BOM)
    text = data[start:end]
    first = start + len(text) - len(text.lstrip())
    return max(start, data.rfind(b"\n", start, first) + 1), start + len(text.rstrip())


def is_blank(text: bytes) -> bool:
    """Whether there is nothing to read; a byte order mark at the start does not count."""
    return not text.removeprefix(BOM).strip()


def has_endless_line(data: bytes) -> bool:
    """Whether a line is so long that nobody wrote it; the shader grammars take quadratic time over those."""
    return len(data) > _ENDLESS and max(map(len, data.split(b"\n"))) > _ENDLESS


def tile(data: bytes, cuts: Sequence[Span], owners: int) -> list[list[Span]]:
    """Share out a file: from each cut to the next, the bytes belong to the cut's owner.

    Blank stretches go to whoever comes before (at the start of the file: after), so that nothing is lost and nobody
    owns blank space only.

    Args:
        data: the file.
        cuts: (offset, owner) by ascending offset, the first at 0.
        owners: number of owners.

    Returns:
        The pieces of each owner, in order. Together they tile the file, unless it is blank: then nobody has any.
    """
    pieces: list[list[Span]] = [[] for _ in range(owners)]
    last: list[Span] | None = None
    for (start, owner), (end, _) in zip(cuts, [*cuts[1:], (len(data), 0)], strict=True):
        if start == end:
            continue
        mine = pieces[owner]
        if last is not None and (last is mine or data[start:end].isspace()):
            last[-1] = (last[-1][0], end)
        elif not is_blank(data[start:end]):
            mine.append((start if last is not None else 0, end))
            last = mine
    return pieces


def _best(levels: Levels, at: int, aim: int, limit: int) -> int | None:
    """Return the boundary of the coarsest level that cuts off a fair share, or None."""
    for level in levels:
        found = level[bisect_right(level, at + aim // 2) : bisect_right(level, at + limit)]
        if found:
            return min(found, key=lambda offset: abs(offset - at - aim))
    return None


def _next(levels: Levels, beyond: int, end: int) -> int | None:
    """Return the first of the most welcome boundaries between two offsets, or None."""
    found = levels[0][bisect_right(levels[0], beyond) :][:1] if levels else ()
    return next((offset for offset in found if offset < end), None)


def _between_lines(data: bytes, at: int, limit: int) -> int:
    """Return the last line's start within the limit, or else the last character's."""
    newline = data.rfind(b"\n", at, at + limit)
    if newline > at:
        return newline + 1
    cut = at + limit
    while cut > at + limit - 4 and data[cut] & 0b1100_0000 == _CONTINUES:
        cut -= 1
    return cut


def split(data: bytes, span: Span, levels: Levels, limit: int = LIMIT) -> list[Span]:
    """Cut a span into parts of similar size, mostly within `limit`, never above twice as much.

    Blank space is not counted: it goes along with a neighbour, however much there is.

    Args:
        data: the file.
        span: what to cut.
        levels: ascending offsets where cutting is allowed, the most welcome level first. Where no level has one in
            reach, the cut is made between lines, and inside a line only if that alone is too long.
        limit: bytes.
    """
    start, end = span
    parts: list[Span] = []
    while end - start > limit:
        aim = (end - start) // -(-(end - start) // limit)
        cut = (
            _best(levels, start, aim, limit)
            # Rather a part too large than a statement in two.
            or _next(levels, start + limit, min(start + 2 * limit, end))
            or _between_lines(data, start, limit)
        )
        parts.append((start, cut))
        start = cut
    merged: list[Span] = []
    for part in [*parts, (start, end)]:
        if merged and (data[slice(*part)].isspace() or data[slice(*merged[-1])].isspace()):
            merged[-1] = (merged[-1][0], part[1])
        else:
            merged.append(part)
    return merged


def pack(pieces: Iterable[Span], limit: int = LIMIT) -> list[list[Span]]:
    """Group consecutive pieces so that each group stays within `limit` bytes, unless one piece alone is larger."""
    groups: list[list[Span]] = []
    total = 0
    for start, end in pieces:
        total += end - start
        if not groups or total > limit:
            groups.append([])
            total = end - start
        groups[-1].append((start, end))
    return groups
