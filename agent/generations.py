"""The index on disk: one directory per generation, and a pointer that is switched atomically.

::

    indexes/LIBRARY/VERSION/
        CURRENT                     name of the generation that is served
        build.lock                  held by the process that builds
        shards/                     what a cluster has finished of a build that is under way (`agent.bulk`)
        generations/NAME/
            info.json               IndexInfo: what it holds and how it was made; written last
            api.sqlite              the API model
            manifest.sqlite         file -> sha256, chunk ids
            store/                  the vector store

A generation is written beside the others, validated, and only then named by `CURRENT`, so that whatever happens to the
builder, readers see the old one or the new one, whole.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
from filelock import FileLock, Timeout

from agent.durable_files import flush, flush_directory, storage_errors, write_atomically
from agent.errors import (
    AgentError,
    BuildLocked,
    IndexCorrupt,
    IndexMismatch,
    IndexMissing,
    UnknownLibrary,
    UnknownVersion,
)
from agent.schema import IndexInfo, Library

FORMAT = 7
KEPT_GENERATIONS = 2
"""The served one and the one before it, which readers that opened it just before a switch still use."""

_log = logging.getLogger(__name__)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]")


class Generation:
    """Paths inside one generation."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.info_file = directory / "info.json"
        self.api_file = directory / "api.sqlite"
        self.manifest_file = directory / "manifest.sqlite"
        self.store_dir = directory / "store"

    @property
    def name(self) -> str:
        """Name of the generation; sorts by the time it was made."""
        return self.directory.name

    def info(self) -> IndexInfo:
        """Read what the generation says of itself.

        Raises:
            IndexMismatch: it was made by another version of fury-agent.
            IndexCorrupt: it cannot be read.
        """
        try:
            raw = self.info_file.read_bytes()
            made_with = msgspec.json.decode(raw, type=dict[str, object]).get("format")
            if made_with != FORMAT:
                raise IndexMismatch(
                    f"The index in {str(self.directory)!r} has format {made_with!r}; this version reads {FORMAT}.",
                    remedy=f"Build it again: `fury-agent index '{self._spec}'`.",
                )
            return msgspec.json.decode(raw, type=IndexInfo)
        except (OSError, msgspec.DecodeError) as error:
            raise IndexCorrupt(
                f"The index in {str(self.directory)!r} cannot be read ({error}).",
                remedy=f"Build it again: `fury-agent index --force '{self._spec}'`.",
            ) from error

    @property
    def _spec(self) -> str:
        """What the directories above it are called: library and version."""
        version = self.directory.parent.parent
        return f"{version.parent.name}=={version.name}"


class IndexDirectory:
    """All generations of one library at one version.

    Args:
        root: `Settings.indexes_dir`.
        library: name of the library.
        version: its version; characters that file systems dislike are replaced.
        drop: frees what a generation holds elsewhere, before its directory goes; while it raises, the directory stays.
    """

    def __init__(
        self, root: Path, library: str, version: str, *, drop: Callable[[Generation], None] = lambda _: None
    ) -> None:
        self.library = library
        self.version = version
        self.root = root / safe(library) / safe(version)
        self.shards_dir = self.root / "shards"
        self._pointer = self.root / "CURRENT"
        self._drop = drop

    def current(self) -> Generation:
        """Return the generation that is served.

        Raises:
            IndexMissing: none was ever built.
        """
        generation = self.current_or_none()
        if generation is None:
            raise IndexMissing(
                f"There is no index of {self.library} {self.version}.",
                remedy=f"Build it: `fury-agent index '{self.library}=={self.version}'`.",
            )
        return generation

    def current_or_none(self) -> Generation | None:
        """Return the generation that is served, if there is one."""
        try:
            name = self._pointer.read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise IndexCorrupt(
                f"{str(self._pointer)!r} cannot be read ({error}).",
                remedy="Fix its permissions, or build the index again: `fury-agent index --force`.",
            ) from error
        directory = self.root / "generations" / name
        return Generation(directory) if name and directory.is_dir() else None

    @contextmanager
    def building(self, wait: float, *, waiting: Callable[[], None] = lambda: None) -> Generator[None]:
        """Hold the build lock; the system releases it when the process dies, however it dies.

        Args:
            wait: seconds to wait for another build to end.
            waiting: called if there is another build to wait for.

        Raises:
            BuildLocked: another process is still building after that time.
            StorageError: the directory cannot be written.
        """
        with storage_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / "build.lock")
            try:
                _acquire(lock, wait, waiting)
            except Timeout as error:
                raise BuildLocked(
                    f"Another process has been building the index of {self.library} {self.version} for {wait:.0f} s.",
                    remedy="Wait for it to end, or stop it; the served index is not affected.",
                ) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def new_generation(self) -> Generator[Generation]:
        """Make a directory for a new generation; if the block raises, nothing of it stays."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:6]}"
        directory = self.root / "generations" / name
        with storage_errors(directory):
            directory.mkdir(parents=True)
        try:
            yield Generation(directory)
        except BaseException:
            self._remove(directory)
            raise

    def publish(self, generation: Generation, info: IndexInfo) -> None:
        """Write the info, flush, and switch `CURRENT` to the generation; then drop old ones."""
        with storage_errors(self.root):
            flush(generation.directory)
            write_atomically(generation.info_file, msgspec.json.format(msgspec.json.encode(info)))
            write_atomically(self._pointer, generation.name.encode())
            flush_directory(self.root)
        self.clean_up()

    def clean_up(self) -> None:
        """Remove what builds left: generations before the previous one, those never finished, and shards."""
        shutil.rmtree(self.shards_dir, ignore_errors=True)
        current = self.current_or_none()
        finished: list[Path] = []
        for directory in sorted((self.root / "generations").iterdir(), reverse=True):
            if current is not None and directory == current.directory:
                continue
            if (directory / "info.json").exists() and len(finished) < KEPT_GENERATIONS - 1:
                finished.append(directory)
            else:
                self._remove(directory)

    def _remove(self, directory: Path) -> None:
        try:
            self._drop(Generation(directory))
        except AgentError as error:
            _log.warning("%s stays until the next build: %s", directory, error)
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _acquire(lock: FileLock, wait: float, waiting: Callable[[], None]) -> None:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        waiting()
        lock.acquire(timeout=wait)


def list_libraries(root: Path) -> tuple[Library, ...]:
    """Return every indexed version below `root`, by name; see `unusable_indexes` for the others."""
    found = (info for info in _read(root) if isinstance(info, IndexInfo))
    return tuple(msgspec.convert(msgspec.to_builtins(info), Library) for info in found)


def unusable_indexes(root: Path) -> tuple[IndexCorrupt | IndexMismatch, ...]:
    """Return what is wrong with the indexes below `root` that cannot be used, and the commands that mend them."""
    return tuple(error for error in _read(root) if not isinstance(error, IndexInfo))


def _read(root: Path) -> Iterator[IndexInfo | IndexCorrupt | IndexMismatch]:
    for pointer in sorted(root.glob("*/*/CURRENT")):
        directory = IndexDirectory(root, pointer.parent.parent.name, pointer.parent.name)
        try:
            yield directory.current().info()
        except (IndexCorrupt, IndexMismatch) as error:
            yield error
        except IndexMissing as error:  # it points nowhere
            yield IndexCorrupt(error.message, remedy=error.remedy)


def indexed_versions(root: Path, library: str) -> tuple[str, ...]:
    """Return the versions of a library that have an index, the one indexed last at the end."""
    pointers = sorted((root / safe(library)).glob("*/CURRENT"), key=lambda pointer: pointer.stat().st_mtime)
    return tuple(pointer.parent.name for pointer in pointers)


def find_index(root: Path, library: str, version: str | None, default_version: str | None = None) -> IndexDirectory:
    """Return the index of a library, by exact version where one is given.

    Args:
        root: `Settings.indexes_dir`.
        library: name of the library.
        version: exact version, or None for `default_version`, or else the one indexed last.
        default_version: version preferred where none is asked for.

    Raises:
        UnknownLibrary: nothing is indexed under that name; names what is.
        UnknownVersion: not at that version; names those there are.
    """
    versions = indexed_versions(root, library)
    if not versions:
        names = ", ".join(sorted({pointer.parent.parent.name for pointer in root.glob("*/*/CURRENT")})) or "none"
        raise UnknownLibrary(
            f"The library {library!r} is not indexed; indexed are: {names}.",
            remedy=f"Index it: `fury-agent index {library}`.",
        )
    if version is None:
        version = default_version if default_version and safe(default_version) in versions else versions[-1]
    if safe(version) not in versions:
        raise UnknownVersion(
            f"{library} {version!r} is not indexed; indexed are: {', '.join(sorted(versions))}.",
            remedy=f"Index it: `fury-agent index '{library}=={version}'`.",
        )
    return IndexDirectory(root, library, version)


def safe(name: str) -> str:
    """Return a library's name or version as a directory is called: without what file systems dislike."""
    return _UNSAFE.sub("_", name)
