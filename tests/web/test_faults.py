"""What befalls a service: clients that hang, parts that vanish, disks that fill, processes that are killed."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.cancellation import CancelToken
from agent.errors import ModelUnavailable
from agent.generations import find_index
from agent.records import Records
from agent.schema import AnswerEvent, TokenEvent
from agent.service import Service
from agent.settings import Settings, child_environment
from agent.web import connection
from tests.fakes import ANSWER, QUESTION, STREAM, ScriptedService, asking, eventually, running
from tests.support import HashEmbedding, ScriptedLLM

HEAD = "POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


# --- clients that hang ---------------------------------------------------------------------------


@contextmanager
def dribbling(client: httpx.Client, said: str) -> Generator[socket.socket]:
    """Begin a request and never end it."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=5) as slow:
        slow.sendall(said.encode())
        yield slow


@pytest.mark.parametrize(
    "said", ["", HEAD, f'{HEAD}Content-Length: 40\r\n\r\n{{"question'], ids=["mute", "head", "body"]
)
def test_a_request_that_does_not_arrive_is_cut(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, said: str
) -> None:
    monkeypatch.setattr(connection, "ARRIVAL", 0.3)
    with running(ScriptedService()) as client, dribbling(client, said) as slow:
        began = time.monotonic()
        for _ in range(2):
            time.sleep(0.1)
            slow.sendall(b"")  # and a byte now and then buys no time
        while slow.recv(4096):
            pass
        assert 0.2 < time.monotonic() - began < 2
    assert "unexpected" not in caplog.text


def test_many_slow_requests_do_not_keep_others_waiting() -> None:
    with running(ScriptedService()) as client, ExitStack() as slow:
        for _ in range(300):
            slow.enter_context(dribbling(client, HEAD))
        began = time.monotonic()
        assert client.post("/query", json=QUESTION).status_code == 200
        assert time.monotonic() - began < 1


def test_a_reply_under_way_is_not_cut_by_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ARRIVAL", 0.2)
    with running(ScriptedService(0.6, AnswerEvent(ANSWER))) as client:
        for _ in range(2):  # the second on the same connection
            assert client.post("/query", json=QUESTION).status_code == 200


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such time")
def test_a_client_that_never_reads_does_not_hold_its_place_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "UNHEARD", 0.5)

    class Talkative(ScriptedService):
        def stream(self, request: Any, cancel: CancelToken, *, user: str | None = None) -> Iterator[Any]:
            del request, user
            self.tokens.append(cancel)
            while True:
                yield TokenEvent("x" * 20_000)

    service = Talkative()
    with running(service) as client, asking(client, STREAM, receive_buffer=4096):
        assert eventually(lambda: len(service.tokens) == 1)
        assert eventually(lambda: service.tokens[0].cancelled, 10)
        assert eventually(lambda: client.questions() == 0)


# --- parts that vanish ---------------------------------------------------------------------------


@pytest.fixture
def own_index(two_versions: Settings, tmp_path: Path) -> Settings:
    """An index of the test's own, to break."""
    shutil.copytree(two_versions.data_dir, tmp_path / "data", dirs_exist_ok=True)
    return two_versions.model_copy(update={"data_dir": tmp_path / "data", "llm": "none"})


@pytest.mark.parametrize("opened", [False, True], ids=["before the first question", "while it is served"])
@pytest.mark.parametrize("part", ["store", "api.sqlite", "manifest.sqlite", "info.json", "."])
def test_an_index_that_vanishes_is_named_and_never_an_unexpected_failure(
    own_index: Settings, caplog: pytest.LogCaptureFixture, part: str, *, opened: bool
) -> None:
    service = Service(own_index, embedding=HashEmbedding())
    with caplog.at_level(logging.ERROR), running(service) as client:
        if opened:
            assert client.post("/query", json={"question": "sphere"}).status_code == 200
        lost = find_index(own_index.indexes_dir, "demo", "2.0.0").current().directory / part
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
        replies = [
            client.post(path, json={"question": f"How is a sphere made? {path}"}) for path in ("/query", "/search")
        ]
    for reply in replies:
        assert reply.status_code in {200, 404, 503}, reply.text  # 200: what is read already still answers
        if reply.status_code != 200:
            assert "fury-agent index" in reply.json()["detail"]
    assert "unexpected" not in caplog.text


# --- disks that fill, processes that are killed --------------------------------------------------

PROGRAM = """
import resource, signal, sys
from pathlib import Path
from uuid import uuid4
from msgspec.structs import replace
from agent.api import serve
from agent.recording import Recorder
from agent.records import Given
from agent.settings import Settings
from tests.fakes import ScriptedService

class Recorded(ScriptedService):
    def keep(self, plan, answer, *, user=None):
        own = replace(answer, answer_id=uuid4())
        recorder.keep(Given(own, plan.asked.question, plan.request.question, user))
        return own

    def feedback(self, request, *, user=None):
        recorder.feed_back(request, user)

settings = Settings(data_dir=Path(sys.argv[1]), port=0)
recorder = Recorder(settings)
recorder.turns(uuid4())  # it is open now
if sys.argv[2:]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is then an error, as on a full disk
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
serve(Recorded, settings)
"""


@contextmanager
def recording(settings: Settings, *arguments: str) -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Serve, with real records, in a process of its own."""
    environment = {**child_environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, str(settings.data_dir), *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()


def opinion(client: httpx.Client, answer_id: str) -> httpx.Response:
    return client.post("/feedback", json={"answer_id": answer_id, "verdict": "up"})


def test_feedback_that_was_acknowledged_survives_a_kill_and_the_service_comes_back(settings: Settings) -> None:
    acknowledged: list[str] = []
    with recording(settings) as (process, client):
        threading.Timer(0.5, process.send_signal, [signal.SIGKILL]).start()
        with suppress(httpx.TransportError):
            while True:
                answer_id = client.post("/query", json=QUESTION).json()["answer_id"]
                assert opinion(client, answer_id).status_code == 204
                acknowledged.append(answer_id)
        assert process.wait(5) == -signal.SIGKILL
    with recording(settings) as (_, client):
        assert opinion(client, acknowledged[-1]).status_code == 204  # it is known
    records = Records(settings)
    kept = {str(record.answer_id): record for record in records.since(0)}
    records.close()
    assert len(acknowledged) > 3
    assert all(kept[answer_id].opinions for answer_id in acknowledged)


def test_a_full_disk_stops_the_records_and_not_the_answers(settings: Settings) -> None:
    Records(settings).close()
    with recording(settings, "0") as (_, client):
        answer = client.post("/query", json=QUESTION)
        assert answer.status_code == 200
        assert opinion(client, answer.json()["answer_id"]).status_code in {404, 503}  # it is not acknowledged
    with recording(settings) as (_, client):  # there is room again
        answer = client.post("/query", json=QUESTION)
        assert opinion(client, answer.json()["answer_id"]).status_code == 204


def test_a_model_that_is_killed_leaves_the_places(own_index: Settings) -> None:
    llm = ScriptedLLM.saying(ModelUnavailable("It was killed."), "Use `demo.actor.sphere` [1].")
    with running(Service(own_index, embedding=HashEmbedding(), llm=llm)) as client:
        first, second = [client.post("/query", json={"question": "How is a sphere made?"}).json() for _ in range(2)]
    assert first["status"] == "sources_only"
    assert first["citations"]
    assert second["status"] == "answered"
