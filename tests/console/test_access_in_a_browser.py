"""Log-in, account, administrators and set-up links in a real browser: keyboard, axe, pictures."""

import asyncio
import time
from pathlib import Path

import zxingcpp
from console.browser import SCREENSHOTS, axe, chromium, needs_chromium, running, screenshot
from PIL import Image
from playwright.sync_api import Page
from service.phone import shown

from rosterd.service.visitor import OWNER
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

PASSWORD = "correct horse battery"


async def prepare(data: Path) -> str:
    """An owner, and a set-up link's path."""
    async with open_service(Settings(data=data)) as service:
        await service.access.administrators.create("ann@example.com", OWNER, password=PASSWORD, by=BY)
        home = await service.directories.create("acme", by=BY)
        line = await service.connections.create(home, "okta", by=BY)
        _, text = await service.access.setup_links.create(line, label="Ann of Acme", by=BY)
        return f"/setup/{text}"


def looked_at(page: Page, name: str) -> None:
    axe(page)
    screenshot(page, name)


def equip(page: Page) -> str:
    """Set up an authenticator app in the account; gives its secret, which the picture has too."""
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.get_by_role("heading", name="Set up an authenticator app").wait_for()
    looked_at(page, "second-factor")
    secret = page.get_by_label("Or type this secret into the app").input_value()
    for name in ("light-1280", "dark-390"):
        (code,) = zxingcpp.read_barcodes(Image.open(SCREENSHOTS / f"second-factor-{name}.png"))
        assert code.text.startswith("otpauth://totp/rosterd:ann%40example.com?")
        assert f"secret={secret.replace(' ', '')}&" in code.text
    page.get_by_role("textbox", name="Code").fill(shown(secret, time.time()))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    looked_at(page, "recovery-codes")
    page.get_by_role("link", name="I have them, go on").click()
    page.get_by_role("link", name="Change it").click()
    page.get_by_role("heading", name="Another phone, or none").wait_for()
    looked_at(page, "second-factor-on")
    return secret


@needs_chromium
def test_what_a_session_showed_goes_when_it_has_ended(tmp_path: Path) -> None:
    asyncio.run(prepare(tmp_path / "data"))
    with running(tmp_path / "data") as server, chromium() as browser:
        page = browser.new_page(base_url=server.origin)
        page.goto("/login?next=/")
        page.get_by_label("Name or e-mail address").fill("ann@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        with page.expect_request(lambda request: request.headers.get("x-refresh") == "1"):
            page.keyboard.press("Enter")
        page.goto("/administrators?after=x")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.get_by_role("heading", name="Administrators").wait_for()
        page.context.clear_cookies()
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_url("**/login?next=%2Fadministrators%3Fafter%3Dx")


@needs_chromium
def test_whoever_may_use_the_console_does_so_in_a_browser(tmp_path: Path) -> None:
    link = asyncio.run(prepare(tmp_path / "data"))
    with running(tmp_path / "data") as server, chromium() as browser:
        page = browser.new_page(base_url=server.origin)
        page.goto("/administrators")
        assert page.url.startswith(f"{server.origin}/login?next=")
        page.get_by_label("Name or e-mail address").fill("ann@example.com")
        page.get_by_label("Password").fill("not this one")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        looked_at(page, "log-in")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/administrators")
        page.get_by_label("Name or e-mail address").fill("bob")
        looked_at(page, "administrators")
        page.get_by_role("button", name="Make the administrator").click()
        page.get_by_role("button", name="Copy").wait_for()
        looked_at(page, "administrator-password")
        page.get_by_role("link", name="Done").click()
        page.get_by_role("heading", name="bob").wait_for()
        looked_at(page, "administrator")
        page.get_by_label("Role").select_option("operator")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("'bob' is changed.").wait_for()
        page.goto("/account")
        looked_at(page, "account")
        secret = equip(page)
        page.get_by_role("button", name="Log out").click()
        page.get_by_text("You are logged out.").wait_for()
        page.get_by_label("Name or e-mail address").fill("ann@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Type the code").wait_for()
        looked_at(page, "log-in-code")
        page.keyboard.type(shown(secret, time.time(), 1))  # the field has the focus
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Log out").wait_for()

        guest = browser.new_context(base_url=server.origin).new_page()
        guest.goto(link)
        looked_at(guest, "set-up-link")
        guest.get_by_role("button", name="Begin the set-up").click()
        guest.wait_for_url("**/directories/acme/connections/okta/setup")
