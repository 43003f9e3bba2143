"""The page, the API's documentation and the widget: files of the package, held in memory and served with care."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath
from msgspec import Struct

from agent.settings import Settings

ROOT = Path(__file__).parent / "static"
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
TEXT_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
"""Said here because the system's own table differs between machines, and `nosniff` forbids a guess."""

HttpRequest = Request[Any, Any, Any]


class Asset(Struct, frozen=True):
    """One file as it is sent.

    Attributes:
        digest: SHA-256 of `body`, in hex.
    """

    body: bytes
    compressed: bytes
    media_type: str
    digest: str


class DocumentationPage(OpenAPIRenderPlugin):
    """The page at `/schema` that shows the OpenAPI document; Litestar's own carries its script inline."""

    def render(self, request: HttpRequest, openapi_schema: dict[str, Any]) -> bytes:
        """Return the page, which fetches the document itself."""
        del request, openapi_schema
        return assets()["docs.html"].body


@cache
def assets() -> Mapping[str, Asset]:
    """Read all files once; HTML refers to the others through the `release` that they belong to."""
    here = f"static/{release()}".encode()
    return {
        path.relative_to(ROOT).as_posix(): _asset(path, path.read_bytes().replace(b"{{static}}", here))
        for path in _paths()
    }


@cache
def release() -> str:
    """Return a digest over all files: a part of their addresses, so that a browser may keep them for ever."""
    total = hashlib.sha256()
    for path in _paths():
        total.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


@get("/", include_in_schema=False)
async def page(request: HttpRequest, settings: NamedDependency[Settings]) -> Response[bytes]:
    """Return the page where people ask."""
    return _reply(request, assets()["index.html"], REVALIDATED, {"Content-Security-Policy": page_policy(settings)})


@get("/widget.js", include_in_schema=False)
async def widget(request: HttpRequest) -> Response[bytes]:
    """Return the script that puts the page into another site; its address stays the same for ever."""
    return _reply(request, assets()["widget.js"], REVALIDATED)


@get("/static/{digest:str}/{path:path}", include_in_schema=False)
async def static(request: HttpRequest, digest: FromPath[str], path: FromPath[str]) -> Response[bytes]:
    """Return a file of the page. One that an older page asks for comes too, but is not to be kept."""
    asset = assets().get(path.lstrip("/"))
    if asset is None:
        raise NotFoundException
    return _reply(request, asset, IMMUTABLE if digest == release() else REVALIDATED)


def page_policy(settings: Settings) -> str:
    """Return the page's Content-Security-Policy: nothing inline, nothing from elsewhere, no markup from strings.

    Only DOMPurify may turn a string into markup (Trusted Types). The sites of `cors_origins` may frame the page.
    """
    frames = " ".join(("'self'", *settings.cors_origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types dompurify; "
        f"frame-ancestors {frames}"
    )


def _paths() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*") if path.is_file())


def _asset(path: Path, body: bytes) -> Asset:
    kind = TEXT_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return Asset(body, gzip.compress(body, mtime=0), kind, hashlib.sha256(body).hexdigest())


def _reply(request: HttpRequest, asset: Asset, keep: str, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    tag = f'W/"{asset.digest[:32]}"'  # weak: the compressed bytes are others
    headers = {"Cache-Control": keep, "ETag": tag, "Vary": "Accept-Encoding", **(headers or {})}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, media_type=asset.media_type, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, media_type=asset.media_type, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)
