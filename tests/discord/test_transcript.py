"""The page of what people see shows what it promises."""

from __future__ import annotations

from tests.discord.transcript import SPHERES, transcript


def test_the_transcript_shows_thread_follow_up_feedback_a_picture_a_declined_question_and_an_outage() -> None:
    page = transcript()
    expected = (f"Thread: {SPHERES}", "Only Bob can see this", "data:image/png", "Nearest places", "cannot be reached")
    places = [page.index(words) for words in expected]
    assert places == sorted(places)
