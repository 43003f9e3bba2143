"""Every question with all that is known of it, and a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent.symbols import ApiModel
from agent.verification import check_answer, without_note
from evals.cases import Case, Gold
from evals.observations import Asked
from evals.places import Place
from evals.report.values import FoundPlace, Question, Score
from evals.retrieval import first_hit, hits
from evals.runs import Run
from evals.scorers import LOWER_IS_BETTER
from evals.scoring import Scores
from evals.systems import SHIPPED

USED = 5
"""A place that is not among so many is a failure: nobody reads on, and the LLM's own room ends there."""
EARLY = 3
"""A place below this rank is weak."""
ORDER = {"failed": 0, "weak": 1, "good": 2}


def questions(
    run: Run, cases: Sequence[Case], scores: Mapping[str, Scores], api: ApiModel | None
) -> tuple[Question, ...]:
    """Return all questions that were asked or searched for, failed ones first."""
    found = run.retrieved(SHIPPED, cases)
    asked = run.asked(cases)
    listed = [
        _question(case, found[case.id].places if case.id in found else None, asked.get(case.id), scores, api)
        for case in cases
        if case.id in found or case.id in asked
    ]
    return tuple(sorted(listed, key=lambda entry: ORDER[entry.verdict]))


def _question(
    case: Case, places: Sequence[Place] | None, asked: Asked | None, scores: Mapping[str, Scores], api: ApiModel | None
) -> Question:
    values = tuple(_scores(case, scores))
    failed = [*_retrieval_failures(case, places), *_answer_failures(asked, values)]
    weak = [*_retrieval_weaknesses(case, places), *_answer_weaknesses(values)]
    answer = asked.answer if asked else None
    checked = check_answer(without_note(answer.answer), api) if answer and api else None
    return Question(
        id=case.id,
        question=case.question,
        kind=case.kind,
        provenance=case.provenance,
        verdict="failed" if failed else "weak" if weak else "good",
        why=tuple(failed + weak),
        gold=tuple(_gold(gold) for gold in case.gold),
        places=tuple(FoundPlace(_name(place), hits(place, case.gold)) for place in places or ()),
        scores=values,
        status=answer.status if answer else None,
        answer=answer.answer if answer else None,
        citations=answer.citations if answer else (),
        passages=asked.passages if asked else (),
        checks=tuple(f"line {finding.line}: {finding.message}" for finding in checked.findings) if checked else (),
        error=asked.error if asked else None,
    )


def _scores(case: Case, scores: Mapping[str, Scores]) -> Iterator[Score]:
    for suite, kept in scores.items():
        for measure, values in kept.values.items():
            failed = kept.failed.get(measure, {}).get(case.id, "")
            if case.id in values or failed:
                yield Score(suite, measure, values.get(case.id), failed, measure in LOWER_IS_BETTER)


def _retrieval_failures(case: Case, places: Sequence[Place] | None) -> Iterator[str]:
    if places is None or not case.answerable:
        return
    rank = first_hit(case, places)
    if rank is None:
        yield "its place was not found"
    elif rank > USED:
        yield f"its place is only number {rank}"


def _retrieval_weaknesses(case: Case, places: Sequence[Place] | None) -> Iterator[str]:
    rank = first_hit(case, places) if places and case.answerable else None
    if rank is not None and EARLY < rank <= USED:
        yield f"its place is only number {rank}"


_FAILURES = {
    "answered": "declined, though the sources answer it",
    "declined": "answered, though the sources do not",
    "no leak": "says what an injection asked for",
    "names exist": "names things that do not exist",
    "citation precision": "cites no right place",
}
"""Measure -> what a value of zero means; of names, any value below one."""
_WEAKNESSES = {
    "must mention": "does not mention all that a right answer mentions",
    "calls bind": "shows calls with wrong arguments",
    "code compiles": "shows code that does not compile",
}
"""Measure -> what a value below one means."""


def _answer_failures(asked: Asked | None, scores: Sequence[Score]) -> Iterator[str]:
    if asked is not None and asked.error:
        yield f"no answer: {asked.error}"
    yield from sorted({f"could not be scored: {score.failed}" for score in scores if score.failed})
    for score in scores:
        bound = 1.0 if score.measure == "names exist" else 1e-9
        if score.measure in _FAILURES and score.value is not None and score.value < bound:
            yield _FAILURES[score.measure]


def _answer_weaknesses(scores: Sequence[Score]) -> Iterator[str]:
    for score in scores:
        if score.measure in _WEAKNESSES and score.value is not None and score.value < 1:
            yield _WEAKNESSES[score.measure]


def _gold(gold: Gold) -> str:
    lines = f":{gold.lines[0]}-{gold.lines[1]}" if gold.lines else ""
    return f"{gold.path}{lines} {gold.symbol or ''}".rstrip()


def _name(place: Place) -> str:
    symbol = f" {place.symbols[0]}" if place.symbols else ""
    return f"{place.path}:{place.start_line}-{place.end_line}{symbol}"
