"""How much memory LanceDB may take: it would take more the larger a table is, and glibc keep it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lancedb.db import DBConnection

_CACHED_ONCE = 32 << 20
"""Bytes of metadata, and of indexes, that a connection keeps which is used once."""
_SETTINGS = {
    "LANCE_DEFAULT_IO_BUFFER_SIZE": str(32 << 20),  # bytes read ahead; while compacting, LanceDB fills its 2 GB
    "LANCE_DEFAULT_BATCH_SIZE": "512",  # rows read at once
    "LANCE_SHUFFLE_BATCH_BYTES": str(32 << 20),  # of compressed vectors that are sorted by partition; 128 MB
    "LANCE_SHUFFLE_MAX_PRELOADED_OFFSETS_BYTES": "0",  # sorted, they are read one partition after the other; 128 MB
}
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""`M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD` of glibc's malloc.h."""
_LARGE = 256 << 10
"""Bytes of a block that is the system's again as soon as it is freed."""
_KEPT = 32 << 20
"""Bytes to which glibc raises that by itself once such a block was freed; an embedding model does so at once."""


def connect(directory: Path, *, once: bool) -> DBConnection:
    """Connect to the tables in a directory.

    Args:
        directory: holds the tables.
        once: for building, or for a few queries: next to nothing is cached. Otherwise LanceDB keeps up to 1 GB of
            metadata, to which every commit adds, and 6 GB of indexes.
    """
    # LanceDB has no other way to set these; it reads them when it is first used.
    for name, value in _SETTINGS.items():
        os.putenv(name, value)
    import lancedb  # takes a second

    return lancedb.connect(directory, session=lancedb.Session(_CACHED_ONCE, _CACHED_ONCE) if once else None)


@contextmanager
def large_blocks_returned() -> Generator[None]:
    """Have all threads give large blocks back to the system when they free them, and all others at the end.

    LanceDB's many threads free buffers of megabytes which glibc would keep for each of them, in fragments: at a million
    rows that was most of the memory. Pages must be cleared when they are asked for anew, so this is for work that waits
    for the disk, not for embedding. Without glibc nothing changes.
    """
    tune = _glibc("mallopt")
    tune(_MMAP_THRESHOLD, _LARGE)
    tune(_TRIM_THRESHOLD, _LARGE)
    try:
        yield
    finally:
        tune(_MMAP_THRESHOLD, _KEPT)
        tune(_TRIM_THRESHOLD, 2 * _KEPT)
        return_free_blocks()


def return_free_blocks() -> None:
    """Give the system what is free by now, small blocks too; without glibc nothing happens."""
    _glibc("malloc_trim")(0)


def _glibc(function: str) -> Callable[..., int]:
    try:
        return getattr(ctypes.CDLL(None), function)
    except (AttributeError, TypeError):  # macOS has none of these, musl no `malloc_trim`, Windows no such library
        return lambda *_: 0
