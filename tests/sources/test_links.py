"""Links to lines, and what projects say about themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ConfigurationError, SourceNotFound
from agent.settings import Settings, load_settings
from agent.sources import open_source
from agent.sources.links import find_repository, repository_at, url_template
from agent.sources.metadata import Metadata, read_metadata
from tests.sources.conftest import write_tree


@pytest.mark.parametrize(
    ("url", "revision", "expected"),
    [
        ("https://github.com/o/r/issues", "v1", "https://github.com/o/r/blob/v1/a.py#L1-L2"),
        ("https://www.github.com/o/r.git", "v1", "https://github.com/o/r/blob/v1/a.py#L1-L2"),
        ("ssh://git@github.com/o/r.git", "v1", "https://github.com/o/r/blob/v1/a.py#L1-L2"),
        ("https://u:p@github.com/o/r", "v1", "https://github.com/o/r/blob/v1/a.py#L1-L2"),
        ("https://gitlab.com/g/s/r/-/tree/main", "v1", "https://gitlab.com/g/s/r/-/blob/v1/a.py#L1-2"),
        ("https://gitlab.example.org/g/r", "v1", "https://gitlab.example.org/g/r/-/blob/v1/a.py#L1-2"),
        ("https://bitbucket.org/o/r", "v1", "https://bitbucket.org/o/r/src/v1/a.py#lines-1:2"),
        ("https://codeberg.org/o/r", "v1", "https://codeberg.org/o/r/src/tag/v1/a.py#L1-L2"),
        ("https://codeberg.org/o/r", "0" * 40, f"https://codeberg.org/o/r/src/commit/{'0' * 40}/a.py#L1-L2"),
        ("https://github.com/o/r", "v1+{path}", "https://github.com/o/r/blob/v1%2B%7Bpath%7D/a.py#L1-L2"),
    ],
)
def test_layouts_of_forges(url: str, revision: str, expected: str) -> None:
    repository = repository_at(url)
    assert repository is not None
    template = url_template(repository, revision)
    assert template is not None
    assert template.format(path="a.py", start=1, end=2) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/o/r",
        "https://github.com/o",
        "https://github.com/sponsors/o",
        "https://github.com/o/{start}",
        "https://github.com/../r",
        "https://o.github.io/r",
        "https://fury.gl",
        "javascript://github.com/o/r",
        "https://[github.com/o/r",
        "",
    ],
)
def test_no_link_where_the_place_is_not_certain(url: str) -> None:
    assert repository_at(url) is None


@given(st.text(), st.text(max_size=8))
def test_whatever_the_url_a_template_is_https_and_has_our_fields_only(path: str, revision: str) -> None:
    repository = repository_at(f"https://github.com/{path}")
    template = repository and url_template(repository, revision)
    if template:
        assert template.format(path="", start=1, end=2).startswith("https://github.com/")


def test_source_labels_come_first() -> None:
    urls = (("homepage", "https://github.com/o/site"), ("source code", "https://github.com/o/r"))
    assert find_repository(urls) == "https://github.com/o/r"
    assert find_repository(urls[:1]) == "https://github.com/o/site"
    assert find_repository(()) is None


def test_the_configured_template_wins(tmp_path: Path) -> None:
    write_tree(tmp_path, {"nice/__init__.py": ""})
    own = load_settings(source_url_template="https://x/{path}?{start}-{end}")
    assert open_source(str(tmp_path), own).url_template == "https://x/{path}?{start}-{end}"


@pytest.mark.parametrize(
    "template", ["https://x/", "{path}", "https://x/{path}{line}", "https://x/{path", "file:///{path}"]
)
def test_a_template_that_cannot_be_used_is_refused(tmp_path: Path, template: str) -> None:
    with pytest.raises(ConfigurationError, match="source_url_template"):
        open_source(str(tmp_path), load_settings(source_url_template=template))


def test_a_missing_folder(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="missing"):
        open_source(str(tmp_path / "missing"), settings)


def test_core_metadata_wins_over_pyproject(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "PKG-INFO": "Name: A_b\nVersion: 1.0-rc1\nProject-URL: Source, https://s\nHome-page: https://h\n\nName: c",
            "pyproject.toml": '[project]\nname = "other"\nversion = "2"\nurls.Home = "https://other"\n',
        },
    )
    assert read_metadata(tmp_path) == Metadata("a-b", "1.0rc1", (("source", "https://s"), ("homepage", "https://h")))


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"pyproject.toml": '[project]\nversion = "1.5"\n'}, "1.5"),
        ({"pyproject.toml": '[tool.poetry]\nversion = "1.6"\n'}, "1.6"),
        ({"nice/__init__.py": "import os\n__version__: str = '1.7'\n"}, "1.7"),
        ({"src/nice/__init__.py": "__version__ = '1.8'\n"}, "1.8"),
        ({"nice/__init__.py": "__version__ = compute()\n"}, None),
        ({"nice/__init__.py": "__version__ = '../../etc'\n"}, None),
        ({"nice/__init__.py": "def broken(:\n"}, None),
        ({"nice/__init__.py": b"\0"}, None),
        ({"pyproject.toml": "[[[", "PKG-INFO": b"\xff\xfe"}, None),
        ({"pyproject.toml": 'project = 3\ntool = "x"\n'}, None),
        ({"pyproject.toml": '[project]\nname = "../../x"\nversion = "no version"\n[project.urls]\na = 3\n'}, None),
    ],
)
def test_versions_are_read_not_run(tmp_path: Path, files: dict[str, str | bytes], version: str | None) -> None:
    write_tree(tmp_path, files)
    assert read_metadata(tmp_path) == Metadata(version=version)
    assert open_source(str(tmp_path), load_settings()).version == (version or "local")


def test_requirements_of_all_kinds_and_places_are_read(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "PKG-INFO": "Requires-Dist: NumPy>=2\nRequires-Dist: dip_y; extra == 'medical'\nRequires-Dist: ???\n",
            "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n[project]\ndependencies = ["scipy", "?"]\n'
            '[project.optional-dependencies]\nplot = ["matplotlib>=3"]\n[dependency-groups]\ntest = ["pytest"]\n',
        },
    )
    assert read_metadata(tmp_path).requirements == ("dip-y", "hatchling", "matplotlib", "numpy", "pytest", "scipy")


def test_requirements_of_poetry_are_read(tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.10"\nvtk = ">=9"\n'})
    assert read_metadata(tmp_path).requirements == ("python", "vtk")


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[build-system]\nrequires = ["numpy"]\n[project]\ndynamic = ["dependencies"]\n'},
        {"PKG-INFO": f"Name: a\nRequires-Dist: a; {'(' * 5_000}\n"},
        {"PKG-INFO": "Name: a\n"},
    ],
)
def test_requirements_that_are_not_said_are_not_guessed(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    write_tree(tmp_path, files)
    assert read_metadata(tmp_path).requirements == ()


def test_groups_of_one_name_and_of_poetry_are_all_read(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "pyproject.toml": '[project]\ndependencies = ["a"]\n[project.optional-dependencies]\ntest = ["b"]\n'
            '[dependency-groups]\ntest = ["c"]\n[tool.poetry.group.dev.dependencies]\nd = "1"\n',
        },
    )
    assert read_metadata(tmp_path).requirements == ("a", "b", "c", "d")
