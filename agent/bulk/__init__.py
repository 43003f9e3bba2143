"""Bulk indexing: the chunking and embedding of a build, done by a Ray cluster.

::

    this process              the cluster
    cut into shards    ---->  read and chunk (tasks) -> embed (actors) -> indexes/LIBRARY/VERSION/shards/NAME.parquet
    manifest, store,                                                                                     |
    validation, switch <---------------------------------------------------------------------------------+

Shards are taken in while others are made, in their order, so that the index is the same as one that was made here; all
else is the build of every index (`agent.index_build`). All machines share the data directory, under the same path.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from agent.building.parts import Part, Parts, Work
from agent.bulk.cluster import Ended, running
from agent.bulk.pipeline import Job
from agent.bulk.shards import Shard, ShardFolder, cut
from agent.durable_files import storage_errors
from agent.errors import ClusterUnavailable
from agent.providers.embeddings import model_identity
from agent.settings import Settings
from agent.sources import Progress

__all__ = ["cluster_parts"]

POLL = 1.0
"""Seconds between two looks at what is finished."""
LAG = 90.0
"""Seconds after which a file must be seen that another machine wrote; NFS looks again after 60 (`acdirmax`)."""


@contextmanager
def cluster_parts(work: Work, settings: Settings, report: Progress, on: str) -> Generator[Parts]:
    """Have a cluster do the work; shards that an earlier build left are not made again.

    Args:
        work: what is to be done.
        settings: where things are and which model embeds.
        report: told how far it is.
        on: `local` for a Ray that is started here, `auto` for the cluster that this machine is part of, or
            `ray://HOST:PORT`.

    Raises:
        MissingExtra: the extra `ray` is not installed.
        ClusterUnavailable: the cluster cannot be reached or fails.
    """
    folder = ShardFolder(work.shards_dir.absolute())
    with storage_errors(folder.directory):
        folder.directory.mkdir(parents=True, exist_ok=True)
    shards = tuple(cut(work, model_identity(settings)))
    before = folder.finished()
    missing = [msgspec.msgpack.encode(shard) for shard in shards if shard.name not in before]
    if not missing:
        yield _ClusterParts(shards, folder, report, before, _nothing_to_do)
        return
    report("starting the cluster", 0, None)
    with running(on, _job(work, folder, settings), missing) as ended:
        yield _ClusterParts(shards, folder, report, before, ended)


def _job(work: Work, folder: ShardFolder, settings: Settings) -> Job:
    tree = structs.replace(work.tree, root=work.tree.root.absolute(), files=())
    return Job(tree, work.api_file.absolute(), folder.directory, _for_embedding(settings))


def _for_embedding(settings: Settings) -> dict[str, Any]:
    """Return the settings that embedding depends on, as they are true on any machine and in any directory."""
    names = [name for name in Settings.model_fields if name == "data_dir" or name.startswith("embedding")]
    model = Path(settings.embedding_model).expanduser()
    values = {name: getattr(settings, name) for name in names} | {"data_dir": settings.data_dir.absolute()}
    return values | ({"embedding_model": str(model.resolve())} if model.is_dir() else {})


def _nothing_to_do(_wait: float) -> bool:
    return True


class _ClusterParts:
    def __init__(
        self, shards: Sequence[Shard], folder: ShardFolder, report: Progress, before: set[str], ended: Ended
    ) -> None:
        self.embedded = 0
        self._shards = shards
        self._folder = folder
        self._report = report
        self._before = before
        self._finished = before
        self._ended = ended

    @property
    def dimension(self) -> int:
        """That of the first shard's vectors: the model is elsewhere."""
        return self._finished_part(self._shards[0]).vectors.shape[1]

    def __iter__(self) -> Iterator[Part]:
        for shard in self._shards:
            part = self._finished_part(shard)
            if shard.name not in self._before:
                self.embedded += len(part.vectors)
            yield part

    def _finished_part(self, shard: Shard) -> Part:
        if shard.name not in self._finished:
            self._look()
        seen_by = None
        while shard.name not in self._finished:
            if seen_by is None:
                seen_by = time.monotonic() + LAG if self._ended(POLL) else None
            elif time.monotonic() < seen_by:
                time.sleep(POLL)
            else:
                raise ClusterUnavailable(
                    f"The cluster has ended its work, but {str(self._folder.directory)!r} lacks a shard.",
                    remedy="All machines must share FURY_AGENT_DATA_DIR. Run the same command again.",
                )
            self._look()
        return self._folder.read(shard)

    def _look(self) -> None:
        self._finished = self._folder.finished()
        done = sum(shard.size for shard in self._shards if shard.name in self._finished)
        self._report("embedding", done, sum(shard.size for shard in self._shards))
