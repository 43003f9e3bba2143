"""The page's files as HTTP serves them, and what browsers are told about every reply."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest
from pydantic import ValidationError

from agent.settings import Settings
from agent.web.static_files import ROOT, assets, release
from tests.fakes import QUESTION, ScriptedService, running

SITE = "https://docs.example.org"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(ScriptedService()) as opened:
        yield opened


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/schema"])
def test_everything_that_a_page_names_is_served_from_here_and_kept_for_ever(client: httpx.Client, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="(static/[^"]+)"', page.text)
    assert len(named) >= 4
    for address in named:
        file = client.get(urljoin("/", address))
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
    assert "{{" not in page.text
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []


def test_no_page_has_script_or_style_inline(client: httpx.Client) -> None:
    for path in ("/", "/schema"):
        text = client.get(path).text
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text) == []


def test_every_module_that_is_imported_exists() -> None:
    for path in ROOT.glob("*.js"):
        for imported in re.findall(r'from "(\./[^"]+)"', path.read_text()):
            assert (ROOT / imported).is_file(), f"{path.name}: {imported}"


def test_a_page_is_asked_for_anew_and_sent_only_when_it_changed(client: httpx.Client) -> None:
    for path in ("/", "/widget.js"):
        first = client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_files_are_compressed_for_whoever_takes_that(client: httpx.Client) -> None:
    path = f"/static/{release()}/page.css"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    packed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.content == plain.content == gzip.decompress(assets()["page.css"].compressed)


def test_the_file_of_another_release_is_served_but_not_kept(client: httpx.Client) -> None:
    """While a new version is rolled out, the page of the old one may ask for its parts."""
    assert client.get("/static/0123456789abcdef/page.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["../static_files.py", "..%2fstatic_files.py", "nothing.js", "vendor", "/etc/passwd"])
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    reply = client.get(f"/static/{release()}/{path}")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


def test_the_files_of_others_are_those_that_were_published() -> None:
    """`VENDORED.md` holds their digests; nobody has edited them here."""
    listed = dict(
        re.findall(r"^\| `([\w.-]+)` \|.*`([0-9a-f]{64})` \|$", (ROOT / "vendor/VENDORED.md").read_text(), re.MULTILINE)
    )
    code = {path.name: path for path in (ROOT / "vendor").iterdir() if path.suffix in {".js", ".mjs", ".css"}}
    assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in code.items()}


# --- headers, other sites, host names ---------------------------------------------------------------


def test_every_reply_carries_the_security_headers(client: httpx.Client) -> None:
    replies = [client.get(path) for path in ("/", "/schema", "/libraries", "/nothing", "/widget.js")]
    for reply in [*replies, client.post("/query", json=QUESTION), client.post("/query", content=b"{")]:
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_policy_of_the_page_allows_nothing_inline_and_nothing_from_elsewhere(client: httpx.Client) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert policy.endswith("frame-ancestors 'self'")


def test_other_sites_may_call_only_where_they_are_named() -> None:
    with running(ScriptedService(), Settings(cors_origins=(SITE,))) as client:
        named = client.options("/query", headers={"Origin": SITE, **PREFLIGHT})
        other = client.options("/query", headers={"Origin": "https://evil.example", **PREFLIGHT})
        reply = client.post("/query", json=QUESTION, headers={"Origin": SITE})
        refused = client.post("/query", json=QUESTION, headers={"Origin": "https://evil.example"})
        page = client.get("/")
    assert (named.status_code, named.headers["access-control-allow-origin"]) == (204, SITE)
    assert other.status_code == 400
    assert reply.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-credentials" not in reply.headers
    assert page.headers["content-security-policy"].endswith(f"frame-ancestors 'self' {SITE}")


def test_no_other_site_may_call_by_default(client: httpx.Client) -> None:
    reply = client.post("/query", json=QUESTION, headers={"Origin": SITE})
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("origin", ["docs.example.org", f"{SITE}/", f"{SITE}; script-src *", "'self'", "javascript:x"])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    """It becomes part of a header: nothing may slip in with it."""
    with pytest.raises(ValidationError, match="cors_origins"):
        Settings(cors_origins=(origin,))


def test_requests_to_other_hosts_are_refused_where_hosts_are_named() -> None:
    with running(ScriptedService(), Settings(allowed_hosts=("ask.example.org", "*.internal"))) as client:
        statuses = [
            client.get("/libraries", headers={"Host": host}).status_code
            for host in ("ask.example.org", "a.internal", "evil.example", "ask.example.org.evil.example")
        ]
    assert statuses == [200, 200, 400, 400]


# --- the API's documentation --------------------------------------------------------------------------


def test_every_body_has_an_example_that_is_accepted(client: httpx.Client) -> None:
    document = client.get("/schema/openapi.json").json()
    for path in ("/query", "/search", "/check", "/feedback"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        [example] = body["schema"]["examples"]
        reply = client.post(path, content=json.dumps(example), headers={"Content-Type": "application/json"})
        assert reply.status_code in ({404} if path == "/feedback" else {200}), reply.text  # no such answer here
