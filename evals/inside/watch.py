"""Tells what a picture shows; runs within the sandbox's walls, before the program, with numpy at hand and no more.

FURY's actors are meshes of one class, whatever they look like: so its actor functions are wrapped, and each result
remembers which function made it, and around which points. Whenever a picture is taken, what is in its scenes is looked
at; at the end of the program, the last look is printed behind a mark that the caller chose.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import importlib
import inspect
import json
import pkgutil
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

ROOM = 3_000
"""Characters that the report may have: of a program's output, the sandbox keeps the last 4,000."""
COLOURS, NAMES = 12, 40
_WORDS = ("centers", "lines", "text")
"""Parameters of which an actor function takes one for each thing that it makes."""

_makers: dict[int, tuple[Any, str, str, Any]] = {}
"""id of an actor -> itself, so that the id stays its own; who made it; from which parameter, and its value."""
_depth = 0
_first: dict[int, dict[int, str]] = {}
"""id of a scene -> id of a node -> what it was like in the scene's first picture."""
_kept: list[Any] = []
"""Scenes whose ids must not be given to others."""
_report: dict[str, Any] = {}


def watch(mark: str) -> None:
    """Look at every picture of FURY that is taken from now on."""
    try:
        actor, window = importlib.import_module("fury.actor"), importlib.import_module("fury.window")
    except ImportError:  # then no program can show anything
        return
    for name in actor.__all__:
        found = getattr(actor, name)
        if inspect.isfunction(found):
            _replace(actor, name, found, _marked(name, found))
    taken = window.ShowManager.snapshot

    @wraps(taken)
    def snapshot(manager: Any, *arguments: Any, **named: Any) -> Any:
        picture = taken(manager, *arguments, **named)
        _report.update(screens=[_screen(screen) for screen in manager.screens])
        return picture

    window.ShowManager.snapshot = snapshot
    atexit.register(lambda: print(f"\n{mark}{_packed()}"))  # noqa: T201 - its only way out


def _replace(package: ModuleType, name: str, old: object, new: object) -> None:
    """Put a function in the place of another wherever the library would be asked for it."""
    setattr(package, name, new)
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = sys.modules.get(info.name)
        if module is not None and getattr(module, name, None) is old:
            setattr(module, name, new)


def _marked(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(make)

    @wraps(make)
    def made(*arguments: Any, **named: Any) -> Any:
        global _depth  # noqa: PLW0603 - what an actor function calls itself is its own business
        _depth += 1
        try:
            result = make(*arguments, **named)
        finally:
            _depth -= 1
        if _depth == 0 and result is not None:
            given = signature.bind(*arguments, **named).arguments
            word = next((word for word in _WORDS if word in given), "")
            _makers[id(result)] = (result, name, word, given.get(word))
        return result

    return made


# --- looking ---------------------------------------------------------------------------------------


def _screen(screen: Any) -> dict[str, Any]:
    scene = screen.scene
    if id(scene) not in _first:
        _kept.append(scene)
    fresh = {id(node): _state(node) for node in (*_visible(scene), screen.camera)}
    before = _first.setdefault(id(scene), fresh)
    changed = {key for key, state in fresh.items() if before.get(key) != state}
    parts = _inner(scene)
    shown = [_thing(node, changed) for node in _visible(scene) if id(node) not in parts and node is not screen.camera]
    shown += [_element(element) for element in _elements(scene.ui_elements)]
    return {
        "shown": _merged(shown),
        "camera": [each.__name__ for each in type(screen.camera).__mro__],
        "camera_moves": id(screen.camera) in changed,
    }


def _visible(node: Any) -> Iterator[Any]:
    """Yield the nodes below one from the top, without what is hidden; of a scene of FURY those in its world."""
    for child in getattr(node, "main_scene", node).children:
        if child.visible:
            yield child
            yield from _visible(child)


def _inner(scene: Any) -> set[int]:
    """Return the ids of nodes that are parts of what one function made."""
    return {id(part) for node in _visible(scene) if id(node) in _makers for part in _visible(node)}


def _elements(elements: Sequence[Any]) -> Iterator[Any]:
    """Yield the parts of a user interface, without what is hidden; some parts are listed twice."""
    for element in {id(element): element for element in elements}.values():
        actors = element.actors
        if not actors or any(actor.visible for actor in actors):
            yield element
        yield from _elements(element._children)


def _state(node: Any) -> str:
    """Return a digest of where a node is and how it looks."""
    geometry, material = getattr(node, "geometry", None), getattr(node, "material", None)
    buffers = (_data(getattr(geometry, name, None)) for name in ("positions", "colors"))
    parts = [node.world.matrix.tobytes(), *(data.tobytes() for data in buffers if data is not None)]
    parts.append(repr([getattr(material, name, None) for name in ("opacity", "color")]).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _data(buffer: Any) -> Any:
    return getattr(buffer, "data", None)


def _thing(node: Any, changed: set[int]) -> dict[str, Any]:
    _, maker, word, given = _makers.get(id(node), (node, "", "", None))
    family = [node, *_visible(node)] if maker else [node]
    bounds = node.get_world_bounding_box()
    texts = ([given] if isinstance(given, str) else given) if word == "text" else []
    return {
        "names": [maker] * bool(maker) + [name for part in family for name in _names(part)],
        "count": _count(word, given),
        "places": _places(node, bounds, given if word == "centers" else None).tolist(),
        **_coloured(np.concatenate([_colours(part) for part in family])),
        "wireframe": any(bool(getattr(getattr(part, "material", None), "wireframe", False)) for part in family),
        "moves": any(id(part) in changed for part in family),
        "texts": [str(text) for text in texts],
        "size": [0.0] * 3 if bounds is None else (bounds[1] - bounds[0]).tolist(),
    }


def _element(element: Any) -> dict[str, Any]:
    """Return a part of the user interface as a thing; where it is on the screen nobody asks."""
    texts = [getattr(element, name, None) for name in ("message", "title", "body", "selected_text", "default_label")]
    held = [getattr(element, name, None) for name in ("labels", "values")]
    texts += next((list(some) for some in held if isinstance(some, list | tuple | np.ndarray) and len(some)), [])
    colour = getattr(element, "color", None)
    colours = np.zeros((0, 4)) if colour is None else _opaque(np.asarray(tuple(colour), float).reshape(1, -1))
    return {
        "names": _classes(element),
        "count": 1,
        "places": [],
        **_coloured(colours),
        "wireframe": False,
        "moves": False,
        "texts": [str(text) for text in texts if isinstance(text, str)],
        "size": [0.0] * 3,
    }


def _names(node: Any) -> list[str]:
    return _classes(node) + _classes(getattr(node, "material", None))


def _classes(value: object) -> list[str]:
    return [] if value is None else [each.__name__ for each in type(value).__mro__[:-1]]


def _count(word: str, given: Any) -> int:
    """Return how many things a function made: a list or array of them, or one."""
    if not word or isinstance(given, str) or not len(given):
        return 1
    one = np.ndim(given[0]) < {"centers": 1, "lines": 2, "text": 0}[word]
    return 1 if one else len(given)


def _places(node: Any, bounds: Any, centers: Any) -> np.ndarray:
    """Return the points around which things were made, in the world; of one thing alone the middle of its box."""
    if centers is not None:
        points = np.asarray(centers, float).reshape(-1, 3)
        return (np.c_[points, np.ones(len(points))] @ node.world.matrix.T)[:, :3]
    middle = node.world.position if bounds is None else bounds.mean(axis=0)
    return np.asarray(middle, float).reshape(1, 3)


def _colours(node: Any) -> np.ndarray:
    """Return the colours of a node, shape (n, 4), or of its light or background."""
    geometry, material = getattr(node, "geometry", None), getattr(node, "material", None)
    opacity = float(getattr(material, "opacity", 1.0))
    buffer = _data(getattr(geometry, "colors", None))
    if buffer is not None and len(buffer):
        colours = _opaque(np.asarray(buffer, float).reshape(len(buffer), -1))
    else:
        own = [getattr(part, name, None) for part in (material, node) for name in ("color", "color_bottom_left")]
        colours = np.array([tuple(colour) for colour in own if colour is not None], float).reshape(-1, 4)[:1]
    return colours * (1, 1, 1, opacity)


def _opaque(colours: np.ndarray) -> np.ndarray:
    return colours if colours.shape[1] == 4 else np.c_[colours, np.ones(len(colours))]


def _coloured(colours: np.ndarray) -> dict[str, Any]:
    """Return up to 12 colours that differ, how many shades there are, and the least opacity."""
    colours = colours[np.isfinite(colours).all(axis=1)]  # between two lines there is none
    if not len(colours):
        return {"colors": [], "shades": 0, "opacity": 1.0}
    shades, sizes = np.unique(colours[:, :3].round(2), axis=0, return_counts=True)
    by_size = shades[np.argsort(-sizes, kind="stable")]
    _, firsts = np.unique((by_size * 3).round(), axis=0, return_index=True)
    return {
        "colors": by_size[np.sort(firsts)][:COLOURS].tolist(),
        "shades": len(shades),
        "opacity": float(colours[:, 3].min()),
    }


# --- telling ---------------------------------------------------------------------------------------


def _merged(things: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return things of one kind and look as one, with their counts added."""
    merged: dict[str, dict[str, Any]] = {}
    for thing in things:
        key = json.dumps([sorted(set(thing["names"])), thing["wireframe"], thing["moves"], thing["opacity"] < 0.95])
        if key not in merged:
            merged[key] = thing | {"names": list(dict.fromkeys(thing["names"]))[:NAMES]}
            continue
        one = merged[key]
        for name in ("places", "texts"):
            one[name] = one[name] + thing[name]
        one["colors"] += [colour for colour in thing["colors"] if colour not in one["colors"]]
        one["count"] += thing["count"]
        one["shades"] = max(one["shades"], thing["shades"], len(one["colors"]))
        one["size"] = np.maximum(one["size"], thing["size"]).tolist()
    return list(merged.values())


def _packed() -> str:
    """Return the report as text, with fewer places and colours of each thing where it would be too long."""
    for most in (64, 24, 8, 2):
        for screen in _report.get("screens", []):
            for thing in screen["shown"]:
                for name in ("places", "colors", "texts"):
                    thing[name] = [_short(value) for value in thing[name][:most]]
                thing["size"] = _short(thing["size"])
        text = base64.b85encode(zlib.compress(json.dumps(_report).encode(), 9)).decode()
        if len(text) <= ROOM:
            return text
    return ""


def _short(value: Any) -> Any:
    return value[:60] if isinstance(value, str) else [float(f"{number:.4g}") for number in value]
