"""Turns a call that shows a window into one that saves a picture; Python imports it before the code that is run.

The code stays as it was written. FURY's window is changed the moment it is imported, and only its way to wait for a
user who will never come: some frames are drawn, so that timers fire and layouts settle, and the last one is saved.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

SHOWN = "/tmp/.shown.png"  # noqa: S108 - within the walls it is private
TICKS = 30
"""How often repeated callbacks are called, so that animations have begun; FURY 0.x draws each time."""


def change(window: ModuleType) -> None:
    """Replace what waits for a user."""
    if not hasattr(window, "GfxGroup"):
        window.ShowManager.start = start_vtk
        return
    start = window.ShowManager.start

    def start_pygfx(manager: Any) -> None:
        """FURY 2: draw without waiting, first what there is, then what its callbacks have made of it."""
        if not hasattr(manager.window, "draw"):  # Qt's: FURY itself saves its picture where FURY_OFFSCREEN is set
            start(manager)
            return
        manager.render()
        for _ in range(2):  # layouts settle in the second frame
            manager.window.draw()
        manager.snapshot(fname=SHOWN)
        if tick(manager):
            manager.window.draw()
            manager.snapshot(fname=SHOWN)

    window.ShowManager.start = start_pygfx


def tick(manager: Any) -> bool:
    """Call what FURY 2 would call by the clock; tell whether there is something new to draw.

    The off-screen event loop forgets its timers after one round, so FURY's own list of them is used, as FURY does
    where it records animations for its documentation.
    """
    called = False
    for _ in range(TICKS):
        for callback, _time, _repeat, arguments in list(getattr(manager, "_callbacks", {}).values()):
            callback(*arguments)
            called = True
    return called and not manager.window.get_closed()


def start_vtk(manager: Any, *_args: object, **_kwargs: object) -> None:
    """FURY 0.x: draw without waiting, on the X server that draws into memory; its timers are run by the events."""
    manager.initialize()
    for _ in range(TICKS):
        manager.iren.ProcessEvents()
        manager.render()
    window = importlib.import_module("fury.window")
    window.snapshot(manager.scene, fname=SHOWN, size=manager.size, render_window=manager.window)


class _WindowFinder(MetaPathFinder):
    """Lets `fury.window` be imported as ever, and changes it afterwards."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - as its base has it
    ) -> ModuleSpec | None:
        """Find that one module, once."""
        if fullname != "fury.window":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_change(module: ModuleType) -> None:
                execute(module)
                change(module)

            spec.loader.exec_module = execute_and_change
        return spec


sys.meta_path.insert(0, _WindowFinder())
