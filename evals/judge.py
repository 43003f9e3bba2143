"""LLM judges (LlamaIndex's evaluators), and how far they agree with people.

A judge's figure moves with the judge, so its agreement with hand-given labels stands beside it. Off unless asked for:
everything else in this package gives the same figures at every run.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from agent.errors import ModelUnavailable
from agent.verification import without_note
from evals.cases import DATA, Case, read_jsonl
from evals.observations import Judged
from evals.observe import FAILURES_IN_A_ROW, Observer
from evals.runs import Run

if TYPE_CHECKING:
    from llama_index.core.evaluation import BaseEvaluator
    from llama_index.core.llms.llm import LLM

LABELS = DATA / "fury-2.0.0-judged" / "labels.jsonl"
MEASURES = ("faithfulness", "relevancy", "correctness")
PASSING_SCORE = 4.0
"""Correctness is scored from 1 to 5; LlamaIndex's own threshold."""
CONTEXT_CHARACTERS = 2_000
"""Of each passage; several of them share the judge's window."""
CONTEXTS = 3
VERDICT_TOKENS = 200
SECONDS = 300.0
_SCORES = (
    re.compile(r"^\W*([1-5](?:\.\d+)?)\W*(?:/\s*5|out of 5)?\W*$", re.MULTILINE),  # alone on its line
    re.compile(r"score\b(?:\s*\(1[^)]*5\))?[^\d\n]*([1-5](?:\.\d+)?)\b", re.IGNORECASE),
)


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
    expected: dict[str, bool] | None = None

    @property
    def inputs(self) -> str:
        """A digest of all that is read."""
        text = msgspec.json.encode((self.question, self.answer, self.passages, self.reference))
        return hashlib.sha256(text).hexdigest()[:12]

    def key(self, judge: str, measure: str) -> tuple[str, ...]:
        """Return the key of a verdict on this."""
        return Judged.key_of(judge, measure, self.id, self.inputs)

    def allows(self, measure: str) -> bool:
        """Whether there is what this measure compares with."""
        return bool(self.reference if measure == "correctness" else self.passages)


def subjects(run: Run, cases: Sequence[Case]) -> list[Subject]:
    """Return the hand-labelled examples, then the answers of a run."""
    return [*_examples(LABELS), *_answers(run, cases)]


def _answers(run: Run, cases: Sequence[Case]) -> Iterator[Subject]:
    asked = run.asked(cases)
    for case in cases:
        entry = asked.get(case.id)
        if case.answerable and entry and entry.answer and entry.answer.status == "answered":
            texts = tuple(passage.text[:CONTEXT_CHARACTERS] for passage in entry.passages[:CONTEXTS])
            yield Subject(case.id, case.question, without_note(entry.answer.answer), texts, case.ground_truth)


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


# --- judging -----------------------------------------------------------------------------------------


def judge_all(observer: Observer, cases: Sequence[Case], llm: LLM) -> None:
    """Judge every answer of the run, and every hand-labelled example; verdicts are kept as they come.

    A verdict that cannot be had is kept with its reason and counts for nothing.

    Raises:
        ModelUnavailable: several verdicts in a row could not be had.
    """
    for name, value in {"max_tokens": VERDICT_TOKENS, "temperature": 0.0}.items():
        if name in type(llm).model_fields:  # of most LLMs, not of LlamaIndex's base class
            setattr(llm, name, value)
    asyncio.run(_judge(observer, subjects(observer.run, cases), llm))


async def _judge(observer: Observer, texts: Sequence[Subject], llm: LLM) -> None:
    name = llm.metadata.model_name
    judges = evaluators(llm)
    wanted = [(text, measure) for text in texts for measure in MEASURES if text.allows(measure)]
    failures = 0
    for number, (text, measure) in enumerate(wanted):
        observer.progress("judge", number, len(wanted))
        entry = Judged(name, measure, text.id, text.inputs)
        if observer.has(entry):
            continue
        verdict = await _verdict(entry, text, judges[measure])
        observer.run.append(verdict)
        failures = failures + 1 if verdict.passing is None else 0
        if failures == FAILURES_IN_A_ROW:
            raise ModelUnavailable(
                f"{failures} verdicts in a row could not be had from {name!r}, the last because: {verdict.reason}",
                remedy="The verdicts so far are kept; the same command goes on from there.",
            )


async def _verdict(entry: Judged, text: Subject, evaluator: BaseEvaluator) -> Judged:
    try:
        result = await asyncio.wait_for(
            evaluator.aevaluate(
                query=text.question, response=text.answer, contexts=text.passages, reference=text.reference
            ),
            SECONDS,
        )
    except Exception as error:  # noqa: BLE001 - whatever a judge breaks on, the other verdicts are worth having
        return msgspec.structs.replace(entry, reason=f"{type(error).__name__}: {error}")
    reason = (result.feedback or "").strip()
    if result.passing is None:
        reason = f"no verdict in: {reason[:200]!r}"
    return msgspec.structs.replace(entry, passing=result.passing, reason=reason)


def evaluators(llm: LLM) -> dict[str, BaseEvaluator]:
    """Return measure -> LlamaIndex's evaluator."""
    from llama_index.core.evaluation import CorrectnessEvaluator, FaithfulnessEvaluator, RelevancyEvaluator

    return {
        "faithfulness": FaithfulnessEvaluator(llm=llm),
        "relevancy": RelevancyEvaluator(llm=llm),
        "correctness": CorrectnessEvaluator(llm=llm, score_threshold=PASSING_SCORE, parser_function=parse_score),
    }


def parse_score(text: str) -> tuple[float | None, str | None]:
    """Return a score from 1 to 5 and the text: a line that is only a number, else what follows the word score.

    LlamaIndex's own parser wants the number alone on the first line; small models put it where they like.
    """
    found = next((match for pattern in _SCORES if (match := pattern.search(text))), None)
    return (float(found[1]) if found else None), text
