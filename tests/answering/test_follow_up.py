"""A question that leans on the one before is made whole; one that is whole stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.answering.follow_up import leans, whole_question
from agent.records import Turn
from agent.schema import MAX_QUESTION

TURN = Turn("How do I draw spheres of different colours?", "Use `actor.sphere`.", "fury", "2.0.0")


@pytest.mark.parametrize(
    ("question", "whole"),
    [
        ("what about cylinders?", "cylinders? (draw spheres different colours)"),
        ("And with a texture?", "with a texture? (draw spheres different colours)"),
        ("how do I make them red?", "how do I make them red? (draw spheres different colours)"),
        ("centered?", "centered? (draw spheres different colours)"),
        ("how do I change the font size?", "how do I change the font size? (draw spheres different colours)"),
    ],
)
def test_a_follow_up_borrows_what_the_question_before_was_about(question: str, whole: str) -> None:
    assert whole_question(question, [TURN]) == whole
    assert whole_question(question, []) == question


@pytest.mark.parametrize(
    "question",
    [
        "How do I color a surface from its height values with a named colormap?",
        "How do I make a clickable button that shows a text label?",
        "And `actor.cone`?",
        "I have a photo as numpy array. How do I show it?",
        "play the timeline twice as fast",
        "Is there still a picking manager in FURY 2?",
    ],
)
def test_a_whole_question_stays_as_it_is(question: str) -> None:
    assert whole_question(question, [TURN]) == question


@pytest.mark.parametrize("said", ["Thanks!", "ok, great.", "and?"])
def test_what_asks_for_nothing_borrows_nothing(said: str) -> None:
    assert whole_question(said, [TURN]) == said


def test_only_the_last_turn_lends_words() -> None:
    turns = [TURN, Turn("How do I save a picture?", "", "fury", "2.0.0")]
    assert whole_question("and a film?", turns) == "a film? (save picture)"


def test_a_chain_of_follow_ups_keeps_its_subject_and_its_length() -> None:
    question, turn = "", TURN
    for word in ("cones", "boxes", "rings", "stars", "disks", "arrows") * 5:
        question = whole_question(f"and {word}?", [turn])
        turn = Turn(question, "", "fury", "2.0.0")
    assert question.startswith("arrows? (disks stars")
    assert len(question.split()) <= 17


@given(st.text(min_size=1, max_size=MAX_QUESTION), st.text(max_size=MAX_QUESTION))
def test_whatever_was_said_a_question_stays_a_question(question: str, before: str) -> None:
    """Never longer than allowed, nothing of a long one lost, and the same at every call."""
    turns = [Turn(before, "", "fury", "2.0.0")]
    whole = whole_question(question, turns)
    assert 0 < len(whole) <= MAX_QUESTION
    assert whole == whole_question(question, turns)
    assert leans(question) or whole == question
