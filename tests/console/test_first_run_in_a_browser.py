"""The whole way in a real browser: first run, log-in, connection, token, Okta provisions, checks tick."""

from pathlib import Path

import httpx
import pytest
from console.browser import (
    Server,
    axe,
    chromium,
    log_in,
    needs_chromium,
    owner,
    running,
    screenshot,
)
from judges.commands import said
from judges.harness import plain_client
from playwright.sync_api import Browser, Page, expect

OKTA = "/directories/default/connections/okta"
CHECKS = ("token", "request", "test", "created", "updated", "deactivated", "group", "members")


def look_at(page: Page, name: str) -> None:
    """What holds for every screen."""
    axe(page)
    screenshot(page, name)


def provision(url: str, token: str) -> None:
    """What Okta does, by the command that administrators have."""
    said("simulate", "okta", url, token, "--quiet")


def status(url: str, token: str) -> int:
    with plain_client() as client:
        reply: httpx.Response = client.get(f"{url}/Users", headers={"Authorization": f"Bearer {token}"})
        return reply.status_code


@needs_chromium
def test_the_whole_way(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server, chromium() as browser:
        page = browser.new_page(base_url=server.origin)
        page.goto("/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
        log_in(page, server)
        look_at(page, "overview-at-first")

        page.get_by_role("link", name="Create a connection").click()
        look_at(page, "connection-new")
        page.get_by_label("Identity provider").select_option("okta")
        page.get_by_role("button", name="Create the connection").click()
        expect(page.get_by_role("heading", name="Connect Okta to “default”")).to_be_visible()
        page.get_by_role("button", name="Generate a token").click()
        url, token = copied(browser, page)
        assert url == f"{server.base_url}"
        expect(page.locator("#check-token")).to_have_class("done")
        expect(page.locator("#check-request")).to_have_class("waiting")
        look_at(page, "setup-begun")

        provision(url, token)
        for check in CHECKS:
            expect(page.locator(f"#check-{check}")).to_have_class("done", timeout=15_000)
        expect(page.get_by_label("Token", exact=True)).to_have_value(token)
        look_at(page, "setup-done")

        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("This form was sent already")
        look_at(page, "sent-before")
        page.get_by_role("link", name="Load the page again").click()
        expect(page.get_by_label("Token", exact=True)).to_have_count(0)

        page.get_by_role("link", name="Users", exact=True).click()
        page.locator("main tbody a").first.click()
        expect(page.locator("#history")).to_contain_text("Deactivated")

        page.goto(f"{OKTA}/tokens")
        page.get_by_text("Revoke", exact=True).click()
        page.get_by_label("I know that every request with this token is refused").check()
        assert status(url, token) == 200
        page.get_by_role("button", name="Revoke the token").click()
        expect(page.locator(".notices")).to_contain_text("is revoked")
        assert status(url, token) == 401
        page.goto("/")
        expect(page.get_by_text("No token works any more")).to_be_visible()
        look_at(page, "overview-with-a-problem")


def copied(browser: Browser, page: Page) -> tuple[str, str]:
    """Address and token, by the buttons."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = []
    for label in ("SCIM base URL", "Token"):
        page.get_by_role("button", name=f"Copy {label}", exact=True).click()
        found.append(page.evaluate("navigator.clipboard.readText()"))
    return found[0], found[1]


@pytest.mark.slow
@needs_chromium
def test_screens_of_a_connection(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server, chromium() as browser:
        page = browser.new_page(base_url=server.origin)
        log_in(page, server)
        token = server.token("--connection", "default", "--label", "Okta production")
        provision(server.base_url, token)
        base = "/directories/default/connections/default"
        page.goto(base)
        expect(page.locator("#health")).to_contain_text("Last error", timeout=15_000)
        expect(page.get_by_role("link", name="See why")).to_be_visible(timeout=15_000)
        for name, address in (
            ("connection", base),
            ("connections", "/directories/default/connections"),
            ("directories", "/directories"),
            ("directory", "/directories/default"),
            ("overview", "/"),
            ("tokens", f"{base}/tokens"),
            ("clients", f"{base}/clients"),
            ("policy", f"{base}/policy"),
            ("links", f"{base}/links"),
            ("undo", f"{base}/undo?since=2026-01-01T00:00"),
            *(
                (f"setup-{idp}", f"{base}/setup?idp={idp}")
                for idp in ("entra", "onelogin", "jumpcloud", "ping", "generic")
            ),
        ):
            page.goto(address)
            look_at(page, name)
        page.goto(f"{base}/clients")
        page.get_by_role("button", name="Create", exact=True).click()
        look_at(page, "client-made")
        page.goto(f"{base}/tokens")
        page.get_by_role("button", name="Generate").click()
        look_at(page, "token-made")
        link_leads_to_the_set_up(browser, page, server, base)


def link_leads_to_the_set_up(browser: Browser, page: Page, server: Server, base: str) -> None:
    page.goto(f"{base}/links")
    page.get_by_role("button", name="Make the link").click()
    look_at(page, "link-made")
    guest = browser.new_context(base_url=server.origin).new_page()
    guest.goto(page.get_by_label("Set-up link").input_value())
    guest.get_by_role("button", name="Begin the set-up").click()
    expect(guest.get_by_role("heading", level=1)).to_contain_text("to “default”")
    expect(guest.get_by_role("navigation", name="Main")).to_have_count(0)
    look_at(guest, "setup-by-link")


@needs_chromium
def test_without_scripts_everything_can_be_read_and_sent(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server, chromium() as browser:
        page = browser.new_context(base_url=server.origin, java_script_enabled=False).new_page()
        name, password = owner(server)
        page.goto("/login")
        page.get_by_label("Name or e-mail address").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.get_by_role("link", name="Create a connection").click()
        page.get_by_role("button", name="Create the connection").click()
        page.get_by_role("button", name="Generate a token").click()
        provision(server.base_url, page.get_by_label("Token", exact=True).input_value())
        page.goto(f"{OKTA}/setup")
        expect(page.locator("#check-created")).to_have_class("done")
