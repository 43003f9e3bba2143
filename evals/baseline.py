"""The committed baseline, below which a change may not fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.durable_files import storage_errors, write_atomically
from agent.errors import InvalidInput
from evals.cases import Case, fingerprint
from evals.comparison import Compared, Comparison, compared, differences
from evals.observations import Identity
from evals.runs import Run
from evals.scoring import Scores

BASELINE = Path(__file__).with_name("baseline.json")
UPDATE = "python -m evals baseline"
GATED = "retrieval"
"""The suite that gives the same figures on any machine."""
_DIGITS = 6


class Baseline(Struct, frozen=True):
    """What a change is held to.

    Attributes:
        cases: case id -> fingerprint of the question and its right places.
        scores: measure -> case id -> value.
    """

    identity: Identity
    created: str
    cases: dict[str, str]
    scores: dict[str, dict[str, float]]

    def unchanged(self, cases: Sequence[Case]) -> set[str]:
        """Return the ids of the cases that are still the same question with the same right places."""
        return {case.id for case in cases if self.cases.get(case.id) == fingerprint(case)}


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        InvalidInput: it is missing or damaged; names the command that makes one.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidInput(
            f"The baseline {str(path)!r} cannot be read ({error}).",
            remedy=f"`{UPDATE} --file {path}{' --force' if path.exists() else ''}` makes one.",
        ) from error


def write_baseline(path: Path, run: Run, cases: Sequence[Case], scores: Scores) -> None:
    """Replace the baseline by what this run measured, six digits of it: that is the same on every machine."""
    scored = set(scores.values["MRR"])
    baseline = Baseline(
        run.identity,
        run.created,
        {case.id: fingerprint(case) for case in cases if case.id in scored},
        {
            measure: {case: round(value, _DIGITS) for case, value in sorted(values.items())}
            for measure, values in scores.values.items()
        },
    )
    with storage_errors(path):
        write_atomically(path, msgspec.json.format(msgspec.json.encode(baseline), indent=1) + b"\n")


def against(baseline: Baseline, run: Run, cases: Sequence[Case], new: Mapping[str, Scores]) -> Comparison:
    """Compare a run with the baseline, on the questions that are still the same."""
    same = baseline.unchanged(cases)
    old = {
        measure: {case: value for case, value in values.items() if case in same}
        for measure, values in baseline.scores.items()
    }
    measures = tuple(compared({GATED: new[GATED]}, {GATED: Scores(old)})) if GATED in new else ()
    measured = set(new[GATED].values["MRR"]) if GATED in new else set[str]()
    counts = {
        "questions of the baseline were not measured now": len(baseline.cases.keys() - measured),
        "questions are new, or have changed since": len(measured - same),
    }
    notes = [f"{count} {told}." for told, count in counts.items() if count]
    name = f"baseline of {baseline.created[:10]} ({baseline.identity.code})"
    return Comparison(name, measures, (*notes, *differences(run.identity, baseline.identity)))


def lost(comparison: Comparison) -> tuple[Compared, ...]:
    """Return the measures that fell by more than the paired interval allows; what turns the gate red."""
    return tuple(entry for entry in comparison.measures if entry.verdict == "worse")
