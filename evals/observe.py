"""Asks every question and keeps what comes back; whatever is in the run already is not asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import structs

from agent.errors import ServiceError
from evals.answerers import Answerer, ask
from evals.cases import Case
from evals.observations import Asked, Observation, Retrieved
from evals.runs import Run
from evals.systems import System, timed

Progress = Callable[[str, int, int | None], None]
"""Called with stage, done and total."""
FAILURES_IN_A_ROW = 3
"""After so many it is asked whether anybody is there at all."""


class Observer:
    """Fills a run.

    Args:
        run: open for appending.
        progress: told of every question.
        fresh: observe again what the run has already.
    """

    def __init__(self, run: Run, progress: Progress, *, fresh: bool = False) -> None:
        self.run = run
        self.progress = progress
        self.fresh = fresh
        self.reused = 0
        """How many observations an earlier call had made."""

    def has(self, entry: Observation) -> bool:
        """Whether this need not be observed again."""
        known = not self.fresh and self.run.has(entry.key)
        self.reused += known
        return known

    def search(
        self,
        cases: Sequence[Case],
        systems: Iterable[System],
        count: int,
        *,
        stage: str = "retrieval",
        confidence: Callable[[str], float] | None = None,
    ) -> None:
        """Let every system find places for every case; the shipped one also for questions without an answer.

        Args:
            cases: the questions.
            systems: built when their turn comes.
            count: how many systems there are.
            stage: what the progress is called.
            confidence: question -> how sure retrieval is that it can be answered.

        Raises:
            AgentError: a system failed; what was found before is kept.
        """
        for turn, system in enumerate(systems):
            wanted = [case for case in cases if case.answerable or system.role == "shipped"]
            for number, case in enumerate(wanted):
                self.progress(stage, turn * len(wanted) + number, count * len(wanted))
                entry = Retrieved(system=system.name, case=case.id, question=case.question, places=())
                if self.has(entry):
                    continue
                places, milliseconds = timed(system.search, case.question)
                sure = confidence(case.question) if confidence and system.role == "shipped" else None
                self.run.append(
                    structs.replace(entry, places=tuple(places), confidence=sure, milliseconds=milliseconds)
                )

    def ask(self, cases: Sequence[Case], answerer: Answerer) -> None:
        """Ask every case once.

        Raises:
            ServiceError: several answers in a row failed, and nobody is there; what was answered before is kept.
        """
        failures = 0
        for number, case in enumerate(cases):
            self.progress("answers", number, len(cases))
            if self.has(Asked(case=case.id, question=case.question)):
                continue
            entry = ask(answerer, case.id, case.question)
            self.run.append(entry)
            failures = failures + 1 if entry.error else 0
            if failures == FAILURES_IN_A_ROW:
                self._check_alive(answerer, entry.error)
                failures = 0

    def _check_alive(self, answerer: Answerer, reason: str | None) -> None:
        try:
            answerer.identity()
        except ServiceError as error:
            raise ServiceError(
                f"{FAILURES_IN_A_ROW} questions in a row could not be answered, the last because: {reason}",
                remedy=f"The results so far are kept in {str(self.run.folder)!r}; the same command goes on from there.",
            ) from error


def is_observed(run: Run, cases: Sequence[Case], names: Iterable[str]) -> bool:
    """Whether these systems have found places for every answerable case already, and there is one."""
    keys = [Retrieved.key_of(name, case.id, case.question) for name in names for case in cases if case.answerable]
    return bool(keys) and all(run.has(key) for key in keys)
