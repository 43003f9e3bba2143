"""Run one application on one port, in this process, until a signal comes."""

from __future__ import annotations

import gc
import math
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from agent.errors import ConfigurationError
from agent.web.connection import Connection, give_up_unheard

BACKLOG = 2048
COLLECTING = (50_000, 20, 10)
"""Of the three generations: new objects, and collections of the one before. What ends well leaves no cycles."""
FAREWELL = 3  # seconds after the time of grace; connections that are still open then are cut


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket, before anything slow is loaded.

    Args:
        host: address or name.
        port: 0 takes a free one.

    Raises:
        ConfigurationError: the address is not ours, or the port is taken or forbidden.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on host {host!r}, port {port}: {error.strerror or error}.",
            remedy="Choose another with --host and --port; --port 0 takes a free port.",
            field="port",
        ) from error
    # asyncio sets this only on sockets made with an explicit protocol; without it every reply waits 40 ms for an
    # acknowledgement. Accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    give_up_unheard(listener)
    return listener


class Server(uvicorn.Server):
    """`run([listener])` serves until SIGINT or SIGTERM, and says on stdout when it is ready.

    Args:
        app: the ASGI application; its lifespan runs here.
        stopping: called in the event loop as soon as the signal has come, while replies are still under way.
        grace: seconds that these may still take.
    """

    def __init__(self, app: Any, *, stopping: Callable[[], None], grace: float = 0.0) -> None:
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=math.ceil(grace) + FAREWELL,
        )
        config.load()  # imports modules; left to uvicorn, that would happen in the event loop
        super().__init__(config)
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets)
        _rarely_collect()
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"fury-agent listening on http://{shown}:{port}", flush=True)  # noqa: T201 - what `serve` promises

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let replies end, within limits."""
        self._stopping()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal, and without waiting at the second."""
        # uvicorn's own would raise the signal again after the shutdown, and the exit code would not be 0.
        del sig, frame
        self.force_exit = self.should_exit
        self.should_exit = True


def _rarely_collect() -> None:
    """Let the garbage collector leave alone what has been loaded, and look through the rest in small pieces.

    It stops all threads. With a thousand streams, looking through everything takes a third of a second, in which as
    many threads come to wait for the interpreter as there are streams; left to its defaults it does so every few
    seconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTING)
