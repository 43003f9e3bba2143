"""Cleaning is what `inspect.cleandoc` does, only sooner."""

from __future__ import annotations

from inspect import cleandoc

from hypothesis import example, given
from hypothesis import strategies as st

from agent.chunking.docstrings import clean

LINES = st.lists(
    st.sampled_from(["", "  ", "    ", "    a", "      b", "        ", "c", "\td", " e  ", "\x0cf"]), max_size=7
)


@given(lines=LINES, indent=st.sampled_from([0, 4]))
@example(lines=["", "    a", "", "      b", "    "], indent=4)
def test_cleaning_agrees_with_inspect(lines: list[str], indent: int) -> None:
    text = "\n".join(lines)

    assert clean(text, indent) == cleandoc(text)
