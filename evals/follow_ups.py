"""`python -m evals follow-ups`: what making follow-ups whole is worth to retrieval, and what it costs whole questions.

No language model is involved. Each follow-up is searched for as it stands, behind the question before it, and as
`agent.answering.follow_up` makes it whole; then every whole question of the other cases after a turn about something
else.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, structs
from rich.console import Console
from rich.table import Table

from agent.answering.follow_up import whole_question
from agent.errors import InvalidInput
from agent.records import Turn
from agent.schema import SourceTree
from agent.service import Service
from agent.settings import load_settings
from agent.sources import open_source
from evals.cases import DATA, FIELDS_REMEDY, Case, Gold, load_cases, missing_gold, read_jsonl
from evals.places import DEPTH, Place, Search
from evals.retrieval import score
from evals.statistics import Difference, Figure, difference, figure
from evals.systems import place

FOLLOW_UPS = DATA / "fury-2.0.0-follow-ups" / "follow_ups.jsonl"
SHOWN = ("hit@1", "hit@5", "MRR")
SHIPPED = "made whole (ships)"
SEED = 20_240_601


class Before(Struct, frozen=True, forbid_unknown_fields=True):
    """An earlier turn: what was asked, and an answer as the system might give it."""

    question: str
    answer: str


class FollowUp(Struct, frozen=True, forbid_unknown_fields=True):
    """A question that leans on what came before.

    Attributes:
        turns: what came before, oldest first.
        shape: `replace` ("what about cones?"), `pronoun` ("how do I rotate it?") or `ellipsis` ("with tabs?").
    """

    id: str
    turns: Annotated[tuple[Before, ...], Meta(min_length=1)]
    question: str
    shape: str
    gold: Annotated[tuple[Gold, ...], Meta(min_length=1)]

    def whole(self) -> str:
        """Return the question as the service would answer it: each turn made whole by the one before."""
        turn: list[Turn] = []
        for before in self.turns:
            turn = [_turn(whole_question(before.question, turn), before.answer)]
        return whole_question(self.question, turn)

    def as_case(self, question: str, sources: SourceTree | None = None) -> Case:
        """Return a case that asks `question` and is answered by the same places; they must exist in `sources`."""
        case = Case(self.id, question, "follow-up", self.shape, self.gold)
        if sources is not None and (missing := missing_gold(case, sources)):
            raise InvalidInput(f"{missing}.", remedy=FIELDS_REMEDY)
        return case


class Measured(Struct, frozen=True):
    """Figures of one way to ask, by measure, and the scores they are means of."""

    name: str
    figures: Mapping[str, Figure | None]
    scores: Mapping[str, Mapping[str, float]]


ARMS: Mapping[str, Callable[[FollowUp], str]] = {
    "alone": lambda case: case.question,
    "behind the question before": lambda case: f"{case.turns[-1].question} {case.question}",
    SHIPPED: FollowUp.whole,
}


def load_follow_ups(path: Path = FOLLOW_UPS) -> tuple[FollowUp, ...]:
    """Read the cases; raises `InvalidInput` where a line does not fit."""
    return tuple(case for _, case in read_jsonl(path, FollowUp))


def after_strangers(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return whole questions as they are answered after another one of them, drawn at random but always the same."""
    draw = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    asked: list[Case] = []
    for case in cases:
        stranger = draw.choice([other for other in cases if other is not case])
        asked.append(structs.replace(case, question=whole_question(case.question, [_turn(stranger.question, "")])))
    return tuple(asked)


def measured(name: str, cases: Sequence[Case], search: Search) -> Measured:
    """Search for every case and score what is found."""
    scores = score(cases, {case.id: search(case.question) for case in cases})
    return Measured(name, {measure: figure(scores[measure].values()) for measure in SHOWN}, scores)


def main(arguments: Sequence[str]) -> int:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(prog="python -m evals follow-ups", description=__doc__)
    parser.add_argument("--cases", type=Path, default=FOLLOW_UPS, metavar="FILE", help="follow-ups, as JSONL")
    options = parser.parse_args(arguments)
    settings = load_settings(llm="none")
    tree = open_source(settings.library, settings)
    follow_ups = load_follow_ups(options.cases)
    service = Service(settings)
    engine = service.engine(None, None)

    def search(question: str) -> list[Place]:
        return [place(hit) for hit in engine.find(question, DEPTH)]

    arms = [measured(name, [c.as_case(ask(c), tree) for c in follow_ups], search) for name, ask in ARMS.items()]
    whole = [case for case in load_cases() if case.answerable]
    kept = [measured("as asked", whole, search), measured("after a stranger", after_strangers(whole), search)]
    service.close()
    console = Console(file=sys.stdout)
    console.print(_table(f"{len(follow_ups)} follow-ups", arms))
    console.print(_against(arms[-1], arms[:-1]))
    console.print(_table(f"{len(whole)} whole questions", kept))
    console.print(_against(kept[-1], kept[:1]))
    return 0


def _turn(question: str, answer: str) -> Turn:
    return Turn(question, answer, "", "")


def _table(title: str, rows: Sequence[Measured]) -> Table:
    table = Table("asked", *SHOWN, title=title)
    for row in rows:
        table.add_row(row.name, *(_cell(row.figures[measure]) for measure in SHOWN))
    return table


def _cell(found: Figure | None) -> str:
    return f"{found.mean:.3f} ({found.low:.2f}–{found.high:.2f})" if found else ""


def _against(new: Measured, olds: Sequence[Measured]) -> str:
    return "\n".join(
        f"{new.name} against {old.name}: {', '.join(filter(None, (_said(new, old, measure) for measure in SHOWN)))}"
        for old in olds
    )


def _said(new: Measured, old: Measured, measure: str) -> str:
    found: Difference | None = difference(new.scores[measure], old.scores[measure])
    return f"{measure} {found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})" if found else ""
