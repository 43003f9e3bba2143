"""LLM judges (LlamaIndex's evaluators), and how far they agree with people.

A judge's figure moves with the judge, so its agreement with hand-given labels stands beside it. Off unless asked for:
everything else in this package gives the same figures at every run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from llama_index.core.evaluation import BaseEvaluator, CorrectnessEvaluator, FaithfulnessEvaluator, RelevancyEvaluator
from llama_index.core.llms.llm import LLM
from msgspec import Struct

from evals.cases import DATA, Case, read_jsonl
from evals.observe import Progress
from evals.runs import Judged, Run

LABELS = DATA / "fury-2.0.0-judged" / "labels.jsonl"
PASSING_SCORE = 4.0
"""Correctness is scored from 1 to 5; LlamaIndex's own threshold."""
CONTEXT_CHARACTERS = 2_000
"""Of each passage; several of them share the judge's window."""
CONTEXTS = 3
VERDICT_TOKENS = 200
SECONDS = 600.0
_SCORE = re.compile(r"\b([1-5](?:\.\d+)?)\b")


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """A hand-labelled example; see `evals/data/README.md`."""

    id: str
    question: str
    answer: str
    passages: tuple[str, ...]
    reference: str
    faithful: bool
    relevant: bool
    correct: bool
    why: str = ""


class Subject(Struct, frozen=True):
    """What a judge reads; `expected` has the hand-given labels by measure, where there are any."""

    id: str
    question: str
    answer: str
    passages: tuple[str, ...]
    reference: str | None
    expected: dict[str, bool] = msgspec.field(default_factory=dict[str, bool])


def judge_all(run: Run, cases: Sequence[Case], llm: LLM, progress: Progress) -> None:
    """Judge every answer of the run, and every hand-labelled example; verdicts are kept as they come.

    A verdict that cannot be had is kept with its reason and counts for nothing.
    """
    for name, value in {"max_tokens": VERDICT_TOKENS, "temperature": 0.0}.items():
        if name in type(llm).model_fields:  # of most LLMs, not of LlamaIndex's base class
            setattr(llm, name, value)
    asyncio.run(_judge(run, [*_examples(LABELS), *_answers(run, cases)], llm, progress))


async def _judge(run: Run, subjects: Sequence[Subject], llm: LLM, progress: Progress) -> None:
    name = llm.metadata.model_name
    measures = evaluators(llm)
    wanted = [(subject, measure) for subject in subjects for measure in measures if _can_be_judged(subject, measure)]
    for number, (subject, measure) in enumerate(wanted):
        progress("judge", number, len(wanted))
        entry = Judged(name, measure, subject.id, subject.answer, subject.expected.get(measure))
        if not run.has(entry.key):
            run.append(await _verdict(entry, subject, measures[measure]))


async def _verdict(entry: Judged, subject: Subject, evaluator: BaseEvaluator) -> Judged:
    contexts = [passage[:CONTEXT_CHARACTERS] for passage in subject.passages[:CONTEXTS]]
    try:
        result = await asyncio.wait_for(
            evaluator.aevaluate(
                query=subject.question, response=subject.answer, contexts=contexts, reference=subject.reference
            ),
            SECONDS,
        )
    except Exception as error:  # noqa: BLE001 - whatever a judge breaks on, the other verdicts are worth having
        return msgspec.structs.replace(entry, reason=f"{type(error).__name__}: {error}")
    reason = (result.feedback or "").strip()
    if result.passing is None:
        reason = f"no verdict in: {reason[:200]}"
    return msgspec.structs.replace(entry, passing=result.passing, reason=reason)


def evaluators(llm: LLM) -> dict[str, BaseEvaluator]:
    """Return measure -> LlamaIndex's evaluator."""
    return {
        "faithfulness": FaithfulnessEvaluator(llm=llm),
        "relevancy": RelevancyEvaluator(llm=llm),
        "correctness": CorrectnessEvaluator(llm=llm, score_threshold=PASSING_SCORE, parser_function=parse_score),
    }


def parse_score(text: str) -> tuple[float | None, str | None]:
    """Return the first number from 1 to 5, and the text; LlamaIndex's own parser wants it alone on the first line."""
    found = _SCORE.search(text)
    return (float(found[1]) if found else None), text


def _can_be_judged(subject: Subject, measure: str) -> bool:
    return bool(subject.reference) if measure == "correctness" else bool(subject.passages)


def _answers(run: Run, cases: Sequence[Case]) -> Iterator[Subject]:
    asked = run.asked()
    for case in cases:
        entry = asked.get(case.id)
        if case.answerable and entry and entry.answer and entry.answer.status == "answered":
            texts = tuple(passage.text for passage in entry.passages)
            yield Subject(case.id, case.question, entry.answer.answer, texts, case.ground_truth)


def _examples(path: Path) -> Iterator[Subject]:
    for label in load_labels(path):
        expected = {"faithfulness": label.faithful, "relevancy": label.relevant, "correctness": label.correct}
        yield Subject(label.id, label.question, label.answer, label.passages, label.reference, expected)


def load_labels(path: Path = LABELS) -> tuple[Label, ...]:
    """Read hand-labelled examples.

    Raises:
        InvalidInput: missing, or a line that does not fit; names file and line.
    """
    return tuple(label for _, label in read_jsonl(path, Label))
