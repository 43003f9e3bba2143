"""A real browser on a real server; whatever a policy stops, a dialog or a foreign request fails the test."""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

REPOSITORY = Path(__file__).parents[3]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
VIOLATIONS = "addEventListener('securitypolicyviolation', (event) => console.error(`Policy: ${event.blockedURI}`))"
WAIT = 15_000.0  # milliseconds; what a test waits for takes some tens, on an idle machine


class Site:
    """A process that serves the page, with what it says.

    Args:
        arguments: of `tests.web.page.scripted`.
    """

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.web.page.scripted", *arguments]
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        self._lines = queue.Queue[str]()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = f"{self.heard('fury-agent listening').split()[-1]}/"

    def heard(self, start: str) -> str:
        """Wait for a line that begins like that; earlier ones are dropped."""
        while not (line := self._lines.get(timeout=15)).startswith(start):
            pass
        return line

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The page's own server."""
    served = Site()
    yield served
    served.close()


def chromium(playwright: Playwright) -> Browser:
    """Start the system's Chromium, or playwright's own; without any, the test is skipped."""
    bundled = Path(playwright.chromium.executable_path)
    found = next(filter(None, map(shutil.which, BROWSERS)), str(bundled) if bundled.exists() else None)
    if found is None:
        pytest.skip("no Chromium on PATH, and `playwright install chromium` was not run")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])  # containers forbid its own


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; no longer than a module, for playwright's event loop runs in the thread of all other tests, too."""
    with sync_playwright() as playwright:
        started = chromium(playwright)
        yield started
        started.close()


@contextmanager
def watched(context: BrowserContext, allowed: str) -> Generator[Page]:
    """Give a new page; afterwards nothing may have been blocked, raised, popped up or asked of another site."""
    trouble: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:  # refused questions are tested
            trouble.append(message.text)

    def popped_up(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    context.add_init_script(VIOLATIONS)
    context.set_default_timeout(WAIT)
    expect.set_options(timeout=WAIT)
    page = context.new_page()
    page.on("console", heard)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", popped_up)
    page.on("request", lambda request: None if request.url.startswith(allowed) else trouble.append(request.url))
    yield page
    context.close()
    assert trouble == []


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The start page on a wide screen."""
    with watched(
        browser.new_context(viewport={"width": 1360, "height": 900}, reduced_motion="reduce"), site.url
    ) as opened:
        opened.goto(site.url)
        yield opened


def ask(page: Page, question: str, state: str = "") -> None:
    """Ask by the keyboard, and wait until the last answer has a state (`answered`, `failed`, ...)."""
    page.fill("#question", question)
    page.press("#question", "Enter")
    if state:
        page.wait_for_selector(f".turn:last-child[data-state={state}]")
