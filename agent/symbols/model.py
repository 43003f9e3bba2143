"""One definition of a library's API: what it is, where, and how it may be called."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["module", "class", "function", "method", "property", "attribute"]
ParameterKind = Literal["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]


class Parameter(Struct, frozen=True, omit_defaults=True):
    """A parameter as declared; `default` and `annotation` are source text, None where there is none."""

    name: str
    kind: ParameterKind = "positional_or_keyword"
    default: str | None = None
    annotation: str | None = None


class Base(Struct, frozen=True, omit_defaults=True):
    """A base class: its definition path, or the best known dotted name where it is outside the sources."""

    path: str
    external: bool = True


class Symbol(Struct, frozen=True, omit_defaults=True):
    """One definition.

    Attributes:
        path: dotted definition path (`fury.actor.curved.sphere`).
        file: POSIX path relative to the repository root; empty for a namespace package.
        start_line, end_line: 1-based, inclusive, decorators included.
        public: shortest public path (`fury.actor.sphere`), or None.
        aliases: other public paths, shortest first.
        parameters: as declared, `self` included; a class has its constructor's, without `self`.
        decorators: dotted paths, outermost first.
        doc: first line of the docstring.
        deprecated: the deprecating decorator's or directive's own text, or None.
        static: a static method.
        signature_known: no decorator or external base may have changed how it is called.
        members_known: of a module or class: every member is known, so a missing one does not exist.
    """

    path: str
    kind: Kind
    file: str
    start_line: int
    end_line: int
    public: str | None = None
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    returns: str | None = None
    bases: tuple[Base, ...] = ()
    decorators: tuple[str, ...] = ()
    doc: str = ""
    deprecated: str | None = None
    static: bool = False
    signature_known: bool = True
    members_known: bool = False

    @property
    def name(self) -> str:
        """Last part of the definition path."""
        return self.path.rpartition(".")[2]

    @property
    def is_private(self) -> bool:
        """Whether the name itself is private by convention; `__init__` and its like are not."""
        return self.name.startswith("_") and not is_dunder(self.name)

    @property
    def bound_parameters(self) -> tuple[Parameter, ...]:
        """What a caller passes: `parameters` without a method's `self` or `cls`."""
        return self.parameters[1:] if self.kind == "method" and not self.static else self.parameters


def is_dunder(name: str) -> bool:
    """Whether `name` is one of Python's own (`__init__`)."""
    return name.startswith("__") and name.endswith("__")
