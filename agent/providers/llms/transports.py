"""HTTP under the OpenAI client: transports to the embedded server.

Connections are not kept. LlamaIndex keeps one client for good, and a connection kept from one event loop fails in the
next; a new one costs a millisecond on loopback, and little beside an answer elsewhere.
"""

from __future__ import annotations

import asyncio
import ssl

import httpx

from agent.providers.http_clients import NOT_KEPT
from agent.providers.llms.llama_server import LlamaServer

_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP: loading the system's certificates would cost more than the request."""


class ServerTransport(httpx.BaseTransport):
    """Sends requests to a `LlamaServer`, wherever it listens; starts it, and starts it again if it is gone."""

    def __init__(self, server: LlamaServer) -> None:
        self._server = server

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and once more if the server has died before it said anything."""
        address = self._server.address()
        try:
            return self._send(request, address)
        except _BROKEN:
            if not self._server.discard(address):
                raise
        return self._send(request, self._server.address())

    def _send(self, request: httpx.Request, address: str) -> httpx.Response:
        _direct(request, address, self._server.key)
        return httpx.HTTPTransport(verify=_NO_TLS, limits=NOT_KEPT).handle_request(request)


class AsyncServerTransport(httpx.AsyncBaseTransport):
    """`ServerTransport` for event loops: any of them, and starting the server blocks none."""

    def __init__(self, server: LlamaServer) -> None:
        self._server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and once more if the server has died before it said anything."""
        address = await asyncio.to_thread(self._server.address)
        try:
            return await self._send(request, address)
        except _BROKEN:
            if not await asyncio.to_thread(self._server.discard, address):
                raise
        return await self._send(request, await asyncio.to_thread(self._server.address))

    async def _send(self, request: httpx.Request, address: str) -> httpx.Response:
        _direct(request, address, self._server.key)
        return await httpx.AsyncHTTPTransport(verify=_NO_TLS, limits=NOT_KEPT).handle_async_request(request)


def _direct(request: httpx.Request, address: str, key: str) -> None:
    url = httpx.URL(address)
    request.url = request.url.copy_with(host=url.host, port=url.port)
    request.headers["Authorization"] = f"Bearer {key}"
