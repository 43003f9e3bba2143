"""How many seeded errors the repair puts right, and how many it makes into something else.

A repair is right if it gives back the program from which the error was made (imports in any order), and wrong if it
gives another. What was repaired before the error was seeded counts as part of the program.
"""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from agent.symbols import ApiModel
from agent.verification import repair
from evals.mutations import Mutation

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


def seeded_imports(sources: Mapping[str, str], api: ApiModel, count: int, seed: int) -> list[Mutation]:
    """Return up to `count` examples each from which one imported name was taken out, or taken from a wrong module."""
    dice = random.Random(seed)  # noqa: S311 - a reproducible sample, no secret
    made = [mutation for path, source in sorted(sources.items()) for mutation in _without_imports(path, source, api)]
    moved = [mutation for path, source in sorted(sources.items()) for mutation in _wrong_modules(path, source, api)]
    return [m for mutations in (made, moved) for m in dice.sample(mutations, min(count, len(mutations)))]


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


def _without_imports(path: str, source: str, api: ApiModel) -> Iterator[Mutation]:
    tree = ast.parse(source)
    before = ast.unparse(tree)
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        for alias in list(statement.names):
            names = statement.names
            statement.names = [other for other in names if other is not alias]
            kept = [node for node in tree.body if node is not statement or statement.names]
            after = ast.unparse(ast.Module(kept, []))
            statement.names = names
            ours = getattr(statement, "module", alias.name).partition(".")[0] in api.roots  # type: ignore[union-attr]
            style = "import of the library dropped" if ours else "other import dropped"
            yield Mutation("undefined-name", style, path, alias.asname or alias.name, before, after)


def _wrong_modules(path: str, source: str, api: ApiModel) -> Iterator[Mutation]:
    """Yield the names of one module written as those of another one that the file imports too."""
    tree = ast.parse(source)
    before = ast.unparse(tree)
    modules = _imported_modules(tree, api)

    def mutations(style: str, node: ast.AST, field: str, name: str, others: Mapping[str, str]) -> Iterator[Mutation]:
        was = getattr(node, field)
        for written, module in others.items():
            if written != was and api.presence(f"{module}.{name}") == "unknown":
                setattr(node, field, written)
                yield Mutation("unknown-name", style, path, name, before, ast.unparse(tree))
        setattr(node, field, was)

    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner) as name, attr=attr) if owner in modules:
                yield from mutations("wrong module", name, "id", attr, modules)
            case ast.ImportFrom(module=str(module), names=[alias]) if module.rpartition(".")[0] in api.roots:
                paths = {other: other for other in modules.values()}
                yield from mutations("import, wrong module", node, "module", alias.name, paths)
            case _:
                pass


def _imported_modules(tree: ast.Module, api: ApiModel) -> dict[str, str]:
    """Return local name -> path of the library's modules that a file imports from its root."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in api.roots:
            for alias in node.names:
                symbol = api.resolve(f"{node.module}.{alias.name}")
                if symbol is not None and symbol.kind == "module":
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found
