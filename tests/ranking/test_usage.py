"""An example that matches speaks for what it uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.generations import IndexDirectory
from agent.index_build import build
from agent.manifest import Manifest
from agent.ranking.usage import Usage
from agent.settings import Settings
from tests.support import HashEmbedding

BALL, CUBE = "docs/examples/viz_ball.py", "docs/examples/viz_cube.py"
FILES = {
    "pyproject.toml": '[project]\nname = "demo"\nversion = "1.0"\n',
    "demo/__init__.py": "",
    "demo/shapes.py": "def ball():\n    pass\n\n\ndef cube():\n    pass\n",
    "demo/window.py": "class Show:\n    def start(self):\n        pass\n",
    BALL: '"""Balls"""\nfrom demo import shapes, window\n\nshow = window.Show()\nshapes.ball()\n',
    CUBE: '"""Cubes"""\nfrom demo import shapes, window\n\nshapes.cube()\nwindow.Show().start()\n',
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manifest]:
    """Of a library with two examples."""
    root = tmp_path_factory.mktemp("usage")
    for path, text in FILES.items():
        (root / "demo" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "demo" / path).write_text(text)
    settings = Settings(data_dir=root / "data")
    build(str(root / "demo"), settings, embedding=HashEmbedding())
    generation = IndexDirectory(settings.indexes_dir, "demo", "1.0").current()
    manifest = Manifest(generation.manifest_file)
    yield manifest
    manifest.close()


def names(manifest: Manifest, ids: list[str]) -> list[str]:
    paths = ["demo.shapes.ball", "demo.shapes.cube", "demo.window.Show", "demo.window.Show.start"]
    known = {place.id: place.symbol for place in manifest.qualified(paths)}
    return [known[id_] for id_ in ids]


def test_symbols_follow_the_examples_that_use_them_the_rare_ones_first(manifest: Manifest) -> None:
    usage = Usage(manifest)
    ids = {path: ids[0] for path, ids in manifest.chunk_ids().items()}
    ball, cube = ids[BALL], ids[CUBE]
    assert names(manifest, usage.rank({ball: 1.0})) == ["ball", "Show"]
    assert names(manifest, usage.rank({ball: 1.0, cube: 0.1}))[0] == "ball"
    assert set(names(manifest, usage.rank({cube: 1.0}))) == {"cube", "Show", "Show.start"}


def test_without_examples_nobody_speaks(manifest: Manifest) -> None:
    assert Usage(manifest).rank({}) == []
    assert Usage(manifest).rank({"no such chunk": 1.0}) == []
