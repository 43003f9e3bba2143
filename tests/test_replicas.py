"""Two replicas over one PostgreSQL, one Redis and one data directory behave as one service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from agent.errors import RecordsUnavailable
from agent.index_build import build
from agent.records import Given, Records
from agent.settings import PREFIX, Settings, child_environment
from tests.fakes import ANSWER
from tests.servers import openai
from tests.servers.ports import free_port
from tests.servers.postgres import postgres_server
from tests.servers.proxy import Proxy, proxying
from tests.servers.redis import RedisServer, redis_server
from tests.support import HashEmbedding
from tests.two_versions import index_two_versions

ROOT = Path(__file__).parents[1]
KEY = "ab" * 32
LIMIT = 7
GRACE = 90
"""Seconds; the machine may be busy."""

PROGRAM = """
from agent.answer_cache import AnswerCache
from agent.api import serve
from agent.recording import Recorder
from agent.service import Service
from agent.settings import load_settings
from tests.support import HashEmbedding

settings = load_settings()

def open_service():
    recorder, answers = Recorder(settings), AnswerCache(settings)
    service = Service(settings, embedding=HashEmbedding(), recorder=recorder, answers=answers)
    service.warm_up()
    return service

serve(open_service, settings)
"""
"""`fury-agent serve` with everything as it is, but for an embedding that takes no seconds to load."""


@dataclass
class Cluster:
    """What a test sees of the replicas."""

    settings: Settings
    model: openai.OpenAIServer
    redis: RedisServer
    proxy: Proxy
    replicas: dict[int, subprocess.Popen[str]]
    direct: tuple[httpx.Client, httpx.Client]
    """Clients of each replica, past the proxy."""

    def start(self, port: int) -> None:
        """Start a replica; returns at once."""
        self.replicas[port] = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=environment(self.settings, port),
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait(self, port: int) -> None:
        """Wait until a replica says that it is ready."""
        process = self.replicas[port]
        assert process.stdout is not None
        assert "listening" in process.stdout.readline()

    def restart(self, port: int) -> None:
        """Have a replica end as a supervisor does, and start it again."""
        process = self.replicas[port]
        process.send_signal(signal.SIGTERM)
        assert process.wait(GRACE) == 0  # it ends when its work has, and does not wait for the rest of the time
        close_output(process)
        self.start(port)
        self.wait(port)


def environment(settings: Settings, port: int) -> dict[str, str]:
    """The settings of one replica, as an operator gives them."""
    names = ("data_dir", "library", "llm", "llm_url", "llm_model", "limit_searches", "shutdown_grace")
    secret = ("records_url", "records_key", "redis_url")
    chosen = {name: str(getattr(settings, name)) for name in names}
    chosen |= {name: getattr(settings, name).get_secret_value() for name in secret}
    chosen |= {"port": str(port), "concurrency": "4"}
    return {**child_environment(), "PYTHONPATH": str(ROOT), **{PREFIX + name.upper(): chosen[name] for name in chosen}}


def says(text: str, seconds: float = 0.0) -> openai.Behaviour:
    """A model that takes its time."""

    def behaviour(reply: openai.Reply) -> None:
        reply.headers()
        time.sleep(seconds)
        for word in text.split():
            reply.chunk(f"{word} ")
        reply.chunk(finish_reason="stop")
        reply.event("[DONE]")

    return behaviour


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Cluster]:
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(tmp_path_factory.mktemp("redis")))
        model = stack.enter_context(openai.serving(says("Call `sphere` [1].")))
        settings = index_two_versions(tmp_path_factory.mktemp("replicas")).model_copy(
            update={
                "llm": "openai-like",
                "llm_url": model.url,
                "llm_model": "test-model",
                "records_url": SecretStr(postgres),
                "records_key": SecretStr(KEY),
                "redis_url": SecretStr(redis.url),
                "limit_searches": f"{LIMIT}/hour",
                "shutdown_grace": float(GRACE),
            }
        )
        ports = [free_port(), free_port()]
        proxy = stack.enter_context(proxying(ports))
        one, other = (
            stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False))
            for port in ports
        )
        cluster = Cluster(settings, model, redis, proxy, {}, (one, other))
        stack.callback(stop, cluster.replicas)
        for port in ports:
            cluster.start(port)
        for port in ports:
            cluster.wait(port)
        yield cluster


def stop(replicas: dict[int, subprocess.Popen[str]]) -> None:
    for process in replicas.values():
        process.kill()
        process.wait()
        close_output(process)


def close_output(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()


def ask(client: httpx.Client, question: str, **more: Any) -> dict[str, Any]:
    reply = client.post("/query", json={"question": question, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_limit_is_exact_in_the_sum(cluster: Cluster) -> None:
    before = len(cluster.proxy.served)
    with httpx.Client(base_url=cluster.proxy.url, timeout=60, trust_env=False) as client, ThreadPoolExecutor(8) as pool:
        replies = [pool.submit(client.post, "/search", json={"question": "sphere"}) for _ in range(24)]
        statuses = [reply.result().status_code for reply in replies]
    assert sorted(statuses) == [200] * LIMIT + [429] * (24 - LIMIT)
    assert set(cluster.proxy.served[before:]) == set(cluster.replicas)


def test_what_one_replica_answered_the_other_judges_gives_again_and_goes_on_from(cluster: Cluster) -> None:
    one, other = cluster.direct
    asked = len(cluster.model.requests)
    first = ask(one, "How do I draw a sphere?")
    feedback = {"answer_id": first["answer_id"], "verdict": "up"}
    assert other.post("/feedback", json=feedback).status_code == 204
    again = ask(other, "How do I draw a sphere?")
    assert again["answer"] == first["answer"]
    assert again["answer_id"] != first["answer_id"]
    assert len(cluster.model.requests) == asked + 1
    ask(other, "What about a scene?", conversation_id=first["conversation_id"])
    assert "draw" in cluster.model.requests[-1]["messages"][-1]["content"]  # made whole by the turn before


def test_a_key_made_anywhere_counts_everywhere(cluster: Cluster) -> None:
    records = Records(cluster.settings)
    key = records.keys.add("docs")
    try:
        for client in cluster.direct:
            assert within(4, lambda client=client: client.get("/libraries").status_code == 401)
            assert client.get("/libraries", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    finally:
        with records._engine.begin() as connection:  # open again for the other tests
            connection.exec_driver_sql("DELETE FROM api_keys")
        records.close()
    assert all(
        within(4, lambda client=client: client.get("/libraries").status_code == 200) for client in cluster.direct
    )


def test_a_new_generation_is_served_by_both_at_once_and_no_old_answer_with_it(cluster: Cluster) -> None:
    question = "How do I draw a torus?"
    for client in cluster.direct:
        ask(client, question)
    asked = len(cluster.model.requests)
    actor = Path(cluster.settings.library) / "demo" / "torus.py"
    actor.write_text('"""A torus."""\n\n\ndef torus(radius):\n    """Draw a torus."""\n')
    build(cluster.settings.library, cluster.settings, embedding=HashEmbedding())
    for client in cluster.direct:
        answer = ask(client, question)
        assert "demo/torus.py" in [place["path"] for place in answer["citations"]]
    assert len(cluster.model.requests) == asked + 1  # the other had it from the first


@pytest.mark.slow
@pytest.mark.timeout(300)  # two starts of a process, one after the other
def test_a_rolling_restart_loses_no_request(cluster: Cluster) -> None:
    cluster.model.behaviour = says("Call `sphere` [1].", seconds=0.4)
    over = threading.Event()
    results: list[tuple[int, str]] = []

    def keep_asking(number: int) -> None:
        with httpx.Client(base_url=cluster.proxy.url, timeout=60, trust_env=False) as client:
            while not over.is_set():
                body = {"question": f"How do I draw a sphere number {number} of {uuid4()}?"}
                stream = number % 2 == 0
                headers = {"Accept": "text/event-stream"} if stream else {}
                reply = client.post("/query", json=body, headers=headers)
                whole = "event: answer" in reply.text if stream else reply.status_code == 200
                results.append((reply.status_code, "" if whole else reply.text))

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(keep_asking, number) for number in range(3)]
        try:
            for port in list(cluster.replicas):
                time.sleep(0.5)
                cluster.restart(port)
        finally:
            over.set()
        for future in asking:
            future.result()
    assert len(results) > 6
    assert [lost for lost in results if lost != (200, "")] == []


def test_without_redis_both_go_on_and_say_so(cluster: Cluster) -> None:
    cluster.redis.stop()
    try:
        for client in cluster.direct:
            started = time.monotonic()
            ask(client, f"How do I draw a sphere {uuid4()}?")
            assert time.monotonic() - started < 10
            health = client.get("/health/ready")
            assert health.status_code == 200
            assert "Redis at 127.0.0.1" in json.dumps(health.json()["problems"])
    finally:
        cluster.redis.start()


# --- PostgreSQL ----------------------------------------------------------------------------------


@contextmanager
def records(**changes: Any) -> Generator[Records]:
    opened = Records(Settings(**changes))
    try:
        yield opened
    finally:
        opened.close()


def test_replicas_with_different_keys_are_told_apart_before_anything_is_recorded(postgres: str, tmp_path: Path) -> None:
    with database(postgres) as url:
        shared = {"records_url": SecretStr(url), "data_dir": tmp_path / "one"}
        with records(**shared, records_key=SecretStr(KEY)) as first:
            first.keep(Given(ANSWER, "q?", "q?", "me"))
        with pytest.raises(RecordsUnavailable, match="FURY_AGENT_RECORDS_KEY"), records(**shared):
            raise AssertionError
        with records(**{**shared, "data_dir": tmp_path / "two"}, records_key=SecretStr(KEY.upper())) as second:
            assert second.forget("me") == 1


def test_replicas_that_start_at_once_agree(postgres: str, tmp_path: Path) -> None:
    with database(postgres) as url:

        def start(number: int) -> None:
            with records(records_url=SecretStr(url), records_key=SecretStr(KEY), data_dir=tmp_path / str(number)):
                pass

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(start, range(4)))


@contextmanager
def database(server: str) -> Generator[str]:
    """Make a database of the test's own."""
    import psycopg

    name = f"t{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # pyright: ignore[reportArgumentType, reportCallIssue] - made here
    yield server.replace("/postgres", f"/{name}")


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
