"""Whole runs, against the real HTTP server in front of a scripted service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec
import pytest

from agent.errors import ConfigurationError, InvalidInput, ServiceError, StoreUnavailable
from agent.schema import SearchReply, SearchRequest
from agent.settings import Settings
from evals.__main__ import main
from evals.comparison import BASELINE, against, lost, read_baseline
from evals.report.values import Report
from evals.scoring import score_system
from evals.session import Outcome, Plan, default_cases, measure
from evals.systems import SHIPPED
from tests.evals.test_runs import IDENTITY
from tests.fakes import EVENTS, ScriptedService, Step, running

SPHERE = {"path": "fury/actor/curved.py", "symbol": "sphere"}


def rows(count: int, **changes: object) -> list[dict[str, object]]:
    fields = {"question": "How?", "source": "s", "kind": "howto", "gold": [SPHERE], **changes}
    return [{"id": f"q{number}", **fields} for number in range(count)]


def write(path: Path, cases: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(case) for case in cases))
    return path


class Finding(ScriptedService):
    """Finds the sphere, or the cube."""

    right = True

    def search(self, request: SearchRequest) -> SearchReply:
        reply = super().search(request)
        symbol = "sphere" if self.right else "cube"
        found = (msgspec.structs.replace(reply.passages[0], path="fury/actor/curved.py", symbol=symbol),)
        return msgspec.structs.replace(reply, passages=found)


def quiet(_stage: str, _done: int, _total: int | None) -> None:
    pass


@pytest.fixture
def service() -> Finding:
    return Finding()


@pytest.fixture
def url(service: Finding) -> Generator[str]:
    with running(service) as client:
        yield str(client.base_url)


@pytest.fixture
def plan(url: str, tmp_path: Path) -> Plan:
    return Plan(
        suites=("retrieval", "answers", "abstention", "speed"),
        answerer=url,
        cases=write(tmp_path / "cases.jsonl", [*rows(30), *rows(31, kind="unanswerable", gold=[])[30:]]),
        out=tmp_path / "runs",
    )


def test_a_deployed_service_is_measured(plan: Plan, shared_settings: Settings) -> None:
    outcome = measure(plan, shared_settings, quiet)
    assert {suite: set(kept.values) for suite, kept in outcome.scores.items()}.keys() == {
        "retrieval",
        "answers",
        "abstention",
        "speed",
    }
    figure = outcome.scores["retrieval"].figure("hit@1")
    assert figure is not None
    assert (figure.mean, figure.count) == (1.0, 30)
    assert outcome.scores["answers"].values["citation precision"]["q0"] == 0  # it cites another file
    assert outcome.scores["abstention"].values["declined"] == {"q30": 0.0}
    assert (outcome.run.folder / "report.html").read_text().lower().startswith("<!doctype html>")
    report = msgspec.json.decode((outcome.run.folder / "report.json").read_bytes(), type=Report)
    assert report.questions[0].verdict == "failed"


def test_what_is_there_is_not_asked_again(plan: Plan, service: Finding, shared_settings: Settings) -> None:
    first = measure(plan, shared_settings, quiet)
    asked = len(service.questions)
    again = measure(plan, shared_settings, quiet)
    assert asked == 31
    assert len(service.questions) == asked
    assert again.scores == first.scores
    measure(msgspec.structs.replace(plan, fresh=True), shared_settings, quiet)
    assert len(service.questions) == 2 * asked


def test_a_service_that_dies_in_mid_run_keeps_what_there_is(
    plan: Plan, service: Finding, shared_settings: Settings
) -> None:
    gone = StoreUnavailable("The store has gone.")

    class Dying(tuple[Step, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[Step]:
            return iter(EVENTS if len(service.questions) <= 5 else [gone])

    service.script = Dying()
    outcome = measure(plan, shared_settings, quiet)
    assert isinstance(outcome.problem, ServiceError)
    assert "3 questions in a row" in str(outcome.problem)
    assert len(outcome.scores["answers"].values["answered"]) == 5
    assert len(outcome.scores["answers"].failed["answered"]) == 3
    assert "Unfinished" in outcome.report.notes[0]
    service.script = EVENTS
    again = measure(plan, shared_settings, quiet)
    assert again.problem is None
    assert len(again.scores["answers"].values["answered"]) == 30


def test_the_gate_fails_and_names_the_lost_questions(
    plan: Plan, service: Finding, shared_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`baseline` writes what is good; a service that finds the wrong place is then refused by `--gate`."""
    from evals.comparison import write_baseline

    good = measure(plan, shared_settings, quiet)
    path = tmp_path / "baseline.json"
    write_baseline(path, good.run, {"retrieval": good.scores["retrieval"]})
    gated = msgspec.structs.replace(plan, gate=path, fresh=True, suites=("retrieval",))
    assert measure(gated, shared_settings, quiet).gate is not None
    service.right = False
    outcome = measure(gated, shared_settings, quiet)
    assert outcome.gate is not None
    assert "hit@1" in {entry.measure for entry in lost(outcome.gate)}
    arguments = ["--answerer", plan.answerer or "", "--cases", str(plan.cases), "--out", str(plan.out)]
    assert main([*arguments, "--gate", str(path)]) == 1
    printed = capsys.readouterr()
    assert "worse than the baseline: retrieval hit@1" in printed.err
    assert "q0" in printed.out


def test_two_runs_are_compared(plan: Plan, service: Finding, shared_settings: Settings) -> None:
    first = measure(plan, shared_settings, quiet)
    service.right = False
    other = msgspec.structs.replace(plan, seed=1, compare=first.run.folder.name)
    comparison = measure(other, shared_settings, quiet).report.comparisons[0]
    assert comparison.against == first.run.folder.name
    assert {entry.measure: entry.verdict for entry in comparison.measures}["MRR"] == "worse"


def test_a_missing_baseline_is_told_before_anything_is_asked(
    plan: Plan, service: Finding, shared_settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="python -m evals baseline"):
        measure(msgspec.structs.replace(plan, gate=tmp_path / "none.json"), shared_settings, quiet)
    assert not service.questions


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nonsense"], 2, "no suite 'nonsense'"),
        (["--answerer", "http://127.0.0.1:9"], 1, "cannot be reached"),
        (["--answerer", "nowhere"], 2, "not a service's address"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_answers_need_a_language_model(shared_settings: Settings, tmp_path: Path) -> None:
    silent = shared_settings.model_copy(update={"llm": "none"})
    with pytest.raises(ConfigurationError, match="FURY_AGENT_LLM"):
        measure(Plan(suites=("answers",), out=tmp_path), silent, quiet)


def test_another_library_needs_its_own_questions() -> None:
    identity = msgspec.structs.replace(IDENTITY, library="requests", version="2")
    with pytest.raises(InvalidInput, match="python -m evals generate requests==2"):
        default_cases(identity)


def test_importing_loads_no_model() -> None:
    heavy = {"torch", "transformers", "lancedb", "llama_index.core"}
    program = f"import sys, evals.__main__, evals.cases, evals.runs; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


# --- the real index ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All of FURY's questions, our rankings alone and together."""
    return measure(Plan(peers=False, gate=BASELINE, out=tmp_path_factory.mktemp("runs")), shared_settings, quiet)


@pytest.mark.weights
def test_retrieval_is_no_worse_than_the_committed_baseline(real: Outcome) -> None:
    assert real.gate is not None
    fallen = {f"{entry.suite} {entry.measure}": entry.difference.lost for entry in lost(real.gate)}
    assert not fallen, f"lost questions: {fallen}; `make evals` shows them, `python -m evals baseline` accepts them"


@pytest.mark.weights
def test_a_worse_ranking_turns_the_gate_red(real: Outcome) -> None:
    """The lexical ranking alone, as if somebody had broken the others."""
    from evals.cases import load_cases

    broken = {"retrieval": score_system(real.run, load_cases(), "lexical")}
    fallen = lost(against(read_baseline(BASELINE), real.run, broken))
    assert {entry.measure for entry in fallen} >= {"hit@1", "hit@5", "MRR"}
    assert all(entry.difference.lost for entry in fallen)


@pytest.mark.weights
def test_the_whole_is_better_than_its_parts(real: Outcome) -> None:
    from evals.cases import load_cases

    cases = load_cases()
    means = {name: score_system(real.run, cases, name).figure("MRR") for name in real.run.retrieved()}
    best = means.pop(SHIPPED)
    assert best is not None
    for name, figure in means.items():
        assert figure is not None
        assert figure.mean <= best.mean, name
