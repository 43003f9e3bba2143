"""What users can call comes before what they can't, unless they ask for it."""

from __future__ import annotations

import pytest

from agent.manifest import Standing
from agent.priors import MODULE, PRIVATE, SHADER, prior


@pytest.mark.parametrize(
    ("kind", "symbol", "expected"),
    [
        ("function", "sphere", 1.0),
        ("function", "_bake", PRIVATE),
        ("method", "ShowManager._draw", PRIVATE),
        ("method", "_Hidden.draw", PRIVATE),
        ("method", "ShowManager.__init__", 1.0),
        ("module", None, MODULE),
        ("module", "COLOURS", 1.0),
        ("section", None, 1.0),
        ("shader", "vs_main", SHADER),
    ],
)
def test_each_kind_of_place_has_its_standing(kind: str, symbol: str | None, expected: float) -> None:
    assert prior(Standing("1", kind, symbol), "How do I draw a line?") == expected


def test_who_asks_for_shaders_gets_shaders() -> None:
    assert prior(Standing("1", "shader", "vs_main"), "Which WGSL function projects a point?") == 1.0
