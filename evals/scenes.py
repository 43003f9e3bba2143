"""What became of a program, and what its picture shows: the values that `inside/watch.py` prints."""

from __future__ import annotations

from msgspec import Struct

Point = tuple[float, float, float]


class Thing(Struct, frozen=True):
    """One kind of thing in a scene, however many there are of it and whoever made them.

    Attributes:
        names: the actor function that made it, and the classes of its nodes and materials, bases included.
        count: how many: centres of a repeated shape, lines, texts, or nodes.
        places: where, in the world; the first ones of many.
        colors: RGB, 0 to 1, of those that differ clearly; most frequent first.
        shades: how many colours there are, to two digits.
        opacity: the least, 0 to 1.
        wireframe: only edges are drawn.
        moves: it was elsewhere, or looked otherwise, in the first picture.
        texts: what is written on it.
        size: extent of its box along x, y and z, in the world.
    """

    names: tuple[str, ...]
    count: int
    places: tuple[Point, ...]
    colors: tuple[Point, ...]
    shades: int
    opacity: float
    wireframe: bool
    moves: bool
    texts: tuple[str, ...]
    size: Point


class Screen(Struct, frozen=True):
    """One view of the last picture that was taken.

    Attributes:
        shown: visible actors, lights, background and user interface.
        camera: class of the camera and its bases.
        camera_moves: it was elsewhere in the first picture.
    """

    shown: tuple[Thing, ...]
    camera: tuple[str, ...]
    camera_moves: bool


class Seen(Struct, frozen=True):
    """What the last picture shows; nothing where none was taken."""

    screens: tuple[Screen, ...] = ()


class Tried(Struct, frozen=True):
    """What became of a program.

    Attributes:
        ok: it ended by itself and without an error.
        seconds: how long it ran.
        error: why it is not ok, with the line of the code where that is known.
        drawn: share of the picture's pixels that differ from the most frequent colour; None where there is no picture.
        seen: what the picture shows.
    """

    ok: bool
    seconds: float
    error: str | None = None
    drawn: float | None = None
    seen: Seen = Seen()
