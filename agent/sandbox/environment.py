"""The virtual environment of a library version, which the sandbox mounts read-only.

::

    environments/LIBRARY/VERSION/
        current -> NAME         what runs use; switched atomically
        prepare.lock            held by the process that prepares
        NAME/                   a virtual environment; the one before stays for the runs that still use it
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from filelock import FileLock
from msgspec import Struct

from agent.durable_files import storage_errors
from agent.errors import InvalidInput, SourceNotFound
from agent.generations import safe
from agent.settings import Settings, child_environment
from agent.sources.spec import PackageSpec, parse_spec

KEPT = 2
"""The current one and the one before it."""


class Environment(Struct, frozen=True):
    """An installed library with all that it needs.

    Attributes:
        directory: the virtual environment.
        python: prefix of the Python that it was made from.
    """

    directory: Path
    python: Path

    def has(self, package: str) -> bool:
        """Tell whether an importable package of that name is installed in it."""
        return any(self.directory.glob(f"lib/python*/site-packages/{package}"))


def find_environment(settings: Settings, library: str, version: str) -> Environment | None:
    """Return the environment that was prepared for a library version, if there is one."""
    current = _root(settings, library, version) / "current"
    try:
        directory = current.resolve(strict=True)
        return Environment(directory, _python_of(directory))
    except OSError:
        return None


def prepare(spec: str, settings: Settings, *, extra: Sequence[str] = ()) -> Environment:
    """Install a release, from wheels alone: nobody's build code is run. What pip says goes to stderr.

    Args:
        spec: `NAME==VERSION`.
        settings: name the data directory.
        extra: other requirements, which code may import besides.

    Raises:
        InvalidInput: `spec` is no release of a package, or an extra is no requirement.
        SourceNotFound: pip could not install it.
        StorageError: the data directory cannot be written.
    """
    release = parse_spec(spec)
    if not isinstance(release, PackageSpec) or release.version is None:
        raise InvalidInput(
            f"{spec!r} is no release of a package; the sandbox installs releases only.",
            remedy="Write NAME==VERSION.",
            field="library",
        )
    if options := [requirement for requirement in extra if requirement.startswith("-")]:
        raise InvalidInput(f"{options[0]!r} is not a package.", remedy="Write NAME or NAME==VERSION.")
    root = _root(settings, release.library, release.version)
    with storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / "prepare.lock"):
            directory = root / _name()
            try:
                _install(directory, [str(release), *extra])
            except BaseException:
                shutil.rmtree(directory, ignore_errors=True)
                raise
            _switch(root, directory)
    return Environment(directory, _python_of(directory))


def _root(settings: Settings, library: str, version: str) -> Path:
    return settings.environments_dir / safe(library) / safe(version)


def _name() -> str:
    """Return a new name that sorts by the time it was made."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:6]}"


def _python_of(directory: Path) -> Path:
    """Return the prefix that `pyvenv.cfg` names: `home` is the `bin` of the Python that made the environment."""
    lines = (line.partition("=") for line in (directory / "pyvenv.cfg").read_text().splitlines())
    home = next((value.strip() for name, _, value in lines if name.strip() == "home"), None)
    if home is None:
        raise FileNotFoundError(f"{str(directory / 'pyvenv.cfg')!r} names no Python")
    return Path(home).parent


def _install(directory: Path, requirements: list[str]) -> None:
    base = Path(sys.base_prefix).resolve() / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    _run([str(base), "-m", "venv", "--without-pip", str(directory)])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(directory)]
    # what PYTHONPATH shows to pip would seem to be installed, and be missing within the walls
    _run([*pip, "install", "--ignore-installed", "--only-binary", ":all:", *requirements])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=sys.stderr, env=child_environment(), umask=0o022, check=False)
    if done.returncode:
        raise SourceNotFound(
            f"The environment could not be prepared: `{shlex.join(command[1:])}` ended with {done.returncode}.",
            remedy="What it said stands above; a package without wheels for this Python cannot be used.",
        )


def _switch(root: Path, directory: Path) -> None:
    link = root / f".current.{uuid4().hex[:8]}"
    link.symlink_to(directory.name)
    link.replace(root / "current")
    older = sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    for path in older[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)
