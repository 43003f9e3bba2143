"""What a request names in plain words is found by its very name."""

from __future__ import annotations

import pytest

from agent.ingredients import MOST, ingredients, shares_a_word
from agent.symbols import ApiModel, Symbol
from tests.support import make_chunk


def symbol(path: str, public: str | None, kind: str = "function") -> Symbol:
    return Symbol(path, kind, "lib.py", 1, 2, public)  # type: ignore[arg-type]


API = ApiModel(
    {
        item.path: item
        for item in (
            symbol("lib.actor.curved.sphere", "lib.actor.sphere"),
            symbol("lib.deep.inside.sphere", "lib.deep.inside.sphere"),
            symbol("lib.actor.box", "lib.actor.box"),
            symbol("lib.actor.vector_field", "lib.actor.vector_field"),
            symbol("lib.actor.streamtube", "lib.actor.streamtube"),
            symbol("lib.actor.hidden", None),
            symbol("lib.scene", "lib.scene", "module"),
            symbol("lib.a.one", "lib.one"),
            symbol("lib.a.two", "lib.two"),
            symbol("lib.a.three", "lib.three"),
        )
    },
    {},
)


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        ("Draw a Sphere above some boxes", ["lib.actor.curved.sphere", "lib.actor.box"]),
        ("a vector field of spheres", ["lib.actor.vector_field", "lib.actor.curved.sphere"]),
        ("show stream tubes", ["lib.actor.streamtube"]),
        ("a hidden scene", []),
        ("", []),
    ],
    ids=["plurals", "two words with an underscore", "two words in one", "neither private nor modules", "nothing"],
)
def test_words_lead_to_public_callables(request_: str, found: list[str]) -> None:
    assert ingredients(request_, API) == found


def test_there_are_never_too_many() -> None:
    assert len(ingredients("sphere box vector field stream tube one two three", API)) == MOST


def test_a_place_that_the_request_names_is_known() -> None:
    assert shares_a_word("a red sphere", make_chunk())
    assert not shares_a_word("a red box", make_chunk())
