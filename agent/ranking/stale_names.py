"""Pages and examples that outlived the code: they name what this version does not have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from packaging.utils import canonicalize_name

from agent.dotted_names import is_file_or_site
from agent.manifest import Manifest
from agent.symbols import ApiModel
from agent.symbols.guides import MIGRATION_FILE

_SHOWN = 3
_NO_REQUIREMENTS = frozenset(
    {
        "python",
        "pip",
        "conda",
        "setuptools",
        "cuda",
        "opengl",
        "vulkan",
        "openmp",
        "mpi",
        "gcc",
        "cmake",
        "git",
        "linux",
    }
)
"""Which nobody writes into the requirements of a Python package."""


class StaleNames:
    """Tells which names of a passage are not there any more.

    Args:
        manifest: knows the names in each passage.
        api: knows which of them exist.
    """

    def __init__(self, manifest: Manifest, api: ApiModel) -> None:
        self._manifest = manifest
        self._api = api
        self._exempt = _NO_REQUIREMENTS | {canonicalize_name(root) for root in api.roots}

    def find(self, ids: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return chunk id -> missing names, and `requirement PACKAGE`, for those chunks that have any.

        A migration guide names what went because it went: nothing of it is stale. What the sources cannot tell is not
        accused.
        """
        missing: dict[str, list[str]] = defaultdict(list)
        for identifier, name in self._manifest.used_by(ids):
            if self._is_missing(name):
                missing[identifier].append(name)
        for identifier, package in self._not_required(ids):
            missing[identifier].append(f"requirement {package}")
        paths = self._manifest.paths(missing)
        return {id_: tuple(names) for id_, names in missing.items() if not MIGRATION_FILE.search(paths[id_])}

    def _not_required(self, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield (chunk id, package) for what a list asks for and the library does not, though for others of the list.

        A list of which the library asks for nothing is of something else: compilers, another project.
        """
        for identifier, rows in groupby(self._manifest.required_by(ids), key=itemgetter(0)):
            asked = {package: is_asked for _, package, is_asked in rows if package not in self._exempt}
            if any(asked.values()):
                yield from ((identifier, package) for package, is_asked in asked.items() if not is_asked)

    def _is_missing(self, name: str) -> bool:
        rooted = name.partition(".")[0] in self._api.roots and not is_file_or_site(name)
        return rooted and self._api.presence(name) == "unknown"


def outdated(names: Sequence[str]) -> str:
    """Return what a reader must know of a passage that has stale names, in brackets, or nothing."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f" (outdated: there is no {', '.join(names[:_SHOWN])}{more} any more)" if names else ""
