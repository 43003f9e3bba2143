"""The best known replacement comes first, with the reason; without a reason there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.symbols import ApiModel
from agent.symbols.guides import Statement
from agent.symbols.replacements import Replacements
from tests.symbols.test_model import build

OLD = {
    "lib/__init__.py": "",
    "lib/actor.py": """
def odf_slicer(odfs): pass
def markers(centers): pass
def cube(center): pass
def turn(actor):
    '''Turn.

    .. deprecated:: 1.0, use lib.actor.rotate_all
    '''
class Panel:
    def add_item(self, item): pass
    def update(self): pass
""",
    "lib/tools.py": "def apply_affine(actor, affine): pass\n",
    "lib/vtkio.py": "def load(path): pass\n",
}
NEW = {
    "lib/__init__.py": "",
    "lib/actor.py": """
def sph_glyph(coefficients): pass
def marker(centers): pass
def rotate_all(actor): pass
def odf_slices(odfs): pass
class Panel:
    def add_items(self, items): pass
class Other:
    def update(self): pass
""",
    "lib/geometry.py": "def apply_affine(points, matrix, other): pass\n",
}


def statement(text: str, *names: str, replaces: bool = False, went: bool = False) -> Statement:
    return Statement("docs/migration.rst", 7, 9, text, names, "chunk", replaces, went)


SAID = (
    statement("sph_glyph replaces odf_slicer", "actor.sph_glyph", "odf_slicer", replaces=True),
    statement("lib.vtkio is gone", "lib.vtkio", went=True),
    statement("cube and others went", "cube", "other", went=True),
    statement("update is replaced by marker", "update", "marker", replaces=True),
)


@pytest.fixture
def found(tmp_path: Path) -> Replacements:
    old, new = build(tmp_path / "old", {**OLD}), build(tmp_path / "new", {**NEW})
    return Replacements(new, old, SAID)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("lib.actor.odf_slicer", [("lib.actor.sph_glyph", "guide")]),
        ("lib.actor.turn", [("lib.actor.rotate_all", "deprecation")]),
        ("lib.tools.apply_affine", [("lib.geometry.apply_affine", "same name")]),
        ("lib.actor.markers", [("lib.actor.marker", "close name")]),
        ("lib.actor.Panel.add_item", [("lib.actor.Panel.add_items", "close name")]),
        ("lib.actor.Panel.update", []),  # any class may have one, and the guide does not say whose it means
        ("lib.actor.cube", []),
        ("lib.nothing.at_all", []),
    ],
)
def test_the_reason_decides(found: Replacements, missing: str, expected: list[tuple[str, str]]) -> None:
    assert [(item.path, item.why) for item in found.of(missing)] == expected


def test_the_evidence_is_the_guides_place(found: Replacements) -> None:
    [item] = found.of("lib.actor.odf_slicer")
    assert item.evidence is not None
    assert item.evidence.place == "docs/migration.rst:7-9"


def test_what_a_guide_says_of_a_module_holds_for_its_content(found: Replacements) -> None:
    told = found.told("lib.vtkio.load")
    assert told is not None
    assert told.text == "lib.vtkio is gone"
    assert found.told("lib.actor.odf_slicer") is None


def test_the_guide_speaks_even_if_only_one_version_is_there(tmp_path: Path) -> None:
    alone = Replacements(build(tmp_path, {**NEW}), None, SAID)
    assert [item.path for item in alone.of("lib.actor.odf_slicer")] == ["lib.actor.sph_glyph"]


def test_a_moved_definition_is_found_under_its_new_path(tmp_path: Path) -> None:
    old = build(tmp_path / "old", {"lib/__init__.py": "", "lib/a.py": "def load(path, mode): 'Load.'\n"})
    new = build(tmp_path / "new", {"lib/__init__.py": "", "lib/b.py": "def load(path, mode): 'Load.'\n"})
    assert [(item.path, item.why) for item in Replacements(new, old).of("lib.a.load")] == [("lib.b.load", "moved")]


def test_the_difference_is_explained(found: Replacements) -> None:
    removed = {entry.path: entry for entry in found.explained().removed}
    [instead] = removed["lib.actor.odf_slicer"].instead
    assert (instead.path, instead.why, instead.evidence) == ("lib.actor.sph_glyph", "guide", "docs/migration.rst:7-9")
    assert removed["lib.vtkio"].told == "docs/migration.rst:7-9"


def test_one_version_alone_has_no_difference() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        Replacements(ApiModel({}, {})).explained()
