"""The soak in small; `python -m tests.discord.soak` is the whole."""

from __future__ import annotations

from tests.discord.soak import soak


def test_whatever_breaks_everybody_gets_one_answer_or_one_apology() -> None:
    result = soak(60, seed=2, earnest=False)
    assert result.wrong == ()
    assert result.messages == result.answered + result.apologised == 60
    assert len(result.troubles) > 1
