"""What a generation holds, file by file and place by place (SQLite): drives incremental builds and symbol look-up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from agent.index_file import Column, IndexFile

QUOTED = 0.5
"""Share of a message's word pairs that a question must quote."""
_LOOKUP = 10_000
"""Values in one look-up; well under SQLite's limit on variables."""
_CACHED = 4_096
"""Fingerprints in memory."""

Numbers = NDArray[np.int32]


class Place(Struct, frozen=True):
    """Where a named definition is: one row of the manifest."""

    id: str
    path: str
    kind: str
    role: str
    symbol: str
    qualified: str | None
    public: str | None


class Standing(Struct, frozen=True):
    """What a chunk is, named or not."""

    id: str
    kind: str
    symbol: str | None
    path: str


class Manifest:
    """The manifest of one generation; safe to read from several threads."""

    def __init__(self, path: Path) -> None:
        self._file = IndexFile.open(path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _among(self, query: str, values: Iterable[str | int]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query whose last word is a column that must be one of the values."""
        for group in _batched(sorted(set(values))):
            yield from self._file.rows(f"{query} IN ({','.join('?' * len(group))})", group)

    def fingerprints(self) -> Column[str]:
        """Return path -> fingerprint of every file, read while the manifest is open."""
        return Column(self._file, "files", "fingerprint", cached=_CACHED)

    def chunk_ids(self, paths: Iterable[str] | None = None) -> dict[str, list[str]]:
        """Return path -> ids of the file's chunks, of all files or of some."""
        query = "SELECT path, id FROM chunks"
        rows = self._file.rows(query) if paths is None else self._among(f"{query} WHERE path", paths)
        ids: dict[str, list[str]] = {}
        for path, identifier in sorted(rows):
            ids.setdefault(path, []).append(identifier)
        return ids

    def count(self) -> int:
        """Return the number of chunks."""
        return int(self._file.rows("SELECT COUNT(*) FROM chunks")[0][0])

    def sample(self, number: int) -> list[str]:
        """Return the ids of some chunks; ids are digests, so their order is nobody's."""
        return [id_ for (id_,) in self._file.rows(f"SELECT id FROM chunks ORDER BY id LIMIT {number:d}")]  # noqa: S608 - a number

    def named(self, tokens: Iterable[str]) -> dict[str, Numbers]:
        """Return token -> ascending numbers of the places in whose name it occurs, see `ids`."""
        rows = self._among("SELECT token, places FROM names WHERE token", tokens)
        return {token: np.frombuffer(numbers, np.int32) for token, numbers in rows}

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Weight of each numbered place's name: how rare all its tokens are together; numbers begin at 1."""
        return np.frombuffer(self._array("weights"))

    @cached_property
    def hidden(self) -> Numbers:
        """Numbers of the places in the package that have no public path."""
        return np.frombuffer(self._array("hidden"), np.int32)

    def _array(self, name: str) -> bytes:
        return self._file.rows("SELECT numbers FROM arrays WHERE name = ?", [name])[0][0]

    def ids(self, places: Iterable[int]) -> list[str]:
        """Return the chunks of numbered places, in this order.

        Places are numbered by the length of their symbol, then path and id: of equals, the first is to be preferred.
        """
        wanted = [*places]
        found = dict(self._among("SELECT number, chunk FROM places WHERE number", wanted))
        return [found[number] for number in wanted]

    def qualified(self, paths: Iterable[str]) -> list[Place]:
        """Return the places with one of these definition paths."""
        query = (
            "SELECT id, path, kind, role, symbol, qualified, public FROM chunks "
            "WHERE symbol IS NOT NULL AND part = 0 AND qualified"
        )
        return [Place(*row) for row in self._among(query, paths)]

    def standings(self, ids: Iterable[str]) -> list[Standing]:
        """Return what these chunks are, in no order."""
        return [Standing(*row) for row in self._among("SELECT id, kind, symbol, path FROM chunks WHERE id", ids)]

    def definitions(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return (id, definition path) of those chunks that are definitions."""
        rows = self._among("SELECT id, qualified FROM chunks WHERE qualified IS NOT NULL AND id", ids)
        return [(id_, path) for id_, path in rows]

    def paths(self, ids: Iterable[str]) -> dict[str, str]:
        """Return chunk id -> path."""
        return dict(self._among("SELECT id, path FROM chunks WHERE id", ids))

    def modules_at(self, end: str, most: int) -> list[str]:
        """Return the chunks that begin the modules whose path ends so (`ui/core.py`), short paths first."""
        query = (
            "SELECT id FROM files CROSS JOIN chunks USING (path) WHERE substr('/' || path, ?) = ? "
            "AND kind = 'module' AND symbol IS NULL AND part = 0 ORDER BY length(path), path LIMIT ?"
        )
        return [id_ for (id_,) in self._file.rows(query, [-len(end) - 1, f"/{end}", most])]

    def quoted(self, pairs: Iterable[str]) -> list[tuple[str, int, int]]:
        """Return (chunk id, word pairs of its message, how many of them are among these) for each message that has any.

        See `agent.chunking.messages`.
        """
        found = [
            np.frombuffer(numbers, np.int32) for _, numbers in self._among("SELECT * FROM pairs WHERE token", pairs)
        ]
        numbers, counts = np.unique(np.concatenate([np.empty(0, np.int32), *found]), return_counts=True)
        enough = counts >= QUOTED * self._lengths[numbers]
        said = dict(zip(numbers[enough].tolist(), counts[enough].tolist(), strict=True))
        rows = self._among("SELECT number, chunk, pairs FROM quotable WHERE number", said)
        return [(chunk, length, said[number]) for number, chunk, length in rows]

    @cached_property
    def _lengths(self) -> Numbers:
        """Word pairs of each message; numbers begin at 1."""
        return np.frombuffer(self._array("lengths"), np.int32)

    def used_in(self, ids: Iterable[str]) -> list[tuple[str, str, float]]:
        """Return (chunk id, chunk id of a definition, how telling its use is) for what these blocks of examples use."""
        query = "SELECT chunk, definition, weight FROM used JOIN rarity USING (definition) WHERE chunk"
        return [(chunk, definition, weight) for chunk, definition, weight in self._among(query, ids)]

    def users_of(self, definition: str) -> list[str]:
        """Return the paths of the examples that use a definition, by the id of its chunk; in alphabetical order."""
        query = "SELECT DISTINCT path FROM used JOIN chunks ON chunk = id WHERE definition = ? ORDER BY path"
        return [path for (path,) in self._file.rows(query, [definition])]

    def used_by(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return (chunk id, name) for what these examples use and these pages write out."""
        return sorted((chunk, name) for chunk, name in self._among("SELECT chunk, name FROM uses WHERE chunk", ids))

    def required_by(self, ids: Iterable[str]) -> list[tuple[str, str, bool]]:
        """Return (chunk id, package, whether the library asks for it) for what these pages list as required."""
        query = (
            "SELECT chunk, required.package, requirements.package IS NOT NULL FROM required "
            "LEFT JOIN requirements ON requirements.package = required.package WHERE chunk"
        )
        return sorted((chunk, package, bool(asked)) for chunk, package, asked in self._among(query, ids))


def _batched(values: Sequence[str | int]) -> Iterator[Sequence[str | int]]:
    return (values[start : start + _LOOKUP] for start in range(0, len(values), _LOOKUP))


def rarity(all_: int, having: int) -> float:
    """Return how telling it is to be one of `having` among all: what every one has says nothing."""
    return math.log1p(all_ / having)
