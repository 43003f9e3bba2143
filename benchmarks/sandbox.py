"""How many of FURY's own examples run in the sandbox and give a picture that is not blank, and how long they take.

Examples that fetch data are told by how they fail without network, and counted apart. What the examples import besides
FURY has to be in the environment: `fury-agent sandbox prepare fury==2.0.0 --with matplotlib --with PySide6
--with imgui-bundle --with dipy`, and for 0.10.0
`--with 'setuptools<71' --with 'vtk<9.4' --with pybullet --with dipy`.
"""

from __future__ import annotations

import io
import re
import statistics
import sys
from collections.abc import Iterator

import numpy as np
from matplotlib.image import imread
from msgspec import Struct

from agent.sandbox import Sandbox, SandboxResult, problems
from agent.settings import Settings
from agent.sources import open_source
from benchmarks.table import Row

VERSIONS = {"2.0.0": 1, "0.10.0": 4}
"""Version -> every which of its examples is run."""
TIMEOUT = 180.0
"""Seconds: a bound against hanging. What time they take is a figure of its own."""
TARGET = 0.9
MIN_DRAWN = 0.001
"""Share of the pixels that must differ from the most common colour."""
MIN_DIFFERENCE = 8 / 255
"""In one channel at least, so that noise and dithering of a background draw nothing."""
_FETCHES = re.compile(r"URLError|name resolution|FetcherError|ConnectionError|Network is unreachable|Max retries")


class _Outcome(Struct, frozen=True):
    name: str
    kind: str
    seconds: float


def run() -> list[Row]:
    """Run the examples of every version that an environment is prepared for."""
    settings = Settings(sandbox_timeout=TIMEOUT)
    return [row for version, step in VERSIONS.items() for row in _measure(settings, version, step)]


def _measure(settings: Settings, version: str, step: int) -> Iterator[Row]:
    if found := problems(settings, "fury", version):
        print(f"fury {version}: {found[0].found}; {found[0].remedy}", file=sys.stderr)
        return
    outcomes = list(_outcomes(settings, version, step))
    tried = [outcome for outcome in outcomes if outcome.kind != "fetches data"]
    drawn = [outcome for outcome in tried if outcome.kind == "picture"]
    share = len(drawn) / max(len(tried), 1)
    name = f"fury {version}"
    yield Row(f"{name}: examples that were run", len(outcomes), "")
    yield Row(f"{name}: of these, without data to fetch", len(tried), "")
    target, met = (f">= {TARGET}", share >= TARGET) if step == 1 else ("", None)
    yield Row(f"{name}: of these, with a picture that is not blank", share, "share", target, met)
    if drawn:
        yield Row(f"{name}: seconds, median", statistics.median(outcome.seconds for outcome in drawn), "s")
        yield Row(f"{name}: seconds, longest", max(outcome.seconds for outcome in drawn), "s")


def _outcomes(settings: Settings, version: str, step: int) -> Iterator[_Outcome]:
    tree = open_source(f"fury=={version}", settings)
    examples = sorted((file for file in tree.files if file.role == "example"), key=lambda file: file.path)
    sandbox = Sandbox(settings, "fury", version)
    for file in [file for file in examples if file.language == "python"][::step]:
        result = sandbox.run(tree.read(file).decode())
        outcome = _Outcome(file.path, _kind(result), result.seconds)
        print(f"{version} {file.path}: {outcome.kind}, {outcome.seconds:.1f} s", file=sys.stderr)
        yield outcome


def _kind(result: SandboxResult) -> str:
    if result.error:
        return "fetches data" if _FETCHES.search(result.error) else " ".join(result.error.split())
    if result.image is None:
        return "no picture"
    return "blank picture" if is_blank(result.image) else "picture"


def is_blank(png: bytes) -> bool:
    """Tell whether hardly a pixel differs from the most common colour."""
    pixels = imread(io.BytesIO(png), format="png")[..., :3].reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    differs = np.abs(pixels - colours[counts.argmax()]).max(axis=1) > MIN_DIFFERENCE
    return bool(differs.mean() < MIN_DRAWN)
