"""A call that would show a window saves a picture, and the code stays as it was written."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from agent.sandbox import Sandbox, SandboxResult, problems
from agent.settings import Settings

Run = Callable[..., SandboxResult]

FAKE_FURY = """
import os, sys
os.mkdir("/tmp/fury")
open("/tmp/fury/__init__.py", "w").write("")
open("/tmp/fury/window.py", "w").write('''
import struct, zlib
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
class GfxGroup: pass
class Window:
    closed = False
    frames = 0
    def draw(self): self.frames += 1
    def get_closed(self): return self.closed
class ShowManager:
    def __init__(self):
        self.window, self._callbacks = Window(), {}
    def register(self, function):
        self._callbacks[function.__name__] = (function, 0.1, True, ())
    def render(self): pass
    def start(self): raise SystemExit("waits for ever")
    def snapshot(self, fname):
        header = struct.pack(">IIBBBBB", self.window.frames, 1, 8, 0, 0, 0, 0)
        parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(self.window.frames + 1))), (b"IEND", b"")]
        open(fname, "wb").write(b"\\\\x89PNG\\\\r\\\\n\\\\x1a\\\\n" + b"".join(chunk(*part) for part in parts))
def show():
    ShowManager().start()
''')
sys.path.insert(0, "/tmp")
"""
"""A FURY whose pictures are as wide as the number of frames that were drawn before."""


def width(result: SandboxResult) -> int:
    assert result.image is not None, result
    return int(struct.unpack_from(">I", result.image, 16)[0])


def test_a_show_call_draws_until_the_layout_is_settled(run: Run) -> None:
    result = run(f"{FAKE_FURY}\nfrom fury.window import show\nshow()\nprint('after')")
    assert (result.ok, result.output, width(result)) == (True, "after", 2)


def test_repeated_callbacks_are_called(run: Run) -> None:
    code = f"""{FAKE_FURY}
from fury import window
manager = window.ShowManager()
calls = []
def count():
    calls.append(1)
manager.register(count)
manager.start()
print(len(calls))
"""
    result = run(code)
    assert (result.output, width(result)) == ("30", 3)


@pytest.mark.parametrize("ending", ["raise SystemExit", "manager.window.closed = True"])
def test_a_callback_that_ends_the_show_leaves_the_picture_before(run: Run, ending: str) -> None:
    code = f"""{FAKE_FURY}
from fury import window
manager = window.ShowManager()
def end():
    {ending}
manager.register(end)
manager.start()
"""
    assert width(run(code)) == 2


SPHERES = """
import numpy as np
from fury import actor, window
scene = window.Scene()
scene.add(actor.sphere(np.array([[0, 0, 0], [3.0, 0, 0]]), colors=np.array([[1.0, 0, 0], [0, 1.0, 0]])))
"""


@pytest.fixture(params=["2.0.0", "0.10.0"])
def fury(request: pytest.FixtureRequest, shared_settings: Settings) -> Sandbox:
    if found := problems(shared_settings, "fury", request.param):
        pytest.skip(f"{found[0].found}: {found[0].remedy}")
    return Sandbox(shared_settings, "fury", request.param)


def test_fury_draws(fury: Sandbox) -> None:
    """Both versions, each on its own kind of display: shown without anybody there."""
    shown = fury.run(f"{SPHERES}\nwindow.ShowManager(scene=scene, size=(200, 200)).start()\nprint('after')")
    assert (shown.error, shown.output) == (None, "after")
    assert shown.image is not None
    assert len(shown.image) > 1_000  # one colour alone packs into some hundred bytes
