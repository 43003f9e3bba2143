"""Hostile content in every place that shows any: nothing runs, nothing is fetched, nothing leads elsewhere.

The page under test is watched: a dialog, a blocked load, an exception or a request to another site fails the test.
"""

from __future__ import annotations

import json

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from tests.web.page.conftest import Site, ask
from tests.web.page.scripted import HOSTILE, MARKUP

HARMLESS = """() => {
  const roots = [...document.querySelectorAll('#conversation, #conversations, #excerpt')];
  const all = roots.flatMap((root) => [...root.querySelectorAll('*')]);
  const foreign = 'script, style, iframe, object, embed, form:not(.reason), math, link, meta, base, video, audio, use';
  return {
    elements: all.filter((e) => e.matches(foreign)).map((e) => e.outerHTML),
    handlers: all.flatMap((e) => [...e.attributes]).map((a) => a.name).filter((n) => /^on|^style$|^srcdoc$/.test(n)),
    links: all.filter((e) => e.matches('a')).map((e) => e.href).filter((url) => !url.startsWith('https://github.com/')),
    rels: all.filter((e) => e.matches('a') && e.rel !== 'noopener noreferrer').map((e) => e.outerHTML),
    images: all.filter((e) => e.matches('img')).map((e) => e.outerHTML),
    ids: all.map((e) => e.id).filter((id) => id && !id.startsWith('question-')),
  };
}"""
NOTHING: dict[str, list[str]] = {name: [] for name in ("elements", "handlers", "links", "rels", "images", "ids")}


def open_everything(page: Page) -> None:
    """Unfold what is folded, and show the excerpt: hostile content may wait there."""
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    page.locator("[data-number]").first.focus()
    page.wait_for_timeout(150)


def test_a_hostile_answer_with_hostile_places_is_only_text(page: Page) -> None:
    ask(page, f"hostile {MARKUP}", "answered")
    open_everything(page)
    assert page.evaluate(HARMLESS) == NOTHING
    shown = page.locator("#conversation").inner_text()
    assert "<script>alert(1)</script>" in shown
    assert MARKUP in page.locator(".question").inner_text()
    assert MARKUP in page.locator(".sources").inner_text()
    assert page.title() == "Ask the sources"


def test_a_hostile_history_is_only_text(page: Page) -> None:
    turn = {"question": MARKUP, "answer": msgspec.to_builtins(msgspec.structs.replace(HOSTILE, library=MARKUP))}
    kept = json.dumps([{"id": MARKUP, "turns": [turn]}])
    page.evaluate("kept => localStorage.setItem('fury-agent.conversations', kept)", kept)
    page.reload()
    page.click("#open-history")
    assert MARKUP in page.locator(".past").inner_text()
    page.click(".past")
    page.wait_for_selector("[data-state=answered]")
    open_everything(page)
    assert page.evaluate(HARMLESS) == NOTHING


@pytest.mark.parametrize(
    "kept", ["{", "17", '[null, {"id": 1}, {"id": "a", "turns": [{}]}]', '[{"id": "a", "turns": 3}]']
)
def test_a_broken_history_is_as_none(page: Page, kept: str) -> None:
    page.evaluate("kept => localStorage.setItem('fury-agent.conversations', kept)", kept)
    page.reload()
    page.click("#open-history")
    page.get_by_text("Nothing yet.").wait_for()
    page.keyboard.press("Escape")
    ask(page, "x", "answered")


def test_hostile_libraries_and_problems_are_only_text(page: Page) -> None:
    listed = [{"library": MARKUP, "version": MARKUP}]
    page.route("**/libraries", lambda route: route.fulfill(json=listed))
    page.route("**/query", lambda route: route.fulfill(status=400, json={"detail": MARKUP, "type": MARKUP}))
    page.reload()
    page.get_by_role("heading", name="script").wait_for()
    ask(page, "x", "failed")
    assert MARKUP in page.locator(".notice").inner_text()
    assert page.evaluate(HARMLESS) == NOTHING


def test_a_hostile_address_changes_nothing(page: Page, site: Site) -> None:
    page.goto(f"{site.url}?q={MARKUP}&library={MARKUP}&theme={MARKUP}#{MARKUP}")
    page.wait_for_selector("#examples li")
    assert MARKUP.startswith(page.locator("#question").input_value()[:4])
    assert page.evaluate("document.documentElement.dataset.theme") is None


@pytest.mark.parametrize(
    "hole",
    [
        "document.body.innerHTML = '<b>x</b>'",
        "document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))",
        "document.body.append(Object.assign(document.createElement('script'), { src: 'https://evil.example' }))",
    ],
)
def test_the_policy_stops_what_would_slip_through(browser: Browser, site: Site, hole: str) -> None:
    """The second wall: even where something was not sanitised, no string becomes markup or script."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(site.url)
        attempt = "hole => { try { %s; return 'ran' } catch (error) { return error.name } }"
        assert page.evaluate(attempt % hole) == "TypeError"
