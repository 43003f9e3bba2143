"""Make `docs/page.png`: `python -m tests.web.page.screenshot`.

The answer is scripted; `spheres.png` is what its program drew in the sandbox (`fury-agent sandbox run`), made smaller.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.web.page.conftest import REPOSITORY, Site, chromium

DRAWN = Path(__file__).with_name("spheres.png")


def main() -> None:
    """Ask, wait for the answer, and keep what is seen."""
    site = Site(str(DRAWN))
    try:
        with sync_playwright() as playwright:
            page = chromium(playwright).new_page(
                viewport={"width": 1240, "height": 1080}, color_scheme="light", reduced_motion="reduce"
            )
            page.goto(site.url)
            page.fill("#question", "How do I draw three spheres of different colours?")
            page.press("#question", "Enter")
            page.wait_for_selector("[data-state=answered] .check")
            page.locator("figure img").evaluate("image => image.decode()")
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=REPOSITORY / "docs" / "page.png")
    finally:
        site.close()


if __name__ == "__main__":
    main()
