"""What a program that is asked for in plain words is made of: the public callables that bear the words' very names.

"An arrow above two spheres" finds the place on arrows; a program needs the spheres too, and its author invents what it
isn't shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from agent.chunking.tokens import code_tokens
from agent.schema import Chunk
from agent.symbols import ApiModel, Symbol

MOST = 4
"""How many definitions are added; each costs a signature of the prompt."""
_CALLABLE = ("function", "class")
_WORD = re.compile(r"[a-z][a-z0-9_]+")
_SHORTEST = 3


def ingredients(request: str, api: ApiModel) -> list[str]:
    """Return the definition paths of what a request names in plain words, in the order of the words.

    Two words may make one name (`vector field`: `vector_field`), and a plural stands for its singular. Of several
    definitions of one name, the one with the shortest public path is meant.
    """
    words = _WORD.findall(request.lower())
    pairs = [[f"{first}_{second}", f"{first}{second}"] for first, second in pairwise(words)]
    found: dict[str, None] = {}
    for number, word in enumerate(words):
        names = [*(pairs[number] if number < len(pairs) else ()), word]
        symbol = next((symbol for name in names for form in _forms(name) if (symbol := _public(form, api))), None)
        if symbol is not None:
            found.setdefault(symbol.path)
    return list(found)[:MOST]


def shares_a_word(request: str, chunk: Chunk) -> bool:
    """Return whether the name of a place holds a word of the request."""
    return not {*code_tokens(request)}.isdisjoint(code_tokens(chunk.symbol or ""))


def _forms(name: str) -> Iterator[str]:
    yield name
    if name.endswith("es"):
        yield name[:-2]
    if name.endswith("s"):
        yield name[:-1]


def _public(name: str, api: ApiModel) -> Symbol | None:
    if len(name) < _SHORTEST:
        return None
    symbols = [symbol for symbol in api.find(name) if symbol.public is not None and symbol.kind in _CALLABLE]
    return min(symbols, key=lambda symbol: (symbol.public or "").count("."), default=None)
