"""Pictures of the main pages, light and dark: made by every run, and the ones that the documentation shows.

They are written to `build/screenshots`, or the folder that SCREENSHOTS names: `make screenshots` makes those of the
documentation anew.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from places import MAIN_PAGES, Place, furnish
from playwright.sync_api import expect
from visitor import Site, Visit

pytestmark = [pytest.mark.xdist_group("console"), pytest.mark.timeout(600)]  # all pages in one test

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / os.environ.get("SCREENSHOTS", "build/screenshots")
IMAGES = ROOT / "docs" / "images"
WIDTH = 1280
QUALITY = 60  # of WebP: text stays sharp, a picture is some 30 KB
LARGEST, SMALLEST = 80_000, 4_000  # bytes; an empty page has 3 KB
THEMES = ("light", "dark")


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[str, Place]:
    """The pages, none of them empty."""
    return furnish(site)


@pytest.mark.parametrize("theme", THEMES)
def test_each_main_page_is_pictured(visit: Visit, pages: dict[str, Place], theme: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    visitor = visit((WIDTH, 800), theme == "dark").sign_in("production", "admin")
    session = visitor.page.context.new_cdp_session(visitor.page)
    for name, height in MAIN_PAGES.items():
        visitor.page.set_viewport_size({"width": WIDTH, "height": height})
        visitor.open(pages[name].path)
        visitor.sees(pages[name].shows)
        visitor.page.wait_for_load_state("networkidle")
        expect(visitor.page.get_by_text("Loading")).to_have_count(0)
        asked = {"format": "webp", "quality": QUALITY}
        picture = base64.b64decode(session.send("Page.captureScreenshot", asked)["data"])
        assert SMALLEST < len(picture) < LARGEST, name
        (FOLDER / f"{name}-{theme}.webp").write_bytes(picture)


def test_the_documentation_shows_each_main_page_in_both_themes() -> None:
    text = (ROOT / "docs" / "console.md").read_text(encoding="utf-8")
    shown = {f"{name}-{theme}.webp" for name in MAIN_PAGES for theme in THEMES}
    assert {path.name for path in IMAGES.iterdir()} == shown, "`make screenshots` makes them"
    for name in shown:
        assert f"images/{name}" in text, name
        assert (IMAGES / name).stat().st_size < LARGEST, name
