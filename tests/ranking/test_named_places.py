"""Names that a question writes as code are read as they were meant."""

from __future__ import annotations

import pytest

from agent.ranking.named_places import spelled
from agent.symbols import ApiModel, Kind, Symbol


def model(**kinds: Kind) -> ApiModel:
    """Return a library of one module with these names."""
    held = [Symbol("demo", "module", "demo.py", 1, 1, public="demo")]
    held += [Symbol(f"demo.{name}", kind, "demo.py", 1, 1, public=f"demo.{name}") for name, kind in kinds.items()]
    return ApiModel({symbol.path: symbol for symbol in held}, {})


API = model(sphere="function", ShowManager="class", imgui="function", line="function", lines="function")


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("Where is demo.spere defined?", "Where is demo.sphere defined?"),
        ("`showManager` and show_manager.start", "`ShowManager` and show_manager.start"),
        ("sphre() or sphere_sphre()", "sphere() or sphere_sphre()"),
    ],
)
def test_a_slip_of_the_pen_in_a_name_is_put_right(question: str, meant: str) -> None:
    assert spelled(question, API) == meant


@pytest.mark.parametrize(
    "question",
    [
        "How do I draw a spere?",  # plain words are nobody's names
        "How do I show an ImGui window?",  # how prose calls it
        "demo.sphere(centers) in spheres.py",
        "demo.linex",  # one of two: which one is not known
        "np.zeros_like(centers)",
        "`a b` and ``",
    ],
)
def test_what_is_no_slip_stays(question: str) -> None:
    assert spelled(question, API) == question
