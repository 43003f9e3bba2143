"""Requests for programs: which questions are some, and what the program is made of.

That is, above all, the public callables that bear the very names of the request's words.

"An arrow above two spheres" finds the place on arrows; a program needs the spheres too, and its author invents what it
isn't shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

from msgspec.structs import replace

from agent.arrangement import Hit, collapse
from agent.chunking.tokens import code_tokens
from agent.schema import Chunk
from agent.symbols import ApiModel, Symbol

MOST = 4
"""How many definitions are added; each costs a signature of the prompt."""
DEFINITIONS = 4
"""How many definitions there are, unless the request names more."""
TUTORIALS = 2
_BEST = 3
"""How far down the definitions those of methods count."""
_UNNAMED = 2
"""How many of the best definitions are taken where the request names none."""
_SENTENCE = 5
"""Words of a description; fewer are a search."""
_CODE = re.compile(r"[`_]|\w\(|\w\.\w|[a-z][A-Z]")
_CALLABLE = ("function", "class")
_MEANT = {
    "atom": "sphere",
    "ball": "sphere",
    "bead": "sphere",
    "brick": "box",
    "caption": "text",
    "crate": "box",
    "cube": "box",
    "cuboid": "box",
    "disc": "disk",
    "donut": "ring",
    "dot": "point",
    "globe": "sphere",
    "label": "text",
    "orb": "sphere",
    "picture": "image",
    "pillar": "cylinder",
    "pipe": "cylinder",
    "plank": "box",
    "planet": "sphere",
    "rod": "cylinder",
    "segment": "line",
    "stick": "cylinder",
    "tube": "cylinder",
    "washer": "ring",
}
"""What people call a shape -> what a library may call it; only where it knows the word itself not."""
_ORDER = re.compile(
    r"^\W*(?:please\s+|(?:can|could|would)\s+you\s+|i\s+(?:want|need|would\s+like)\s+(?:you\s+)?to\s+|let'?s\s+)?"
    r"(?:add|animate|apply|arrange|build|change|code|colou?r|combine|compare|compute|connect|convert|create|cut|"
    r"demonstrate|display|divide|draw|export|fill|generate|give\s+me|hide|highlight|illustrate|label|lay|load|make|mark|"
    r"move|open|outline|overlay|paint|place|plot|print|produce|put|record|render|rotate|save|scatter|set|shade|show|"
    r"simulate|slice|split|stack|surround|turn|use|visuali[sz]e|write)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    rf"{_ORDER.pattern}|\bhow\s+(?:(?:do|can|could|would|should|might)\s+(?:i|we|you|one)|to)\b"
    r"|\b(?:code|script|program|snippet|example)\s+(?:that|to|for|of|which)\b",
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
_WISHES = re.compile(r"^\W*i(?:\s+(?:want|need|would\s+like)|'d\s+like)\s+(?!help\b|to\b)", re.IGNORECASE)
_A_THING = re.compile(
    r"^\W*(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|a?\s*hundred|"
    r"a?\s*thousand|a\s+dozen|some|several|many)\s+[a-z]",
    re.IGNORECASE,
)
"""Begins like the description of a thing."""
_STATES = re.compile(
    r"(?<!\bthat )(?<!\bwhich )(?<!\bwho )\b(?:is|are|was|were|has|have|had|do|does|did)\b", re.IGNORECASE
)
"""Says how something is ("some spheres are black"), other than of what ("boxes that are lit")."""
_HOW = re.compile(r"\?|^\W*(?:\w+[:,]\s+)?how\b|\bhow\s+(?:to|do|can|could|would|should|might)\b", re.IGNORECASE)
_FLAT = re.compile(
    r"\b(?:g?ui|hud|user interface|widgets?)\b"
    r"|\b2-?d (?:\w+ )?(?:interface|elements?|overlays?|panels?|buttons?|labels?)\b",
    re.IGNORECASE,
)
"""Speaks of elements of the screen, which libraries name so (`Panel2D`); a grid may be 2D, too."""
_WORD = re.compile(r"[a-z][a-z0-9_]+")
_SHORTEST = 3


def asks_for_program(question: str, api: ApiModel) -> bool:
    """Return whether a program answers a question.

    It says what to do, or asks how to do it, or only describes what shall be there ("five balls in a row").
    """
    if _ASKS_ABOUT.search(question):
        return False
    wish = _WISHES.sub("", question)
    if _ASKS.search(wish):
        return True
    told = "?" not in wish and not _TELLS.search(wish)
    described = bool(_A_THING.search(wish)) and not _STATES.search(wish)
    return told and (described or bool(ingredients(wish, api)))


def describes(question: str, api: ApiModel) -> bool:
    """Return whether somebody says what shall be made, and does not ask: in words of the world, not the library's."""
    return not _HOW.search(question) and asks_for_program(question, api)


def ingredients(request: str, api: ApiModel) -> list[str]:
    """Return the definition paths of what a request names in plain words, in the order of the words.

    Two words may make one name (`vector field`: `vector_field`, `list box`: `ListBox2D`), and a plural stands for its
    singular. One word stands for an element of the screen only where the request speaks of these. Of several
    definitions of one name, the one with the shortest public path is meant.
    """
    words = _WORD.findall(_ORDER.sub("", request).lower())
    is_flat = _FLAT.search(request) is not None
    found: dict[str, None] = {}
    taken = False
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        pair = _meant([word, following], api, is_flat=is_flat) if following else None
        symbol = pair or (None if taken else _meant([word], api, is_flat=is_flat))
        taken = pair is not None
        if symbol is not None:
            found.setdefault(symbol.path)
    return list(found)[:MOST]


def _meant(words: Sequence[str], api: ApiModel, *, is_flat: bool) -> Symbol | None:
    """Return the definition that words name together."""
    forms = [form for name in dict.fromkeys(["_".join(words), "".join(words)]) for form in _forms(name)]
    solid = (_public(form, api) for form in [*forms, *(_MEANT[form] for form in forms if form in _MEANT)])
    elements = (_element(form, api) for form in _forms("".join(word.capitalize() for word in words)))
    known = chain(elements, solid) if is_flat else chain(solid, elements if len(words) > 1 else ())
    return next((symbol for symbol in known if symbol is not None), None)


def _element(name: str, api: ApiModel) -> Symbol | None:
    """Return the class of elements of the screen, unless it stays in its module: such are bases of others."""
    symbol = _public(f"{name}2D", api)
    return symbol if symbol is not None and symbol.public != symbol.path else None


def describes_what_was_found(question: str, hits: Sequence[Hit]) -> bool:
    """Return whether somebody seems to describe something that shall be made with the best place of those found.

    "Glyphs of spherical harmonics, three in a row" is no order, and `sph_glyph` is not the name of a word.
    """
    told = "?" not in question and not _TELLS.search(question) and not _ASKS_ABOUT.search(question)
    if not told or not hits or len(question.split()) < _SENTENCE or _CODE.search(question):
        return False
    best = hits[0].chunk
    return best.public is not None and best.kind in _CALLABLE and bool(_borne(question, best))


def for_program(request: str, hits: Sequence[Hit], named: Sequence[Hit]) -> list[Hit]:
    """Return the places to write a program from, best first: definitions, with room for some tutorials.

    What a model sees, it uses: so a definition must be among the best, or bear a word of the request that none before
    it bears (`prim_cone` bears nothing that `cone` doesn't), and prose is for where there is nothing else.

    Args:
        request: what the program shall do.
        hits: what was found for it, best first.
        named: what it names in plain words; comes first unless the best place bears one of the words, too.
    """
    definitions = [hit for hit in hits if hit.chunk.public is not None and hit.chunk.kind in (*_CALLABLE, "method")]
    first = hits[:1] if hits[:1] == definitions[:1] and _borne(request, hits[0].chunk) else []
    best = max((hit.score for hit in hits), default=1.0)
    sure = collapse([*first, *(replace(hit, score=best) for hit in named)])
    said = {word for hit in sure for word in _borne(request, hit.chunk)}
    room = max(DEFINITIONS - len(sure), 0)
    new: list[Hit] = []
    for number, hit in enumerate(definitions):
        borne = _borne(request, hit.chunk)
        is_member = hit.chunk.kind == "method" and (number >= _BEST or hit.chunk.title.endswith("__init__"))
        if is_member or hit in sure:
            continue
        if not borne <= said or (not sure and len(new) < _UNNAMED):
            new.append(hit)
            said |= borne
    tutorials = [hit for hit in hits if hit.chunk.role == "example"][:TUTORIALS]
    chosen = collapse([*sure, *new[:room], *tutorials])
    return chosen or list(hits)


def _borne(request: str, chunk: Chunk) -> set[str]:
    """Return the words of a request that the last name of a definition is made of."""
    borne = {*code_tokens(request)} & {*code_tokens((chunk.symbol or "").rpartition(".")[2])}
    return {word for word in borne if word.isalpha() and len(word) >= _SHORTEST}


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
