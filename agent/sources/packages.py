"""Where the importable code is in a source tree, told from its file names alone."""

from __future__ import annotations

from pathlib import PurePosixPath

from msgspec import Struct

_ROOTS = ("", "src/", "lib/", "python/")  # where projects keep their packages
_NOT_PACKAGES = {"doc", "docs", "test", "tests", "benchmarks", "tools", "scripts", "ci"}
_PROJECT_FILES = {"setup.py", "conftest.py", "noxfile.py", "tasks.py", "dodo.py", "versioneer.py", "fabfile.py"}
_INITS = ("__init__.py", "__init__.pyi")


class Layout(Struct, frozen=True):
    """The importable packages and modules of a source tree.

    Attributes:
        roots: import path -> directory that holds it, ending in `/` or empty: `src/requests` -> `src/`.
    """

    roots: dict[str, str]

    @property
    def packages(self) -> tuple[str, ...]:
        """Packages as `src/requests`, single modules as `six.py`, relative to the tree."""
        return tuple(sorted(self.roots))

    def holds(self, path: str) -> bool:
        """Whether the file belongs to one of the packages."""
        return self._root_of(path) is not None

    def module(self, path: str) -> str | None:
        """Return the dotted name under which Python code at `path` is imported, or None if it cannot be."""
        root = self._root_of(path)
        file = PurePosixPath(path)
        if root is None or file.suffix not in (".py", ".pyi", ".pyx"):
            return None
        names = PurePosixPath(path.removeprefix(root)).with_suffix("").parts
        names = names[:-1] if names[-1] == "__init__" else names
        return ".".join(names) if names and all(name.isidentifier() for name in names) else None

    def _root_of(self, path: str) -> str | None:
        return next((root for name, root in self.roots.items() if path == name or path.startswith(f"{name}/")), None)


def find_layout(paths: list[str], library: str, not_packages: tuple[str, ...]) -> Layout:
    """Find the packages among `paths`; `not_packages` are further names of directories that are none.

    Directories with `__init__.py` count first, then namespaces (a directory that has such ones deeper inside), then
    single modules: those in `src/`, else the one at the top that is named like the library, else all at the top.
    """
    excluded = _NOT_PACKAGES | set(not_packages)
    found: dict[str, str] = {}
    namespaces: dict[str, str] = {}
    for path in paths:
        root = next(root for root in reversed(_ROOTS) if path.startswith(root))
        top, *inner = path.removeprefix(root).split("/")
        if not top.isidentifier() or top in excluded or not inner or inner[-1] not in _INITS:
            continue
        (found if len(inner) == 1 else namespaces)[root + top] = root
    return Layout(found or _modules(paths, library) or namespaces)


def _modules(paths: list[str], library: str) -> dict[str, str]:
    named = f"{library.replace('-', '_')}.py"
    in_src = {
        path: "src/" for path in paths if path.startswith("src/") and path.count("/") == 1 and path.endswith(".py")
    }
    at_top = {path: "" for path in paths if "/" not in path and path.endswith(".py") and path not in _PROJECT_FILES}
    return in_src or {path: "" for path in at_top if path.lower() == named} or at_top
