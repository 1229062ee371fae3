"""A real ``rosterd serve`` and a real Chromium: what a page is like for people, with axe as the judge.

    @needs_chromium
    def test_it(tmp_path: Path) -> None:
        with running(tmp_path / "data") as server, chromium() as browser:
            page = browser.new_page(base_url=server.origin)
            log_in(page, server)
            page.goto("/directories")
            axe(page)
            screenshot(page, "directories")

Without a Chromium such tests are skipped and say so; ``ROSTERD_CHROMIUM`` names one that is not in the path.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from judges.harness import Server, running
from playwright.sync_api import Browser, Page, sync_playwright

__all__ = (
    "SCREENSHOTS",
    "Server",
    "axe",
    "chromium",
    "log_in",
    "needs_chromium",
    "owner",
    "running",
    "screenshot",
    "seen_at_once",
)

CHROMIUM = os.environ.get("ROSTERD_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
"""The second spares the long lists of what is right."""
HIDDEN = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.getAttribute('aria-label'))"
"""Which of the frames of tables hide a part of them at the side."""
SIZES = ((1280, 900), (390, 844))
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium in the path; name one in ROSTERD_CHROMIUM"
)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def owner(server: Server) -> tuple[str, str]:
    """Name and password of the console's owner, as the first run printed them."""
    port = server.origin.rpartition(":")[2]
    text = server.data.with_name(f"{server.data.name}-{port}.log").read_text()
    name, password = (
        re.search(rf"^{label}[^:\n]*?:?[ ]+(\S+)$", text, re.M)
        for label in ("Log in as", r"Password \(shown only now\)")
    )
    assert name, text
    assert password, text
    return name[1], password[1]


def log_in(page: Page, server: Server) -> None:
    """Log in as the owner whom the first run made."""
    name, password = owner(server)
    page.goto("/login")
    page.get_by_label("Name or e-mail address").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/")


def axe(page: Page) -> None:
    """No rule of WCAG 2.2 AA that axe knows is violated, in either theme."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page, options=OPTIONS)
        wrong = [
            f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']][:5]}"
            for one in found.response["violations"]
        ]
        assert wrong == [], f"{page.url}, {scheme}: " + "\n".join(wrong)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def seen_at_once(page: Page, parts: str) -> None:
    """Each of these parts is in a narrow window as the page comes: nothing has to be moved to the side."""
    page.set_viewport_size({"width": SIZES[1][0], "height": SIZES[1][1]})
    found = page.locator(parts)
    assert found.count(), f"{page.url}: there is no {parts}"
    for number in range(found.count()):
        box = found.nth(number).bounding_box()
        assert box is not None, f"{page.url}: {parts} {number} is not shown"
        end = box["x"] + box["width"]
        assert 0 <= box["x"] <= end <= SIZES[1][0], f"{page.url}: {parts} {number} ends at {end} pixels"
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


def screenshot(page: Page, name: str) -> None:
    """The whole page, light and dark, narrow and wide, into ``screenshots/`` at the root; a CI artefact.

    Nothing may stand out of the page at the side in any of them, and no table out of its frame.
    """
    SCREENSHOTS.mkdir(exist_ok=True)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.url}: {wide} pixels wide in a window of {width}"
        out = page.locator(".scroll").evaluate_all(HIDDEN)
        assert out == [], f"{page.url}: in a window of {width} one has to move {out} to the side"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
