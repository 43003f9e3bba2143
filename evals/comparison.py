"""Two runs, question by question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from agent.errors import InvalidInput
from evals.observations import Identity
from evals.runs import Run
from evals.scorers import LOWER_IS_BETTER, NEUTRAL
from evals.scoring import Scores
from evals.statistics import FEWEST, Difference, difference


class Compared(Struct, frozen=True):
    """One measure of this run against another's."""

    suite: str
    measure: str
    difference: Difference
    lower_is_better: bool = False

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `as good` (as far as chance lets one see) or `too few` (questions to tell)."""
        if self.difference.count < FEWEST:
            return "too few"
        if self.difference.is_better:
            return "worse" if self.lower_is_better else "better"
        if self.difference.is_worse:
            return "better" if self.lower_is_better else "worse"
        return "as good"


class Comparison(Struct, frozen=True):
    """This run against another one or against the baseline, question by question."""

    against: str
    measures: tuple[Compared, ...]
    notes: tuple[str, ...] = ()


def compared(new: Mapping[str, Scores], old: Mapping[str, Scores]) -> Iterator[Compared]:
    """Yield every measure that both have, on the questions that both answered."""
    for suite in new:
        if suite not in old:
            continue
        for measure, values in new[suite].values.items():
            found = difference(values, old[suite].values.get(measure, {}))
            if found is not None and measure not in NEUTRAL:
                yield Compared(suite, measure, found, measure in LOWER_IS_BETTER)


def compare_runs(run: Run, new: Mapping[str, Scores], other: Run, old: Mapping[str, Scores]) -> Comparison:
    """Compare a run with another one of the same library and version."""
    measures = tuple(compared(new, old))
    notes = [] if measures else ["They have no question of any suite in common."]
    return Comparison(other.folder.name, measures, (*notes, *differences(run.identity, other.identity)))


def check_comparable(new: Identity, old: Identity, what: str) -> None:
    """Refuse to compare what was asked about one version with what was asked about another.

    Raises:
        InvalidInput: names both.
    """
    if (new.library, new.version) != (old.library, old.version):
        raise InvalidInput(
            f"{what} is about {old.library} {old.version}, this run about {new.library} {new.version}.",
            remedy="Compare runs of one version: places and names are others in another.",
        )


def differences(new: Identity, old: Identity) -> list[str]:
    """Say what else was different between two runs."""
    told: list[str] = []
    for field in ("index", "embedding", "model", "settings", "answerer"):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            told.append(f"Not the same {field}: {before or 'unknown'} then, {after or 'unknown'} now.")
    return told
