"""What tells one served embedding model from another: the beginning of what it makes of a known text.

A server does not tell its weights, and its numbers waver a little between machines, batches and precisions: signatures
are compared by their cosine, never for equality.
"""

from __future__ import annotations

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

PROBED = 64
"""Coordinates that a signature keeps."""
ALIKE = 0.99
"""Cosine of two signatures of one model, at least; those of different models have nothing to do with each other."""


def same_weights(one: str, other: str) -> bool:
    """Return whether two revisions of served models, as `ServedEmbedding.revision` gives them, are of one model."""
    if one == other:
        return True
    (dimension, first), (other_dimension, second) = _parts(one), _parts(other)
    if dimension != other_dimension or len(first) != len(second):
        return False
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return lengths > 0 and float(first @ second) / lengths > ALIKE


def signature(vector: NDArray[np.float32]) -> str:
    """Return `DIMENSION:BASE64`, the latter the first coordinates in steps of 1/127 of the largest among them."""
    first = vector[:PROBED]
    steps = np.round(first / max(float(np.abs(first).max()), 1e-9) * 127).astype(np.int8)
    return f"{len(vector)}:{base64.urlsafe_b64encode(steps.tobytes()).decode()}"


def _parts(revision: str) -> tuple[str, NDArray[np.float32]]:
    """Return the dimension and the coordinates; none where the revision is another kind's."""
    dimension, _, encoded = revision.partition(":")
    try:
        return dimension, np.frombuffer(base64.urlsafe_b64decode(encoded), np.int8).astype(np.float32)
    except (binascii.Error, ValueError):
        return dimension, np.empty(0, np.float32)
