"""How often the local Discord may be asked: buckets as the real one has, only ten times as quick."""

from __future__ import annotations

import re
import time
from collections import deque

from aiohttp import web

from tests.servers.discord_rules import reply

LIMIT, PER = 5, 0.5
"""Requests in seconds, for each kind of request in each channel; the real one allows five in five seconds."""
_FREE = re.compile(r"/interactions/.*|/gateway/bot|/users/@me|/(?:oauth2/)?applications/.*")
_MAJOR = re.compile(r"(/channels/\d+|/webhooks/\d+/\w+)(/.*)?")


class Limits:
    """Buckets, and troubles that a test causes.

    Attributes:
        limited, globally, broken: that many of the next writes get a 429 of their bucket, a global one, or a 502.
        exceeded: how often a client asked although its bucket was empty; a good one never does twice.
    """

    def __init__(self) -> None:
        self.limited = 0
        self.globally = 0
        self.broken = 0
        self.exceeded = 0
        self._asked: dict[str, deque[float]] = {}

    def admit(self, method: str, path: str) -> tuple[web.Response | None, dict[str, str]]:
        """Return the refusal of a request, if it is refused, and else the headers of its reply."""
        if _FREE.fullmatch(path) or method == "GET":
            return None, {}
        if self.limited:
            self.limited -= 1
            return _too_many(0.2, "bucket"), {}
        if self.globally:
            self.globally -= 1
            return _too_many(0.3, ""), {}
        if self.broken:
            self.broken -= 1
            return reply({"message": "502: Bad Gateway", "code": 0}, 502), {}
        return self._counted(method, path)

    def _counted(self, method: str, path: str) -> tuple[web.Response | None, dict[str, str]]:
        match = _MAJOR.fullmatch(path)
        assert match, path
        kind = re.sub(r"\d+", "ID", match[2] or "")
        asked = self._asked.setdefault(f"{method} {match[1]} {kind}", deque())
        now = time.monotonic()
        while asked and now - asked[0] >= PER:
            asked.popleft()
        after = asked[0] + PER - now if asked else PER
        if len(asked) >= LIMIT:
            self.exceeded += 1
            return _too_many(after, kind), {}
        asked.append(now)
        return None, {
            "X-RateLimit-Limit": str(LIMIT),
            "X-RateLimit-Remaining": str(LIMIT - len(asked)),
            "X-RateLimit-Reset": str(time.time() + after),
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": f"{method}{kind}".replace("/", "-"),
        }


def _too_many(after: float, bucket: str) -> web.Response:
    # Without `Via`, the client would take it for a ban by what stands before Discord.
    headers = {"Retry-After": f"{after:.3f}", "Via": "1.1 google"}
    headers |= {"X-RateLimit-Bucket": bucket} if bucket else {"X-RateLimit-Global": "true"}
    return reply({"message": "limited", "retry_after": after, "global": not bucket}, 429, headers)
