"""The build of an index held against other machines, by a lease in the Redis that they share.

On one machine a file's lock does it; over a network, files lock reliably in some places only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from agent.errors import BuildLocked
from agent.redis_link import RedisDown, RedisLink
from agent.settings import Settings

LEASE = 30.0
"""Seconds after which a builder that has died holds nothing any more; one that lives renews it thrice in that time."""


@contextmanager
def leased(
    settings: Settings, index: str, wait: float, *, waiting: Callable[[], None] = lambda: None
) -> Generator[Callable[[], None]]:
    """Hold a build while the block runs, where a Redis is set; without one, nothing happens.

    Gives a function to call before the result is published: it raises `BuildLocked` if the lease was lost, as it is
    when the process was stopped for longer than it lasts.

    Args:
        settings: where Redis is.
        index: library and version.
        wait: seconds to wait for another build to end.
        waiting: called if there is another build to wait for.

    Raises:
        BuildLocked: another machine is still building after that time, or Redis cannot say.
    """
    if settings.redis_url is None:
        yield lambda: None
        return
    link = RedisLink(settings.redis_url)
    lock = link.client.lock(f"fury-agent:build:{index}", timeout=LEASE, thread_local=False)
    try:
        with link.attempt():
            if not lock.acquire(blocking=False):
                waiting()
                if not lock.acquire(blocking_timeout=wait):
                    raise BuildLocked(
                        f"Another machine has been building the index of {index} for {wait:.0f} s.",
                        remedy="Wait for it to end, or stop it; the served index is not affected.",
                    )
    except RedisDown as error:
        raise BuildLocked(
            f"Whether another machine builds the index of {index} cannot be told: Redis at {link.name}: {error}.",
            remedy="Start it, or unset FURY_AGENT_REDIS_URL for this command if you know that none does.",
        ) from error
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(LEASE / 3):
            with suppress(RedisDown), link.attempt():  # tried again, until the lease is over
                lock.reacquire()

    def check() -> None:
        with suppress(RedisDown), link.attempt():  # a generation is whole either way: hours of work are not dropped
            if not lock.owned():
                raise BuildLocked(
                    f"The lease on the build of {index} was lost: this process stood still for {LEASE:.0f} s or more.",
                    remedy="Run the same command again; the served index is not affected.",
                )

    renewing = threading.Thread(target=renew, name="build lease", daemon=True)
    renewing.start()
    try:
        yield check
    finally:
        ended.set()
        renewing.join()
        with suppress(RedisDown), link.attempt():
            lock.release()
        link.client.close()
