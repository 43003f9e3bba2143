"""Fingerprints say which files must be chunked again, and take the same memory for any number of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import chain

from agent.building.fingerprints import Unchanged, fingerprints
from agent.schema import SourceFile

PUBLIC = {"demo.core.Sphere": "demo.Sphere", "demo.core.Sphere.draw": "demo.Sphere.draw", "demo.io.load": "demo.load"}


def python(module: str, sha256: str = "0" * 64) -> SourceFile:
    return SourceFile(f"{module.replace('.', '/')}.py", "python", "package", module, 1, sha256)


FILES = (python("demo"), python("demo.core"), python("demo.io"), SourceFile("a.rst", "rst", "docs", None, 1, "1" * 64))


def test_a_public_name_changes_the_file_of_its_definition_alone() -> None:
    before = {**fingerprints(FILES, PUBLIC)}
    after = fingerprints(FILES, PUBLIC | {"demo.core.Sphere.draw": "demo.shapes.Sphere.draw"})
    assert [path for path in before if before[path] != after[path]] == ["demo/core.py"]


def test_the_order_of_names_does_not_matter_and_none_hides_another() -> None:
    """Definitions of one module need not come one after the other."""
    mixed = {path: PUBLIC[path] for path in ("demo.core.Sphere", "demo.io.load", "demo.core.Sphere.draw")}
    assert {**fingerprints(FILES, mixed)} == {**fingerprints(FILES, PUBLIC)}
    for left_out in PUBLIC:
        rest = {path: public for path, public in mixed.items() if path != left_out}
        assert {**fingerprints(FILES, rest)} != {**fingerprints(FILES, PUBLIC)}


def test_all_that_chunks_depend_on_counts() -> None:
    changed = (python("demo.core", "2" * 64), SourceFile("demo/core.py", "python", "example", "demo.core", 1, "0" * 64))
    moved = SourceFile("src/demo/core.py", "python", "package", "demo.core", 1, "0" * 64)
    prints = {print_ for file in (FILES[1], *changed, moved) for print_ in fingerprints([file], PUBLIC).values()}
    assert len(prints) == 4


def test_unchanged_is_what_has_the_same_fingerprint_in_both() -> None:
    unchanged = Unchanged(now={"a": "1", "b": "2", "new": "3"}, before={"a": "1", "b": "9", "gone": "4"})
    assert [path for path in ("a", "b", "new", "gone", "never") if path in unchanged] == ["a"]


def test_python_holds_as_much_for_many_files_as_for_few() -> None:
    assert held(40_000) < 1.2 * held(10_000)


def held(count: int) -> int:
    """Return the bytes at most, while fingerprints are made and read."""
    tracemalloc.start()
    try:
        prints = fingerprints(Many(count), Names(count))
        assert len({print_[:2] for print_ in prints.values()}) == 256
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Many:
    """Files that are made when they are walked through."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[SourceFile]:
        return (python(f"demo.module_{number:06d}") for number in range(self.count))


class Names(dict[str, str]):
    """Public paths that are made when they are walked through."""

    def __init__(self, count: int) -> None:
        self.count = count

    def items(self) -> Iterator[tuple[str, str]]:  # pyright: ignore[reportIncompatibleMethodOverride] - all that is used
        modules = (f"demo.module_{number:06d}" for number in range(self.count))
        return chain.from_iterable(((f"{name}.one", "demo.one"), (f"{name}.two", "demo.two")) for name in modules)
