"""Make `docs/page.png`: `python -m tests.web.page.screenshot`.

The answer is scripted; `spheres.png` is what its program drew in the sandbox (`fury-agent sandbox run`), made smaller.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.web.page.conftest import REPOSITORY, Site, chromium

DRAWN = Path(__file__).with_name("spheres.png")
COLORS = 256  # of the palette: the file stays small, and no eye sees it


def main() -> None:
    """Ask, wait for the answer, and keep what is seen."""
    site = Site(str(DRAWN))
    try:
        with sync_playwright() as playwright:
            page = chromium(playwright).new_page(
                viewport={"width": 1240, "height": 1040}, color_scheme="light", reduced_motion="reduce"
            )
            page.goto(site.url)
            page.fill("#question", "How do I draw three spheres of different colours?")
            page.press("#question", "Enter")
            page.wait_for_selector("[data-state=answered] .check")
            page.locator("figure img").evaluate("image => image.decode()")
            page.evaluate("scrollTo(0, 0)")
            shot = page.screenshot()
    finally:
        site.close()
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLORS).save(REPOSITORY / "docs" / "page.png", optimize=True)


if __name__ == "__main__":
    main()
