"""The right place comes first, and each ranking does its part."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.arrangement import Hit, collapse
from agent.ranking.named_places import identifiers
from agent.retrieval import PARTS, HybridRetriever, Part, fuse, parts_of
from agent.service import Service
from tests.support import make_chunk


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does `ShowManager.start` do?", ["ShowManager.start"]),
        ("call actor.sphere(centers)", ["actor.sphere"]),
        ("use update_full on it", ["update_full"]),
        ("Is Panel2D draggable?", ["Panel2D"]),
        ("ShowManager and TextBlock2D", ["ShowManager", "TextBlock2D"]),
        ("sphere() fails", ["sphere"]),
        ("How do I draw a sphere?", []),
        ("AttributeError: module 'fury.actor' has no attribute 'streamtube'", ["AttributeError", "fury.actor"]),
        ("'Scene' object has no attribute 'rm'", ["Scene"]),
    ],
)
def test_what_is_written_like_code_is_read_as_a_name(question: str, expected: list[str]) -> None:
    assert identifiers(question) == expected


@given(st.text(max_size=300))
def test_any_question_can_be_read(question: str) -> None:
    assert all(name in question for name in identifiers(question))


rankings = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), max_size=4)


@given(rankings)
def test_an_item_first_in_every_ranking_is_first(lists: list[list[str]]) -> None:
    fused = fuse([(1.0, ["x", *ranking]) for ranking in lists])
    assert not lists or max(fused, key=lambda identifier: fused[identifier]) == "x"


@given(rankings, st.floats(0.1, 2))
def test_fusion_does_not_depend_on_the_order_of_rankings(lists: list[list[str]], weight: float) -> None:
    forward = fuse([(weight, ranking) for ranking in lists])
    backward = fuse([(weight, ranking) for ranking in reversed(lists)])
    assert forward == pytest.approx(backward)


def test_parts_of_one_symbol_count_once() -> None:
    hits = [
        Hit(make_chunk(id="1", part=1), 0.9),
        Hit(make_chunk(id="0"), 0.8),
        Hit(make_chunk(id="2", symbol="box"), 0.7),
    ]
    assert [hit.chunk.id for hit in collapse(hits)] == ["1", "2"]


@pytest.fixture(scope="module")
def retriever(fury_service: Service) -> HybridRetriever:
    """Over the real index of FURY."""
    return fury_service.engine(None, None).retriever


Find = Callable[[str], list[str | None]]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("question", "symbol"),
    [
        ("How do I draw three spheres of different colours?", "sphere"),
        ("fury.actor.sphere", "sphere"),
        ("curved.sphere", "sphere"),
        ("How do I show streamlines as tubes?", "streamtube"),
        ("How is opacity of an actor read and set: `Actor.opacity`?", "Actor.opacity"),
        ("`ShowManager.register_callback`", "ShowManager.register_callback"),
        ("What are the parameters of actor.streamlines?", "streamlines"),
    ],
)
def test_the_obvious_place_is_first(retriever: HybridRetriever, question: str, symbol: str) -> None:
    assert retriever.find(question)[0].chunk.symbol == symbol


@pytest.mark.weights
def test_a_quoted_error_message_leads_to_what_raises_it(retriever: HybridRetriever) -> None:
    question = "ValueError: Only one option can be preselected for radio buttons."
    assert retriever.find(question)[0].chunk.symbol == "RadioButton.__init__"


@pytest.mark.weights
def test_shaders_come_first_only_where_they_are_asked_for(retriever: HybridRetriever) -> None:
    assert retriever.find("Draw a line between two points")[0].chunk.kind != "shader"
    assert retriever.find("Which WGSL shader function projects a point onto an edge?")[0].chunk.kind == "shader"


@pytest.mark.weights
@pytest.mark.parametrize(
    ("question", "symbol"),
    [
        ("Where is actor.spere defined?", "sphere"),
        ("what does streamtub() do?", "streamtube"),
        ("peak_slicer raises a TypeError", "peaks_slicer"),
    ],
)
def test_a_slip_of_the_pen_in_a_name_does_no_harm(retriever: HybridRetriever, question: str, symbol: str) -> None:
    assert retriever.find(question)[0].chunk.symbol == symbol


@pytest.mark.weights
@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("what does fury/actor/curved.py contain?", "fury/actor/curved.py"),
        ("where is ui/core.py", "fury/ui/core.py"),
        (r"What is in .\fury\window.py?", "fury/window.py"),
    ],
)
def test_a_file_that_is_named_comes_first(retriever: HybridRetriever, question: str, path: str) -> None:
    first = retriever.find(question)[0].chunk
    assert (first.path, first.kind) == (path, "module")


@pytest.mark.weights
@pytest.mark.parametrize("file", ["/home/me/window.py", "no_such_file.py", "indow.py", 'File "fury/window.py", line 1'])
def test_what_is_no_file_of_the_library_names_none(retriever: HybridRetriever, file: str) -> None:
    question = f"Why does {file} not draw a sphere?"
    assert retriever.find(question) == retriever.without("files").find(question)


@pytest.mark.weights
def test_a_ranking_can_be_switched_off(retriever: HybridRetriever) -> None:
    question = "How do I draw three spheres of different colours?"
    for ranking in ("dense", "lexical", "symbol"):
        alone = retriever.with_parts(parts_of([ranking]))
        assert [hit.chunk.id for hit in alone.find(question, 3)]
    assert retriever.with_parts([]).find(question) == []


@pytest.mark.weights
@pytest.mark.parametrize("part", PARTS)
def test_each_idea_can_be_left_out(retriever: HybridRetriever, part: Part) -> None:
    assert len(retriever.without(part).find("How do I draw three spheres of different colours?", 3)) == 3


@pytest.mark.weights
def test_a_shorter_list_begins_a_longer_one(retriever: HybridRetriever) -> None:
    question = "How do I visualize the motion of a charged particle?"
    assert retriever.find(question, 4) == retriever.find(question, 20)[:4]


@pytest.mark.weights
def test_the_frames_of_a_traceback_lead_to_the_function(retriever: HybridRetriever) -> None:
    pasted = 'File "/x/site-packages/fury/actor/curved.py", line 1, in streamtube\nTypeError: unhashable'
    assert retriever.find(pasted)[0].chunk.symbol == "streamtube"


@pytest.mark.weights
def test_an_attribute_leads_to_the_class_that_holds_it(retriever: HybridRetriever) -> None:
    assert retriever.find("`EventType.KEY_DOWN`")[0].chunk.symbol == "EventType"


@pytest.mark.weights
def test_a_member_is_found_by_its_class_and_what_it_does(retriever: HybridRetriever) -> None:
    assert retriever.find("Which method of `ShowManager` registers a callback?")[0].chunk.symbol == (
        "ShowManager.register_callback"
    )


@pytest.mark.weights
def test_a_page_that_outlived_the_code_says_so_and_sinks(retriever: HybridRetriever) -> None:
    found = retriever.find("getting started with FURY: load a polydata model with io", 20)
    page = next(hit for hit in found if hit.chunk.path.endswith("getting_started.rst"))
    assert "fury.io.load_polydata" in page.stale
    assert found.index(page) > 0


@pytest.mark.weights
def test_the_same_question_finds_the_same_places(retriever: HybridRetriever) -> None:
    assert retriever.find("streamtube colors") == retriever.find("streamtube colors")


@pytest.mark.weights
@pytest.mark.parametrize("question", ["zzzzqqqq", "的的的", "a" * 4000, "SELECT * FROM x; --", "x' OR '1'='1"])
def test_odd_questions_find_something_or_nothing_but_never_fail(retriever: HybridRetriever, question: str) -> None:
    assert len(retriever.find(question, 5)) <= 5
