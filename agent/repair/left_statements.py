"""A failing program without the statement that failed: kept if the rest then runs, and still does most of what it did.

What the statement would have made is gone, too: arguments that are nothing else are no longer passed, and statements
that cannot do without it go with it. Each stays behind as a comment, so that a reader sees what is missing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from agent.repair.edits import Place, edited
from agent.repair.giving_up import gives_up
from agent.repair.left_out import LeftOut

_LINE = re.compile(r"^Line (?P<line>\d+): ")
_NO_IMPORT = re.compile(r"ImportError: cannot import name '(?P<name>\w+)'|ModuleNotFoundError: ")
_NO_MEMBER = re.compile(r"AttributeError: (?:.* has no attribute '(?P<name>\w+)'|No [\w.]+ attribute (?P<lazy>\w+))")
_NOT_DEFINED = re.compile(r"^(?:NameError|UnboundLocalError): ", re.MULTILINE)
"""What nothing assigns may be the reader's own, in a part of a program."""
_TAKES_IN = ("add", "remove")
"""Methods that do the same with each of their arguments; of others, a position says what an argument is."""
_MOST_GOING = 4
"""Statements: a program that lacks more is another one."""

Simple = ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign
Import = ast.Import | ast.ImportFrom


@gives_up
def without_missing(code: str, error: str) -> LeftOut | None:
    """Return a program without the statement that looked for what does not exist; None for other errors.

    Args:
        code: a program that failed.
        error: what it said: `Line 3: <the line>`, then Python's own words.
    """
    failed = _failed(code, error)
    missing = failed is not None and (_NO_IMPORT.search(error) or _missing(failed[1], error))
    return without_failed(code, error) if missing else None


@gives_up
def without_failed(code: str, error: str) -> LeftOut | None:
    """Return a program without the statement that failed, or None where that is not sure, or too much; see above."""
    failed = _failed(code, error)
    if failed is None:
        return None
    tree, statement = failed
    name = _missing(statement, error)
    going = _Going(tree)
    going.lose(statement, error)
    if not going.is_bearable() or not going.is_apart():
        return None
    why = f"as there is no `{name}`" if name else "as it failed"
    words = f"left out, {why}: {_quoted(going.texts())}"
    if poorer := going.poorer():
        words += f", and what needed it in {_quoted(poorer)}"
    changed = edited(code, going.places(why))
    return LeftOut(changed, words) if changed is not None else None


def _failed(code: str, error: str) -> tuple[ast.Module, Simple | Import] | None:
    """Return a program's tree and the statement on which it failed."""
    said = _LINE.match(error)
    tree = ast.parse(code)
    line = int(said["line"]) if said is not None and not _NOT_DEFINED.search(error) else 0
    simple = [node for node in ast.walk(tree) if isinstance(node, Simple | Import)]
    failed = [node for node in simple if node.lineno <= line <= (node.end_lineno or node.lineno)]
    return (tree, failed[0]) if len(failed) == 1 else None


def _missing(statement: Simple | Import, error: str) -> str | None:
    """Return the attribute that does not exist, if the statement itself names it: not one deeper in a library."""
    found = _NO_MEMBER.search(error)
    name = (found["name"] or found["lazy"]) if found is not None else None
    return name if any(getattr(part, "attr", "") == name for part in ast.walk(statement)) else None


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


class _Going:
    """What has to go from a program with a statement."""

    def __init__(self, tree: ast.Module) -> None:
        self._simple = [node for node in ast.walk(tree) if isinstance(node, Simple)]
        self._statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        self._names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        self._written = {id(node): " ".join(ast.unparse(node).split()) for node in self._simple}
        self._effects = sum(map(_has_effect, self._simple))
        self._import: tuple[Import, str] | None = None
        self._changed: list[Simple] = []
        self._going: list[Simple] = []
        self._possible = True

    def lose(self, statement: Simple | Import, error: str) -> None:
        """Take out a statement, or what it imports in vain, and all that needs it."""
        if isinstance(statement, Simple):
            self._lose(statement)
            return
        said = _NO_IMPORT.search(error)
        gone = [alias for alias in statement.names if said is None or said["name"] in (None, alias.name)]
        if not gone:
            self._possible = False  # it does not import what the error names
            return
        self._import = statement, f"the import of {', '.join(alias.name for alias in gone)}"
        statement.names = [alias for alias in statement.names if alias not in gone]
        for alias in gone:
            self._lose_name((alias.asname or alias.name).partition(".")[0], statement)

    def is_bearable(self) -> bool:
        """Whether few statements go, and more of those that do something stay than go."""
        lost = sum(map(_has_effect, self._going))
        return self._possible and len(self._going) <= _MOST_GOING and (not lost or 2 * lost < self._effects)

    def is_apart(self) -> bool:
        """Whether nothing else stands on the lines of what goes: the comment in its place would take that with it."""
        return not any(_touches(other, node) for node in self._going for other in self._statements)

    def texts(self) -> list[str]:
        """Return what goes, in its own words."""
        return [*([self._import[1]] if self._import else []), *(self._written[id(node)] for node in self._going)]

    def poorer(self) -> list[str]:
        """Return the statements that lose an argument, as they were."""
        return [self._written[id(node)] for node in self._changed if node not in self._going]

    def places(self, why: str) -> Iterator[Place]:
        """Yield the changes."""
        if self._import is not None:
            node = self._import[0]
            yield _instead(node, ast.unparse(node) if node.names else "pass")
        for node in self._going:
            yield _instead(node, f"pass  # left out, {why}: {self._written[id(node)]}")
        for node in self._changed:
            if node not in self._going:
                yield _instead(node, ast.unparse(node))

    def _lose(self, statement: Simple) -> None:
        if statement in self._going:
            return
        self._going.append(statement)
        made = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and _is_bound(node)}
        for name in made:
            self._lose_name(name, statement)

    def _lose_name(self, name: str, at: Simple | Import) -> None:
        bound = [node.lineno for node in self._names if node.id == name and _is_bound(node)]
        if any(line < at.lineno for line in bound):
            return  # it has another value
        until = min((line for line in bound if line > (at.end_lineno or at.lineno)), default=None)
        own = _ids(at)
        lost = {
            id(node)
            for node in self._names
            if node.id == name and not _is_bound(node) and id(node) not in own and (not until or node.lineno < until)
        }
        for statement in self._simple:
            if needs := lost & _ids(statement):
                lost -= needs
                if not _does_without(statement, needs):
                    self._lose(statement)
                elif statement not in self._changed:
                    self._changed.append(statement)
        self._possible = self._possible and not lost  # loops and branches do not go


def _does_without(statement: Simple, lost: set[int]) -> bool:
    """Take out the arguments that need what is lost, by name or of several equal ones, if nothing else needs it."""
    left = set(lost)
    changes: list[tuple[ast.Call, list[ast.expr], list[ast.keyword]]] = []
    for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
        alike = _takes_equal(statement, call)
        args = [arg for arg in call.args if not alike or id(arg) not in left]
        keywords = [keyword for keyword in call.keywords if not left & _ids(keyword)]
        if args or keywords:
            left -= _ids(call) - {part for kept in (call.func, *args, *keywords) for part in _ids(kept)}
            changes.append((call, args, keywords))
    for call, args, keywords in changes if not left else ():
        call.args, call.keywords = args, keywords
    return not left


def _takes_equal(statement: Simple, call: ast.Call) -> bool:
    """Whether a call only takes in things of which each could be alone: `scene.add(a, b)`, but not `f(start, stop)`.

    Its result must be nobody's, as it would be another one.
    """
    takes_in = isinstance(statement, ast.Expr) and statement.value is call and not call.keywords
    called = getattr(call.func, "attr", "") in _TAKES_IN
    return takes_in and called and len(call.args) > 1 and all(isinstance(arg, ast.Name) for arg in call.args)


def _touches(other: ast.stmt, node: ast.stmt) -> bool:
    """Whether a statement that is not around another has a line in common with it."""
    near = other.lineno <= (node.end_lineno or node.lineno) and node.lineno <= (other.end_lineno or other.lineno)
    return near and id(node) not in _ids(other)


def _ids(node: ast.AST) -> set[int]:
    return {id(part) for part in ast.walk(node)}


def _is_bound(name: ast.Name) -> bool:
    return not isinstance(name.ctx, ast.Load)


def _has_effect(node: Simple) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _instead(node: ast.stmt, new: str) -> Place:
    return (node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0, new)
