"""Files that survive whatever happens to the program: whole or not at all, and flushed before they are named."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from agent.errors import StorageError


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside, flush to disk, and rename."""
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def flush(directory: Path) -> None:
    """Have the disk hold every file below `directory`: a power cut must not leave a pointer to half a generation."""
    for folder, _, names in os.walk(directory):
        for name in names:
            with (Path(folder) / name).open("rb") as file:
                os.fsync(file.fileno())
        flush_directory(Path(folder))


def flush_directory(directory: Path) -> None:
    """Have the disk hold the names in `directory`."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(path: Path, otherwise: str = "FURY_AGENT_DATA_DIR") -> Generator[None]:
    """Translate what the operating system says of a full or unwritable disk.

    Args:
        path: what is written.
        otherwise: what chooses another place.

    Raises:
        StorageError: names the path and what to do.
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise StorageError(
            f"{str(path)!r} cannot be written ({getattr(error, 'strerror', None) or error}).",
            remedy=f"Free some space or choose another directory with {otherwise}.",
        ) from error
