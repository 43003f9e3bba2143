"""The way to Pinecone: retries within a deadline, waiting until a write is visible, and its errors in our words.

Importing this needs the extra `pinecone`.
"""

from __future__ import annotations

import itertools
import random
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import httpx
from pinecone import Index, Pinecone, RetryConfig, ServerlessSpec
from pinecone._internal.constants import DATA_PLANE_API_VERSION
from pinecone._internal.http_client import HTTPClient
from pinecone.errors.exceptions import (
    ApiError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PineconeConnectionError,
    PineconeError,
    PineconeTimeoutError,
    PineconeValueError,
    RateLimitError,
    ResponseParsingError,
    ServiceError,
    UnauthorizedError,
)
from pinecone.models.indexes.index import IndexModel
from pydantic import SecretStr

from agent.errors import AgentError, ConfigurationError, IndexMismatch, IndexMissing, InvalidInput, StoreUnavailable
from agent.settings import Settings

T = TypeVar("T")

METRIC = "dotproduct"
"""The only one with which an index takes sparse and dense vectors together."""
LONGEST_PAUSE = 5.0
"""Seconds between two tries where Pinecone does not ask for more."""
ONE_TRY = RetryConfig(max_retries=0)
"""The SDK's own four tries pause for up to 90 s each and know no deadline."""

_PASSING = (
    RateLimitError,
    ServiceError,
    PineconeConnectionError,
    PineconeTimeoutError,
    ResponseParsingError,
    httpx.HTTPError,  # the SDK translates only some of them
)


class Connection:
    """Access to one index of a Pinecone project; thread-safe, and never shows the key.

    Args:
        settings: key, address and deadline.
        index: name of the index.
    """

    def __init__(self, settings: Settings, index: str) -> None:
        if settings.pinecone_key is None:
            raise ConfigurationError(
                "The store 'pinecone' needs an API key, but FURY_AGENT_PINECONE_KEY is not set.",
                remedy="Set it to a key from https://app.pinecone.io, see docs/pinecone.md.",
                field="pinecone_key",
            )
        self.index_name = index
        self.timeout = settings.pinecone_timeout
        self._key: SecretStr = settings.pinecone_key
        self._where = ServerlessSpec(cloud=settings.pinecone_cloud, region=settings.pinecone_region)
        self._control = Pinecone(
            api_key=self._key.get_secret_value(),
            host=settings.pinecone_url,
            timeout=self.timeout,
            retry_config=ONE_TRY,
        )
        self._clients: list[Pinecone | Index] = [self._control]
        weakref.finalize(self, _close, self._clients)  # nobody else knows when the last user has gone

    def __repr__(self) -> str:
        return f"Connection({self.index_name!r})"

    def open_index(self, dimension: int) -> Index:
        """Return a client of the index when it is ready.

        Raises:
            IndexMissing: there is none.
            IndexMismatch: it holds other vectors.
            ConfigurationError, StoreUnavailable: see `call`.
        """
        self.wait_until(lambda: bool(self.described().status.ready), f"make the index {self.index_name!r} ready")
        found = self.described()
        if (found.dimension, found.metric, found.vector_type) != (dimension, METRIC, "dense"):
            raise IndexMismatch(
                f"Pinecone's index {self.index_name!r} holds {found.vector_type} vectors of {found.dimension!r} "
                f"numbers with the metric {found.metric!r}; expected are dense ones of {dimension!r} with {METRIC!r}.",
                remedy="Set FURY_AGENT_PINECONE_INDEX to another name; the index is made by the next build.",
            )
        index = _OneTryIndex(found.host or "", self._key.get_secret_value(), self.timeout)
        self._clients.append(index)
        return index

    def make_index(self, dimension: int) -> Index:
        """Make the index if there is none, and return a client of it.

        Raises:
            IndexMismatch, ConfigurationError, StoreUnavailable: see `open_index`.
        """
        try:
            return self.open_index(dimension)
        except IndexMissing:
            pass
        self.call(self._create, dimension=dimension)
        return self.open_index(dimension)

    def _create(self, dimension: int, timeout: float) -> None:  # noqa: ARG002 - the client's own holds
        try:
            self._control.indexes.create(
                name=self.index_name, spec=self._where, dimension=dimension, metric=METRIC, timeout=-1
            )
        except ConflictError:
            return  # another build was faster

    def described(self) -> IndexModel:
        """Return what Pinecone says of the index.

        Raises:
            IndexMissing: there is none.
            ConfigurationError, StoreUnavailable: see `call`.
        """
        return self.call(self._describe)

    def _describe(self, timeout: float) -> IndexModel:  # noqa: ARG002 - the client's own holds
        return self._control.indexes.describe(self.index_name)

    def call(self, operation: Callable[..., T], **arguments: Any) -> T:
        """Do one operation of the SDK, which must be safe to repeat; it is tried again until the deadline.

        Raises:
            ConfigurationError: the key is not accepted.
            IndexMissing: what it is about does not exist.
            InvalidInput: the SDK or Pinecone refuses the arguments.
            StoreUnavailable: no answer within the deadline.
        """
        deadline = time.monotonic() + self.timeout
        for attempt in itertools.count():
            try:
                return operation(**arguments, timeout=max(deadline - time.monotonic(), 0.05))
            except (PineconeError, httpx.HTTPError) as error:
                pause = _pause(error, attempt)
                if pause is None or time.monotonic() + pause > deadline:
                    # An error that repeats the key would show it as the cause.
                    secret = self._key.get_secret_value() in repr((str(error), vars(error)))
                    raise self._translated(error) from (None if secret else error)
            time.sleep(pause)
        raise AssertionError  # the count has no end

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Ask until a condition holds.

        Raises:
            StoreUnavailable: it does not within the deadline.
        """
        if not self.holds_soon(holds):
            raise StoreUnavailable(
                f"Pinecone did not {what} within {self.timeout:g} s.",
                remedy="Try again, or raise FURY_AGENT_PINECONE_TIMEOUT.",
            )

    def holds_soon(self, holds: Callable[[], bool]) -> bool:
        """Return whether a condition holds before the deadline."""
        deadline = time.monotonic() + self.timeout
        pause = 0.05
        while not holds():
            if time.monotonic() + pause > deadline:
                return False
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
        return True

    def _translated(self, error: Exception) -> AgentError:
        said = str(error) or type(error).__name__
        said = said.replace(self._key.get_secret_value(), "***").splitlines()[0][:300]
        if isinstance(error, NotFoundError):
            return IndexMissing(
                f"Pinecone has no such thing in the index {self.index_name!r}: {said}.",
                remedy="Check FURY_AGENT_PINECONE_INDEX, or build it: `fury-agent index`.",
            )
        if isinstance(error, UnauthorizedError) or (
            isinstance(error, ForbiddenError) and error.error_code != "QUOTA_EXCEEDED"
        ):
            return ConfigurationError(
                f"Pinecone does not accept the API key: {said}.",
                remedy=f"Set FURY_AGENT_PINECONE_KEY to a key of the project that holds {self.index_name!r}.",
                field="pinecone_key",
            )
        if isinstance(error, PineconeValueError):
            return InvalidInput(f"Pinecone's client refuses a value: {said}.")
        if _passing(error):
            return StoreUnavailable(
                f"Pinecone did not answer within {self.timeout:g} s: {said}.",
                remedy="Try again later; https://status.pinecone.io tells of outages.",
            )
        return StoreUnavailable(
            f"Pinecone refused a request: {said}.", remedy="`fury-agent doctor` checks the store; see docs/pinecone.md."
        )


class _OneTryIndex(Index):
    """The SDK's client of an index, without its own retries; the SDK has no argument for that."""

    def __init__(self, host: str, key: str, timeout: float) -> None:
        super().__init__(host=host, api_key=key, timeout=timeout)
        self._http.close()
        self._http = HTTPClient(replace(self._config, retry_config=ONE_TRY), DATA_PLANE_API_VERSION)


def _close(clients: list[Pinecone | Index]) -> None:
    for client in clients:
        client.close()


def _passing(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    return isinstance(error, _PASSING) or (isinstance(error, ApiError) and error.status_code == 408)  # noqa: PLR2004 - Request Timeout


def _pause(error: Exception, attempt: int) -> float | None:
    """Return how many seconds to wait before the next try, or None if there is no point in one."""
    if not _passing(error):
        return None
    # Full jitter: those who failed together must not come back together.
    own = random.uniform(0.05, min(0.2 * 2**attempt, LONGEST_PAUSE))  # noqa: S311 - no secret
    try:
        asked = float((getattr(error, "headers", None) or {}).get("retry-after", 0))
    except ValueError:  # it may be a date
        asked = 0.0
    return max(own, asked)
