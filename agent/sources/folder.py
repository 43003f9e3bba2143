"""What a folder that is read in place is a revision of."""

from __future__ import annotations

import hashlib

from agent.schema import SourceTree
from agent.sources.git import tracked_blobs


def committed_at(tree: SourceTree) -> str | None:
    """Return the commit whose files the kept ones are, byte for byte; None where they differ or git does not know."""
    tracked = tracked_blobs(tree.root)
    if tracked is None:
        return None
    commit, blobs = tracked
    algorithm = "sha1" if len(commit) == 40 else "sha256"  # noqa: PLR2004 - hex digits of SHA-1
    unchanged = all(_object_name(tree.read(file), algorithm) == blobs.get(file.path) for file in tree.files)
    return commit if unchanged else None


def _object_name(content: bytes, algorithm: str) -> str:
    """Return the name that git gives these bytes."""
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
