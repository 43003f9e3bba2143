"""Names and what they are known to be, while code is followed from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable

from agent.verification.values import Value, join

Table = dict[str, Value]


class Scope:
    """One scope of the code.

    Attributes:
        now: name -> its value at the statement that is being followed.
        ever: name -> what holds of all its bindings, for functions that run at another time.
        owned: names that are looked up here and nowhere further out.
        outer: the scope around.
        runs_at_once: a class body or comprehension, which sees the scope around it as it is now.
    """

    def __init__(
        self,
        outer: Scope | None = None,
        *,
        owned: Iterable[str] = (),
        runs_at_once: bool = False,
        is_class: bool = False,
    ) -> None:
        self.now: Table = {}
        self.ever: Table = {}
        self.owned = frozenset(owned)
        self.outer = outer
        self.runs_at_once = runs_at_once
        self.is_class = is_class

    def bind(self, name: str, value: Value) -> None:
        """Give a name a value."""
        self.now[name] = value
        self.ever[name] = join(self.ever[name], value) if name in self.ever else value

    def forget(self, names: Iterable[str]) -> None:
        """Make bound names unknown: a loop or an exception may have rebound them."""
        for name in names:
            if name in self.now:
                self.now[name] = None

    def look_up(self, name: str) -> tuple[Value, bool]:
        """Return a name's value as Python would find it, and whether anything binds it."""
        scope: Scope | None = self
        at_once = True
        while scope is not None:
            table = scope.now if at_once else scope.ever
            if name in table:
                return table[name], True
            if name in scope.owned:
                return None, True
            at_once = at_once and scope.runs_at_once
            scope = scope.outer
        return None, False

    @property
    def of_functions(self) -> Scope:
        """The scope in which a function sees names that is defined here: class bodies are passed over."""
        return self.outer.of_functions if self.is_class and self.outer is not None else self

    @property
    def of_walrus(self) -> Scope:
        """The scope in which `:=` binds: comprehensions are passed over."""
        passes = self.runs_at_once and not self.is_class and self.outer is not None
        return self.outer.of_walrus if passes and self.outer is not None else self


def merged(tables: Iterable[Table]) -> Table:
    """Return what holds after branches of which one ran."""
    first, *others = tables
    result = dict(first)
    for table in others:
        for name, value in table.items():
            known = result.setdefault(name, value)
            if known is not value:  # mostly it is: the branches began with the same table
                result[name] = join(known, value)
    return result
