"""Events, mapping, reconciliation and export in the console: what is shown, to whom, and what forms do."""

import asyncio
import csv
import io
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from console.pages import World, run

from rosterd.console.app import FORM
from rosterd.console.export import Download
from rosterd.console.reconcile import AT_ONCE
from rosterd.service.mapping import Rules
from rosterd.service.visitor import OPERATOR, OWNER, VIEWER
from rosterd.testing.scenario import BY

EVENTS = "/directories/acme/events"
MAPPING = "/directories/acme/mapping"
RECONCILE = "/directories/acme/reconcile"
SCRIPT = "<script>alert(1)</script>"


def types(html: str) -> list[str]:
    """Of the events of the list, in its order."""
    return re.findall(r'<a class="mono nowrap" href="[^"]*">([a-z._]+)<', html)


async def newest(world: World) -> str:
    """The id of acme's newest event."""
    page = await world.service.store.reader(world.acme.id).feed_back(None, 1)
    return f"{world.acme.id}-{page.events[0].seq}"


def test_events_come_newest_first_with_what_differs_and_their_cause(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)
        assert "Nothing has happened yet." in (await visit.get(EVENTS)).words
        ann = await world.user("ann", displayName=SCRIPT)
        await world.group("Engineers", ann["id"], "not-yet-here")
        shown = await visit.get(EVENTS)
        assert types(shown.html) == ["group.member_added", "group.created", "user.created"]
        assert SCRIPT not in shown.html
        assert SCRIPT in shown.words
        assert "2 members" in shown.words
        assert f'href="/directories/acme/users/{ann["id"]}"' in shown.html
        assert 'data-refresh="5"' in shown.html
        cause = re.findall(r'href="(/directories/acme/requests\?q=[^"]+)"', shown.html)[-1]
        await world.service.journal.flush()
        assert "POST /Users" in (await visit.get(cause)).words

    run(tmp_path, test)


def test_events_are_narrowed_down_and_paged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rosterd.console.events.PAGE", 2)

    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)
        for name in ("a", "b", "c"):
            await world.user(name)
            await world.group(name)
        assert types((await visit.get(EVENTS, type="group.*")).html) == ["group.created"] * 2
        assert types((await visit.get(EVENTS, type="user.created")).html) == ["user.created"] * 2
        assert (await visit.get(EVENTS, type="user.")).status == 400
        seen, address = [], EVENTS
        while address:
            page = await visit.get(address)
            seen += types(page.html)
            found = re.search(r'href="([^"]+)" rel="next"', page.html)
            address = found[1] if found else ""
        assert seen == ["group.created", "user.created"] * 3
        assert (await visit.get(EVENTS, after="made-up")).status == 400

    run(tmp_path, test)


def test_an_event_is_shown_as_the_application_gets_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann", title="Engineer")
        await world.scim.put(f"/Users/{ann['id']}", json={**ann, "title": SCRIPT})
        visit = await world.visit(VIEWER)
        id = await newest(world)
        shown = await visit.get(f"{EVENTS}/{id}")
        assert shown.heading == "user.updated"
        assert "title Engineer <script>" in shown.words
        assert SCRIPT not in shown.html
        told = re.search(r'<pre id="raw"[^>]*>(.*?)</pre>', shown.html, re.S)
        assert told
        assert f"&#34;id&#34;: &#34;{id}&#34;" in told[1]
        assert "Send it again" not in shown.words
        other = await world.service.control.directory("other")
        assert other is not None
        seq = id.partition("-")[2]
        for wrong in (f"{other.id}-{seq}", seq, f"{world.acme.id}-99", f"{world.acme.id}-{'9' * 30}"):
            assert (await visit.get(f"{EVENTS}/{wrong}")).status == 404, wrong

    run(tmp_path, test)


def test_an_event_is_sent_again_to_a_webhook_that_hears_of_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        other = await world.service.control.directory("other")
        assert other is not None
        hooks = {}
        for name, directory, kinds in (
            ("mine", world.acme.id, "user.*"),
            ("all", None, ""),
            ("foreign", other.id, ""),
            ("groups", world.acme.id, "group.*"),
        ):
            hooks[name], _ = await world.service.webhooks.create(
                f"https://example.com/{name}?key=confidential",
                directory=directory,
                types=kinds,
                label=name,
                by=BY,
            )
        id = await newest(world)
        everywhere, bound = await world.visit(OPERATOR), await world.visit(OPERATOR, directory="acme")
        for visit, names in ((everywhere, {"mine", "all"}), (bound, {"mine"})):
            shown = await visit.get(f"{EVENTS}/{id}")
            assert "confidential" not in shown.html
            offered = set(re.findall(r'<option value="(we_\w+)"', shown.html))
            assert offered == {hooks[name].id for name in names}
        for name in ("all", "foreign"):
            assert (await bound.post(f"{EVENTS}/{id}/send", webhook=hooks[name].id)).status == 404
        done = await bound.post(f"{EVENTS}/{id}/send", webhook=hooks["mine"].id)
        assert "once more" in (await bound.follow(done)).words
        lanes = [
            line for line, _ in await world.service.control.lines(hooks["mine"].id, (world.acme.id, 0), 10)
        ]
        seq = int(id.partition("-")[2])
        assert [(line.cursor, line.finish) for line in lanes] == [(seq - 1, seq)]

    run(tmp_path, test)


FORM_OF_TWO = {
    "field": ["email", ""],
    "value": ["user.userName", ""],
    "role": ["admin"],
    "when": ["'Admins' in groups"],
    "revision": "0",
}


def test_rows_of_rules_come_and_go_without_scripts(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        added = await visit.post(MAPPING, FORM_OF_TWO, then="add role")
        assert (added.values("field"), added.values("role")) == (["email", ""], ["admin", ""])
        gone = await visit.post(MAPPING, FORM_OF_TWO, then="remove field 0")
        assert (gone.values("field"), gone.values("role")) == ([""], ["admin"])
        for strange in ("remove field 99", "remove nothing 0", "add nothing", "remove field x"):
            assert (await visit.post(MAPPING, FORM_OF_TWO, then=strange)).status == 200, strange
        assert (await world.service.mappings.read(world.acme)).revision == 0

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("name", "expression", "told"),
    [
        ("admin", "1 +", "At line 1, character 4: something is missing."),
        ("admin", "", "Write an expression."),
        ("", "true", "Give it a name."),
        ("9", "true", "A name is a letter"),
        ("admin", "x" * 2001, "At most 2,000 characters, not 2,001."),
        (SCRIPT, "true", "A name is a letter"),
    ],
)
def test_what_is_wrong_stands_at_the_rule(tmp_path: Path, name: str, expression: str, told: str) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        shown = await visit.post(MAPPING, {**FORM_OF_TWO, "role": ["ok", name], "when": ["true", expression]})
        assert shown.status == 400
        wrong = re.findall(r'<p class="error" id="role-2-wrong">(.*?)</p>', shown.html, re.S)
        assert len(wrong) == 1
        assert told in wrong[0]
        assert shown.html.count('class="error"') == 1
        assert shown.values("role") == ["ok", name]
        assert "Save and put in force" not in shown.words
        assert SCRIPT not in shown.html

    run(tmp_path, test)


def test_a_field_with_two_rules_is_told_at_the_second(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        shown = await visit.post(MAPPING, {"field": ["a", "a"], "value": ["'x'", "'y'"], "revision": "0"})
        assert 'id="field-2-wrong">This field has a rule already' in shown.html

    run(tmp_path, test)


def test_rules_are_previewed_saved_and_carried_out(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann", displayName=SCRIPT)
        await world.user("bob")
        await world.group("Admins", ann["id"])
        visit = await world.visit(OWNER)
        assert "Save" not in (await visit.get(MAPPING)).words
        shown = await visit.post(
            MAPPING,
            {**FORM_OF_TWO, "role": ["admin", "bad"], "when": ["'Admins' in groups", "1 + 'a' == 2"]},
            then="preview",
            user="ann",
        )
        assert "This adds role admin to 1 user. This changes field email of 2 users." in shown.words
        assert "Counted over all 2 users; 2 would change." in shown.words
        assert "Rules that could not be evaluated" in shown.words
        assert f"What they make of {SCRIPT} email ann Roles admin" in shown.words
        assert SCRIPT not in shown.html
        assert (await world.service.mappings.read(world.acme)).revision == 0
        (rules,) = shown.values("rules")
        done = await visit.post(f"{MAPPING}/save", rules=rules, revision="0")
        page = await visit.follow(done)
        assert "rosterd is going through all users" in page.words
        while await world.service.projecting.catch_up():
            pass
        assert (
            "Finished: every user follows the rules in force (version 1)." in (await visit.get(MAPPING)).words
        )
        assert "email ann Roles admin" in (await visit.get(f"/directories/acme/users/{ann['id']}")).words
        late = await visit.post(f"{MAPPING}/save", rules='{"fields": [], "roles": []}', revision="0")
        assert late.status == 409
        assert "Somebody else saved other rules meanwhile." in late.words
        for wrong in ("", "[]", '{"fields": [1]}', '{"roles": [{"role": "x", "when": "1 +"}]}'):
            assert (await visit.post(f"{MAPPING}/save", rules=wrong, revision="1")).status == 400, wrong
        assert (await world.service.mappings.read(world.acme)).revision == 1

    run(tmp_path, test)


def test_rules_that_are_too_long_together_are_said_to_be_so_and_kept_in_the_form(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        form = {"role": [f"r{n}" for n in range(11)], "when": ["'x' in groups || ".ljust(2000, "'")] * 11}
        shown = await visit.post(MAPPING, form, then="preview")
        assert shown.status == 400
        assert "at most 20,000 characters together, not 22,000" in shown.words
        assert "This is not a valid expression" not in shown.words
        assert 'value="r10"' in shown.html

    run(tmp_path, test)


def test_whom_rules_are_tried_on_must_be_there(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        shown = await visit.post(MAPPING, FORM_OF_TWO, user=SCRIPT)
        assert f"There is no user '{SCRIPT}'." in shown.words
        assert SCRIPT not in shown.html

    run(tmp_path, test)


def test_a_viewer_reads_the_rules_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann")
        visit = await world.visit(VIEWER)
        assert "There are no rules." in (await visit.get(MAPPING)).words
        assert "For your application" not in (await visit.get(f"/directories/acme/users/{ann['id']}")).words
        await world.service.mappings.save(world.acme, Rules((("email", "user.userName"),)), by=BY)
        shown = await visit.get(MAPPING)
        assert "email user.userName" in shown.words
        assert "<textarea" not in shown.html

    run(tmp_path, test)


LIST = "account,userName,active\r\n1,ann,true\r\n2,zoe,true\r\n3,<b>,no\r\n"


def test_a_list_is_held_against_the_directory_and_adopted(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        bob = await world.user("bob")
        visit = await world.visit(OPERATOR)
        report = await visit.post(RECONCILE, accounts=LIST)
        assert report.status == 200
        assert "Agree 1 Unknown 2 Missing 1" in report.words
        assert f'href="/directories/acme/users/{bob["id"]}"' in report.html
        assert "<b>" not in report.html
        form = {"accounts": LIST, "connection": "okta"}
        assert (await visit.post(f"{RECONCILE}/adopt", form)).status == 400
        assert (await visit.post(f"{RECONCILE}/adopt", form, connection="none", confirm="yes")).status == 404
        done = await visit.post(f"{RECONCILE}/adopt", form, confirm="yes")
        assert "2 accounts adopted; they wait for the identity provider of okta." in done.words
        assert "Agree 3 Missing 1" in done.words
        reply = await world.scim.post("/Users", json={"schemas": bob["schemas"], "userName": "zoe"})
        assert reply.status_code == 201

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Paste the list"),
        ("name\nann", "'name' is none of them."),
        ("userName\nann", "'account' must be there."),
        ("account,active\n1,<b>", "line 2: '<b>' is neither true nor false."),
        ("account\n1\n1", "The account '1' is there twice."),
        ('account\n"' + "x" * 200_000, "is not valid CSV"),
        ("account\n" + "x" * 1_100_000, "At most 1,048,576 characters"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_beside_the_field(tmp_path: Path, text: str, told: str) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)
        shown = await visit.post(RECONCILE, accounts=text)
        assert shown.status == 400
        assert told in shown.words
        assert "<b>" not in shown.html

    run(tmp_path, test)


def test_a_long_list_is_adopted_by_portions(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        text = "account,userName\n" + "".join(f"{n},user-{n}@example.com\n" for n in range(AT_ONCE + 10))
        form = {"accounts": text, "connection": "okta", "confirm": "yes"}
        assert "10 are left: adopt again." in (await visit.post(f"{RECONCILE}/adopt", form)).words
        assert "10 accounts adopted" in (await visit.post(f"{RECONCILE}/adopt", form)).words

    run(tmp_path, test)


def test_only_the_list_may_be_a_long_form(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        content = "user=" + "x" * (1024 * 1024)
        headers = {"Content-Type": FORM}
        for address, status in ((MAPPING, 413), (RECONCILE, 403)):
            reply = await visit.client.post(address, content=content, headers=headers)
            assert reply.status_code == status, address

    run(tmp_path, test)


def test_a_directory_is_downloaded_as_of_one_moment(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann", title="=1+1", emails=[{"value": "ann@example.com", "type": "work"}])
        await world.user("bob")
        await world.group("Engineers", ann["id"])
        visit = await world.visit(OPERATOR)
        shown = await visit.get("/directories/acme/users")
        for address in ("/directories/acme/export/users.csv", "/directories/acme/export/directory.jsonl"):
            assert f'href="{address}"' in shown.html
        table = (await visit.get("/directories/acme/export/users.csv")).response
        assert table.headers["content-disposition"] == 'attachment; filename="acme-users.csv"'
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert [(r["userName"], r["title"], r["groups"]) for r in rows] == [
            ("ann", "'=1+1", "Engineers"),  # no formula for a spreadsheet
            ("bob", "", ""),
        ]
        everything = (await visit.get("/directories/acme/export/directory.jsonl")).response
        records = [orjson.loads(line) for line in everything.text.splitlines()]
        assert [one["record"] for one in records] == [
            "snapshot", "resource", "resource", "resource", "members", "end"
        ]  # fmt: skip
        assert everything.headers["x-content-type-options"] == "nosniff"
        head: httpx.Response = await visit.client.head("/directories/acme/export/directory.jsonl")
        assert (head.status_code, head.content) == (200, b"")

    run(tmp_path, test)


def test_the_menu_leads_everywhere(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for visit in (await world.visit(VIEWER), await world.visit(VIEWER, directory="acme")):
            html = (await visit.get(EVENTS)).html
            for address in (EVENTS, MAPPING, RECONCILE, "/webhooks"):
                assert f'href="{address}"' in html, address

    run(tmp_path, test)


def test_a_download_is_read_no_further_once_nobody_takes_it() -> None:
    read: list[int] = []
    sent: list[Any] = []

    async def chunks() -> AsyncGenerator[bytes]:
        try:
            for number in range(1000):
                read.append(number)
                yield b"row"
        finally:
            read.append(-1)

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) > 3:
            raise ConnectionResetError

    download = Download(200, b"head", chunks=chunks())
    asyncio.run(download.send({"method": "GET"}, send, "r"))
    assert read == [0, 1, -1]
