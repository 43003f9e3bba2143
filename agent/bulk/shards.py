"""Shards: pieces of a build's work that are done apart, and kept as files until the index is published.

A shard's name is the digest of all that its content depends on. So a file of that name is the shard, finished, whoever
wrote it and when; and what is interrupted goes on where it was. The files are Parquet with JSON in it: a cluster's
results are data, never objects that reading would revive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from agent.building.parts import Part, Work
from agent.chunking import CHUNKER_VERSION
from agent.durable_files import storage_errors, write_atomically
from agent.errors import IndexCorrupt
from agent.providers.embedding_cache import Vectors
from agent.schema import Chunk, SourceFile

SHARD_BYTES = 500_000
"""Of sources, after which a shard ends: some 600 chunks, which take a core half a minute. A killed worker loses one."""

Chunks = tuple[tuple[Chunk, ...], ...]
"""Of each file of a shard."""


class Shard(Struct, frozen=True):
    """Some files of a build, in its order.

    Attributes:
        name: hex digest.
    """

    name: str
    files: tuple[SourceFile, ...]

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(file.size for file in self.files)


def cut(work: Work, identity: tuple[str, str]) -> Iterator[Shard]:
    """Yield the work's shards, the same ones for the same work.

    Args:
        work: what is to be done.
        identity: name and revision of the model that embeds.
    """
    files: list[SourceFile] = []
    size = 0
    for file in work.files:
        files.append(file)
        size += file.size
        if size >= SHARD_BYTES:
            yield _named(files, work, identity)
            files, size = [], 0
    if files:
        yield _named(files, work, identity)


def _named(files: Sequence[SourceFile], work: Work, identity: tuple[str, str]) -> Shard:
    depends_on = (CHUNKER_VERSION, identity, [work.fingerprints[file.path] for file in files])
    return Shard(hashlib.sha256(repr(depends_on).encode()).hexdigest(), tuple(files))


class ShardFolder(Struct, frozen=True):
    """The directory of finished shards, which every machine of a cluster sees under the same path."""

    directory: Path

    def finished(self) -> set[str]:
        """Return the names of the shards that are there."""
        return {path.stem for path in self.directory.glob("*.parquet")}

    def write(self, shard: Shard, chunks: Chunks, vectors: Vectors) -> None:
        """Keep a finished shard; it is there whole or not at all, also if two workers write it.

        Args:
            shard: which.
            chunks: of each of its files.
            vectors: of all these chunks, float32 of shape (chunks, dimension).

        Raises:
            StorageError: the disk is full or cannot be written.
        """
        import pyarrow as pa
        from pyarrow import parquet

        rows = [(file.path, chunk) for file, held in zip(shard.files, chunks, strict=True) for chunk in held]
        numbers = pa.array(vectors.ravel(), pa.float32())
        table = pa.table(
            {
                "path": pa.array([path for path, _ in rows], pa.string()),
                "chunk": pa.array([msgspec.json.encode(chunk) for _, chunk in rows], pa.binary()),
                "vector": pa.FixedSizeListArray.from_arrays(numbers, vectors.shape[1]),
            }
        )
        buffer = pa.BufferOutputStream()
        parquet.write_table(table, buffer, compression="zstd")
        path = self._path(shard)
        with storage_errors(path):
            write_atomically(path, buffer.getvalue().to_pybytes())

    def read(self, shard: Shard) -> Part:
        """Return a finished shard; vectors have the model's dimension even if there is none.

        Raises:
            IndexCorrupt: the file is damaged; it is deleted, and made again by the next build.
        """
        import pyarrow as pa
        from pyarrow import parquet

        path = self._path(shard)
        try:
            table = parquet.read_table(path)
            decode = msgspec.json.Decoder(Chunk).decode
            rows = zip(table["path"].to_pylist(), map(decode, table["chunk"].to_pylist()), strict=True)
            held = {name: tuple(chunk for _, chunk in group) for name, group in groupby(rows, key=itemgetter(0))}
            vectors = _matrix(table["vector"])
        except (pa.ArrowException, OSError, KeyError, msgspec.DecodeError) as error:
            path.unlink(missing_ok=True)
            raise IndexCorrupt(
                f"The shard {str(path)!r} cannot be read ({error}); it was deleted.",
                remedy="Run the same command again: only this shard is made anew.",
            ) from error
        return Part(shard.files, tuple(held.get(file.path, ()) for file in shard.files), vectors)

    def _path(self, shard: Shard) -> Path:
        return self.directory / f"{shard.name}.parquet"


def _matrix(column: Any) -> Vectors:
    numbers = column.combine_chunks()
    return numbers.flatten().to_numpy().reshape(-1, numbers.type.list_size)
