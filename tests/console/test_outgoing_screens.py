"""Events, mapping, webhooks and reconciliation in a real Chromium: judged by axe, and used."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from console.browser import axe, chromium, needs_chromium, running, screenshot, seen_at_once
from console.company import log_in
from console.outgoing import Outgoing, prepare
from playwright.sync_api import Page, expect

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def outgoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outgoing, Page]]:
    data: Path = tmp_path_factory.mktemp("outgoing") / "data"
    made = prepare(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROSTERD_DELIVERY", "off")  # so that each webhook stays as it was made
        with running(data) as server, chromium() as browser:
            page = browser.new_page(base_url=server.origin)
            log_in(page)
            yield made, page


SCREENS = {
    "events": ("/directories/acme/events", "Events"),
    "events-none": ("/directories/acme/events?type=user.erased", "Events"),
    "event": ("/directories/acme/events/{event}", "user.updated"),
    "mapping": ("/directories/acme/mapping", "Mapping"),
    "user-mapped": ("/directories/acme/users/{anna}", "Anna Berg"),
    "webhooks": ("/webhooks", "Webhooks"),
    "webhook-new": ("/webhooks/new", "Create a webhook"),
    "webhook": ("/webhooks/{working}", "Billing"),
    "webhook-failing": ("/webhooks/{failing}", "CRM"),
    "webhook-disabled": ("/webhooks/{disabled}", "Old"),
    "webhook-secrets": ("/webhooks/{working}/secrets", "Billing"),
    "webhook-settings": ("/webhooks/{working}/settings", "Billing"),
    "deliveries": ("/webhooks/{failing}/deliveries", "CRM"),
    "delivery": ("/webhooks/{failing}/deliveries/{refused}", "msg_"),
    "delivery-test": ("/webhooks/{working}/deliveries/{accepted}", "msg_test-"),
    "dead-letters": ("/webhooks/{failing}/dead-letters", "CRM"),
    "reconcile": ("/directories/acme/reconcile", "Reconcile"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_screen_is_readable_for_everybody(outgoing: tuple[Outgoing, Page], name: str) -> None:
    made, page = outgoing
    address, heading = SCREENS[name]
    page.goto(address.format(**vars(made)))
    expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    axe(page)
    screenshot(page, name)


@pytest.mark.parametrize("name", ["deliveries", "webhooks"])
def test_a_narrow_window_shows_at_once_what_came_of_each(outgoing: tuple[Outgoing, Page], name: str) -> None:
    made, page = outgoing
    page.goto(SCREENS[name][0].format(**vars(made)))
    seen_at_once(page, "#found .badge")


def test_rules_are_edited_and_tried_by_keyboard(outgoing: tuple[Outgoing, Page]) -> None:
    _, page = outgoing
    page.goto("/directories/acme/mapping")
    page.get_by_role("button", name="Add a role").press("Enter")
    page.get_by_label("Role 2", exact=True).fill("finance")
    page.get_by_label("Whoever has it (Role 2)").fill("user.title.contains(")
    page.get_by_label("Role 2", exact=True).press("Enter")  # sends the form as Preview does
    expect(page.locator(".rule .error")).to_contain_text("not a valid expression")
    axe(page)
    screenshot(page, "mapping-wrong")
    page.get_by_label("Whoever has it (Role 2)").fill("user.title.contains('Financial')")
    page.get_by_label("Try on").fill("anna.berg@acme.example")
    page.get_by_role("button", name="Preview", exact=True).press("Enter")
    expect(page.locator("#preview")).to_contain_text("This adds role finance to 1 user.")
    expect(page.locator("#tried")).to_contain_text("finance")
    axe(page)
    screenshot(page, "mapping-preview")
    page.get_by_role("button", name="Save and put in force").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("in force")
    expect(page.locator("#progress")).to_contain_text("Finished", timeout=20_000)


def test_a_list_of_accounts_is_held_against_the_directory(outgoing: tuple[Outgoing, Page]) -> None:
    _, page = outgoing
    page.goto("/directories/acme/reconcile")
    page.get_by_label("CSV").fill(
        "account,userName,active\n1,anna.berg@acme.example,true\n2,grace.o'connor@acme.example,true\n"
        "3,zoe@acme.example,true\n"
    )
    page.get_by_role("button", name="Compare").press("Enter")
    expect(page.locator("#report")).to_contain_text("Should be inactive")
    axe(page)
    screenshot(page, "reconcile-report")


def test_new_events_appear_by_themselves(outgoing: tuple[Outgoing, Page]) -> None:
    _, page = outgoing
    page.goto("/directories/acme/events?type=connection.paused")
    expect(page.locator("#found")).to_contain_text("No event fits.")
    browser = page.context.browser
    assert browser is not None
    base = page.url.partition("/directories")[0]
    other = browser.new_page(base_url=base, storage_state=page.context.storage_state())
    other.goto("/directories/acme/connections/okta")
    other.get_by_text("Pause", exact=True).click()
    other.get_by_label("I know that nothing").check()
    other.get_by_role("button", name="Pause the connection").click()
    other.context.close()
    expect(page.locator("#found table")).to_contain_text("connection.paused", timeout=20_000)


def test_a_live_page_says_when_it_is_not_up_to_date_and_goes_on_once_it_can(
    outgoing: tuple[Outgoing, Page],
) -> None:
    _, other = outgoing
    browser = other.context.browser
    assert browser is not None
    base = "/".join(other.url.split("/")[:3])
    page = browser.new_page(base_url=base, storage_state=other.context.storage_state())
    page.clock.install()
    page.goto("/directories/acme/events")
    found, address = page.locator("#found"), "**/directories/acme/events"
    page.route(address, lambda route: route.abort())
    for wait in (5_000, 10_000, *[100_000] * 6):
        with page.expect_event("requestfailed"):
            page.clock.run_for(wait)
    expect(found.get_by_role("status")).to_contain_text("not up to date any more")
    axe(page)
    page.unroute(address)
    with page.expect_event("requestfinished"):
        page.clock.run_for(100_000)
    expect(found).not_to_contain_text("not up to date any more")
    expect(found.locator("table")).to_be_visible()
    page.context.close()
