"""Which packages of a tree must be read together."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator

from agent.schema import SourceTree

_STAR_IMPORT = re.compile(rb"^[ \t]*from[ \t]+(\w+)[\w.]*[ \t]+import[ \t]*\*", re.MULTILINE)


def groups(tree: SourceTree) -> list[array[int]]:
    """Group the files of Python modules by top-level module; those that star-import from one another need each other.

    Returns:
        Of each group, the numbers of its files in `tree.files`: four bytes of each file.
    """
    together = {root: {root} for _, root in _modules(tree)}
    for number, root in _modules(tree) if len(together) > 1 else ():
        file = tree.files[number]
        for match in _STAR_IMPORT.finditer(tree.read(file)):
            other = match[1].decode()
            if other in together and other not in together[root]:
                joined = together[root] | together[other]
                together |= dict.fromkeys(joined, joined)
    groups: dict[str, array[int]] = defaultdict(lambda: array("i"))
    for number, root in _modules(tree):
        groups[min(together[root])].append(number)
    return [groups[first] for first in sorted(groups)]


def _modules(tree: SourceTree) -> Iterator[tuple[int, str]]:
    """Yield the number and top-level module of each file that can be imported."""
    for number, file in enumerate(tree.files):
        if file.module and file.language == "python":
            yield number, file.module.partition(".")[0]
