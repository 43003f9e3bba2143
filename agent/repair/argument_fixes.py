"""Changes that would surely put the arguments of a call right: passed by name, or under their true names."""

from __future__ import annotations

import ast

from agent.repair.by_name import parameters_meant, plural_or_singular
from agent.repair.fix import Fix, fix_of, listed
from agent.repair.places import Block
from agent.schema import Finding
from agent.symbols import ApiModel, Symbol
from agent.symbols.closeness import same_name
from agent.verification.calls import NAMED, POSITIONAL, is_lenient
from agent.verification.expressions import written


def argument_fix(block: Block, call: ast.Call, finding: Finding, api: ApiModel) -> Fix | None:
    """Return what surely puts the arguments of a call right, or None.

    Args:
        block: where the call is.
        call: the call.
        finding: what is wrong with it.
        api: the library's API model.
    """
    symbol = api.resolve(finding.path or "")
    if symbol is None:
        return None
    positional = sum(parameter.kind in POSITIONAL for parameter in symbol.bound_parameters)
    if len(call.args) > positional:
        return _by_name(block, call, symbol, positional, api)
    return _renamed_keywords(block, call, symbol) if finding.kind == "bad-call" else None


def _by_name(block: Block, call: ast.Call, symbol: Symbol, positional: int, api: ApiModel) -> Fix | None:
    """Pass by name what may not be passed by position."""
    surplus = call.args[positional:]
    given = {keyword.arg for keyword in call.keywords}
    free = [p for p in symbol.bound_parameters if p.kind == "keyword_only" and p.name not in given]
    if any(isinstance(arg, ast.Starred) for arg in call.args) or len(surplus) > len(free):
        return None
    names = parameters_meant(surplus, free, in_order=is_lenient(api.constructor(symbol)))
    if names is None:
        return None
    edits = [block.replaced(block.start(arg), "", f"{name}=") for arg, name in zip(surplus, names, strict=True)]
    return fix_of(edits, f"passed {listed(names)} by name to `{written(call.func)}()`")


def _renamed_keywords(block: Block, call: ast.Call, symbol: Symbol) -> Fix | None:
    known = [parameter.name for parameter in symbol.bound_parameters if parameter.kind in NAMED]
    given = {keyword.arg for keyword in call.keywords}
    free = [name for name in known[len(call.args) :] if name not in given]
    wrong = [keyword for keyword in call.keywords if keyword.arg is not None and keyword.arg not in known]
    said = [keyword.arg or "" for keyword in wrong]
    true = [same_name(name, free) or plural_or_singular(name, free) for name in said]
    pairs = list(zip(wrong, true, strict=True))
    edits = [block.replaced(block.start(k), k.arg or "", name) if name else None for k, name in pairs]
    changed = ", ".join(f"`{keyword.arg}` by `{name}`" for keyword, name in pairs)
    return fix_of(edits, f"replaced the parameter {changed} in `{written(call.func)}()`")
