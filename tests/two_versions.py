"""A small library in two versions, of which the newer one lacks much of the older one."""

from __future__ import annotations

from pathlib import Path

from agent.index_build import build
from agent.settings import Settings
from tests.support import HashEmbedding

OLD = {
    "pyproject.toml": '[project]\nname = "demo"\nversion = "0.10.0"\n',
    "demo/__init__.py": "",
    "demo/actor.py": '''"""Actors."""


def odf_slicer(odfs):
    """Slice orientation distributions."""


def sphere(center):
    """Create a sphere."""


def cube(center):
    """Create a cube."""


def slicer(data):
    """Slice a volume."""


class Scene(External):
    """Holds actors."""

    def rm(self, actor):
        """Remove an actor."""
''',
}
NEW = {
    "pyproject.toml": '[project]\nname = "demo"\nversion = "2.0.0"\n',
    "demo/__init__.py": "",
    "demo/actor/__init__.py": '''"""Actors."""


def sph_glyph(coefficients):
    """Show spherical harmonics."""


def sphere(centers):
    """Create spheres."""


class Scene(External):
    """Holds actors."""
''',
    "demo/actor/slicer.py": '"""Helpers to slice."""\n',
    "docs/migration_guide.rst": """Migration
=========

``actor.sph_glyph`` replaces ``odf_slicer``.

``slicer`` was renamed to ``sph_glyph``.

Do not call ``GetProperty()``: it was removed.
""",
}


def index_two_versions(root: Path) -> Settings:
    """Write and index both versions below `root`; the newer one is the default, and there is no model."""
    settings = Settings(data_dir=root / "data", llm="none")
    for name, files in (("old", OLD), ("new", NEW)):
        for path, text in files.items():
            (root / name / path).parent.mkdir(parents=True, exist_ok=True)
            (root / name / path).write_text(text)
        settings = settings.model_copy(update={"library": str(root / name)})
        build(settings.library, settings, embedding=HashEmbedding())
    return settings
