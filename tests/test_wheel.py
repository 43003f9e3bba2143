"""What users install: the built wheel, in an environment that holds nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import agent

REPOSITORY = Path(agent.__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", target, REPOSITORY, cwd=target)
    [built] = target.glob("*.whl")
    return built


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(400)
def test_the_wheel_holds_the_packages_and_their_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"agent", "evals", f"fury_agent-{agent.__version__}.dist-info"}
    assert {"evals/data/fury-2.0.0/development.jsonl", "agent/web/static/index.html"} <= set(names)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(400)
def test_the_wheel_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Without extras: help works, and what needs an extra says which."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    constraints = REPOSITORY / "constraints.txt"
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", "--constraint", constraints, wheel, cwd=tmp_path)
    assert "ask" in run(tmp_path / "venv" / "bin" / "fury-agent", "--help", cwd=tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "lib.py").write_text('def f():\n    """Do it."""\n')
    settings = "import agent.settings as s; s = s.load_settings(data_dir='data')"
    program = f"{settings}; from agent.index_build import build; build('./lib', s)"
    done = subprocess.run([python, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "pip install 'fury-agent" in done.stderr
