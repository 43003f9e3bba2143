"""What a request names in plain words is found by its very name."""

from __future__ import annotations

import pytest

from agent.arrangement import Hit
from agent.program_requests import MOST, asks_for_program, for_program, ingredients
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


def hit(name: str, **changes: object) -> Hit:
    return Hit(make_chunk(id=name, symbol=name, title=name, path=f"{name}.py", public=f"lib.{name}", **changes), 0.5)


TUTORIALS = [hit(f"tutorial {n}", role="example", kind="example") for n in range(3)]


def order(request: str, hits: list[Hit], named: list[Hit]) -> list[str]:
    return [found.chunk.id for found in for_program(request, hits, named)]


def test_definitions_come_before_tutorials_and_the_named_before_the_found() -> None:
    found = [*TUTORIALS, hit("box"), hit("cone"), hit("line"), hit("axes")]
    names = order("a sphere", found, [hit("sphere")])
    assert names == ["sphere", "box", "cone", "line", *(one.chunk.id for one in TUTORIALS), "axes"]


def test_the_best_place_stays_first_if_it_bears_a_word_of_the_request() -> None:
    assert order("a sphere in a vector field", [hit("vector_field")], [hit("sphere")])[0] == "vector_field"
    assert order("a sphere", [hit("slider")], [hit("sphere")])[0] == "sphere"


def test_people_say_cube_where_the_library_says_box() -> None:
    assert ingredients("some cubes", API) == ["lib.actor.box"]


@pytest.mark.parametrize(
    ("question", "program"),
    [
        ("Draw five red spheres.", True),
        ("How do I draw a sphere?", True),
        ("please show me two boxes", True),
        ("Can you render a cube?", True),
        ("I need a script that animates a cube", True),
        ("Five balls in a row, each of its own colour.", True),
        ("How does picking work?", False),
        ("Show the signature of actor.sphere", False),
        ("How to install it?", False),
        ("What does `opacity` mean?", False),
        ("Which boxes are there?", False),
        ("Why is my sphere black?", False),
        ("My sphere is black", False),
        ("Spheres are drawn, but the box fails", False),
        ("TypeError: sphere() got an unexpected keyword", False),
        ("Five elephants in a row", False),
    ],
)
def test_what_a_program_answers_is_known(question: str, *, program: bool) -> None:
    assert asks_for_program(question, API) is program
