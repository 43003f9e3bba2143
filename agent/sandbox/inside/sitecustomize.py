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
FRAMES = 5
"""FURY 2 settles its layouts in the second frame; some more let animations begin."""


def change(window: ModuleType) -> None:
    """Replace what waits for a user."""
    if not hasattr(window, "GfxGroup"):
        window.ShowManager.start = start_vtk
        return
    start = window.ShowManager.start

    def start_pygfx(manager: Any) -> None:
        """FURY 2: draw without waiting; the off-screen canvas's event loop runs what is due and returns."""
        if not hasattr(manager.window, "draw"):  # Qt's: FURY itself saves its picture where FURY_OFFSCREEN is set
            start(manager)
            return
        manager.render()
        for _ in range(FRAMES):
            importlib.import_module("fury.lib").run()
            manager.window.draw()
        manager.snapshot(fname=SHOWN)

    window.ShowManager.start = start_pygfx


def start_vtk(manager: Any, *_args: object, **_kwargs: object) -> None:
    """FURY 0.x: draw without waiting, on the X server that draws into memory."""
    manager.initialize()
    for _ in range(FRAMES):
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
