"""Words for what was found, and what exists instead."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.schema import Finding, FindingKind
from agent.symbols import ApiModel, Symbol
from agent.symbols.parameters import OF_ARGUMENTS
from agent.verification.calls import Given, is_lenient_call, mismatch, signature
from agent.verification.expressions import Call, Use
from agent.verification.source import NOT_PYTHON
from agent.verification.undefined import Flake

_MOST_SUGGESTIONS = 3
_MOST_SEARCHED = 12
_MOST_SEARCHES = 20  # each takes milliseconds: a text full of inventions is no reason to search for minutes
_QUOTED = re.compile(r"""(["'])(\w+)\1""")

Place = tuple[int, int]


class Wording:
    """Turns facts into findings; one for each report or answer."""

    def __init__(self, api: ApiModel) -> None:
        self._api = api
        self._close: dict[tuple[str, int], tuple[str, ...]] = {}

    def of_use(self, use: Use, place: Place) -> Finding | None:
        """Return what is wrong with a use of a name, if anything is."""
        path = f"`{use.path}`"
        if use.presence == "unknown" and use.symbol is not None:
            message = f"{path} is a {use.symbol.kind}, not a module: import it from its module."
            return Finding("unknown-name", *place, use.written, message, use.path, (use.path,))
        if use.presence == "unknown":
            close = self._close_names(use.meant or use.path)
            if use.meant is not None and not close:
                close = self._close_modules(use.path)
            return Finding("unknown-name", *place, use.written, missing(use.path, close), use.path, close)
        deprecated = use.symbol.deprecated if use.symbol is not None else None
        if deprecated is not None and not OF_ARGUMENTS.match(deprecated):
            message = f"{path} is deprecated: {deprecated.rstrip('.')}."
            return Finding("deprecated", *place, use.written, message, use.path)
        return None

    def of_call(self, call: Call, place: Place) -> Finding | None:
        """Return what is wrong with a call's arguments, if anything is."""
        name = call.written
        true = (signature(call.path, call.parameters),)

        def finding(kind: FindingKind, what: str) -> Finding:
            return Finding(kind, *place, name, f"`{name}()` {what}.", call.path, true)

        function = self._api.constructor(call.symbol)
        if is_lenient_call(function, call.given, call.parameters):
            return finding(
                "deprecated", "passes keyword-only parameters by position, which only some versions let pass"
            )
        given, renamed = _without_renamed(call.given, function)
        problem = mismatch(given, call.parameters)
        if problem is not None:
            return finding("bad-call", problem)
        return finding("deprecated", f"passes `{renamed[0]}`, a deprecated parameter") if renamed else None

    def of_flake(self, flake: Flake, place: Place) -> Finding:
        """Word what pyflakes found."""
        name = f"`{flake.text}`"
        if flake.kind == "syntax":
            return Finding("syntax", *place, "", f"{NOT_PYTHON}: {flake.text}.")
        if flake.kind == "unused-import":
            return Finding("unused-import", *place, flake.text, f"{name} is imported and not used.")
        meant = [symbol.public for symbol in self._api.find(flake.text) if symbol.public]
        suggestions = tuple(path for path in meant if path.endswith(flake.text))[:_MOST_SUGGESTIONS]
        return Finding(
            "undefined-name", *place, flake.text, f"{name} is neither imported nor assigned.", None, suggestions
        )

    def _close_names(self, path: str, most: int = _MOST_SUGGESTIONS) -> tuple[str, ...]:
        if (path, most) not in self._close:
            if len(self._close) >= _MOST_SEARCHES:
                return ()
            self._close[path, most] = self._api.close_names(path, most)
        return self._close[path, most]

    def _close_modules(self, path: str) -> tuple[str, ...]:
        """Return modules like the one that an import names; what else is called so cannot be imported from."""
        found = map(self._api.resolve, self._close_names(path, _MOST_SEARCHED))
        public = (symbol.public for symbol in found if symbol is not None and symbol.kind == "module")
        return tuple(name for name in public if name)[:_MOST_SUGGESTIONS]


def missing(path: str, close: Sequence[str], aside: str = "") -> str:
    """Say that a name does not exist, `aside` where else it is, and which names like it do."""
    words = f"`{path}` does not exist{aside}"
    if not close:
        return f"{words}."
    return f"{words}; {_listed(close)} does." if len(close) == 1 else f"{words}; these do: {_listed(close)}."


def _without_renamed(given: Given, function: Symbol) -> tuple[Given, list[str]]:
    """Take out keywords that a deprecating decorator names (`deprecated_params("heights", "scales")`) and passes on."""
    known = {match[2] for match in _QUOTED.finditer(function.deprecated or "")}
    known -= {parameter.name for parameter in function.parameters}
    renamed = [name for name in given.keywords if name in known]
    kept = tuple(name for name in given.keywords if name not in known)
    more = given.more_keywords or bool(renamed)
    return Given(given.positional, kept, given.more_positional, more), renamed


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
