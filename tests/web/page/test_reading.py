"""How the page is read: on a phone, in the dark, by a keyboard, by a screen reader; and from within another site."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.page.conftest import Site, ask, watched

UNNAMED = """() => {
  const named = (e) => e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim() || e.title
    || e.querySelector('img[alt]');
  return [...document.querySelectorAll('a, button, input, select, textarea, iframe, dialog, aside, [role=group]')]
    .filter((e) => !named(e) && !e.getAttribute('aria-labelledby')).map((e) => e.outerHTML);
}"""
CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.checkVisibility() && !e.disabled);
  return texts.map((e) => {
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), e.outerHTML.slice(0, 120)];
  }).filter(([ratio]) => ratio < 4.5);
}"""
HEADINGS = "[...document.querySelectorAll('h1,h2,h3')].filter((e) => e.checkVisibility()).map((e) => e.tagName).join()"


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Page]:
    """The start page on a narrow screen."""
    with watched(
        browser.new_context(viewport={"width": 320, "height": 640}, reduced_motion="reduce"), site.url
    ) as opened:
        opened.goto(site.url)
        yield opened


def test_nothing_is_wider_than_a_phone(phone: Page) -> None:
    wide = "document.documentElement.scrollWidth > innerWidth"
    phone.wait_for_selector("#examples li")
    assert not phone.evaluate(wide)
    for question, state in (("spheres" + "x" * 300, "answered"), ("hostile", "answered"), ("busy", "failed")):
        ask(phone, question, state)
    phone.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert not phone.evaluate(wide)
    phone.click("#open-history")
    assert not phone.evaluate(wide)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(browser: Browser, site: Site, scheme: Literal["light", "dark"]) -> None:
    """WCAG AA: 4.5 to 1, on the start page and in an answer with everything open."""
    with watched(browser.new_context(color_scheme=scheme, reduced_motion="reduce"), site.url) as page:
        page.goto(site.url)
        page.wait_for_selector("#examples li")
        assert page.evaluate(CONTRAST) == []
        for question, state in (("three spheres", "answered"), ("wrong", "answered"), ("broken", "failed")):
            ask(page, question, state)
        page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
        page.click(".thumb >> nth=0")
        page.locator(".reference").first.focus()
        assert page.evaluate(CONTRAST) == []
        page.click("#open-history")
        assert page.evaluate(CONTRAST) == []


def test_the_theme_follows_the_system_until_one_is_chosen(page: Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    assert dark != light
    page.click("#theme")
    assert page.get_by_role("button", name="Theme: light").is_visible()
    assert page.evaluate(paper) == light
    page.reload()
    assert page.evaluate(paper) == light
    page.click("#theme")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == dark


def test_everything_has_a_name_and_headings_are_in_order(page: Page) -> None:
    page.wait_for_selector("#examples li")
    assert page.evaluate(HEADINGS) == "H1"
    ask(page, "three spheres", "answered")
    page.click(".thumb >> nth=0")
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(HEADINGS) == "H2,H3"
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("log", name="Conversation").is_visible()
    assert page.get_by_role("complementary", name="Sources").is_visible()
    assert page.get_by_role("article", name="three spheres").is_visible()
    assert page.get_by_role("link", name="Source 1: fury.actor.sphere").first.is_visible()


def test_a_screen_reader_hears_the_stages_and_not_every_word(page: Page) -> None:
    said = page.locator("#announcer")
    ask(page, "in steps")
    expect(said).to_have_text("3 places found. Writing the answer.")
    assert page.locator(".turn").get_attribute("aria-busy") == "true"
    expect(said).to_have_text("The answer is complete.")
    assert page.locator(".turn").get_attribute("aria-busy") == "false"
    assert page.locator("#conversation").get_attribute("aria-live") == "off"


def test_the_keyboard_reaches_everything_in_reading_order(page: Page) -> None:
    ask(page, "wrong", "answered")
    page.locator(".mark").focus()
    reached: list[str] = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(document.activeElement.id || document.activeElement.className || document.activeElement.tagName)"
            )
        )
    order = [
        "version",
        "new",
        "open-history",
        "theme",
        "reference",
        "SUMMARY",
        "thumb",
        "thumb",
        "A",
        "question",
        "send",
    ]
    positions = iter(reached)
    assert all(any(name == found for found in positions) for name in order), reached


def test_a_dialog_holds_the_focus_and_gives_it_back(page: Page) -> None:
    page.click("#open-history")
    assert page.evaluate("document.activeElement.closest('dialog')?.id") == "history"
    page.keyboard.press("Escape")
    assert page.locator("#history").is_hidden()
    assert page.evaluate("document.activeElement.id") == "open-history"


# --- the widget, and the page of the API ----------------------------------------------------------------


class _Documentation(http.server.BaseHTTPRequestHandler):
    """A page of somebody's documentation that holds the widget."""

    script = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(
            f'<!doctype html><html lang="en" data-theme="dark"><style>button {{ display: none !important }}</style>'
            f'<link rel="icon" href="data:,"><p>Docs.</p><script defer src="{self.script}" data-version="0.10.0" '
            'data-library="fury"></script></html>'.encode()
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def documentation() -> Iterator[str]:
    """The address of a documentation site."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Documentation) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_one_script_tag_puts_the_page_into_another_site(browser: Browser, documentation: str) -> None:
    served = Site("-", documentation)
    try:
        _Documentation.script = f"{served.url}widget.js"
        with watched(browser.new_context(viewport={"width": 1000, "height": 800}), "http://127.0.0.1:") as page:
            page.goto(documentation)
            page.wait_for_function("document.body.lastElementChild.tagName === 'DIV'")
            page.mouse.click(930, 760)
            page.wait_for_event("framenavigated")
            frame = page.frames[1]
            frame.wait_for_selector("#examples li", state="attached")
            assert frame.evaluate("document.documentElement.dataset.theme") == "dark"
            frame.fill("#question", "framed")
            frame.press("#question", "Enter")
            frame.wait_for_selector("[data-state=answered]")
            assert served.heard("asked framed").endswith("0.10.0")
            assert not frame.evaluate("document.documentElement.scrollWidth > innerWidth")
            frame.press("#question", "Escape")
            page.wait_for_function("!document.activeElement.matches('iframe')")
    finally:
        served.close()


def test_a_site_that_is_not_named_cannot_frame_the_page(browser: Browser, documentation: str, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(documentation)
    page.evaluate(
        "url => { const f = document.createElement('iframe'); f.src = url; document.body.append(f) }", site.url
    )
    page.wait_for_timeout(300)
    assert page.frames[1].url.startswith("chrome-error:")
    context.close()


def test_the_api_is_documented_from_local_files(page: Page, site: Site) -> None:
    page.goto(f"{site.url}schema")
    page.get_by_role("button", name="POST /query Query").click()
    page.get_by_text("How do I draw a red sphere?").first.wait_for()
