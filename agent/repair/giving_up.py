"""What may be tried on a program, and not at any price."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def gives_up(function: Callable[P, T | None]) -> Callable[P, T | None]:
    """Let a function return None where its program is no Python, or too deep or too large to be walked or written.

    A sum of some hundred terms is parsed, but not copied or written again (RecursionError); nor is a number of some
    thousand digits (ValueError). None is what such functions return anyway where they cannot help.
    """

    @functools.wraps(function)
    def trying(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    return trying
