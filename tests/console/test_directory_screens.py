"""Users, groups, requests, audit log, keys, settings, schema in a real Chromium: judged by axe, and used."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from console.browser import axe, chromium, needs_chromium, running, screenshot, seen_at_once
from console.company import SCRIPT, Company, log_in, prepare
from playwright.sync_api import Page, expect

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Page]]:
    data: Path = tmp_path_factory.mktemp("company") / "data"
    made = prepare(data)
    with running(data) as server, chromium() as browser:
        page = browser.new_page(base_url=server.origin)
        log_in(page)
        yield made, page


SCREENS = {
    "users": ("/directories/acme/users", "Users"),
    "users-none": ("/directories/acme/users?q=nobody-of-this-name", "Users"),
    "user": ("/directories/acme/users/{anna}", "Anna Berg"),
    "user-inactive": ("/directories/acme/users/{inactive}", "Grace O'Connor"),
    "user-deleted": ("/directories/acme/users/{deleted}", "Hiro Tanaka"),
    "user-script": ("/directories/acme/users/{script}", SCRIPT),
    "groups": ("/directories/acme/groups", "Groups"),
    "group": ("/directories/acme/groups/{engineers}", "Engineers"),
    "requests": ("/directories/acme/requests", "Requests"),
    "request": ("/directories/acme/requests/{conflict}", "POST /Users"),
    "schema": ("/directories/acme/schema", "Schema"),
    "audit": ("/audit", "Audit log"),
    "keys": ("/keys", "API keys"),
    "settings": ("/settings", "Settings"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_screen_is_readable_for_everybody(company: tuple[Company, Page], name: str) -> None:
    made, page = company
    address, heading = SCREENS[name]
    page.goto(address.format(**vars(made)))
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    axe(page)
    screenshot(page, name)


@pytest.mark.parametrize("name", ["users", "groups", "requests"])
def test_a_narrow_window_shows_at_once_what_came_of_each(company: tuple[Company, Page], name: str) -> None:
    _, page = company
    page.goto(f"/directories/acme/{name}")
    seen_at_once(page, "#found .badge")
    page.set_viewport_size({"width": 390, "height": 844})
    axe(page)
    expect(page.get_by_role("columnheader").nth(1)).to_be_attached()
    assert page.get_by_role("row").count() == page.locator("#found tr").count(), "it is still a table"


def rows(page: Page) -> list[str]:
    """The first column of what is found."""
    return page.locator("#found tbody th").all_inner_texts()


def test_users_are_found_while_one_types_by_keyboard_alone(company: tuple[Company, Page]) -> None:
    _, page = company
    page.goto("/directories/acme/users")
    assert len(rows(page)) == 8
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("ros")
    expect(page.locator("#found tbody th")).to_have_text(["Chiara Rossi"])
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.wait_for_url("**/users?q=ros")
    for _ in range(3):
        page.keyboard.press("Backspace")
    page.keyboard.type("grace")
    expect(page.locator("#found tbody th")).to_have_text(["Grace O'Connor"])
    for _ in range(5):  # state, connection, the button, the table that scrolls, the link
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Grace O'Connor")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/users/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Grace O'Connor")


def test_the_form_finds_the_same_without_scripts(company: tuple[Company, Page]) -> None:
    _, page = company
    context = page.context.browser.new_context(java_script_enabled=False, base_url=page.url)  # type: ignore[union-attr]
    context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    still = context.new_page()
    still.goto("/directories/acme/users")
    still.get_by_label("Search", exact=True).fill("berg")
    still.get_by_label("State").select_option("active")
    still.get_by_role("button", name="Search").click()
    assert rows(still) == ["Anna Berg"]
    still.get_by_role("link", name="Anna Berg").click()
    expect(still.get_by_role("heading", level=1)).to_have_text("Anna Berg")
    context.close()


def test_the_filters_of_the_request_log_work_at_once(company: tuple[Company, Page]) -> None:
    _, page = company
    page.goto("/directories/acme/requests")
    page.get_by_label("Errors only").check()
    expect(page.locator("#found tbody tr")).to_have_count(3)
    page.get_by_label("Search", exact=True).fill("00u-never")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    page.locator("#found tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("GET /Users/00u-never-seen")


def test_new_requests_appear_by_themselves(company: tuple[Company, Page]) -> None:
    made, page = company
    page.goto("/directories/acme/requests")
    expect(page.locator("#found tbody tr")).to_have_count(18)
    reply = page.request.get("/scim/v2/Users/00u-later", headers={"Authorization": f"Bearer {made.token}"})
    assert reply.status == 404
    expect(page.locator("#found tbody tr")).to_have_count(19, timeout=20_000)
    expect(page.locator("#found tbody tr").first).to_contain_text("00u-later")


def test_the_focus_stays_and_what_is_selected_too_while_requests_appear(
    company: tuple[Company, Page],
) -> None:
    made, page = company
    headers = {"Authorization": f"Bearer {made.token}"}
    page.goto("/directories/acme/requests")
    rows = page.locator("#found tbody tr")
    before = rows.count()
    link = rows.nth(3).locator("a").first
    link.focus()
    address = link.get_attribute("href")
    page.request.get("/scim/v2/Users/00u-focus", headers=headers)
    expect(rows).to_have_count(before + 1, timeout=20_000)
    assert page.evaluate("document.activeElement.getAttribute('href')") == address
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#found tbody tr a'))")
    chosen = page.evaluate("getSelection().toString()")
    page.request.get("/scim/v2/Users/00u-selected", headers=headers)
    page.wait_for_timeout(7_000)
    assert page.evaluate("getSelection().toString()") == chosen != ""
    page.evaluate("getSelection().removeAllRanges()")
    expect(rows.first).to_contain_text("00u-selected", timeout=20_000)


def test_the_raw_resource_is_copied(company: tuple[Company, Page]) -> None:
    made, page = company
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/directories/acme/users/{made.anna}")
    page.get_by_role("button", name="Copy As okta reads it").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert f'"id": "{made.anna}"' in page.evaluate("navigator.clipboard.readText()")


def test_a_key_is_made_by_keyboard_and_copied(company: tuple[Company, Page]) -> None:
    _, page = company
    page.goto("/keys")
    page.get_by_label("Label", exact=True).focus()
    page.keyboard.type("roster sync")
    page.get_by_label("users.read").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Create the key").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("The API key is made")
    assert page.get_by_label("API key", exact=True).input_value().startswith("rak_")
    axe(page)
    screenshot(page, "key-made")


def test_a_schema_is_extended_and_counted(company: tuple[Company, Page]) -> None:
    _, page = company
    page.goto("/directories/acme/schema")
    page.get_by_label("Name (required)").fill("costCenter")
    page.get_by_label("Meaning").fill("Who pays")
    page.get_by_role("button", name="Add the attribute").click()
    expect(page.get_by_role("cell", name="Who pays")).to_be_visible()
    page.get_by_label("Given name").check()
    page.get_by_role("button", name="Count who would not fit").click()
    expect(page.get_by_role("heading", name="How many would not fit")).to_be_visible()
    axe(page)
    screenshot(page, "schema-counted")


def test_a_user_is_erased_for_good(company: tuple[Company, Page]) -> None:
    made, page = company
    page.goto(f"/directories/acme/users/{made.script}")
    page.get_by_text(f"Erase {SCRIPT}").click()
    page.get_by_label(f"Type {SCRIPT} to confirm").fill(SCRIPT)
    page.get_by_label("Everything about this person").check()
    axe(page)
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("The user is erased for good.")).to_be_visible()
    page.goto(f"/directories/acme/users/{made.script}")
    expect(page.get_by_role("heading", level=1)).to_have_text("A user that is gone for good")
    axe(page)
    screenshot(page, "user-erased")
