"""What a library says when something goes wrong is found in its code, values left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chunking.messages import messages
from tests.chunking.conftest import Cut
from tests.support import make_chunk


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ('raise ValueError("Opacity must be between 0 and 1.")', ["Opacity must be between 0 and 1."]),
        ('raise ValueError(f"backend must be one of {names}, got {name!r}")', ["backend must be one of {}, got {}"]),
        ('raise ValueError("too few: %d of %s" % (a, b)) from error', ["too few: {} of {}"]),
        ('raise ValueError("too few: {n:>3}".format(n=n))', ["too few: {}"]),
        ('raise ValueError("one half "\n        "and the other")', ["one half and the other"]),
        ('warnings.warn("this is deprecated", stacklevel=2)', ["this is deprecated"]),
        ('logger.warning("no device")', ["no device"]),
        ("raise", []),
        ("raise ValueError(text)", []),
        ('print("hello there")', []),
    ],
)
def test_messages_are_what_is_raised_or_warned_with(cut: Cut, statement: str, expected: list[str]) -> None:
    chunks = cut(f"def f():\n    {statement}\n")
    assert [text for chunk in chunks for text in messages(chunk)] == expected


def test_methods_and_broken_code_have_messages_too(cut: Cut) -> None:
    source = 'class A:\n    def f(self):\n        if (:\n        raise ValueError("all is lost")\n'
    assert "all is lost" in [text for chunk in cut(source) for text in messages(chunk)]


def test_only_python_is_read() -> None:
    assert list(messages(make_chunk(language="wgsl", text='raise ValueError("x y z")'))) == []


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert all(isinstance(message, str) for message in messages(make_chunk(text=f"raise {text}")))
