"""`python -m evals calibrate`: what `agent.answering.abstention` weighs, and what that does on unseen questions.

Questions are halved before any signal is looked at: within each sort, every second one by a digest of its id. Weights
and threshold come from one half; the page `docs/abstention.md` and its curve show the other one, and other libraries.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from agent.answering.abstention import WEIGHTS, Signals, Weights
from agent.errors import InvalidInput, UnknownLibrary, UnknownVersion
from agent.index_build import build
from agent.providers.embeddings import build_embedding
from agent.query_engine import QueryEngine
from agent.service import Service
from agent.settings import Settings, load_settings
from evals.calibration_page import PAGE, Group, render, risk_curve
from evals.cases import DATA, DEFAULT_CASES, Case, load_cases
from evals.code_requests import load_requests
from evals.statistics import Trial, figure, risk_coverage, suggested
from evals.systems import RememberedQueries

SPEC = "fury==2.0.0"
QUESTION, PROGRAM, FOREIGN_SORT = "question", "request for a program", "another library's"
OTHERS = ("networkx==3.7", "requests==2.34.2", "scikit-image==0.26.0")
"""Libraries whose answerable questions were asked by hand; nothing is calibrated on them."""
FOREIGN = frozenset({"off_topic", "other_library", "nonsense", "prompt_injection"})
"""Sorts of unanswerable questions about FURY that no other library answers either."""
ALLOWED = 0.08
"""False declines allowed on the half that is calibrated on: below the 10 % that are wanted, as halves differ."""
RIDGE = 0.01
"""Weight of the squared (standardized) weights in the loss."""


class Seen(Struct, frozen=True):
    """One question, and what was seen of it.

    Attributes:
        signals: None where a name that the question writes out decides without them.
        sort: as that of `Asked`.
    """

    case: str
    sort: str
    answerable: bool
    confidence: float
    signals: Signals | None


class Asked(Struct, frozen=True):
    """A question or request.

    Attributes:
        sort: of what cannot be answered, its category; else `question` or `request for a program`.
    """

    id: str
    question: str
    sort: str
    answerable: bool


def fury_cases() -> tuple[Asked, ...]:
    """Return all that was asked about FURY, without the questions of which one half can be answered."""
    cases = (*load_cases(DEFAULT_CASES), *load_cases(DATA / "fury-2.0.0-unanswerable"))
    requests = load_requests(DATA / "fury-2.0.0-code")
    return (
        *(_asked(case) for case in cases if case.answerable or case.must_decline),
        *(Asked(request.id, request.request, PROGRAM, answerable=True) for request in requests),
    )


def _asked(case: Case) -> Asked:
    return Asked(
        case.id, case.question, QUESTION if case.answerable else case.category or FOREIGN_SORT, case.answerable
    )


def halves(seen: Sequence[Seen]) -> tuple[list[Seen], list[Seen]]:
    """Return the half that is calibrated on and the one that is held out; the same whatever the order."""
    sorts: dict[str, list[Seen]] = defaultdict(list)
    for entry in sorted(seen, key=lambda entry: hashlib.sha256(entry.case.encode()).digest()):
        sorts[entry.sort].append(entry)
    return [e for group in sorts.values() for e in group[::2]], [e for group in sorts.values() for e in group[1::2]]


def observe(engine: QueryEngine, cases: Sequence[Asked], *, answerable: bool | None = None) -> list[Seen]:
    """Return what an engine sees of questions; `answerable` overrides what they say, for another library's."""
    assert engine.abstention is not None
    seen: list[Seen] = []
    for case in cases:
        confidence = engine.confidence(case.question)
        holds = case.answerable if answerable is None else answerable
        seen.append(
            Seen(
                case=case.id,
                sort=case.sort if case.answerable == holds else FOREIGN_SORT,
                answerable=holds,
                confidence=confidence,
                signals=engine.abstention.signals(case.question) if 0 < confidence < 1 else None,
            )
        )
    return seen


def fit(seen: Sequence[Seen]) -> Weights:
    """Return the ridge-penalized logistic regression in which both sorts of question weigh the same."""
    from scipy.optimize import minimize

    used = [entry for entry in seen if entry.signals is not None]
    names = Signals.__struct_fields__
    values = np.array([[getattr(entry.signals, name) for name in names] for entry in used])
    sign = np.array([1.0 if entry.answerable else -1.0 for entry in used])
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    standard = (values - mean) / spread
    balance = np.where(sign > 0, 0.5 / (sign > 0).mean(), 0.5 / (sign < 0).mean())

    def loss(weights: NDArray[np.float64]) -> float:
        margin = sign * (weights[0] + standard @ weights[1:])
        return float((balance * np.logaddexp(0, -margin)).mean() + RIDGE * (weights[1:] ** 2).sum())

    found = minimize(loss, np.zeros(len(names) + 1)).x
    slopes = found[1:] / spread
    return Weights(float(found[0] - slopes @ mean), *map(float, slopes))


def group(name: str, seen: Sequence[Seen], threshold: float) -> Group:
    """Return what is declined of some questions."""
    found = figure(float(entry.confidence < threshold) for entry in seen)
    assert found is not None
    return Group(name, found)


def by_sort(seen: Sequence[Seen], threshold: float) -> Iterator[Group]:
    """Yield what is declined: of the answerable and of all unanswerable questions, then by their sort."""
    answerable = [entry for entry in seen if entry.answerable]
    yield group("answerable (false declines)", answerable, threshold)
    for sort in sorted({entry.sort for entry in answerable}):
        yield group(f"answerable: {sort}", [entry for entry in answerable if entry.sort == sort], threshold)
    unanswerable = [entry for entry in seen if not entry.answerable]
    yield group("unanswerable, all", unanswerable, threshold)
    for sort in sorted({entry.sort for entry in unanswerable}):
        yield group(f"unanswerable: {sort}", [entry for entry in unanswerable if entry.sort == sort], threshold)


def trials(seen: Sequence[Seen]) -> list[Trial]:
    """Return questions for a risk-coverage curve: answering what the sources do not hold is what is wrong."""
    return [Trial(entry.confidence, right=entry.answerable, answerable=entry.answerable) for entry in seen]


def other_libraries(service: Service, threshold: float) -> Iterator[tuple[str, tuple[Group, ...]]]:
    """Yield SPEC -> what is declined of its own questions, and of all others'; those not indexed are left out."""
    asked = {
        spec: [_asked(case) for case in load_cases(DATA / spec.replace("==", "-") / "asked.jsonl")] for spec in OTHERS
    }
    foreign = [case for case in fury_cases() if case.sort in FOREIGN]
    for spec in OTHERS:
        try:
            engine = service.engine(*spec.split("=="))
        except (UnknownLibrary, UnknownVersion):
            continue
        own = observe(engine, asked[spec], answerable=True)
        strange = [*foreign, *(case for other, cases in asked.items() if other != spec for case in cases)]
        yield (
            spec,
            (
                group("answerable (false declines)", own, threshold),
                group("other things and other libraries", observe(engine, strange, answerable=False), threshold),
            ),
        )


def main(arguments: Sequence[str]) -> int:
    """Print the weights and the threshold, and write the page and its curve."""
    parser = argparse.ArgumentParser(prog="python -m evals calibrate", description=__doc__)
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE", help="the page; its curve goes beside it")
    options = parser.parse_args(arguments)
    if not options.out.parent.is_dir():
        raise InvalidInput(f"There is no {str(options.out.parent)!r}.", remedy="Run this in a checkout of fury-agent.")
    settings = load_settings().model_copy(update={"llm": "none", "library": SPEC})
    threshold = settings.abstain
    with_index(settings)
    query = RememberedQueries(build_embedding(settings))
    service = Service(settings, embedding=query)
    try:
        cases = fury_cases()
        query.remember([case.question for case in cases])
        calibration, held_out = halves(observe(service.engine(None, None), cases))
        others = dict(other_libraries(service, threshold))
    finally:
        service.close()
    best = suggested(risk_coverage(trials(calibration)), ALLOWED)
    sys.stdout.write(
        f"weights of the calibration half: {fit(calibration)}\nin agent/answering/abstention.py:         {WEIGHTS}\n"
    )
    sys.stdout.write(
        f"threshold of the calibration half, by these: {best.threshold if best else None}; in force: {threshold}\n"
    )
    tables: Mapping[str, tuple[Group, ...]] = {
        "Held out": tuple(by_sort(held_out, threshold)),
        "Calibrated on": tuple(by_sort(calibration, threshold)),
        **{f"{spec}: nothing was calibrated on it": groups for spec, groups in others.items()},
    }
    options.out.write_text(render(tables, WEIGHTS, threshold), encoding="utf-8")
    curve = risk_curve(risk_coverage(trials(held_out)), threshold)
    options.out.with_suffix(".svg").write_text(curve, encoding="utf-8")
    sys.stdout.write(f"{options.out}: {len(calibration)} questions calibrated on, {len(held_out)} held out\n")
    return 0


def with_index(settings: Settings) -> None:
    """Bring FURY's index up to date."""
    build(settings.library, settings)
