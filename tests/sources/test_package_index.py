"""Releases from a package index, through the real client, against an index that misbehaves."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from agent.errors import AgentError, ConfigurationError, SourceNotFound, SourceUnreachable, StorageError, UnsafeArchive
from agent.settings import Settings, load_settings
from agent.sources import open_source, package_index
from agent.sources.pip_config import PipConfig
from tests.sources.conftest import SOURCE, FakeIndex, make_sdist

SDIST = "nice_lib-1.2.0.tar.gz"


def kept(settings: Settings) -> list[str]:
    """Return the names of all that is in the directory of sources, hidden ones too."""
    return sorted(path.name for path in settings.sources_dir.iterdir()) if settings.sources_dir.exists() else []


def test_an_sdist_is_unpacked_without_its_top_directory(index: FakeIndex, settings: Settings) -> None:
    index.add(SDIST, make_sdist(SOURCE))
    seen: list[tuple[str, int, int | None]] = []

    def note(stage: str, done: int, total: int | None, /) -> None:
        seen.append((stage, done, total))

    tree = open_source("Nice_Lib==1.2", settings, progress=note)

    assert (tree.library, tree.version, tree.revision) == ("nice-lib", "1.2", "v1.2.0")
    assert [file.path for file in tree.files] == ["README.md", "nice_lib/__init__.py"]
    assert tree.packages == ("nice_lib",)
    assert tree.url_template == "https://github.com/o/nice/blob/v1.2.0/{path}#L{start}-L{end}"
    size = len(index.files[SDIST])
    assert (f"downloading {SDIST}", size, size) in seen


def test_opening_again_asks_nobody(index: FakeIndex, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add(SDIST, make_sdist(SOURCE))
    first = open_source("nice-lib==1.2.0", settings)
    index.requests.clear()
    monkeypatch.setattr(package_index, "read_pip_config", lambda: pytest.fail("pip was asked"))

    assert open_source("nice-lib==1.2.0", settings) == first
    assert index.requests == []


def test_a_bare_name_is_the_newest_stable_release(index: FakeIndex, settings: Settings) -> None:
    for version in ("1.2.0", "1.10.0", "2.0.0a1", "1.11.0"):
        index.add(f"nice_lib-{version}.tar.gz", make_sdist(SOURCE))
    index.yanked = {"nice_lib-1.11.0.tar.gz"}

    assert open_source("nice-lib", settings).version == "1.10.0"
    assert open_source("nice-lib==1.11.0", settings).revision == "v1.11.0"


def make_wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("nice_lib/__init__.py", "x = 1\n")
        wheel.writestr("nice_lib-1.2.0.dist-info/METADATA", SOURCE["PKG-INFO"])
    return buffer.getvalue()


def test_a_pure_wheel_serves_where_there_is_no_sdist_but_has_no_links(index: FakeIndex, settings: Settings) -> None:
    """A wheel's paths are not those of the repository."""
    index.add("nice_lib-1.2.0-cp311-cp311-win32.whl", b"not taken")
    index.add("nice_lib-1.2.0-py3-none-any.whl", make_wheel())

    tree = open_source("nice-lib==1.2.0", settings)

    assert [file.path for file in tree.files] == ["nice_lib/__init__.py"]
    assert tree.url_template is None


def test_only_compiled_wheels_are_no_sources(index: FakeIndex, settings: Settings) -> None:
    index.add("nice_lib-1.2.0-cp311-cp311-win32.whl", make_wheel())
    with pytest.raises(SourceNotFound, match="compiled wheels"):
        open_source("nice-lib==1.2.0", settings)


def test_an_unknown_version_names_near_ones(index: FakeIndex, settings: Settings) -> None:
    for minor in range(1, 12):
        index.add(f"nice_lib-1.{minor}.tar.gz", make_sdist(SOURCE))
    with pytest.raises(SourceNotFound, match=r"'1\.5\.1'.*Near it are 1\.3, 1\.4, 1\.5, 1\.6, 1\.7\."):
        open_source("nice-lib==1.5.1", settings)
    with pytest.raises(SourceNotFound, match=r"1\.7, 1\.8, 1\.9, 1\.10, 1\.11\."):
        open_source("nice-lib==9", settings)


@pytest.mark.usefixtures("index")
def test_an_unknown_package_is_not_found(settings: Settings) -> None:
    with pytest.raises(SourceNotFound, match="other-lib"):
        open_source("other-lib==1", settings)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_an_index_that_refuses_is_not_taken_for_one_without_the_package(
    index: FakeIndex, settings: Settings, status: int
) -> None:
    index.status = status
    with pytest.raises(SourceUnreachable, match=f"answered {status}"):
        open_source("nice-lib==1.2.0", settings)


@pytest.mark.parametrize("page", [b"{", b"[]", b'{"files": 3}', b'{"files": [{"url": 4}]}', b"\xff"])
def test_a_page_that_is_no_index_page(index: FakeIndex, settings: Settings, page: bytes) -> None:
    index.page = page
    with pytest.raises(SourceUnreachable, match="could not be read"):
        open_source("nice-lib==1.2.0", settings)


def test_a_hash_mismatch_is_refused_and_nothing_stays(index: FakeIndex, settings: Settings) -> None:
    index.add(SDIST, make_sdist(SOURCE), sha256="0" * 64)
    with pytest.raises(UnsafeArchive, match="announced 0000"):
        open_source("nice-lib==1.2.0", settings)
    assert kept(settings) == []


def test_a_truncated_download_is_refused_and_nothing_stays(index: FakeIndex, settings: Settings) -> None:
    index.add(SDIST, make_sdist(SOURCE))
    index.cut = 20
    with pytest.raises(SourceUnreachable):
        open_source("nice-lib==1.2.0", settings)
    assert kept(settings) == []


def test_a_damaged_archive_with_the_right_hash_is_refused(index: FakeIndex, settings: Settings) -> None:
    index.add(SDIST, make_sdist(SOURCE)[:-20])
    with pytest.raises(UnsafeArchive, match="damaged"):
        open_source("nice-lib==1.2.0", settings)
    assert kept(settings) == []


def test_the_archive_of_another_package_is_refused(index: FakeIndex, settings: Settings) -> None:
    index.add(SDIST, make_sdist(SOURCE | {"PKG-INFO": "Name: evil\nVersion: 1\n"}))
    with pytest.raises(UnsafeArchive, match="'evil' instead of 'nice-lib'"):
        open_source("nice-lib==1.2.0", settings)


def test_a_download_beyond_the_limit_is_broken_off(index: FakeIndex, tmp_path: Path) -> None:
    index.add(SDIST, make_sdist(SOURCE))
    with pytest.raises(UnsafeArchive, match="larger than 50 bytes"):
        open_source("nice-lib==1.2.0", load_settings(data_dir=tmp_path, source_max_archive_bytes=50))


def test_a_hanging_index_is_given_up(index: FakeIndex, tmp_path: Path) -> None:
    index.add(SDIST, make_sdist(SOURCE))
    index.delay = 1.0
    with pytest.raises(SourceUnreachable, match=r"said nothing for 0\.2 s"):
        open_source("nice-lib==1.2.0", load_settings(data_dir=tmp_path, network_timeout=0.2))


def test_a_refused_connection_hides_the_credentials(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    config = PipConfig(index_url="http://me:hunter2@127.0.0.1:9/simple")
    monkeypatch.setattr(package_index, "read_pip_config", lambda: config)
    with pytest.raises(SourceUnreachable) as caught:
        open_source("nice-lib==1.2.0", settings)
    assert "hunter2" not in str(caught.value)


def test_an_index_without_tls_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    config = PipConfig(index_url="http://me:hunter2@index.invalid/simple")
    monkeypatch.setattr(package_index, "read_pip_config", lambda: config)
    with pytest.raises(SourceUnreachable, match="neither https nor a trusted-host") as caught:
        open_source("nice-lib==1.2.0", settings)
    assert "hunter2" not in str(caught.value)


def test_find_links_alone_serves_without_an_index(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / SDIST).write_bytes(make_sdist(SOURCE))
    config = PipConfig(no_index=True, find_links=(str(tmp_path),))
    monkeypatch.setattr(package_index, "read_pip_config", lambda: config)
    assert open_source("nice-lib==1.2.0", settings).packages == ("nice_lib",)

    monkeypatch.setattr(package_index, "read_pip_config", lambda: PipConfig(no_index=True))
    with pytest.raises(ConfigurationError, match="no-index"):
        open_source("nice-lib==1.3.0", settings)


def test_a_data_directory_that_is_a_file(index: FakeIndex, tmp_path: Path) -> None:
    index.add(SDIST, make_sdist(SOURCE))
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        open_source("nice-lib==1.2.0", load_settings(data_dir=tmp_path / "data"))


def test_an_error_always_has_a_remedy(index: FakeIndex, settings: Settings) -> None:
    with pytest.raises(AgentError) as caught:
        open_source("nice-lib==1.2.0", settings)
    assert caught.value.remedy
    assert index.requests
