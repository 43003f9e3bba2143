"""The unpacked trees in the data directory: `sources/NAME/{origin.json,tree/}`.

A tree is written beside its place and renamed, so what has its name is whole. It does not depend on the settings:
what is selected from it is decided anew each time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from packaging.version import Version

from agent.errors import StorageError

_PARTIAL = ".partial-"
_ABANDONED_AFTER = 24 * 3600.0  # seconds; no download takes that long


class Origin(Struct, frozen=True):
    """What a kept tree came from.

    Attributes:
        url: address without credentials.
        digest: SHA-256 of the archive, or the full commit.
        skipped: number of archive members left out, by reason.
    """

    kind: Literal["sdist", "wheel", "git"]
    library: str
    version: str | None
    url: str
    digest: str
    skipped: dict[str, int]


class Kept(Struct, frozen=True):
    """A tree in the data directory."""

    root: Path
    origin: Origin


def _find(sources_dir: Path, wanted: Callable[[Origin], bool]) -> Kept | None:
    """Return the newest kept tree whose origin is wanted."""
    found = [kept for path in sources_dir.glob("[!.]*/origin.json") if (kept := _load(path)) and wanted(kept.origin)]
    return max(found, key=lambda kept: kept.root.stat().st_mtime, default=None)


def find_release(sources_dir: Path, library: str, version: str) -> Kept | None:
    """Return the kept release of a package; `2.0` and `2.0.0` are one version."""
    wanted = Version(version)
    return _find(
        sources_dir,
        lambda origin: (
            origin.kind != "git"
            and origin.library == library
            and origin.version is not None
            and Version(origin.version) == wanted
        ),
    )


def find_commit(sources_dir: Path, commit: str) -> Kept | None:
    """Return the kept tree of a full commit, whichever repository it came from."""
    return _find(sources_dir, lambda origin: origin.kind == "git" and origin.digest == commit)


def _load(path: Path) -> Kept | None:
    try:
        origin = msgspec.json.decode(path.read_bytes(), type=Origin)
    except (OSError, msgspec.MsgspecError):  # of another version of this program, or damaged by hand: made anew
        return None
    root = path.with_name("tree")
    return Kept(root, origin) if root.is_dir() else None


@contextmanager
def workspace(sources_dir: Path) -> Generator[Path]:
    """Give a directory on the same file system as the kept trees; nothing of it remains afterwards.

    Raises:
        StorageError: `sources_dir` cannot be written.
    """
    with storing(sources_dir):
        sources_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(sources_dir)
        directory = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=sources_dir))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _remove_abandoned(sources_dir: Path) -> None:
    for path in sources_dir.glob(f"{_PARTIAL}*"):
        with suppress(FileNotFoundError):  # its own process may be removing it
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(path, ignore_errors=True)


def keep(tree: Path, sources_dir: Path, origin: Origin) -> Kept:
    """Move `tree`, which must be on the same file system, to its place; one that is already there stays."""
    name = f"{origin.library}-{origin.version or origin.kind}-{origin.digest[:12]}"
    place = sources_dir / name
    with storing(place), tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=sources_dir) as beside:
        whole = Path(beside) / name
        whole.mkdir()
        tree.rename(whole / "tree")
        (whole / "origin.json").write_bytes(msgspec.json.encode(origin))
        _put(whole, place)
    return Kept(place / "tree", origin)


def _put(whole: Path, place: Path) -> None:
    if place.exists() and _load(place / "origin.json") is None:
        shutil.rmtree(place)  # no tree of ours
    try:
        whole.rename(place)
    except OSError:
        if not place.is_dir():  # else another process was quicker with the same bytes
            raise


@contextmanager
def storing(path: Path) -> Generator[None]:
    """Translate an OSError on the data directory."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{os.fspath(path)!r} cannot be written: {error.strerror or error}.",
            remedy="Free some space, or set data_dir to a directory that can be written.",
        ) from error
