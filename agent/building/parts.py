"""Files -> chunks -> vectors, in parts that fit into memory.

A build writes its index from such parts, whoever made them: this process, as here, or a cluster (`agent.bulk`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from agent.chunking import chunk_file
from agent.errors import SourceNotFound
from agent.providers.embedding_cache import EmbeddingCache, Vectors
from agent.providers.embeddings import build_embedding, model_identity
from agent.schema import Chunk, SourceFile, SourceTree
from agent.settings import Settings
from agent.sources import Progress
from agent.symbols import ApiModel

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

WINDOW = 2048
"""Chunks in memory at once; long enough for batches of like length, short enough for any corpus."""


class Work(Struct, frozen=True):
    """What is to be chunked and embedded.

    Attributes:
        tree: the sources.
        files: those of them that are new or changed, in the tree's order.
        fingerprints: path -> digest of all that a file's chunks depend on, for every file of the tree.
        api_file: the API model, which knows the public paths.
        shards_dir: where finished shards may be kept until the index is published.
    """

    tree: SourceTree
    files: Sequence[SourceFile]
    fingerprints: Mapping[str, str]
    api_file: Path
    shards_dir: Path


class Part(Struct, frozen=True):
    """Some files in order, with all that an index keeps of them.

    Attributes:
        chunks: of each file; a blank one has none.
        vectors: of all these chunks, in order.
    """

    files: tuple[SourceFile, ...]
    chunks: tuple[tuple[Chunk, ...], ...]
    vectors: Vectors


class Parts(Protocol):
    """The work, done part by part as it is iterated over; reports progress in bytes of source files."""

    @property
    def dimension(self) -> int:
        """Length of the vectors; only asked for where there is a file."""
        ...

    @property
    def embedded(self) -> int:
        """How many texts the model had to read so far."""
        ...

    def __iter__(self) -> Iterator[Part]:
        """Yield every file once, in the work's order."""
        ...


@contextmanager
def local_parts(
    work: Work, settings: Settings, report: Progress, embedding: BaseEmbedding | None = None
) -> Generator[Parts]:
    """Do the work in this process; the model in the settings is loaded where no ready one is given."""
    model = embedding or build_embedding(settings, progress=report)
    name, revision = model_identity(settings, embedding)
    cache = EmbeddingCache(settings.data_dir / "embeddings.sqlite", model, model=name, revision=revision)
    with closing(cache):
        yield _LocalParts(work, cache, len(model.get_text_embedding("dimension")), report)


class _LocalParts:
    def __init__(self, work: Work, cache: EmbeddingCache, dimension: int, report: Progress) -> None:
        self.dimension = dimension
        self._work = work
        self._cache = cache
        self._public_paths = ApiModel.load(work.api_file).public_paths()
        self._report = report
        self._bytes_done = 0.0
        self._bytes_total = sum(file.size for file in work.files)

    @property
    def embedded(self) -> int:
        return self._cache.computed

    def __iter__(self) -> Iterator[Part]:
        files: list[SourceFile] = []
        chunks: list[tuple[Chunk, ...]] = []
        for file in self._work.files:
            files.append(file)
            chunks.append(chunk_file(file, read(self._work.tree, file), self._public_paths))
            if sum(map(len, chunks)) >= WINDOW:
                yield self._embedded(files, chunks)
                files, chunks = [], []
        if files:
            yield self._embedded(files, chunks)

    def _embedded(self, files: Sequence[SourceFile], chunks: Sequence[tuple[Chunk, ...]]) -> Part:
        texts = [chunk.embed_text for held in chunks for chunk in held]
        size = sum(file.size for file in files)

        def done(count: int) -> None:
            self._bytes_done += count / max(len(texts), 1) * size
            self._report("embedding", int(self._bytes_done), self._bytes_total)

        return Part(tuple(files), tuple(chunks), self._cache.embed(texts, done=done))


def read(tree: SourceTree, file: SourceFile) -> bytes:
    """Return a file's bytes, which must still be those that the tree was opened with.

    Raises:
        SourceNotFound: the file changed or went in the meantime.
    """
    try:
        data = tree.read(file)
    except OSError as error:
        raise SourceNotFound(
            f"{file.path!r} cannot be read any more ({error.strerror}).", remedy="Run the same command again."
        ) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise SourceNotFound(f"{file.path!r} changed while it was read.", remedy="Run the same command again.")
    return data
