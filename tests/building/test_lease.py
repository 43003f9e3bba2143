"""One build of an index at a time among machines that share a Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.building import lease as build_lease
from agent.building.lease import leased
from agent.errors import BuildLocked
from agent.index_build import build
from agent.redis_link import RedisLink
from agent.settings import Settings
from tests.servers.redis import RedisServer, redis_server
from tests.support import HashEmbedding


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def settings(redis: RedisServer, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", redis_url=SecretStr(redis.url))


def library(root: Path) -> Path:
    (root / "mine").mkdir()
    (root / "mine" / "mine.py").write_text('def mine():\n    """Do what is mine."""\n')
    return root / "mine"


def test_a_second_machine_waits_is_told_and_gives_up(settings: Settings) -> None:
    told: list[str] = []
    with leased(settings, "fury 1.0", 1):
        with leased(settings, "fury 2.0", 1):
            pass
        with (
            pytest.raises(BuildLocked, match=r"Another machine.*fury 1\.0"),
            leased(settings, "fury 1.0", 0.2, waiting=lambda: told.append("waits")),
        ):
            raise AssertionError
    assert told == ["waits"]
    with leased(settings, "fury 1.0", 0.2) as check:
        check()


def test_a_lease_is_renewed_while_its_holder_lives(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_lease, "LEASE", 1.5)
    with leased(settings, "long", 1) as check:
        time.sleep(2)
        check()
        with pytest.raises(BuildLocked), leased(settings, "long", 0.1):
            raise AssertionError


def test_what_a_dead_holder_held_is_free_after_the_lease(settings: Settings) -> None:
    assert settings.redis_url is not None
    link = RedisLink(settings.redis_url)
    assert link.client.lock("fury-agent:build:dead", timeout=1.5).acquire()
    told: list[str] = []
    with leased(settings, "dead", 10, waiting=lambda: told.append("waits")):
        assert told == ["waits"]
    link.client.close()


def test_a_holder_that_stood_still_too_long_does_not_publish(settings: Settings) -> None:
    assert settings.redis_url is not None
    link = RedisLink(settings.redis_url)
    with leased(settings, "slow", 1) as check:
        link.client.set("fury-agent:build:slow", "somebody else")
        with pytest.raises(BuildLocked, match=r"lease.*was lost"):
            check()
    link.client.close()


def test_two_builds_of_one_index_at_once_both_succeed_one_after_the_other(settings: Settings, tmp_path: Path) -> None:
    spec = str(library(tmp_path))
    reports = [build(spec, settings, embedding=HashEmbedding())]
    threads = [
        threading.Thread(target=lambda: reports.append(build(spec, settings, embedding=HashEmbedding(), force=True)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.changed for report in reports] == [True] * 3


def test_without_redis_a_build_says_that_it_cannot_tell(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", redis_url=SecretStr("redis://:geheim@127.0.0.1:1/0"))
    with pytest.raises(BuildLocked, match=r"127\.0\.0\.1:1.*FURY_AGENT_REDIS_URL") as caught:
        build(str(library(tmp_path)), settings, embedding=HashEmbedding())
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://x", "geheim", "redis://:geheim@host:geheim/0"])
def test_what_is_no_address_is_refused_without_being_shown(url: str) -> None:
    from agent.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="FURY_AGENT_REDIS_URL") as caught:
        RedisLink(SecretStr(url))
    assert "geheim" not in str(caught.value)
