"""A quoted message leads to what raises it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.error_messages import ErrorMessages, word_pairs

KNOWN = ErrorMessages(
    [
        ("opacity", "Opacity must be between 0 and 1."),
        ("backend", "backend must be one of {}, got {}"),
        ("sectors", "Sectors parameter should be greater than {}"),
        ("short", "Invalid value"),
    ]
)


def test_a_message_is_found_whatever_stands_around_it_or_in_its_holes() -> None:
    question = "I call streamtube and get:\n\nValueError: backend must be one of ('cpu', 'gpu'), got 'tpu'\n\nWhy?"
    assert KNOWN.rank(question) == ["backend"]
    assert KNOWN.rank("opacity must be between 0 and 1") == ["opacity"]


def test_common_words_are_no_quotation() -> None:
    assert KNOWN.rank("What must the opacity of an actor be?") == []
    assert KNOWN.rank("Is this an invalid value?") == []


def test_the_longer_quotation_comes_first() -> None:
    known = ErrorMessages([("a", "must be a number"), ("b", "thickness must be a number")])
    assert known.rank("ValueError: thickness must be a number") == ["b", "a"]


@given(st.lists(st.sampled_from(["colour", "shape", "must", "be", "an", "array", "got"]), min_size=3, max_size=9))
def test_every_message_of_some_length_finds_its_place(words: list[str]) -> None:
    text = " ".join(words)
    found = ErrorMessages([("here", text)]).rank(f"ValueError: {text}")
    assert found == (["here"] if len(word_pairs(text)) > 1 else [])
