"""Text comes out as soon as it is sure, and whole."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agent.providers.llms.wording import Wording


def decode(ids: Sequence[int]) -> str:
    """Tokens are bytes: a character may take four of them."""
    return bytes(ids).decode("utf-8", "replace")


def said(text: str, *stops: str) -> tuple[list[str], Wording]:
    wording = Wording(decode, stops)
    pieces: list[str] = []
    for token in text.encode():
        pieces.append(wording.add(token))
        if wording.stopped:
            break
    return [*pieces, wording.rest()], wording


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd")), st.lists(st.text(max_size=4)))
def test_the_pieces_are_the_text_before_the_first_stop_string(text: str, stops: list[str]) -> None:
    places = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    pieces, wording = said(text, *stops)
    # What is known first ends an answer: of two stop strings the one that is complete first, wherever they begin.
    if len(places) <= 1:
        assert "".join(pieces) == text[: min(places, default=len(text))]
    assert wording.stopped == bool(places)
    assert text.startswith("".join(pieces))


def test_no_half_character_is_shown() -> None:
    assert said("a😀b")[0] == ["a", "", "", "", "😀", "b", ""]


def test_what_may_begin_a_stop_string_waits_until_it_does_not() -> None:
    assert said("x</y", "</s>")[0] == ["x", "", "", "</y", ""]
    assert said("x</s>y", "</s>")[0] == ["x", "", "", "", "", ""]
    assert said("x</s", "</s>")[0] == ["x", "", "", "", "</s"]


def test_bytes_that_never_become_a_character_are_shown_at_the_end() -> None:
    wording = Wording(decode)
    assert [wording.add(0xF0), wording.add(0x9F), wording.rest()] == ["", "", "\ufffd"]
