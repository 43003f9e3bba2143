"""`serve` as users run it: a process, a port, one line, a signal."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from agent.api import serve
from agent.errors import ConfigurationError, IndexMissing
from agent.settings import Settings
from agent.web.server import listen
from tests.fakes import ScriptedService

PROGRAM = """
import gc
import time
import agent.web.lanes
from agent.api import serve
from agent.settings import Settings
from tests.fakes import EVENTS, SOURCES, ScriptedService, pause

class Asked(ScriptedService):
    def stream(self, request, cancel, *, user=None):
        yield SOURCES
        print("asked", flush=True)
        {work}
        yield from EVENTS

agent.web.lanes.FAREWELL = 0.5
service = Asked()
serve(lambda: service, Settings(port=0, shutdown_grace={grace}))
print("closed:", service.closed, "kept out of collections:", gc.get_freeze_count() > 0)
"""


@contextmanager
def serving(
    work: str = "pause(60.0, cancel)", grace: float = 0.1
) -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run `serve` in a process of its own; gives the process and a client of it."""
    command = [sys.executable, "-c", PROGRAM.format(work=work, grace=grace)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = line_of(process)
            assert line.startswith("fury-agent listening on http://127.0.0.1:"), (line, process.stderr)
            with httpx.Client(base_url=line.split()[-1], timeout=20, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_at_a_signal(number: signal.Signals) -> None:
    with serving() as (process, client):
        assert client.get("/health/live").status_code == 200  # the connection stays open
        process.send_signal(number)
        out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (0, "closed: True kept out of collections: True\n", "")


def test_a_signal_ends_running_replies_with_a_problem() -> None:
    """One streams, one waits in the queue; both hear that the service stops."""
    with serving() as (process, client), ThreadPoolExecutor(2) as pool:
        question = {"question": "What is a sphere?"}
        stream = pool.submit(client.post, "/query", json=question, headers={"Accept": "text/event-stream"})
        assert line_of(process) == "asked"
        whole = pool.submit(client.post, "/query", json=question)
        time.sleep(0.3)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=8)
        assert time.monotonic() - began < 5
        assert stream.result().status_code == 200
        assert "event: error" in stream.result().text
        assert "The service is stopping." in stream.result().text
        assert whole.result().status_code == 503
        assert whole.result().headers["retry-after"]
    assert (process.returncode, out, err) == (0, "closed: True kept out of collections: True\n", "")


def test_running_work_may_end_in_the_time_of_grace() -> None:
    with serving(work="pause(0.5, cancel)", grace=5) as (process, client), ThreadPoolExecutor(1) as pool:
        reply = pool.submit(client.post, "/query", json={"question": "What is a sphere?"})
        assert line_of(process) == "asked"
        process.send_signal(signal.SIGTERM)
        assert reply.result().status_code == 200
        process.communicate(timeout=5)
    assert process.returncode == 0


def test_work_that_ignores_everything_does_not_keep_the_process() -> None:
    with serving(work="time.sleep(60)") as (process, client), ThreadPoolExecutor(1) as pool:
        reply = pool.submit(client.post, "/query", json={"question": "What is a sphere?"})
        assert line_of(process) == "asked"
        process.send_signal(signal.SIGTERM)
        assert reply.result().status_code == 503
        process.communicate(timeout=8)
    assert process.returncode == 0


def test_replies_on_an_open_connection_are_not_held_back() -> None:
    """Where the system waits to fill a packet, each reply takes 40 ms."""
    with serving() as (_, client):
        client.get("/health/live")
        began = time.monotonic()
        for _ in range(25):
            client.get("/health/live")
        assert time.monotonic() - began < 0.7


# --- the port ------------------------------------------------------------------------------------


def test_a_taken_port_is_named_before_anything_is_loaded() -> None:
    opened: list[ScriptedService] = []

    def factory() -> ScriptedService:
        opened.append(ScriptedService())
        return opened[0]

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}.*in use.*--port") as caught:
            serve(factory, Settings(port=port))
    assert caught.value.field == "port"
    assert not opened


@pytest.mark.parametrize("host", ["192.0.2.1", "not a host"])
def test_a_host_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(ConfigurationError, match=host):
        listen(host, 0)


def test_what_the_factory_raises_comes_out_and_the_port_is_free_again() -> None:
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]

    def broken() -> ScriptedService:
        raise IndexMissing("No index.")

    with pytest.raises(IndexMissing):
        serve(broken, Settings(port=port))
    listen("127.0.0.1", port).close()
