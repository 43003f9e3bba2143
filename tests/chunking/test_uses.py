"""Which names an example uses, block by block."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.chunking.uses import uses
from tests.chunking.conftest import Cut
from tests.support import make_chunk

SCRIPT = '''"""
Spheres
=======
"""

import numpy as np
import fury
from fury import actor as a, window
from fury.lib import EventType

################################################################################
# First the actors, {filler}

spheres = a.sphere(np.zeros((3, 3)))

################################################################################
# Then the window, {filler}

show_m = window.ShowManager(scene=fury.window.Scene())
show_m.register_callback(print, 0.1)
spheres.add_event_handler(print, EventType.KEY_DOWN)
spheres.opacity = 0.5
'''


def test_each_block_uses_what_it_names(cut: Cut) -> None:
    chunks = cut(SCRIPT.replace("{filler}", "word " * 200), "docs/examples/viz.py", role="example")
    of_block = [{name for id_, name in uses(chunks) if id_ == chunk.id} for chunk in chunks]
    assert {"fury.actor.sphere", "numpy.zeros"} <= set.union(*of_block[:-1])
    assert {"fury.window.ShowManager", "fury.window.Scene", ".register_callback"} <= of_block[-1]
    assert "fury.lib.EventType.KEY_DOWN" in of_block[-1]
    assert ".opacity" not in of_block[-1]
    assert "fury.actor.sphere" not in of_block[-1]


@given(st.text(max_size=300))
def test_any_script_can_be_read(text: str) -> None:
    assert all(id_ == "c1" for id_, _ in uses([make_chunk(text=text, start_line=1, end_line=400)]))
