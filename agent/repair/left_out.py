"""What a failing program can do without: tried when a run refused it by name, and kept if the rest then runs.

An argument that a function does not take, or whose value nothing assigns; or, as a last resort, one whose value the
function refuses.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from agent.repair.edits import Place, edited
from agent.repair.giving_up import gives_up
from agent.repair.row_literals import bound_once, first_name, is_number

_KEYWORD = re.compile(
    r"TypeError: (?:\w+\.)*?(?P<function>\w+?)(?:\.__init__|\.__new__)?\(\) "
    r"got an unexpected keyword argument '(?P<name>\w+)'"
)
_LINE = re.compile(r"^Line (?P<line>\d+): ")
_UNDEFINED = re.compile(r"NameError: name '(?P<name>\w+)' is not defined")
_NO_WORD = re.compile(r"\W+")
_OF_ARRAYS = re.compile(
    r"\b(?:array|axis|dimensions?|dtype|index|length|shape|size|type|value)\b"
    r"(?! (?:cannot|has to|is|must|needs|should)\b)",
    re.IGNORECASE,
)
"""What numpy's and Python's own words say of any value, and not of an argument of that name."""
_REFUSAL = re.compile(r"^(?:\w+\.)*(?:ValueError|TypeError|KeyError|IndexError|\w*TripWireError): .*$", re.MULTILINE)
"""What functions say of values; lazily imported packages that are not installed are asked for by a value, too."""


class LeftOut(Struct, frozen=True):
    """A program without what it cannot have, and what that was, in words."""

    code: str
    words: str


@gives_up
def without_refused(code: str, error: str) -> LeftOut | None:
    """Return a program without what an error names, or None where that is not sure.

    Args:
        code: a program that failed.
        error: what it said: `Line 3: <the line>`, then Python's own words.
    """
    tree = ast.parse(code)
    for find in (_without_keyword, _without_undefined):
        if (found := find(tree, error)) is not None:
            places, words = found
            changed = edited(code, places)
            return LeftOut(changed, words) if changed is not None else None
    return None


Found = tuple[Sequence[Place], str]


@gives_up
def without_unfit(code: str, error: str, numbers: Mapping[str, Collection[str]]) -> list[LeftOut] | None:
    """Return programs without an argument whose value a function may have refused, likeliest first.

    First without those that the error names, then whose texts it names, then that are documented as a number and are
    not written as one. The default takes the place of each.

    Args:
        code: a program that failed.
        error: what it said, as for `without_refused`.
        numbers: name of a function -> its parameters that take one number.
    """
    tree = ast.parse(code)
    failed, refusal = _LINE.match(error), _REFUSAL.search(error)
    if failed is None or refusal is None:
        return None
    return list(filter(None, (_without_one(code, tree, *pair) for pair in _unfit(tree, failed, refusal[0], numbers))))


def _unfit(
    tree: ast.Module, failed: re.Match[str], refusal: str, numbers: Mapping[str, Collection[str]]
) -> Iterator[tuple[ast.Call, ast.keyword]]:
    imported, bound = _imported_only(tree), dict(bound_once(tree))
    inner_first = reversed([node for node in ast.walk(tree) if isinstance(node, ast.Call)])
    calls = [call for call in inner_first if _spans(call, int(failed["line"])) and first_name(call.func) in imported]
    given = [(call, keyword) for call in calls for keyword in call.keywords if keyword.arg is not None]

    def is_no_number(call: ast.Call, keyword: ast.keyword) -> bool:
        value = bound.get(keyword.value.id) if isinstance(keyword.value, ast.Name) else keyword.value
        return keyword.arg in numbers.get(_called(call.func), ()) and (value is None or not is_number(value))

    named = [pair for pair in given if _says(_OF_ARRAYS.sub("", refusal), pair[1].arg)]
    valued = [pair for pair in given if _says(refusal, getattr(pair[1].value, "value", None))]
    return iter({id(pair[1]): pair for pair in [*named, *valued, *(p for p in given if is_no_number(*p))]}.values())


def _says(refusal: str, words: object) -> bool:
    """Whether a text is one of the words of a refusal, or several in a row."""
    said = _words(words) if isinstance(words, str) else ""
    return len(said) > 1 and f" {said} " in f" {_words(refusal)} "


def _words(text: str) -> str:
    return " ".join(_NO_WORD.split(text.lower())).strip()


def _without_one(code: str, tree: ast.Module, call: ast.Call, keyword: ast.keyword) -> LeftOut | None:
    gone = _place(keyword)  # a copy of the call is written, in which it is another object
    changed = edited(code, _without(tree, lambda _, other: _place(other) == gone))
    words = f"left out the argument `{keyword.arg}`, whose value `{_called(call.func)}()` refused"
    return LeftOut(changed, words) if changed is not None else None


def _place(keyword: ast.keyword) -> tuple[int, int]:
    return keyword.lineno, keyword.col_offset


def _without_keyword(tree: ast.Module, error: str) -> Found | None:
    """Leave out an argument where the error names it, and where the same imported function is called otherwise.

    Something else of the same name may take it (`d = dict()`, `d.update(color=1)`).
    """
    said = _KEYWORD.search(error)
    if said is None:
        return None
    function, name = said["function"], said["name"]
    failed = _LINE.match(error)
    line = int(failed["line"]) if failed is not None else None
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node.func) == function]
    imported = _imported_only(tree)
    same = {ast.dump(call.func) for call in named if _spans(call, line) and first_name(call.func) in imported}

    def refused(call: ast.Call, keyword: ast.keyword) -> bool:
        fails = _called(call.func) == function and (_spans(call, line) or ast.dump(call.func) in same)
        return keyword.arg == name and fails

    places = _without(tree, refused)
    return (places, f"left out the argument `{name}`, which `{function}()` does not take") if places else None


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _spans(call: ast.Call, line: int | None) -> bool:
    return line is None or call.lineno <= line <= (call.end_lineno or call.lineno)


def _imported_only(tree: ast.Module) -> set[str]:
    """Return the names that an import binds, and nothing else does."""
    nodes = list(ast.walk(tree))
    aliases = [node for node in nodes if isinstance(node, ast.alias)]
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return {alias.asname or alias.name.partition(".")[0] for alias in aliases} - stored - parameters


def _without_undefined(tree: ast.Module, error: str) -> Found | None:
    """Leave out the arguments that are nothing but a name which nothing assigns: their defaults do."""
    said = _UNDEFINED.search(error)
    if said is None:
        return None
    name = said["name"]

    def refused(_: ast.Call, keyword: ast.keyword) -> bool:
        return keyword.arg is not None and isinstance(keyword.value, ast.Name) and keyword.value.id == name

    passed = [k for call in ast.walk(tree) if isinstance(call, ast.Call) for k in call.keywords if refused(call, k)]
    if len(passed) != sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree)):
        return None  # it is used in another way, too
    places = _without(tree, refused)
    return (places, f"left out the argument `{name}`, which nothing assigns") if places else None


def _without(tree: ast.Module, refused: Callable[[ast.Call, ast.keyword], bool]) -> list[Place]:
    """Return the changes that take arguments out of all calls."""

    def has(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and any(refused(node, keyword) for keyword in node.keywords)

    places: list[Place] = []
    for call in _outermost(tree, has):
        new = copy.deepcopy(call)
        for inner in ast.walk(new):
            if isinstance(inner, ast.Call):
                inner.keywords = [keyword for keyword in inner.keywords if not refused(inner, keyword)]
        places.append(_instead(call, ast.unparse(new)))
    return places


def _outermost(node: ast.AST, wanted: Callable[[ast.AST], bool]) -> Iterator[ast.Call]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and wanted(child):
            yield child
        else:
            yield from _outermost(child, wanted)


def _instead(node: ast.expr, new: str) -> Place:
    return (node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0, new)
