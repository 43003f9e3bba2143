"""The one event loop, in a thread of its own, on which asynchronous LLMs speak."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from functools import lru_cache

_EXIT_TIMEOUT = 1.0  # seconds that the end of the process waits for answers to stop

_loop_lock = threading.Lock()


def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, started at the first call and stopped when the process ends."""
    with _loop_lock:
        return _new_event_loop()


@lru_cache(maxsize=1)
def _new_event_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="llm-streams", daemon=True)
    thread.start()

    def close() -> None:
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(_end_all(), loop).result(_EXIT_TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_EXIT_TIMEOUT)
        if not loop.is_running():
            loop.close()

    atexit.register(close)
    return loop


async def _end_all() -> None:
    """Stop the answers that still run, so that the interpreter can end without complaints."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
