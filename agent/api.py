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
from litestar.openapi.spec import Components, SecurityScheme

from agent import __version__
from agent.observability import loop_lag
from agent.observability.telemetry import Telemetry
from agent.schema import CheckRequest, FeedbackRequest, QueryRequest, SearchRequest
from agent.settings import Settings
from agent.web import guards, observing, problems, routes, static_files
from agent.web.access import Access
from agent.web.bridge import Answering, Bridge
from agent.web.limits import Limiter

BODIES = (QueryRequest, SearchRequest, CheckRequest, FeedbackRequest)


def create_app(service: Answering | Callable[[], Answering], settings: Settings) -> Litestar:
    """Build the application.

    Args:
        service: what answers. A ready one stays the caller's to close; a factory is called in a thread when the
            application starts, and what it made is closed when the application ends.
        settings: of which those of the service are used.

    Returns:
        An ASGI application; while it runs, `app.state` holds its `bridge`, its `telemetry` and its `access`.

    Raises:
        ConfigurationError, MissingExtra: limits cannot be counted, or traces not be sent, where the settings say.
    """
    telemetry = Telemetry(settings)
    limiter = Limiter(settings)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        ready = await asyncio.to_thread(service) if callable(service) else service
        app.state.telemetry = telemetry
        app.state.bridge = bridge = Bridge(ready, settings, telemetry)
        app.state.access = Access(settings, limiter, lambda: bridge.api_keys().last())
        watcher = asyncio.create_task(loop_lag.watch(telemetry.metrics.loop_lag.observe))
        try:
            yield
        finally:
            watcher.cancel()
            await bridge.close()
            await limiter.close()
            if callable(service):
                await asyncio.to_thread(ready.close)
            await asyncio.to_thread(telemetry.close)

    def bridge(state: State) -> Bridge:
        return state.bridge

    static_files.assets()  # read now: the event loop must not wait for a disk
    app = Litestar(
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
            observing.metrics,
            static_files.page,
            static_files.widget,
            static_files.static,
        ],
        lifespan=[lifespan],
        dependencies={
            "bridge": Provide(bridge, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "telemetry": Provide(lambda: telemetry, sync_to_thread=False),
        },
        exception_handlers={Exception: problems.respond},
        before_send=[problems.name_request, guards.harden],
        cors_config=guards.cors(settings),
        allowed_hosts=guards.hosts(settings),
        request_max_body_size=settings.max_body_bytes,
        openapi_config=OpenAPIConfig(
            title="fury-agent",
            version=__version__,
            description="Ask a Python library's own sources.",
            path="/schema",
            components=Components(security_schemes={"apiKey": SecurityScheme(type="http", scheme="bearer")}),
            security=[{}, {"apiKey": []}],  # needed only where keys were made
            render_plugins=[static_files.DocumentationPage(path="/"), JsonRenderPlugin(path="/openapi.json")],
        ),
        logging_config=None,  # logging belongs to the program that serves the application
    )
    for kind in BODIES:  # which refuse unknown fields, as msgspec knows and Litestar does not tell
        app.openapi_schema.components.schemas[kind.__name__].additional_properties = False
    app.asgi_handler = observing.Observed(app.asgi_handler, telemetry)  # middleware would not see unknown paths
    return app


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
            grace = settings.shutdown_grace
            server.Server(app, stopping=lambda: app.state.bridge.stop(grace), grace=grace).run([listener])
        finally:
            service.close()
