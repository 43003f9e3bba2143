"""Which packages of a tree must be read together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.schema import SourceFile, SourceTree

_STAR_IMPORT = re.compile(rb"^[ \t]*from[ \t]+(\w+)[\w.]*[ \t]+import[ \t]*\*", re.MULTILINE)


def groups(tree: SourceTree, files: Sequence[SourceFile]) -> list[list[SourceFile]]:
    """Group files by top-level module; those that star-import from one another need each other."""
    together = {root: {root} for file in files for root in [_root(file)]}
    for file in files if len(together) > 1 else ():
        root = _root(file)
        for match in _STAR_IMPORT.finditer(tree.read(file)):
            other = match[1].decode()
            if other in together and other not in together[root]:
                joined = together[root] | together[other]
                together |= dict.fromkeys(joined, joined)
    groups: dict[str, list[SourceFile]] = {}
    for file in files:
        groups.setdefault(min(together[_root(file)]), []).append(file)
    return list(groups.values())


def _root(file: SourceFile) -> str:
    return (file.module or "").partition(".")[0]
