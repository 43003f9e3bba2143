"""Whether a picture shows what was asked for: a mechanical check of what was seen against what was expected."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evals.code_requests import Colour, Expect, Wanted
from evals.scenes import Point, Seen, Thing

OPAQUE = 0.95
INVISIBLE = 0.01
NEAR = 0.25
"""Distance within which something is at a place."""
TOLERANCE = 0.05
"""Relative, of a size, of a line's straightness and of a circle's radius."""
_HUES: Mapping[str, tuple[float, float]] = {
    "red": (340, 15),
    "orange": (15, 48),
    "yellow": (45, 75),
    "green": (75, 165),
    "cyan": (165, 200),
    "blue": (195, 270),
    "magenta": (270, 340),
}
"""Name of a colour -> degrees on the HSV circle; who says blue may mean sky blue."""
_GREYS: Mapping[str, tuple[float, float]] = {"black": (0, 0.15), "gray": (0.15, 0.9), "white": (0.85, 1)}
"""Name of a colour without a hue -> HSV values."""
_UNSEEN = ("Background", "Light", "Camera")
"""Classes of nodes that alone make an empty view."""


def missing(expect: Expect, seen: Seen) -> tuple[str, ...]:
    """Return what is expected and not seen, in words; nothing if the picture shows what was asked for."""
    return tuple(_missing(expect, seen))


def _missing(expect: Expect, seen: Seen) -> Iterator[str]:
    things = [thing for screen in seen.screens for thing in screen.shown if thing.opacity > INVISIBLE]
    for wanted in expect.shows:
        yield from _lacks(wanted, things)
    yield from (f"{name} is seen" for name in expect.absent if any(name in thing.names for thing in things))
    behind = [colour for thing in things if "Background" in thing.names for colour in thing.colors]
    if expect.background is not None and not any(is_colour(colour, expect.background) for colour in behind):
        yield f"the background is not {expect.background}"
    views = sum(any(not set(_UNSEEN) & set(thing.names) for thing in screen.shown) for screen in seen.screens)
    if views < expect.screens:
        yield f"{views} of {expect.screens} views show something"
    if expect.camera is not None and not any(expect.camera in screen.camera for screen in seen.screens):
        yield f"no {expect.camera}"
    if expect.camera_moves and not any(screen.camera_moves for screen in seen.screens):
        yield "the camera does not move"


def _lacks(wanted: Wanted, things: Sequence[Thing]) -> Iterator[str]:
    """Yield what one wanted thing lacks; properties narrow down what counts, the rest is asked of all that is left."""
    name = " or ".join(wanted.any_of)
    found = [thing for thing in things if set(wanted.any_of) & set(thing.names) and _has_properties(wanted, thing)]
    count = sum(thing.count for thing in found)
    if count < wanted.count:
        yield f"{count} of {wanted.count} {name}{_properties(wanted)}"
        return
    colours = [colour for thing in found for colour in thing.colors]
    yield from (f"no {name} is {c}" for c in wanted.colors if not any(is_colour(colour, c) for colour in colours))
    shades = max(thing.shades for thing in found)
    if shades < wanted.shades:
        yield f"{shades} of {wanted.shades} colours of {name}"
    written = " ".join(text for thing in found for text in thing.texts).casefold()
    yield from (f"no {name} says {text!r}" for text in wanted.texts if text.casefold() not in written)
    places = np.array([place for thing in found for place in thing.places], float).reshape(-1, 3)
    if wanted.layout is not None and not (_is_row(places) if wanted.layout == "row" else _is_ring(places)):
        yield f"{name} do not lie in a {wanted.layout}"
    yield from (f"no {name} at {place}" for place in wanted.at if not _is_near(place, places))
    if wanted.size is not None and not any(
        np.allclose(thing.size, wanted.size, rtol=TOLERANCE, atol=TOLERANCE) for thing in found
    ):
        yield f"no {name} measures {wanted.size}"


def _has_properties(wanted: Wanted, thing: Thing) -> bool:
    is_so = {"translucent": thing.opacity < OPAQUE, "wireframe": thing.wireframe, "moves": thing.moves}
    return all(getattr(wanted, name) in (None, value) for name, value in is_so.items()) and (
        wanted.material is None or wanted.material in thing.names
    )


def _properties(wanted: Wanted) -> str:
    said = [
        name if getattr(wanted, name) else f"not {name}"
        for name in ("translucent", "wireframe", "moves")
        if getattr(wanted, name) is not None
    ]
    said += [wanted.material] if wanted.material else []
    return f" ({', '.join(said)})" if said else ""


def is_colour(rgb: Point, name: Colour) -> bool:
    """Tell whether people would call a colour so; `rgb` in 0..1."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(min(max(part, 0.0), 1.0) for part in rgb))
    if name in _GREYS:
        low, high = _GREYS[name]
        return low <= value <= high and (saturation < 0.2 or value < 0.1)
    low, high = _HUES[name]
    inside = (hue * 360 - low) % 360 <= (high - low) % 360
    return inside and saturation >= 0.35 and value >= 0.15


def _spread(places: NDArray[np.float64]) -> NDArray[np.floating]:
    """Return how far places, shape (n, 3), are spread along their three principal axes, largest first."""
    return np.linalg.svd(places - places.mean(axis=0), compute_uv=False)


def _is_row(places: NDArray[np.float64]) -> bool:
    if len(places) < 2:
        return False
    spread = _spread(places)
    return bool(spread[0] > 0 and spread[1] <= TOLERANCE * spread[0])


def _is_ring(places: NDArray[np.float64]) -> bool:
    if len(places) < 3:
        return False
    distances = np.linalg.norm(places - places.mean(axis=0), axis=1)
    return bool(np.ptp(distances) <= TOLERANCE * distances.mean()) and not _is_row(places)


def _is_near(place: Point, places: NDArray[np.float64]) -> bool:
    return bool(len(places)) and bool(np.linalg.norm(places - place, axis=1).min() <= NEAR)
