"""Moving windows, exact by this process's count and by Redis's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from agent import redis_link
from agent.settings import Settings
from agent.web import limits
from agent.web.limits import Limiter, OwnWindows, Rate, Window, parse_rates
from tests.servers.redis import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["own", "shared"])
def settings(request: pytest.FixtureRequest) -> Settings:
    if request.param == "own":
        return Settings()
    return Settings(redis_url=SecretStr(request.getfixturevalue("redis").url))


def windows(*rates: tuple[int, int]) -> list[Window]:
    caller = uuid4().hex
    return [Window(caller, Rate(*rate)) for rate in rates]


def test_so_many_are_let_in_and_then_one_for_each_that_leaves_the_window(settings: Settings) -> None:
    async def ask() -> None:
        limiter = Limiter(settings)
        mine = windows((3, 1))
        assert [await limiter.take(mine) for _ in range(3)] == [0, 0, 0]
        wait = await limiter.take(mine)
        assert 0 < wait <= 1
        assert 0 < await limiter.take(mine) <= wait  # what is refused does not count
        assert await limiter.take(windows((3, 1))) == 0  # somebody else
        await asyncio.sleep(wait + 0.01)
        assert await limiter.take(mine) == 0
        await limiter.close()

    asyncio.run(ask())


def test_a_request_is_counted_in_all_windows_or_in_none(settings: Settings) -> None:
    async def ask() -> None:
        limiter = Limiter(settings)
        [short, long] = windows((1, 60), (5, 3600))
        assert await limiter.take([short, long]) == 0
        for _ in range(9):
            assert 50 < await limiter.take([short, long]) <= 60
        assert [await limiter.take([long]) for _ in range(4)] == [0] * 4
        assert await limiter.take([long]) > 3500
        await limiter.close()

    asyncio.run(ask())


def test_what_several_replicas_let_in_together_is_exactly_the_limit(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_link, "TIMEOUT", 30)  # ninety connections at once, on a machine that may be busy

    async def ask() -> int:
        replicas = [Limiter(Settings(redis_url=SecretStr(redis.url))) for _ in range(3)]
        mine = windows((20, 60))
        waits = await asyncio.gather(*(replica.take(mine) for replica in replicas for _ in range(30)))
        await asyncio.gather(*(replica.close() for replica in replicas))
        return waits.count(0)

    assert asyncio.run(ask()) == 20


@pytest.mark.parametrize("how", ["refuses", "is silent"])
def test_without_redis_each_process_counts_alone_and_only_one_request_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(redis_link, "TIMEOUT", 0.5)

    async def ask() -> None:
        limiter = Limiter(Settings(redis_url=SecretStr(server.url)))
        if how == "refuses":
            await asyncio.to_thread(server.stop)
        else:
            server.freeze()
        mine = windows((5, 60))
        started = time.perf_counter()
        assert [await limiter.take(mine) == 0 for _ in range(7)] == [True] * 5 + [False] * 2
        assert time.perf_counter() - started < 2.5
        await limiter.close()

    with redis_server(tmp_path) as server:
        asyncio.run(ask())


@given(rate=st.tuples(st.integers(1, 4), st.integers(1, 5)), gaps=st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_no_window_ever_holds_more_than_allowed_and_no_request_is_refused_without_need(
    rate: tuple[int, int], gaps: list[int]
) -> None:
    amount, seconds = rate
    counts, now, let_in = OwnWindows(), 0, list[int]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits.time, "monotonic", lambda: float(now))
        for gap in gaps:
            now += gap
            wait = counts.take([Window("me", Rate(amount, seconds))])
            recent = [moment for moment in let_in if moment > now - seconds]
            assert (wait == 0) == (len(recent) < amount)
            if wait == 0:
                let_in.append(now)
            else:
                assert wait == recent[-amount] + seconds - now


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WINDOWS", 10)
    counts = OwnWindows()
    for number in range(50):
        counts.take([Window(str(number), Rate(1, 60))])
    assert len(counts._times) == 10
    assert counts.take([Window("49", Rate(1, 60))]) > 0


@pytest.mark.parametrize(
    ("written", "rates"),
    [
        (None, ()),
        ("20/minute", (Rate(20, 60),)),
        ("5/10 seconds, 200 / day", (Rate(5, 10), Rate(200, 86_400))),
        ("1/second,2/hours", (Rate(1, 1), Rate(2, 3600))),
    ],
)
def test_rates_are_written_as_people_say_them(written: str | None, rates: Any) -> None:
    assert parse_rates(Settings(limit_questions=written).limit_questions) == rates


@pytest.mark.parametrize("written", ["", "20", "0/minute", "-1/day", "20/fortnight", "20/minute;", "x/day", "1/0 days"])
def test_what_is_no_rate_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        Settings(limit_questions=written)
