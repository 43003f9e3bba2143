"""Arguments that a question takes for granted and the function it names does not take.

"How do I turn on anti_flicker in ShowManager.render?" names something real, and asks for what is not there: a model
that is shown `render` would describe its `anti_flicker`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

from msgspec import Struct

from agent.answering.absent_names import says_it_is_missing
from agent.chunking.tokens import code_tokens
from agent.symbols import ApiModel, Symbol

_CALLABLE = ("function", "method", "class")
_CALL = re.compile(r"(?<!\bdef )(?<!\bclass )(?<![\w.])[A-Za-z_][\w.]*\(")
_DISTINCT = re.compile(r".*[.A-Z]")
"""Names of functions that are nothing else: `update` and `point` are words, and may be the asker's own."""
_LONGEST = 300
"""Characters of a call that is looked at."""
_OF = re.compile(r"`?\b(?!(?:my|our|your)_)([a-z]\w*_\w+)\b`? (?:in|of|for|on) `?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
"""`lod_bias in actor.streamlines`."""
_ALIKE = 0.6
"""A misspelt argument is one that is meant; difflib's own cutoff."""


class AbsentArgument(Struct, frozen=True):
    """What a function does not take.

    Attributes:
        function: as the question writes it.
        name: the argument.
        takes: the arguments that there are.
    """

    function: str
    name: str
    takes: tuple[str, ...]


def absent_arguments(
    question: str, api: ApiModel, named: Callable[[Iterable[str]], frozenset[str]]
) -> tuple[AbsentArgument, ...]:
    """Return the arguments in a question that nothing of the function's name takes, nor anything else is called.

    Whatever takes any keyword, or may have been changed by a decorator, takes everything. An argument all of whose
    words are of the library's names (`vertex_normals`) may be something else of it.

    Args:
        question: any text.
        api: the library's API model.
        named: returns those of some words, as `code_tokens` cuts them, that occur in names of its definitions.
    """
    if says_it_is_missing(question):
        return ()
    written = dict.fromkeys([*_called_with(question), *((match[2], match[1]) for match in _OF.finditer(question))])
    distinct = [(function, name) for function, name in written if _DISTINCT.match(function)]
    found = [_absent(function, name, api) for function, name in distinct]
    return tuple(absent for absent in found if absent is not None and not _is_of_the_library(absent.name, named))


def _is_of_the_library(name: str, named: Callable[[Iterable[str]], frozenset[str]]) -> bool:
    words = {word for word in code_tokens(name) if word.isalnum()}
    return words <= named(words)


def _absent(function: str, name: str, api: ApiModel) -> AbsentArgument | None:
    meant = [symbol for symbol in api.find(function) if symbol.public and symbol.kind in _CALLABLE]
    if not meant or api.find(name) or any(_takes(symbol, name, api) for symbol in meant):
        return None
    taken = dict.fromkeys(parameter for symbol in meant for parameter in _parameters(symbol, api))
    return None if get_close_matches(name, taken, 1, _ALIKE) else AbsentArgument(function, name, tuple(taken))


def _takes(symbol: Symbol, name: str, api: ApiModel) -> bool:
    built = api.constructor(symbol) if symbol.kind == "class" else symbol
    anything = any(parameter.kind == "var_keyword" for parameter in built.bound_parameters)
    return anything or not built.signature_known or name in _parameters(symbol, api)


def _parameters(symbol: Symbol, api: ApiModel) -> list[str]:
    built = api.constructor(symbol) if symbol.kind == "class" else symbol
    return [parameter.name for parameter in built.bound_parameters]


def _called_with(question: str) -> Iterator[tuple[str, str]]:
    """Yield the functions that a question calls, each with every argument that it passes by name."""
    for match in _CALL.finditer(question):
        try:
            tree = ast.parse(_balanced(question[match.start() : match.start() + _LONGEST]), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if isinstance(tree.body, ast.Call):
            function = ast.unparse(tree.body.func)
            yield from ((function, keyword.arg) for keyword in tree.body.keywords if keyword.arg is not None)


def _balanced(text: str) -> str:
    """Return a text up to the bracket that closes its first one."""
    depth = 0
    for number, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            return text[: number + 1]
    return ""
