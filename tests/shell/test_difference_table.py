"""A difference as people read it, and as other programs do."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from agent.settings import Settings
from agent.shell import difference_table
from agent.shell.difference_table import changes_in_words, difference_lines, show_difference, summary
from agent.symbols.difference import Removed
from agent.symbols.parameters import Change
from agent.versions import VersionDifference, Versions


@pytest.fixture
def found(two_versions: Settings) -> VersionDifference:
    return Versions(two_versions).difference("demo", "0.10.0", "2.0.0")


def shown(found: VersionDifference, monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200, color_system=None)
    monkeypatch.setattr(difference_table, "Console", lambda: console)
    show_difference(found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_in_a_pipe_each_name_is_a_line(found: VersionDifference, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(found, monkeypatch, terminal=False).splitlines()
    assert lines == [*difference_lines(found)]
    assert (
        "removed\tdemo.actor.odf_slicer\tfunction\t"
        "-> demo.actor.sph_glyph (by its guide, docs/migration_guide.rst:4-4)\tdemo/actor.py:4-5"
    ) in lines
    assert "changed\tdemo.actor.sphere\tfunction\trenamed: center -> centers\tdemo/actor/__init__.py:8-9" in lines
    assert all(line.count("\t") == 4 for line in lines)


def test_on_a_terminal_it_is_a_table_with_a_summary(found: VersionDifference, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(found, monkeypatch, terminal=True)
    assert "demo.actor.odf_slicer" in text
    assert text.splitlines()[-1] == summary(found)
    assert summary(found).endswith("3 removed, 2 changed, 1 added.")


def test_what_went_with_its_owner_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    removed = (
        Removed("a.b", "module", "b.py"),
        Removed("a.b.c", "class", "b.py"),
        Removed("a.b.c.d", "method", "b.py"),
    )
    found = VersionDifference(removed, (), (), (), 4, 1, library="a", old="1", new="2")
    text = shown(found, monkeypatch, terminal=True)
    assert "and 2 names in it" in text
    assert "a.b.c" not in text


def test_changes_of_one_kind_stand_together() -> None:
    changes = (
        Change("parameter kind", "a", "a positional or keyword", "keyword only"),
        Change("parameter default", "b", "b=1", "b=2"),
        Change("parameter kind", "b", "b positional or keyword", "keyword only"),
        Change("deprecated", after="use c"),
    )
    assert changes_in_words(changes) == "keyword only now: a, b; default: b=1 -> 2; deprecated: use c"


def test_nothing_to_tell_is_told(two_versions: Settings) -> None:
    same = Versions(two_versions).difference("demo", "2", "2")
    assert [*difference_lines(same)] == []
    assert summary(same).endswith("no difference.")
