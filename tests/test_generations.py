"""The index on disk is switched whole, or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import msgspec
import pytest

from agent.durable_files import write_atomically
from agent.errors import (
    BuildLocked,
    IndexCorrupt,
    IndexMismatch,
    IndexMissing,
    StorageError,
    UnknownLibrary,
    UnknownVersion,
)
from agent.generations import FORMAT, Generation, IndexDirectory, find_index, list_libraries, unusable_indexes
from agent.schema import IndexInfo

INFO = IndexInfo(
    format=FORMAT,
    spec="demo",
    library="demo",
    version="1.0",
    revision="v1.0",
    url_template=None,
    packages=("demo",),
    chunker="1",
    embedding="hash",
    embedding_revision="0",
    dimension=64,
    files=1,
    chunks=1,
    skipped={},
    source_digest="00",
    generation="",
    created="2026-01-01T00:00:00+00:00",
)


def publish(directory: IndexDirectory, **changes: object) -> Generation:
    with directory.new_generation() as generation:
        directory.publish(generation, msgspec.structs.replace(INFO, generation=generation.name, **changes))
    return generation


def test_nothing_built_says_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=r"fury-agent index 'demo==1.0'"):
        IndexDirectory(tmp_path, "demo", "1.0").current()


def test_publishing_switches_to_the_new_generation_and_keeps_one_before(tmp_path: Path) -> None:
    directory = IndexDirectory(tmp_path, "demo", "1.0")
    made = [publish(directory) for _ in range(4)]
    assert directory.current().name == made[-1].name
    left = sorted(path.name for path in (directory.root / "generations").iterdir())
    assert left == [made[-2].name, made[-1].name]


def test_a_failed_build_leaves_the_served_generation_and_no_rubbish(tmp_path: Path) -> None:
    directory = IndexDirectory(tmp_path, "demo", "1.0")
    served = publish(directory)
    with pytest.raises(RuntimeError), directory.new_generation():
        raise RuntimeError
    assert directory.current().name == served.name
    assert [path.name for path in (directory.root / "generations").iterdir()] == [served.name]


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    directory = IndexDirectory(tmp_path, "demo", "1.0")
    publish(directory)
    half = directory.root / "generations" / "99990101T000000-dead"
    (half / "store").mkdir(parents=True)
    publish(directory)
    assert not half.exists()


def test_another_format_names_the_command(tmp_path: Path) -> None:
    publish(IndexDirectory(tmp_path, "demo", "1.0"), format=FORMAT + 1)
    with pytest.raises(IndexMismatch, match=r"fury-agent index 'demo==1\.0'"):
        find_index(tmp_path, "demo", None).current().info()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe"])
def test_a_damaged_info_is_told_apart(tmp_path: Path, content: bytes) -> None:
    generation = publish(IndexDirectory(tmp_path, "demo", "1.0"))
    generation.info_file.write_bytes(content)
    with pytest.raises((IndexCorrupt, IndexMismatch)):
        generation.info()
    assert list_libraries(tmp_path) == ()
    [error] = unusable_indexes(tmp_path)
    assert "fury-agent index" in error.remedy


@pytest.mark.parametrize("pointer", [b"\xff\xfe", b"nowhere"])
def test_an_index_whose_pointer_is_broken_hides_no_other(tmp_path: Path, pointer: bytes) -> None:
    publish(IndexDirectory(tmp_path, "demo", "1.0"))
    publish(IndexDirectory(tmp_path, "other", "1.0"))
    (tmp_path / "demo" / "1.0" / "CURRENT").write_bytes(pointer)
    assert len(list_libraries(tmp_path)) == 1
    assert len(unusable_indexes(tmp_path)) == 1


def test_unknown_names_list_those_there_are(tmp_path: Path) -> None:
    publish(IndexDirectory(tmp_path, "demo", "1.0"))
    publish(IndexDirectory(tmp_path, "demo", "2.0"), version="2.0", created="2026-02-01T00:00:00+00:00")
    with pytest.raises(UnknownLibrary, match="indexed are: demo"):
        find_index(tmp_path, "other", None)
    with pytest.raises(UnknownVersion, match=r"indexed are: 1.0, 2.0"):
        find_index(tmp_path, "demo", "3.0")
    assert find_index(tmp_path, "demo", None).version == "2.0"
    assert find_index(tmp_path, "demo", None, "1.0").version == "1.0"


def hold_lock(root: Path, ready: Path) -> None:
    with IndexDirectory(root, "demo", "1.0").building(0):
        ready.touch()
        time.sleep(60)


def test_a_second_build_is_refused_until_the_first_process_is_gone(tmp_path: Path) -> None:
    """Even SIGKILL releases the lock."""
    ready = tmp_path / "ready"
    process = multiprocessing.get_context("spawn").Process(target=hold_lock, args=(tmp_path, ready))
    process.start()
    while not ready.exists():
        time.sleep(0.01)
    directory = IndexDirectory(tmp_path, "demo", "1.0")
    told: list[str] = []
    with (
        pytest.raises(BuildLocked, match="Another process"),
        directory.building(0.1, waiting=lambda: told.append("waiting")),
    ):
        pytest.fail("entered a locked build")
    assert told == ["waiting"]
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with directory.building(5):
        pass


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file where a directory must be")
    with pytest.raises(StorageError, match="FURY_AGENT_DATA_DIR"), IndexDirectory(tmp_path, "demo", "1.0").building(0):
        pytest.fail("entered")


def test_an_atomic_write_leaves_the_old_content_on_failure(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
