"""Clients that are too slow for one process: those that dribble a request, and those that take in no reply."""

from __future__ import annotations

import asyncio
import socket

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

ARRIVAL = 30.0
"""Seconds in which a request, its body included, has to arrive; uvicorn itself would wait for ever."""
UNHEARD = 30.0
"""Seconds after which a connection is given up whose other end confirms nothing of what is sent to it."""


class Connection(H11Protocol):
    """uvicorn's connection, closed when a request takes longer than `ARRIVAL` to arrive.

    Some hundreds of clients that send a byte now and then would otherwise hold all the files that a process may open.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take in a piece of a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(ARRIVAL, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def give_up_unheard(listener: socket.socket) -> None:
    """Let the system close connections whose other end is gone without a word, or never reads; `listener`'s inherit it.

    Linux has a time for it; elsewhere it is the system's own, which is many minutes.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNHEARD * 1000))
