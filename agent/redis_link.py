"""Redis, which replicas may share: quick, or for a while not at all."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from agent.errors import ConfigurationError, MissingExtra

TIMEOUT = 1.0
"""Seconds for one command; on a network of one's own it takes a millisecond."""
PAUSE = 5.0
"""Seconds for which Redis is left alone once it has failed, so that not every request waits for it."""


class RedisDown(Exception):
    """Redis did not do what it was asked; callers go on without it."""


class RedisLink:
    """Clients of one Redis, and whether it answers at the moment; thread-safe, and opens nothing before it is used.

    Args:
        url: of the server.

    Raises:
        ConfigurationError: that is no URL of a Redis; it is never shown: it may hold a password.
        MissingExtra: the client is not installed.
    """

    def __init__(self, url: SecretStr) -> None:
        try:
            import redis.asyncio
            import redis.asyncio.retry
            import redis.retry
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "FURY_AGENT_REDIS_URL is set, but the client of Redis is not installed.",
                remedy="Run `pip install 'fury-agent[redis]'`.",
            ) from error
        self._errors = (redis.RedisError, OSError)
        self._paused_until = 0.0
        try:
            address, broken = url.get_secret_value(), redis.ConnectionError
            self.client = redis.Redis.from_url(address, **_options(redis.retry.Retry, broken))
            self.async_client = redis.asyncio.Redis.from_url(address, **_options(redis.asyncio.retry.Retry, broken))
        except ValueError:
            raise ConfigurationError(
                "FURY_AGENT_REDIS_URL is no URL of a Redis; expected redis://[:PASSWORD@]HOST:PORT/0.",
                field="redis_url",
            ) from None  # the message may have the URL
        where = self.client.connection_pool.connection_kwargs
        self.name = where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"

    @property
    def usable(self) -> bool:
        """Whether it is worth asking now."""
        return time.monotonic() >= self._paused_until

    @contextmanager
    def attempt(self) -> Generator[None]:
        """Run commands.

        Raises:
            RedisDown: one failed; nothing should be tried for some seconds.
        """
        try:
            yield
        except self._errors as error:
            self._paused_until = time.monotonic() + PAUSE
            raise RedisDown(str(error)) from error

    def problem(self) -> str:
        """Say why Redis is done without, or return an empty string; asks it, and so may take a second."""
        try:
            if self.usable:
                with self.attempt():
                    self.client.ping()
                return ""
        except RedisDown:
            pass
        return f"Redis at {self.name} does not answer: limits and kept answers are each process's own until it does."


def _options(retry: type[Any], broken: type[Exception]) -> dict[str, Any]:
    # Once more where a pooled connection has died; never after a timeout: the command may have been carried out.
    from redis.backoff import NoBackoff

    once = retry(NoBackoff(), 1, supported_errors=(broken,))
    # It would say its version at every connection, and look that up on the disk, in the event loop.
    return {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": once, "driver_info": None}
