"""The suites by name."""

from __future__ import annotations

from collections.abc import Mapping

from evals.cases import Case

SUITES: Mapping[str, str] = {
    "retrieval": "is the right place among the first ones? ours, its parts, and well-known peers",
    "answers": "are citations, names, calls and code of the answers right?",
    "abstention": "is what the sources do not answer declined?",
    "speed": "how long do answers take?",
    "code": "does the code that is written run, draw, and show what was asked for? four ways of writing it",
    "judge": "what does another LLM say of the answers, and how far can it be trusted?",
}
"""Suite -> what it asks."""
ALL = tuple(suite for suite in SUITES if suite not in {"code", "judge"})
"""What `all` stands for: everything about the questions that gives figures without a judge."""
ASKING = frozenset(SUITES) - {"retrieval", "code"}
"""Suites that need answers to the questions."""
SEARCHING = frozenset({"retrieval", "abstention"})
"""Suites that need what the shipped retriever finds; abstention, for how near the nearest passage is."""


def applies(suite: str, case: Case) -> bool:
    """Whether a suite is about this question."""
    match suite:
        case "answers" | "judge":
            return case.answerable
        case "abstention":
            return not case.answerable
        case _:
            return True
