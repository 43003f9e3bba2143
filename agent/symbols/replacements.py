"""What to use instead of a name that a version does not have, and how that is known."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from agent.symbols import ApiModel, Symbol
from agent.symbols.difference import ApiDifference, Instead, compare, place
from agent.symbols.guides import Statement
from agent.symbols.parameters import OF_ARGUMENTS

Why = Literal["guide", "deprecation", "moved", "same name", "close name"]
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_DECORATOR = re.compile(r"^[\w.]+\(")
_CLOSE = 0.75
"""Least similarity of two last names: beyond it, `peak_slicer` and `peaks_slicer` are near, `odf` and `obj` are not."""
_FREE = frozenset({"function", "class", "module"})
_MOST = 3


class Replacement(Struct, frozen=True):
    """Something that stands in for a missing name.

    Attributes:
        path: public path.
        symbol: its definition.
        why: how it is known: the library's guide or a deprecation notice says so, it is the same definition elsewhere,
            or no more than its name speaks for it.
        evidence: the guide's statement, where there is one.
    """

    path: str
    symbol: Symbol
    why: Why
    evidence: Statement | None = None


class Replacements:
    """Finds replacements in `new`.

    Args:
        new: model of the version that lacks the names.
        old: model of a version that has them, where there is one.
        statements: of the guides of `new`, best first.
    """

    def __init__(self, new: ApiModel, old: ApiModel | None = None, statements: Sequence[Statement] = ()) -> None:
        self._new = new
        self._old = old
        self._statements = statements

    @cached_property
    def difference(self) -> ApiDifference | None:
        """What differs between the two versions, where there are two."""
        return compare(self._old, self._new) if self._old is not None else None

    def of(self, dotted: str) -> tuple[Replacement, ...]:
        """Return up to three replacements for a rooted dotted name, best first."""
        was = self._old.resolve(dotted) if self._old is not None else None
        named = was.public or dotted if was is not None else dotted
        found: dict[str, Replacement] = {}
        for replacement in self._known(named, was):
            found.setdefault(replacement.path, replacement)
        # Where something is known to have taken the place, names that merely sound alike would mislead.
        for replacement in () if found else self._by_name(named, was):
            found.setdefault(replacement.path, replacement)
        found.pop(dotted, None)
        return tuple(found.values())[:_MOST]

    def told(self, dotted: str) -> Statement | None:
        """Return the guide's statement that a name, or what held it, went; what is still there cannot have gone."""
        while "." in dotted and self._new.presence(dotted) != "known":
            said = [item for item in self._statements if item.went and any(_means(n, dotted) for n in item.names)]
            if said:
                return min(said, key=lambda item: len(item.names))  # the one that is about it, not about many
            dotted = dotted.rpartition(".")[0]
        return None

    def explained(self) -> ApiDifference:
        """Return the difference, with what stands in for each removed name.

        Raises:
            ValueError: there is no old version.
        """
        if self.difference is None:
            raise ValueError("There is nothing to compare with: give the old version's model.")
        removed = (
            replace(entry, instead=tuple(map(_instead, self.of(entry.path))), told=said.place if said else None)
            for entry in self.difference.removed
            for said in (self.told(entry.path),)
        )
        return replace(self.difference, removed=tuple(removed))

    def _known(self, dotted: str, was: Symbol | None) -> Iterator[Replacement]:
        yield from self._by_guide(dotted, was)
        yield from self._by_deprecation(was)
        if dotted in self._moves and (now := self._new.resolve(self._moves[dotted])) is not None:
            yield _replacement(now, "moved")

    @cached_property
    def _moves(self) -> dict[str, str]:
        return {entry.path: entry.to for entry in self.difference.moved} if self.difference is not None else {}

    def _by_guide(self, dotted: str, was: Symbol | None) -> Iterator[Replacement]:
        """Yield what the statements that name `dotted` name beside it."""
        for statement in self._statements:
            if statement.replaces and any(_means(name, dotted, alone=_stands_alone(was)) for name in statement.names):
                for now in self._mentioned(statement.names):
                    yield _replacement(now, "guide", statement)

    def _by_deprecation(self, was: Symbol | None) -> Iterator[Replacement]:
        """Yield what the old definition's own deprecation notice names."""
        if was is not None and was.deprecated is not None and not OF_ARGUMENTS.match(was.deprecated):
            notice = _DECORATOR.sub("", was.deprecated)
            names = [name for name in _DOTTED.findall(notice) if "." in name or "_" in name]
            for now in self._mentioned(names):
                yield _replacement(now, "deprecation")

    def _mentioned(self, names: Iterable[str]) -> Iterator[Symbol]:
        """Yield the public definitions that names stand for, where that is clear."""
        for name in names:
            rooted = name.partition(".")[0] in self._new.roots
            resolved = self._new.resolve(name) if rooted else None
            found = (resolved,) if resolved is not None else self._new.find(name)
            public = [symbol for symbol in found if symbol.public and symbol.kind in _FREE]
            if len(public) == 1:
                yield public[0]

    def _by_name(self, dotted: str, was: Symbol | None) -> Iterator[Replacement]:
        """Yield the same last name elsewhere, then a close one in the same place; of members, only the latter."""
        owner, _, name = dotted.rpartition(".")
        if was is None or was.kind in _FREE:
            for now in self._new.find(name):
                fits = now.kind == was.kind if was is not None else now.kind in _FREE
                if now.public and now.name == name and fits:
                    yield _replacement(now, "same name")
        holder = self._new.resolve(owner)
        for close in _close(name, self._new, holder) if holder is not None else ():
            now = self._new.resolve(f"{owner}.{close}")
            if now is not None and (was is None or was.kind == now.kind):
                yield _replacement(now, "close name", at=f"{owner}.{close}")


def _close(name: str, model: ApiModel, holder: Symbol) -> list[str]:
    held = {member for item in model.lineage(holder) for member in model.members(item) if not member.startswith("_")}
    return difflib.get_close_matches(name, sorted(held - {name}), _MOST, cutoff=_CLOSE)


def _means(name: str, dotted: str, *, alone: bool = True) -> bool:
    """Whether a name in a guide stands for a dotted path: its end, of at least two parts unless it may stand alone."""
    return f".{dotted}".endswith(f".{name}") and (alone or "." in name)


def _stands_alone(was: Symbol | None) -> bool:
    """Whether a guide may name it without its owner: `update` in a guide is not every class's `update`."""
    return was is None or was.kind in {"function", "class"}


def _replacement(now: Symbol, why: Why, evidence: Statement | None = None, *, at: str = "") -> Replacement:
    return Replacement(at or now.public or now.path, now, why, evidence)


def _instead(found: Replacement) -> Instead:
    return Instead(found.path, place(found.symbol), found.why, found.evidence.place if found.evidence else None)
