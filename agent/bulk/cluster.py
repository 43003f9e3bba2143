"""The Ray cluster: reaching it, giving it the work, and what its failures are called here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from agent.bulk.pipeline import Job, run
from agent.errors import AgentError, ClusterUnavailable, MissingExtra
from agent.settings import forbid_usage_reports

LOCAL = "local"
OBJECT_STORE_BYTES = 500_000_000
"""Shared memory of a Ray that is started here; chunks that wait for an actor take some MB a shard."""

ATTEMPTS = 3
"""A head forks a server for each client, which now and then hangs in the fork (once in about ten connections to
a head that has just started, Ray 2.x): the head then says so after 40 s, and the next client gets another."""

Ended = Callable[[float], bool]
"""Waits so many seconds at most for the end of the work, and says whether it came; raises what the work raised."""


@contextmanager
def running(on: str, job: Job, shards: Sequence[bytes]) -> Generator[Ended]:
    """Have a cluster finish shards; when the block is left, the work ends, finished or not.

    Args:
        on: `local`, `auto` or an address.
        job: what all its processes are told.
        shards: encoded ones.

    Raises:
        MissingExtra: the extra `ray` is not installed.
        ClusterUnavailable: it cannot be reached.
    """
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise MissingExtra(
            f"Building an index on a cluster needs a package that cannot be imported: {error}.",
            remedy="Run `pip install 'fury-agent[ray]'`.",
        ) from error

    forbid_usage_reports()
    # A Ray that is started here talks to nobody else.
    started: dict[str, Any] = {
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
        "_node_ip_address": "127.0.0.1",
    }

    def connect(attempts: int = ATTEMPTS) -> None:
        try:
            ray.init(on, log_to_driver=False, logging_level=logging.ERROR, **(started if on == LOCAL else {}))
        except ConnectionAbortedError:
            if attempts == 1:
                raise
            connect(attempts - 1)

    try:
        connect()
    except (ConnectionError, RuntimeError, ValueError, ImportError, RayError) as error:
        raise ClusterUnavailable(
            f"The Ray cluster {on!r} cannot be reached: {_reason(error)}",
            remedy="Expected local, auto or ray://HOST:PORT; the same Python, Ray, RAY_AUTH_MODE and token.",
        ) from error
    try:
        with _failures(on):
            # It only waits for others; so it takes no CPU from them.
            result = ray.remote(num_cpus=0)(run).remote(job, shards)

        def ended(wait: float) -> bool:
            with _failures(on):
                done, _ = ray.wait([result], timeout=wait)
                if done:
                    ray.get(result)
            return bool(done)

        yield ended
    finally:
        ray.shutdown()


@contextmanager
def _failures(on: str) -> Generator[None]:
    from ray.exceptions import RayError

    try:
        yield
    except (RayError, ConnectionError) as error:
        raise _translated(error, on) from error


def _translated(error: BaseException, on: str) -> AgentError:
    """Return the error of ours that is behind one of Ray's, or say that the cluster failed."""
    cause: BaseException | None = error
    while cause is not None:
        original: BaseException | None = getattr(
            cause, "cause", None
        )  # which Ray's own have, also one that poses as it
        if original is None and isinstance(cause, AgentError):
            return cause
        cause = original or cause.__cause__
    return ClusterUnavailable(
        f"The work on the Ray cluster {on!r} failed: {_reason(error)}",
        remedy="Run the same command again: finished shards are kept.",
    )


def _reason(error: BaseException) -> str:
    """Return the line that says why: the first one, or the last one of a traceback that the head sent."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return lines[-1 if isinstance(error, ConnectionAbortedError) else 0]
