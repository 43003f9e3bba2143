"""Git repositories, served from this machine."""

from __future__ import annotations

import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.errors import SourceNotFound, SourceUnreachable, UnsafeArchive
from agent.settings import Settings, child_environment, load_settings
from agent.sources import git, open_source
from tests.sources.conftest import write_tree

Git = Callable[..., str]
FILES: dict[str, str | bytes] = {
    "pyproject.toml": '[project]\nname = "nice"\nversion = "1.2"\n',
    "src/nice/__init__.py": "x = 1\n",
    ".gitattributes": "docs export-ignore\n*.py export-subst filter=evil text eol=crlf\n",
    "docs/guide.rst": "Guide\n=====\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, Git]:
    root = write_tree(tmp_path / "nice", FILES)

    def run(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        isolated = child_environment() | {"GIT_CONFIG_GLOBAL": "/dev/null"}
        command = ["git", "-C", str(root), *identity, *arguments]
        return subprocess.run(command, env=isolated, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q", "-b", "main")
    run("add", "-A")
    run("commit", "-q", "-m", "one")
    run("tag", "-a", "v1.2", "-m", "release")
    return root, run


def test_a_tag_is_fetched_at_its_commit(repository: tuple[Path, Git], settings: Settings) -> None:
    root, run = repository
    tree = open_source(f"git+file://{root}@v1.2", settings)
    assert (tree.library, tree.version, tree.revision) == ("nice", "1.2", run("rev-parse", "HEAD"))
    assert tree.packages == ("src/nice",)
    assert {file.path: file.module for file in tree.files} == {
        "docs/guide.rst": None,
        "pyproject.toml": None,
        "src/nice/__init__.py": "nice",
    }


def test_attributes_neither_drop_nor_change_files(repository: tuple[Path, Git], settings: Settings) -> None:
    root, _ = repository
    tree = open_source(f"git+file://{root}", settings)
    assert {file.path: tree.read(file) for file in tree.files}["src/nice/__init__.py"] == b"x = 1\n"


def test_without_a_ref_the_default_branch_is_taken_and_its_version_names_the_commit(
    repository: tuple[Path, Git], settings: Settings
) -> None:
    root, run = repository
    (root / "src/nice/__init__.py").write_text("x = 2\n")
    run("commit", "-q", "-a", "-m", "two")
    commit = run("rev-parse", "HEAD")
    assert open_source(f"git+file://{root}", settings).version == f"1.2+g{commit[:10]}"
    assert open_source(f"git+file://{root}@main", settings).revision == commit


def test_a_full_commit_is_opened_again_without_the_repository(repository: tuple[Path, Git], settings: Settings) -> None:
    root, run = repository
    spec = f"git+file://{root}@{run('rev-parse', 'HEAD')}"
    first = open_source(spec, settings)
    root.rename(root.with_name("gone"))
    assert open_source(spec, settings) == first
    assert [path.name.startswith("nice-git-") for path in settings.sources_dir.iterdir()] == [True]


def test_what_is_not_there(repository: tuple[Path, Git], settings: Settings, tmp_path: Path) -> None:
    root, _ = repository
    for spec in (f"git+file://{root}@nowhere", f"git+file://{root}@{'0' * 40}", f"git+file://{tmp_path}/none"):
        with pytest.raises(SourceNotFound):
            open_source(spec, settings)
    assert list(settings.sources_dir.iterdir()) == []


def test_a_refused_connection_hides_the_credentials(settings: Settings) -> None:
    with pytest.raises(SourceUnreachable) as caught:
        open_source("git+http://me:hunter2@127.0.0.1:9/nice@main", settings)
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_tree_with_a_link_that_leads_out_is_refused(repository: tuple[Path, Git], settings: Settings) -> None:
    root, run = repository
    (root / "out").symlink_to("../../etc/passwd")
    run("add", "-A")
    run("commit", "-q", "-m", "evil")
    with pytest.raises(UnsafeArchive, match="'out' leads out"):
        open_source(f"git+file://{root}", settings)
    assert list(settings.sources_dir.iterdir()) == []


def test_a_hanging_server_ends_with_its_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for git that waits for a child, as git waits for `git-remote-https`."""
    stub = tmp_path / "bin" / "git"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\ncase "$*" in *fetch*) (sleep 1; touch "$0.ran") & wait ;; *) mkdir -p "$5" ;; esac\n')
    stub.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(stub.parent), prepend=":")
    with pytest.raises(SourceUnreachable, match=r"not there after 0\.5 s"):
        open_source("git+https://me:hunter2@host/nice", load_settings(data_dir=tmp_path / "data", network_timeout=0.05))
    time.sleep(0.8)
    assert not stub.with_name("git.ran").exists()


def test_without_git_the_error_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceUnreachable, match="git is not installed"):
        open_source("git+https://host/nice", settings)


def test_a_folder_at_a_commit_has_its_revision_and_links(repository: tuple[Path, Git], settings: Settings) -> None:
    root, run = repository
    with (root / "pyproject.toml").open("a") as file:
        file.write('urls.Source = "https://gitlab.com/group/nice"\n')
    assert open_source(str(root), settings).revision.startswith("local-")
    run("commit", "-q", "-a", "-m", "urls")
    commit = run("rev-parse", "HEAD")
    tree = open_source(str(root), settings)
    assert (tree.version, tree.revision) == ("1.2", commit)
    assert tree.url_template == f"https://gitlab.com/group/nice/-/blob/{commit}/{{path}}#L{{start}}-{{end}}"

    (root / "new.rst").write_text("not committed\n")
    tree = open_source(str(root), settings)
    assert tree.revision == f"local-{tree.digest()[:12]}"
    assert tree.url_template is None


def test_opening_a_folder_runs_nothing_of_its_configuration(
    repository: tuple[Path, Git], settings: Settings, tmp_path: Path
) -> None:
    root, run = repository
    for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "core.pager"):
        run("config", name, f"touch {tmp_path}/ran")
    (root / "src/nice/__init__.py").write_text("x = 3\n")
    assert open_source(str(root), settings).revision.startswith("local-")
    assert not (tmp_path / "ran").exists()


def test_the_callers_own_repository_is_not_taken_for_ours(
    repository: tuple[Path, Git], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, run = repository
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert git.tracked_blobs(root) is not None
    monkeypatch.delenv("GIT_DIR")
    assert open_source(f"git+file://{root}", settings).revision == run("rev-parse", "HEAD")
