"""Changes that would surely put a finding right; `repair` makes them and checks the outcome.

A name that does not exist is taken out where it is only imported, taken from where its only namesake is, or written as
the one name in its place from which it is a slip away. What nothing imports is imported if only one thing can be meant.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from agent.schema import Finding
from agent.symbols import ApiModel, Symbol
from agent.verification.bindings import bound_names
from agent.verification.calls import NAMED
from agent.verification.closeness import same_name
from agent.verification.expressions import written
from agent.verification.imports import Imports, dropped, imported_from
from agent.verification.places import Block, Edit, Text
from agent.verification.report import AnswerReport

_ALIASES = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "math": "import math",
    "os": "import os",
    "sys": "import sys",
}
_CALLABLE = ("function", "class", "method")
_FREE = ("function", "class", "module")


class Fix(Struct, frozen=True):
    """Edits that belong together, and what they do in words."""

    edits: tuple[Edit, ...]
    words: str


class Fixes:
    """Finds the fixes for one checked text."""

    def __init__(self, text: str, report: AnswerReport, api: ApiModel) -> None:
        self._api = api
        self._text = Text(text)
        self._report = report
        self._blocks = [Block(self._text, block) for block in report.blocks]
        self._called = {id(n.func) for block in self._blocks for n in block.nodes if isinstance(n, ast.Call)}
        self._imports = Imports(self._blocks, api)

    def edited(self, fixes: Sequence[Fix]) -> str | None:
        """Return the text with all fixes made, or None where they get into each other's way."""
        return self._text.edited(edit for fix in fixes for edit in fix.edits)

    def all(self) -> list[Fix]:
        """Return what may be tried, at most one fix for a finding."""
        return [*self._unknown_names(), *self._undefined_names(), *self._keywords()]

    # --- names that do not exist

    def _unknown_names(self) -> Iterator[Fix]:
        found: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in self._report.findings:
            if finding.kind == "unknown-name" and finding.path is not None:
                found[finding.path].append(finding)
        for path, findings in found.items():
            uses = [use for finding in findings if (use := self._use(finding)) is not None]
            if uses:
                drops = [self._dropped(block, node) for block, node in uses]
                if all(drops):
                    yield Fix(_all(drops), f"dropped the unused import of `{path}`, which does not exist")
                elif (fix := self._moved(path, uses) or self._renamed(path, uses, findings)) is not None:
                    yield fix

    def _use(self, finding: Finding) -> tuple[Block, ast.AST] | None:
        """Return where in the code a finding is; prose has no such place."""
        for block in self._blocks:
            for node in block.nodes:
                if isinstance(node, ast.alias | ast.ImportFrom | ast.Attribute) and block.place(node) == (
                    finding.line,
                    finding.column,
                ):
                    whole = not isinstance(node, ast.Attribute) or written(node) == finding.subject
                    if whole and (not isinstance(node, ast.ImportFrom) or node.module == finding.subject):
                        return block, node
        return None

    def _dropped(self, block: Block, node: ast.AST) -> Edit | None:
        statement = self._imports.statement(node)
        if statement is None:
            return None
        line, column = block.place(statement)
        unused = {f.subject for f in self._report.findings if f.kind == "unused-import" and (f.line, f.column) == (line, column)}
        return dropped(block, statement, node, unused)

    def _moved(self, path: str, uses: Sequence[tuple[Block, ast.AST]]) -> Fix | None:
        """Take a name from the one place that has it."""
        statements = [node for _, node in uses if isinstance(node, ast.ImportFrom)]
        if statements:  # the module does not exist: all that is imported from it must be in another one
            names = {alias.name for node in statements for alias in node.names}
            homes = {home.rpartition(".")[0] for name in names if (home := self._home(name))}
            missing = any(self._home(name) is None for name in names)
            if missing or len(homes) != 1 or len(statements) != len(uses):
                return None
            home = homes.pop()
            edits = [imported_from(block, node, home) for block, node in uses if isinstance(node, ast.ImportFrom)]
            return _fix(edits, f"imported {_listed(sorted(names))} from `{home}` instead of `{path}`")
        home = self._home(path.rpartition(".")[2])
        if home is None:
            return None
        edits = [edit for block, node in uses for edit in self._taken_from(block, node, home)]
        return _fix(edits, f"replaced `{path}` by `{home}`")

    def _home(self, name: str) -> str | None:
        """Return the one public path that ends with a name, if there is only one."""
        homes = self._namesakes(name)
        return homes[0] if len(homes) == 1 and len(name) > 3 else None  # noqa: PLR2004 - `add`, `get` say nothing

    def _namesakes(self, name: str) -> list[str]:
        public = ((symbol, symbol.public or "") for symbol in self._api.find(name) if symbol.kind in _FREE)
        return [path for _, path in public if path.rpartition(".")[2] == name]

    def _taken_from(self, block: Block, node: ast.AST, home: str) -> Iterator[Edit | None]:
        if isinstance(node, ast.alias):
            yield from self._imports.moved(block, node, home)
        elif isinstance(node, ast.Attribute):
            module, _, name = home.rpartition(".")
            local, added = self._imports.local(block, module)
            yield block.replaced(block.start(node), written(node), f"{local}.{name}") if local else None
            if added is not None:
                yield added

    def _renamed(self, path: str, uses: Sequence[tuple[Block, ast.AST]], findings: Sequence[Finding]) -> Fix | None:
        """Write a name as it is in the place where it was looked for."""
        owner, _, name = path.rpartition(".")
        holder = self._api.resolve(owner)
        if holder is None or self._namesakes(name):
            return None
        held = {member for item in self._api.lineage(holder) for member in self._api.members(item)}
        true = same_name(name, (member for member in held if not member.startswith("_")))
        symbol = self._api.member(holder, true)[0] if true is not None else None
        if true is None or symbol is None:
            return None
        edits = [edit for block, node in uses for edit in self._rewritten(block, node, name, true, symbol)]
        edits += [self._in_prose(finding, name, true) for finding in findings if self._use(finding) is None]
        return _fix(edits, f"replaced `{path}` by `{owner}.{true}`")

    def _rewritten(self, block: Block, node: ast.AST, old: str, new: str, symbol: Symbol) -> Iterator[Edit | None]:
        if isinstance(node, ast.Attribute):
            fits = id(node) not in self._called or symbol.kind in _CALLABLE
            yield block.replaced(block.end(node) - len(old), old, new) if fits else None
        elif isinstance(node, ast.alias):
            bound = [] if node.asname or "." in node.name else self._imports.uses_of(old)
            fits = symbol.kind in _CALLABLE or not any(id(name) in self._called for _, name in self._imports.uses_of(node.asname or old) or [])
            yield block.replaced(block.start(node) + len(node.name) - len(old), old, new) if fits and bound is not None else None
            for other, name in bound or []:
                yield other.replaced(other.start(name), old, new)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield imported_from(block, node, node.module.removesuffix(old) + new)

    def _in_prose(self, finding: Finding, old: str, new: str) -> Edit | None:
        start = self._text.offset(finding.line, finding.column)
        if not self._text.text.startswith(finding.subject, start) or not finding.subject.endswith(old):
            return None
        end = start + len(finding.subject)
        return Edit(end - len(old), end, new)

    # --- names that nothing imports

    def _undefined_names(self) -> Iterator[Fix]:
        names: dict[str, Finding] = {}
        for finding in self._report.findings:
            if finding.kind == "undefined-name":
                names.setdefault(finding.subject, finding)
        for name, finding in names.items():
            statement = self._import_of(name)
            block = next((b for b in self._blocks if b.checked.line <= finding.line < b.checked.line + len(b.checked.code.splitlines()) + 1), None)
            added = block.added_line(statement) if statement is not None and block is not None else None
            if added is not None:
                yield Fix((added,), f"added `{statement}`")

    def _import_of(self, name: str) -> str | None:
        """Return the statement that imports the only thing which a name can be."""
        uses = self._imports.uses_of(name)
        if not uses:
            return None
        members = self._imports.members_of(name)  # None where it is used by itself
        if members is not None and name in _ALIASES:
            return _ALIASES[name]
        if members is not None and name in self._api.roots:
            return f"import {name}"
        homes = self._namesakes(name)
        home = self._api.resolve(homes[0]) if len(homes) == 1 and "." in homes[0] else None
        if home is None:
            return None
        if home.kind == "module":
            fits = members is not None and all(self._api.member(home, member)[1] == "known" for member in members)
        else:
            fits = all(id(node) in self._called for _, node in uses)
        return f"from {homes[0].rpartition('.')[0]} import {name}" if fits else None

    # --- arguments

    def _keywords(self) -> Iterator[Fix]:
        wrong = {(f.line, f.column, f.subject): f for f in self._report.findings if f.kind == "bad-call"}
        for block in self._blocks:
            for node in block.nodes:
                finding = wrong.get((*block.place(node), written(node.func))) if isinstance(node, ast.Call) else None
                if finding is not None and isinstance(node, ast.Call):
                    fix = self._keywords_of(block, node, finding)
                    if fix is not None:
                        yield fix

    def _keywords_of(self, block: Block, call: ast.Call, finding: Finding) -> Fix | None:
        symbol = self._api.resolve(finding.path or "")
        if symbol is None:
            return None
        known = [parameter.name for parameter in symbol.bound_parameters if parameter.kind in NAMED]
        given = [keyword.arg for keyword in call.keywords if keyword.arg is not None]
        free = [name for name in known[len(call.args) :] if name not in given]
        edits: list[Edit | None] = []
        changed: list[str] = []
        for keyword in call.keywords:
            if keyword.arg is not None and keyword.arg not in known:
                true = same_name(keyword.arg, free)
                edits.append(block.replaced(block.start(keyword), keyword.arg, true) if true else None)
                changed.append(f"`{keyword.arg}` by `{true}`")
        return _fix(edits, f"replaced the parameter {', '.join(changed)} in `{finding.subject}()`")


def _fix(edits: Sequence[Edit | None], words: str) -> Fix | None:
    return Fix(_all(edits), words) if edits and all(edits) else None


def _all(edits: Sequence[Edit | None]) -> tuple[Edit, ...]:
    return tuple(edit for edit in edits if edit is not None)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
