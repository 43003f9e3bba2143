"""The version that a question names: read where the words say so, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.question import Asked, asked_version, matching, newest_first

VERSIONS = ("0.10.0", "2.0.0")


@pytest.mark.parametrize(
    ("question", "version"),
    [
        ("How do I draw a sphere in fury 0.10?", "0.10.0"),
        ("How do I draw a sphere with v0.10.0?", "0.10.0"),
        ("FURY 2.0: how do I draw a sphere?", "2.0.0"),
        ("FURY v2 spheres", "2.0.0"),
        ("pip install fury==0.10.0, then?", "0.10.0"),
        ("fury-0.10.0 draws nothing", "0.10.0"),
        ("FURY (2.0.0) draws nothing", "2.0.0"),
        ("fury's 0.10 release", "0.10.0"),
        ("in version 0.10 of fury", "0.10.0"),
        ("in the fury release 0.10", "0.10.0"),
        ("Was streamtube faster in 0.10.0", "0.10.0"),
        ("with fury 0.10, numpy 1.26, python 3.11", "0.10.0"),
        ("How do I port from fury 0.10 to 2.0?", "2.0.0"),
        ("How do I go back from fury 2.0.0 to 0.10.0?", "0.10.0"),
        ("fury 0.10.0 worked but fury 2.0.0 fails", "2.0.0"),
        ("What changed between FURY 0.12 and 2.0?", "2.0.0"),
    ],
)
def test_a_version_that_is_named_is_found(question: str, version: str) -> None:
    found = asked_version(question, "fury", VERSIONS)
    assert found is not None
    assert found.version == version


@pytest.mark.parametrize(
    "question",
    [
        "2.0 as the radius",
        "a radius of 2.0 in fury",
        "sphere(centers, radii=2.0)",
        "scale it by 2.0.0",
        "python 3.11 and vtk 9.2",
        "numpy 1.26 with fury",
        "in numpy version 1.26",
        "version 9.2 of vtk",
        'File "fury/window.py", line 10',
        "/site-packages/fury-0.10.0.dist-info/METADATA",
        "https://example.org/fury/0.10.0/",
        "#version 330 core",
        "fury 2D shapes",
        "spheres in fury 1.5 units wide",
        "fury>=0.10",
        "Can fury 3 spheres overlap",
        "a colour of 0.10, 2.0 and 0.10",
        "Is it 10% faster in fury 10 % or 2x",
        "How do I draw a sphere?",
        "this worked with fury 0.10",  # now they have another one
        "In fury 0.10 I used slicer, what now?",
        "Porting from fury 0.9: where is slicer?",
    ],
)
def test_other_numbers_are_no_version(question: str) -> None:
    found = asked_version(question, "fury", VERSIONS, "2.0.0")
    assert found is None or found == Asked("3", "3.0.0")


@pytest.mark.parametrize(
    ("question", "written"),
    [
        ("fury 0.9?", "0.9"),
        ("fury v3", "3"),
        ("FURY==2.0.1", "2.0.1"),
        ("version 0.9 of fury", "0.9"),
        ("fury 0.1", "0.1"),
    ],
)
def test_a_version_that_is_not_there_is_told_as_written(question: str, written: str) -> None:
    assert asked_version(question, "fury", VERSIONS) == Asked(written, None)


def test_of_several_versions_the_default_wins_and_an_unknown_one_never_does() -> None:
    question = "fury 0.10, fury 2.0 or fury 7.0?"
    assert asked_version(question, "fury", VERSIONS, "0.10.0") == Asked("0.10", "0.10.0")
    assert asked_version(question, "fury", VERSIONS) == Asked("2.0", "2.0.0")


def test_a_name_with_a_hyphen_is_read_as_people_write_it() -> None:
    assert asked_version("in scikit_learn 1.4", "scikit-learn", ("1.4.2",)) == Asked("1.4", "1.4.2")


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("2", "2.1.0"),
        ("2.0", "2.0.10"),
        ("2.0.2", "2.0.2"),
        ("3", "3.0a1"),
        ("3.0a1", "3.0a1"),
        ("1", "1.0"),
        ("4", None),
    ],
)
def test_the_same_version_or_the_highest_that_starts_so_is_meant(written: str, version: str | None) -> None:
    assert matching(written, ("1.0", "1.0.1", "2.0.2", "2.0.10", "2.1.0", "2.2rc1", "3.0a1", "unversioned")) == version


def test_versions_are_sorted_as_versions() -> None:
    assert newest_first(["0.9", "abc123", "0.10", "2.0"]) == ("2.0", "0.10", "0.9", "abc123")


numbers = st.lists(st.integers(0, 30), min_size=2, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@given(numbers, st.sampled_from(["fury {}", "fury=={}", "in FURY v{}", "fury version {}?", "version {} of fury."]))
def test_an_indexed_version_is_found_however_it_is_written(version: str, form: str) -> None:
    found = asked_version(form.format(version), "fury", (version, "99.0"))
    assert found == Asked(version, version)


@given(numbers, st.sampled_from(["numpy {}", "python {}", "radius={}", "({}, 1)", "x{}", "lib/{}/a.py", "a {} b"]))
def test_a_number_that_belongs_to_something_else_is_no_version(version: str, form: str) -> None:
    assert asked_version(form.format(version), "fury", (version,)) is None


@given(st.text(max_size=200), st.lists(numbers, max_size=3))
def test_any_question_can_be_read(question: str, versions: list[str]) -> None:
    found = asked_version(question, "fury", versions)
    assert found is None or (found.written in question and (found.version is None or found.version in versions))
