"""From what was found to the list that a reader wants: each place once, and not one tutorial five times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from agent.schema import Chunk

SAME_EXAMPLE = 0.5
"""Factor on every further block of an example: one block leads a reader to the file."""
SAME_CLASS = 0.8
"""Factor on every further member of a class."""
USED_AFTER = 3
"""Where the first place is an example, the definitions that it stands for come after so many places."""
USED = 2
"""How many of them."""


class Hit(Struct, frozen=True):
    """A chunk found for a question.

    Attributes:
        score: the fused one; only its order means anything.
        stale: names in it that this version of the library does not have.
    """

    chunk: Chunk
    score: float
    stale: tuple[str, ...] = ()


def collapse(hits: Iterable[Hit]) -> list[Hit]:
    """Keep the best hit of every symbol, and of every section or block of a file."""
    best: dict[tuple[str, str], Hit] = {}
    for hit in hits:
        best.setdefault((hit.chunk.path, hit.chunk.symbol or hit.chunk.title), hit)
    return list(best.values())


def spread(hits: Sequence[Hit]) -> list[Hit]:
    """Sink the second, third, ... block of an example and member of a class, so that other places can be seen.

    The class itself is not one of them: who finds it may well want a member next.

    The idea is that of maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), with a place's neighbourhood
    in the sources for its similarity.
    """
    seen: Counter[tuple[str, str]] = Counter()
    spaced: list[Hit] = []
    for hit in hits:
        group, factor = _neighbourhood(hit.chunk)
        spaced.append(structs.replace(hit, score=hit.score * factor ** seen[group]))
        seen[group] += factor < 1
    return sorted(spaced, key=lambda hit: -hit.score)  # stable: equals keep their order


def _neighbourhood(chunk: Chunk) -> tuple[tuple[str, str], float]:
    if chunk.role == "example":
        return (chunk.path, ""), SAME_EXAMPLE
    owner, _, member = (chunk.symbol or "").partition(".")
    return (chunk.path, owner), SAME_CLASS if chunk.role == "package" and member else 1.0


def with_used(hits: Sequence[Hit], used: Iterable[Hit]) -> list[Hit]:
    """Have an example that comes first bring the definitions it uses: what a reader looks up next.

    Args:
        hits: best first.
        used: the definitions, most telling first.
    """
    if not hits or hits[0].chunk.role != "example":
        return list(hits)
    head = hits[:USED_AFTER]
    shown = {hit.chunk.id for hit in head}
    brought = [structs.replace(hit, score=head[-1].score) for hit in used if hit.chunk.id not in shown][:USED]
    return collapse([*head, *brought, *hits[USED_AFTER:]])
