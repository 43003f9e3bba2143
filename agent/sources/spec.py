"""SPEC: which sources are meant, as users write it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from agent.errors import InvalidInput
from agent.sources.metadata import read_metadata

GIT_SCHEMES = ("https", "http", "ssh", "file")
_FORMS = "Write NAME, NAME==VERSION, git+URL@REF, or a folder such as ./fury."
_FORBIDDEN_IN_REF = re.compile(r"[\s\x00-\x20\x7f~^:?*\[\\]|\.\.|^[-+/]|^$")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]+@")


def redact(text: str) -> str:
    """Return `text` with the credentials of every URL in it masked."""
    return _CREDENTIALS.sub("***@", text)


class PackageSpec(Struct, frozen=True):
    """A release on the package index.

    Attributes:
        library: canonical package name.
        version: canonical version, or None for the newest stable release.
    """

    library: str
    version: str | None

    def __str__(self) -> str:
        return self.library if self.version is None else f"{self.library}=={self.version}"


class GitSpec(Struct, frozen=True):
    """A revision of a git repository.

    Attributes:
        library: canonical form of the repository's name.
        version: the version that `ref` spells, such as `v2.0.0` or `2.0.0`, else None.
        url: address of the repository; may hold credentials, which neither `str` nor `repr` show.
        ref: branch, tag or full commit; None for the repository's default branch.
    """

    library: str
    version: str | None
    url: str
    ref: str | None

    def __str__(self) -> str:
        return redact(f"git+{self.url}") + (f"@{self.ref}" if self.ref else "")

    def __repr__(self) -> str:
        return f"GitSpec({str(self)!r})"


class FolderSpec(Struct, frozen=True):
    """A folder, read in place.

    Attributes:
        library: the name that the project gives itself, else the folder's name, in canonical form.
        version: always None, since only the folder's contents tell it.
        path: absolute, without links.
    """

    library: str
    version: None
    path: Path

    def __str__(self) -> str:
        return str(self.path)


Spec = PackageSpec | GitSpec | FolderSpec


def parse_spec(spec: str) -> Spec:
    """Read a SPEC; asks no network, and reads no more than a folder's metadata.

    A bare word is always a package: a folder is recognised by a separator or a leading `.` or `~`.

    Raises:
        InvalidInput: the text is none of the forms.
    """
    text = spec.strip()
    if text.startswith("git+"):
        return _parse_git(text.removeprefix("git+"))
    if text.startswith((".", "~")) or "/" in text.split("==")[0] or "\\" in text:
        return _parse_folder(text)
    return _parse_package(text)


def _parse_package(text: str) -> PackageSpec:
    name, pinned, version = (part.strip() for part in text.partition("=="))
    try:
        library = canonicalize_name(name, validate=True)
        return PackageSpec(library, str(Version(version)) if pinned else None)
    except (InvalidName, InvalidVersion) as error:
        raise _invalid(text, "is neither a package nor a pinned release of one") from error


def _parse_git(text: str) -> GitSpec:
    scheme, found, rest = text.partition("://")
    if not found or scheme not in GIT_SCHEMES:
        raise _invalid(f"git+{text}", f"does not name a repository by a URL ({', '.join(GIT_SCHEMES)})")
    authority, _, location = rest.partition("/")
    path, has_ref, ref = location.rpartition("@") if "@" in location else (location, "", "")
    url = f"{scheme}://{authority}/{path}"
    if has_ref and _FORBIDDEN_IN_REF.search(ref):
        raise _invalid(f"git+{text}", f"has {ref!r} as its ref, which is no branch, tag or commit")
    if re.search(r"[\s\x00-\x20\x7f#]", url) or re.search("[/@]-", url):
        raise _invalid(f"git+{text}", "has a URL with blanks, a fragment, or a part that starts with a dash")
    return GitSpec(_repository_name(url, text), _version_in(ref), url, ref or None)


def _repository_name(url: str, text: str) -> str:
    try:
        name = urlsplit(url).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
        return canonicalize_name(name, validate=True)
    except ValueError as error:  # InvalidName is one
        raise _invalid(f"git+{text}", "does not end in the name of a repository") from error


def _version_in(ref: str) -> str | None:
    if not re.match(r"v?\d+\.\d", ref):  # "2024" or a commit of digits alone is no version
        return None
    try:
        return str(Version(ref))
    except InvalidVersion:
        return None


def _parse_folder(text: str) -> FolderSpec:
    try:
        path = Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # no such home, a loop of links, a NUL
        raise _invalid(text, "is not a folder's path") from error
    name = read_metadata(path).name
    try:
        return FolderSpec(name or canonicalize_name(path.name, validate=True), None, path)
    except InvalidName as error:
        raise InvalidInput(
            f"The folder {text!r} has no name that a library could have.",
            remedy="Rename it, or give it a pyproject.toml with a name.",
            field="library",
        ) from error


def _invalid(text: str, problem: str) -> InvalidInput:
    return InvalidInput(f"SPEC {redact(text)!r} {problem}.", remedy=_FORMS, field="library")
