"""Asks every question and keeps what comes back; whatever is in the run already is not asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from agent.errors import ServiceError
from evals.answerers import Answerer, ask
from evals.cases import Case
from evals.runs import Asked, Retrieved, Run
from evals.systems import System, timed

Progress = Callable[[str, int, int | None], None]
"""Called with stage, done and total."""
FAILURES_IN_A_ROW = 3
"""After so many the service is taken for dead."""


def search_all(
    run: Run,
    cases: Sequence[Case],
    systems: Iterable[System],
    count: int,
    progress: Progress,
    *,
    stage: str = "retrieval",
    confidence: Callable[[str], float] | None = None,
) -> None:
    """Let every system find places for every case; the shipped one also for questions without an answer.

    Args:
        run: keeps what is found.
        cases: the questions.
        systems: built when their turn comes.
        count: how many systems there are.
        progress: told of every question.
        stage: what the progress is called.
        confidence: question -> how near the nearest passage is.

    Raises:
        ServiceError: a system failed; what was found before is kept.
    """
    for turn, system in enumerate(systems):
        wanted = [case for case in cases if case.answerable or system.role == "shipped"]
        for number, case in enumerate(wanted):
            progress(stage, turn * len(wanted) + number, count * len(wanted))
            entry = Retrieved(system=system.name, case=case.id, question=case.question, places=())
            if run.has(entry.key):
                continue
            places, milliseconds = timed(system.search, case.question)
            sure = confidence(case.question) if confidence and system.role == "shipped" else None
            run.append(structs.replace(entry, places=tuple(places), confidence=sure, milliseconds=milliseconds))


def is_observed(run: Run, cases: Sequence[Case], names: Iterable[str]) -> bool:
    """Whether these systems have found places for every answerable case already."""
    keys = (Retrieved(name, case.id, case.question, ()).key for name in names for case in cases if case.answerable)
    return all(run.has(key) for key in keys)


def ask_all(run: Run, cases: Sequence[Case], answerer: Answerer, progress: Progress) -> None:
    """Ask every case once.

    Raises:
        ServiceError: several answers in a row failed; what was answered before is kept.
    """
    failures = 0
    for number, case in enumerate(cases):
        progress("answers", number, len(cases))
        if run.has(Asked(case=case.id, question=case.question).key):
            continue
        entry = ask(answerer, case.id, case.question)
        run.append(entry)
        failures = failures + 1 if entry.error else 0
        if failures == FAILURES_IN_A_ROW:
            raise ServiceError(
                f"{failures} questions in a row could not be answered, the last because: {entry.error}",
                remedy=f"The results so far are kept in {str(run.folder)!r}; the same command goes on from there.",
            )
