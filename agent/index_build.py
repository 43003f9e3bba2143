"""Sources -> chunks -> vectors -> a new generation -> switch.

Nothing that is served is touched: unchanged files are carried over from the served generation, changed ones are chunked
and embedded again, the result is validated by a few queries, and only then does the pointer move.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

from llama_index.core.base.embeddings.base import BaseEmbedding
from msgspec import Struct

from agent.build_lease import leased
from agent.chunking import CHUNKER_VERSION, chunk_file
from agent.chunking.nodes import to_node
from agent.chunking.tokens import code_tokens
from agent.durable_files import storage_errors
from agent.errors import IndexError_, InvalidInput, ServiceError, SourceNotFound
from agent.generations import FORMAT, Generation, IndexDirectory
from agent.index_validation import validate
from agent.manifest import Manifest
from agent.manifest_writer import ManifestWriter
from agent.providers.embedding_cache import EmbeddingCache
from agent.providers.embeddings import build_embedding, model_identity
from agent.providers.stores import create_store, drop_store, open_store
from agent.providers.stores.threaded import ThreadedVectorStore
from agent.schema import Chunk, IndexInfo, SourceFile, SourceTree
from agent.settings import Settings
from agent.sources import Progress, open_source, parse_spec
from agent.sources.progress import silent
from agent.sources.spec import FolderSpec
from agent.symbols import ApiModel
from agent.usage import meant

WINDOW = 2048
"""Chunks in memory at once; long enough for batches of like length, short enough for any corpus."""
LOCK_WAIT = 600.0
"""Seconds that a second build of the same index waits for the first."""


class BuildReport(Struct, frozen=True, kw_only=True):
    """What a build did.

    Attributes:
        changed: False where the served generation was up to date already.
        files_chunked, files_kept, files_removed: against the generation served before.
        chunks_embedded: texts that the model had to read; the others came from the cache or were carried over.
    """

    info: IndexInfo
    changed: bool
    files_chunked: int
    files_kept: int
    files_removed: int
    chunks_embedded: int
    seconds: float


def build(
    spec: str,
    settings: Settings,
    *,
    embedding: BaseEmbedding | None = None,
    progress: Progress | None = None,
    force: bool = False,
    lock_wait: float = LOCK_WAIT,
) -> BuildReport:
    """Bring the index of a library up to date and return what was done.

    Args:
        spec: NAME==VERSION, git+URL@REF or a folder.
        settings: where things are and which model embeds.
        embedding: a ready embedding model; the one in the settings is loaded, if it is needed, otherwise.
        progress: told of every step.
        force: build from scratch, even if nothing changed.
        lock_wait: seconds to wait for another build of the same index.

    Raises:
        SourceError: the sources could not be had.
        WeightsError: the embedding model could not be had.
        BuildLocked: another build is running.
        StorageError: the disk is full or cannot be written.
        IndexCorrupt: the new generation failed its validation; the served one stays.
    """
    started = time.perf_counter()
    report = progress or silent
    tree = open_source(spec, settings, progress=progress)
    directory = IndexDirectory(settings.indexes_dir, tree.library, tree.version, drop=partial(drop_store, settings))
    index = f"{tree.library} {tree.version}"

    def waiting() -> None:
        report("waiting for another build", 0, None)

    with (
        directory.building(lock_wait, waiting=waiting),
        leased(settings, index, lock_wait, waiting=waiting) as still_ours,
    ):
        if isinstance(parse_spec(spec), FolderSpec):
            # Somebody may have edited it, and another build have published that, while this one waited.
            tree = open_source(spec, settings, progress=progress)
        if not tree.files:
            raise InvalidInput(
                f"{spec!r} has no file that the rules keep (skipped: {tree.skipped or 'none'}).",
                remedy="Check the SPEC, or FURY_AGENT_SOURCE_INCLUDE and FURY_AGENT_SOURCE_EXCLUDE.",
            )
        current = None if force else usable(directory, settings, model_identity(settings, embedding))
        if current is not None and is_current(current.info(), tree):
            return BuildReport(
                info=current.info(),
                changed=False,
                files_chunked=0,
                files_kept=len(tree.files),
                files_removed=0,
                chunks_embedded=0,
                seconds=time.perf_counter() - started,
            )
        with directory.new_generation() as generation, storage_errors(generation.directory):
            builder = _Builder(spec, tree, generation, current, settings, embedding, report)
            info = builder.run()
            report("validating", 0, None)
            validate(open_store(settings, generation), generation, info, builder.written)
            still_ours()
            directory.publish(generation, info)
    return BuildReport(
        info=info,
        changed=True,
        files_chunked=len(builder.stale),
        files_kept=len(builder.kept),
        files_removed=builder.removed,
        chunks_embedded=builder.embedded,
        seconds=time.perf_counter() - started,
    )


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


def usable(directory: IndexDirectory, settings: Settings, identity: tuple[str, str]) -> Generation | None:
    """Return the served generation if parts of it can be carried over: same format, chunker, model and store."""
    current = directory.current_or_none()
    if current is None:
        return None
    try:
        info = current.info()
        ApiModel.load(current.api_file)
        with closing(Manifest(current.manifest_file)) as manifest:
            manifest.fingerprints()
        whole = open_store(settings, current).count() == info.chunks
    except (IndexError_, ServiceError):
        return None  # damaged: it is built again from scratch
    same = whole and (info.chunker, info.embedding, info.embedding_revision) == (CHUNKER_VERSION, *identity)
    return current if same else None


def is_current(info: IndexInfo, tree: SourceTree) -> bool:
    """Return whether a generation holds exactly these sources."""
    return (info.source_digest, info.revision, info.url_template) == (tree.digest(), tree.revision, tree.url_template)


def fingerprints(files: Sequence[SourceFile], public_paths: Mapping[str, str]) -> dict[str, str]:
    """Return path -> digest of all that a file's chunks depend on: its bytes, its place, and its public names.

    A re-export in `__init__.py` changes the public names of another file, which must then be chunked again.
    """
    modules = {file.module for file in files if file.module is not None}
    own: dict[str | None, int] = defaultdict(int)
    for definition, public in public_paths.items():
        module = definition
        while module and module not in modules:
            module = module.rpartition(".")[0]
        # In whatever order they come, and without holding them all.
        own[module] ^= int.from_bytes(hashlib.sha256(repr((definition, public)).encode()).digest())
    prints: dict[str, str] = {}
    for file in files:
        context = (
            file.path,
            file.role,
            file.language,
            file.module,
            file.sha256,
            own[file.module] if file.module else 0,
        )
        prints[file.path] = hashlib.sha256(repr(context).encode()).hexdigest()
    return prints


class _Builder:
    """One build: holds what its steps share."""

    def __init__(
        self,
        spec: str,
        tree: SourceTree,
        generation: Generation,
        previous: Generation | None,
        settings: Settings,
        embedding: BaseEmbedding | None,
        report: Progress,
    ) -> None:
        self.spec = spec
        self.tree = tree
        self.generation = generation
        self.previous = previous
        self.settings = settings
        self.embedding = embedding
        self.report = report
        self.embedded = 0
        self.written = 0
        self.bytes_done = 0.0

        api = ApiModel.build(
            tree, generation.api_file, progress=lambda done, total: report("reading the API", done, total)
        )
        self.api = api
        self.public_paths = api.public_paths()
        self.prints = fingerprints(tree.files, self.public_paths)
        before = self._before()
        self.kept = [file for file in tree.files if before.get(file.path) == self.prints[file.path]]
        self.stale = [file for file in tree.files if before.get(file.path) != self.prints[file.path]]
        self.bytes_total = sum(file.size for file in self.stale)
        self.removed = len(before.keys() - self.prints.keys())

    def _before(self) -> dict[str, str]:
        if self.previous is None:
            return {}
        with closing(Manifest(self.previous.manifest_file)) as manifest:
            return manifest.fingerprints()

    def run(self) -> IndexInfo:
        """Write store and manifest, and return what they hold."""
        embedding = self.embedding or build_embedding(self.settings, progress=self.report)
        name, revision = model_identity(self.settings, self.embedding)
        dimension = len(embedding.get_text_embedding("dimension"))
        store = create_store(self.settings, self.generation, dimension)
        cache = EmbeddingCache(self.settings.data_dir / "embeddings.sqlite", embedding, model=name, revision=revision)
        with (
            closing(cache),
            ManifestWriter(self.generation.manifest_file, code_tokens, partial(meant, self.api)) as manifest,
        ):
            if self.previous is not None and self.kept:
                paths = {file.path for file in self.kept}
                store.copy_from(open_store(self.settings, self.previous), paths)
                manifest.keep(self.previous.manifest_file, paths)
                self.written += store.count()
            for chunks, size in self._windows(manifest):
                self._embed(chunks, size, cache, store)
            self.embedded = cache.computed
        store.optimize(progress=lambda done, total: self.report("optimizing", done, total))
        return IndexInfo(
            format=FORMAT,
            spec=self.spec,
            library=self.tree.library,
            version=self.tree.version,
            revision=self.tree.revision,
            url_template=self.tree.url_template,
            packages=self.tree.packages,
            chunker=CHUNKER_VERSION,
            embedding=name,
            embedding_revision=revision,
            dimension=dimension,
            files=len(self.tree.files),
            chunks=store.count(),
            skipped=self.tree.skipped,
            source_digest=self.tree.digest(),
            generation=self.generation.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _windows(self, manifest: ManifestWriter) -> Iterator[tuple[list[Chunk], int]]:
        """Yield chunks and the number of source bytes they came from."""
        window: list[Chunk] = []
        size = 0
        for file in self.stale:
            chunks = chunk_file(file, read(self.tree, file), self.public_paths)
            manifest.add(file, self.prints[file.path], chunks)
            window += chunks
            size += file.size
            if len(window) >= WINDOW:
                yield window, size
                window, size = [], 0
        yield window, size

    def _embed(self, chunks: Sequence[Chunk], size: int, cache: EmbeddingCache, store: ThreadedVectorStore) -> None:
        """Embed and store chunks; progress counts source bytes, whose total is known from the start."""

        def done(count: int) -> None:
            self.bytes_done += count / len(chunks) * size
            self.report("embedding", int(self.bytes_done), self.bytes_total)

        if not chunks:
            return
        vectors = cache.embed([chunk.embed_text for chunk in chunks], done=done)
        nodes = [to_node(chunk) for chunk in chunks]
        for node, vector in zip(nodes, vectors, strict=True):
            node.embedding = vector.tolist()
        store.append(nodes)
        self.written += len(nodes)
