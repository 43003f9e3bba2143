"""The unpacked trees in the data directory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.sources.kept import Kept, Origin, find_commit, find_release, keep, workspace
from tests.sources.conftest import write_tree

ORIGIN = Origin("sdist", "nice", "2.0.0", "https://x/nice.tar.gz", "0" * 64, {"link": 1})


def kept_tree(sources: Path, origin: Origin = ORIGIN) -> Kept:
    with workspace(sources) as directory:
        return keep(write_tree(directory / "tree", {"a.py": "x = 1\n"}), sources, origin)


def test_a_kept_tree_is_found_by_equal_versions_only(tmp_path: Path) -> None:
    kept = kept_tree(tmp_path)
    assert (kept.root / "a.py").read_text() == "x = 1\n"
    assert find_release(tmp_path, "nice", "2.0") == kept
    assert find_release(tmp_path, "nice", "2.0.1") is None
    assert find_release(tmp_path, "other", "2.0.0") is None
    assert find_commit(tmp_path, "0" * 64) is None
    assert [path.name for path in tmp_path.iterdir()] == ["nice-2.0.0-000000000000"]


def test_nothing_remains_of_a_workspace(tmp_path: Path) -> None:
    def interrupted() -> None:
        with workspace(tmp_path) as directory:
            write_tree(directory, {"half/a.py": "x"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    for name, age in (("old", 100_000), ("fresh", 10)):
        path = write_tree(tmp_path / f".partial-{name}", {"a": "x"})
        stamp = path.stat().st_mtime - age
        os.utime(path, (stamp, stamp))
    with workspace(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".partial-fresh"]


def test_a_damaged_record_is_made_anew(tmp_path: Path) -> None:
    kept = kept_tree(tmp_path)
    kept.root.with_name("origin.json").write_text("{")
    assert find_release(tmp_path, "nice", "2.0.0") is None
    kept_tree(tmp_path)
    assert find_release(tmp_path, "nice", "2.0.0") == kept


def test_several_at_once_end_in_one_whole_tree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(kept_tree, [tmp_path] * 16))
    assert len({one.root for one in kept}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["nice-2.0.0-000000000000"]
    assert find_release(tmp_path, "nice", "2.0.0") is not None
