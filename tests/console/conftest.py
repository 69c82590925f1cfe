"""A server with accounts, and a real Chromium that visits its console.

With ISTHMUS_CONSOLE_LATENCY, in milliseconds, every answer is late by so much: a test that acts on the page before it
has seen that the next one is there fails then every time, rather than once on a busy machine.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from find_browser import find_browser
from playwright.sync_api import Browser, Page, expect, sync_playwright
from visitor import DESKTOP, Site, Visit, Visitor

# Without the network flags Chromium looks for its maker's hosts at every start.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TIMEOUT = 60_000  # milliseconds for one step, on a machine that is busy
TEST_TIMEOUT = 600  # seconds for one test
LATENCY = int(os.environ.get("ISTHMUS_CONSOLE_LATENCY", "0"))
expect.set_options(timeout=TIMEOUT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server; it must end cleanly and must not have had a fault of its own."""
    made = Site(tmp_path_factory.mktemp("console"))
    yield made
    assert made.server.stop() == 0
    assert "Traceback" not in made.server.errors.read_text()


# Not for the session: as long as it lives an event loop runs in this thread, and other tests have their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    path = find_browser()
    assert path is not None, "no Chromium or Chrome: `make test` installs Debian's"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser on a busy machine takes its time; a test that hangs still ends."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_TIMEOUT))


_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember for the end of the test whether it failed."""
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    return report


@pytest.fixture
def visit(site: Site, browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visit]:
    """Opens the console in a browser of its own: `visit()`, `visit(size=(400, 800), dark=True)`.

    No page may have had an error of its own or broken the content security policy.
    """
    visitors: list[Visitor] = []

    def open_one(size: tuple[int, int] = DESKTOP, dark: bool = False) -> Visitor:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(TIMEOUT)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.endpoint)
        page = context.new_page()
        if LATENCY:
            conditions = {"offline": False, "latency": LATENCY, "downloadThroughput": -1, "uploadThroughput": -1}
            context.new_cdp_session(page).send("Network.emulateNetworkConditions", conditions)
        visitor = Visitor(site, page)
        visitors.append(visitor)
        return visitor

    yield open_one
    faults = [fault for visitor in visitors for fault in visitor.faults]
    for number, visitor in enumerate(visitors):
        if faults or request.node.stash.get(_failed, False):
            visitor.page.screenshot(path=tmp_path / f"visitor-{number}.png")
            print(f"{visitor.page.url}: {tmp_path}/visitor-{number}.png")
        visitor.page.context.close()
    assert faults == []


@pytest.fixture
def page(visit: Visit) -> Page:
    """A page of the console's origin, nobody signed in."""
    return visit().page


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    path = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
    return path.read_text(encoding="utf-8")
