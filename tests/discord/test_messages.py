"""An answer as people see it."""

from __future__ import annotations

from msgspec.structs import replace

from agent.discord.messages import draft, shown
from agent.schema import Finding, Ran, Verification
from tests.fakes import ANSWER, SOURCES

LINK = "[fury/actor.py:3-9 sphere](<https://example.org/actor.py#L3-L9>)"


def test_an_answer_has_its_text_its_places_its_checks_and_its_small_print() -> None:
    assert shown(ANSWER).texts == (
        "Use `actor.sphere` [\\[1\\]](<https://example.org/actor.py#L3-L9>).\n\n"
        f"**Sources**\n1. {LINK}\n✅ 1 name checked\n-# fury 2.0.0 (v2.0.0) · scripted · 0.0 s",
    )


def test_a_declined_answer_shows_the_nearest_places() -> None:
    text = shown(replace(ANSWER, status="declined")).texts[0]
    assert f"**Nearest places**\n1. {LINK}" in text


def test_what_is_wrong_is_counted() -> None:
    finding = Finding("unknown-name", 1, 1, "actor.spher", "There is none.")
    ran = Ran(ok=False, seconds=1, error="Traceback\nNameError: @everyone")
    found = Verification(2, ("fury.actor.spher",), ran=ran, checked_calls=1, findings=(finding,), repaired=("a `b`",))
    text = shown(replace(ANSWER, verification=found)).texts[0]
    assert "⚠️ 2 names and 1 call checked, 1 in doubt" in text
    assert (
        ", 1 in doubt, 2 not decided"
        in shown(replace(ANSWER, verification=replace(found, unchecked_names=("fury.a",), unchecked_calls=1))).texts[0]
    )
    assert "-# repaired: a `b`" in text
    assert "⚠️ the program failed: Traceback NameError: @\u200beveryone" in text


def test_very_long_code_comes_as_a_file() -> None:
    program = "x = 1\n" * 1000 + "x"
    seen = shown(replace(ANSWER, answer=f"See:\n```python\n{program}\n```\nThat is all."), picture=b"png")
    assert len(seen.texts) == 1
    assert "program1.py: 6,001 characters" in seen.texts[0]
    assert seen.files == {"program1.py": program.encode(), "picture.png": b"png"}


def test_a_draft_shows_the_places_at_once_and_then_the_end_of_a_long_text() -> None:
    assert draft(None, "") == "-# Looking it up ..."
    assert draft(SOURCES, "") == f"-# Reading {LINK}"
    long = draft(SOURCES, "```python\n" + "\n".join(f"x = {number}" for number in range(1000)))
    assert long.startswith(f"-# Reading {LINK}\n```python\n")
    assert long.endswith("x = 999\n```")
    assert len(long) <= 2_000
