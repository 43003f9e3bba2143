"""Whole runs, against the real HTTP server in front of a scripted service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec
import pytest

from agent.cancellation import CancelToken
from agent.errors import ConfigurationError, InvalidInput, ServiceError, StoreUnavailable
from agent.schema import Event, Library, QueryRequest, SearchReply, SearchRequest
from agent.settings import Settings
from evals.__main__ import main
from evals.baseline import BASELINE, against, lost, read_baseline, write_baseline
from evals.report.values import Report
from evals.scoring import score_system
from evals.session import Outcome, Plan, default_cases, measure
from evals.systems import SHIPPED
from tests.evals.test_runs import IDENTITY
from tests.fakes import LIBRARY, ScriptedService, running

SPHERE = {"path": "fury/actor/curved.py", "symbol": "sphere"}


def rows(count: int, **changes: object) -> list[dict[str, object]]:
    fields = {"question": "How?", "source": "s", "kind": "howto", "gold": [SPHERE], **changes}
    return [{"id": f"q{number}", **fields} for number in range(count)]


def write(path: Path, cases: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(case) for case in cases))
    return path


GONE = StoreUnavailable("The store has gone.")


class Finding(ScriptedService):
    """Finds the sphere, or the cube; from some question on it fails to answer, or to do anything."""

    right = True
    mute_after = dead_after = 1_000
    built = "2026-01-01T00:00:00Z"

    def search(self, request: SearchRequest) -> SearchReply:
        if len(self.questions) >= self.dead_after:
            raise GONE
        reply = super().search(request)
        symbol = "sphere" if self.right else "cube"
        found = (msgspec.structs.replace(reply.passages[0], path="fury/actor/curved.py", symbol=symbol),)
        return msgspec.structs.replace(reply, passages=found)

    def stream(self, request: QueryRequest, cancel: CancelToken, *, user: str | None = None) -> Iterator[Event]:
        if self.mute_after <= len(self.questions) < self.mute_after + 5:
            self.questions.append(request)
            raise GONE
        yield from super().stream(request, cancel, user=user)

    def libraries(self) -> tuple[Library, ...]:
        return (msgspec.structs.replace(LIBRARY, created=self.built),)


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
    plan = msgspec.structs.replace(plan, suites=("answers",))
    service.dead_after = 5
    outcome = measure(plan, shared_settings, quiet)
    assert isinstance(outcome.problem, ServiceError)
    assert "3 questions in a row" in str(outcome.problem)
    assert len(outcome.scores["answers"].values["answered"]) == 5
    assert len(outcome.scores["answers"].failed["answered"]) == 3
    assert any(note.startswith("Unfinished") for note in outcome.report.notes)
    assert {question.verdict for question in outcome.report.questions} == {"failed"}
    service.dead_after = 1_000
    again = measure(plan, shared_settings, quiet)
    assert again.problem is None
    assert len(again.scores["answers"].values["answered"]) == 30
    assert any("5 results are kept" in note for note in again.report.notes)


def test_some_questions_that_fail_do_not_end_the_run(plan: Plan, service: Finding, shared_settings: Settings) -> None:
    service.mute_after = 3
    outcome = measure(plan, shared_settings, quiet)
    assert outcome.problem is None
    assert len(outcome.scores["answers"].failed["answered"]) == 5
    assert len(outcome.scores["answers"].values["answered"]) == 25


@pytest.mark.parametrize("chosen", [{"kinds": ("unanswerable",)}, {"ids": ("q3",)}, {"limit": 1}])
def test_any_choice_of_questions_gives_a_report(
    plan: Plan, shared_settings: Settings, chosen: dict[str, tuple[str, ...]]
) -> None:
    outcome = measure(msgspec.structs.replace(plan, **chosen), shared_settings, quiet)
    assert len(outcome.report.questions) == 1
    assert outcome.report.risk == ()


def test_a_part_does_not_replace_the_report_of_all(plan: Plan, shared_settings: Settings) -> None:
    folder = measure(plan, shared_settings, quiet).run.folder
    whole = (folder / "report.html").read_bytes()
    measure(msgspec.structs.replace(plan, limit=2), shared_settings, quiet)
    assert (folder / "report.html").read_bytes() == whole
    assert (folder / "part.html").exists()


def test_a_gate_that_can_tell_nothing_is_not_green(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--answerer", plan.answerer or "", "--out", str(plan.out), "--id", "own-001", "--gate"]
    assert main(arguments) == 1
    assert "too few" in capsys.readouterr().err


def test_a_gate_wants_the_suite_that_it_holds(plan: Plan, shared_settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="retrieval"):
        measure(msgspec.structs.replace(plan, suites=("answers",), gate=BASELINE), shared_settings, quiet)


def test_the_gate_fails_and_names_the_lost_questions(
    plan: Plan, service: Finding, shared_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`baseline` writes what is good; a service that finds the wrong place is then refused by `--gate`."""
    good = measure(plan, shared_settings, quiet)
    path = tmp_path / "baseline.json"
    write_baseline(path, good.run, good.cases, good.scores["retrieval"])
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
    service.right, service.built = False, "2026-02-02T00:00:00Z"
    other = msgspec.structs.replace(plan, compare=first.run.folder.name)
    second = measure(other, shared_settings, quiet)
    comparison = second.report.comparisons[0]
    assert comparison.against == first.run.folder.name
    assert {entry.measure: entry.verdict for entry in comparison.measures}["MRR"] == "worse"
    assert any(note.startswith("Not the same index") for note in comparison.notes)
    assert [moment.means["hit@1"].mean for moment in second.report.history] == [1.0, 0.0]
    with pytest.raises(InvalidInput, match="this very run"):
        measure(msgspec.structs.replace(plan, compare=second.run.folder.name), shared_settings, quiet)


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
    assert not any("not measured" in note for note in real.gate.notes), "a case of the baseline is gone"
    fallen = {f"{entry.suite} {entry.measure}": entry.difference.lost for entry in lost(real.gate)}
    assert not fallen, f"lost questions: {fallen}; `make evals` shows them, `python -m evals baseline` accepts them"


@pytest.mark.weights
def test_a_worse_ranking_turns_the_gate_red(real: Outcome) -> None:
    """The lexical ranking alone, as if somebody had broken the others."""
    from evals.cases import load_cases

    broken = {"retrieval": score_system(real.run, load_cases(), "lexical")}
    fallen = lost(against(read_baseline(BASELINE), real.run, real.cases, broken))
    assert {entry.measure for entry in fallen} >= {"hit@1", "hit@5", "MRR"}
    assert all(entry.difference.lost for entry in fallen)


@pytest.mark.weights
def test_the_whole_is_better_than_its_parts(real: Outcome) -> None:
    from evals.cases import load_cases

    cases = load_cases()
    means = {name: score_system(real.run, cases, name).figure("MRR") for name in real.run.systems()}
    best = means.pop(SHIPPED)
    assert best is not None
    for name, figure in means.items():
        assert figure is not None
        assert figure.mean <= best.mean, name


@pytest.mark.weights
def test_a_smaller_baseline_replaces_a_larger_one_only_by_force(
    shared_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FURY_AGENT_DATA_DIR", str(shared_settings.data_dir))
    path = tmp_path / "baseline.json"
    path.write_bytes(BASELINE.read_bytes())
    few = write(tmp_path / "cases.jsonl", rows(2, question="How do I draw a sphere?"))
    arguments = ["baseline", "--file", str(path), "--cases", str(few), "--out", str(tmp_path / "runs")]
    assert main(arguments) == 2
    assert "149 questions, this run 2" in capsys.readouterr().err
    assert path.read_bytes() == BASELINE.read_bytes()
    assert main([*arguments, "--force"]) == 0
    assert set(read_baseline(path).cases) == {"q0", "q1"}


def test_a_missing_package_is_told_with_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    for name in [name for name in sys.modules if name.startswith("evals.") and name != "evals.__main__"]:
        monkeypatch.delitem(sys.modules, name)
    assert main([]) == 1
    assert "pip install 'fury-agent[evals" in capsys.readouterr().err
