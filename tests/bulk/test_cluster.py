"""A cluster makes the same index as this process; and whoever is killed meanwhile, nothing is lost.

One Ray with a server for `ray://` addresses is started for the module; a second one by the command that is killed.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from msgspec import structs
from numpy.typing import NDArray

import agent
from agent import bulk
from agent.building.fingerprints import fingerprints
from agent.building.parts import Work
from agent.bulk import cluster_parts, shards
from agent.chunking.tokens import code_tokens
from agent.errors import ClusterUnavailable, ConfigurationError, MissingExtra, ModelUnavailable, SourceNotFound
from agent.generations import IndexDirectory
from agent.index_build import BuildReport, build
from agent.manifest import Manifest
from agent.providers.stores.lancedb import LanceVectorStore
from agent.schema import IndexInfo, SourceTree
from agent.settings import PREFIX, Settings, child_environment
from agent.sources import open_source
from agent.sources.progress import silent
from agent.symbols import ApiModel
from tests.servers.ports import free_port
from tests.support import HashEmbedding

WITHIN = 240.0
"""Seconds in which everything that is waited for has come, on a machine that does much else."""

HEADS = 3
"""Heads that are started until one comes up: Ray's own processes now and then hang or end while they start."""
STARTS_WITHIN = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.weights, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """Changes the environment for the module."""
    record = logging.getLogRecordFactory()
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    logging.setLogRecordFactory(record)  # Ray's own adds a field to whatever is logged


class Cluster(NamedTuple):
    """A Ray with two CPUs: its address, and the process that all others descend from."""

    address: str
    pid: int


@pytest.fixture(scope="module")
def cluster(environment: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A Ray of this module's own."""
    environment.setenv("RAY_worker_niceness", "0")  # otherwise whatever else runs comes before them
    environment.setenv("RAY_AUTH_MODE", "token")  # which Ray reads when it is imported
    environment.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    for package in ("ray", "grpc"):
        pytest.importorskip(package, reason="the extra `ray` is not installed")
    for attempt in range(1, HEADS + 1):
        try:
            with head() as started:
                yield started
        except HeadFailed:
            if attempt == HEADS:
                raise
        else:
            return


class HeadFailed(Exception):
    """A head did not come up; with what it said."""


@contextmanager
def head() -> Generator[Cluster]:
    """Start a Ray, and wait until a client of it is answered."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="ray") as scratch,  # the paths of its sockets must be short
        tempfile.TemporaryFile() as said,
    ):
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
        command += ["--num-cpus=2", "--port=0", "--node-ip-address=127.0.0.1", "--include-dashboard=false"]
        command += ["--object-store-memory=200000000", f"--ray-client-server-port={port}", f"--temp-dir={scratch}"]
        with subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT) as process:
            try:
                if not answers(port, process):
                    said.seek(0)
                    raise HeadFailed(said.read().decode(errors="replace"))
                yield Cluster(f"ray://127.0.0.1:{port}", process.pid)
            finally:
                end(process)


def answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a head speaks its protocol; it may also have ended, or listen and say nothing."""
    import grpc

    give_up = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < give_up:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, suppress(grpc.FutureTimeoutError):
            grpc.channel_ready_future(channel).result(1)
            return True
    return False


@pytest.fixture
def address(cluster: Cluster) -> str:
    """Where the module's Ray is reached."""
    return cluster.address


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny embedding model in sentence-transformers' layout, with weights of its own making."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    models = pytest.importorskip("sentence_transformers.models")
    from sentence_transformers import SentenceTransformer

    path = tmp_path_factory.mktemp("tiny")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(path / "vocab.txt"), model_max_length=64).save_pretrained(path)
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=1.0,
    )
    transformers.BertModel(config).save_pretrained(path)
    whole = path / "model"
    transformer = models.Transformer(str(path))
    SentenceTransformer(modules=[transformer, models.Pooling(32), models.Normalize()], device="cpu").save(str(whole))
    return whole


@pytest.fixture
def settings(tmp_path: Path, model: Path, fury_tree: SourceTree) -> Settings:
    """Settings with the sources of FURY for the library, and the tiny model."""
    return settings_at(tmp_path / "data", model, fury_tree)


def settings_at(data: Path, model: Path, tree: SourceTree) -> Settings:
    return Settings(data_dir=data, library=str(tree.root), embedding_model=str(model), embedding_precision="float32")


def wait_until(holds: Callable[[], object]) -> None:
    give_up = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.01)


def family(pid: int) -> set[int]:
    """A process and all its descendants."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return {pid}.union(*(family(int(child)) for file in children for child in file.read_text().split()))


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def end(head: subprocess.Popen[bytes]) -> None:
    """Kill it with all its processes: to end by itself takes it half a minute."""
    for pid in filter(runs, family(head.pid)):
        os.kill(pid, signal.SIGKILL)
    head.wait(WITHIN)


def directory(settings: Settings) -> IndexDirectory:
    (pointer,) = settings.indexes_dir.glob("*/*/CURRENT")
    return IndexDirectory(settings.indexes_dir, pointer.parent.parent.name, pointer.parent.name)


def content(settings: Settings) -> tuple[dict[str, tuple[str, str]], NDArray[np.float32]]:
    """All chunks of the served index by their ids, and their vectors in the order of ids."""
    generation = directory(settings).current()
    with closing(Manifest(generation.manifest_file)) as manifest:
        ids = [identifier for group in manifest.chunk_ids().values() for identifier in group]
    nodes = LanceVectorStore.open(generation.store_dir, tokenize=code_tokens).get_nodes(ids)
    nodes.sort(key=lambda node: node.node_id)
    vectors = np.array([node.embedding for node in nodes], np.float32)
    encode = msgspec.json.Encoder(order="sorted").encode
    return {node.node_id: (node.get_content(), encode(node.metadata).decode()) for node in nodes}, vectors


def assert_same(one: Settings, other: Settings) -> None:
    (chunks, vectors), (others, other_vectors) = content(one), content(other)
    assert list(chunks) == list(others)
    assert chunks == others
    # The same numbers but for the last bits, which depend on what a batch was made of.
    assert np.allclose(vectors, other_vectors, atol=1e-5)


def described(info: IndexInfo) -> IndexInfo:
    return structs.replace(info, generation="", created="")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, model: Path, fury_tree: SourceTree) -> Settings:
    """Settings under which this process has built the index."""
    made = settings_at(tmp_path_factory.mktemp("local"), model, fury_tree)
    build(made.library, made)
    return made


def embedders(cluster: Cluster) -> set[int]:
    """The processes of the cluster's actors that embed."""
    return {pid for pid in family(cluster.pid) if b"Embedder" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_the_index_is_the_same_though_actors_are_killed(
    cluster: Cluster, settings: Settings, local: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first shards are finished, all actors are killed, with the shards they are at."""
    monkeypatch.setattr(shards, "SHARD_BYTES", 30_000)
    monkeypatch.setattr(bulk, "POLL", 0.05)
    killed: set[int] = set()
    stages: dict[str, list[tuple[int, int | None]]] = {}

    def progress(stage: str, done: int, total: int | None) -> None:
        stages.setdefault(stage, []).append((done, total))
        if stage == "embedding" and done and not killed:
            assert total is not None
            assert done < total
            killed.update(embedders(cluster))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    report = build(settings.library, settings, on=cluster.address, progress=progress)
    assert killed
    assert report.chunks_embedded == report.info.chunks
    assert_same(settings, local)
    assert described(report.info) == described(directory(local).current().info())
    assert not directory(settings).shards_dir.exists()
    dones, totals = zip(*stages["embedding"], strict=True)
    assert list(dones) == sorted(dones)
    assert dones[-1] == totals[-1] == totals[0]


def command(settings: Settings, on: str) -> subprocess.Popen[bytes]:
    environment = child_environment() | {
        f"{PREFIX}DATA_DIR": str(settings.data_dir),
        f"{PREFIX}EMBEDDING_MODEL": settings.embedding_model,
        f"{PREFIX}EMBEDDING_PRECISION": settings.embedding_precision,
    }
    arguments = [sys.executable, "-m", "agent", "index", settings.library, "--on", on, "--json"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        arguments, cwd=Path(agent.__file__).parents[1], env=environment, stdout=pipe, stderr=subprocess.DEVNULL
    )


def test_a_killed_command_goes_on_where_it_was(address: str, settings: Settings, local: Settings) -> None:
    """It is killed with its own Ray when a shard is finished; another cluster does the others."""

    def finished() -> list[Path]:
        return list(settings.indexes_dir.glob("*/*/shards/*.parquet"))

    with command(settings, "local") as first:
        wait_until(finished)
        for pid in family(first.pid):  # Ray would take a minute to find out by itself
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    kept = {path: path.stat().st_mtime_ns for path in finished()}
    assert not list(settings.indexes_dir.glob("*/*/CURRENT"))
    with command(settings, address) as second:
        output, _ = second.communicate()
    assert second.returncode == 0
    report = msgspec.json.decode(output, type=BuildReport)
    assert 0 < report.chunks_embedded < report.info.chunks
    assert kept
    assert_same(settings, local)


def small_work(tmp_path: Path) -> Work:
    """What there is to do of a library of one file."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "small.py").write_text('def f():\n    """Do it."""\n')
    tree = open_source(str(tmp_path / "small"), Settings(data_dir=tmp_path / "data"))
    api = ApiModel.build(tree, tmp_path / "api.sqlite")
    prints = fingerprints(tree.files, api.public_paths())
    return Work(tree, tree.files, prints, tmp_path / "api.sqlite", tmp_path / "shards")


def test_what_a_worker_finds_wrong_is_said_as_if_it_were_found_here(
    address: str, settings: Settings, tmp_path: Path
) -> None:
    work = small_work(tmp_path)
    (tmp_path / "small" / "small.py").write_text("changed = True\n")
    with (
        pytest.raises(SourceNotFound, match=r"'small.py' changed while it was read"),
        cluster_parts(work, settings, silent, address) as parts,
    ):
        list(parts)


def test_a_model_that_no_actor_can_load_is_named(address: str, settings: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    there = settings.model_copy(update={"embedding_model": str(broken), "embedding_pooling": "mean"})
    with (
        pytest.raises(ModelUnavailable, match="broken"),
        cluster_parts(small_work(tmp_path), there, silent, address) as parts,
    ):
        list(parts)


def test_a_cluster_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with (
        pytest.raises(ClusterUnavailable, match=r"'nowhere' cannot be reached.*ray://HOST:PORT"),
        cluster_parts(small_work(tmp_path), settings, silent, "nowhere"),
    ):
        pass


def test_a_head_that_fails_to_start_a_server_is_asked_again(
    address: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")
    connect = ray.init
    answers = [ConnectionAbortedError("Initialization failure from server:\nStarting Ray client server failed.")]

    def init(*arguments: object, **options: object) -> object:
        if answers:
            raise answers.pop()
        return connect(*arguments, **options)

    monkeypatch.setattr(ray, "init", init)
    with cluster_parts(small_work(tmp_path), settings, silent, address) as parts:
        assert list(parts)


def test_a_head_that_starts_no_server_is_quoted(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")

    def init(*_arguments: object, **_options: object) -> None:
        raise ConnectionAbortedError("Initialization failure from server:\nStarting Ray client server failed.")

    monkeypatch.setattr(ray, "init", init)
    with (
        pytest.raises(ClusterUnavailable, match=r"cannot be reached: Starting Ray client server failed\."),
        cluster_parts(small_work(tmp_path), settings, silent, "ray://127.0.0.1:1"),
    ):
        pass


def test_without_ray_the_extra_is_named(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(MissingExtra, match=r"fury-agent\[ray\]"),
        cluster_parts(small_work(tmp_path), settings, silent, "local"),
    ):
        pass


def test_a_ready_model_cannot_be_sent_to_a_cluster(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="FURY_AGENT_EMBEDDING_MODEL"):
        build(settings.library, settings, embedding=HashEmbedding(), on="local")
    assert not list(settings.indexes_dir.glob("*/*/generations/*"))
