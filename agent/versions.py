"""The indexed versions of libraries: what code can know of them without asking a model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from msgspec.structs import asdict, replace

from agent.generations import Generation, IndexDirectory, find_index, indexed_versions
from agent.question import matching, newest_first
from agent.settings import Settings
from agent.sources import parse_spec
from agent.symbols import ApiModel
from agent.symbols.difference import ApiDifference
from agent.symbols.guides import GUIDE_FILE, Statement, read_statements
from agent.symbols.replacements import Replacements

T = TypeVar("T")


def chosen(settings: Settings, library: str | None, version: str | None) -> IndexDirectory:
    """Return the index that a request means: of the default library where it names none, at its default version.

    Raises:
        UnknownLibrary, UnknownVersion: not indexed; the message lists what is, and the command.
    """
    default = parse_spec(settings.library)
    name = library or default.library
    preferred = default.version if name == default.library else None
    return find_index(settings.indexes_dir, name, version, preferred)


def _api(generation: Generation) -> ApiModel:
    generation.info()  # says so where the index is of another format
    return ApiModel.load(generation.api_file)


class VersionDifference(ApiDifference, frozen=True, kw_only=True):
    """The differences between two indexed versions; `fury-agent diff --json` prints it."""

    library: str
    old: str
    new: str


def only_kind(found: VersionDifference, kind: str) -> VersionDifference:
    """Return a difference with one of its lists, and the others empty."""
    return replace(found, **{name: () for name in ("removed", "added", "moved", "changed") if name != kind})


class Versions:
    """API models and guides of what is indexed, each read once; safe to share between threads.

    Args:
        settings: where the indexes are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.indexes_dir
        self._read: dict[tuple[Path, str], object] = {}

    def names(self, library: str) -> tuple[str, ...]:
        """Return the indexed versions of a library, newest first."""
        return newest_first(indexed_versions(self._root, library))

    def generations(self, library: str) -> str:
        """Return what is different as soon as any version of a library is indexed, indexed again or taken away."""
        names = sorted(indexed_versions(self._root, library))
        served = [(name, IndexDirectory(self._root, library, name).current_or_none()) for name in names]
        return " ".join(f"{name}:{generation.name}" for name, generation in served if generation is not None)

    def find(self, library: str, written: str) -> str:
        """Return the indexed version that is meant: exact, or the highest that starts with what is written.

        Raises:
            UnknownLibrary, UnknownVersion: not indexed; the message lists what is, and the command.
        """
        meant = matching(written, indexed_versions(self._root, library)) or written
        return find_index(self._root, library, meant).version

    def api(self, library: str, version: str) -> ApiModel:
        """Return the API model.

        Raises:
            NotFound: not indexed.
            IndexError_: the index cannot be read.
        """
        return self._once(self._generation(library, version), "api", _api)

    def statements(self, library: str, version: str) -> tuple[Statement, ...]:
        """Return what the migration guide, release notes and change log say of names.

        Raises:
            NotFound: not indexed.
            IndexError_, ServiceError: the index cannot be read.
        """
        return self._once(self._generation(library, version), "statements", self._statements)

    def difference(self, library: str, old: str, new: str) -> VersionDifference:
        """Compare two indexed versions; each may be cut short (`0.10` for `0.10.0`).

        Raises:
            UnknownLibrary, UnknownVersion: not indexed; the message lists what is, and the command.
            IndexError_, ServiceError: an index cannot be read.
        """
        old, new = self.find(library, old), self.find(library, new)
        found = Replacements(self.api(library, new), self.api(library, old), self.statements(library, new))
        return VersionDifference(**asdict(found.explained()), library=library, old=old, new=new)

    def _generation(self, library: str, version: str) -> Generation:
        return find_index(self._root, library, version).current()

    def _statements(self, generation: Generation) -> tuple[Statement, ...]:
        from agent.chunking.nodes import from_node
        from agent.manifest import Manifest
        from agent.providers.stores import open_store

        with closing(Manifest(generation.manifest_file)) as manifest:
            guides = filter(GUIDE_FILE.search, manifest.fingerprints())
            ids = [name for held in manifest.chunk_ids(guides).values() for name in held]
        chunks = (from_node(node) for node in open_store(self._settings, generation).get_nodes(ids))
        return read_statements(chunk for chunk in chunks if chunk.role == "docs")

    def _once(self, generation: Generation, what: str, read: Callable[[Generation], T]) -> T:
        key = (generation.directory, what)
        if key not in self._read:
            self._read[key] = read(generation)
        return self._read[key]  # type: ignore[return-value]  # the key says what was read
