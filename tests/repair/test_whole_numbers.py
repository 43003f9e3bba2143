"""A number has no parts: where a program takes one, the number is meant."""

from __future__ import annotations

import pytest

from agent.repair import with_whole_numbers


@pytest.mark.parametrize(
    ("code", "whole"),
    [
        ("n = 32\nf(n[0], a=n[1])", "n = 32\nf(n, a=n)"),
        ("r = -0.5\n[f(c, r[i]) for i, c in enumerate(cs)]", "r = -0.5\n[f(c, r) for i, c in enumerate(cs)]"),
        ("n = 1\nf(n[0][1], m[n[0]])", "n = 1\nf(n, m[n])"),
        ("n = 1\nm = 2\nf(n[m[0]]); g((n)[0])", "n = 1\nm = 2\nf(n); g(n)"),
        ("n = 1\nf(\n    n[\n        0\n    ],\n)", "n = 1\nf(\n    n,\n)"),
    ],
)
def test_a_part_of_a_number_is_the_number(code: str, whole: str) -> None:
    assert with_whole_numbers(code) == whole
    assert with_whole_numbers(whole) is None


@pytest.mark.parametrize(
    "code",
    [
        "n = [1]\nn[0]",
        "n = 1\nn = [n]\nn[0]",
        "n = 1\nfor n in [[2]]:\n    n[0]",
        "n = 1\ndef f(n):\n    return n[0]",
        "n = 1\nn[0] = 2",
        "s = 'text'\ns[0]",
        "m[0]",
        "n = 1\nfrom lib import n\nn[0]",
        "n = 1\nfrom lib import *\nn[0]",
        "n = 1\nmatch m:\n    case {'a': n}:\n        n[0]",
        "n = 1\ntry:\n    n[0]\nexcept TypeError:\n    pass",
        "n = (",
    ],
)
def test_what_may_have_parts_is_left(code: str) -> None:
    assert with_whole_numbers(code) is None
