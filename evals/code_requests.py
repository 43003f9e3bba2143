"""Requests for programs, each with what its picture must show and a program that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from agent.errors import InvalidInput
from evals.cases import DATA, FIELDS_REMEDY, read_jsonl
from evals.observations import Identity
from evals.scenes import Point

Colour = Literal["red", "orange", "yellow", "green", "cyan", "blue", "magenta", "white", "gray", "black"]


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that must be seen; see `evals/data/README.md`.

    Attributes:
        any_of: actor functions or classes, of which one suffices.
        count: at least so many, of all things that have the properties below.
        colors: each must be among their colours.
        shades: at least so many different colours on one thing.
        translucent, wireframe, moves: whether it is so; None where either will do.
        material: class of its material.
        texts: each must be written on one of them.
        layout: how they lie: in a straight line, or on a circle.
        at: one must be at each of these places.
        size: extents of the largest along x, y and z.
    """

    any_of: Annotated[tuple[str, ...], Meta(min_length=1)]
    count: Annotated[int, Meta(ge=1)] = 1
    colors: tuple[Colour, ...] = ()
    shades: int = 0
    translucent: bool | None = None
    wireframe: bool | None = None
    moves: bool | None = None
    material: str | None = None
    texts: tuple[str, ...] = ()
    layout: Literal["row", "ring"] | None = None
    at: tuple[Point, ...] = ()
    size: Point | None = None


class Expect(Struct, frozen=True, forbid_unknown_fields=True):
    """What the picture of a right program shows.

    Attributes:
        shows: each of these.
        absent: actor functions or classes of which nothing may be seen.
        background: its colour.
        screens: how many views there are at least, each with something in it.
        camera: class of the camera.
        camera_moves: it travels.
    """

    shows: Annotated[tuple[Wanted, ...], Meta(min_length=1)]
    absent: tuple[str, ...] = ()
    background: Colour | None = None
    screens: int = 1
    camera: str | None = None
    camera_moves: bool = False


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish for a program, in a user's words."""

    id: Annotated[str, Meta(min_length=1)]
    kind: Annotated[str, Meta(min_length=1)]
    request: Annotated[str, Meta(min_length=1)]
    expect: Expect


def requests_folder(identity: Identity) -> Path:
    """Return where the requests for a library version and their reference programs are."""
    return DATA / f"{identity.library}-{identity.version}-code"


def load_requests(folder: Path) -> tuple[Request, ...]:
    """Read `requests.jsonl`.

    Raises:
        InvalidInput: missing, a line that does not fit, or an id given twice; names file and line.
    """
    if not folder.is_dir():
        raise InvalidInput(f"There are no requests for code in {str(folder)!r}.", remedy=FIELDS_REMEDY)
    requests: dict[str, Request] = {}
    for place, request in read_jsonl(folder / "requests.jsonl", Request):
        if request.id in requests:
            raise InvalidInput(f"{place}: the id {request.id!r} is there already.", remedy=FIELDS_REMEDY)
        requests[request.id] = request
    return tuple(requests.values())


def reference(folder: Path, request: Request) -> str:
    """Return a program that does what is asked."""
    return (folder / f"{request.id}.py").read_text(encoding="utf-8")
