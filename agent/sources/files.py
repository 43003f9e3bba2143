"""A list of source files that is on disk: of each the names and digests take about half a kilobyte of memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import eq
from typing import overload

import msgspec

from agent.index_file import IndexFile, scratch
from agent.schema import SourceFile

_SCHEMA = "CREATE TABLE files (number INTEGER PRIMARY KEY, value BLOB NOT NULL)"
_PAGE = 512
"""Files in memory while the list is walked through."""

_decode = msgspec.msgpack.Decoder(SourceFile).decode
_encode = msgspec.msgpack.Encoder().encode


class SourceFiles(Sequence[SourceFile]):
    """Files in the order in which they are given; they are written down as they come. Equal to another of the same.

    Args:
        files: any number of them.
    """

    def __init__(self, files: Iterable[SourceFile]) -> None:
        connection = scratch(_SCHEMA)
        self._file = IndexFile(connection, "files")
        connection.executemany("INSERT INTO files VALUES (?, ?)", enumerate(map(_encode, files)))
        self._length = int(self._file.rows("SELECT COUNT(*) FROM files")[0][0])

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[SourceFile]:
        for start in range(0, self._length, _PAGE):
            page = self._file.rows(
                "SELECT value FROM files WHERE number BETWEEN ? AND ? ORDER BY number", (start, start + _PAGE - 1)
            )
            yield from (_decode(value) for (value,) in page)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceFiles) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # pyright: ignore[reportAssignmentType] - as of any sequence that is compared by its items

    @overload
    def __getitem__(self, index: int) -> SourceFile: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SourceFile, ...]: ...
    def __getitem__(self, index: int | slice) -> SourceFile | tuple[SourceFile, ...]:
        chosen = range(self._length)[index]
        return self._one(chosen) if isinstance(chosen, int) else tuple(map(self._one, chosen))

    def _one(self, number: int) -> SourceFile:
        return _decode(self._file.rows("SELECT value FROM files WHERE number = ?", (number,))[0][0])
