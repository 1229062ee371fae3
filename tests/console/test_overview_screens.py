"""The overview of many directories in a real Chromium: judged by axe, and used."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from console.browser import axe, chromium, needs_chromium, running, screenshot, seen_at_once
from console.company import NAME, PASSWORD, log_in
from playwright.sync_api import Page, expect

from rosterd.service.request_log import HOUR, Count
from rosterd.service.standing import Standing
from rosterd.service.visitor import OWNER
from rosterd.service.webhooks import Progress
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service
from rosterd.wiring.ids import now

pytestmark = needs_chromium


async def prepare(data: Path) -> None:
    async with open_service(Settings(data=data)) as service:
        await service.access.administrators.create(NAME, OWNER, password=PASSWORD, by=BY)
        for number in range(45):
            home = await service.directories.create(f"customer-{number:03}", by=BY)
            line = await service.connections.create(home, "okta", by=BY)
            if number < 40:
                continue
            days = 4 if number == 42 else 300
            await service.tokens.issue(home.id, line.id, label="Okta", lifetime=days * 86_400 + 3600, by=BY)
            bad = 90 if number == 41 else 0
            count = Count(100, bad, now(), now() if bad else 0)
            await service.control.add_exchanges((), {(home.id, line.id, now() // HOUR): count})
            if number == 44:
                why = Standing("paused", "the mass-change fuse", "it deactivated 20 of 60 accounts", now())
                await service.store.write(home.id, lambda tx, id=line.id, why=why: tx.set_standing(id, why))  # type: ignore[misc]
        hook, _ = await service.webhooks.create(f"https://crm.invalid/{'long-' * 30}", by=BY)
        await service.control.note_progress(Progress("w", now(), health={hook.id: now()}))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    data: Path = tmp_path_factory.mktemp("many") / "data"
    asyncio.run(prepare(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROSTERD_DELIVERY", "off")
        with running(data) as server, chromium() as browser:
            page = browser.new_page(base_url=server.origin)
            log_in(page)
            yield page


@pytest.mark.parametrize("name", ["overview-many", "overview-waiting", "directories"])
def test_screen_is_readable_for_everybody(page: Page, name: str) -> None:
    page.goto({"overview-many": "/", "overview-waiting": "/?attention=new"}.get(name, "/directories"))
    axe(page)
    screenshot(page, name)


def test_trouble_is_at_the_top_and_leads_on(page: Page) -> None:
    page.goto("/")
    concerns = page.locator(".concerns li")
    expect(concerns.first).to_contain_text("customer-044 / okta: Paused by the mass-change fuse")
    seen_at_once(page, ".concerns .badge")
    page.get_by_role("link", name="40 connections").press("Enter")
    expect(page.get_by_role("heading", name="Connections that wait to be set up")).to_be_visible()
    page.get_by_role("link", name="Show more that need attention").press("Enter")
    expect(concerns).to_have_count(15)
    page.get_by_role("link", name="Back to the worst").press("Enter")
    expect(concerns.first).to_contain_text("customer-044")


def test_a_directory_is_found_by_keyboard(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("MER-04")
    page.keyboard.press("Enter")
    page.wait_for_url("**/directories?q=MER-04")
    expect(page.locator("#found tbody th")).to_have_count(5)
    page.keyboard.press("/")
    page.keyboard.press("End")
    page.keyboard.type("4")
    expect(page.locator("#found tbody th")).to_have_text(["customer-044"])
