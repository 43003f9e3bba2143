"""Sentences of a library's documentation -> questions as users ask them, by rules of English; None where none fits.

The rules would rather give up than ask something that nobody would say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_VERBS = """
add adjust align animate append apply approximate assign attach average bind blend blur bring build calculate center
change check clear clip close collapse color colorize combine compare compile compose compress compute configure
connect construct control convert convolve copy correct count cover create crop customize cut decide decode decompose
decompress deconvolve decorate decrease define delete denoise denote deserialize detect determine disable discard
display divide download draw drop edit eliminate embed emit enable encode enhance ensure enumerate equalize erase
estimate evaluate examine execute expand export expose extend extract fetch fill filter find fit fix flatten flip fold
force format fuse generate get group handle hide highlight identify implement import improve increase inpaint insert
inspect install integrate interact interpolate intersect invert invoke iterate join keep label learn limit link list
load locate lock look make manage map mark mask match measure merge minimize mix modify move multiply normalize obtain
open optimize overlay pack paint parse partition perform pick place play plot populate position prepare preserve print
process produce project propagate prune quantify query randomize rank read rebuild reconstruct record reduce refine
refresh register relabel release reload remove rename render reorder repeat replace report resample rescale reset
reshape resize resolve restore restrict retrieve return reveal reverse rewrite rotate round run sample save scale scan
schedule search segment select send separate serialize set shift show shrink shuffle simplify simulate skeletonize
slice smooth snap solve sort specify split stack start stitch stop store straighten stream subtract sum suppress swap
switch synchronize test threshold toggle trace track transform translate traverse trim truncate unpack unregister
unwrap update upload upsample use validate verify view visualize wait walk warp watch wrap write yield zoom
""".split()  # noqa: SIM905 - two hundred quoted words would be harder to read


def _third(verb: str) -> str:
    if re.search(r"(?:[sxz]|[cs]h|o)$", verb):
        return verb + "es"
    return re.sub(r"(?<![aeiou])y$", "ie", verb) + "s"


def _gerund(verb: str) -> str:
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgmnpt]", verb):  # one short syllable: plot, plotting
        return f"{verb}{verb[-1]}ing"
    return re.sub(r"(?<!e)e$", "", verb) + "ing"


_THIRD: Mapping[str, str] = {_third(verb): verb for verb in _VERBS}
_GERUND: Mapping[str, str] = {_gerund(verb): verb for verb in _VERBS}
_BASE = frozenset(_VERBS)

_ROLE = re.compile(r":[\w:+-]+:`(?:[^`<]*?([\w.]+)|([^`<]+?)\s*<[^`>]*>)`")
_MARKUP = re.compile(r"``([^`]+)``|`([^`<]+?)(?:\s*<[^`>]*>)?`_{0,2}|\*\*?([^*\s][^*]*)\*\*?")
_FOOTNOTE = re.compile(r"\s*\[[\w#*]+\]_")
_SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bal)[.!?:](?=\s+[A-Z0-9]|\s*$)")
_ODD = re.compile(r"""[\\{}$|<>=~"*_`\[\]]{2}|[\\{}$|<>;]|https?:|::|\.\.|\?|\bTODO\b|\([^)]*$|:$""")
_PERSON = ((r"\bwe\b|\byou\b", "I"), (r"\bour\b|\byour\b", "my"), (r"\bus\b", "me"), (r"\bourselves\b", "myself"))
_HOW = re.compile(r"\bhow (?:to|one can|you can|we can|do you|do we)\s+(.+)", re.IGNORECASE)
_WHETHER = re.compile(r"(?:Returns?|Tests?|Checks?) (?:(?:True|true) (?:if and only if|iff?|when)|whether|if)\s+(.+)")
_OTHERWISE = re.compile(r"(?:[,;]? (?:and |or )?(?:False|false|otherwise|else|not)\b.*)$")
_AND_DOING = re.compile(r"\band (\w+ing)\b")
_PLAIN_NOUN = re.compile(r"[A-Z]?[a-z-]+ of\b")
_CLAUSE = re.compile(
    r"(?:(?!\b(?:that|which|who|whose|where|when|if|indicating)\b).)*"
    r"\b(?:is|are|was|were|will|can|could|should|must|may|has|have|did|does|occurred"
    r"|failed|timed)\b"
)
_DULL_ENDING = re.compile(r"\s+(?:example|tutorial|demo|in FURY|UI)$", re.IGNORECASE)


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring or of a description, on one line and without markup."""
    paragraph = re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0]
    plain = " ".join(_plain(paragraph).split())
    end = _SENTENCE_END.search(plain)
    return (plain[: end.start()] if end else plain).strip(" .")


def _plain(text: str) -> str:
    text = _ROLE.sub(lambda found: (found[1] or found[2]).rpartition(".")[2], _FOOTNOTE.sub("", text))
    return _MARKUP.sub(lambda found: next(filter(None, found.groups())), text)


def usable(sentence: str, least: int = 4, most: int = 28) -> bool:
    """Whether a sentence or question has so many words, and nothing of formulas, code or markup in it."""
    sentence = sentence.removesuffix("?")
    paired = all(sentence.count(quote) % 2 == 0 for quote in '`"')
    return paired and least <= len(sentence.split()) <= most and not _ODD.search(sentence)


def names(sentence: str, name: str) -> bool:
    """Whether a sentence gives a name away; a plain word such as `sphere` may well occur in a question."""
    is_plain = re.fullmatch(r"[A-Za-z]?[a-z]+", name)
    return not is_plain and re.search(rf"\b{re.escape(name)}\b", sentence, re.IGNORECASE) is not None


def ask_what_does(sentence: str, kind: str, owner: str = "", *, which: bool = False) -> str | None:  # noqa: PLR0911 - a rule, a return
    """Turn the summary of a definition into a question whose answer is its name.

    Args:
        sentence: "Create spheres", "Creates spheres" or, of a class, "A sphere".
        kind: "function", "method", "class" or "exception".
        owner: the class of a method; without it its summary says too little.
        which: prefer "Which function creates ...?" to "How do I create ...?".
    """
    if whether := _WHETHER.match(sentence):
        return _with_owner(f"how do I check whether {_mine(_OTHERWISE.sub('', whether[1]))}?", owner)
    first, _, rest = sentence.partition(" ")
    word = first.lower()
    of_owner = f"{kind} of `{owner}`" if owner else kind
    if rest.startswith(("of ", "is ", "are ", "that ", "to ")) or not rest:
        return None
    if word in _THIRD:
        return f"Which {of_owner} {word} {rest}?"
    if word in _BASE:
        seconds = {second.lower() for second in re.findall(r"\b(?:and|or|then) (\w+)", rest)}
        if seconds & _THIRD.keys():
            return None  # "Create and returns": the grammar is theirs
        if which and not seconds & _BASE:
            return f"Which {of_owner} {_third(word)} {rest}?"
        return _with_owner(f"how do I {'get' if word == 'return' else word} {rest}?", owner)
    if kind == "class" and word in {"a", "an", "the"} and not _CLAUSE.match(sentence):
        return f"Which class is {word} {rest}?"
    return None


def _with_owner(question: str, owner: str) -> str:
    return f"Using `{owner}`, {question}" if owner else question[0].upper() + question[1:]


def ask_for_example(title: str, text: str) -> str | None:
    """Turn the title of an example, or what it says that it shows, into a question."""
    if how := _HOW.search(text):
        return f"How do I {_mine(how[1])}?"
    title = _DULL_ENDING.sub("", title)
    first, _, rest = title.partition(" ")
    verb = _GERUND.get(first.lower(), first.lower())
    if rest and verb in _BASE and not rest.startswith("of "):
        rest = _AND_DOING.sub(lambda found: f"and {_GERUND.get(found[1], found[1])}", rest)
        return f"How do I {verb} {_mine(rest)}?"
    return f"Is there an example of {title}?" if len(title.split()) > 1 else None


def _mine(text: str) -> str:
    for pattern, word in _PERSON:
        text = re.sub(pattern, word, text)
    return text


def ask_for_argument(description: str, callee: str) -> str | None:  # noqa: PLR0911 - a rule, a return
    """Turn the description of a parameter into a question whose answer is its name."""
    asked = f"Which argument of `{callee}`"
    first, _, rest = description.partition(" ")
    word = first.lower()
    if flag := re.match(r"(?:If|When) (?:True|true|set),? (?:then )?(\w+)(.*)", description):
        if flag[1] in _BASE:
            return f"{asked} makes it {flag[1]}{_OTHERWISE.sub('', flag[2])}?"
        return f"{asked} decides whether {flag[1]}{_OTHERWISE.sub('', flag[2])}?" if flag[1] in {"the", "a"} else None
    if word == "whether":
        return f"{asked} decides whether {re.sub(r'^or not ', '', rest)}?"
    if _CLAUSE.match(description):
        return None  # a sentence of its own ("The nodes are sorted"), not a name for something
    if word == "the":
        return f"{asked} sets the {rest}?"
    if word in {"a", "an"}:
        return f"{asked} takes {word} {rest}?"
    if word in _THIRD:
        return f"{asked} {word} {rest}?"
    return f"{asked} sets the {word} {rest}?" if _PLAIN_NOUN.match(description) else None
