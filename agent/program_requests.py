"""Requests for programs: which questions are some, and what the program is made of.

That is, above all, the public callables that bear the very names of the request's words.

"An arrow above two spheres" finds the place on arrows; a program needs the spheres too, and its author invents what it
isn't shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from agent.arrangement import Hit, collapse
from agent.chunking.tokens import code_tokens
from agent.schema import Chunk
from agent.symbols import ApiModel, Symbol

MOST = 4
"""How many definitions are added; each costs a signature of the prompt."""
DEFINITIONS = 3
"""How many of the definitions that were found come before any tutorial."""
_CALLABLE = ("function", "class")
_MEANT = {
    "ball": "sphere",
    "cube": "box",
    "disc": "disk",
    "dot": "point",
    "globe": "sphere",
    "label": "text",
    "picture": "image",
    "segment": "line",
    "tube": "cylinder",
}
"""What people call a shape -> what a library may call it; only where it knows the word itself not."""
_ASKS = re.compile(
    r"^\W*(?:please\s+|(?:can|could|would)\s+you\s+|i\s+(?:want|need|would\s+like)\s+(?:you\s+)?to\s+|let'?s\s+)?"
    r"(?:add|animate|apply|arrange|build|change|code|colou?r|combine|compare|compute|connect|convert|create|demonstrate|"
    r"display|draw|export|fill|generate|give\s+me|illustrate|label|lay|load|make|mark|move|open|overlay|paint|place|plot|"
    r"print|produce|put|record|render|rotate|save|scatter|set|show|simulate|stack|surround|turn|use|visuali[sz]e|write)\b"
    r"|\bhow\s+(?:(?:do|can|could|would|should|might)\s+(?:i|we|you|one)|to)\b|\b(?:code|script|program|snippet|example)\s+(?:that|to|for|of|which)\b",
    re.IGNORECASE,
)
_ASKS_ABOUT = re.compile(
    r"\b(?:signature|parameters?|arguments?|defaults?|meaning|difference|docstring|source)\s+(?:of|for|between)\b"
    r"|\bhow\s+to\s+install\b|^\W*(?:open|record|set|turn|use)\s+(?:of|issues?|formats?)\b",
    re.IGNORECASE,
)
"""Wants to be told something of the library, though it begins like an order."""
_TELLS = re.compile(
    r"^\W*(?:after|are|can|could|did|do|does|has|have|how|i|if|in|is|it|my|should|since|that|there|this|what|when|where|"
    r"which|who|why|will|would)\b|(?:error|exception|traceback|warning)\b|\b(?:fails?|does\s?n['o]t|not\s+work\w*)\b",
    re.IGNORECASE,
)
"""Tells of what happened, or asks what is; so it describes nothing that shall be made."""
_WORD = re.compile(r"[a-z][a-z0-9_]+")
_SHORTEST = 3


def asks_for_program(question: str, api: ApiModel) -> bool:
    """Return whether a program answers a question.

    It says what to do, or asks how to do it, or only describes what shall be there ("five balls in a row").
    """
    if _ASKS_ABOUT.search(question):
        return False
    if _ASKS.search(question):
        return True
    return "?" not in question and not _TELLS.search(question) and bool(ingredients(question, api))


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
        forms = [form for name in names for form in _forms(name)]
        meant = [_MEANT[form] for form in forms if form in _MEANT]
        symbol = next((symbol for form in [*forms, *meant] if (symbol := _public(form, api))), None)
        if symbol is not None:
            found.setdefault(symbol.path)
    return list(found)[:MOST]


def for_program(request: str, hits: Sequence[Hit], named: Sequence[Hit]) -> list[Hit]:
    """Return the places to write a program from, best first: definitions, with room for some tutorials.

    Args:
        request: what the program shall do.
        hits: what was found for it, best first.
        named: what it names in plain words; comes first unless the best place bears one of the words, too.
    """
    definitions = [hit for hit in hits if hit.chunk.public is not None and hit.chunk.kind in (*_CALLABLE, "method")]
    first = hits[:1] if hits[:1] == definitions[:1] and _bears_a_word(request, hits[0].chunk) else []
    callable_ = [hit.chunk.id for hit in definitions[:DEFINITIONS]]
    rest = [hit for hit in hits if hit.chunk.id in callable_] + [hit for hit in hits if hit.chunk.id not in callable_]
    best = max((hit.score for hit in hits), default=1.0)
    return collapse([*first, *(replace(hit, score=best) for hit in named), *rest])


def _bears_a_word(request: str, chunk: Chunk) -> bool:
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
