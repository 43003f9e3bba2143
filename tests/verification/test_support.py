"""A number stays only where its passage has something of what the sentence says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.arrangement import Hit
from agent.verification import supported
from agent.verification.support import LEAST, citations_in, support
from tests.support import make_chunk

SPHERE = Hit(make_chunk(), 1.0)
LAMP = Hit(
    make_chunk(
        id="c2",
        path="docs/lights.rst",
        kind="section",
        symbol=None,
        qualified=None,
        public=None,
        title="Lights",
        text="A directional light follows the camera unless the headlight is switched off.",
        embed_text="Lights: directional, headlight",
        doc=None,
        signature=None,
    ),
    0.9,
)
HITS = [SPHERE, LAMP]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use `actor.sphere` [1].", "Use `actor.sphere` [1]."),
        ("Use `actor.sphere` [2].", "Use `actor.sphere`."),
        ("The headlight follows the camera [1, 2].", "The headlight follows the camera [2]."),
        ("It costs nine euros. [2]", "It costs nine euros."),
        ("[1] Create spheres with colors. [2] Bananas ripen.", "[1] Create spheres with colors. Bananas ripen."),
        ("- the camera light [2]\n- tax returns [2]", "- the camera light [2]\n- tax returns"),
        ("Unheard of things [7].", "Unheard of things [7]."),
        ("`x[1]` and ```y[2]``` are code.", "`x[1]` and ```y[2]``` are code."),
    ],
)
def test_numbers_without_anything_in_common_go(text: str, expected: str) -> None:
    assert supported(text, HITS).strip() == expected


def test_a_number_below_code_is_for_the_code() -> None:
    text = "```python\nactor.sphere(centers)\n```\n"
    assert supported(f"{text}[1]", HITS).endswith("[1]")
    assert not supported(f"{text}[2]", HITS).endswith("[2]")


def test_code_stays_as_it_is() -> None:
    text = "It is so:\n\n```python\nbananas = x[1] + y [2]  # no sphere here.\n```\n"
    assert supported(text, HITS) == text


def test_each_number_has_its_sentence() -> None:
    found = list(citations_in("One thing [1]. Another, e.g. a cone [2]. And\nmore [3]."))
    assert [(entry.numbers, entry.sentence) for entry in found] == [
        ((1,), "One thing."),
        ((2,), "Another, e.g. a cone."),
        ((3,), "And\nmore."),
    ]


def test_names_decide_where_words_do_not() -> None:
    assert support("Reach for `fury.actor.sphere` whenever round marbles are wanted", SPHERE.chunk) >= LEAST
    assert support("Reach for marbles whenever round things are wanted", SPHERE.chunk) < LEAST


PIECES = (
    "[1]",
    "[2]",
    "[1, 2]",
    "[9]",
    "sphere",
    "headlight",
    "banana",
    ". ",
    "\n",
    "\n\n",
    "`",
    "```\n",
    "- ",
    " ",
    ": ",
)


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_only_numbers_are_taken_and_nothing_is_left_to_take(text: str) -> None:
    found = supported(text, HITS)
    rest = iter(text)
    assert all(character in rest for character in found), "what stays stands in the same order"
    assert found.count("sphere") == text.count("sphere")
    assert found.count("[9]") == text.count("[9]")
