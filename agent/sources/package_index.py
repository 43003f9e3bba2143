"""Releases from the package index that the machine is configured for, without running any of their code."""

from __future__ import annotations

import hashlib
import logging
from bisect import bisect_left
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import httpx2
from msgspec import Struct
from packaging.version import Version
from unearth import Link, Package, PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.collector import is_secure_origin
from unearth.fetchers import Fetcher, PyPIClient

from agent.errors import ConfigurationError, SourceNotFound, SourceUnreachable, UnsafeArchive
from agent.settings import Settings
from agent.sources.archive import Limits, unpack
from agent.sources.kept import Kept, Origin, find_release, keep, storing, workspace
from agent.sources.metadata import read_metadata
from agent.sources.pip_config import PipConfig, read_pip_config
from agent.sources.progress import Progress
from agent.sources.spec import PackageSpec, redact

# It warns about every index that does not have a package; without a handler that would go to the user's terminal.
logging.getLogger("unearth").addHandler(logging.NullHandler())

_BLOCK = 1 << 16
_NEAR = 5  # versions named when the wanted one is not there
_GONE = (404, 410)  # how an index says that it does not have a package


class _Release(Struct, frozen=True):
    version: str
    link: Link


def fetch_release(spec: PackageSpec, settings: Settings, progress: Progress) -> Kept:
    """Download, verify and unpack a release: its sdist, or its pure wheel where there is none.

    Raises:
        SourceNotFound: no such package or version, or it comes only as compiled wheels.
        SourceUnreachable: an index did not answer, or not with what an index answers.
        UnsafeArchive: the archive is damaged, hostile, beyond the limits, or not what the index announced.
        ConfigurationError: pip's settings cannot be used.
        StorageError: the data directory cannot be written.
    """
    config = read_pip_config()
    refusals: list[str] = []
    with _client(config, settings.network_timeout, refusals) as client:
        with _translated(spec, settings.network_timeout):
            candidates = _candidates(spec, config, client)
        refusals += [f"{redact(url)} is neither https nor a trusted-host of pip" for url in _insecure(config, client)]
        release = _choose(spec, candidates, refusals)
        if kept := find_release(settings.sources_dir, spec.library, release.version):
            return kept
        with workspace(settings.sources_dir) as directory:
            archive = directory / "archive"
            with _translated(spec, settings.network_timeout):
                digest = _download(client, release, archive, settings.source_max_archive_bytes, progress)
            progress("unpacking", 0, None)
            return _unpack(spec, release, archive, digest, settings)


@contextmanager
def _client(config: PipConfig, timeout: float, refusals: list[str]) -> Generator[PyPIClient]:
    def note_refusal(response: httpx2.Response) -> None:
        if response.is_error and response.status_code not in _GONE:
            refusals.append(f"{redact(str(response.url))} answered {response.status_code}")

    with PyPIClient(
        trusted_hosts=config.trusted_hosts,
        verify=config.tls(),
        timeout=timeout,
        proxy=config.proxy,
        follow_redirects=True,
        auth=MultiDomainBasicAuth(prompting=False, index_urls=_index_urls(config)),
        event_hooks={"response": [note_refusal]},
    ) as client:
        yield client


def _index_urls(config: PipConfig) -> list[str]:
    return [] if config.no_index else [*([config.index_url] if config.index_url else []), *config.extra_index_urls]


def _fetcher(client: PyPIClient) -> Fetcher:
    return cast("Fetcher", client)  # unearth's own client, which its own protocol describes too narrowly


def _insecure(config: PipConfig, client: PyPIClient) -> list[str]:
    return [url for url in _index_urls(config) if not is_secure_origin(_fetcher(client), Link(url))]


def _candidates(spec: PackageSpec, config: PipConfig, client: PyPIClient) -> list[Package]:
    """Return all archives of the package, best first: not yanked, then newest."""
    if config.no_index and not config.find_links:
        raise ConfigurationError(
            "pip is told to use no index (no-index) and no folder (find-links).",
            remedy="`pip config debug` shows where that is set.",
        )
    # Given no source at all, the finder takes the public index, as pip does.
    default = () if config.index_url is None else (config.index_url,)
    finder = PackageFinder(
        session=_fetcher(client),
        index_urls=() if config.no_index else default,
        find_links=config.find_links if config.no_index else (),
        trusted_hosts=config.trusted_hosts,
        ignore_compatibility=True,  # it is read, not run
    )
    if not config.no_index:
        for url in config.extra_index_urls:
            finder.add_index_url(url)
        for url in config.find_links:
            finder.add_find_links(url)
    return list(finder.find_all_packages(spec.library, allow_yanked=True))


def _choose(spec: PackageSpec, candidates: list[Package], refusals: list[str]) -> _Release:
    versions = [(Version(package.version), package.link) for package in candidates if package.version]
    wanted = Version(spec.version) if spec.version else _newest(versions)
    releases = [_Release(str(version), link) for version, link in versions if version == wanted]
    if not releases:
        raise _missing(spec, sorted({version for version, _ in versions}), refusals)
    sdists = [release for release in releases if not release.link.is_wheel]
    pure = [release for release in releases if release.link.filename.endswith("-none-any.whl")]
    if not sdists and not pure:
        raise SourceNotFound(
            f"{spec.library} {wanted} comes only as compiled wheels, which do not hold its sources.",
            remedy="Use its repository instead: git+URL@REF.",
        )
    return (sdists or pure)[0]


def _newest(versions: list[tuple[Version, Link]]) -> Version | None:
    """Return the newest stable version, or the newest of all where none is; yanked ones only if all are."""
    offered = [version for version, link in versions if not link.is_yanked] or [version for version, _ in versions]
    stable = [version for version in offered if not version.is_prerelease]
    return max(stable or offered, default=None)


def _missing(spec: PackageSpec, versions: list[Version], refusals: list[str]) -> SourceNotFound | SourceUnreachable:
    if refusals:
        return SourceUnreachable(
            f"{str(spec)!r} could not be looked for: {'; '.join(refusals)}.",
            remedy="Try again later, or mend pip's settings (`pip config debug`).",
        )
    if not versions or spec.version is None:
        return SourceNotFound(
            f"No package index that pip is configured for has a package {spec.library!r}.",
            remedy="Check the name, or use git+URL@REF or a folder.",
        )
    place = bisect_left(versions, Version(spec.version))
    first = max(0, min(place - _NEAR // 2 - 1, len(versions) - _NEAR))
    near = ", ".join(str(version) for version in versions[first : first + _NEAR])
    return SourceNotFound(f"{spec.library} has no version {spec.version!r}.", remedy=f"Near it are {near}.")


def _download(client: PyPIClient, release: _Release, archive: Path, limit: int, progress: Progress) -> str:
    """Download to `archive`, verify every digest that the index announced; return the SHA-256."""
    link = release.link
    announced = {
        name: values[0].lower()
        for name, values in (link.hash_option or {}).items()
        if name in hashlib.algorithms_guaranteed
    }
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in {*announced, "sha256"}}
    # Servers that compress an archive once more on the way would spoil its digest: raw bytes are taken.
    with client.stream("GET", link.url_without_fragment, headers={"Accept-Encoding": "identity"}) as response:
        if response.is_error:
            raise SourceUnreachable(
                f"{link.redacted!r} answered {response.status_code}.", remedy="Try again later, or use another index."
            )
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        done = 0
        with storing(archive):
            file = archive.open("xb")
        with file:
            for block in response.iter_raw(_BLOCK):
                done += len(block)
                if done > limit:
                    raise UnsafeArchive(
                        f"{link.filename!r} is larger than {limit} bytes.",
                        remedy="Set source_max_archive_bytes if it is to be trusted.",
                    )
                for digest in hashes.values():
                    digest.update(block)
                with storing(archive):
                    file.write(block)
                progress(f"downloading {link.filename}", done, total)
            with storing(archive):
                file.flush()
    for name, expected in announced.items():
        if (found := hashes[name].hexdigest()) != expected:
            raise UnsafeArchive(
                f"{link.filename!r} has the {name} {found}, but its index announced {expected}.",
                remedy="Try again; if it stays so, the index or something on the way is not to be trusted.",
            )
    return hashes["sha256"].hexdigest()


def _unpack(spec: PackageSpec, release: _Release, archive: Path, digest: str, settings: Settings) -> Kept:
    tree = archive.with_name("unpacked")
    tree.mkdir()
    skipped = unpack(archive, tree, Limits(settings.source_max_archive_files, settings.source_max_archive_bytes))
    tops = list(tree.iterdir())
    if not release.link.is_wheel and len(tops) == 1 and tops[0].is_dir():
        tree = tops[0]  # sdists have one directory NAME-VERSION around everything; paths begin inside it
    named = read_metadata(tree).name
    if not tops or named not in (None, spec.library):
        raise UnsafeArchive(
            f"{release.link.filename!r} holds {named or 'nothing'!r} instead of {spec.library!r}.",
            remedy="Tell the index that it came from.",
        )
    kind = "wheel" if release.link.is_wheel else "sdist"
    url = redact(release.link.url_without_fragment)
    origin = Origin(kind, spec.library, release.version, url, digest, dict(skipped))
    return keep(tree, settings.sources_dir, origin)


@contextmanager
def _translated(spec: PackageSpec, timeout: float) -> Generator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        raise SourceUnreachable(
            f"The package index said nothing for {timeout:g} s while {str(spec)!r} was asked for.",
            remedy="Try again later, or set network_timeout.",
        ) from error
    # The last four are what unearth raises on a page that is no index page.
    except (
        httpx2.HTTPError,
        httpx2.InvalidURL,
        httpx2.StreamError,
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise SourceUnreachable(
            f"The package index could not be read while {str(spec)!r} was asked for: "
            f"{redact(str(error)) or type(error).__name__}.",
            remedy="Check the network and pip's settings (`pip config debug`).",
        ) from error
