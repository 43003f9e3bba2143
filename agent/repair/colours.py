"""Colours by name, as the numbers that they are: small models take them from modules that a library does not have.

The names and their values are those of CSS; numbers are from 0 to 1, as libraries that draw in three dimensions take
them (OpenGL's).
"""

from __future__ import annotations

import ast

from agent.repair.imports import Imports
from agent.repair.places import Block, Edit


def expression_of_colour(imports: Imports, node: ast.expr) -> ast.expr | None:
    """Return the whole expression that takes a colour from what `node` names: `colors.red`, `colors.color("red")`."""
    around = list(imports.around(node))
    whole = around[-1] if around else node
    return whole if _name(whole) is not None else None


def in_numbers(block: Block, expression: ast.expr) -> Edit | None:
    """Return the edit that writes a colour as a tuple of red, green and blue."""
    from PIL import ImageColor

    red, green, blue = (round(value / 255, 2) for value in ImageColor.getrgb(_name(expression) or "")[:3])
    start = block.start(expression)
    return block.replaced(start, block.text(start, block.end(expression)), f"({red}, {green}, {blue})")


def _name(expression: ast.expr) -> str | None:
    """Return the colour's name in CSS, where it is one."""
    from PIL import ImageColor

    match expression:
        case ast.Attribute(attr=said):
            name = said.replace("_", "").lower()
        case ast.Call(args=[ast.Constant(value=str(said))], keywords=[]):
            name = said.replace(" ", "").lower()
        case _:
            return None
    return name if name in ImageColor.colormap else None
