"""Sources -> chunks -> vectors -> a new generation -> switch.

Nothing that is served is touched: unchanged files are carried over from the served generation, changed ones are chunked
and embedded again, the result is validated by a few queries, and only then does the pointer move.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import gettempdir

from llama_index.core.base.embeddings.base import BaseEmbedding
from msgspec import Struct

from agent.building.fingerprints import Unchanged, fingerprints
from agent.building.lease import leased
from agent.building.manifest_writer import ManifestWriter
from agent.building.parts import Part, Parts, Work, local_parts
from agent.building.validation import validate
from agent.chunking import CHUNKER_VERSION
from agent.chunking.nodes import to_node
from agent.chunking.tokens import code_tokens
from agent.durable_files import storage_errors
from agent.errors import ConfigurationError, IndexError_, InvalidInput, ServiceError
from agent.generations import FORMAT, Generation, IndexDirectory
from agent.manifest import Manifest
from agent.providers.embeddings import model_identity, same_model
from agent.providers.stores import create_store, drop_store, open_store
from agent.providers.stores.threaded import ThreadedVectorStore
from agent.ranking.usage import meant
from agent.schema import IndexInfo, SourceTree
from agent.settings import Settings
from agent.sources import Progress, open_source, parse_spec
from agent.sources.files import SourceFiles
from agent.sources.progress import silent
from agent.sources.spec import FolderSpec
from agent.symbols import ApiModel

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
    on: str | None = None,
) -> BuildReport:
    """Bring the index of a library up to date and return what was done.

    Args:
        spec: NAME==VERSION, git+URL@REF or a folder.
        settings: where things are and which model embeds.
        embedding: a ready embedding model; the one in the settings is loaded, if it is needed, otherwise.
        progress: told of every step.
        force: build from scratch, even if nothing changed.
        lock_wait: seconds to wait for another build of the same index.
        on: the Ray cluster that chunks and embeds (see `agent.bulk`); this process does it without.

    Raises:
        SourceError: the sources could not be had.
        WeightsError: the embedding model could not be had.
        BuildLocked: another build is running.
        StorageError: the disk is full or cannot be written.
        ConfigurationError: a cluster cannot be given a ready model.
        MissingExtra, ClusterUnavailable: there is no Ray, or no cluster.
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
        identity = model_identity(settings, embedding)
        current = None if force else usable(directory, settings, identity)
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
            builder = _Builder(spec, tree, generation, current, settings, identity, report)
            with _parts(builder.work(directory.shards_dir), settings, report, embedding, on) as parts:
                info = builder.run(parts)
            report("validating", 0, None)
            validate(open_store(settings, generation, once=True), generation, info, builder.written)
            still_ours()
            directory.publish(generation, info)
    return BuildReport(
        info=info,
        changed=True,
        files_chunked=len(builder.stale),
        files_kept=builder.kept,
        files_removed=builder.removed,
        chunks_embedded=builder.embedded,
        seconds=time.perf_counter() - started,
    )


def _parts(
    work: Work, settings: Settings, report: Progress, embedding: BaseEmbedding | None, on: str | None
) -> AbstractContextManager[Parts]:
    if on is None:
        return local_parts(work, settings, report, embedding)
    if embedding is not None:
        raise ConfigurationError(
            f"The model {embedding.model_name!r} is in this process, and {on!r} is to embed.",
            remedy="Name it by FURY_AGENT_EMBEDDING_MODEL: every process of the cluster loads its own.",
            field="embedding_model",
        )
    from agent.bulk import cluster_parts

    return cluster_parts(work, settings, report, on)


def usable(directory: IndexDirectory, settings: Settings, identity: tuple[str, str]) -> Generation | None:
    """Return the served generation if parts of it can be carried over: same format, chunker, model and store."""
    current = directory.current_or_none()
    if current is None:
        return None
    try:
        info = current.info()
        ApiModel.load(current.api_file)
        with closing(Manifest(current.manifest_file)) as manifest:
            deque(manifest.fingerprints(), maxlen=0)  # reads them all
        whole = open_store(settings, current, once=True).count() == info.chunks
    except (IndexError_, ServiceError):
        return None  # damaged: it is built again from scratch
    same = info.chunker == CHUNKER_VERSION and same_model((info.embedding, info.embedding_revision), identity)
    return current if whole and same else None


def is_current(info: IndexInfo, tree: SourceTree) -> bool:
    """Return whether a generation holds exactly these sources."""
    return (info.source_digest, info.revision, info.url_template) == (tree.digest(), tree.revision, tree.url_template)


class _Builder:
    """One build: holds what its steps share."""

    def __init__(
        self,
        spec: str,
        tree: SourceTree,
        generation: Generation,
        previous: Generation | None,
        settings: Settings,
        identity: tuple[str, str],
        report: Progress,
    ) -> None:
        self.spec = spec
        self.tree = tree
        self.generation = generation
        self.previous = previous
        self.settings = settings
        self.identity = identity
        self.report = report
        self.embedded = 0
        self.written = 0

        self.api = ApiModel.build(
            tree, generation.api_file, progress=lambda done, total: report("reading the API", done, total)
        )
        with storage_errors(Path(gettempdir()), "TMPDIR"):
            self.prints = fingerprints(tree.files, self.api.public_paths())
        before: Mapping[str, str] = Manifest(previous.manifest_file).fingerprints() if previous else {}
        self.unchanged = Unchanged(self.prints, before)
        self.stale = SourceFiles(file for file in tree.files if file.path not in self.unchanged)
        self.kept = len(tree.files) - len(self.stale)
        self.removed = sum(path not in self.prints for path in before)

    def work(self, shards_dir: Path) -> Work:
        """Return what is to be chunked and embedded."""
        return Work(self.tree, self.stale, self.prints, self.generation.api_file, shards_dir)

    def run(self, parts: Parts) -> IndexInfo:
        """Write store and manifest, and return what they hold."""
        dimension = parts.dimension if self.stale else self._dimension_before()
        store = create_store(self.settings, self.generation, dimension)
        file, requirements = self.generation.manifest_file, self.tree.requirements
        with ManifestWriter(file, code_tokens, partial(meant, self.api), requirements) as manifest:
            if self.previous is not None and self.kept:
                store.copy_from(open_store(self.settings, self.previous, once=True), self.unchanged)
                paths = (file.path for file in self.tree.files if file.path in self.unchanged)
                manifest.keep(self.previous.manifest_file, paths)
                self.written += store.count()
            for part in parts:
                for file, chunks in zip(part.files, part.chunks, strict=True):
                    manifest.add(file, self.prints[file.path], chunks)
                self._store(part, store)
            self.embedded = parts.embedded
        store.optimize(progress=lambda done, total: self.report("optimizing", done, total))
        name, revision = self.identity
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

    def _dimension_before(self) -> int:
        assert self.previous is not None  # a file that is not to be embedded was carried over
        return self.previous.info().dimension

    def _store(self, part: Part, store: ThreadedVectorStore) -> None:
        nodes = [to_node(chunk) for chunks in part.chunks for chunk in chunks]
        for node, vector in zip(nodes, part.vectors, strict=True):
            node.embedding = vector.tolist()
        if nodes:
            store.append(nodes)
        self.written += len(nodes)
