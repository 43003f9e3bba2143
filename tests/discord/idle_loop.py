"""An event loop that does nothing, to hold the bot's against: `python -m tests.discord.idle_loop PORT`."""

from __future__ import annotations

import asyncio
import sys

from agent.discord.health import Counts, served


async def _idle(port: int) -> None:
    async with served(Counts(), str, "127.0.0.1", port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_idle(int(sys.argv[1])))
