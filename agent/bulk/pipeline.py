"""What the processes of a Ray cluster do: read and chunk in tasks, embed in actors, write shards.

Ray starts this in processes of its own, on any machine of the cluster. Neither sources nor vectors pass through the
process that builds, and vectors not even through Ray: what comes back is a row with a name for each shard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec import Struct

from agent.building.parts import read
from agent.bulk.shards import Chunks, Shard, ShardFolder
from agent.chunking import chunk_file
from agent.errors import ConfigurationError
from agent.providers.embeddings import build_embedding
from agent.schema import SourceTree
from agent.settings import load_settings
from agent.symbols import ApiModel

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

EMBEDDING_CPUS = 0.75
CHUNKING_CPUS = 0.25
"""What is left of a CPU by the actor on it. If actors took all CPUs whole, they would wait forever for their input:
actors keep their CPUs, and nothing could be chunked. It costs little to share, since chunking is so much quicker."""

Row = dict[str, Any]


class Job(Struct, frozen=True):
    """What every process of the cluster is told.

    Attributes:
        tree: the sources, without their files, which come shard by shard.
        api_file: the API model.
        shards_dir: where shards are written.
        settings: those which embedding depends on; no others, for they hold secrets.
    """

    tree: SourceTree
    api_file: Path
    shards_dir: Path
    settings: Mapping[str, Any]


def run(job: Job, shards: Sequence[bytes]) -> None:
    """Finish all shards.

    To be called inside the cluster: Ray Data does not work at the other end of a `ray://` address. Should Ray repeat
    it, then what is finished by now is left out.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_items

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True  # otherwise only its words arrive
    finished = ShardFolder(job.shards_dir).finished()
    missing = [{"shard": shard} for shard in shards if _decoded(shard).name not in finished]
    actors = min(len(missing), max(1, int(ray.cluster_resources().get("CPU", 1))))
    if not missing:
        return
    (
        from_items(missing, override_num_blocks=len(missing))
        .map(
            chunked,  # pyright: ignore[reportArgumentType] - Ray's annotation leaves out `fn_args`
            fn_args=(job,),
            num_cpus=CHUNKING_CPUS,
        )
        .map(
            Embedder,  # pyright: ignore[reportArgumentType] - and classes
            fn_constructor_args=(job,),
            compute=ActorPoolStrategy(size=actors),
            num_cpus=EMBEDDING_CPUS,
        )
        .materialize()
    )


def chunked(row: Row, job: Job) -> Row:
    """Read and chunk the files of a shard.

    Raises:
        ConfigurationError: this machine does not see the build's directory.
        SourceNotFound: a file is not what it was when the build began.
    """
    if not job.shards_dir.is_dir():
        raise ConfigurationError(
            f"A machine of the cluster does not see {str(job.shards_dir)!r}.",
            remedy="All machines must share FURY_AGENT_DATA_DIR, under the same path.",
        )
    public_paths = _api(job.api_file).public_paths()
    files = _decoded(row["shard"]).files
    chunks = tuple(chunk_file(file, read(job.tree, file), public_paths) for file in files)
    return row | {"chunks": msgspec.msgpack.encode(chunks)}


class Embedder:
    """An actor that holds the embedding model, and writes what it has embedded.

    Ray starts it anew if it dies, and gives it the shard again that it was at.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._folder = ShardFolder(job.shards_dir)

    @cached_property
    def _model(self) -> BaseEmbedding:
        """Loaded for the first shard: of an error in an actor's constructor, only the words would arrive."""
        return build_embedding(load_settings(**self._job.settings))

    @cached_property
    def _dimension(self) -> int:
        return len(self._model.get_text_embedding("dimension"))

    def __call__(self, row: Row) -> Row:
        """Embed the chunks of a shard, and keep it."""
        shard = _decoded(row["shard"])
        chunks = msgspec.msgpack.decode(row["chunks"], type=Chunks)
        texts = [chunk.embed_text for held in chunks for chunk in held]
        vectors = np.asarray(self._model.get_text_embedding_batch(texts), np.float32)
        self._folder.write(shard, chunks, vectors.reshape(-1, self._dimension))
        return {"finished": shard.name}


def _decoded(shard: bytes) -> Shard:
    return msgspec.msgpack.decode(shard, type=Shard)


@lru_cache(maxsize=1)
def _api(path: Path) -> ApiModel:
    """Open the API model once in a process, not for each shard."""
    return ApiModel.load(path)
