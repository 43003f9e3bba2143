"""What browsers are told about every reply, and who may call: headers, other sites' origins, host names."""

from __future__ import annotations

from litestar.config.allowed_hosts import AllowedHostsConfig
from litestar.config.cors import CORSConfig
from litestar.types import Message, Scope

from agent.settings import Settings

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of Swagger UI, which has its icons in `data:` addresses."""
REPLY_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_DOCS_HEADERS = (*_HEADERS, (b"content-security-policy", DOCS_POLICY.encode()))
_REPLY_HEADERS = (*_HEADERS, (b"content-security-policy", REPLY_POLICY.encode()))


async def harden(message: Message, scope: Scope) -> None:
    """Litestar's `before_send` hook: every reply carries the headers; one that a route has set itself stays."""
    if message["type"] == "http.response.start":
        given = {name for name, _ in message["headers"]}
        headers = _DOCS_HEADERS if scope["path"].rstrip("/") == "/schema" else _REPLY_HEADERS
        message["headers"] = [*message["headers"], *(header for header in headers if header[0] not in given)]


def cors(settings: Settings) -> CORSConfig | None:
    """Return which other sites' scripts may call, without cookies; None where none may."""
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Accept", "Authorization", "X-Fury-User"],
        expose_headers=["Retry-After", "X-Request-Id"],
    )


def hosts(settings: Settings) -> AllowedHostsConfig | None:
    """Return the host names that requests may be addressed to; None where any is."""
    if not settings.allowed_hosts:
        return None
    return AllowedHostsConfig(allowed_hosts=list(settings.allowed_hosts), www_redirect=False)
