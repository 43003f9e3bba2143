"""Changes that would surely put a finding right; `repair` makes them and checks the outcome.

A name that does not exist is taken out where it is only imported, taken from where its only namesake is, or written as
the one name in its place from which it is a slip away. What nothing imports is imported if only one thing can be meant.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence

from agent.repair.argument_fixes import argument_fix
from agent.repair.by_name import plural_or_singular
from agent.repair.colours import expression_of_colour, in_numbers
from agent.repair.fix import Fix, fix_of, listed
from agent.repair.imports import Imports, dropped, imported_from
from agent.repair.places import Block, Edit, Text
from agent.schema import Finding
from agent.symbols import ApiModel, Symbol
from agent.symbols.closeness import same_name
from agent.verification.expressions import written
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
_ABOUT = frozenset(
    (
        *("num", "n", "nb", "no", "number", "numbers", "size", "sizes", "count", "counts", "len", "length", "total"),
        *("shape", "path", "paths", "file", "files", "name", "names", "index", "indices", "idx", "max", "min"),
        *("is", "has", "use", "with", "without"),
    )
)
"""Words with which a name is no longer that of the thing: `num_points` are no points."""
_SHORTEST_MOVED = 4  # `add` and `get` are called so in many places by chance

Use = tuple[Block, ast.AST]


class Fixes:
    """Finds the fixes for one checked text."""

    def __init__(self, text: str, report: AnswerReport, api: ApiModel) -> None:
        self._api = api
        self._text = Text(text)
        self._report = report
        self._blocks = [Block(self._text, block) for block in report.blocks]
        self._imports = Imports(self._blocks, api)

    def edited(self, fixes: Sequence[Fix]) -> str | None:
        """Return the text with all fixes made, or None where they get into each other's way."""
        return self._text.edited(edit for fix in fixes for edit in fix.edits)

    def all(self) -> list[Fix]:
        """Return what may be tried, at most one fix for a finding."""
        return [*self._unknown_names(), *self._undefined_names(), *self._arguments()]

    # --- names that do not exist

    def _unknown_names(self) -> Iterator[Fix]:
        found: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in self._report.findings:
            if finding.kind == "unknown-name" and finding.path is not None:
                found[finding.path].append(finding)
        for path, findings in found.items():
            uses = [use for finding in findings if (use := self._use(finding)) is not None]
            in_prose = [finding for finding in findings if self._use(finding) is None]
            if uses:
                fix = (
                    self._dropped(path, uses)
                    or self._moved(path, uses)
                    or self._rehomed(path, uses)
                    or self._coloured(path, uses)
                    or self._renamed(path, uses, in_prose)
                )
                if fix is not None:
                    yield fix

    def _use(self, finding: Finding) -> Use | None:
        """Return where in the code the name of a finding is; of one in the prose, nothing."""
        for block in self._blocks:
            for node in block.at(finding.line, finding.column):
                is_it = (
                    isinstance(node, ast.alias)
                    or (isinstance(node, ast.ImportFrom) and node.module == finding.subject)
                    or (isinstance(node, ast.Attribute) and written(node) == finding.subject)
                )
                if is_it:
                    return block, node
        return None

    def _dropped(self, path: str, uses: Sequence[Use]) -> Fix | None:
        """Take out what is imported and never used."""
        edits = [self._drop(block, node) for block, node in uses]
        return fix_of(edits, f"dropped the unused import of `{path}`, which does not exist")

    def _drop(self, block: Block, node: ast.AST) -> Edit | None:
        statement = self._imports.statement(node)
        if statement is None:
            return None
        place = block.place(statement)
        unused = {f.subject for f in self._report.findings if f.kind == "unused-import" and (f.line, f.column) == place}
        return dropped(block, statement, node, unused)

    def _moved(self, path: str, uses: Sequence[Use]) -> Fix | None:
        """Take a name from the one place that has it."""
        statements = [(block, node) for block, node in uses if isinstance(node, ast.ImportFrom)]
        if statements:  # their module does not exist: what they import must be in one other
            names = sorted({alias.name for _, node in statements for alias in node.names})
            homes = {(self._home(name) or "").rpartition(".")[0] for name in names}
            home = homes.pop() if len(homes) == 1 else ""
            edits = [imported_from(block, node, home) if home else None for block, node in statements]
            return fix_of(edits, f"imported {listed(names)} from `{home}` instead of `{path}`")
        owner, _, name = path.rpartition(".")
        holder = self._api.resolve(owner)
        home = self._home(name) if holder is not None and holder.kind == "module" else None
        edits = [edit for block, node in uses for edit in self._taken_from(block, node, home)] if home else []
        return fix_of(edits, f"replaced `{path}` by `{home}`")

    def _rehomed(self, path: str, uses: Sequence[Use]) -> Fix | None:
        """Write a module that does not exist as the only one that has all that is taken from it."""
        (block, alias), *others = uses
        if others or not isinstance(alias, ast.alias) or alias.asname is not None:
            return None
        members = self._imports.members_of(alias.name)
        homes = {(self._home(member) or "").rpartition(".")[0] for member in members}
        home = homes.pop() if len(homes) == 1 else ""
        statement = self._imports.statement(alias)
        if not home or statement is None:
            return None
        gone = dropped(block, statement, alias, {path})
        local, added = self._imports.local(block, home)
        renamed = [
            other.replaced(other.start(name), alias.name, local) if local else None
            for other, name in self._imports.uses_of(alias.name) or []
        ]
        edits = [gone, *renamed, *([added] if added is not None else [])]
        return fix_of(edits, f"replaced the module `{path}` by `{home}`")

    def _coloured(self, path: str, uses: Sequence[Use]) -> Fix | None:
        """Write the colours of a module that does not exist as numbers, if nothing else is taken from it."""
        edits: list[Edit | None] = []
        for block, node in uses:
            names = [(block, node)] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.alias) and (statement := self._imports.statement(node)) is not None:
                edits.append(dropped(block, statement, node, {path}))
                names = self._imports.uses_before_another(node.asname or node.name)
            whole = [(other, expression_of_colour(self._imports, name)) for other, name in names]
            edits += [in_numbers(other, found) if found is not None else None for other, found in whole]
        return fix_of(edits, f"wrote the colours of `{path}`, which does not exist, as numbers")

    def _taken_from(self, block: Block, node: ast.AST, home: str) -> Iterator[Edit | None]:
        if isinstance(node, ast.alias):
            yield from self._imports.moved(block, node, home)
        elif isinstance(node, ast.Attribute):
            module, _, name = home.rpartition(".")
            local, added = self._imports.local(block, module)
            yield block.replaced(block.start(node), written(node), f"{local}.{name}") if local else None
            if added is not None:
                yield added

    def _home(self, name: str) -> str | None:
        """Return the only public path that ends with a name, unless it is of a function that any call would fit."""
        homes = self._namesakes(name)
        symbol = self._api.resolve(homes[0]) if len(homes) == 1 and len(name) >= _SHORTEST_MOVED else None
        fits_any = symbol is not None and symbol.kind == "function" and not symbol.parameters
        return homes[0] if symbol is not None and not fits_any else None

    def _namesakes(self, name: str) -> list[str]:
        public = (symbol.public for symbol in self._api.find(name) if symbol.kind in _FREE and symbol.public)
        return [path for path in public if path.rpartition(".")[2] == name]

    def _renamed(self, path: str, uses: Sequence[Use], in_prose: Sequence[Finding]) -> Fix | None:
        """Write a name as it is in the place where it was looked for; prose that repeats it follows the code."""
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
        said = (self._in_prose(finding, name, true) for finding in in_prose)
        edits += [edit for edit in said if edit is not None]
        return fix_of(edits, f"replaced `{path}` by `{owner}.{true}`")

    def _rewritten(self, block: Block, node: ast.AST, old: str, new: str, symbol: Symbol) -> Iterator[Edit | None]:
        callable_ = symbol.kind in _CALLABLE
        if isinstance(node, ast.Attribute):
            fits = callable_ or not self._imports.is_called(node)
            yield block.replaced(block.end(node) - len(old), old, new) if fits else None
        elif isinstance(node, ast.ImportFrom):
            yield imported_from(block, node, f"{(node.module or '').removesuffix(old)}{new}")
        elif isinstance(node, ast.alias):
            uses = self._imports.uses_of(node.asname or node.name)
            fits = uses is not None and (callable_ or not any(self._imports.is_called(name) for _, name in uses))
            rename = node.asname is None and "." not in node.name
            taken = rename and self._imports.is_bound(new)
            start = block.start(node) + len(node.name) - len(old)
            yield block.replaced(start, old, new) if fits and not taken else None
            for other, name in (uses or []) if rename else []:
                yield other.replaced(other.start(name), old, new)

    def _in_prose(self, finding: Finding, old: str, new: str) -> Edit | None:
        start = self._text.offset(finding.line, finding.column)
        behind = self._text.replaced(start + len(finding.subject) - len(old), old, new)
        return behind or self._text.replaced(start, old, new)  # an import's finding is where the name alone stands

    # --- names that nothing imports

    def _undefined_names(self) -> Iterator[Fix]:
        seen: set[str] = set()
        for finding in self._report.findings:
            if finding.kind == "undefined-name" and finding.subject not in seen:
                seen.add(finding.subject)
                statement = self._import_of(finding.subject)
                block = next((block for block in self._blocks if block.at(finding.line, finding.column)), None)
                added = block.added_line(statement) if statement is not None and block is not None else None
                if added is not None:
                    yield Fix((added,), f"added `{statement}`")
                elif (fix := self._longer_name(finding.subject) or self._one_of(finding.subject)) is not None:
                    yield fix

    def _longer_name(self, name: str) -> Fix | None:
        """Write a name that nothing binds as the only assigned one that says before it which it is (`cube_centers`).

        A word behind says something else of the thing (`data_path`, `scene_size`), as do those of `_ABOUT`.
        """
        uses = self._imports.uses_of(name)
        bound = [longer for longer in self._imports.bound if longer.endswith(f"_{name}")]
        longer = [other for other in bound if _ABOUT.isdisjoint(other.removesuffix(name).lower().split("_"))]
        if len(longer) != 1 or not self._imports.is_assigned(longer[0]) or not uses or len(name) < _SHORTEST_MOVED:
            return None
        edits = [block.replaced(block.start(node), name, longer[0]) for block, node in uses]
        return fix_of(edits, f"replaced `{name}`, which nothing assigns, by `{longer[0]}`")

    def _one_of(self, name: str) -> Fix | None:
        """Write a name that nothing binds as the element of its plural, where a call takes others' (`sizes[i]`)."""
        uses = self._imports.uses_of(name) or []
        plural = plural_or_singular(name, self._imports.bound)
        edits: list[Edit | None] = []
        for block, node in uses if plural is not None else ():
            indices = {index for call in block.nodes if isinstance(call, ast.Call) for index in _indices(call, node)}
            new = f"{plural}[{indices.pop()}]" if len(indices) == 1 else None
            edits.append(block.replaced(block.start(node), name, new) if new is not None else None)
        return fix_of(edits, f"replaced `{name}`, which nothing assigns, by elements of `{plural}`")

    def _import_of(self, name: str) -> str | None:
        """Return the statement that imports the only thing which a name can be."""
        uses = self._imports.uses_of(name)
        members = self._imports.members_of(name)  # none where it is used in any other way
        if members and name in _ALIASES:
            return _ALIASES[name]
        if members and name in self._api.roots:
            return f"import {name}"
        homes = self._namesakes(name)
        home = self._api.resolve(homes[0]) if len(homes) == 1 and "." in homes[0] else None
        if home is None or not uses:
            return None
        if home.kind == "module":
            fits = bool(members) and all(self._api.member(home, member)[1] == "known" for member in members)
        else:
            fits = all(self._imports.is_called(node) for _, node in uses)
        return f"from {homes[0].rpartition('.')[0]} import {name}" if fits else None

    # --- arguments

    def _arguments(self) -> Iterator[Fix]:
        for finding in self._report.findings:
            for block in self._blocks if finding.kind in ("bad-call", "deprecated") else ():
                for node in block.at(finding.line, finding.column):
                    if isinstance(node, ast.Call) and written(node.func) == finding.subject:
                        fix = argument_fix(block, node, finding, self._api)
                        if fix is not None:
                            yield fix


def _indices(call: ast.Call, argument: ast.expr) -> set[str]:
    """Return the names by which a call that takes an argument takes elements of other things."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    elements = [value.slice for value in values if isinstance(value, ast.Subscript) and argument in values]
    return {index.id for index in elements if isinstance(index, ast.Name)}
