"""A name that the asked version lacks is told of, if there is a reason to think that the library's is meant."""

from __future__ import annotations

import pytest

from agent.answering.absent_names import AbsentNames, describe
from agent.schema import Finding
from agent.settings import Settings
from agent.verification import verify_code
from agent.versions import Versions


class OneVersion(Versions):
    """As if nothing else were indexed."""

    def names(self, library: str) -> tuple[str, ...]:
        return super().names(library)[:1]


def absent_names(settings: Settings, version: str = "2.0.0", kind: type[Versions] = Versions) -> AbsentNames:
    versions = kind(settings)
    return AbsentNames("demo", version, versions.api("demo", version), versions)


def told(names: AbsentNames, question: str, version: str = "2.0.0") -> str:
    return describe(names.find(question), "demo", version, {"demo.actor.sph_glyph": 1})


GLYPH = "demo/actor/__init__.py:4-5"
GUIDE = "The library's own words, docs/migration_guide.rst:4-4: “actor.sph_glyph replaces odf_slicer”."


@pytest.mark.parametrize("name", ["actor.odf_slicer", "demo.actor.odf_slicer", "from demo.actor import odf_slicer"])
def test_a_name_that_went_is_told_with_its_replacement(two_versions: Settings, name: str) -> None:
    assert told(absent_names(two_versions), f"{name} fails") == (
        "**`demo.actor.odf_slicer` does not exist in demo 2.0.0** (it is in 0.10.0). "
        f"Use `demo.actor.sph_glyph` ({GLYPH}) [1]. {GUIDE}"
    )


def test_a_name_that_is_not_there_yet_is_told_as_well(two_versions: Settings) -> None:
    note = told(absent_names(two_versions, "0.10.0"), "Use actor.sph_glyph.", "0.10.0")
    assert note == "**`demo.actor.sph_glyph` does not exist in demo 0.10.0** (it is in 2.0.0)."


def test_what_a_base_outside_may_bring_is_not_denied(two_versions: Settings) -> None:
    note = told(absent_names(two_versions), "How do I call scene.rm(actor)?")
    assert note == "**`demo.actor.Scene.rm` is not in the sources of demo 2.0.0** (it is in those of 0.10.0)."
    assert note == told(absent_names(two_versions), "AttributeError: 'Scene' object has no attribute 'rm'")


def test_a_function_that_became_a_module_is_told(two_versions: Settings) -> None:
    note = told(absent_names(two_versions), "actor.slicer(data)")
    assert note.startswith(
        "**`demo.actor.slicer` is a module in demo 2.0.0**; in 0.10.0 it was a function. Use `demo.actor.sph_"
    )


@pytest.mark.parametrize(
    "question",
    [
        "actor.sphere(centers)",
        "How do I use demo.actor?",
        "actor.local.position",  # an object of theirs
        "scene.anything",  # the base class of Scene is not known
        "actor.py and demo.io",
        "odf_slicer",  # a plain word
        "numpy.array and data.shape",
        "How do I draw a sphere?",
    ],
)
def test_nothing_else_is_accused(two_versions: Settings, question: str) -> None:
    assert absent_names(two_versions).find(question) == ()


def test_one_version_alone_has_its_guide_and_its_root(two_versions: Settings) -> None:
    names = absent_names(two_versions, kind=OneVersion)
    guided = told(names, "actor.odf_slicer")
    assert (
        guided
        == f"**`actor.odf_slicer` does not exist in demo 2.0.0**. Use `demo.actor.sph_glyph` ({GLYPH}) [1]. {GUIDE}"
    )
    assert told(names, "demo.actor.spher(x)").endswith(
        "The nearest name is `demo.actor.sphere` (demo/actor/__init__.py:8-9)."
    )
    assert told(names, "demo.vault.unlock(x)") == "**`demo.vault` does not exist in demo 2.0.0**."
    assert "it was removed" in told(names, "actor.GetProperty().SetOpacity(1)")
    assert names.find("actor.cube") == ()  # nothing says that theirs is the module


def test_of_a_module_and_what_it_held_the_latter_is_told(two_versions: Settings) -> None:
    names = absent_names(two_versions).find("import demo.vault; demo.vault.door; actor.cube")
    assert [name.path for name in names] == ["demo.vault", "demo.actor.cube"]


def test_a_long_list_of_names_is_cut(two_versions: Settings) -> None:
    question = " ".join(f"demo.actor.name_{number}" for number in range(1000))
    assert len(absent_names(two_versions).find(question)) == 3


def test_a_damaged_version_beside_does_not_matter(two_versions: Settings) -> None:
    class Damaged(Versions):
        def names(self, library: str) -> tuple[str, ...]:
            return (*super().names(library), "7.0")

    assert absent_names(two_versions, kind=Damaged).find("actor.cube")[0].was_in == "0.10.0"


def advised(names: AbsentNames, code: str, version: str = "2.0.0") -> list[Finding]:
    api = names._versions.api("demo", version)
    return [*verify_code(f"from demo import actor\n{code}", api, "demo", names.advise).findings]


def test_a_finding_tells_which_version_has_the_name_and_what_replaced_it(two_versions: Settings) -> None:
    (found,) = advised(absent_names(two_versions), "actor.odf_slicer(1)")
    assert found.message == "`demo.actor.odf_slicer` does not exist (it is in 0.10.0). Use `demo.actor.sph_glyph`."
    assert found.suggestions == ("demo.actor.sph_glyph",)


def test_a_finding_keeps_its_near_names_where_no_replacement_is_known(two_versions: Settings) -> None:
    cube, sphere, nothing = advised(absent_names(two_versions), "actor.cube(1)\nactor.spheres(1)\nactor.nothing(1)")
    assert cube.message == "`demo.actor.cube` does not exist (it is in 0.10.0)."
    assert sphere.message == "`demo.actor.spheres` does not exist; `demo.actor.sphere` does."
    assert nothing.message == "`demo.actor.nothing` does not exist."


def test_a_finding_in_the_older_version_tells_of_the_newer_one(two_versions: Settings) -> None:
    (found,) = advised(absent_names(two_versions, "0.10.0"), "actor.sph_glyph(1)", "0.10.0")
    assert found.message.startswith("`demo.actor.sph_glyph` does not exist (it is in 2.0.0)")
