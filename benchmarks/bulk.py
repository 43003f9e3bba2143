"""What a chunk costs at each step of a bulk build, and what Ray adds: the figures that docs/scaling.md reckons with.

Rates are chunks for a second of one core's time, as the system counts it, on one thread: other work on the machine
slows the clock, but hardly these. The two whole builds are timed by the clock, one after the other.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from agent.building.manifest_writer import ManifestWriter
from agent.bulk.shards import Shard, ShardFolder
from agent.chunking import chunk_file
from agent.chunking.nodes import to_node
from agent.chunking.tokens import code_tokens
from agent.generations import Generation
from agent.index_build import build
from agent.providers.embeddings import build_embedding
from agent.providers.stores import create_store
from agent.schema import Chunk, SourceFile, SourceTree
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel
from benchmarks.table import Row

SAMPLE = 8
"""Every so many texts are embedded."""
PART = 3
"""Every so many files are built with and without Ray."""

T = TypeVar("T")
Chunked = list[tuple[SourceFile, tuple[Chunk, ...]]]


def run() -> list[Row]:
    """Measure with the default library and embedding model; needs the extra `ray` and two minutes of two idle cores."""
    machine = Settings()
    tree = open_source(machine.library, machine)
    with tempfile.TemporaryDirectory(prefix="bulk") as scratch:
        place = Path(scratch)
        return [*steps(machine, tree, place), *side_by_side(machine, tree, place)]


def steps(machine: Settings, tree: SourceTree, place: Path) -> list[Row]:
    """Measure each step alone."""
    model_seconds, api = core_seconds(lambda: ApiModel.build(tree))
    chunk_seconds, chunked = core_seconds(lambda: chunk_all(tree, api))
    chunks = [chunk for _, held in chunked for chunk in held]
    megabytes = sum(file.size for file in tree.files) / 1e6
    texts = [chunk.embed_text for chunk in chunks[::SAMPLE]]
    embed_seconds, vectors = core_seconds(partial(embedder(machine), texts))
    # The rest of the texts get vectors of chance, which take as much room.
    vectors = np.random.default_rng(7).normal(size=(len(chunks), vectors.shape[1])).astype(np.float32)

    folder = ShardFolder(place)
    shard = Shard("all", tuple(tree.files))
    write_seconds, _ = core_seconds(lambda: folder.write(shard, tuple(held for _, held in chunked), vectors))
    read_seconds, _ = core_seconds(lambda: folder.read(shard))
    generation = Generation(place / "generation")
    generation.directory.mkdir()
    manifest_seconds, _ = core_seconds(lambda: list_all(chunked, generation))
    store_seconds, store_bytes = core_seconds(lambda: store_all(chunks, vectors, machine, generation))

    count = len(chunks)
    return [
        Row("chunks", count, "chunks"),
        Row("chunks in a MB of sources", count / megabytes, "chunks/MB"),
        Row("characters in a text", sum(map(len, texts)) / len(texts), "characters"),
        Row("reading the API", count / model_seconds, "chunks/s"),
        Row("reading and chunking", megabytes / chunk_seconds, "MB/s"),
        Row("reading and chunking", count / chunk_seconds, "chunks/s"),
        Row("embedding", len(texts) / embed_seconds, "chunks/s"),
        Row("embedding, a text", embed_seconds / len(texts) * 1e3, "ms"),
        Row("writing shards", count / write_seconds, "chunks/s"),
        Row("reading shards", count / read_seconds, "chunks/s"),
        Row("writing the manifest", count / manifest_seconds, "chunks/s"),
        Row("writing the store", count / store_seconds, "chunks/s"),
        Row("a chunk in a shard", (place / "all.parquet").stat().st_size / count / 1e3, "kB"),
        Row("a chunk in the store", store_bytes / count / 1e3, "kB"),
        Row("a chunk in the manifest", generation.manifest_file.stat().st_size / count / 1e3, "kB"),
    ]


def core_seconds(work: Callable[[], T]) -> tuple[float, T]:
    """Return the processor time that `work` takes, and what it returns."""
    started = time.process_time()
    done = work()
    return time.process_time() - started, done


def chunk_all(tree: SourceTree, api: ApiModel) -> Chunked:
    """Read and chunk every file."""
    public_paths = api.public_paths()
    return [(file, chunk_file(file, tree.read(file), public_paths)) for file in tree.files]


def embedder(settings: Settings) -> Callable[[list[str]], Any]:
    """Return what embeds texts on one core, as an actor does."""
    import torch

    model = build_embedding(settings)
    torch.set_num_threads(1)
    model.get_text_embedding("the first one makes caches")
    return lambda texts: np.asarray(model.get_text_embedding_batch(texts), np.float32)


def list_all(chunked: Chunked, generation: Generation) -> None:
    """Write a manifest."""
    with ManifestWriter(generation.manifest_file, code_tokens) as manifest:
        for file, held in chunked:
            manifest.add(file, "", held)


def store_all(chunks: list[Chunk], vectors: Any, settings: Settings, generation: Generation) -> int:
    """Write a store, finish it, and return its bytes."""
    store = create_store(settings.model_copy(update={"store": "lancedb"}), generation, vectors.shape[1])
    nodes = [to_node(chunk) for chunk in chunks]
    for node, vector in zip(nodes, vectors, strict=True):
        node.embedding = vector.tolist()
    store.append(nodes)
    store.optimize()
    return sum(path.stat().st_size for path in generation.store_dir.rglob("*") if path.is_file())


def side_by_side(machine: Settings, tree: SourceTree, place: Path) -> list[Row]:
    """Build a part of the library in this process and on a Ray that is started here, both without any vectors yet."""
    sources = place / "part"
    for file in tree.files[::PART]:
        (sources / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree.root / file.path, sources / file.path)
    (here, chunks), (there, again) = (timed(machine, sources, place / str(on), on) for on in (None, "local"))
    return [
        Row("both build", chunks, "chunks", "equal", chunks == again),
        Row("build in this process", here["all"], "s"),
        Row("build on Ray", there["all"], "s"),
        Row("of it, starting Ray", there["starting the cluster"], "s"),
        Row("chunking and embedding in this process", here["embedding"], "s"),
        Row("chunking and embedding on Ray, with its actors' start", there["embedding"], "s"),
    ]


def timed(machine: Settings, sources: Path, data: Path, on: str | None) -> tuple[dict[str, float], int]:
    """Return the seconds of a build by stage, loading the model included, and its chunks."""
    data.mkdir()
    (data / "weights").symlink_to(machine.weights_dir.absolute())
    began: dict[str, float] = {}

    def note(stage: str, _done: int, _total: int | None) -> None:
        began.setdefault(stage, time.perf_counter())

    note("all", 0, None)
    report = build(
        str(sources), machine.model_copy(update={"data_dir": data, "store": "lancedb"}), on=on, progress=note
    )
    note("end", 0, None)
    seconds = {stage: end - start for (stage, start), (_, end) in pairwise(began.items())}
    return seconds | {"all": began["end"] - began["all"]}, report.info.chunks
