"""The HTTP door: the application, and running it on a port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from agent import __version__
from agent.settings import Settings
from agent.web import problems, routes
from agent.web.bridge import Answering, Bridge

GRACE = 2.0  # seconds that running work may still take when the process is asked to stop


def create_app(service: Answering | Callable[[], Answering], settings: Settings) -> Litestar:
    """Build the application.

    Args:
        service: what answers. A ready one stays the caller's to close; a factory is called in a thread when the
            application starts, and what it made is closed when the application ends.
        settings: of which those of the service are used.

    Returns:
        An ASGI application; while it runs, `app.state.bridge` is its `Bridge`.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        ready = await asyncio.to_thread(service) if callable(service) else service
        app.state.bridge = bridge = Bridge(ready, settings)
        try:
            yield
        finally:
            await bridge.close()
            if callable(service):
                await asyncio.to_thread(ready.close)

    def bridge(state: State) -> Bridge:
        return state.bridge

    return Litestar(
        [
            routes.query,
            routes.search,
            routes.check,
            routes.picture,
            routes.feedback,
            routes.forget,
            routes.libraries,
            routes.live,
            routes.ready,
        ],
        lifespan=[lifespan],
        dependencies={
            "bridge": Provide(bridge, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
        },
        exception_handlers={Exception: problems.respond},
        before_send=[problems.name_request],
        request_max_body_size=settings.max_body_bytes,
        openapi_config=OpenAPIConfig(
            title="fury-agent",
            version=__version__,
            description="Ask a Python library's own sources.",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],  # no page that loads from elsewhere
        ),
        logging_config=None,  # logging belongs to the program that serves the application
    )


def serve(service_factory: Callable[[], Answering], settings: Settings) -> None:
    """Answer over HTTP until SIGINT or SIGTERM; prints one line when it is ready.

    Args:
        service_factory: opens the service; called once the port is ours.
        settings: `host`, `port` and those of the service.

    Raises:
        ConfigurationError: the host or port cannot be used.
        AgentError: what the factory raises.
    """
    from agent.web import server

    with server.listen(settings.host, settings.port) as listener:
        service = service_factory()
        try:
            app = create_app(service, settings)
            server.Server(app, stopping=lambda: app.state.bridge.stop(GRACE)).run([listener])
        finally:
            service.close()
