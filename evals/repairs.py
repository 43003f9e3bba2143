"""How many seeded errors the repair puts right, and how many it makes into something else.

A repair is right if it gives back the program from which the error was made (imports in any order), and wrong if it
gives another. What was repaired before the error was seeded counts as part of the program.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from agent.repair import repair
from agent.symbols import ApiModel
from evals.seeded import Mutation

Outcome = Literal["right", "wrong", "left"]
_FENCE = "~" * 12


class RepairScore(Struct, frozen=True):
    """What became of the seeded errors of one kind and style."""

    right: int = 0
    wrong: int = 0
    left: int = 0

    @property
    def made(self) -> int:
        """How many there were."""
        return self.right + self.wrong + self.left


def score_repairs(mutations: Sequence[Mutation], api: ApiModel) -> dict[tuple[str, str], RepairScore]:
    """Repair every mutation; return the scores by kind and style."""
    totals: Counter[tuple[str, str, Outcome]] = Counter()
    for mutation in mutations:
        totals[(mutation.kind, mutation.style, outcome(mutation, api))] += 1
    keys = sorted({key[:2] for key in totals})
    return {key: RepairScore(totals[(*key, "right")], totals[(*key, "wrong")], totals[(*key, "left")]) for key in keys}


def outcome(mutation: Mutation, api: ApiModel) -> Outcome:
    """Say what the repair makes of a mutation."""
    after = repaired_code(mutation.after, api)
    if after == mutation.after:
        return "left"
    same = program(after, api) == program(repaired_code(mutation.before, api), api)
    return "right" if same else "wrong"


def repaired_code(code: str, api: ApiModel) -> str:
    """Repair code as the only block of an answer."""
    head, tail = f"{_FENCE}python\n", f"\n{_FENCE}\n"
    return repair(f"{head}{code}{tail}", api).text.removeprefix(head).removesuffix(tail)


def program(code: str, api: ApiModel) -> tuple[str, ...]:
    """Return what two ways to write a program have in common: what it imports, in no order, then the rest."""
    imports: set[str] = set()
    rest: list[str] = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                path = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                symbol = api.resolve(path)  # `fury.Scene` and `fury.window.Scene` are one
                imports.add(f"{symbol.path if symbol else path} as {alias.asname or alias.name}")
        else:
            rest.append(ast.dump(node))
    return (*sorted(imports), *rest)
