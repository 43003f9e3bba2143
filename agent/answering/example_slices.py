"""The part of an example that shows one thing, as a whole program: what it needs, and what is done with it.

A tutorial of three hundred lines shows a slider in four of them; these cannot be run without the scene that they add it
to. This is a program slice (Weiser, ICSE 1981) over the statements of the module, forwards for the thing itself and
for what it is put into, and backwards for all that those statements use.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from msgspec import Struct

MOST_LINES = 24
"""Statements of a slice; a model loses itself in longer ones."""
MOST_CHARACTERS = 1_000
_LONGEST = 240
"""Characters of one statement: longer ones are data, or functions that do more than show."""
_MANY = 4
"""Arguments of a call that takes any number of equal things."""
_MOST_CALLS = 8
"""Calls of one script that are looked at."""
_BUILTINS = frozenset(dir(builtins))

Import = ast.Import | ast.ImportFrom


class _Statement(Struct, frozen=True):
    """A statement: the names that it reads, those that it binds, and those of the objects that it changes."""

    node: ast.stmt
    text: str
    reads: frozenset[str]
    binds: frozenset[str]
    changes: frozenset[str]


class _Slice(Struct, frozen=True):
    """A part of a script; `ends` where it goes to the end of it."""

    text: str
    ends: bool


def slice_for(sources: Iterable[str], name: str) -> str | None:
    """Return the shortest program in scripts that calls something and shows what comes of it.

    One that goes to the end of its script comes before all others: there, scripts show what they made.

    Args:
        sources: Python scripts.
        name: last name of a function or class.

    Returns:
        Python code, or None where no script calls it outside of functions, or only as part of more than a model reads.
    """
    found: list[_Slice] = []
    for source in sources:
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):  # a long sum is a deep tree
            found += _slices(ast.parse(source), name)
    best = min(found, key=lambda one: (not one.ends, len(one.text)), default=None)
    return best.text if best is not None else None


def _slices(tree: ast.Module, name: str) -> list[_Slice]:
    _shorten(tree)
    flat = list(_flat(tree.body))
    imports = [node for node in flat if isinstance(node, Import)]
    imported = {alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names}
    body = [_read(node) for node in flat if not isinstance(node, Import)]
    last = max((number for number, item in enumerate(body) if isinstance(item.node, ast.Expr)), default=None)
    found: list[_Slice] = []
    for start in [number for number, item in enumerate(body) if _calls(item.node, name)][:_MOST_CALLS]:
        own = list(body)
        kept = _slice(own, start, imported)
        text = _written(imports, [own[number] for number in sorted(kept)]) if kept else ""
        if kept and len(text) <= MOST_CHARACTERS and text.count("\n") < MOST_LINES:
            found.append(_Slice(text, last in kept))
    return found


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements without docstrings, and those of `if __name__ == "__main__":` and `if interactive:` for them."""
    for node in body:
        if isinstance(node, ast.If) and not node.orelse and _is_of_the_script(node.test):
            yield from _flat(node.body)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield node


def _is_of_the_script(test: ast.expr) -> bool:
    asked = test.left if isinstance(test, ast.Compare) else None
    return isinstance(test, ast.Name) or (isinstance(asked, ast.Name) and asked.id == "__name__")


def _shorten(tree: ast.Module) -> None:
    """Leave long lists of texts and numbers but their first elements, where nothing needs the others.

    Another list may be as long because the two belong together, and a number in brackets or in a list may count them.
    """
    lists = [part for part in ast.walk(tree) if isinstance(part, ast.List) and len(part.elts) > _MANY]
    lengths = Counter(len(part.elts) for part in lists)
    if any(isinstance(part, ast.Subscript) and not _is_small(part.slice) for part in ast.walk(tree)):
        return
    for part in lists:
        if lengths[len(part.elts)] == 1 and all(isinstance(element, ast.Constant) for element in part.elts):
            part.elts = part.elts[:_MANY]


def _is_small(index: ast.expr) -> bool:
    return not isinstance(index, ast.Constant) or not isinstance(index.value, int) or index.value < _MANY


def _read(node: ast.stmt) -> _Statement:
    names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
    binds = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    inner = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        inner, binds = inner | binds, {node.name}
    reads = {name.id for name in names if isinstance(name.ctx, ast.Load)} - inner - _BUILTINS
    if not isinstance(node, ast.AugAssign | ast.For):
        reads -= {name for name in binds if name not in _before(node)}
    return _Statement(node, ast.unparse(node), frozenset(reads), frozenset(binds), frozenset(_changed(node)))


def _before(node: ast.stmt) -> set[str]:
    """Return the names that an assignment reads; a name that is bound in its own statement may be read there, too."""
    value = getattr(node, "value", None)
    return {part.id for part in ast.walk(value) if isinstance(part, ast.Name)} if isinstance(value, ast.AST) else set()


def _changed(node: ast.stmt) -> Iterator[str]:
    """Yield the objects of which a statement calls a method or sets an attribute."""
    targets: Sequence[ast.expr] = node.targets if isinstance(node, ast.Assign) else ()
    if isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call):
        targets = [*targets, node.value.func]
    for target in targets:
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            yield target.value.id


def _calls(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    functions = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return any(getattr(f, "attr", getattr(f, "id", None)) == name for f in functions)


def _slice(body: list[_Statement], start: int, imported: set[str]) -> set[int] | None:
    """Return the numbers of the statements that belong to the one at `start`; of long lists, only its own remain."""
    kept = _needed(body, start, imported)
    if kept is None:
        return None
    own = set(body[start].binds)
    around = (body[start].changes - imported) - own
    for number in range(start + 1, len(body)):
        if not own & body[number].reads:
            continue
        body[number] = _alone(body[number], own)
        needs = _needed(body, number, imported)
        if needs is None:
            continue
        if len(kept | needs) > MOST_LINES // 2:
            break
        kept |= needs
        around |= body[number].changes - own - imported
    return _shown(body, kept, own | around, imported)


def _alone(item: _Statement, own: set[str]) -> _Statement:
    """Return `scene.add(a, b, c, d, ...)` with only what is meant among the names."""
    match item.node:
        case ast.Expr(value=ast.Call(func=func, args=args, keywords=[])) if len(args) >= _MANY and all(
            isinstance(arg, ast.Name) for arg in args
        ):
            mine: list[ast.expr] = [arg for arg in args if isinstance(arg, ast.Name) and arg.id in own]
            return _read(ast.Expr(ast.Call(func, mine, [])))
        case _:
            return item


def _shown(body: Sequence[_Statement], kept: set[int], known: set[str], imported: set[str]) -> set[int]:
    """Add what makes something of the objects that are there (a window of a scene), and what is then called on it."""
    for number, item in enumerate(body):
        if not known & item.reads or item.binds & known or not isinstance(item.node, ast.Assign | ast.Expr | ast.With):
            continue
        needs = _needed(body, number, imported)
        if needs is not None and all(_is_plain(body[n]) for n in needs - kept - {number}):
            kept, known = kept | needs, known | item.binds
    return kept


def _is_plain(item: _Statement) -> bool:
    """Whether a statement only gives a value a name."""
    return isinstance(item.node, ast.Assign) and not any(isinstance(part, ast.Call) for part in ast.walk(item.node))


def _needed(body: Sequence[_Statement], start: int, imported: set[str]) -> set[int] | None:
    """Return a statement with all that it needs, or None where that is too long or cannot be found."""
    kept: set[int] = set()
    waiting = [start]
    while waiting:
        number = waiting.pop()
        if number in kept:
            continue
        if len(body[number].text) > _LONGEST:
            return None
        kept.add(number)
        for name in body[number].reads - imported:
            maker = next((n for n in range(number - 1, -1, -1) if name in body[n].binds), None)
            if maker is None:
                return None
            waiting.append(maker)
    return kept


def _written(imports: Sequence[Import], body: Sequence[_Statement]) -> str:
    used = {part.id for item in body for part in ast.walk(item.node) if isinstance(part, ast.Name)}
    lines: list[str] = []
    for node in imports:
        names = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in used]
        if names and isinstance(node, ast.ImportFrom):
            lines.append(ast.unparse(ast.ImportFrom(node.module, names, node.level)))
        elif names:
            lines.append(ast.unparse(ast.Import(names)))
    return "\n".join([*lines, *(item.text for item in body)])
