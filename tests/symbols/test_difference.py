"""What became of public names: certain where the sources are, doubtful where they are, and never guessed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.schema import SourceTree
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel
from agent.symbols.difference import ApiDifference, compare
from tests.symbols.test_model import build

OLD = {
    "lib/__init__.py": "",
    "lib/shapes.py": """
def sphere(center, radius=1.0): 'Draw a sphere.'
def cube(center): 'Draw a cube.'
def load(path, mode): 'Load shapes.'
class Scene(External):
    def rm(self, actor): pass
    def add(self, actor): pass
""",
    "lib/motion.py": """
class Timeline:
    def __init__(self, length=None): pass
    def play(self): pass
    def stop(self): pass
class Clock:
    def tick(self, seconds): pass
""",
}
NEW = {
    "lib/__init__.py": "",
    "lib/shapes.py": """
def sphere(centers, *, radius=2.0): 'Draw a sphere.'
def box(center): 'Draw a box.'
class Scene(External):
    def add(self, actor): pass
""",
    "lib/animation.py": """
class Timeline:
    def __init__(self, length=None): pass
    def play(self, speed=1): pass
    def stop(self): pass
class Clock:
    def tick(self, seconds): pass
""",
    "lib/files.py": "def load(url, timeout, retries): 'Load data from afar.'\n",
}


@pytest.fixture
def models(tmp_path: Path) -> tuple[ApiModel, ApiModel]:
    return build(tmp_path / "old", {**OLD}), build(tmp_path / "new", {**NEW})


@pytest.fixture
def difference(models: tuple[ApiModel, ApiModel]) -> ApiDifference:
    return compare(*models)


def test_what_only_one_version_has_is_removed_or_added(difference: ApiDifference) -> None:
    removed = {entry.path: entry for entry in difference.removed}
    assert removed["lib.shapes.cube"].place == "lib/shapes.py:3-3"
    assert removed["lib.shapes.cube"].certain
    assert {"lib.shapes.box", "lib.files", "lib.files.load"} == {entry.path for entry in difference.added}


def test_a_member_that_a_base_outside_may_bring_is_not_certainly_gone(difference: ApiDifference) -> None:
    assert not next(entry for entry in difference.removed if entry.path == "lib.shapes.Scene.rm").certain


def test_a_moved_class_takes_its_members_and_their_changes_along(difference: ApiDifference) -> None:
    moved = {entry.path: entry for entry in difference.moved}
    assert moved["lib.motion.Timeline"].to == "lib.animation.Timeline"
    assert moved["lib.motion.Timeline.stop"].to == "lib.animation.Timeline.stop"
    assert [str(change) for change in moved["lib.motion.Timeline.play"].changes] == ["parameter added: speed=1"]


def test_a_module_whose_content_is_together_elsewhere_was_renamed(difference: ApiDifference) -> None:
    assert ("lib.motion", "lib.animation") in {(entry.path, entry.to) for entry in difference.moved}


def test_one_name_given_to_two_things_is_no_move(difference: ApiDifference) -> None:
    assert "lib.shapes.load" in {entry.path for entry in difference.removed}


def test_changes_of_what_both_have_are_listed(difference: ApiDifference) -> None:
    [sphere] = [entry for entry in difference.changed if entry.path == "lib.shapes.sphere"]
    assert [str(change) for change in sphere.changes] == [
        "parameter renamed: center -> centers",
        "parameter default: radius=1.0 -> radius=2.0",
        "parameter kind: radius positional or keyword -> keyword only",
    ]


def test_two_look_alikes_are_candidates_and_no_move(tmp_path: Path) -> None:
    text = "def load(path, mode): 'Load shapes.'\n"
    old = build(tmp_path / "old", {"lib/__init__.py": "", "lib/io.py": text})
    new = build(tmp_path / "new", {"lib/__init__.py": "", "lib/a.py": text, "lib/b.py": text})
    [entry] = [entry for entry in compare(old, new).removed if entry.kind == "function"]
    assert entry.candidates == ("lib.a.load", "lib.b.load")
    assert compare(old, new).moved == ()


def test_a_name_that_leads_to_another_library_now_is_not_gone(tmp_path: Path) -> None:
    old = build(tmp_path / "old", {"lib/__init__.py": "class Actor: pass\n"})
    new = build(tmp_path / "new", {"lib/__init__.py": "from other import Actor\n"})
    assert compare(old, new).removed == ()


def test_a_kind_that_changed_is_told(tmp_path: Path) -> None:
    old = build(tmp_path / "old", {"lib/__init__.py": "def slicer(data): pass\n"})
    new = build(tmp_path / "new", {"lib/__init__.py": "", "lib/slicer.py": ""})
    [changed] = compare(old, new).changed
    assert str(changed.changes[0]) == "kind: function -> module"


def test_nothing_differs_from_itself(models: tuple[ApiModel, ApiModel]) -> None:
    same = compare(models[0], models[0])
    assert (same.removed, same.added, same.moved, same.changed) == ((), (), (), ())


def test_every_old_name_is_kept_removed_or_moved(models: tuple[ApiModel, ApiModel], difference: ApiDifference) -> None:
    gone = {entry.path for entry in (*difference.removed, *difference.moved)}
    old, new = models
    for public in old.public_paths().values():
        assert (public in gone) != (new.resolve(public) is not None)
    come = {entry.path for entry in difference.added} | {entry.to for entry in difference.moved}
    assert len(difference.moved) == len({entry.to for entry in difference.moved})
    assert come <= {*new.public_paths().values()}


@pytest.mark.network
def test_fury_lost_most_of_its_names_on_the_way_to_2(fury_tree: SourceTree, shared_settings: Settings) -> None:
    old = ApiModel.build(open_source("fury==0.10.0", shared_settings))
    new = ApiModel.build(fury_tree)
    started = time.perf_counter()
    found = compare(old, new)
    assert time.perf_counter() - started < 1
    assert found == compare(old, new)
    gone = {entry.path for entry in found.removed}
    assert {"fury.actor.odf_slicer", "fury.io.load_polydata", "fury.window.Scene.rm", "fury.interactor"} <= gone
    moved = {entry.path: entry.to for entry in found.moved}
    assert moved["fury.animation.Timeline"] == "fury.motion.Timeline"
    assert moved["fury.animation"] == "fury.motion"
    assert len(gone) + len(moved) > 0.6 * found.before
    sphere = next(entry for entry in found.changed if entry.path == "fury.actor.sphere")
    assert "parameter kind: colors positional or keyword -> keyword only" in map(str, sphere.changes)
