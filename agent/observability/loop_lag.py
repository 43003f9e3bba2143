"""How late the event loop is: what every open stream waits for, whatever it streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

INTERVAL = 0.25


async def watch(observe: Callable[[float], None]) -> NoReturn:
    """Tell `observe`, four times a second, how many seconds later than planned the loop woke up."""
    loop = asyncio.get_running_loop()
    while True:
        planned = loop.time() + INTERVAL
        await asyncio.sleep(INTERVAL)
        observe(max(loop.time() - planned, 0.0))
