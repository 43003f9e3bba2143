"""Which names of archive members can become paths of files."""

from __future__ import annotations

import posixpath
import re

from agent.errors import UnsafeArchive

_MAX_COMPONENT = 255  # bytes; the limit of common file systems
_MAX_PATH = 512  # bytes; leaves room for the directory that it goes into


def is_absolute(path: str) -> bool:
    """Whether a path with `/` between its parts is absolute, here or on Windows."""
    return path.startswith("/") or re.match("[A-Za-z]:", path) is not None


def link_leads_out(directory: str, target: str) -> bool:
    """Whether a link in `directory` to `target` points outside of what both are relative to."""
    slashed = target.replace("\\", "/")
    place = posixpath.normpath(posixpath.join(directory, slashed))
    return is_absolute(slashed) or place == ".." or place.startswith("../")


def split_name(name: str) -> tuple[str, ...] | None:
    """Return the parts of a member's path; None where nothing should have such a name.

    Raises:
        UnsafeArchive: the name leads out of the archive.
    """
    slashed = name.replace("\\", "/")
    if is_absolute(slashed) or ".." in slashed.split("/"):
        raise UnsafeArchive(f"The archive's member {name!r} leads out of it.")
    parts = tuple(part for part in slashed.split("/") if part not in ("", "."))
    if not parts:
        return ()
    if not name.isprintable():  # also surrogates, which stand for bytes that are no UTF-8
        return None
    sizes = [len(part.encode()) for part in parts]
    return parts if max(sizes) <= _MAX_COMPONENT and sum(sizes) + len(sizes) <= _MAX_PATH else None
