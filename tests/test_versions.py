"""Indexed versions are told apart, read once, and compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from agent.errors import IndexMismatch, UnknownLibrary, UnknownVersion
from agent.settings import Settings
from agent.versions import Versions, chosen, only_kind


@pytest.fixture
def versions(two_versions: Settings) -> Versions:
    return Versions(two_versions)


def test_the_newest_version_comes_first(versions: Versions) -> None:
    assert versions.names("demo") == ("2.0.0", "0.10.0")
    assert versions.names("nothing") == ()


@pytest.mark.parametrize(("written", "version"), [("0.10.0", "0.10.0"), ("0.10", "0.10.0"), ("2", "2.0.0")])
def test_a_version_may_be_cut_short(versions: Versions, written: str, version: str) -> None:
    assert versions.find("demo", written) == version


def test_a_version_that_is_not_indexed_is_refused_with_the_command(versions: Versions) -> None:
    with pytest.raises(UnknownVersion, match=r"0\.10\.0, 2\.0\.0") as caught:
        versions.difference("demo", "0.9", "2.0.0")
    assert "fury-agent index 'demo==0.9'" in caught.value.remedy
    with pytest.raises(UnknownLibrary):
        versions.difference("nothing", "1", "2")


def test_models_and_guides_are_read_once(versions: Versions) -> None:
    assert versions.api("demo", "2.0.0") is versions.api("demo", "2.0.0")
    assert versions.api("demo", "2.0.0") is not versions.api("demo", "0.10.0")
    statements = versions.statements("demo", "2.0.0")
    assert statements is versions.statements("demo", "2.0.0")
    assert [said.place for said in statements][:1] == ["docs/migration_guide.rst:4-4"]
    assert versions.statements("demo", "0.10.0") == ()


def test_the_difference_names_what_there_is_instead(versions: Versions) -> None:
    found = versions.difference("demo", "0.10", "2")
    assert (found.library, found.old, found.new) == ("demo", "0.10.0", "2.0.0")
    removed = {entry.path: entry for entry in found.removed}
    [instead] = removed["demo.actor.odf_slicer"].instead
    assert (instead.path, instead.evidence) == ("demo.actor.sph_glyph", "docs/migration_guide.rst:4-4")
    assert [entry.path for entry in found.changed] == ["demo.actor.slicer", "demo.actor.sphere"]


def test_one_kind_can_be_looked_at_alone(versions: Versions) -> None:
    found = only_kind(versions.difference("demo", "0.10", "2"), "changed")
    assert found.changed
    assert (found.removed, found.added, found.moved) == ((), (), ())


def test_a_version_indexed_later_is_seen(two_versions: Settings, tmp_path: Path) -> None:
    (tmp_path / "indexes" / "demo").mkdir(parents=True)
    versions = Versions(Settings(data_dir=tmp_path))
    assert versions.names("demo") == ()
    (tmp_path / "indexes" / "demo" / "2.0.0").symlink_to(two_versions.indexes_dir / "demo" / "2.0.0")
    assert versions.names("demo") == ("2.0.0",)


def test_an_index_of_another_format_is_named_and_not_touched(two_versions: Settings, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(two_versions.data_dir, root)
    settings = two_versions.model_copy(update={"data_dir": root})
    generation = chosen(settings, None, None).current()
    told = msgspec.json.decode(generation.info_file.read_bytes())
    generation.info_file.write_bytes(msgspec.json.encode({**told, "format": 3}))
    generation.api_file.unlink()
    with pytest.raises(IndexMismatch, match="fury-agent index"):
        Versions(settings).api("demo", "2.0.0")
    assert not generation.api_file.exists()
