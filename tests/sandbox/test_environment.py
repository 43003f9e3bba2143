"""Environments are made beside the current one, from wheels alone, and switched when they are whole."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from agent.errors import InvalidInput, SourceNotFound
from agent.sandbox import environment, find_environment, prepare, problems, readiness
from agent.sandbox.environment import Environment
from agent.settings import Settings


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that pip looks into, and nowhere else: `wheeled` has a wheel, `built` only its sources."""
    folder = tmp_path / "index"
    folder.mkdir()
    info = "wheeled-1.0.dist-info"
    with zipfile.ZipFile(folder / "wheeled-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("wheeled.py", "ANSWER = 42\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: wheeled\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    with zipfile.ZipFile(folder / "built-1.0.zip", "w") as sources:
        sources.writestr("built-1.0/setup.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path


def test_a_release_is_prepared_and_found(settings: Settings, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the same is already to be found on the path of this process, which the walls leave outside."""
    with zipfile.ZipFile(index / "index" / "wheeled-1.0-py3-none-any.whl") as wheel:
        wheel.extractall(index / "path")
    monkeypatch.setenv("PYTHONPATH", str(index / "path"), prepend=":")
    assert find_environment(settings, "wheeled", "1.0") is None
    made = prepare("wheeled==1.0", settings)
    assert find_environment(settings, "wheeled", "1.0") == made
    assert made.has("wheeled.py")
    assert not made.has("vtkmodules")
    assert (made.python / "bin").is_dir()


def test_nobodys_build_code_is_run_and_nothing_half_made_stays(settings: Settings, index: Path) -> None:
    with pytest.raises(SourceNotFound, match=re.escape("built==1.0")):
        prepare("built==1.0", settings)
    assert not (index / "ran").exists()
    assert find_environment(settings, "built", "1.0") is None
    assert [path.name for path in (settings.environments_dir / "built" / "1.0").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("spec", ["wheeled", ".", "git+https://example.org/x/y@v1"])
def test_only_a_release_can_be_prepared(settings: Settings, spec: str) -> None:
    with pytest.raises(InvalidInput, match="NAME==VERSION"):
        prepare(spec, settings)


def test_an_extra_is_no_option_of_pip(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="--index-url"):
        prepare("wheeled==1.0", settings, extra=["--index-url=http://evil"])


def test_the_one_before_stays_for_the_runs_that_use_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(directory: Path, requirements: list[str]) -> None:
        directory.mkdir()
        (directory / "pyvenv.cfg").write_text("home = /usr/bin\n")
        (directory / requirements[0]).touch()

    monkeypatch.setattr(environment, "_install", install)
    monkeypatch.setattr(environment, "_name", iter("abcd").__next__)
    made = [prepare("wheeled==1.0", settings) for _ in range(3)]
    assert [one.directory.exists() for one in made] == [False, True, True]
    assert find_environment(settings, "wheeled", "1.0") == made[-1] == Environment(made[-1].directory, Path("/usr"))


def test_what_is_missing_is_said_with_its_remedy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = problems(settings, "fury", "2.0.0")
    assert [problem.remedy for problem in found] == [
        "apt-get install bubblewrap",
        "fury-agent sandbox prepare 'fury==2.0.0'",
    ]


def test_an_environment_whose_drivers_are_missing_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = settings.environments_dir / "fury" / "2.0.0" / "a"
    (directory / "lib/python3/site-packages/wgpu").mkdir(parents=True)
    (directory / "pyvenv.cfg").write_text("home = /nowhere/bin\n")
    (directory.parent / "current").symlink_to("a")
    monkeypatch.setattr(readiness, "VULKAN_DRIVERS", ("/nowhere",))
    remedies = [problem.remedy for problem in problems(settings, "fury", "2.0.0")]
    assert remedies[-2:] == ["fury-agent sandbox prepare 'fury==2.0.0'", "apt-get install mesa-vulkan-drivers"]
