"""A shard is data that comes back as it went, under a name that says what it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from agent.building.parts import Work
from agent.bulk import shards
from agent.bulk.shards import Shard, ShardFolder, cut
from agent.errors import IndexCorrupt
from agent.schema import SourceFile, SourceTree
from tests.support import make_chunk

MODEL = ("model", "1")


def source(path: str, size: int = 10) -> SourceFile:
    return SourceFile(path, "python", "package", None, size, f"digest of {path}")


def work(*files: SourceFile) -> Work:
    tree = SourceTree("demo", "1.0", "1", Path(), None, (), files, {})
    return Work(tree, files, {file.path: file.sha256 for file in files}, Path("api.sqlite"), Path("shards"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Of a blank file nothing but its name is known, and of equal paths in a row nothing is mixed up."""
    folder = ShardFolder(tmp_path)
    shard = Shard("name", (source("a.py"), source("blank.py"), source("b.py")))
    first, second, third = (
        make_chunk(id=str(number), path=path) for number, path in enumerate(("a.py", "a.py", "b.py"))
    )
    chunks = ((first, second), (), (third,))
    vectors = np.random.default_rng(7).normal(size=(3, 5)).astype(np.float32)
    assert folder.finished() == set()
    folder.write(shard, chunks, vectors)
    part = folder.read(shard)
    assert folder.finished() == {"name"}
    assert (part.files, part.chunks) == (shard.files, chunks)
    assert np.array_equal(part.vectors, vectors)


def test_a_shard_of_blank_files_still_knows_the_models_dimension(tmp_path: Path) -> None:
    shard = Shard("name", (source("blank.py"),))
    ShardFolder(tmp_path).write(shard, ((),), np.empty((0, 5), np.float32))
    part = ShardFolder(tmp_path).read(shard)
    assert part.chunks == ((),)
    assert part.vectors.shape == (0, 5)


@pytest.mark.parametrize("kept", [0, 100, -8])
def test_a_damaged_shard_is_made_again(tmp_path: Path, kept: int) -> None:
    """It ends after so many of its bytes, and nothing but zeros follows."""
    folder = ShardFolder(tmp_path)
    shard = Shard("name", (source("a.py"),))
    folder.write(shard, ((make_chunk(path="a.py"),),), np.ones((1, 5), np.float32))
    path = tmp_path / "name.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:kept].ljust(len(data), b"\0"))
    with pytest.raises(IndexCorrupt, match="only this shard"):
        folder.read(shard)
    assert folder.finished() == set()


@given(sizes=st.lists(st.integers(0, 2 * shards.SHARD_BYTES), max_size=30))
def test_shards_hold_every_file_once_in_order_and_are_bounded(sizes: list[int]) -> None:
    files = [source(f"{number}.py", size) for number, size in enumerate(sizes)]
    made = list(cut(work(*files), MODEL))
    assert [file for shard in made for file in shard.files] == files
    assert all(sum(file.size for file in shard.files[:-1]) < shards.SHARD_BYTES for shard in made)
    assert len({shard.name for shard in made}) == len(made)


def test_a_name_says_all_that_the_content_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given_work = work(source("a.py"))

    def name(work: Work = given_work, model: tuple[str, str] = MODEL) -> str:
        (shard,) = cut(work, model)
        return shard.name

    first = name()
    assert first == name()
    others = {name(structs.replace(given_work, fingerprints={"a.py": "another"})), name(model=("model", "2"))}
    monkeypatch.setattr(shards, "CHUNKER_VERSION", "another")
    assert len({first, *others, name()}) == 4
