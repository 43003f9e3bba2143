"""Whether a call's arguments fit a signature, as far as it is certain."""

from __future__ import annotations

import ast
import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from agent.symbols import Parameter, Symbol

_LENIENT = re.compile(r"warn_on_args", re.IGNORECASE)
POSITIONAL = ("positional_only", "positional_or_keyword")
NAMED = ("positional_or_keyword", "keyword_only")


class Given(Struct, frozen=True):
    """The arguments of a call.

    Attributes:
        positional: how many are certain to be there.
        keywords: names in order.
        more_positional, more_keywords: there may be others (`*args`, `**options`, or `...` for what a text leaves out).
    """

    positional: int
    keywords: tuple[str, ...]
    more_positional: bool = False
    more_keywords: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all arguments can be seen."""
        return not (self.more_positional or self.more_keywords)

    @classmethod
    def of(cls, call: ast.Call) -> Given:
        """Read a call's arguments."""
        args = [item for arg in call.args for item in _unpacked(arg)]
        names = [name for keyword in call.keywords for name in _names(keyword)]
        elided = any(isinstance(arg, ast.Constant) and arg.value is ... for arg in args)
        stars = sum(isinstance(arg, ast.Starred) for arg in args)
        return cls(
            positional=0 if elided else len(args) - stars,
            keywords=tuple(name for name in names if name is not None),
            more_positional=elided or stars > 0,
            more_keywords=elided or None in names,
        )

    @classmethod
    def said(cls, call: ast.Call) -> Given:
        """Read the arguments of a call in prose: plain names stand for parameters, and the others may be left out."""
        given = cls.of(call)
        speaks_of = any(isinstance(arg, ast.Name) for arg in call.args)
        return cls(0 if speaks_of else given.positional, given.keywords, more_positional=True, more_keywords=True)


def _unpacked(arg: ast.expr) -> Iterator[ast.expr]:
    """Yield the arguments that one is: of `*[1, 2]`, both."""
    if isinstance(arg, ast.Starred) and isinstance(arg.value, ast.List | ast.Tuple):
        for item in arg.value.elts:
            yield from _unpacked(item)
    else:
        yield arg


def _names(keyword: ast.keyword) -> Iterator[str | None]:
    """Yield the names that a keyword gives: of `**{"a": 1}`, `a`; None for those that cannot be seen."""
    if keyword.arg is not None or not isinstance(keyword.value, ast.Dict):
        yield keyword.arg
        return
    given = (key.value if isinstance(key, ast.Constant) else None for key in keyword.value.keys)
    yield from dict.fromkeys(name if isinstance(name, str) else None for name in given)


def mismatch(given: Given, parameters: Sequence[Parameter]) -> str | None:
    """Say in plain words why a call must fail, or return None where it may succeed."""
    positional = [p for p in parameters if p.kind in POSITIONAL]
    named = {p.name for p in parameters if p.kind in NAMED}
    kinds = {p.kind for p in parameters}
    if given.positional > len(positional) and "var_positional" not in kinds:
        return _too_many(given, parameters, len(positional))
    filled = positional[: given.positional]
    twice = [name for name, times in Counter(given.keywords).items() if times > 1]
    twice += [p.name for p in filled if p.kind == "positional_or_keyword" and p.name in given.keywords]
    if twice:
        return f"gives `{twice[0]}` twice"
    if "var_keyword" not in kinds:
        for name in given.keywords:
            if name not in named:
                return _unknown_keyword(name, parameters)
    missing = [p for p in parameters if _is_missing(p, given, filled)]
    return f"lacks the required {_listed(missing)}" if missing else None


def is_lenient(symbol: Symbol) -> bool:
    """Whether a decorator may let keyword-only parameters be passed by position, in their order."""
    return any(_LENIENT.search(decorator) for decorator in symbol.decorators)


def is_lenient_call(symbol: Symbol, given: Given, parameters: Sequence[Parameter]) -> bool:
    """Whether a call passes keyword-only parameters by position to a function whose decorator may let it.

    Such decorators (FURY's `warn_on_args_to_kwargs`) pass them on with a warning in some versions and refuse in others.
    """
    positional = sum(p.kind in POSITIONAL for p in parameters)
    keyword_only = sum(p.kind == "keyword_only" for p in parameters)
    return is_lenient(symbol) and positional < given.positional <= positional + keyword_only


def signature(name: str, parameters: Sequence[Parameter]) -> str:
    """Return a signature as one would write it: `fury.actor.sphere(centers, *, colors=(1, 0, 0))`."""
    parts: list[str] = []
    for index, parameter in enumerate(parameters):
        before = parameters[index - 1].kind if index else None
        if before == "positional_only" and parameter.kind != "positional_only":
            parts.append("/")
        if parameter.kind == "keyword_only" and before not in ("keyword_only", "var_positional"):
            parts.append("*")
        stars = {"var_positional": "*", "var_keyword": "**"}.get(parameter.kind, "")
        parts.append(stars + parameter.name + ("" if parameter.default is None else f"={parameter.default}"))
    if parameters and parameters[-1].kind == "positional_only":
        parts.append("/")
    return f"{name}({', '.join(parts)})"


def _is_missing(parameter: Parameter, given: Given, filled: list[Parameter]) -> bool:
    if parameter.default is not None or parameter.kind in ("var_positional", "var_keyword"):
        return False
    by_position = parameter in filled or (given.more_positional and parameter.kind in POSITIONAL)
    by_name = parameter.kind in NAMED and (given.more_keywords or parameter.name in given.keywords)
    return not by_position and not by_name


def _too_many(given: Given, parameters: Sequence[Parameter], most: int) -> str:
    plural = "" if given.positional == 1 else "s"
    allowed = "none is" if most == 0 else "at most one is" if most == 1 else f"at most {most} are"
    words = f"passes {given.positional} positional argument{plural} where {allowed} taken"
    by_name = [p for p in parameters if p.kind == "keyword_only"]
    return f"{words}; {_listed(by_name)} must be passed by name" if by_name else words


def _unknown_keyword(name: str, parameters: Sequence[Parameter]) -> str:
    if any(p.name == name and p.kind == "positional_only" for p in parameters):
        return f"passes `{name}` by name, which is taken by position only"
    close = difflib.get_close_matches(name, [p.name for p in parameters if p.kind in NAMED], 1)
    return f"passes `{name}`, which is no parameter" + (f" (`{close[0]}` is)" if close else "")


def _listed(parameters: Sequence[Parameter]) -> str:
    shown = [f"`{parameter.name}`" for parameter in parameters[:4]]
    return ", ".join([*shown, "…"] if len(parameters) > len(shown) else shown)
