"""Of a long example, the part that shows one thing is left, and it is a whole program."""

from __future__ import annotations

import pytest

from agent.answering.example_slices import MOST_CHARACTERS, slice_for

SCRIPT = '''"""A tutorial."""
import os
import numpy as np
from lib import actor, ui, window

###############
# First the scene.
scene = window.Scene()
scene.background = (1, 1, 1)
points = np.zeros((5, 3))
ball = actor.sphere(points)
scene.add(ball)

values = ["a", "b", "c", "d", "e", "f", "g"]
chosen = ui.List(values, size=(10, 20))
label = ui.Label("x")


def pick(event):
    label.text = str(event)


chosen.on_pick = pick
scene.add(chosen)
scene.add(ball, chosen, label, points)
size = (800, 700)
manager = window.Manager(scene=scene, size=size)

if __name__ == "__main__":
    manager.start()
'''


def test_what_it_needs_and_what_is_done_with_it_stays() -> None:
    assert (
        slice_for([SCRIPT], "sphere")
        == """import numpy as np
from lib import actor, window
scene = window.Scene()
scene.background = (1, 1, 1)
points = np.zeros((5, 3))
ball = actor.sphere(points)
scene.add(ball)
scene.add(ball)
size = (800, 700)
manager = window.Manager(scene=scene, size=size)
manager.start()"""
    )


def test_long_lists_are_shortened_and_what_was_made_before_comes_along() -> None:
    sliced = slice_for([SCRIPT], "List") or ""
    assert "values = ['a', 'b', 'c', 'd']" in sliced
    assert "def pick(event):" in sliced
    assert "label = ui.Label('x')" in sliced
    assert "sphere" not in sliced
    compile(sliced, "slice", "exec")


@pytest.mark.parametrize(
    "source",
    [
        "def f(:",
        "import lib",
        "from lib import f\n\ndef g():\n    return f()",
        "from lib import f\nf(unknown)",
        f"from lib import f\nx = f({'a' * MOST_CHARACTERS!r})",
        f"from lib import f\nx = f({' + '.join('1' * 3_000)})",
        "from lib import f\nif lib.version == 1:\n    f()",
    ],
    ids=[
        "no Python",
        "no call",
        "only inside of a function",
        "needs what nobody made",
        "too long",
        "too deep",
        "only sometimes",
    ],
)
def test_where_nothing_whole_can_be_shown_there_is_none(source: str) -> None:
    assert slice_for([source], "f") is None


@pytest.mark.parametrize(
    "source",
    [
        "from lib import f\nnames = ['a', 'b', 'c', 'd', 'e']\nf(names[4])",
        "from lib import f\nnames = ['a', 'b', 'c', 'd', 'e']\nsizes = [1, 2, 3, 4, 5]\nf(names, sizes)",
    ],
    ids=["by its number", "beside another"],
)
def test_a_list_whose_end_is_needed_stays_whole(source: str) -> None:
    assert slice_for([source], "f") == source


def test_of_several_calls_the_shortest_program_is_taken() -> None:
    source = "from lib import f\na = 1\nb = f(a)\nprint(b)\nf()"
    assert slice_for([source], "f") == "from lib import f\nf()"


def test_what_goes_to_the_end_of_its_script_comes_before_what_is_shorter() -> None:
    part = "from lib import f, g\na = f(1)\nh = g()\nh.show()"
    whole = "from lib import f\nmade = f(1)\nmade.show_it_all()"
    assert slice_for([part, whole], "f") == whole
    assert slice_for([part, "a ="], "f") == "from lib import f\na = f(1)"
    assert slice_for([], "f") is None
