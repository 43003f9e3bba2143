"""What a text's blocks import, and how its imports may be changed in place."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from agent.repair.places import Block, Edit
from agent.symbols import ApiModel

Statement = ast.Import | ast.ImportFrom
_SEPARATOR = re.compile(r"[\s,]*")


class Imports:
    """The imports of some blocks that continue each other, and where their names are used."""

    def __init__(self, blocks: Sequence[Block], api: ApiModel) -> None:
        self._api = api
        self._blocks = blocks
        nodes = [(block, node) for block in blocks for node in block.nodes]
        self._statements = [(block, node) for block, node in nodes if isinstance(node, Statement)]
        self._of = {id(alias): node for _, node in self._statements for alias in node.names}
        self._names = [(block, node) for block, node in nodes if isinstance(node, ast.Name)]
        self._parents = {id(node.value): node for _, node in nodes if isinstance(node, ast.Attribute)}
        self._calls = {id(node.func): node for _, node in nodes if isinstance(node, ast.Call)}
        self._bound = Counter(name for _, node in nodes for name in _binds(node))
        self._assigned = Counter(name for _, node in nodes for name in _assigns(node))

    @property
    def bound(self) -> list[str]:
        """The names that the code binds."""
        return [name for name, times in self._bound.items() if times]

    def is_assigned(self, name: str) -> bool:
        """Whether plain assignments are all that binds a name: no import, parameter, loop or definition does."""
        return 0 < self._assigned[name] == self._bound[name]

    def statement(self, node: ast.AST) -> Statement | None:
        """Return the import that an alias is in, or that a node is."""
        return node if isinstance(node, Statement) else self._of.get(id(node))

    def uses_of(self, name: str) -> list[tuple[Block, ast.Name]] | None:
        """Return where a name is used, or None where more than one thing binds it."""
        found = [(block, node) for block, node in self._names if node.id == name]
        loads = all(isinstance(node.ctx, ast.Load) for _, node in found)
        return found if loads and self._bound[name] <= 1 else None

    def uses_before_another(self, name: str) -> list[tuple[Block, ast.Name]]:
        """Return where a name is used before the only block that uses it assigns something else to it."""
        found = [(block, node) for block, node in self._names if node.id == name]
        bound = [node.lineno for _, node in found if not isinstance(node.ctx, ast.Load)]
        if self._bound[name] != len(bound) + 1 or len({id(block) for block, _ in found}) != 1:
            return []
        return [(block, node) for block, node in found if node.lineno < min(bound, default=node.lineno + 1)]

    def is_called(self, node: ast.expr) -> bool:
        """Whether an expression is what a call calls."""
        return id(node) in self._calls

    def around(self, node: ast.expr) -> Iterator[ast.expr]:
        """Yield what is taken from an expression by dot, and called, as it goes on: of `a` in `a.b(1).c`, all three."""
        while (outer := self._parents.get(id(node)) or self._calls.get(id(node))) is not None:
            yield outer
            node = outer

    def is_bound(self, name: str) -> bool:
        """Whether anything in the code has or uses a name."""
        return self._bound[name] > 0 or any(node.id == name for _, node in self._names)

    def members_of(self, name: str) -> set[str]:
        """Return what is taken from a name by dot; nothing where it is used in any other way."""
        uses = [self._parents.get(id(node)) for _, node in self.uses_of(name) or []]
        return {use.attr for use in uses if use is not None} if all(uses) else set()

    def local(self, block: Block, module: str) -> tuple[str | None, Edit | None]:
        """Return how a block can write a module, and the line that it then needs; nothing where its name is taken."""
        for _, node in self._statements:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                name = alias.asname or alias.name
                if whole == module and self._bound[name.partition(".")[0]] == 1:
                    return name, None
        owner, _, name = module.rpartition(".")
        added = block.added_line(f"from {owner} import {name}") if owner and not self.is_bound(name) else None
        return (name, added) if added is not None else (None, None)

    def moved(self, block: Block, alias: ast.alias, home: str) -> Iterator[Edit | None]:
        """Yield the edits that import a name from another module."""
        statement = self._of[id(alias)]
        module, _, name = home.rpartition(".")
        if not isinstance(statement, ast.ImportFrom) or not module:
            yield None
        elif len(statement.names) == 1:
            yield imported_from(block, statement, module)
        else:
            yield _taken_out(block, statement, alias)
            renamed = f" as {alias.asname}" if alias.asname else ""
            yield block.added_line(f"from {module} import {name}{renamed}")


def imported_from(block: Block, statement: ast.ImportFrom, module: str) -> Edit | None:
    """Return the edit that makes an import take its names from another module."""
    return block.replaced(block.start(statement) + len("from "), statement.module or "", module)


def dropped(block: Block, statement: Statement, node: ast.AST, unused: Collection[str]) -> Edit | None:
    """Return the edit that takes out an import, or one name of it, if nothing uses what it brings.

    Args:
        block: where it is.
        statement: the import.
        node: the import itself, or the alias that is to go.
        unused: what pyflakes says of the statement.
    """
    going = [alias for alias in statement.names if node in (statement, alias)]
    if not all(_told(statement, alias) in unused for alias in going):
        return None
    if len(going) == len(statement.names):
        return block.without_line(statement)
    return _taken_out(block, statement, going[0])


def _told(statement: Statement, alias: ast.alias) -> str:
    """Return how pyflakes calls what an import binds."""
    whole = f"{statement.module}.{alias.name}" if isinstance(statement, ast.ImportFrom) else alias.name
    return f"{whole} as {alias.asname}" if alias.asname and alias.asname != alias.name else whole


def _taken_out(block: Block, statement: Statement, alias: ast.alias) -> Edit | None:
    """Return the edit that takes one of several names out, with its comma."""
    index = statement.names.index(alias)
    if index:
        start, end = block.end(statement.names[index - 1]), block.end(alias)
        between = block.text(start, block.start(alias))
    else:
        start, end = block.start(alias), block.start(statement.names[1])
        between = block.text(block.end(alias), end)
    return Edit(start, end, "") if _SEPARATOR.fullmatch(between) else None


def _assigns(node: ast.AST) -> Iterator[str]:
    """Yield the names that an assignment gives a value, those of unpacked ones excepted."""
    if isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        yield node.target.id


def _binds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias():
            yield node.asname or node.name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case _:
            pass
