"""Webhooks in the console: made, tried, rotated, stopped, and their messages sent again; each by who may."""

import re
from pathlib import Path
from typing import Any

import pytest
from console.outgoing import dead
from console.pages import Visit, World, run
from delivery.receiving import receiver

from rosterd.console import routes
from rosterd.service.visitor import OPERATOR, OWNER, VIEWER
from rosterd.service.webhooks import Endpoint
from rosterd.testing.scenario import BY

URL = "https://app.example.com/hooks"
SCRIPT = "<script>alert(1)</script>"
ROWS = [page for page in routes.PAGES if page.template.startswith("/webhooks/{webhook}")]
LOCAL = {"egress_allow": "127.0.0.0/8"}


async def hook(world: World, name: str = "billing", **options: Any) -> Endpoint:
    """A webhook of acme, unless it is told otherwise."""
    made, _ = await world.service.webhooks.create(
        **{"url": URL, "label": name, "directory": world.acme.id, **options}, by=BY
    )
    return made


async def fields(visit: Visit, **more: Any) -> dict[str, Any]:
    """What the form for a new webhook sends."""
    (mark,) = (await visit.get("/webhooks/new")).values("once")
    usual = {"kind": "messages", "url": URL, "scheme": "v1", "max_events": "1", "max_wait": "0"}
    return {"once": mark, "detail": "full", "vocabulary": "both", **usual, **more}


def test_a_webhook_is_made_and_its_secret_shown_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        form = await fields(
            visit,
            label=SCRIPT,
            directory="acme",
            type=["user.*", "user.created", "group.deleted"],
            others="device.*",
        )
        made = await visit.post("/webhooks", form)
        secret = made.value("secret")
        assert secret.startswith("whsec_")
        assert SCRIPT not in made.html
        again = await visit.post("/webhooks", form)
        assert again.status == 409
        assert secret not in again.html
        (one,) = await world.service.control.webhook_page(world.acme.id, "", 10)
        assert one.types == ("user.*", "group.deleted", "device.*")
        shown = await visit.get("/webhooks")
        assert f"{SCRIPT} Nothing sent yet" in shown.words
        assert secret not in (await visit.get(f"/webhooks/{one.id}/secrets")).html
        assert (await visit.get(f"/webhooks/{one.id}/settings")).values("others") == ["device.*"]

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("url", "", "Where messages are taken"),
        ("url", "http://app.example.com", "https"),
        ("url", "https://127.0.0.1/", "127.0.0.1"),
        ("directory", SCRIPT, "There is no directory"),
        ("max_events", "501", "A whole number from 1 to 500."),
        ("max_wait", "x", "A whole number from 0 to 3,600."),
        ("others", "user.nothing", "there are no events"),
        ("label", "x" * 201, "at most 200 characters"),
        ("kind", "push", "Set ROSTERD_BASE_URL"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(tmp_path: Path, field: str, value: str, told: str) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        shown = await visit.post("/webhooks", await fields(visit, **{field: value}))
        assert shown.status == 400
        (wrong,) = re.findall(rf'<p id="{field}-hint" class="error">(.*?)</p>', shown.html, re.S)
        assert told in wrong
        assert SCRIPT not in shown.html
        assert await world.service.control.webhook_page(None, "", 10) == ()

    run(tmp_path, test)


def test_settings_are_changed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        one = await hook(world, types="user.created,device.*", max_events=50)
        visit = await world.visit(OPERATOR)
        shown = await visit.get(f"/webhooks/{one.id}/settings")
        assert 'value="user.created" checked' in shown.html
        form = {"url": URL + "/new", "label": "CRM", "max_events": "7", "max_wait": "3", "type": "group.*"}
        await visit.follow(await visit.post(f"/webhooks/{one.id}/settings", form))
        new = await world.service.webhooks.find(one.id)
        assert (new.url, new.label, new.types) == (URL + "/new", "CRM", ("group.*",))
        assert (new.max_events, new.max_wait) == (7, 3)
        wrong = await visit.post(f"/webhooks/{one.id}/settings", {**form, "url": "ftp://x"})
        assert wrong.status == 400
        assert wrong.values("url") == ["ftp://x"]

    run(tmp_path, test)


def test_a_test_shows_what_came_back(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        async with receiver() as target:
            one = await hook(world, url=target.url + "?key=confidential")
            visit = await world.visit(OPERATOR)
            page = await visit.follow(await visit.post(f"/webhooks/{one.id}/test"))
            assert "The test was accepted" in page.words
            assert "noted" in page.words
            assert "webhook.test" in page.words
            assert "webhook-signature" in page.words
            target.answer = 418
            page = await visit.follow(await visit.post(f"/webhooks/{one.id}/test"))
            assert "The test was not accepted. " in page.words
            assert "418 refused" in page.words
            log = await visit.get(f"/webhooks/{one.id}/deliveries")
            assert log.html.count("msg_test-") == 2
            failures = await visit.get(f"/webhooks/{one.id}/deliveries", result="failed")
            assert failures.html.count("msg_test-") == 1
            reader = await world.visit(VIEWER)
            for address in ("/webhooks", f"/webhooks/{one.id}"):
                assert "confidential" not in (await reader.get(address)).html

    run(tmp_path, test, **LOCAL)


def test_a_secret_is_rotated_with_an_overlap(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        one = await hook(world)
        visit = await world.visit(OPERATOR)
        address = f"/webhooks/{one.id}/secrets"
        (mark,) = (await visit.get(address)).values("once")
        made = await visit.post(f"{address}/rotate", once=mark, overlap="3600", scheme="v1a")
        assert made.value("secret").startswith("whpk_")
        assert (await visit.post(f"{address}/rotate", once=mark, overlap="3600", scheme="v1a")).status == 409
        new = await world.service.webhooks.find(one.id)
        assert [secret.scheme for secret in new.secrets] == ["v1a", "v1"]
        assert new.secrets[1].expires is not None
        shown = await visit.get(address)
        assert "Signs too" in shown.words
        assert made.value("secret") in shown.words, "a public key is no secret"

    run(tmp_path, test)


def test_it_is_disabled_with_a_reason_enabled_and_removed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        one = await hook(world)
        visit = await world.visit(OPERATOR)
        state, page = f"/webhooks/{one.id}/state", f"/webhooks/{one.id}"
        assert (await visit.post(state, move="disable")).status == 400
        await visit.post(state, move="disable", reason=SCRIPT, confirm="yes")
        shown = await visit.get(page)
        assert f"Reason: {SCRIPT}" in shown.words
        assert SCRIPT not in shown.html
        assert "Disabled" in (await visit.get("/webhooks")).words
        await visit.post(state, move="enable")
        assert "Nothing is sent: it was" not in (await visit.get(page)).words
        assert (await visit.post(f"{page}/remove")).status == 400
        done = await visit.post(f"{page}/remove", confirm="yes")
        assert done.leads_to == "/webhooks"
        assert (await visit.get(page)).status == 404
        actions = [row.entry.action for row in await world.service.control.audit_page(None, None, 3)]
        assert actions == ["webhook.removed", "webhook.enabled", "webhook.disabled"]

    run(tmp_path, test)


async def lanes(world: World, one: Endpoint) -> list[tuple[str, int, int | None]]:
    """The replays of a webhook."""
    found = await world.service.control.lines(one.id, (0, 0), 100)
    return [(line.kind, line.cursor, line.finish) for line, _ in found if line.key.lane]


def test_dead_letters_are_sent_again_one_some_and_all(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        one = await hook(world)
        for name in ("a", "b", "c"):
            await world.user(name)
        events = [e.seq for e in (await world.service.store.reader(world.acme.id).feed(0, 9)).events]
        refused = await dead(world.service, one, world.acme.id, *events)
        visit = await world.visit(OPERATOR, directory="acme")
        address = f"/webhooks/{one.id}/dead-letters"
        shown = await visit.get(address)
        ids = [f"{world.acme.id}-{seq}" for seq in events]
        assert shown.values("letter") == ids
        assert "Dead letters 3" in (await visit.get("/webhooks")).words
        for wrong in ({}, {"letter": "x"}, {"letter": "1-" + "9" * 40}):
            assert (await visit.post(f"{address}/replay", wrong)).status == 400, wrong
        assert (await visit.post(f"{address}/replay", letter=f"{world.acme.id}-999")).status == 404
        await visit.follow(await visit.post(f"{address}/replay", letter=ids[:2]))
        expected = [("failed", seq - 1, seq) for seq in events[:2]]
        assert await lanes(world, one) == expected
        await visit.post(f"{address}/replay", which="all")
        last = (await world.service.store.reader(world.acme.id).feed(0, 0)).last
        expected.append(("failed", events[0] - 1, last))
        assert await lanes(world, one) == expected
        delivery = await visit.get(f"/webhooks/{one.id}/deliveries/{refused}")
        assert "503 refused" in delivery.words
        assert "We are down for <b>maintenance</b>." in delivery.words
        assert "<b>maintenance" not in delivery.html
        assert '"userName": "c"' in delivery.words
        await visit.post(f"/webhooks/{one.id}/deliveries/{refused}/replay")
        expected.append(("range", events[-1] - 1, events[-1]))
        assert await lanes(world, one) == expected
        await visit.post(f"/webhooks/{one.id}/state", move="disable", confirm="yes")
        assert "Enable it" in (await visit.get(address)).words
        assert (await visit.post(f"{address}/replay", which="all")).status == 409

    run(tmp_path, test)


def test_lists_go_on_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("webhooks", "deliveries"):
        monkeypatch.setattr(f"rosterd.console.{name}.PAGE", 2)

    async def test(world: World) -> None:
        made = [await hook(world, f"hook-{number}") for number in range(3)]
        for name in ("a", "b", "c"):
            await world.user(name)
        events = [e.seq for e in (await world.service.store.reader(world.acme.id).feed(0, 9)).events]
        await dead(world.service, made[0], world.acme.id, *events)
        visit = await world.visit(VIEWER)
        base = f"/webhooks/{made[0].id}"
        for address, pattern in (
            ("/webhooks", r">(hook-\d)</a>"),
            (f"{base}/deliveries", r">(msg_\d+-\d+)<span"),
            (f"{base}/dead-letters", r'class="mono">(msg_[^<]+)</th>'),
        ):
            seen: list[str] = []
            while address:
                page = await visit.get(address)
                seen += re.findall(pattern, page.html)
                found = re.search(r'href="([^"]+)" rel="next"', page.html)
                address = found[1] if found else ""
            assert len(seen) == len(set(seen)) == 3, seen

    run(tmp_path, test)


@pytest.mark.parametrize("page", ROWS, ids=lambda page: f"{page.method} {page.template}")
def test_another_directorys_webhook_is_as_one_that_is_not_there(tmp_path: Path, page: routes.Page) -> None:
    async def test(world: World) -> None:
        mine, everywhere = await hook(world), await hook(world, directory=None)
        bound = await world.visit(OWNER, directory="other")
        told = set()
        for id in (mine.id, everywhere.id, "we_nothing"):
            at = page.template.replace("{webhook}", id).replace("{delivery}", "1")
            shown = await (bound.get(at) if page.method == "GET" else bound.post(at, confirm="yes"))
            assert shown.status == 404, (id, shown.words)
            told.add(shown.words.replace(id, "…"))
        assert len(told) == 1
        assert len(await world.service.control.webhook_page(None, "", 10)) == 2

    run(tmp_path, test)


def test_who_is_bound_to_a_directory_makes_and_sees_its_own_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await hook(world, "acme's")
        await hook(world, "everybody's", directory=None)
        bound = await world.visit(OPERATOR, directory="other")
        assert "There are no webhooks." in (await bound.get("/webhooks")).words
        form = await fields(bound, label="mine")
        assert (await bound.get("/webhooks/new")).values("directory") == []
        assert (await bound.post("/webhooks", {**form, "directory": "acme"})).status == 200
        other = await world.service.control.directory("other")
        assert other is not None
        (made,) = await world.service.control.webhook_page(other.id, "", 10)
        assert (made.label, made.directory) == ("mine", other.id)

    run(tmp_path, test)


def test_streams_of_security_event_tokens_are_made_and_changed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        form = await fields(
            visit,
            kind="push",
            audience="https://rp.example",
            authorization="Bearer confidential",
            detail="notice",
        )
        page = await visit.follow(await visit.post("/webhooks", form))
        assert "security event tokens: rosterd sends each token to a URL (RFC 8935)" in page.words
        assert "which attributes changed, without values" in page.words
        assert "confidential" not in page.html
        (one,) = await world.service.control.webhook_page(None, "", 10)
        change = {"url": URL, "audience": "them", "detail": "full", "vocabulary": "caep"}
        await visit.follow(await visit.post(f"/webhooks/{one.id}/settings", change))
        stream = (await world.service.webhooks.find(one.id)).stream
        assert stream is not None
        assert (stream.audience, stream.detail, stream.vocabulary) == ("them", "full", "caep")
        assert stream.authorization is not None, "an empty field leaves it as it is"
        poll = await fields(visit, kind="poll", audience="x", url="")
        assert "name it" in (await visit.post("/webhooks", poll)).words
        page = await visit.follow(await visit.post("/webhooks", {**poll, "directory": "acme"}))
        assert page.value("poll-url").startswith("http://sp.example/api/v1/sets/we_")
        assert "Send a test" not in page.words

    run(tmp_path, test, base_url="http://sp.example")


def test_what_is_wrong_with_a_webhook_is_told_on_the_overview(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        failing, given_up, stopped = [await hook(world, name) for name in ("crm", "search", "old")]
        other = await world.service.control.directory("other")
        assert other is not None
        fine, foreign = await hook(world, "billing"), await hook(world, "theirs", directory=other.id)
        for one in (failing, foreign):
            await dead(world.service, one, one.directory or 0, 1)
        assert await world.service.webhooks.give_up(given_up, world.acme.id, "It answered 410.")
        await world.service.webhooks.disable(stopped, by=BY)
        shown = (await (await world.visit(VIEWER, directory="acme")).get("/")).words
        assert "Webhook crm has refused or missed every message since" in shown
        assert "Webhook search was disabled" in shown
        for quiet in (fine, stopped, foreign):
            assert f"Webhook {quiet.label}" not in shown

    run(tmp_path, test)


def test_a_webhook_that_fails_is_headed_so_and_one_event_is_one(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        failing = await hook(world, "crm")
        visit = await world.visit(VIEWER)
        for word in ("Enabled", "Failing"):
            for page in ("", "/deliveries", "/dead-letters"):
                assert f"crm {word} Health" in (await visit.get(f"/webhooks/{failing.id}{page}")).words
            await dead(world.service, failing, world.acme.id, 1)
        listed = (await visit.get("/webhooks")).words
        await world.user("ann")
        later = (await visit.get("/webhooks")).words
        assert "1 events" not in listed + later
        assert "by at most 1 event" in listed + later

    run(tmp_path, test)
