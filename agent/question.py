"""What can be said of a question before anything is looked up: whether it is one, and which version it is about.

Numbers are everywhere in questions (sizes, line numbers, versions of other things), so a number counts as a version
only where the words around it say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from agent.errors import InvalidInput
from agent.schema import MAX_QUESTION

_UNITS = r"(?:units?|times|pixels?|px|seconds?|secs?|s|ms|fps|mm|cm|m|degrees?|percent)\b"
_NUMBER = (
    r"(?P<number>\d+(?:\.\d+){0,3}(?:\.?(?:a|b|rc|dev|post)\d+)?)"
    rf"(?![\w%°]|\.\d|\.?[*x](?!\w)|\s*[%°]|\s+{_UNITS})"
)
_WORD = r"(?:(?:versions?|releases?|ver\.?)\s*|v\.?)"
_BEFORE = r"(?<![\w./\\@#-])"
_PREPOSITION = r"(?:in|on|with|for|to|from|of|using|under|since|at|and|or|than|between)"
_WORDED = re.compile(
    rf"{_BEFORE}(?:(?P<before>[\w+#.]+)[ \t]+)?(?<!\S){_WORD}{_NUMBER}(?:\s+of\s+(?P<owner>[\w-]+))?", re.IGNORECASE
)
_BARE = re.compile(rf"{_BEFORE}{_PREPOSITION}\s+{_NUMBER}", re.IGNORECASE)
_ONWARD = re.compile(rf"\s*(?:to|->|→|vs\.?|and)\s*{_WORD}?{_NUMBER}", re.IGNORECASE)
_LEFT_BEHIND = re.compile(
    r"\b(?:worked|existed|(?:port|migrat|upgrad|mov|com|switch)\w*\s+from|unlike|instead\s+of|older\s+than|since)\b"
    r"(?:(?!\b(?:but|now)\b)[^.?!,;:]){0,30}$",
    re.IGNORECASE,
)
_LEFT_AFTER = re.compile(
    r"[\s,]*(?:(?:I|we)\s+(?:used|had|could|did)|(?:it|this|that)?\s*(?:all\s+)?worked)\b", re.IGNORECASE
)
_TO = re.compile(r"\b(?:to|->|→|into)\s*\S*\s*v?$", re.IGNORECASE)
_NOT_AN_OWNER = re.compile(rf"(?:{_PREPOSITION}|the|a|my|our|is|use|have|run|installed)", re.IGNORECASE)
_DOTS_OF_A_RELEASE = 2  # 0.10.0; fewer may be any number


class Asked(Struct, frozen=True):
    """The version that a question names.

    Attributes:
        written: as it stands in the question, without the words around it (`0.10`).
        version: the indexed version that it means; None where there is none.
    """

    written: str
    version: str | None


class _Mention(Struct, frozen=True):
    """A number that may be the library's version; `certain` where it can't be anything else."""

    start: int
    end: int
    written: str
    certain: bool


def asked_version(question: str, library: str, versions: Sequence[str], default: str | None = None) -> Asked | None:
    """Return the version of `library` that a question is about, or None where it names none.

    `fury 0.10`, `fury==0.10.0`, `FURY v2`, `version 2.0 of fury` and, where such a version is indexed, `in v0.10.0` or
    `in 0.10.0`. `numpy 1.26`, `python 3.11`, `2.0 as the radius` and `line 10` are none.

    Args:
        question: any text.
        library: its name.
        versions: those that are indexed.
        default: the version that answers where none is named.

    Returns:
        Of several versions, the one that is moved to ("from 0.10 to 2.0"), else the default, else the highest; never
        one that is left behind ("worked in 0.10"). One that is not indexed counts only if there is no other, and only
        if it can't be anything else.
    """
    mentions = [mention for mention in _mentions(question, library) if not _is_left_behind(mention, question)]
    mentions.sort(key=lambda mention: mention.start)
    found = [(mention, version) for mention in mentions if (version := matching(mention.written, versions))]
    if found:
        targets = [item for item in found if _TO.search(question[max(item[0].start - 40, 0) : item[0].start])]
        defaults = [item for item in found if item[1] == default]
        ordered = sorted(found, key=lambda item: _order(item[1]))
        mention, version = (targets or defaults or ordered)[-1]
        return Asked(mention.written, version)
    return next((Asked(mention.written, None) for mention in mentions if mention.certain), None)


def matching(written: str, versions: Sequence[str]) -> str | None:
    """Return the version that is written: the same, or the highest that starts with it, final releases first."""
    if written in versions:
        return written
    try:
        wanted = Version(written)
    except InvalidVersion:
        return None
    known = [(Version(version), version) for version in versions if _is_version(version)]
    exact = [version for parsed, version in known if parsed == wanted]
    within = [
        (not parsed.is_prerelease, parsed, version)
        for parsed, version in known
        if not wanted.is_prerelease and parsed.release[: len(wanted.release)] == wanted.release
    ]
    return exact[0] if exact else max(within, default=(None, None, None))[2]


def _mentions(question: str, library: str) -> Iterator[_Mention]:
    name = r"[-_.]".join(map(re.escape, re.split(r"[-_.]", library)))
    by_name = rf"{_BEFORE}{name}(?:['’]s)?(?:[ \t]*==[ \t]*|[-@]|[ \t]*\(|[ \t]+){_WORD}?{_NUMBER}"
    for match in re.finditer(by_name, question, re.IGNORECASE):
        # "Can fury 3 spheres" names no version, unless there is one; "fury v3" does.
        explicit = "." in match["number"] or match[0][: -len(match["number"])].rstrip()[-1:] in {*"vV="}
        yield _mention(match, certain=explicit)
        if (onward := _ONWARD.match(question, match.end())) is not None:
            yield _mention(onward, certain=False)
    for match in _WORDED.finditer(question):
        before, owner = match["before"] or "", (match["owner"] or "").lower()
        if owner == library.lower():
            yield _mention(match, certain=True)
        elif not owner and (not before or _NOT_AN_OWNER.fullmatch(before)):
            yield _mention(match, certain=False)
    for match in _BARE.finditer(question):
        if match["number"].count(".") >= _DOTS_OF_A_RELEASE:
            yield _mention(match, certain=False)


def _mention(match: re.Match[str], *, certain: bool) -> _Mention:
    return _Mention(match.start("number"), match.end("number"), match["number"], certain)


def _is_left_behind(mention: _Mention, question: str) -> bool:
    """Whether the version is one that the asker comes from: "worked in 0.10", "porting from 0.9", "in 0.12 I used"."""
    before = question[max(mention.start - 60, 0) : mention.start]
    return _LEFT_BEHIND.search(before) is not None or _LEFT_AFTER.match(question, mention.end) is not None


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def newest_first(versions: Sequence[str]) -> tuple[str, ...]:
    """Sort versions from the highest down; what is no version (a commit) comes last."""
    return tuple(sorted(versions, key=_order, reverse=True))


def _order(version: str) -> tuple[bool, Version | str]:
    return (True, Version(version)) if _is_version(version) else (False, version)


def valid_question(question: str) -> str:
    """Return the question if it can be answered at all.

    Raises:
        InvalidInput: it is empty, longer than 4,000 characters, or holds nothing readable.
    """
    if len(question) > MAX_QUESTION:
        raise InvalidInput(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION:,} are allowed.",
            remedy="Shorten it; of a traceback, the last lines say most.",
            field="question",
        )
    if not any(character.isalnum() for character in question):
        raise InvalidInput(
            f"The question {question[:40]!r} has no word in it.", remedy="Ask in plain words.", field="question"
        )
    if not question.isprintable() and (
        "\x00" in question or not _is_unicode(question) or _mostly_unprintable(question)
    ):
        raise InvalidInput(
            f"The question {question[:40]!a} is not text.", remedy="Ask in plain words.", field="question"
        )
    return question


def _is_unicode(text: str) -> bool:
    """Whether it can be written at all: bytes that are no UTF-8 reach us as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _mostly_unprintable(text: str) -> bool:
    return sum(not (character.isprintable() or character.isspace()) for character in text) > len(text) / 10
