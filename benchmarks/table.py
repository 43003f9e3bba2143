"""The row that every benchmark returns."""

from __future__ import annotations

from msgspec import Struct


class Row(Struct, frozen=True):
    """One measured figure.

    Attributes:
        target: what it is held to, in words (`>= 0.8`), or empty where it only informs.
        ok: whether the target was met, or None where there is none.
    """

    name: str
    value: float
    unit: str
    target: str = ""
    ok: bool | None = None
