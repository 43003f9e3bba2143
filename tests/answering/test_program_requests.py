"""What a request names in plain words is found by its very name."""

from __future__ import annotations

import pytest

from agent.answering.program_requests import (
    MOST,
    asks_for_program,
    describes,
    describes_what_was_found,
    for_program,
    ingredients,
)
from agent.arrangement import Hit
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
            symbol("lib.ui.core.Box2D", "lib.ui.Box2D", "class"),
            symbol("lib.ui.core.Slider2D", "lib.ui.core.Slider2D", "class"),
            symbol("lib.ui.core.ListBox2D", "lib.ui.ListBox2D", "class"),
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
        ("a brick below some planets", ["lib.actor.box", "lib.actor.curved.sphere"]),
        ("a box as a 2D element", ["lib.ui.core.Box2D"]),
        ("a list box with spheres", ["lib.ui.core.ListBox2D", "lib.actor.curved.sphere"]),
        ("a slider of the UI", []),
        ("boxes in a 2D grid at the interface of some spheres", ["lib.actor.box", "lib.actor.curved.sphere"]),
        ("", []),
    ],
    ids=[
        "plurals",
        "two words with an underscore",
        "two words in one",
        "neither private nor modules",
        "other words",
        "an element of the screen",
        "two words of an element",
        "no base of elements",
        "other things that are flat",
        "nothing",
    ],
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
    found = [*TUTORIALS, hit("box"), hit("cone"), hit("line"), hit("sphere_light")]
    names = order("a sphere with a light and a cone", found, [hit("sphere")])
    assert names == ["sphere", "cone", "sphere_light", "tutorial 0", "tutorial 1"]


def test_what_bears_no_new_word_is_left_out() -> None:
    assert order("a cone", [hit("cone"), hit("prim_cone"), hit("box")], []) == ["cone"]


def test_where_nothing_is_named_the_best_are_taken() -> None:
    assert order("a house", [hit("box"), hit("cone"), hit("line")], []) == ["box", "cone"]
    prose = hit("page", role="docs", kind="section")
    assert [found.chunk.id for found in for_program("a house", [prose], [])] == ["page"]


@pytest.mark.parametrize(
    ("question", "found", "described"),
    [
        ("Glyphs of light in three rows", "light_glyph", True),
        ("Glyphs of light in three rows?", "light_glyph", False),
        ("Glyphs of light", "light_glyph", False),
        ("Glyphs of `light` in three rows", "light_glyph", False),
        ("The light is gone in three rows, why", "box", False),
    ],
    ids=["a description", "a question", "a search", "code", "another thing"],
)
def test_a_description_is_known_by_what_it_finds(question: str, found: str, *, described: bool) -> None:
    assert describes_what_was_found(question, [hit(found)]) is described


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
        ("I need three upright boxes", True),
        ("I need help with boxes", False),
        ("A house and a tree beside it.", True),
        ("Five elephants in a row", True),
        ("Some elephants that are lit from behind", True),
        ("Some elephants are black", False),
        ("elephants in a row", False),
    ],
)
def test_what_a_program_answers_is_known(question: str, *, program: bool) -> None:
    assert asks_for_program(question, API) is program


@pytest.mark.parametrize(
    ("question", "described"),
    [
        ("Draw five red spheres.", True),
        ("A house and a tree beside it.", True),
        ("How do I draw a sphere?", False),
        ("numpy: how to draw a sphere", False),
        ("Why is my sphere black?", False),
    ],
)
def test_who_says_what_shall_be_made_does_not_ask(question: str, *, described: bool) -> None:
    assert describes(question, API) is described
