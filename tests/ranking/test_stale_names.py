"""A page that names what is gone is told from one that doesn't, and from one that says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.generations import IndexDirectory
from agent.index_build import build
from agent.manifest import Manifest
from agent.ranking.stale_names import StaleNames, outdated
from agent.settings import Settings
from agent.symbols import ApiModel
from tests.support import HashEmbedding

PAGE = """Start
=====

See the site fury.gl, ``numpy.zeros`` and ``demo.shapes.ball``.

.. code-block:: python

    from demo import shapes, io

    io.load("x.obj")
    shapes.{name}()
    other.thing()
"""
FILES = {
    "pyproject.toml": """[project]
name = "demo"
version = "1.0"
dependencies = ["NumPy>=2"]
optional-dependencies = {plot = ["matplot_lib; python_version > '3'"]}
""",
    "demo/__init__.py": "",
    "demo/shapes.py": "def ball():\n    pass\n",
    "docs/old.rst": PAGE.format(name="gone"),
    "docs/new.rst": PAGE.format(name="ball").replace(", io", "").replace('    io.load("x.obj")\n', ""),
    "docs/migration_guide.rst": PAGE.format(name="gone"),
    "docs/installation.rst": """Installation
============

Dependencies
------------

- Python >= 3.5
- demo >= 0.1
- CUDA >= 11
- numpy >= 1.7.1
- ``vtk`` (>= 8.1.0)
- matplot-lib == 2.0
- aiohttp
""",
    "docs/compiling.rst": "Compiling\n=========\n\n- gcc >= 9\n- cmake >= 3\n",
    "docs/examples/viz_old.py": '"""Old"""\nimport demo.shapes as s\n\ns.gone()\ns.ball()\n',
}


@pytest.fixture(scope="module")
def stale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, ...]]]:
    """Path -> missing names."""
    root = tmp_path_factory.mktemp("stale")
    for path, text in FILES.items():
        (root / "demo" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "demo" / path).write_text(text)
    settings = Settings(data_dir=root / "data")
    build(str(root / "demo"), settings, embedding=HashEmbedding())
    generation = IndexDirectory(settings.indexes_dir, "demo", "1.0").current()
    manifest = Manifest(generation.manifest_file)
    ids = {id_: path for path, held in manifest.chunk_ids().items() for id_ in held}
    found = StaleNames(manifest, ApiModel.load(generation.api_file)).find(ids)
    yield {ids[id_]: names for id_, names in found.items()}
    manifest.close()


def test_pages_and_examples_that_name_what_is_gone_are_stale(stale: dict[str, tuple[str, ...]]) -> None:
    assert stale["docs/old.rst"] == ("demo.io.load", "demo.shapes.gone")
    assert stale["docs/examples/viz_old.py"] == ("demo.shapes.gone",)


def test_right_pages_and_guides_are_not(stale: dict[str, tuple[str, ...]]) -> None:
    assert set(stale) == {"docs/old.rst", "docs/examples/viz_old.py", "docs/installation.rst"}


def test_a_list_of_requirements_that_asks_for_what_the_library_does_not_is_stale(
    stale: dict[str, tuple[str, ...]],
) -> None:
    """One of which it asks for nothing, as for compilers, is of something else."""
    assert stale["docs/installation.rst"] == ("requirement vtk",)


def test_a_reader_is_told_of_some_of_them() -> None:
    assert outdated(()) == ""
    assert outdated(("a.b",)) == " (outdated: there is no a.b any more)"
    assert outdated(tuple("abcde")) == " (outdated: there is no a, b, c and 2 more any more)"
