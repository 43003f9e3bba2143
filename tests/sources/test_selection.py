"""Which files are kept, what they are, and why others are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.errors import InvalidInput
from agent.schema import SourceTree
from agent.settings import Settings, load_settings
from agent.sources.globs import compile_glob
from agent.sources.selection import Selection, select
from tests.sources.conftest import write_tree

GOLD = Path(__file__).parents[2] / "evals/data/fury-2.0.0/development.jsonl"


def selected(root: Path, files: dict[str, str | bytes], settings: Settings, library: str = "nice") -> Selection:
    return select(write_tree(root, files), library, settings)


def roles(selection: Selection) -> dict[str, tuple[str, str, str | None]]:
    return {file.path: (file.role, file.language, file.module) for file in selection.files}


def test_every_gold_place_of_the_evals_is_kept(fury_tree: SourceTree) -> None:
    kept = {file.path for file in fury_tree.files}
    cases = [json.loads(line) for line in GOLD.read_text().splitlines()]
    gold = {place["path"] for case in cases for place in [*case["gold"], *case.get("also_ok", [])]}
    assert len(gold) > 40
    assert gold - kept == set()


def test_what_fury_is_made_of(fury_tree: SourceTree) -> None:
    files = {file.path: file for file in fury_tree.files}
    assert (fury_tree.packages, fury_tree.revision) == (("fury",), "v2.0.0")
    assert fury_tree.url_template == "https://github.com/fury-gl/fury/blob/v2.0.0/{path}#L{start}-L{end}"
    assert files["fury/actor/curved.py"].module == "fury.actor.curved"
    assert files["fury/actor/__init__.py"].module == files["fury/actor/__init__.pyi"].module == "fury.actor"
    assert files["docs/examples/viz_show.py"].role == "example"
    assert files["docs/examples/_ui.rst"].role == "docs"
    assert files["docs/source/migration_guide_v2.0.rst"].role == "docs"
    assert {file.role for path, file in files.items() if path.endswith(".wgsl")} == {"package"}
    assert not [path for path in files if "/posts/" in path or "/tests/" in path or path.startswith("tools/")]
    assert {"binary", "blog posts", "generated", "other", "tests", "tooling"} == set(fury_tree.skipped)
    assert (len(files), sum(fury_tree.skipped.values())) == (148, 488)


def test_roles_languages_and_modules(tmp_path: Path, settings: Settings) -> None:
    selection = selected(
        tmp_path,
        {
            "nice/__init__.py": "",
            "nice/core.pyi": "x: int\n",
            "nice/fast.pyx": "cdef int x\n",
            "nice/not-a-module.py": "x = 1\n",
            "nice/shaders/a.wgsl": "fn main() {}\n",
            "nice/README.md": "# Inside\n",
            "docs/guide.rst": "Guide\n",
            "docs/topics/auth.txt": "Auth\n",
            "docs/conf.py": "x = 1\n",
            "examples/basic.py": "x = 1\n",
            "examples/sub/light.glsl": "void main() {}\n",
            "setup.py": "x = 1\n",
            "pyproject.toml": "",
        },
        settings,
    )
    assert selection.packages == ("nice",)
    assert roles(selection) == {
        "docs/guide.rst": ("docs", "rst", None),
        "docs/topics/auth.txt": ("docs", "rst", None),
        "examples/basic.py": ("example", "python", None),
        "examples/sub/light.glsl": ("example", "glsl", None),
        "nice/README.md": ("docs", "markdown", None),
        "nice/__init__.py": ("package", "python", "nice"),
        "nice/core.pyi": ("package", "python", "nice.core"),
        "nice/fast.pyx": ("package", "python", "nice.fast"),
        "nice/not-a-module.py": ("package", "python", None),
        "nice/shaders/a.wgsl": ("package", "wgsl", None),
        "pyproject.toml": ("docs", "text", None),
    }
    assert selection.skipped == {"tooling": 2}


@pytest.mark.parametrize(
    ("files", "packages", "module"),
    [
        (["src/nice/__init__.py", "docs/__init__.py", "tests/__init__.py"], ("src/nice",), "nice"),
        (["lib/nice/__init__.py"], ("lib/nice",), "nice"),
        (["a/__init__.py", "b/__init__.pyi", "examples/__init__.py"], ("a", "b"), "a"),
        (["nice.py", "setup.py"], ("nice.py",), "nice"),
        (["src/other.py"], ("src/other.py",), "other"),
        (["group/nice/__init__.py", "docs/source/__init__.py"], ("group",), "group.nice"),
    ],
)
def test_where_packages_are_found(
    tmp_path: Path, settings: Settings, files: list[str], packages: tuple[str, ...], module: str
) -> None:
    selection = selected(tmp_path, dict.fromkeys(files, "x = 1\n"), settings)
    assert selection.packages == packages
    assert selection.files[0].module == module


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("nice/tests/test_a.py", "x = 1\n", "tests"),
        ("docs/posts/2020/a.rst", "Post\n", "blog posts"),
        ("nice/_vendor/six.py", "x = 1\n", "vendored"),
        ("nice/_version.py", "x = 1\n", "generated"),
        ("nice/data.npz", b"PK\0\0", "binary"),
        ("nice/data.json", "{}", "other"),
        ("nice/notes.txt", "Notes", "other"),
        ("docs/requirements.txt", "sphinx", "tooling"),
        ("nice/a.py", b"x = '\0'\n", "binary"),
        ("nice/a.py", b"x = '\xff'\n", "binary"),
        ("nice/a.py", "# Generated by protoc. DO NOT EDIT!\nx = 1\n", "generated"),
        ("nice/a.py", "#!/usr/bin/python\n\n# This file was automatically generated by SWIG\nx = 1\n", "generated"),
        ("docs/a.rst", ".. DO NOT EDIT.\n\nTitle\n", "generated"),
        ("docs/a.md", "<!-- generated from a.py -->\n# Title\n", "generated"),
        ("nice/a.py", "x=1;" * 1000, "minified"),
        ("nice/a.py", "x = 1\n" * 200_000, "too large"),
    ],
)
def test_reasons(tmp_path: Path, settings: Settings, path: str, content: str | bytes, reason: str) -> None:
    selection = selected(tmp_path, {"nice/__init__.py": "", path: content}, settings)
    assert selection.skipped == {reason: 1}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("nice/a.py", '"""Do not edit the files generated by this module."""\n# do not edit\n'),
        ("nice/a.py", "# The noise is generated by Perlin's method\nx = 1\n"),
        ("nice/a.py", "x = 1\n# Generated by hand, do not edit\n"),
        ("nice/a.py", f"x = '{'y' * 2000}'\n" + "x = 1\n" * 20),
        ("docs/a.rst", "word " * 400 + "\n"),
        ("docs/a.md", "# Code generated by our tool\n\n" + "Text. " * 10),
        ("nice/empty.py", ""),
    ],
)
def test_real_files_are_not_mistaken(tmp_path: Path, settings: Settings, path: str, content: str) -> None:
    selection = selected(tmp_path, {"nice/__init__.py": "", path: content}, settings)
    assert path in {file.path for file in selection.files}


def test_foreign_directories_are_not_looked_into(tmp_path: Path, settings: Settings) -> None:
    selection = selected(
        tmp_path,
        {
            "nice/__init__.py": "",
            ".git/x.py": "",
            ".venv/x.py": "",
            "env/pyvenv.cfg": "",
            "env/lib/x.py": "",
            "nice/__pycache__/x.py": "",
            "node_modules/x/__init__.py": "",
        },
        settings,
    )
    assert list(roles(selection)) == ["nice/__init__.py"]
    assert selection.skipped == {}


def test_links_are_counted_and_not_followed(tmp_path: Path, settings: Settings) -> None:
    secret = write_tree(tmp_path / "outside", {"secret.rst": "secret\n"})
    root = write_tree(tmp_path / "root", {"nice/__init__.py": ""})
    (root / "secret.rst").symlink_to(secret / "secret.rst")
    (root / "folder").symlink_to(secret)
    selection = select(root, "nice", settings)
    assert (list(roles(selection)), selection.skipped) == (["nice/__init__.py"], {"link": 1})


def test_rules_are_those_of_the_settings(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"nice/__init__.py": "", "nice/a.txt": "a\n", "nice/b.py": "", "show/c.py": "c\n"}
    own = load_settings(
        source_include=("**/*.py", "**/*.txt"), source_exclude=("nice/b.*",), source_example_dirs=("show",)
    )
    selection = selected(tmp_path, files, own)
    assert {path: role for path, (role, *_) in roles(selection).items()} == {
        "nice/__init__.py": "package",
        "nice/a.txt": "docs",
        "show/c.py": "example",
    }
    assert selection.skipped == {"excluded": 1}


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="more than 2 files"):
        selected(tmp_path, dict.fromkeys("abc", ""), load_settings(source_max_archive_files=2))


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("**/tests/**", ["tests/a", "a/b/tests/c/d"], ["tests", "mytests/a"]),
        ("**/*.py", ["a.py", "a/b.py"], ["a.pyc", "a/b.pyi"]),
        ("pyproject.toml", ["pyproject.toml"], ["a/pyproject.toml", "pyprojectXtoml"]),
        ("a/?.[x]", ["a/b.[x]"], ["a/b.x", "a//.[x]"]),
        ("a*b", ["ab", "axb"], ["a/b"]),
    ],
)
def test_globs(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [path for path in [*matching, *others] if compile_glob(pattern).fullmatch(path)] == matching
