"""A reader sees different places, and what an example uses beside the example."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.arrangement import USED, USED_AFTER, Hit, collapse, spread, with_used
from tests.support import make_chunk


def hit(name: str, score: float, *, path: str = "fury/actor.py", role: str = "package") -> Hit:
    symbol = None if role == "example" else name
    return Hit(make_chunk(id=f"{path}:{name}", path=path, role=role, symbol=symbol, title=name), score)


def block(number: int, score: float, path: str = "docs/examples/viz_ball.py") -> Hit:
    return hit(f"{path}-{number}", score, path=path, role="example")


def titles(hits: list[Hit]) -> list[str]:
    return [found.chunk.title for found in hits]


def test_a_second_block_of_an_example_makes_room() -> None:
    first, second, other = block(1, 0.9), block(2, 0.8), hit("sphere", 0.5)
    assert spread([first, second, other])[:2] == [first, other]


def test_members_of_one_class_sink_only_a_little() -> None:
    found = [hit("Show.start", 0.9), hit("Show.stop", 0.88), hit("Show.close", 0.87), hit("sphere", 0.7)]
    assert titles(spread(found)) == ["Show.start", "Show.stop", "sphere", "Show.close"]


def test_a_class_does_not_push_its_members_down() -> None:
    found = [hit("Show", 0.9), hit("Show.start", 0.8), hit("sphere", 0.7)]
    assert spread(found) == found


def test_functions_of_one_module_do_not_compete() -> None:
    found = [hit("sphere", 0.9), hit("box", 0.8), hit("cube", 0.7)]
    assert spread(found) == found


def test_an_example_that_comes_first_brings_what_it_uses() -> None:
    found = [block(1, 0.9), *(hit(name, 0.5) for name in "abcd")]
    used = [hit("a", 0.1), hit("sphere", 0.1), hit("box", 0.1), hit("cube", 0.1)]
    assert titles(with_used(found, used))[1:] == ["a", "b", "sphere", "box", "c", "d"]
    assert len(with_used(found, used)) == len(found) + USED


def test_what_is_brought_is_not_shown_twice() -> None:
    found = [block(1, 0.9), *(hit(name, 0.5) for name in "abcd")]
    assert titles(with_used(found, [hit("d", 0.1)]))[1:] == ["a", "b", "d", "c"]


def test_where_a_definition_comes_first_nothing_is_brought() -> None:
    found = [hit("a", 0.9), block(1, 0.5)]
    assert with_used(found, [hit("sphere", 0.1)]) == found
    assert with_used([], [hit("sphere", 0.1)]) == []


def one_of_many(number: int, score: float, *, example: bool) -> Hit:
    return block(number, score) if example else hit(f"Show.m{number}", score)


found_hits = st.builds(one_of_many, st.integers(1, 6), st.floats(0.01, 1), example=st.booleans())
hits = st.lists(found_hits, max_size=12).map(lambda found: sorted(found, key=lambda one: -one.score))


@given(hits, hits)
def test_nothing_is_lost_and_better_places_stay_before_worse_ones(found: list[Hit], used: list[Hit]) -> None:
    whole = collapse(found)
    arranged = spread(whole)
    assert sorted(titles(arranged)) == sorted(titles(whole))
    assert arranged[:1] == whole[:1]
    shown = with_used(arranged, used)
    assert set(titles(whole)) <= set(titles(shown))
    head = arranged[:USED_AFTER]
    assert shown[: len(head)] == head
    assert all(first.score >= second.score for first, second in pairwise(shown[: USED_AFTER + USED]))
