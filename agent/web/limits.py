"""How many requests a caller may send: moving windows, counted exactly, by this process or by all that share a Redis.

At most `amount` requests are let in within any `seconds`, wherever they begin. What is refused does not count. With
Redis its clock counts, so that machines whose clocks differ agree.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from agent.redis_link import RedisDown, RedisLink
from agent.settings import Settings

MOST_WINDOWS = 100_000
"""Callers times limits that one process remembers; beyond, those who have been away longest are forgotten."""
_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_RATE = re.compile(rf"(\d+) */ *(\d*) *({'|'.join(_UNITS)})s?")

# A list for each window, the newest first; a request is let in if the `amount`-th before it is old enough in all.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local wait = 0
for i, window in ipairs(KEYS) do
    local first = redis.call('LINDEX', window, ARGV[2 * i - 1] - 1)
    if first then wait = math.max(wait, first + ARGV[2 * i] * 1000000 - now) end
end
if wait == 0 then
    for i, window in ipairs(KEYS) do
        redis.call('LPUSH', window, string.format('%.0f', now))
        redis.call('LTRIM', window, 0, ARGV[2 * i - 1] - 1)
        redis.call('EXPIRE', window, ARGV[2 * i])
    end
end
return wait
"""


class Rate(Struct, frozen=True):
    """`amount` requests in any `seconds`."""

    amount: int
    seconds: int


class Window(Struct, frozen=True):
    """One caller's requests of one kind, and how many there may be."""

    caller: str
    rate: Rate

    @property
    def name(self) -> str:
        """What the window is called in Redis."""
        return f"fury-agent:limit:{self.rate.amount}/{self.rate.seconds}:{self.caller}"


class Limiter:
    """Counts requests; belongs to one event loop.

    Args:
        settings: where Redis is, if it is to count.
    """

    def __init__(self, settings: Settings) -> None:
        self._own = OwnWindows()
        self._redis = RedisLink(settings.redis_url) if settings.redis_url is not None else None
        self._take: Any = self._redis.async_client.register_script(_TAKE) if self._redis is not None else None

    async def take(self, windows: Sequence[Window]) -> float:
        """Count one request in all windows, or in none.

        Returns:
            0 if it is let in, else the seconds after which it would be.
        """
        if self._redis is not None and self._redis.usable:
            arguments = [number for window in windows for number in (window.rate.amount, window.rate.seconds)]
            with suppress(RedisDown), self._redis.attempt():
                return await self._take([window.name for window in windows], arguments) / 1e6
        return self._own.take(windows)

    async def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            await self._redis.async_client.aclose()


class OwnWindows:
    """The windows of this process alone."""

    def __init__(self) -> None:
        self._times: OrderedDict[Window, deque[float]] = OrderedDict()

    def take(self, windows: Sequence[Window]) -> float:
        """Count one request in all windows, or in none; as `Limiter.take`."""
        now = time.monotonic()
        wait = max((self._wait(window, now) for window in windows), default=0.0)
        if wait == 0:
            for window in windows:
                self._times.setdefault(window, deque(maxlen=window.rate.amount)).append(now)
                self._times.move_to_end(window)
        while len(self._times) > MOST_WINDOWS:
            self._times.popitem(last=False)
        return wait

    def _wait(self, window: Window, now: float) -> float:
        times = self._times.get(window)
        if times is None or len(times) < window.rate.amount:
            return 0.0
        return max(0.0, times[0] + window.rate.seconds - now)


def parse_rates(written: str | None) -> tuple[Rate, ...]:
    """Return what `20/minute, 5/10 seconds` means; nothing without a text, which has been checked by the settings."""
    return tuple(
        Rate(int(amount), int(count or 1) * _UNITS[unit]) for amount, count, unit in _RATE.findall(written or "")
    )
