"""Checks Python against a library's API model."""

from __future__ import annotations

import ast
import bisect
import itertools
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from agent.schema import Finding
from agent.symbols import ApiModel, Presence
from agent.verification.bindings import bindings_of
from agent.verification.expressions import Call, Use
from agent.verification.flow import Flow
from agent.verification.report import CodeReport
from agent.verification.source import TOO_DEEP, Code, read_code
from agent.verification.undefined import Flake, flakes
from agent.verification.values import Library
from agent.verification.wording import Place, Wording

_WORD = re.compile(r"[^\W\d]\w*")


def check_code(source: str, api: ApiModel) -> CodeReport:
    """Check Python code: an answer's code block, a user's file.

    Args:
        source: any text. Doctest prompts (`>>> `) and IPython's `%magic` and `!command` lines are understood.
        api: the library's API model.

    Returns:
        A report, whatever the text is: nothing in it is run, and no error leaves this function.
    """
    return check_together([read_code(source)], api)[0]


def check_together(codes: Sequence[Code], api: ApiModel) -> list[CodeReport]:
    """Check pieces of code of which each continues the ones before; return a report for each."""
    return Session(codes, api).reports()


class _Facts(Struct):
    """What was seen in one piece of code."""

    uses: list[Use] = field(default_factory=list[Use])
    calls: list[Call] = field(default_factory=list[Call])
    flakes: list[Flake] = field(default_factory=list[Flake])


class Session:
    """Pieces of code that were followed as one module; its names stay known for what is looked up next."""

    def __init__(self, codes: Sequence[Code], api: ApiModel) -> None:
        self._codes = codes
        self._starts = [0, *itertools.accumulate(len(code.lines) for code in codes)]
        self._wording = Wording(api)
        self._flakes: list[Flake] = []
        self._skipped: str | None = None
        tree = _joined(codes, self._starts)
        bindings = bindings_of(tree)
        self._binds_any = bindings.binds_any
        library = Library(api, bindings)
        self._flow = Flow(library, {})
        try:
            self._follow(library, tree)
        except RecursionError:
            self._skipped = TOO_DEEP

    def _follow(self, library: Library, tree: ast.Module) -> None:
        self._flow.follow(tree.body)
        if any(value is not None for value in self._flow.attributes.values()):
            # Which attributes the code's own classes have is known only now.
            self._flow = Flow(library, self._flow.attributes)
            self._flow.follow(tree.body)
        unread = (line for code in self._codes if code.tree is None for line in code.lines)
        self._flakes, self._skipped = flakes(tree, {word for line in unread for word in _WORD.findall(line)})

    def reports(self) -> list[CodeReport]:
        """Return a report for each piece."""
        found = [_Facts() for _ in self._codes]
        for use in self._flow.uses:
            found[self._piece(use.node.lineno)].uses.append(use)
        for call in self._flow.calls:
            found[self._piece(call.node.lineno)].calls.append(call)
        for flake in self._flakes:
            if not self._may_be_bound(flake):
                found[self._piece(flake.line)].flakes.append(flake)
        return [self._report(*piece) for piece in zip(self._codes, self._starts, found, strict=False)]

    def _piece(self, line: int) -> int:
        return bisect.bisect_left(self._starts, line) - 1

    def look_up(self, said: Sequence[list[ast.stmt]]) -> CodeReport:
        """Return a report on what is said of the code, each piece apart; places are those of the nodes."""
        try:
            uses, calls = self._flow.follow_apart(said)
        except RecursionError:
            return CodeReport(skipped=TOO_DEEP)

        def place(node: ast.expr | ast.stmt | ast.alias) -> Place:
            return node.lineno, node.col_offset + 1

        held = [half for call in calls if (half := call.as_said()) is not None]
        of_uses = [self._wording.of_use(use, place(use.node)) for use in uses]
        of_calls = [self._wording.of_call(call, place(call.node)) for call in held]
        bad = sum(finding is not None and finding.kind == "bad-call" for finding in of_calls)
        return replace(report(uses, [*of_uses, *of_calls]), calls_checked=bad)  # words are no proof that a call fits

    def _report(self, code: Code, start: int, facts: _Facts) -> CodeReport:
        if code.tree is None:
            return CodeReport(findings=(code.error,) if code.error else (), skipped=code.skipped)

        def place(node: ast.expr | ast.stmt | ast.alias) -> Place:
            return code.place(node.lineno - start, node.col_offset)

        words = self._wording
        of_uses = [words.of_use(use, place(use.node)) for use in facts.uses]
        of_calls = [words.of_call(call, place(call.node)) for call in facts.calls]
        of_flakes = [words.of_flake(f, code.place(f.line - start, f.column)) for f in facts.flakes]
        bad = sum(finding is not None and finding.kind == "bad-call" for finding in of_calls)
        pairs = zip(facts.calls, of_calls, strict=True)
        open_ = sum(finding is None and not call.given.is_whole for call, finding in pairs)
        checked = len(of_calls) - open_
        return replace(
            report(facts.uses, [*of_uses, *of_calls, *of_flakes]),
            calls_checked=checked,
            calls_bound=checked - bad,
            calls_open=open_,
            skipped=self._skipped,
        )

    def _may_be_bound(self, flake: Flake) -> bool:
        by_star = flake.kind == "star" and (self._flow.open_stars or flake.text in self._flow.star_names)
        return by_star or (flake.kind in ("star", "undefined-name") and self._binds_any)


def report(uses: Iterable[Use], findings: Iterable[Finding | None]) -> CodeReport:
    """Sort what was found: findings by place, each once; names by what is known of them."""
    names: dict[Presence, set[str]] = {"known": set(), "unknown": set(), "unchecked": set()}
    for use in uses:
        names[use.presence].add(use.path)
    distinct = {finding for finding in findings if finding is not None}
    return CodeReport(
        findings=tuple(
            sorted(distinct, key=lambda finding: (finding.line, finding.column, finding.kind, finding.subject))
        ),
        known=tuple(sorted(names["known"])),
        unknown=tuple(sorted(names["unknown"])),
        unchecked=tuple(sorted(names["unchecked"] - names["unknown"])),
    )


def _joined(codes: Sequence[Code], starts: Sequence[int]) -> ast.Module:
    body: list[ast.stmt] = []
    for code, start in zip(codes, starts, strict=False):
        if code.tree is not None:
            body += ast.increment_lineno(code.tree, start).body
    return ast.Module(body=body, type_ignores=[])
