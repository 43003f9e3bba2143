"""Who is let in, and how often, over a real server."""

from __future__ import annotations

import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs
from pydantic import SecretStr

from agent.errors import RecordsUnavailable
from agent.records import ApiKey
from agent.records.keys import digest
from agent.settings import Settings
from agent.web import access
from agent.web.access import address
from tests.fakes import ANSWER, QUESTION, ScriptedService, ask_together, eventually, running
from tests.servers.redis import redis_server

KEY = ApiKey("docs", digest("fury_good"), 1.0, None)
REVOKED = ApiKey("old", digest("fury_old"), 1.0, 2.0)
GOOD = {"Authorization": "Bearer fury_good"}


def service_with(*keys: ApiKey) -> ScriptedService:
    service = ScriptedService()
    service.keys = keys
    return service


class Unreadable(ScriptedService):
    def api_keys(self) -> tuple[ApiKey, ...]:
        raise RecordsUnavailable("The database is down.")


# --- keys ----------------------------------------------------------------------------------------

REFUSED = {
    "none": {},
    "wrong": {"Authorization": "Bearer fury_bad"},
    "revoked": {"Authorization": "Bearer fury_old"},
    "empty": {"Authorization": "Bearer"},
    "another scheme": {"Authorization": "Basic fury_good"},
    "no text": {"Authorization": b"Bearer \xff\xfe"},
}


@pytest.fixture(scope="module")
def guarded() -> Any:
    with running(service_with(KEY, REVOKED)) as client:
        yield client


def test_a_key_that_was_revoked_while_nobody_asked_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "FRESH", 0.05)
    service = service_with(KEY)
    with running(service) as client:
        assert client.post("/query", json=QUESTION, headers=GOOD).status_code == 200
        service.keys = (structs.replace(KEY, revoked=2.0),)
        time.sleep(0.1)
        assert client.post("/query", json=QUESTION, headers=GOOD).status_code == 401


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_without_a_key_that_counts_nothing_is_answered(guarded: httpx.Client, headers: Any) -> None:
    feedback = {"answer_id": str(ANSWER.answer_id), "verdict": "up"}
    replies = [
        guarded.post("/query", json=QUESTION, headers=headers),
        guarded.post("/search", json=QUESTION, headers=headers),
        guarded.post("/check", json={"code": "x"}, headers=headers),
        guarded.post("/feedback", json=feedback, headers=headers),
        guarded.get("/libraries", headers=headers),
    ]
    for reply in replies:
        assert (reply.status_code, reply.json()["type"]) == (401, "/problems/unauthorized")
        assert reply.headers["www-authenticate"] == "Bearer"
        assert "fury_" not in reply.text


def test_with_a_key_that_counts_everything_is(guarded: httpx.Client) -> None:
    assert guarded.post("/query", json=QUESTION, headers=GOOD).status_code == 200
    assert guarded.get("/libraries", headers={"authorization": "bearer fury_good"}).status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/schema/openapi.json", "/pictures/known.png"])
def test_what_shows_no_secret_is_open(guarded: httpx.Client, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_without_keys_everybody_is_let_in() -> None:
    with running(service_with()) as client:
        assert client.post("/query", json=QUESTION).status_code == 200
        assert client.post("/query", json=QUESTION, headers=GOOD).status_code == 200  # somebody else's key


def test_when_the_last_key_is_revoked_nobody_is_let_in() -> None:
    with running(service_with(REVOKED)) as client:
        assert client.post("/query", json=QUESTION).status_code == 401


@pytest.mark.parametrize(("required", "status"), [(True, 401), (False, 200), (None, 200)])
def test_whether_keys_are_needed_can_be_set(*, required: bool | None, status: int) -> None:
    with running(service_with(), Settings(require_keys=required)) as client:
        assert client.post("/query", json=QUESTION).status_code == status


def test_where_keys_are_not_required_a_wrong_one_is_told_all_the_same() -> None:
    with running(service_with(KEY), Settings(require_keys=False)) as client:
        assert client.post("/query", json=QUESTION).status_code == 200
        assert client.post("/query", json=QUESTION, headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize(("required", "status"), [(True, 503), (None, 200)])
def test_while_keys_were_never_read_only_those_who_require_them_refuse(*, required: bool | None, status: int) -> None:
    with running(Unreadable(), Settings(require_keys=required)) as client:
        assert client.post("/query", json=QUESTION).status_code == status


def test_a_revoked_key_ends_soon_and_those_that_were_read_outlive_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "FRESH", 0.1)
    service = service_with(KEY)
    with running(service) as client:
        assert client.get("/libraries", headers=GOOD).status_code == 200
        monkeypatch.setattr(service, "api_keys", Unreadable().api_keys)
        time.sleep(0.15)
        assert [client.get("/libraries", headers=GOOD).status_code for _ in range(3)] == [200] * 3
        assert client.get("/libraries").status_code == 401
        monkeypatch.setattr(service, "api_keys", lambda: (REVOKED, ApiKey("docs", KEY.digest, 1.0, 3.0)))
        assert eventually(lambda: client.get("/libraries", headers=GOOD).status_code == 401, within=5)


# --- limits --------------------------------------------------------------------------------------


def test_over_the_limit_means_429_and_when_to_come_back() -> None:
    with running(ScriptedService(), Settings(limit_questions="3/minute", limit_searches="1/minute")) as client:
        replies = ask_together(client, 8)
        searches = ask_together(client, 2, "/search")
        assert client.get("/libraries").status_code == 200
    refused = [reply for reply in replies if reply.status_code == 429]
    assert sorted(reply.status_code for reply in replies) == [200] * 3 + [429] * 5
    assert sorted(reply.status_code for reply in searches) == [200, 429]
    for reply in refused:
        problem = reply.json()
        assert problem["type"] == "/problems/over-limit"
        assert "3 requests in 60 seconds" in problem["detail"]
        assert 30 < problem["extra"]["retry_after"] <= 60
        assert 30 < int(reply.headers["retry-after"]) <= 60


def test_redis_counts_without_holding_up_the_event_loop(tmp_path: Path) -> None:
    """Also while it does not answer."""
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    with redis_server(tmp_path) as server:
        settings = Settings(limit_questions="3/minute", redis_url=SecretStr(server.url))
        with running(ScriptedService(), settings) as one, running(ScriptedService(), settings) as other:
            replies = [*ask_together(one, 4), *ask_together(other, 4)]
            assert sorted(reply.status_code for reply in replies) == [200] * 3 + [429] * 5
            server.stop()
            assert sorted(reply.status_code for reply in ask_together(one, 4)) == [200] * 3 + [429]


def test_who_comes_back_when_told_is_let_in() -> None:
    with running(ScriptedService(), Settings(limit_questions="1/second")) as client:
        assert client.post("/query", json=QUESTION).status_code == 200
        reply = client.post("/query", json=QUESTION)
        assert reply.status_code == 429
        time.sleep(reply.json()["extra"]["retry_after"] + 0.01)
        assert client.post("/query", json=QUESTION).status_code == 200


def test_each_user_of_a_key_has_a_limit_and_all_of_them_together() -> None:
    with running(service_with(KEY), Settings(limit_questions="1/minute", limit_key="3/minute")) as client:
        users = ["me", "me", "you", "they", "we"]
        replies = [client.post("/query", json=QUESTION, headers={**GOOD, "X-Fury-User": user}) for user in users]
    assert [reply.status_code for reply in replies] == [200, 429, 200, 200, 429]


def test_who_has_no_key_cannot_be_somebody_else_at_will() -> None:
    with running(ScriptedService(), Settings(limit_questions="1/minute")) as client:
        headers = [{"X-Fury-User": "me"}, {"X-Fury-User": "you"}, {"X-Forwarded-For": "192.0.2.7"}]
        replies = [client.post("/query", json=QUESTION, headers=header) for header in headers]
    assert [reply.status_code for reply in replies] == [200, 429, 429]


def test_behind_a_trusted_proxy_each_address_has_its_limit() -> None:
    settings = Settings(limit_questions="1/minute", trusted_proxies=(ip_network("127.0.0.1"),))
    with running(ScriptedService(), settings) as client:
        seen = ["192.0.2.7", "192.0.2.8", "192.0.2.7", "spoofed, 192.0.2.8"]
        replies = [client.post("/query", json=QUESTION, headers={"X-Forwarded-For": value}) for value in seen]
    assert [reply.status_code for reply in replies] == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # no proxy of ours
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["unknown"], "unknown"),
        ("", ["198.51.100.1"], ""),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
    ],
)
def test_the_nearest_address_that_is_not_ours_counts(peer: str, forwarded: list[str], expected: str) -> None:
    assert address(peer, forwarded, [ip_network("10.0.0.0/8")]) == expected
