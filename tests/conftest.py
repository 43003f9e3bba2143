"""Shared parts: real sources, real weights and a clean environment.

Weights and sources are read from the configured data directory, where the program itself keeps them (verified by
digest), so that a machine holds them once; everything a test writes goes to its own temporary directory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.settings import PREFIX, Settings

if TYPE_CHECKING:
    from agent.schema import SourceTree

SHARED_DATA = Settings().data_dir
for name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[name]


@pytest.fixture(scope="session")
def shared_settings() -> Settings:
    """Settings that read the machine's weights and sources; not for building indexes."""
    return Settings(data_dir=SHARED_DATA)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with an empty data directory of the test's own."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture(scope="session")
def fury_tree(shared_settings: Settings) -> SourceTree:
    """The real sources of FURY 2.0.0."""
    from agent.sources import open_source

    return open_source("fury==2.0.0", shared_settings)
