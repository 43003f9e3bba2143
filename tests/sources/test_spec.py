"""SPEC, as users write it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InvalidInput
from agent.sources import FolderSpec, GitSpec, PackageSpec, parse_spec

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,10}[a-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9]{1,2})?", fullmatch=True)
REFS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_/-]{0,15}", fullmatch=True)


@given(NAMES, st.none() | VERSIONS)
def test_packages_round_trip(name: str, version: str | None) -> None:
    spec = parse_spec(name if version is None else f" {name} == {version} ")
    assert isinstance(spec, PackageSpec)
    assert (spec.version is None) == (version is None)
    assert parse_spec(str(spec)) == spec


@given(st.sampled_from(["https", "http", "ssh", "file"]), NAMES, st.none() | REFS)
def test_repositories_round_trip(scheme: str, name: str, ref: str | None) -> None:
    text = f"git+{scheme}://host/a@b/{name}.git" + (f"@{ref}" if ref else "@main")
    spec = parse_spec(text)
    assert isinstance(spec, GitSpec)
    assert spec.ref == (ref or "main")
    assert str(spec) == text
    assert parse_spec(str(spec)) == spec


@given(st.text())
def test_any_text_is_a_spec_or_invalid_input(text: str) -> None:
    with suppress(InvalidInput):
        assert parse_spec(text).library


def test_a_folder_round_trips_and_is_named_by_its_project(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    assert parse_spec(str(folder)) == FolderSpec("checkout", None, folder.resolve())
    (folder / "pyproject.toml").write_text('[project]\nname = "Nice_Lib"\n')
    spec = parse_spec(f"{tmp_path}/./checkout")
    assert spec.library == "nice-lib"
    assert parse_spec(str(spec)) == spec


def test_a_bare_word_is_a_package_even_where_a_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fury").mkdir()
    monkeypatch.chdir(tmp_path)
    assert isinstance(parse_spec("fury"), PackageSpec)
    assert isinstance(parse_spec("./fury"), FolderSpec)


@pytest.mark.parametrize(
    ("ref", "version"),
    [("v2.0.0", "2.0.0"), ("2.0", "2.0"), ("main", None), ("2024", None), ("1" * 40, None), ("release-1.0", None)],
)
def test_a_ref_tells_the_version_only_where_it_spells_one(ref: str, version: str | None) -> None:
    assert parse_spec(f"git+https://github.com/fury-gl/fury@{ref}").version == version


def test_user_and_host_are_not_taken_for_a_ref() -> None:
    spec = parse_spec("git+ssh://git@github.com/fury-gl/fury.git")
    assert isinstance(spec, GitSpec)
    assert (spec.library, spec.url, spec.ref) == ("fury", "ssh://git@github.com/fury-gl/fury.git", None)


def test_credentials_never_show() -> None:
    spec = parse_spec("git+https://me:hunter2@host/fury@main")
    assert isinstance(spec, GitSpec)
    assert "hunter2" in spec.url
    assert "hunter2" not in f"{spec} {spec!r}"
    with pytest.raises(InvalidInput) as caught:
        parse_spec("git+https://me:hunter2@host/fury@-x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fury>=2",
        "fury[all]==2",
        "fury==2.*",
        "fury==",
        "--help",
        "a b",
        "git+",
        "git+ext::sh -c true",
        "git+git://host/fury",
        "git+https://host/",
        "git+https://host/fury@--upload-pack=x",
        "git+https://host/fury@+refs/heads/x",
        "git+https://host/fury@a:b",
        "git+https://host/fury@a..b",
        "git+https://host/fury@",
        "git+ssh://-oProxyCommand=x/fury",
        "git+ssh://git@-oProxyCommand=x/fury",
        "git+https://host/fury#egg=x",
        "git+https://[host/fury",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_spec(text)
    assert caught.value.remedy
    assert caught.value.field == "library"
