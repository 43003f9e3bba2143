"""An answer leads nowhere but to its citations, and calls nobody."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agent.verification import without_foreign_links, without_mentions
from agent.verification.markdown import has_links

PIECES = (
    "[", "]", "(", ")", "](", "![", "<", ">", "</", "<a href=", "<img src=x onerror=y", "<!--", "-->", "<?", "]: ",
    "https://evil.example/p", "javascript:alert(1)", "//evil.example", "data:text/html,x", "www.evil.example",
    "mailto:a@b.example", "a", "b c", " ", "\n", "\n\n", "`", "``", "\\", "&lt;", "&#106;", ":", "1", "- ",
    "> ", '"t"', "'",
)  # fmt: skip


def tokens(text: str) -> list[Token]:
    found = MarkdownIt("commonmark").parse(text)
    return [inner for token in found for inner in (token, *(token.children or ()))]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_no_text_renders_as_a_link_an_image_or_html(text: str) -> None:
    kinds = {token.type for token in tokens(without_foreign_links(text))}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_no_address_stays_in_prose(text: str) -> None:
    prose = [token for token in tokens(without_foreign_links(text)) if token.type == "text"]
    assert not any(re.search(r"https?://\w", token.content) for token in prose)


@pytest.mark.parametrize(
    "attack",
    [
        "[docs](https://evil.example/x)",
        "[a [b]](https://evil.example)",
        "[a\nb](https://evil.example)",
        "[a](`https://evil.example`)",
        "![done](https://evil.example/p.png?d=1)",
        "![done][p]\n\n[p]: https://evil.example/p.png",
        "[docs]\n\n[docs]: <https://evil.example> 'title'",
        "<https://evil.example>",
        "<a href='https://evil.example'>docs</a>",
        "<img src=//evil.example/p.png>",
        "<<b>img src=x onerror='evil.example'>",
        "<script>fetch('//evil.example')</script>",
        "[x](javascript:alert('evil.example'))",
        "[x](data:text/html,evil.example)",
        "see https://evil.example/a?b=c. Bye",
        "HTTPS://EVIL.EXAMPLE",
        "see www.evil.example now",
        "ask mailto:a@evil.example",
        "join discord.gg/evil.example",
    ],
)
def test_attacks_lead_nowhere(attack: str) -> None:
    found = without_foreign_links(f"Use it. {attack}")
    kinds = {token.type for token in tokens(found)}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}
    said = " ".join(token.content for token in tokens(found) if token.type == "text")
    assert not re.search(r"(?:https?:|www\.|mailto:|discord\.gg)\S*evil", said, re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    [
        "Use `a[0](b)` as in [1].\n\n```python\nhandlers[0](event)  # https://kept.example <b>\n```\n",
        "It is red [1], and x < y; see [2]:\n\n- one [1, 3]\n- *two*\n",
        "The `List<int>` of a > b and 3 <4.",
        "A shape (N, 3), data: an array.",
    ],
)
def test_what_is_no_link_stays(text: str) -> None:
    assert without_foreign_links(text) == text


@pytest.mark.parametrize(
    "text",
    ["@everyone look", "@HERE", "<@123456789>", "<@!123456789>", "<@&123456789>", "<#12345678>", "</a b:123456>"],
)
def test_mentions_are_broken(text: str) -> None:
    found = without_mentions(text)
    assert found.replace("\u200b", "") == text
    assert not re.search(r"@(everyone|here)|<(@[!&]?|#|/[a-z ]+:)\d", found, re.IGNORECASE)


@pytest.mark.parametrize("text", ["a@b.example", "@property", "x <# 3", "<@name>", "@hereby"])
def test_what_is_no_mention_stays(text: str) -> None:
    assert without_mentions(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a ` b\n\n[click](https://evil.example) ` c",
        "\\` [click](https://evil.example) \\`",
        "- a `\n- [c](https://evil.example) `",
        "a `\n\n<img src=https://evil.example/x.png> `",
    ],
)
def test_backticks_that_commonmark_does_not_pair_hide_nothing(text: str) -> None:
    assert not has_links(without_foreign_links(text))
