"""A sandbox with a plain Python, cheap to make; where walls can't be built, the tests are skipped and say why."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.sandbox import Sandbox, SandboxResult
from agent.sandbox.readiness import walls_problems
from agent.settings import load_settings

Run = Callable[..., SandboxResult]


@pytest.fixture(scope="session")
def plain_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which `plain 1.0` has an environment without any package."""
    if found := [f"{problem.found}: {problem.remedy}" for problem in walls_problems()]:
        pytest.skip("; ".join(found))
    data = tmp_path_factory.mktemp("sandbox")
    root = data / "environments" / "plain" / "1.0"
    root.mkdir(parents=True)
    python = Path(sys.base_prefix).resolve() / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([python, "-m", "venv", "--without-pip", root / "made"], check=True)
    (root / "current").symlink_to("made")
    return data


@pytest.fixture
def run(plain_data: Path) -> Run:
    """Run code with a plain Python; limits can be given."""

    def run_code(code: str, **limits: float) -> SandboxResult:
        settings = load_settings(data_dir=plain_data, **{"sandbox_timeout": 20.0, **limits})
        return Sandbox(settings, "plain", "1.0").run(code)

    return run_code
