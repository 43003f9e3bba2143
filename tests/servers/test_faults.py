"""The fault-injecting proxy does to a connection what it says."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.servers import faults, openai


def post(url: str, timeout: float = 5) -> httpx.Response:
    return httpx.post(f"{url}/chat/completions", json={"x": "y" * 9000}, trust_env=False, timeout=timeout)


def test_nothing_is_broken_by_default() -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url) as proxy:
        assert post(proxy.url).content == post(server.url).content
        assert server.requests == [{"x": "y" * 9000}] * 2
        assert proxy.connections == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.resets, httpx.ReadError),
        (faults.resets_after(400), httpx.ReadError),
        (faults.truncates_after(20), httpx.RemoteProtocolError),
        (faults.babbles, httpx.RemoteProtocolError),
        (faults.hangs, httpx.ReadTimeout),
        (faults.hangs_after(200), httpx.ReadTimeout),
    ],
)
def test_faults_are_what_they_are_called(fault: faults.Fault, error: type[Exception]) -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, fault) as proxy, pytest.raises(error):
        post(proxy.url, timeout=0.3)


def test_a_truncated_stream_ends_politely() -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, faults.truncates_after(400)) as proxy:
        whole, part = post(server.url).text, post(proxy.url).text
    assert part
    assert part != whole
    assert whole.startswith(part)


def test_latency_changes_nothing_but_time() -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, faults.delays(0.2)) as proxy:
        started = time.monotonic()
        assert post(proxy.url).content == post(server.url).content
        assert time.monotonic() - started >= 0.2


def test_drops_come_one_by_one() -> None:
    def short(reply: openai.Reply) -> None:
        reply.headers()
        reply.raw("12345")

    with openai.serving(short) as server, faults.proxy(server.url, faults.drips(0.05)) as proxy:
        started = time.monotonic()
        assert post(proxy.url, timeout=0.2).text == "12345"
        assert time.monotonic() - started >= 0.25


def test_a_reply_in_the_servers_place_never_reaches_it() -> None:
    with openai.serving(openai.answers) as server:
        fault = faults.replies(429, b"slow down", {"Retry-After": "1"})
        with faults.proxy(server.url, fault) as proxy:
            reply = post(proxy.url)
    assert (reply.status_code, reply.text, reply.headers["Retry-After"]) == (429, "slow down", "1")
    assert server.requests == []


def test_faults_come_in_turn_and_the_last_one_stays() -> None:
    with (
        openai.serving(openai.answers) as server,
        faults.proxy(server.url, faults.replies(503), faults.passes) as proxy,
    ):
        assert [post(proxy.url).status_code for _ in range(3)] == [503, 200, 200]
        proxy.breaks(faults.replies(500))
        assert post(proxy.url).status_code == 500


def test_nobody_listens_at_the_address_of_nobody() -> None:
    with pytest.raises(httpx.ConnectError):
        post(faults.nobody())
