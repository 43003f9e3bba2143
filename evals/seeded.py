"""Errors seeded in a library's examples: what a mutation is, and those in which an import is missing or wrong."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Mapping

from msgspec import Struct

from agent.symbols import ApiModel


class Mutation(Struct, frozen=True):
    """An example that was changed in one place.

    Attributes:
        kind: what the checker is expected to find.
        style: how it was changed.
        subject: the invented name, or the path of what is called.
        before, after: the code, both as `ast.unparse` writes it.
    """

    kind: str
    style: str
    file: str
    subject: str
    before: str
    after: str


def seeded_imports(sources: Mapping[str, str], api: ApiModel, count: int, seed: int) -> list[Mutation]:
    """Return up to `count` examples each from which one imported name was taken out, or taken from a wrong module."""
    dice = random.Random(seed)  # noqa: S311 - a reproducible sample, no secret
    made = [mutation for path, source in sorted(sources.items()) for mutation in _without_imports(path, source, api)]
    moved = [mutation for path, source in sorted(sources.items()) for mutation in _wrong_modules(path, source, api)]
    return [m for mutations in (made, moved) for m in dice.sample(mutations, min(count, len(mutations)))]


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
