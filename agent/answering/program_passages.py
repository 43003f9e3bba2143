"""Passages as the author of a program needs them: how a class is made, what may be done with it, and how it is used.

The source of a class begins with its bases; who shall make one needs the arguments of its constructor. And where a
docstring has no example, the examples of the library may have one, see `agent.answering.example_slices`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from agent.answering.example_slices import slice_for
from agent.arrangement import Hit
from agent.passage_texts import doc_sections
from agent.schema import Chunk
from agent.symbols import ApiModel, Symbol
from agent.verification import signature

ILLUSTRATED = 3
"""How many passages get an example; there is hardly room for more."""
_METHODS = 6
"""How many methods of a class are named; those that handle events are called by the library."""
_LONGEST = 90
"""Characters of a method's signature."""

Examples = Callable[[str], Iterable[str]]
"""Id of a definition's chunk -> the sources of scripts that use it."""


def for_author(hits: Sequence[Hit], api: ApiModel, examples: Examples) -> list[Hit]:
    """Return passages whose definitions say how they are called and, the first ones, how they are used."""
    told = [replace(hit, chunk=_callable(hit.chunk, api)) for hit in hits]
    definitions = [n for n, hit in enumerate(told) if hit.chunk.kind in ("class", "function") and hit.chunk.public]
    for number in definitions[:ILLUSTRATED]:
        told[number] = replace(told[number], chunk=_illustrated(told[number].chunk, examples))
    return told


def _callable(chunk: Chunk, api: ApiModel) -> Chunk:
    symbol = api.symbols.get(chunk.qualified or "")
    if symbol is None or symbol.kind != "class":
        return chunk
    made = signature(chunk.title, symbol.parameters) if symbol.signature_known else chunk.signature or ""
    methods = ", ".join([*_methods(symbol, api)][:_METHODS])
    return replace(chunk, signature=f"{made}\nmethods: {methods}" if methods else made)


def _methods(cls: Symbol, api: ApiModel) -> Iterator[str]:
    held = (api.member(cls, name)[0] for name in api.members(cls) if not name.startswith("_"))
    for method in sorted((m for m in held if m is not None and m.kind == "method"), key=lambda m: m.start_line):
        handles = any(parameter.name == "event" for parameter in method.bound_parameters) or "callback" in method.name
        if (
            not handles
            and method.signature_known
            and len(text := signature(method.name, method.bound_parameters)) <= _LONGEST
        ):
            yield text


def _illustrated(chunk: Chunk, examples: Examples) -> Chunk:
    sections = doc_sections(chunk.doc or "")
    if "Examples" in sections or "Example" in sections or chunk.symbol is None:
        return chunk
    name = chunk.symbol.rpartition(".")[2]
    best = slice_for(examples(chunk.id), name)
    return chunk if best is None else replace(chunk, doc=f"{chunk.doc or ''}\n\nExamples\n--------\n{best}")
