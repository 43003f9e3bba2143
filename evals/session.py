"""One call of `python -m evals`: cases, subject and suites in; a run on disk and a report out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from agent.durable_files import storage_errors, write_atomically
from agent.errors import AgentError, BuildLocked, ConfigurationError, InvalidInput
from agent.providers.llms import build_llm
from agent.sandbox import Sandbox
from agent.settings import Settings
from evals.arms import choose
from evals.baseline import GATED, against, read_baseline
from evals.cases import DATA, Case, load_cases, select
from evals.code_requests import Request, load_requests, requests_folder
from evals.code_runs import try_code
from evals.code_scores import score_code
from evals.code_suite import write_all
from evals.comparison import Comparison, check_comparable, compare_runs
from evals.observations import Identity
from evals.observe import Observer, Progress, is_observed
from evals.report.build import build_report
from evals.report.values import Report
from evals.runs import Run, find_run, list_runs
from evals.scoring import Scores, score_run
from evals.subject import Subject, engine_subject, service_subject
from evals.suites import ASKING, SEARCHING, applies
from evals.systems import SHIPPED


class Plan(Struct, frozen=True, kw_only=True):
    """What to measure.

    Attributes:
        answerer: address of a service; None asks the engine in this process.
        library, version: of the service; its default where not given.
        cases: case file or directory; None takes the ones that come with this package for the library.
        arms: of the suite `code`, by their names; all without one.
        compare: another run, by folder or name.
        gate: a baseline that the figures are held to.
        fresh: observe again what an earlier call had observed.
        peers: measure other people's systems as well.
        command: how this was called, for the report.
    """

    suites: tuple[str, ...] = (GATED,)
    answerer: str | None = None
    library: str | None = None
    version: str | None = None
    cases: Path | None = None
    kinds: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    limit: int | None = None
    arms: tuple[str, ...] = ()
    compare: str | None = None
    gate: Path | None = None
    out: Path = Path("eval-runs")
    fresh: bool = False
    peers: bool = True
    command: str = "python -m evals"

    @property
    def is_part(self) -> bool:
        """Whether some questions were left out: then the report of all of them is not replaced."""
        return bool(self.kinds or self.ids or self.limit)

    @property
    def stem(self) -> str:
        """Name of the report's files, without what says their form."""
        return "part" if self.is_part else "report"


class Outcome(Struct, frozen=True):
    """What came of it.

    Attributes:
        requests: for code.
        scores: suite -> scores of what users get.
        gate: the comparison with the baseline, where one was asked for.
        problem: why it ended early; the report shows what was observed until then.
    """

    run: Run
    cases: tuple[Case, ...]
    report: Report
    scores: dict[str, Scores]
    requests: tuple[Request, ...] = ()
    gate: Comparison | None = None
    problem: AgentError | None = None


def measure(plan: Plan, settings: Settings, progress: Progress) -> Outcome:
    """Observe what is missing in the run, and report on all of it.

    Raises:
        AgentError: bad cases, an unreachable subject, a missing baseline: nothing could be measured.
    """
    if plan.gate and GATED not in plan.suites:
        raise InvalidInput(f"A baseline holds the suite {GATED!r}, which is not asked for.", remedy=f"Add {GATED!r}.")
    # What the figures are held against is read before an hour of questions.
    baseline = read_baseline(plan.gate) if plan.gate else None
    other = find_run(plan.out, plan.compare) if plan.compare else None
    with _subject(plan, settings, progress) as subject:
        cases, requests = _chosen(plan, subject)
        run = Run.start(plan.out, subject.identity)
        if baseline is not None:
            check_comparable(run.identity, baseline.identity, f"The baseline {str(plan.gate)!r}")
        if other is not None:
            check_comparable(run.identity, other.identity, f"The run {other.folder.name!r}")
            if other.folder.resolve() == run.folder.resolve():
                raise InvalidInput(f"{plan.compare!r} is this very run.", remedy="Name another one.")
        observer = Observer(run, progress, fresh=plan.fresh)
        problem = _observe(plan, settings, observer, cases, requests, subject)
        scores = _scores(run, cases, requests, subject)
        gate = against(baseline, run, cases, scores) if baseline else None
        old = _scores(other, cases, requests, subject) if other else {}
        comparisons = [compare_runs(run, scores, other, old)] if other else []
        report = build_report(
            run,
            cases,
            subject.api,
            scores,
            command=plan.command,
            history=_history(plan, run, cases),
            comparisons=(*comparisons, *([gate] if gate else [])),
            notes=tuple(_notes(subject, observer, problem)),
            requests=requests,
        )
    write_report(run, report, plan.stem)
    return Outcome(run, cases, report, scores, requests, gate, problem)


def _subject(plan: Plan, settings: Settings, progress: Progress) -> AbstractContextManager[Subject]:
    if plan.answerer is not None:
        return service_subject(plan.answerer, settings, library=plan.library, version=plan.version)
    return engine_subject(settings, progress, with_llm=bool({*ASKING, "code"} & set(plan.suites)))


def _chosen(plan: Plan, subject: Subject) -> tuple[tuple[Case, ...], tuple[Request, ...]]:
    """Return the questions and the requests for code that the plan's suites are about."""
    known: list[Case | Request] = []
    if set(plan.suites) != {"code"}:
        known += load_cases(plan.cases or default_cases(subject.identity), subject.tree)
    if "code" in plan.suites:
        known += load_requests(requests_folder(subject.identity))
    chosen = select(known, kinds=plan.kinds, ids=plan.ids, limit=plan.limit)
    requests = tuple(one for one in chosen if isinstance(one, Request))
    return tuple(one for one in chosen if isinstance(one, Case)), requests


def _scores(run: Run, cases: Sequence[Case], requests: Sequence[Request], subject: Subject) -> dict[str, Scores]:
    of_code = score_code(run, requests)
    return score_run(run, cases, subject.api) | ({"code": of_code} if of_code else {})


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
    plan: Plan,
    settings: Settings,
    observer: Observer,
    cases: Sequence[Case],
    requests: Sequence[Request],
    subject: Subject,
) -> AgentError | None:
    """Ask what is not in the run yet; return why it ended early, if it did.

    Raises:
        BuildLocked: another process is writing the run, and will write its report.
    """
    try:
        with observer.run:
            _search(plan, observer, cases, subject)
            asking = ASKING & set(plan.suites)
            if asking:
                wanted = [case for case in cases if any(applies(suite, case) for suite in asking)]
                observer.ask(wanted, subject.answerer)
            if requests:
                about = subject.identity
                run = partial(try_code, sandbox=Sandbox(settings, about.library, about.version))
                write_all(observer, requests, choose(subject.arms(), plan.arms), run, about.library)
            if "judge" in plan.suites:
                _judge(observer, cases, settings)
            if GATED in plan.suites and plan.peers and subject.peers is not None:
                _search_peers(observer, cases, subject)  # last: what ships matters more
    except BuildLocked:
        raise
    except AgentError as error:
        return error
    return None


def _search(plan: Plan, observer: Observer, cases: Sequence[Case], subject: Subject) -> None:
    if not SEARCHING & set(plan.suites):
        return
    subject.prepare([case.question for case in cases])
    systems = subject.systems if GATED in plan.suites else subject.systems[:1]
    observer.search(cases, systems, len(systems), confidence=subject.confidence)


def _search_peers(observer: Observer, cases: Sequence[Case], subject: Subject) -> None:
    from evals.peers import NAMES

    assert subject.peers is not None
    if observer.fresh or not is_observed(observer.run, cases, NAMES):
        observer.progress("peers", 0, None)
        observer.search(cases, subject.peers(), len(NAMES), stage="peers")


def _judge(observer: Observer, cases: Sequence[Case], settings: Settings) -> None:
    from evals.judge import judge_all

    llm = build_llm(settings.for_judge(), progress=observer.progress)
    if llm is None:
        raise ConfigurationError("The suite 'judge' needs an LLM.", remedy="Set FURY_AGENT_JUDGE_LLM.")
    try:
        judge_all(observer, cases, llm)
    finally:
        close = getattr(llm, "close", None)
        if close is not None:
            close()


def _notes(subject: Subject, observer: Observer, problem: AgentError | None) -> Iterator[str]:
    yield from subject.notes
    if observer.reused:
        began = observer.run.created
        yield f"{observer.reused} results are kept from a run that began at {began}; --fresh observes them again."
    if problem is not None:
        yield f"Unfinished: {problem}"


def _history(plan: Plan, run: Run, cases: Sequence[Case]) -> list[Run]:
    """Return the runs that looked for all of these questions in the same way, oldest first, with this one as it is."""
    others = [
        one
        for one in list_runs(plan.out)
        if one.folder != run.folder
        and (one.identity.library, one.identity.version) == (run.identity.library, run.identity.version)
        and (one.identity.answerer, one.identity.settings) == (run.identity.answerer, run.identity.settings)
        and is_observed(one, cases, [SHIPPED])
    ]
    return sorted([*others, run], key=lambda one: one.created)


def write_report(run: Run, report: Report, stem: str) -> None:
    """Write a report as JSON, Markdown and HTML into the run's folder, each file replaced as a whole."""
    from evals.report.markdown import render_markdown
    from evals.report.page import render_page

    with storage_errors(run.folder, "--out"):
        write_atomically(run.folder / f"{stem}.json", msgspec.json.format(msgspec.json.encode(report)))
        write_atomically(run.folder / f"{stem}.md", render_markdown(report).encode())
        write_atomically(run.folder / f"{stem}.html", render_page(report).encode())
