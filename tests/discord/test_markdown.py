"""What is sent to Discord is harmless, and fits: laws over any text, and the cases that other bots get wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.discord.markdown import Code, escaped, harmless, link, parse, split

LINES = st.sampled_from(
    [
        "Use `actor.sphere` [1] and **bold** ones.",
        "- an item with a [link](https://example.org/x_y)",
        "  that goes on",
        "```python",
        "```",
        "~~~",
        "    x = 1  # @everyone",
        "a ```b``` c `d",
        "",
        "word " * 60,
        "y" * 450,
        "1. `" + "z " * 30 + "`",
    ]
)
MARKDOWN = st.lists(LINES | st.text(max_size=40), max_size=30).map("\n".join)
LIMITS = st.integers(100, 2_000)


def words(text: str) -> list[str]:
    """The letters and digits of a text, without fences and their languages."""
    lines = (line for line in text.split("\n") if not line.startswith("```"))
    return re.findall(r"\w", "".join(lines))


def outside_code(text: str) -> str:
    return re.sub(r"```.*?```|``.+?``(?!`)|(?<!\\)`[^`\n]+`", "", text, flags=re.DOTALL)


@given(MARKDOWN, LIMITS)
def test_nothing_is_lost_and_every_part_fits(markdown: str, limit: int) -> None:
    text = harmless(markdown)
    parts = split(text, limit)
    assert all(0 < len(part) <= limit and part.strip() for part in parts)
    assert words("\n".join(parts)) == words(text)


@given(MARKDOWN, LIMITS)
def test_fences_are_balanced_in_every_part(markdown: str, limit: int) -> None:
    for part in split(harmless(markdown), limit):
        assert part.count("```") % 2 == 0
        assert all(line.startswith("```") for line in part.split("\n") if "```" in line)


@given(MARKDOWN)
def test_no_mention_or_link_is_left_outside_code(markdown: str) -> None:
    text = outside_code(harmless(markdown))
    assert not re.search(r"(?<!\\)<[@#:/t]|@\w|https?://|(?<!\\)\]\(", text)


@given(st.lists(st.text("abc_[]`", max_size=30), min_size=1, max_size=60), LIMITS)
def test_links_stay_whole(labels: list[str], limit: int) -> None:
    links = [link(escaped(f"x{label}"), "https://example.org/a#L1") for label in labels]
    found = re.findall(r"\]\(<https://example.org/a#L1>\)", "\n".join(split(" ".join(links), limit)))
    assert len(found) == len(links)


@given(st.lists(st.from_regex(r"[a-z =]{1,60}", fullmatch=True), min_size=1, max_size=200), LIMITS)
def test_lines_of_code_come_through_as_they_were(lines: list[str], limit: int) -> None:
    parts = split(Code("\n".join(lines), "python").fenced(), limit)
    blocks = [block for part in parts for block in parse(part)]
    assert all(isinstance(block, Code) and block.language == "python" for block in blocks)
    assert "\n".join(block.text for block in blocks) == "\n".join(lines)


def test_list_items_stay_whole() -> None:
    items = [f"- item {number}\n  goes on and on" for number in range(20)]
    for part in split("\n".join(items), 100):
        assert all(item in items for item in re.split(r"\n(?=- )", part))


def test_a_block_that_fits_is_not_cut_though_the_part_before_has_room() -> None:
    code = Code("x = 1\n" * 15, "python").fenced()
    assert split(f"Look:\n{'w ' * 20}\n{code}", 150)[-1] == code


def test_a_fence_that_is_never_closed_is() -> None:
    assert harmless("So:\n```python\nx = 1") == "So:\n```python\nx = 1\n```"


def test_fences_inside_code_are_broken_up() -> None:
    assert harmless("````\n```\n````").count("```") == 2


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("__init__ of a_b", r"\_\_init\_\_ of a\_b"),
        ("`__init__`", "`__init__`"),
        ("@everyone <@1>", "@\u200beveryone \\<@\u200b1>"),
        ("[x](https://evil.org)", "\\[x\\](https:\u200b//evil.org)"),
        ("discord.gg/abc", "discord.gg\u200b/abc"),
        ("**bold** [1] [7]", r"**bold** [\[1\]](<https://example.org/%3E>) \[7\]"),
    ],
)
def test_markdown_of_the_model_is_made_harmless(written: str, seen: str) -> None:
    assert harmless(written, {1: "https://example.org/>"}) == seen
