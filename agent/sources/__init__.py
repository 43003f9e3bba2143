"""Where sources come from: the package index, a git repository or a folder; all end as a `SourceTree`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import gettempdir

from msgspec import Struct
from msgspec.structs import replace

from agent.durable_files import storage_errors
from agent.errors import SourceNotFound
from agent.schema import SourceTree
from agent.settings import Settings
from agent.sources.folder import committed_at
from agent.sources.git import fetch_commit
from agent.sources.kept import Kept, find_release
from agent.sources.links import check_template, find_repository, repository_at, url_template
from agent.sources.metadata import read_metadata
from agent.sources.progress import Progress, silent
from agent.sources.selection import select
from agent.sources.spec import FolderSpec, GitSpec, PackageSpec, Spec, parse_spec

__all__ = ["FolderSpec", "GitSpec", "PackageSpec", "Progress", "Spec", "open_source", "parse_spec"]


class _Located(Struct, frozen=True):
    """Sources on disk; `revision` is None where only the files can tell it, `repository` where nobody does."""

    root: Path
    version: str
    revision: str | None
    repository: str | None
    skipped: dict[str, int]


def open_source(spec: str, settings: Settings, *, progress: Progress | None = None) -> SourceTree:
    """Get the sources that `spec` names, and select the files that are worth asking about.

    Releases and commits are kept in `settings.sources_dir`; opening one again needs no network. `library`, and
    `version` where the SPEC says one, are those of `parse_spec`, so that an index made from the tree is found by them.

    Args:
        spec: `NAME==VERSION`, `NAME` (the newest stable release), `git+URL@REF` or a folder.
        settings: limits, selection rules, and where to keep things.
        progress: told about downloads in bytes.

    Raises:
        InvalidInput: `spec` is none of these.
        ConfigurationError: a setting, or pip's configuration, cannot be used.
        SourceNotFound: no such package, version, repository, ref or folder.
        SourceUnreachable: the network, or what stands behind it, did not answer.
        UnsafeArchive: what came is damaged, hostile or beyond the limits; nothing of it was kept.
        StorageError: the data directory cannot be written.
    """
    parsed = parse_spec(spec)
    located = _locate(parsed, settings, progress or silent)
    with storage_errors(Path(gettempdir()), "TMPDIR"):  # where the list of files is written down
        selection = select(located.root, parsed.library, settings)
    tree = SourceTree(
        library=parsed.library,
        version=located.version,
        revision=located.revision or "local",
        root=located.root,
        url_template=None,
        packages=selection.packages,
        files=selection.files,
        skipped=dict(sorted((Counter(selection.skipped) + Counter(located.skipped)).items())),
        requirements=read_metadata(located.root).requirements,
    )
    revision = located.revision or committed_at(tree)
    return replace(
        tree,
        revision=revision or f"local-{tree.digest()[:12]}",
        url_template=_template(located.repository, revision, settings),
    )


def _template(repository: str | None, revision: str | None, settings: Settings) -> str | None:
    if settings.source_url_template is not None:
        return check_template(settings.source_url_template)
    return url_template(repository, revision) if repository and revision else None


def _locate(spec: Spec, settings: Settings, progress: Progress) -> _Located:
    match spec:
        case PackageSpec():
            return _release(spec, _open_release(spec, settings, progress))
        case GitSpec():
            return _commit(spec, fetch_commit(spec, settings, progress))
        case FolderSpec():
            if not spec.path.is_dir():
                raise SourceNotFound(f"{str(spec.path)!r} is not a folder.", remedy="Check the path.")
            metadata = read_metadata(spec.path)
            return _Located(spec.path, metadata.version or "local", None, find_repository(metadata.urls), {})


def _open_release(spec: PackageSpec, settings: Settings, progress: Progress) -> Kept:
    if spec.version and (kept := find_release(settings.sources_dir, spec.library, spec.version)):
        return kept
    from agent.sources.package_index import fetch_release

    return fetch_release(spec, settings, progress)


def _release(spec: PackageSpec, kept: Kept) -> _Located:
    origin = kept.origin
    version = origin.version or ""
    # A wheel's paths are those of the installation; where they are in the repository nobody can tell.
    repository = find_repository(read_metadata(kept.root).urls) if origin.kind == "sdist" else None
    return _Located(kept.root, spec.version or version, f"v{version}", repository, origin.skipped)


def _commit(spec: GitSpec, kept: Kept) -> _Located:
    commit = kept.origin.digest
    metadata = read_metadata(kept.root)
    # All commits between two releases claim the same version: the suffix (PEP 440's local part) tells them apart.
    public = (metadata.version or "0").partition("+")[0]
    repository = repository_at(spec.url) or find_repository(metadata.urls)
    return _Located(kept.root, spec.version or f"{public}+g{commit[:10]}", commit, repository, kept.origin.skipped)
