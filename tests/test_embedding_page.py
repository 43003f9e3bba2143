"""The page on ways to compute embeddings is that of its figures, and says what ships and what was left out."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.embedding_page import PAGE, Measured, Result, render
from evals.statistics import Figure

FIGURES = PAGE.with_suffix(".json")
FOUND = {name: Figure(0.5, 0.4, 0.6, 149) for name in ("hit@1", "hit@5", "MRR")}


def measured(*passages: tuple[str, float], **skipped: str) -> Measured:
    results = tuple(Result(way, ms, ms / 2, 0.9999, 0.999, FOUND) for way, ms in passages)
    return Measured("fury 2.0.0", 1630, 149, "2 cores", {"torch": "2.13.0"}, results, skipped)


EXACT_AND_HALF = (("torch float32", 40.0), ("torch bfloat16", 10.0))


@pytest.mark.skipif(not FIGURES.exists(), reason="nothing was measured yet: python -m benchmarks.embedding")
def test_the_page_is_that_of_its_figures() -> None:
    """`python -m benchmarks.embedding --page` writes it."""
    figures = msgspec.json.decode(FIGURES.read_bytes(), type=Measured)
    assert PAGE.read_text(encoding="utf-8") == render(figures)


def test_every_way_has_its_row() -> None:
    rows = [line for line in render(measured(*EXACT_AND_HALF)).splitlines() if line.startswith("| torch")]
    assert rows == [
        "| torch float32 | 40.00 | 20.00 | 0.99990 | 0.99900 " + "| 0.500 (0.40–0.60) " * 3 + "|",
        "| torch bfloat16 | 10.00 | 5.00 | 0.99990 | 0.99900 " + "| 0.500 (0.40–0.60) " * 3 + "|",
    ]


def test_what_ships_is_told_beside_what_is_fastest() -> None:
    assert "4.0 times as fast as float32" in render(measured(*EXACT_AND_HALF))
    assert "Fastest here is" not in render(measured(*EXACT_AND_HALF, ("another", 11.0)))
    assert "Fastest here is *another*, 2.0 times" in render(measured(*EXACT_AND_HALF, ("another", 5.0)))


def test_a_way_that_was_left_out_says_why() -> None:
    assert "*onnx* was left out: it is not installed." in render(measured(*EXACT_AND_HALF, onnx="it is not installed"))
