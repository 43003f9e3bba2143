"""How often the local Discord may be asked: buckets as the real one has, only ten times as quick."""

from __future__ import annotations

import re
import time

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
        self._windows: dict[str, tuple[float, int]] = {}

    def admit(self, method: str, path: str) -> tuple[web.Response | None, dict[str, str]]:
        """Return the refusal of a request, if it is refused, and else the headers of its reply."""
        if _FREE.fullmatch(path) or method == "GET":
            return None, {}
        match = _MAJOR.fullmatch(path)
        assert match, path
        kind = method + re.sub(r"\d+", "ID", match[2] or "")
        bucket = {"X-RateLimit-Bucket": kind.replace("/", "-")}
        if self.limited:
            self.limited -= 1
            return _too_many(0.1, bucket), {}
        if self.globally:
            self.globally -= 1
            return _too_many(0.3, {"X-RateLimit-Global": "true"}), {}
        if self.broken:
            self.broken -= 1
            return reply({"message": "502: Bad Gateway", "code": 0}, 502), {}
        return self._counted(f"{match[1]} {kind}", bucket)

    def _counted(self, key: str, bucket: dict[str, str]) -> tuple[web.Response | None, dict[str, str]]:
        """A bucket is emptied request by request, and full again all at once: so discord.py understands the headers."""
        now = time.monotonic()
        begun, asked = self._windows.get(key, (now, 0))
        if now - begun >= PER:
            begun, asked = now, 0
        after = begun + PER - now
        headers = bucket | {
            "X-RateLimit-Limit": str(LIMIT),
            "X-RateLimit-Remaining": str(max(LIMIT - asked - 1, 0)),
            "X-RateLimit-Reset": str(time.time() + after),
            "X-RateLimit-Reset-After": f"{after:.3f}",
        }
        if asked >= LIMIT:
            self.exceeded += 1
            return _too_many(after, headers), {}
        self._windows[key] = begun, asked + 1
        return None, headers


def _too_many(after: float, headers: dict[str, str]) -> web.Response:
    body = {"message": "limited", "retry_after": after, "global": "X-RateLimit-Global" in headers}
    # Without `Via`, the client would take it for a ban by what stands before Discord.
    return reply(body, 429, headers | {"Retry-After": f"{after:.3f}", "Via": "1.1 google"})
