"""Where Markdown has its code: lines and inline code as CommonMark counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.verification.markdown import closed, inline_code, lines_of, outside_code


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("a `b` c", "A `b` C"),
        ("`a ``b` c``", "`a ``b` C``"),
        ("``a `b`` c `d`", "``a `b`` C `d`"),
        ("``a` b", "``A` B"),
        ("a\x0c\n```\nb\n```\nc", "A\x0c\n```\nb\n```\nC"),
        ("a\u2028b\n\n    c\n", "A\u2028B\n\n    c\n"),
    ],
)
def test_only_what_is_no_code_is_changed(text: str, changed: str) -> None:
    assert outside_code(text, str.upper) == changed


@given(st.text(alphabet=st.sampled_from("a`\n"), max_size=40))
def test_inline_code_never_overlaps_and_has_fences_of_one_length(text: str) -> None:
    end = 0
    for start, stop in inline_code(text):
        assert start >= end
        end = stop
        code = text[start:stop]
        ticks = len(code) - len(code.lstrip("`"))
        assert ticks == len(code) - len(code.rstrip("`")) > 0


@given(st.text(alphabet=st.sampled_from("a\n\r\x0b\x0c\u2028 "), max_size=30))
def test_lines_are_split_without_loss(text: str) -> None:
    assert "".join(lines_of(text)) == text
    assert all("\n" not in line.rstrip("\r\n") and "\r" not in line.rstrip("\r\n") for line in lines_of(text))


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_citations_behind_a_fence_do_not_keep_it_open(fence: str) -> None:
    text = f"Like this:\n\n{fence}python\nx = 1\n{fence} [1] [2]"
    assert closed(text, cut=False) == f"Like this:\n\n{fence}python\nx = 1\n{fence}\n\n[1] [2]"
    assert closed(f"{fence}python\nx = 1\n{fence}", cut=False) == f"{fence}python\nx = 1\n{fence}"
