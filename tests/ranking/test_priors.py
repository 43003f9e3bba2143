"""What users can call comes before what they can't, unless they ask for it."""

from __future__ import annotations

import pytest

from agent.manifest import Standing
from agent.ranking.priors import HISTORY, MODULE, PRIVATE, SHADER, prior


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
    assert prior(Standing("1", kind, symbol, "fury/actor.py"), "How do I draw a line?") == expected


def test_who_asks_for_shaders_gets_shaders() -> None:
    assert prior(Standing("1", "shader", "vs_main", "a.wgsl"), "Which WGSL function projects a point?") == 1.0


@pytest.mark.parametrize(
    ("path", "question", "expected"),
    [
        ("HISTORY.md", "How do I use a client certificate?", HISTORY),
        ("docs/source/release_notes/releasev0.7.0.rst", "How do I pick an actor?", HISTORY),
        ("doc/whats_new.rst", "How do I pick an actor?", HISTORY),
        ("CHANGELOG.md", "What changed in 2.32?", 1.0),
        ("CHANGELOG.md", "Since when does it follow redirects?", 1.0),
        ("docs/migration_guide.rst", "How do I pick an actor?", 1.0),
        ("docs/exchange.rst", "How do I pick an actor?", 1.0),
        ("docs/newsletter.rst", "How do I pick an actor?", 1.0),
    ],
)
def test_what_was_once_so_matters_to_who_asks_for_it(path: str, question: str, expected: float) -> None:
    assert prior(Standing("1", "section", None, path), question) == expected
