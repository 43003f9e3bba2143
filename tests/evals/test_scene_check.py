"""The checks of pictures hold for the reference programs, and for hardly anything else."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from evals.code_requests import Expect, Request, Wanted
from evals.references import WRONG, found, table
from evals.scene_check import is_colour, missing
from evals.scenes import Screen, Seen, Thing
from tests.evals.code_support import BY_ID, FOLDER, REQUESTS, kept

each_request = pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.id)

BALL = Thing(
    names=("sphere", "Mesh"),
    count=1,
    places=((0, 0, 0),),
    colors=((1, 0, 0),),
    shades=1,
    opacity=1.0,
    wireframe=False,
    moves=False,
    texts=(),
    size=(2, 2, 2),
)


def seen(*things: Thing, **camera: bool) -> Seen:
    return Seen((Screen(things, ("PerspectiveCamera",), **{"camera_moves": False, **camera}),))


def lacks(wanted: Wanted, *things: Thing) -> str:
    return "; ".join(missing(Expect((wanted,)), seen(*things)))


def test_there_are_enough_requests_of_all_kinds() -> None:
    assert len(REQUESTS) >= 44
    assert len({request.kind for request in REQUESTS}) >= 8
    assert {path.stem for path in FOLDER.glob("*.py")} == {request.id for request in REQUESTS}


@each_request
def test_a_reference_passes_its_own_check(request_: Request) -> None:
    one = kept()[request_.id]
    assert one.ok
    assert (one.drawn or 0) > 0.0005
    assert not missing(request_.expect, one.seen)


@each_request
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_scene_passes_no_check(request_: Request, wrong: str) -> None:
    assert missing(request_.expect, kept()[wrong].seen)
    assert missing(request_.expect, Seen())


@each_request
def test_everything_that_is_expected_is_looked_for(request_: Request) -> None:
    """With any of its wanted things out of sight, the reference's own picture passes no longer."""
    for wanted in request_.expect.shows:
        screens = tuple(
            replace(screen, shown=tuple(thing for thing in screen.shown if not set(wanted.any_of) & set(thing.names)))
            for screen in kept()[request_.id].seen.screens
        )
        assert missing(request_.expect, Seen(screens))


def test_checks_tell_the_requests_apart() -> None:
    """Few pictures do for another request too, such as one cube and the cube of another request."""
    pairs = [
        (one.id, other.id)
        for one in REQUESTS
        for other in REQUESTS
        if one is not other and not missing(one.expect, kept()[other.id].seen)
    ]
    assert len(pairs) < len(REQUESTS)


def test_references_that_fail_and_checks_that_always_hold_are_told() -> None:
    assert not list(found(REQUESTS, kept()))
    ball = BY_ID["red-ball"]
    failed = kept() | {"red-ball": replace(kept()["red-ball"], ok=False, error="Line 1: it broke")}
    assert list(found([ball], failed)) == ["red-ball: Line 1: it broke"]
    blank = kept() | {"red-ball": replace(kept()["red-ball"], drawn=0.0)}
    assert list(found([ball], blank)) == ["red-ball: nothing is drawn"]
    easy = replace(ball, expect=Expect((Wanted(("sphere",)),)))
    assert list(found([easy], kept())) == ["red-ball: one plain sphere passes"]
    assert next(table([ball], kept())).startswith("red-ball")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(("box",)), "0 of 1 box"),
        (Wanted(("sphere",), count=2), "1 of 2 sphere"),
        (Wanted(("sphere",), colors=("blue",)), "no sphere is blue"),
        (Wanted(("sphere",), shades=2), "1 of 2 colours of sphere"),
        (Wanted(("sphere",), translucent=True), "0 of 1 sphere (translucent)"),
        (Wanted(("sphere",), wireframe=True), "0 of 1 sphere (wireframe)"),
        (Wanted(("sphere",), moves=True), "0 of 1 sphere (moves)"),
        (Wanted(("sphere",), material="MeshBasicMaterial"), "0 of 1 sphere (MeshBasicMaterial)"),
        (Wanted(("sphere",), texts=("A",)), "no sphere says 'A'"),
        (Wanted(("sphere",), layout="row"), "sphere do not lie in a row"),
        (Wanted(("sphere",), layout="ring"), "sphere do not lie in a ring"),
        (Wanted(("sphere",), at=((1, 0, 0),)), "no sphere at (1, 0, 0)"),
        (Wanted(("sphere",), size=(4, 2, 2)), "no sphere measures (4, 2, 2)"),
    ],
)
def test_what_is_missing_is_said(wanted: Wanted, reason: str) -> None:
    assert lacks(wanted, BALL) == reason
    assert not lacks(Wanted(("cone", "sphere"), colors=("red",), at=((0.1, 0, 0),), size=(2, 2, 2)), BALL)


def test_the_whole_picture_is_asked_about_too() -> None:
    expect = Expect(
        (Wanted(("sphere",)),), absent=("Mesh",), background="white", screens=2, camera="Ortho", camera_moves=True
    )
    reasons = ("Mesh is seen", "the background is not white", "1 of 2 views show something", "no Ortho")
    assert missing(expect, seen(BALL)) == (*reasons, "the camera does not move")


def test_what_is_wholly_transparent_is_not_seen() -> None:
    box, gone = replace(BALL, names=("box",)), replace(BALL, opacity=0.0)
    assert not missing(Expect((Wanted(("box",)),), absent=("sphere",)), seen(box, gone))
    assert lacks(Wanted(("sphere",)), gone) == "0 of 1 sphere"


def test_things_of_one_kind_count_together() -> None:
    other = replace(BALL, places=((3, 0, 0), (6, 0, 0)), count=2, colors=((0, 0, 1),))
    assert not lacks(Wanted(("sphere",), count=3, colors=("red", "blue"), layout="row"), BALL, other)


@pytest.mark.parametrize("layout", ["row", "ring"])
@given(seed=st.integers(0, 1_000), count=st.integers(4, 30))
def test_a_layout_is_known_wherever_it_lies(layout: str, seed: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(dice.normal(size=(3, 3)))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    flat = np.zeros((count, 3))
    flat[:, :2] = np.c_[np.cos(angles), np.sin(angles)] if layout == "ring" else np.c_[angles, 0 * angles]
    places = tuple((x, y, z) for x, y, z in (5 * flat @ turn + dice.normal(size=3)).tolist())
    things = replace(BALL, places=places, count=count)
    other = "row" if layout == "ring" else "ring"
    assert not lacks(Wanted(("sphere",), layout=layout), things)  # pyright: ignore[reportArgumentType] - one of two
    assert lacks(Wanted(("sphere",), layout=other), things)


@given(hue=st.integers(0, 359), value=st.floats(0.3, 1))
def test_every_strong_colour_has_a_name(hue: int, value: float) -> None:
    rgb = colorsys.hsv_to_rgb(hue / 360, 1, value)
    names = ("red", "orange", "yellow", "green", "cyan", "blue", "magenta")
    assert 1 <= sum(is_colour(rgb, name) for name in names) <= 2
    assert not any(is_colour(rgb, name) for name in ("white", "gray", "black"))


@given(st.floats(0, 1))
def test_every_grey_has_a_name_and_no_hue(value: float) -> None:
    rgb = (value, value, value)
    assert any(is_colour(rgb, name) for name in ("white", "gray", "black"))
    assert not any(is_colour(rgb, name) for name in ("red", "green", "blue", "yellow"))
