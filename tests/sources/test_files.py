"""A list of source files is like a tuple, but on disk."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from agent.schema import SourceFile
from agent.sources.files import SourceFiles


def named(count: int) -> Iterator[SourceFile]:
    for number in range(count):
        path = f"package/with/some/depth/module_{number:06d}.py"
        yield SourceFile(path, "python", "package", f"package.module_{number}", number, f"{number:064d}")


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 2_000])
def test_it_holds_the_files_in_order(count: int) -> None:
    files = SourceFiles(named(count))
    assert (len(files), [*files]) == (count, [*named(count)])


def test_it_can_be_walked_through_in_parallel_and_again() -> None:
    files = SourceFiles(named(1_000))
    assert all(one == other for one, other in zip(files, files, strict=True))
    assert [*files] == [*files]


def test_single_files_and_slices_are_those_of_a_tuple() -> None:
    files, same = SourceFiles(named(1_000)), tuple(named(1_000))
    assert (files[0], files[-1], files[700]) == (same[0], same[-1], same[700])
    assert (files[::300], files[998:]) == (same[::300], same[998:])
    with pytest.raises(IndexError):
        _ = files[1_000]


def test_lists_of_the_same_files_are_equal() -> None:
    assert SourceFiles(named(3)) == SourceFiles(named(3))
    assert SourceFiles(named(3)) != SourceFiles(named(4))


def test_python_holds_as_much_of_many_files_as_of_few() -> None:
    assert held(20_000) < 1.2 * held(2_000) + 10_000


def held(count: int) -> int:
    """Return the bytes at most, while a list is made and walked through."""
    tracemalloc.start()
    try:
        assert sum(file.size for file in SourceFiles(named(count))) == count * (count - 1) // 2
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
