"""What the chunks of a file depend on, as one digest: it says which files of a new tree need not be chunked again.

Digests are on disk, by path: a library has many files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from sqlite3 import Connection

from msgspec import Struct

from agent.index_file import Column, IndexFile, scratch
from agent.schema import SourceFile

_SCHEMA = """
CREATE TABLE modules (name TEXT PRIMARY KEY, names BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE files (path TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;
"""
_BYTES = 32
"""Of a SHA-256."""
_CACHED = 4_096


def fingerprints(files: Iterable[SourceFile], public_paths: Mapping[str, str]) -> Mapping[str, str]:
    """Return path -> digest of all that a file's chunks depend on: its bytes, its place, and its public names.

    A re-export in `__init__.py` changes the public names of another file, which must then be chunked again.

    Args:
        files: walked through twice.
        public_paths: definition path -> public path, best in the order of definition paths.
    """
    connection = scratch(_SCHEMA)
    modules = ((file.module, bytes(_BYTES)) for file in files if file.module is not None)
    connection.executemany("INSERT OR IGNORE INTO modules VALUES (?, ?)", modules)
    _add_names(connection, public_paths)
    connection.executemany(
        "INSERT INTO files VALUES (?, ?)", ((file.path, _fingerprint(connection, file)) for file in files)
    )
    return Column(IndexFile(connection, "fingerprints"), "files", "fingerprint", cached=_CACHED)


def _add_names(connection: Connection, public_paths: Mapping[str, str]) -> None:
    """Note of each module the digest of its public names."""

    @lru_cache(_CACHED)
    def module_of(path: str) -> str:
        known = not path or connection.execute("SELECT 1 FROM modules WHERE name = ?", (path,)).fetchone()
        return path if known else module_of(path.rpartition(".")[0])

    for module, definitions in groupby(public_paths.items(), key=lambda item: module_of(item[0])):
        digest = _names(connection, module)
        for item in definitions:
            # In whatever order they come, and without holding them all.
            digest ^= int.from_bytes(hashlib.sha256(repr(item).encode()).digest())
        connection.execute("UPDATE modules SET names = ? WHERE name = ?", (digest.to_bytes(_BYTES), module))


def _names(connection: Connection, module: str | None) -> int:
    found = connection.execute("SELECT names FROM modules WHERE name = ?", (module,)).fetchone()
    return int.from_bytes(found[0]) if found else 0


def _fingerprint(connection: Connection, file: SourceFile) -> str:
    names = _names(connection, file.module)
    context = (file.path, file.role, file.language, file.module, file.sha256, names)
    return hashlib.sha256(repr(context).encode()).hexdigest()


class Unchanged(Struct, frozen=True):
    """The paths of the files that have the same fingerprint as before; only good for asking whether one is among them.

    Attributes:
        now, before: path -> fingerprint.
    """

    now: Mapping[str, str]
    before: Mapping[str, str]

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and path in self.now and self.now[path] == self.before.get(path)
