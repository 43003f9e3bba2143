"""A model's words without links, HTML and mentions: the only links that readers see are citations, made by code."""

from __future__ import annotations

import re

from agent.verification.markdown import has_links, outside_code

_INLINE = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])(?:[^<>\n]*>)?")
_DEFINITION = re.compile(r"^([ \t>*+\-\d.)]*\[(?:[^\]\\]|\\.)*\]):", re.MULTILINE)
_ADDRESS = re.compile(
    r"(?:(?:https?|ftps?|wss?|file)://|\b(?:javascript:|vbscript:|mailto:|data:[a-z]+/|www\.(?=\w)"
    r"|discord\.gg/|discord(?:app)?\.com/))[^\s<>)\]]*",
    re.IGNORECASE,
)
_MENTION = re.compile(r"@(?=everyone\b|here\b)|(?<=<)(?:@[!&]?|#|/)(?=[\w ]*:?\d{5,})", re.IGNORECASE)
_UNSEEN = "\u200b"


def without_foreign_links(text: str) -> str:
    """Drop every link, image, address and HTML tag from the prose of a Markdown text; labels of links stay.

    In code all stays as it is: there it is no link.
    """
    cleaned = outside_code(text, _without_links)
    # Where CommonMark pairs backticks otherwise than we do, what we took for code may be a link after all.
    return cleaned if not has_links(cleaned) else _without_links(cleaned)


def _without_links(prose: str) -> str:
    while (plain := _ADDRESS.sub("", _TAG.sub("", _INLINE.sub(r"\1", prose)))) != prose:
        prose = plain  # taking one out may leave another
    return _DEFINITION.sub(r"\1 :", prose.replace("](", "] ("))


def without_mentions(text: str) -> str:
    """Return a text that calls nobody: chat programs take `@everyone`, `<@1234567>` and `<#1234567>` for mentions.

    A character that nobody sees breaks them; also in code, since what is code there is not quite what is code here.
    """
    return _MENTION.sub(lambda match: f"{match[0]}{_UNSEEN}", text)
