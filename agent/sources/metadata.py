"""What a project says about itself: name, version, URLs and requirements, read without running anything of it."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path
from typing import Any, TypeGuard

from msgspec import Struct
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

_MAX_BYTES = 2_000_000


class Metadata(Struct, frozen=True):
    """What was found; every value was validated, since names and versions become names of directories.

    Attributes:
        name: canonical name, or None.
        version: canonical version, or None where it is missing or computed by the build.
        urls: (label in lower case, URL) in the project's own order.
        requirements: canonical names of all packages that it asks for: to run, for extras, to build and to develop;
            in alphabetical order; none where what it needs to run is not said, or computed by the build.
        runs_with: whether what it needs to run is said.
    """

    name: str | None = None
    version: str | None = None
    urls: tuple[tuple[str, str], ...] = ()
    requirements: tuple[str, ...] = ()
    runs_with: bool = False


def read_metadata(root: Path) -> Metadata:
    """Read `PKG-INFO` (an sdist), `*.dist-info/METADATA` (a wheel), `pyproject.toml`, and literal `__version__`s.

    Earlier places win, value by value, but requirements are those of all; what is missing, damaged or unreadable is
    left out.
    """
    found = [*(_from_core_metadata(path) for path in _core_metadata_files(root)), _from_pyproject(root)]
    is_said = any(item.runs_with for item in found)
    return Metadata(
        name=next((item.name for item in found if item.name), None),
        version=next((item.version for item in found if item.version), None) or _literal_version(root),
        urls=next((item.urls for item in found if item.urls), ()),
        requirements=tuple(sorted({name for item in found if is_said for name in item.requirements})),
        runs_with=is_said,
    )


def _core_metadata_files(root: Path) -> Iterator[Path]:
    yield root / "PKG-INFO"
    yield from sorted(root.glob("*.dist-info/METADATA"))


def _from_core_metadata(path: Path) -> Metadata:
    headers = BytesHeaderParser(policy=compat32).parsebytes(_read(path))
    labelled = [str(value).partition(",") for value in headers.get_all("Project-URL", [])]
    urls = [(label.strip().lower(), url.strip()) for label, _, url in labelled]
    urls += [("homepage", str(value).strip()) for value in headers.get_all("Home-page", [])]
    return Metadata(
        _valid_name(headers["Name"]),
        _valid_version(headers["Version"]),
        tuple(urls),
        tuple(_required(headers.get_all("Requires-Dist", []))),
        runs_with="Requires-Dist" in headers,
    )


def _from_pyproject(root: Path) -> Metadata:
    try:
        document: dict[str, Any] = tomllib.loads(_read(root / "pyproject.toml").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return Metadata()
    project = _table(document, "project") or _table(_table(document, "tool"), "poetry")
    urls: dict[str, Any] = {key: project[key] for key in ("repository", "homepage") if key in project}
    urls = _table(project, "urls") | urls
    return Metadata(
        _valid_name(project.get("name")),
        _valid_version(project.get("version")),
        tuple((label.lower(), url) for label, url in urls.items() if isinstance(url, str)),
        tuple(_required(_all_requirements(document, project))),
        runs_with=bool(project.get("dependencies")),
    )


def _all_requirements(document: dict[str, Any], project: dict[str, Any]) -> Iterator[object]:
    poetry = _table(_table(document, "tool"), "poetry")
    lists = (
        *(
            table.get("dependencies")
            for table in (project, poetry, *_table(poetry, "group").values())
            if _is_table(table)
        ),
        poetry.get("dev-dependencies"),
        _table(document, "build-system").get("requires"),
        *_table(project, "optional-dependencies").values(),
        *_table(document, "dependency-groups").values(),
    )
    for listed in lists:
        if isinstance(listed, list | dict):
            yield from listed  # of Poetry's tables, the names


def _required(requirements: Iterable[object]) -> Iterator[str]:
    """Yield the canonical names of requirements, as PEP 508 writes them."""
    for requirement in requirements:
        try:
            yield canonicalize_name(Requirement(str(requirement)).name)
        except (InvalidRequirement, RecursionError):  # brackets without end
            continue


def _literal_version(root: Path) -> str | None:
    """Return the first `__version__ = "..."` of a top-level package."""
    for init in (*sorted(root.glob("*/__init__.py")), *sorted(root.glob("src/*/__init__.py"))):
        try:
            body = ast.parse(_read(init)).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # what hostile or old code can cause
            continue
        for statement in body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id="__version__")], value=ast.Constant(value=str(version)))
                    | ast.AnnAssign(target=ast.Name(id="__version__"), value=ast.Constant(value=str(version)))
                ):
                    return _valid_version(version)
                case _:
                    pass
    return None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return b""


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _valid_name(value: object) -> str | None:
    try:
        return canonicalize_name(str(value), validate=True) if value else None
    except InvalidName:
        return None


def _valid_version(value: object) -> str | None:
    try:
        return str(Version(str(value))) if value else None
    except InvalidVersion:
        return None
