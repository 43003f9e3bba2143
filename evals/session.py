"""One call of `python -m evals`: cases, subject and suites in; a run on disk and a report out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import Struct

from agent.errors import AgentError, ConfigurationError, InvalidInput
from agent.generations import storage_errors, write_atomically
from agent.providers.llms import build_llm
from agent.settings import Settings
from evals.cases import DATA, Case, load_cases, select
from evals.comparison import against, compare_runs, read_baseline
from evals.observe import Progress, ask_all, is_observed, search_all
from evals.report.build import build_report
from evals.report.values import Comparison, Report
from evals.runs import Identity, Run, find_run, list_runs
from evals.scorers import applies
from evals.scoring import Scores, score_run
from evals.subject import Subject, engine_subject, service_subject
from evals.systems import SHIPPED, System

SUITES = ("retrieval", "answers", "abstention", "speed", "judge")
ALL = SUITES[:-1]
"""What `all` stands for: everything that gives figures without a judge."""
ASKING = frozenset({"answers", "abstention", "speed", "judge"})
"""Suites that need answers."""


class Plan(Struct, frozen=True, kw_only=True):
    """What to measure.

    Attributes:
        cases: case file or directory; None takes the ones that come with this package for the library.
        compare: another run, by folder or name.
        gate: a baseline that the figures are held to.
        fresh: throw away what an earlier run of the same identity observed.
        peers: measure other people's systems as well.
        command: how this was called, for the report.
    """

    suites: tuple[str, ...] = ("retrieval",)
    answerer: str | None = None
    cases: Path | None = None
    kinds: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    limit: int | None = None
    compare: str | None = None
    gate: Path | None = None
    out: Path = Path("eval-runs")
    fresh: bool = False
    peers: bool = True
    seed: int = 0
    command: str = "python -m evals"


class Outcome(Struct, frozen=True):
    """What came of it.

    Attributes:
        scores: suite -> scores of what users get.
        gate: the comparison with the baseline, where one was asked for.
        problem: why it ended early; the report shows what was observed until then.
    """

    run: Run
    report: Report
    scores: dict[str, Scores]
    gate: Comparison | None = None
    problem: AgentError | None = None


def measure(plan: Plan, settings: Settings, progress: Progress) -> Outcome:
    """Observe what is missing in the run, and report on all of it.

    Raises:
        AgentError: bad cases, an unreachable subject, a missing baseline: nothing could be measured.
    """
    baseline = read_baseline(plan.gate) if plan.gate else None  # before an hour of questions
    other = find_run(plan.out, plan.compare) if plan.compare else None
    with _subject(plan, settings, progress) as subject:
        cases = select(
            load_cases(plan.cases or default_cases(subject.identity), subject.tree),
            kinds=plan.kinds,
            ids=plan.ids,
            limit=plan.limit,
        )
        run = Run.start(plan.out, subject.identity, fresh=plan.fresh)
        problem = _observe(plan, settings, run, cases, subject, progress)
        scores = score_run(run, cases, subject.api)
        comparisons: list[Comparison] = []
        gate = against(baseline, run, scores) if baseline else None
        if other is not None:
            comparisons.append(compare_runs(run, scores, other, score_run(other, cases, subject.api)))
        if gate is not None:
            comparisons.append(gate)
        report = build_report(
            run,
            cases,
            subject.api,
            command=plan.command,
            history=_history(plan.out, run, cases),
            comparisons=comparisons,
            notes=(*subject.notes, *([f"Unfinished: {problem}"] if problem else [])),
        )
    write_report(run, report)
    return Outcome(run, report, scores, gate, problem)


def _subject(plan: Plan, settings: Settings, progress: Progress) -> AbstractContextManager[Subject]:
    if plan.answerer is not None:
        return service_subject(plan.answerer, settings, seed=plan.seed)
    return engine_subject(settings, progress, seed=plan.seed, with_llm=bool(ASKING & set(plan.suites)))


def default_cases(identity: Identity) -> Path:
    """Return the cases that come with this package.

    Raises:
        InvalidInput: there are none for that library and version.
    """
    path = DATA / f"{identity.library}-{identity.version}"
    if not path.is_dir():
        spec = f"{identity.library}=={identity.version}"
        raise InvalidInput(
            f"There are no questions about {identity.library} {identity.version}.",
            remedy=f"`python -m evals generate {spec}` writes some to start with; give them by --cases.",
        )
    return path


def _observe(
    plan: Plan, settings: Settings, run: Run, cases: Sequence[Case], subject: Subject, progress: Progress
) -> AgentError | None:
    """Ask what is not in the run yet; return why it ended early, if it did."""
    try:
        with run:
            if "retrieval" in plan.suites:
                subject.prepare([case.question for case in cases])
                systems = subject.systems
                search_all(run, cases, systems, len(systems), progress, confidence=subject.confidence)
                if plan.peers and subject.peers is not None:
                    _search_peers(run, cases, subject.peers, progress)
            asking = ASKING & set(plan.suites)
            if asking:
                wanted = [case for case in cases if any(applies(suite, case) for suite in asking)]
                ask_all(run, wanted, subject.answerer, progress)
            if "judge" in plan.suites:
                _judge(run, cases, settings, progress)
    except AgentError as error:
        return error
    return None


def _search_peers(run: Run, cases: Sequence[Case], peers: Callable[[], Iterable[System]], progress: Progress) -> None:
    from evals.peers import NAMES

    if not is_observed(run, cases, NAMES):
        progress("peers", 0, None)
        search_all(run, cases, peers(), len(NAMES), progress, stage="peers")


def _judge(run: Run, cases: Sequence[Case], settings: Settings, progress: Progress) -> None:
    from evals.judge import judge_all

    llm = build_llm(settings.for_judge(), progress=progress)
    if llm is None:
        raise ConfigurationError("The suite `judge` needs an LLM.", remedy="Set FURY_AGENT_JUDGE_LLM.")
    try:
        judge_all(run, cases, llm, progress)
    finally:
        close = getattr(llm, "close", None)
        if close is not None:
            close()


def _history(out: Path, run: Run, cases: Sequence[Case]) -> list[Run]:
    """Return the runs that looked for all of these questions, oldest first, with this one as it is now."""
    others = [one for one in list_runs(out) if one.folder != run.folder and is_observed(one, cases, [SHIPPED])]
    return sorted([*others, run], key=lambda one: one.created)


def write_report(run: Run, report: Report) -> None:
    """Write `report.json`, `report.md` and `report.html` into the run's folder, each replaced as a whole."""
    import msgspec

    from evals.report.markdown import render_markdown
    from evals.report.page import render_page

    with storage_errors(run.folder):
        write_atomically(run.folder / "report.json", msgspec.json.format(msgspec.json.encode(report)))
        write_atomically(run.folder / "report.md", render_markdown(report).encode())
        write_atomically(run.folder / "report.html", render_page(report).encode())
