"""`python -m evals`: how good retrieval and answers are, and whether they got better.

Importing this loads no model; what is needed is imported when a command runs.
"""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import AgentError, InvalidInput, MissingExtra
from evals.suites import ALL, SUITES

if TYPE_CHECKING:
    from evals.session import Outcome, Plan

EXAMPLES = """
suites:
{suites}

other commands:
  baseline    measure retrieval, print the difference to evals/baseline.json, and replace it
  follow-ups  measure retrieval on questions that lean on the one before
  generate    write starter questions for another library from its examples and docstrings
  calibrate   refit what declines questions before the LLM is asked, and write docs/abstention.md
  injection   try attacks in questions, sources and conversations, and print which had an effect
  references  run the program that comes with each request of the suite code, and check it
  mutations   change the library's examples in one place each; count what the code check finds, repairs and accuses
  libraries   index and measure the other libraries that have questions here, and write docs/libraries.md

examples:
  python -m evals                                  retrieval, all questions
  python -m evals all --limit 20                   everything but code and judge, on 20 questions of all kinds
  python -m evals code --arm model-alone --arm verified --limit 20
  python -m evals answers --kind error --id own-003
  python -m evals all --answerer http://127.0.0.1:8000
  python -m evals --gate                           exit code 1 if worse than the baseline
  python -m evals --compare RUN                    against an earlier run: its folder, or how its name begins
  FURY_AGENT_JUDGE_LLM_MODEL=qwen2.5-coder-0.5b python -m evals judge --limit 5
  python -m evals generate requests==2.32.3
"""


class ExitCode:
    """What a script can rely on."""

    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


COMMANDS = {
    "calibrate": "evals.calibration",
    "follow-ups": "evals.follow_ups",
    "generate": "evals.generate",
    "injection": "evals.red_team",
    "libraries": "evals.libraries",
    "mutations": "evals.mutations",
    "references": "evals.references",
}
"""Commands that are no suites -> the module whose `main` they are; imported when asked for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; an error is one line on stderr, never a traceback."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run_with_extras(arguments)
    except AgentError as error:
        _say(f"evals: {error}")
        return ExitCode.USAGE if isinstance(error, InvalidInput) else ExitCode.FAILED
    except KeyboardInterrupt:
        _say("evals: interrupted; what was observed is kept, and the same command goes on from there.")
        return ExitCode.INTERRUPTED


def _run_with_extras(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"The evals need the package {error.name!r}, which is not installed.",
            remedy="Run `pip install 'fury-agent[evals,hf,embedded]'`.",
        ) from error


def _run(arguments: list[str]) -> int:
    if arguments and arguments[0] in COMMANDS:
        return importlib.import_module(COMMANDS[arguments[0]]).main(arguments[1:])
    if arguments[:1] == ["baseline"]:
        return _baseline(arguments[1:])
    options = _parser().parse_args(arguments)
    plan = _plan(options, arguments)
    return _finish(_measure(plan), plan, as_json=options.json)


def _parser() -> argparse.ArgumentParser:
    told = {**SUITES, "all": "everything but code and judge"}
    suites = "\n".join(f"  {name:<11} {text}" for name, text in told.items())
    parser = argparse.ArgumentParser(
        prog="python -m evals",
        description="Measure the quality of retrieval and answers.",
        epilog=EXAMPLES.format(suites=suites),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="see below; `retrieval` if none is given")
    parser.add_argument("--answerer", metavar="URL", help="ask this service instead of the engine in this process")
    parser.add_argument("--library", metavar="NAME", help="of the service's libraries; its default if not given")
    parser.add_argument("--version", metavar="VERSION", help="of that library; the service's default if not given")
    parser.add_argument("--cases", type=Path, metavar="PATH", help="case file, or a directory of *.jsonl")
    parser.add_argument("--kind", action="append", default=[], help="only questions of this kind (repeatable)")
    parser.add_argument("--id", action="append", default=[], help="only this question (repeatable)")
    parser.add_argument("--limit", type=int, metavar="N", help="N questions, taken from every kind in proportion")
    parser.add_argument(
        "--arm", action="append", default=[], help="only this way of writing code, of the suite code (repeatable)"
    )
    parser.add_argument("--compare", metavar="RUN", help="another run: its folder, or the beginning of its name")
    parser.add_argument(
        "--gate", nargs="?", type=Path, const=Path(), metavar="BASELINE", help="fail if worse than the baseline"
    )
    parser.add_argument("--out", type=Path, default=Path("eval-runs"), metavar="DIR", help="where runs are kept")
    parser.add_argument("--fresh", action="store_true", help="measure again what this run has already")
    parser.add_argument("--no-peers", action="store_true", help="leave other people's systems out")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def _plan(options: argparse.Namespace, arguments: Sequence[str]) -> Plan:
    from evals.baseline import BASELINE
    from evals.session import Plan

    unknown = [name for name in options.suites if name not in {*SUITES, "all"}]
    if unknown:
        raise InvalidInput(f"There is no suite {unknown[0]!r}.", remedy=f"There are: {', '.join(SUITES)} and all.")
    if options.answerer is None and (options.library or options.version):
        raise InvalidInput(
            "--library and --version choose among a service's libraries, but no --answerer is given.",
            remedy="For the engine in this process, set FURY_AGENT_LIBRARY=NAME==VERSION.",
        )
    wanted = set(options.suites or ["retrieval"])
    if "all" in wanted:
        wanted |= set(ALL)
    return Plan(
        suites=tuple(suite for suite in SUITES if suite in wanted),
        answerer=options.answerer,
        library=options.library,
        version=options.version,
        cases=options.cases,
        kinds=tuple(options.kind),
        ids=tuple(options.id),
        limit=options.limit,
        arms=tuple(options.arm),
        compare=options.compare,
        gate=BASELINE if options.gate == Path() else options.gate,
        out=options.out,
        fresh=options.fresh,
        peers=not options.no_peers,
        command=shlex.join(["python", "-m", "evals", *arguments]),
    )


def _measure(plan: Plan) -> Outcome:
    from agent.settings import load_settings
    from agent.shell.progress import progress_bars
    from evals.session import measure

    with progress_bars() as progress:
        return measure(plan, load_settings(), progress)


def _finish(outcome: Outcome, plan: Plan, *, as_json: bool) -> int:
    from evals.baseline import lost
    from evals.report.terminal import show_report

    if as_json:
        sys.stdout.write((outcome.run.folder / f"{plan.stem}.json").read_text(encoding="utf-8") + "\n")
    else:
        show_report(outcome.report, outcome.run.folder / f"{plan.stem}.html", plan.suites)
    if outcome.problem is not None:
        raise outcome.problem
    if outcome.gate is not None and all(entry.verdict == "too few" for entry in outcome.gate.measures):
        _say("evals: too few of the baseline's questions were measured to tell whether anything was lost.")
        return ExitCode.FAILED
    fallen = lost(outcome.gate) if outcome.gate else ()
    if fallen:
        _say(f"evals: worse than the baseline: {', '.join(f'{entry.suite} {entry.measure}' for entry in fallen)}.")
    return ExitCode.FAILED if fallen else 0


def _baseline(arguments: Sequence[str]) -> int:
    from rich.console import Console

    from evals.baseline import BASELINE, GATED, against, read_baseline, write_baseline
    from evals.report.terminal import show_comparison
    from evals.session import Plan

    parser = argparse.ArgumentParser(
        prog="python -m evals baseline",
        description="Measure retrieval, print the difference to the baseline, and replace it.",
    )
    parser.add_argument("--file", type=Path, default=BASELINE, help="the baseline; evals/baseline.json if not given")
    parser.add_argument("--cases", type=Path, metavar="PATH", help="case file, or a directory of *.jsonl")
    parser.add_argument("--out", type=Path, default=Path("eval-runs"), metavar="DIR", help="where runs are kept")
    parser.add_argument(
        "--force", action="store_true", help="also replace one that holds more questions, or is damaged"
    )
    options = parser.parse_args(arguments)
    command = shlex.join(["python", "-m", "evals", "baseline", *arguments])
    old = read_baseline(options.file) if options.file.exists() and not options.force else None
    outcome = _measure(Plan(cases=options.cases, out=options.out, peers=False, command=command))
    if outcome.problem is not None:
        raise outcome.problem
    scores = outcome.scores.get(GATED)
    count = len(scores.values["MRR"]) if scores else 0
    if scores is None or (old is not None and count < len(old.cases)):
        raise InvalidInput(
            f"The baseline {str(options.file)!r} holds {len(old.cases) if old else 0} questions, this run {count}.",
            remedy="Measure all of them, or replace it with --force.",
        )
    if old is not None:
        comparison = against(old, outcome.run, outcome.cases, outcome.scores)
        show_comparison(comparison, outcome.report, Console())
    write_baseline(options.file, outcome.run, outcome.cases, scores)
    _say(f"evals: {options.file} now holds {count} questions.")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - this is the command's own message


if __name__ == "__main__":
    sys.exit(main())
