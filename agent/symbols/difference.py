"""What became of a library's public names between two versions.

Names are compared by public path, as a program would find them: a definition that went to another file under the same
public name did not move. What the sources cannot tell is never certain: a name that a base class outside the library
may still bring is marked so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from agent.symbols import ApiModel, Kind, Symbol
from agent.symbols.parameters import OF_ARGUMENTS, Change, parameter_changes

_SIMILAR = 0.5
"""Least share of parameters and members in common for a move: names such as `load` are given to many things."""
_CALLED = frozenset({"function", "method", "class"})


class Instead(Struct, frozen=True):
    """What stands in for a removed name.

    Attributes:
        place: `file:first-last` in the new version.
        why: how it is known; see `agent.symbols.replacements.Why`.
        evidence: place of the guide's statement that says so, or None.
    """

    path: str
    place: str
    why: str
    evidence: str | None = None


class Removed(Struct, frozen=True):
    """A public path that the new version does not have.

    Attributes:
        place: `file:first-last` in the old version.
        certain: False where a base class outside the library, or code that makes names, may still bring it.
        candidates: definitions of the same name and kind in the new version, of which none is clearly the same.
        instead: best first; `Replacements.explained` adds them.
        told: place of the statement with which a guide says that the name went; it adds that, too.
    """

    path: str
    kind: Kind
    place: str
    certain: bool = True
    candidates: tuple[str, ...] = ()
    instead: tuple[Instead, ...] = ()
    told: str | None = None


class Added(Struct, frozen=True):
    """A public path that only the new version has; `place` is in the new version."""

    path: str
    kind: Kind
    place: str


class Moved(Struct, frozen=True):
    """The same definition under another public path; `place` is in the new version."""

    path: str
    to: str
    kind: Kind
    place: str
    changes: tuple[Change, ...] = ()


class Changed(Struct, frozen=True):
    """A public path that both versions have; `place` is in the new version."""

    path: str
    kind: Kind
    place: str
    changes: tuple[Change, ...]


class ApiDifference(Struct, frozen=True):
    """All differences, each list by path.

    Attributes:
        before, after: number of public names in each version.
    """

    removed: tuple[Removed, ...]
    added: tuple[Added, ...]
    moved: tuple[Moved, ...]
    changed: tuple[Changed, ...]
    before: int
    after: int


def compare(old: ApiModel, new: ApiModel) -> ApiDifference:
    """Return what is different in `new`; the same models always give the same answer."""
    return _Comparison(old, new).result()


class _Comparison:
    """Pairs the public names of two models, by path first and by likeness then."""

    def __init__(self, old: ApiModel, new: ApiModel) -> None:
        self._old = old
        self._new = new
        self._before = _by_public_path(old)
        self._after = _by_public_path(new)
        kept = {path: new.resolve(path) for path in self._before}
        self._kept = {path: found for path, found in kept.items() if found is not None}
        taken = {found.path for found in self._kept.values()}
        self._free = {path: symbol for path, symbol in self._after.items() if symbol.path not in taken}
        self._gone = {
            path: symbol
            for path, symbol in self._before.items()
            if path not in self._kept and not leads_outside(new, path)
        }
        self._candidates = {path: self._look_alikes(symbol) for path, symbol in self._gone.items()}
        self._moves = self._find_moves()

    def result(self) -> ApiDifference:
        found = set(self._moves.values())
        moved = (
            Moved(path, to, self._after[to].kind, place(self._after[to]), changes(self._before[path], self._after[to]))
            for path, to in self._moves.items()
        )
        changed = (
            Changed(path, found.kind, place(found), different)
            for path, found in self._kept.items()
            if (different := changes(self._before[path], found))
        )
        return ApiDifference(
            removed=tuple(self._removed(path) for path in sorted(self._gone) if path not in self._moves),
            added=tuple(Added(path, s.kind, place(s)) for path, s in sorted(self._free.items()) if path not in found),
            moved=tuple(sorted(moved, key=lambda entry: entry.path)),
            changed=tuple(sorted(changed, key=lambda entry: entry.path)),
            before=len(self._before),
            after=len(self._after),
        )

    def _removed(self, path: str) -> Removed:
        symbol = self._gone[path]
        certain = self._new.presence(path) == "unknown"
        return Removed(path, symbol.kind, place(symbol), certain, self._candidates[path])

    def _look_alikes(self, symbol: Symbol) -> tuple[str, ...]:
        """Return free names of the same last name and kind whose shape is similar."""
        if symbol.kind not in {"function", "class", "module"}:
            return ()  # a method or attribute goes where its owner goes
        named = (found for found in self._new.find(symbol.name) if found.name == symbol.name)
        free = (found for found in named if found.public in self._free and found.kind == symbol.kind)
        return tuple(found.public for found in free if found.public and are_alike(self._old, symbol, self._new, found))

    def _find_moves(self) -> dict[str, str]:
        """Follow owners down, so that what a moved class holds moves with it; a doubtful match is none."""
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        for path, candidates in self._candidates.items():
            for candidate in candidates:
                wanted[candidate].append(path)
        moves: dict[str, str] = {}
        for path, symbol in self._gone.items():
            owner, _, name = path.rpartition(".")
            followed = f"{moves[owner]}.{name}" if owner in moves else ""
            candidates = self._candidates[path]
            if followed in self._free and self._free[followed].kind == symbol.kind:
                moves[path] = followed
            elif len(candidates) == 1 and wanted[candidates[0]] == [path]:
                moves[path] = candidates[0]
        moves |= self._renamed_modules(moves)
        targets = Counter(moves.values())
        return {path: to for path, to in moves.items() if targets[to] == 1}

    def _renamed_modules(self, moves: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield modules that went under another name: most of what they held is now together in one new module."""
        held = Counter(path.rpartition(".")[0] for path in self._before)
        together = Counter((path.rpartition(".")[0], to.rpartition(".")[0]) for path, to in moves.items())
        for (owner, other), count in together.items():
            both_modules = {s.kind for s in (self._gone.get(owner), self._free.get(other)) if s} == {"module"}
            if owner not in moves and owner in self._gone and both_modules and count > held[owner] / 2 and count > 1:
                yield owner, other


def _by_public_path(model: ApiModel) -> Mapping[str, Symbol]:
    """Return the public symbols, owners before what they hold."""
    symbols = {symbol.public: symbol for symbol in model.symbols.values() if symbol.public}
    return dict(sorted(symbols.items(), key=lambda item: (item[0].count("."), item[0])))


def leads_outside(model: ApiModel, path: str) -> bool:
    """Whether the model has the name and only what it stands for is another library's."""
    owner, _, name = path.rpartition(".")
    holder = model.resolve(owner)
    return holder is not None and any(name in model.members(item) for item in model.lineage(holder))


def are_alike(old: ApiModel, was: Symbol, new: ApiModel, now: Symbol) -> bool:
    """Whether two definitions of one name have most of their parameters and members in common, or the same summary."""
    before, after = set(_shape(old, was)), set(_shape(new, now))
    shared = len(before & after)
    same_summary = was.doc != "" and was.doc == now.doc
    return same_summary or (shared > 0 and shared >= _SIMILAR * len(before | after))


def _shape(model: ApiModel, symbol: Symbol) -> Iterator[str]:
    yield from (f"({parameter.name})" for parameter in symbol.bound_parameters)
    if symbol.kind in {"class", "module"}:
        yield from (name for name in model.members(symbol) if not name.startswith("_"))


def changes(was: Symbol, now: Symbol) -> tuple[Change, ...]:
    """Return what is different between two definitions of one name."""
    return tuple(_changes(was, now))


def _changes(was: Symbol, now: Symbol) -> Iterable[Change]:
    if was.kind != now.kind:
        yield Change("kind", before=was.kind, after=now.kind)
    # Where a decorator or an unseen base decides how a thing is called, its declaration says nothing.
    elif was.kind in _CALLED and was.signature_known and now.signature_known:
        yield from parameter_changes(was.bound_parameters, now.bound_parameters)
    if was.kind == now.kind and was.returns != now.returns:
        yield Change("returns", before=was.returns, after=now.returns)
    if now.deprecated is not None and was.deprecated is None and not OF_ARGUMENTS.match(now.deprecated):
        yield Change("deprecated", after=now.deprecated)


def place(symbol: Symbol) -> str:
    """Return `file:first-last`, or the path of what has no file."""
    return f"{symbol.file}:{symbol.start_line}-{symbol.end_line}" if symbol.file else symbol.path
