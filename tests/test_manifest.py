"""Look-ups in a manifest, however many values they are for."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from agent.building.manifest_writer import ManifestWriter
from agent.manifest import Manifest
from agent.schema import SourceFile
from tests.support import make_chunk

MANY = 40_000
"""More than SQLite takes as variables of one query."""


def test_look_ups_for_more_values_than_one_query_takes(tmp_path: Path) -> None:
    path = tmp_path / "manifest.sqlite"
    chunks = [make_chunk(id=f"c{number}", qualified=f"demo.f{number}", symbol=f"f{number}") for number in range(9)]
    with ManifestWriter(path, str.split) as writer:
        for name, held in (("a.py", chunks[:5]), ("b.py", chunks[5:])):
            file = SourceFile(name, "python", "package", name[0], 1, "0" * 64)
            writer.add(
                file, "print", [make_chunk(id=c.id, path=name, qualified=c.qualified, symbol=c.symbol) for c in held]
            )
    strangers = [f"x{number}" for number in range(MANY)]
    with closing(Manifest(path)) as manifest:
        assert manifest.count() == 9
        assert manifest.paths([*strangers, "c1", "c7"]) == {"c1": "a.py", "c7": "b.py"}
        assert [place.id for place in manifest.qualified([*strangers, "demo.f3"])] == ["c3"]
        assert [standing.id for standing in manifest.standings([*strangers, "c8"])] == ["c8"]
        assert manifest.chunk_ids(["b.py", *strangers]) == {"b.py": ["c5", "c6", "c7", "c8"]}
        assert sum(map(len, manifest.chunk_ids().values())) == 9


def test_what_unchanged_pages_require_is_taken_over_and_held_against_todays_requirements(tmp_path: Path) -> None:
    before, now = tmp_path / "before.sqlite", tmp_path / "now.sqlite"
    page = SourceFile("docs/install.rst", "rst", "docs", None, 1, "0" * 64)
    chunk = make_chunk(id="c", path=page.path, text="- numpy >= 1\n- vtk >= 9\n")
    with ManifestWriter(before, str.split, requirements=["numpy", "vtk"]) as writer:
        writer.add(page, "print", [chunk])
    with ManifestWriter(now, str.split, requirements=["numpy"]) as writer:
        writer.keep(before, [page.path])
    for path, asked in ((before, True), (now, False)):
        with closing(Manifest(path)) as manifest:
            assert manifest.required_by(["c"]) == [("c", "numpy", True), ("c", "vtk", asked)]
