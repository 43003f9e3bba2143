"""A pasted traceback leads to the library's own functions, whatever machine it comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ranking.tracebacks import DEPTH, Frame, frames, walked
from agent.symbols import ApiModel, Symbol

PYTHON = """Why?
Traceback (most recent call last):
  File "/home/me/show.py", line 4, in <module>
    actor.sphere(1)
  File "/opt/lib/python3.11/site-packages/demo/actor.py", line 12, in sphere
    return repeat(centers)
  File "/opt/lib/python3.11/site-packages/demo/core/__init__.py", line 3, in repeat
    raise ValueError(centers)
ValueError: 1
"""
IPYTHON = """
Cell In[3], line 1
----> 1 actor.sphere(1)

File ~/env/lib/site-packages/demo/actor.py:12, in sphere(centers, colors)
     11 def sphere(centers, colors=None):
---> 12     return repeat(centers)

File ~/env/lib/site-packages/demo/core/__init__.py:3, in repeat(centers)
ValueError: 1
"""
WINDOWS = 'File "C:\\Users\\me\\site-packages\\demo\\actor.py", line 12, in sphere\n'


def symbol(path: str, first: int, last: int) -> Symbol:
    return Symbol(path, "function", "demo.py", first, last)


API = ApiModel(
    {
        one.path: one
        for one in (
            symbol("demo.actor.sphere", 11, 12),
            symbol("demo.other.sphere", 1, 90),
            symbol("demo.core.repeat", 1, 4),
            symbol("demo.actor.Ball.draw", 30, 40),
            symbol("demo.actor.Cube.draw", 50, 60),
        )
    },
    {},
)


@pytest.mark.parametrize("pasted", [PYTHON, IPYTHON])
def test_frames_lead_to_functions_innermost_first(pasted: str) -> None:
    assert [found.path for found in walked(pasted, API)] == ["demo.core.repeat", "demo.actor.sphere"]


def test_it_may_come_from_windows() -> None:
    assert [found.path for found in walked(WINDOWS, API)] == ["demo.actor.sphere"]


def test_ipython_names_methods_with_their_class_and_paths_may_have_spaces() -> None:
    pasted = "File ~/my env/lib/demo/actor.py:35, in Ball.draw(self)\n"
    assert [found.path for found in walked(pasted, API)] == ["demo.actor.Ball.draw"]


def test_of_methods_of_one_name_the_line_decides() -> None:
    assert [s.path for s in walked('File "x/demo/actor.py", line 55, in draw', API)] == ["demo.actor.Cube.draw"]
    assert [s.path for s in walked('File "x/demo/actor.py", line 999, in draw', API)] == ["demo.actor.Ball.draw"]


def test_code_of_others_leads_nowhere() -> None:
    assert walked('File "/home/me/notdemo/actor.py", line 12, in sphere', API) == []
    assert walked("In demo/actor.py there is a line 12 in sphere, is there not?", API) == []


def test_endless_recursion_is_read_to_a_point() -> None:
    pasted = PYTHON * 500
    assert len(frames(pasted)) == 100
    assert len(walked(pasted, API)) <= DEPTH


def test_a_frame_says_where_it_was() -> None:
    assert frames(PYTHON)[0] == Frame("/opt/lib/python3.11/site-packages/demo/core/__init__.py", 3, "repeat")


@given(st.text(max_size=500))
def test_any_question_can_be_read(question: str) -> None:
    assert walked(question, API) == [] or "File" in question
