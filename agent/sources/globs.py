"""Glob patterns over POSIX paths, where `**` stands for any number of directories."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_REGEX = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """Return a regex for `fullmatch`; all but `**/`, `**`, `*` and `?` stands for itself."""
    return re.compile("".join(_REGEX.get(token) or re.escape(token) for token in _TOKEN.findall(pattern)), re.DOTALL)


def first_match(path: str, patterns: tuple[str, ...]) -> str | None:
    """Return the first of `patterns` that `path` matches."""
    return next((pattern for pattern in patterns if compile_glob(pattern).fullmatch(path)), None)
