"""Arguments that a question takes for granted are held against the function that it names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from agent.answering.absent_arguments import absent_arguments
from agent.symbols import ApiModel
from tests.symbols.test_model import build

SOURCE = '''
def sphere(centers, *, colors=(1, 0, 0), radii=1.0):
    """Draw spheres."""

def anything(**options):
    """Take any argument."""

class Scene:
    """A scene."""

    background_color = None

    def __init__(self, size=(1, 1)):
        """Make it."""

    def render(self, scale):
        """Render it."""
'''


def nothing(_words: Iterable[str]) -> frozenset[str]:
    return frozenset()


@pytest.fixture
def api(tmp_path: Path) -> ApiModel:
    return build(tmp_path, {"demo/__init__.py": SOURCE})


@pytest.mark.parametrize(
    ("question", "function", "name"),
    [
        ("How do I give demo.sphere(..., texture_atlas=...) an image each?", "demo.sphere", "texture_atlas"),
        ("demo.sphere(np.zeros((1, 3)), blur=3) shows nothing, why?", "demo.sphere", "blur"),
        ("What is the meaning of lod_bias in demo.sphere?", "demo.sphere", "lod_bias"),
        ("How do I turn on anti_flicker in `Scene.render`?", "Scene.render", "anti_flicker"),
        ("Scene(raytracing=True): is it fast?", "Scene", "raytracing"),
    ],
)
def test_what_a_function_does_not_take_is_found(api: ApiModel, question: str, function: str, name: str) -> None:
    [absent] = absent_arguments(question, api, nothing)
    assert (absent.function, absent.name) == (function, name)
    assert absent.takes == {"Scene": ("size",), "Scene.render": ("scale",)}.get(
        function, ("centers", "colors", "radii")
    )


@pytest.mark.parametrize(
    "question",
    [
        "sphere(centers, radii=2) is too large",
        "sphere(centers, color=(1, 0, 0)) stays red",  # a slip
        "How do I use my_colors in demo.sphere?",  # the asker's own
        "How do I set background_color in Scene?",  # an attribute
        "anything(blur_radius=3) does nothing",
        "plot(x, line_width=3) with demo",  # not the library's
        "TypeError: sphere() got an unexpected keyword argument 'phi' from sphere(centers, phi=3)",
        "In 0.12 I wrote sphere(centers, phi=3)",
        "How do I convert my_array of point coordinates into spheres?",  # plain words
        "How do I use a frag_shader for sphere impostors?",
        "sphere(centers, blur=3) is too large",  # any module has an `update`
        "I wrote def render(dt=0): in my class. How do I run it?",
        "How do I see my_points in demo.sphere?",
        "What replaced lod_bias in demo.sphere?",
        "sphere(centers, blur=",
        "sphere(" * 400,
    ],
)
def test_nothing_else_is(api: ApiModel, question: str) -> None:
    assert absent_arguments(question, api, nothing) == ()


def test_what_the_library_has_words_for_may_be_something_else_of_it(api: ApiModel) -> None:
    question = "Where can I get the vertex_normals of demo.sphere?"
    assert absent_arguments(question, api, frozenset) == ()
    assert absent_arguments(question, api, nothing)
