"""Lights on grids."""

from gridlight.grid import Grid, blend, fade
from gridlight.lamps import Lamp, dim, flash, strobe
from gridlight.store import export_json, load_scene, save_scene

__all__ = ["Grid", "Lamp", "blend", "dim", "export_json", "fade", "flash", "load_scene", "save_scene", "strobe"]
