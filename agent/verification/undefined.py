"""Names that nothing defines, imports that nothing uses, and what only the compiler would refuse: pyflakes."""

from __future__ import annotations

import ast
from typing import Literal

from msgspec import Struct

_MOST_BRANCHES = 200  # pyflakes compares each with each, and every name bound there again
# By notebooks; `__path__` is a package's, and which file this is nobody knows.
_GIVEN = {"display", "get_ipython", "In", "Out", "_", "__path__"}
_SYNTAX = {
    "BreakOutsideLoop": "`break` outside a loop",
    "ContinueOutsideLoop": "`continue` outside a loop",
    "DefaultExceptNotLast": "a bare `except:` that is not the last",
    "DuplicateArgument": "two parameters of one name",
    "ReturnOutsideFunction": "`return` outside a function",
}
_KINDS: dict[str, Literal["undefined-name", "unused-import", "star"]] = {
    "ImportStarUsage": "star",
    "UndefinedLocal": "undefined-name",
    "UndefinedName": "undefined-name",
    "UnusedImport": "unused-import",
}


class Flake(Struct, frozen=True):
    """One message: 1-based line, 0-based UTF-8 offset; `star` is a name that only a star import can bring."""

    kind: Literal["syntax", "undefined-name", "unused-import", "star"]
    line: int
    column: int
    text: str


def flakes(tree: ast.Module, names: set[str]) -> tuple[list[Flake], str | None]:
    """Return pyflakes' messages that concern a name or the syntax, or why it has none to give.

    Args:
        tree: the module.
        names: taken as defined, besides Python's own.

    Raises:
        RecursionError: the tree is nested too deeply.
    """
    from pyflakes.checker import Checker

    if any(_branches(node) > _MOST_BRANCHES for node in ast.walk(tree)):
        return [], f"undefined names were not looked for: a statement has more than {_MOST_BRANCHES} branches"
    try:
        messages = Checker(tree, builtins=_GIVEN | names, withDoctest=False).messages
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 - code of any author: it trips over `del __all__`, and who knows what else
        return [], f"undefined names were not looked for: pyflakes failed with {error!r}"
    deleted = _deleted(tree)  # when a name is used, only a run would show whether it was deleted before
    found: list[Flake] = []
    for message in messages:
        name = type(message).__name__
        if name in _SYNTAX:
            found.append(Flake("syntax", message.lineno, message.col, _SYNTAX[name]))
        elif name in _KINDS and message.message_args[0] not in deleted:
            found.append(Flake(_KINDS[name], message.lineno, message.col, str(message.message_args[0])))
    return found, None


def _deleted(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del)}


def _branches(node: ast.AST) -> int:
    match node:
        case ast.Try() | ast.TryStar():
            return len(node.handlers)
        case ast.Match():
            return len(node.cases)
        case _:
            return 0
