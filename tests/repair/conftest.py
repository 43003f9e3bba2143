"""Repairs are tried on the library that the checks are tried on."""

from tests.verification.conftest import api

__all__ = ["api"]
