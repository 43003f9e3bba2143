"""Building a LanceDB table takes the same memory, however many rows it has."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lancedb
import pytest
from lancedb.index import IvfSq

from agent.providers.stores.lancedb import LanceVectorStore
from agent.providers.stores.memory import connect
from agent.providers.stores.native import PROBES, PROBES_ONCE, NativeSearch, finish

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator, which has no such knobs")

FREEING = """
import ctypes
from concurrent.futures import ThreadPoolExecutor
from agent.providers.stores.memory import large_blocks_returned

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1000 for line in status if line.startswith("RssAnon"))

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def work(_):
    large, small = [], []
    for _ in range(40):  # side by side
        large.append(libc.malloc(1 << 20))
        small.append(libc.malloc(64))
        ctypes.memset(large[-1], 1, 1 << 20)
    for block in large:
        libc.free(block)

libc.mallopt(-3, 32 << 20)  # what glibc comes to by itself
with ThreadPoolExecutor(4) as threads:
    with large_blocks_returned():
        before = anonymous()
        list(threads.map(work, range(8)))
        print(anonymous() - before)
"""


@needs_glibc
def test_large_blocks_that_threads_free_are_the_systems_again_at_once() -> None:
    command = [sys.executable, "-c", FREEING]
    left = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert left < 20  # of 320 MB; glibc by itself keeps half of them


class Table:
    """Notes what is done to it."""

    def __init__(self, rows: int = 100_000) -> None:
        self.rows = rows
        self.done: list[str] = []
        self.sample_rates: list[int] = []

    def count_rows(self) -> int:
        return self.rows

    def list_indices(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="lexical_idx"), SimpleNamespace(name="vector_idx")]

    def drop_index(self, name: str) -> None:
        self.done.append(f"drop {name}")

    def optimize(self, **_: object) -> None:
        self.done.append("optimize")

    def create_index(self, column: str, *, config: object) -> None:
        self.done.append(f"create {column} {type(config).__name__}")
        if isinstance(config, IvfSq):
            self.sample_rates.append(config.sample_rate)


def test_old_indexes_are_dropped_before_a_table_is_compacted() -> None:
    """`optimize` would bring them up to date without regard to memory, and they are built anew anyway."""
    table = Table()
    finish(table, approximate=True, progress=lambda _done, _total: None)
    assert table.done[:3] == ["drop lexical_idx", "drop vector_idx", "optimize"]
    assert table.done[3:] == ["create lexical FTS", "create id BTree", "create vector IvfSq", "optimize"]


@pytest.mark.parametrize("rows", [1_000, 100_000, 1_000_000, 10_000_000])
def test_the_partitions_are_found_with_a_bounded_number_of_vectors(rows: int) -> None:
    table = Table(rows)
    finish(table, approximate=True, progress=lambda _done, _total: None)
    [rate] = table.sample_rates
    assert 1 <= rate <= 64
    assert rate * rows / 4_096 <= 16_384 * 1.01  # LanceDB's partitions have about 4,096 rows


def test_lancedb_reads_what_it_sorted_one_partition_after_the_other(tmp_path: Path) -> None:
    """It would read 128 MB of them at once, twice, and more at a million rows than all else of a build takes."""
    code = (
        "import sys; from pathlib import Path; from agent.providers.stores.memory import connect;"
        "connect(Path(sys.argv[1]), once=True); import subprocess; subprocess.run(['env'])"
    )
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    assert "LANCE_SHUFFLE_MAX_PRELOADED_OFFSETS_BYTES=0" in told.stdout.splitlines()


def test_a_store_that_is_queried_once_reads_few_partitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probed: list[int] = []

    class Search(NativeSearch):
        def __init__(self, table: Any, probes: int) -> None:
            probed.append(probes)
            super().__init__(table, probes)

    monkeypatch.setattr("agent.providers.stores.lancedb.NativeSearch", Search)
    LanceVectorStore.create(tmp_path, 3, tokenize=str.split, exact_rows=-1).get_nodes([])
    for once in (False, True):
        LanceVectorStore.open(tmp_path, tokenize=str.split, exact_rows=-1, once=once).get_nodes([])
    assert probed == [PROBES, PROBES, PROBES_ONCE]


def test_a_connection_that_is_used_once_caches_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []

    def session(indexes: int, metadata: int) -> None:
        sizes.append((indexes, metadata))

    monkeypatch.setattr(lancedb, "Session", session)
    connect(tmp_path, once=False)
    assert not sizes
    connect(tmp_path, once=True)
    assert sizes == [(32 << 20, 32 << 20)]
