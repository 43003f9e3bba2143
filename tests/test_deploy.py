"""The files in `deploy/`, as far as they can be held to something without an engine that runs them.

hadolint and check-jsonschema come with the extra `test`; systemd-analyze is part of systemd.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.observability.metrics import Metrics
from agent.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = ("api", "discord")
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
WORST_EXPOSURE = "2.0"
"""On the scale of `systemd-analyze security`, which calls up to 2 OK and gives a unit without any care 9.6."""


def checked(tool: str, *arguments: str | Path) -> None:
    """Run a linter, which is beside the interpreter or on PATH; what it says is the message of the failure."""
    program = shutil.which(tool, path=Path(sys.executable).parent) or shutil.which(tool)
    if program is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", ["Dockerfile", "huggingface-space/Dockerfile"])
def test_hadolint_finds_nothing(path: str) -> None:
    checked("hadolint", DEPLOY / path)


def test_the_compose_file_fits_its_specification() -> None:
    checked("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it is installed, with a program that exists here."""
    text = (DEPLOY / "systemd" / "fury-agent@.service").read_text()
    path = tmp_path / "fury-agent@serve.service"
    path.write_text(text.replace("/opt/fury-agent/bin/fury-agent", "/bin/true"))
    return path


def test_systemd_understands_the_unit(unit: Path) -> None:
    checked("systemd-analyze", "verify", unit)


def test_the_unit_is_hardened(unit: Path) -> None:
    checked("systemd-analyze", "security", "--offline=true", f"--threshold={WORST_EXPOSURE.replace('.', '')}", unit)


def test_every_variable_that_is_set_is_a_setting() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    named = {
        name for path in [*files, ROOT / "docs/deploy.md"] for name in re.findall(rf"{PREFIX}[A-Z_]+", path.read_text())
    }
    assert {name.removeprefix(PREFIX).lower() for name in named} <= {*Settings.model_fields}


def test_every_file_that_an_image_copies_exists() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for name in line.split()]
    assert {"pyproject.toml", "constraints.txt", "agent"} <= set(copied)
    kept = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    for name in copied:
        assert (ROOT / name).exists(), name
        assert name.split("/")[0] in kept, name


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_to_nothing_but_their_volume_and_memory(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["user"] == "1000:1000"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    writable = {str(place).split(":")[1 if place in service.get("volumes", []) else 0] for place in places(service)}
    assert writable == {"/tmp", "/data"}  # noqa: S108 - inside the container


def places(service: dict[str, Any]) -> list[str]:
    return [*service.get("volumes", []), *service["tmpfs"]]


def test_nothing_but_the_api_has_a_port_and_that_is_for_this_machine() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"api": ["127.0.0.1:8000:8000"]}


def test_containers_stop_later_than_answers() -> None:
    grace = Settings.model_fields["shutdown_grace"].default
    assert int(COMPOSE["services"]["api"]["stop_grace_period"].removesuffix("s")) >= grace + 10
    unit = (DEPLOY / "systemd" / "fury-agent@.service").read_text()
    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0]) >= grace + 10


def test_no_secret_is_written_down() -> None:
    for name, service in COMPOSE["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|KEY", variable):
                assert value.startswith("${"), (name, variable)


# --- the dashboard -------------------------------------------------------------------------------


def queries() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_every_number_that_the_dashboard_asks_for_exists_with_its_labels() -> None:
    registry: Any = Metrics().registry  # by name, it also knows metrics that have no value yet
    named = {name: set(getattr(metric, "_labelnames", ())) for name, metric in registry._names_to_collectors.items()}
    shown = {sample.name: set(sample.labels) for family in registry.collect() for sample in family.samples}
    labels = shown | named
    assert len(queries()) > 12
    for query in queries():
        (name,) = re.findall(r"\b((?:fury_agent|process)_\w+)", query)
        assert name in labels, query
        for grouped in re.findall(r"by \(([\w, ]+)\)", query):
            assert set(grouped.split(", ")) - {"le"} <= labels[name], query


def test_every_number_of_ours_is_on_the_dashboard() -> None:
    shown = " ".join(queries())
    names = {
        name
        for name in Metrics().registry._names_to_collectors
        if re.fullmatch(r"fury_agent_\w+(_total|_bucket)", name)
    }
    assert len(names) > 8
    assert {name for name in names if name not in shown} == set()


def test_panels_do_not_overlap_and_have_names_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    cells = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
