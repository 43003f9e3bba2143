"""Completes what was read into an API model: inheritance, constructors, and the shortest public path of everything.

Public means that no part of the path begins with an underscore and that it can be reached as an attribute of a public
module. A name that an ordinary module merely imports for its own use is public there only if nothing better exists.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

from agent.symbols import ApiModel, Base, Symbol
from agent.symbols.reader import MEMBERLESS_BASES, Reading

# A candidate path sorts by: an incidental import, length, another name than its own, not in `__all__`, the alphabet.
_Candidate = tuple[bool, int, bool, int, str]


def complete(reading: Reading) -> ApiModel:
    """Return the model of what was read."""
    model = ApiModel(reading.symbols, reading.aliases, tuple(reading.problems))
    model = _updated(model, {path: replace(s, bases=_bases(model, s)) for path, s in _classes(model)})
    model = _updated(model, {path: _inherited(model, s) for path, s in _classes(model)})
    return _updated(model, _published(model, reading))


def _updated(model: ApiModel, symbols: dict[str, Symbol]) -> ApiModel:
    return model.with_symbols({**model.symbols, **symbols})


def _classes(model: ApiModel) -> Iterator[tuple[str, Symbol]]:
    return ((path, symbol) for path, symbol in model.symbols.items() if symbol.kind == "class")


def _bases(model: ApiModel, symbol: Symbol) -> tuple[Base, ...]:
    """Replace each base's dotted name by its definition path where the sources have it."""
    bases: list[Base] = []
    for base in symbol.bases:
        found = model.resolve(base.path)
        inside = found is not None and found.kind == "class" and found.path != symbol.path
        bases.append(Base(found.path, external=False) if found and inside else base)
    return tuple(bases)


def _inherited(model: ApiModel, symbol: Symbol) -> Symbol:
    """Add the constructor's parameters, and what unseen bases leave open."""
    lineage = model.lineage(symbol)
    unseen = any(base.external and base.path not in MEMBERLESS_BASES for item in lineage for base in item.bases)
    candidates = (
        model.symbols.get(f"{item.path}.{name}") for item in lineage for name in ("__init__", "__cinit__", "__new__")
    )
    constructor = next((found for found in candidates if found is not None), None)
    own = constructor is not None and constructor.path.rpartition(".")[0] == symbol.path
    return replace(
        symbol,
        parameters=constructor.bound_parameters if constructor else (),
        signature_known=symbol.signature_known
        and (own or not unseen)
        and (constructor is None or constructor.signature_known),
        members_known=not unseen and all(item.members_known for item in lineage),
    )


def _published(model: ApiModel, reading: Reading) -> dict[str, Symbol]:
    """Give every symbol that can be reached publicly its shortest path and its aliases."""
    paths = _module_level_paths(model, reading)
    classes = sorted((model.symbols[path] for path in paths), key=lambda item: min(paths[item.path]))
    for symbol in classes:
        if symbol.kind == "class":
            _add_members(model, symbol, paths)
    symbols: dict[str, Symbol] = {}
    for path, candidates in paths.items():
        public, *aliases = dict.fromkeys(dotted for *_, dotted in sorted(candidates))
        symbols[path] = replace(model.symbols[path], public=public, aliases=tuple(aliases))
    return symbols


def _module_level_paths(model: ApiModel, reading: Reading) -> defaultdict[str, set[_Candidate]]:
    """Walk the public modules level by level, so that each is entered by its shortest path."""
    paths: defaultdict[str, set[_Candidate]] = defaultdict(set)
    level = sorted(root for root in model.roots if not root.startswith("_"))
    entered = dict.fromkeys(level, "")
    for root in level:
        paths[root].add((False, 0, False, 0, root))
        entered[root] = root
    while level:
        for module in level:
            for target, candidate in _exposed(model, reading, model.symbols[module], entered[module]):
                paths[target].add(candidate)
        modules = [path for path in paths if path not in entered and model.symbols[path].kind == "module"]
        entered |= {path: min(paths[path])[-1] for path in modules}
        level = sorted(modules)
    return paths


def _exposed(model: ApiModel, reading: Reading, module: Symbol, public: str) -> Iterator[tuple[str, _Candidate]]:
    """Yield what a public module exposes: definition path and candidate for its public path."""
    listed = reading.exports.get(module.path)
    for name in model.members(module):
        if name.startswith("_"):
            continue
        found, _ = model.member(module, name)
        if found is None:
            continue
        if listed is not None and name in listed:
            rank = 0
        elif found.path == f"{module.path}.{name}":
            rank = 1
        elif listed is None and module.path in reading.packages:
            rank = 2
        else:
            rank = 3
        incidental = rank == 3  # noqa: PLR2004 - see the chain
        yield found.path, (incidental, public.count(".") + 1, name != found.name, rank, f"{public}.{name}")


def _add_members(model: ApiModel, symbol: Symbol, paths: defaultdict[str, set[_Candidate]]) -> None:
    """Publish a class's members through it, and those of bases that are not public themselves."""
    incidental, length, renamed, rank, public = min(paths[symbol.path])
    for holder in model.lineage(symbol):
        if holder is not symbol and holder.path in paths:
            continue
        for name in model.members(holder):
            member = model.symbols.get(f"{holder.path}.{name}")
            if member is None or name.startswith("_"):
                continue
            paths[member.path].add((incidental, length + 1, renamed, rank, f"{public}.{name}"))
            if member.kind == "class" and holder is symbol:
                _add_members(model, member, paths)
