"""Ports of 127.0.0.1 for servers that are told where to listen."""

from __future__ import annotations

import random
import socket

PORTS = range(20_000, 30_000)
"""Outside those that Linux gives to whoever asks for any, 32768 to 60999: between the choice of a port and the start
of a slow server, another test's connection would take one of them, or a client that waits would reach itself. And
outside 10002 to 19999, which Ray gives to its workers."""

_random = random.SystemRandom()  # seeded alike, tests that run side by side would choose alike


def free_port() -> int:
    """Return a port that nobody listens on, nor is given by chance."""
    while True:
        port = _random.choice(PORTS)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def accepts(port: int) -> bool:
    """Return whether somebody listens on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
