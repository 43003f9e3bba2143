"""Two runs, question by question; and the committed baseline that a change may not fall below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.errors import InvalidInput
from agent.generations import storage_errors, write_atomically
from evals.report.values import Compared, Comparison
from evals.runs import Identity, Run
from evals.scorers import LOWER_IS_BETTER, NEUTRAL
from evals.scoring import Scores
from evals.statistics import difference

BASELINE = Path(__file__).with_name("baseline.json")
UPDATE = "python -m evals baseline"
REPEATABLE = frozenset({"retrieval", "answers", "abstention"})
"""Suites that give the same figures on any machine: what a gate may hold a change to."""


class Baseline(Struct, frozen=True):
    """What a change is held to: suite -> measure -> case id -> value."""

    identity: Identity
    created: str
    suites: dict[str, dict[str, dict[str, float]]]

    def scores(self) -> dict[str, Scores]:
        """Return the values as scores."""
        return {suite: Scores(values) for suite, values in self.suites.items()}


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
    """Compare a run with another one.

    Raises:
        InvalidInput: they are about different libraries.
    """
    measures = tuple(compared(new, old))
    if run.identity.library != other.identity.library:
        raise InvalidInput(
            f"The run {other.folder.name!r} is about {other.identity.library}, this one about {run.identity.library}.",
            remedy="Compare runs of one library.",
        )
    notes = [] if measures else ["They have no question of any suite in common."]
    return Comparison(other.folder.name, measures, (*notes, *differences(run.identity, other.identity)))


def differences(new: Identity, old: Identity) -> list[str]:
    """Say what else was different between two runs."""
    told: list[str] = []
    for field in ("version", "index", "embedding", "model", "settings", "answerer"):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            told.append(f"another {field}: {before or 'unknown'} then, {after or 'unknown'} now")
    return told


# --- the baseline ------------------------------------------------------------------------------------


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        InvalidInput: it is missing or damaged; names the command that makes one.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidInput(
            f"The baseline {str(path)!r} cannot be read ({error}).", remedy=f"`{UPDATE} --file {path}` makes one."
        ) from error


def write_baseline(path: Path, run: Run, scores: Mapping[str, Scores]) -> None:
    """Replace the baseline by what this run measured."""
    suites = {
        suite: {measure: dict(sorted(values.items())) for measure, values in kept.values.items()}
        for suite, kept in scores.items()
        if suite in REPEATABLE
    }
    with storage_errors(path):
        text = msgspec.json.encode(Baseline(run.identity, run.created, rounded(suites)))
        write_atomically(path, msgspec.json.format(text, indent=1) + b"\n")


def rounded(suites: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the values with six digits, so that a file written on another machine differs only where results do."""
    return {
        suite: {measure: {case: round(value, 6) for case, value in values.items()} for measure, values in kept.items()}
        for suite, kept in suites.items()
    }


def against(baseline: Baseline, run: Run, new: Mapping[str, Scores]) -> Comparison:
    """Compare a run with the baseline, on the suites that give the same figures everywhere.

    Raises:
        InvalidInput: they share no question.
    """
    repeatable = {suite: scores for suite, scores in new.items() if suite in REPEATABLE}
    measures = tuple(compared(repeatable, baseline.scores()))
    if not measures:
        raise InvalidInput(
            f"The baseline has no question in common with this run ({run.folder.name!r}).",
            remedy=f"Run the suites that it holds ({', '.join(baseline.suites)}), or make a new one: `{UPDATE}`.",
        )
    notes = differences(run.identity, baseline.identity)
    fresh = {case for entry in measures for case in entry.difference.only_new}
    if fresh:
        notes.append(f"{len(fresh)} questions are not in the baseline yet: `{UPDATE}` adds them")
    return Comparison(f"baseline of {baseline.created[:10]} ({baseline.identity.code})", measures, tuple(notes))


def lost(comparison: Comparison) -> tuple[Compared, ...]:
    """Return the measures that fell by more than the paired interval allows; what turns the gate red."""
    return tuple(entry for entry in comparison.measures if entry.verdict == "worse")
