"""The overview of an installation with many directories, and finding one of them."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from console.pages import Shown, World, run

from rosterd.console import attention, overview
from rosterd.service.audit import ITSELF
from rosterd.service.control import Connection
from rosterd.service.request_log import HOUR, Count
from rosterd.service.standing import Standing
from rosterd.service.visitor import VIEWER
from rosterd.service.webhooks import DISABLED, Progress
from rosterd.testing.scenario import BY, ENTRY

MANY = overview.DIRECTORIES * 3


def told(shown: Shown) -> list[str]:
    """What needs attention, sentence by sentence; how far a time is away is left out."""
    found = re.search(r'<ul class="concerns">(.*?)</ul>', shown.html, re.S)
    assert found, shown.words[:1000]
    texts = [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in found[1].split("<li>")[1:]]
    return [re.sub(r" [\d,]+ \w+ ago ?\.$", ".", text) for text in texts if "https" not in text]


def figures(shown: Shown) -> dict[str, str]:
    """The numbers at the top."""
    part = shown.html.partition('<dl class="figures">')[2].partition("</dl>")[0]
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", part))


def link(shown: Shown, text: str) -> str:
    """Where a link leads."""
    found = re.search(rf'<a [^>]*?href="([^"]+)"[^>]*>{text}</a>', shown.html)
    assert found, f"there is no link '{text}': {shown.words[:1000]}"
    return found[1].replace("&amp;", "&")


async def line(world: World, directory: str, days: int | None = 300) -> Connection:
    """A connection ``okta`` of a directory of its own, with a token of so many days or none."""
    home = await world.service.directories.create(directory, by=BY)
    made = await world.service.connections.create(home, "okta", by=BY)
    if days is not None:
        await world.service.tokens.issue(home.id, made.id, label="Okta", lifetime=days * 86_400 + 3600, by=BY)
    return made


async def asked(world: World, line: Connection, ok: int, failed: int) -> None:
    """Requests in this hour."""
    at = world.service.http.console._console.now()
    count = Count(ok, failed, at if ok else 0, at if failed else 0)
    await world.service.control.add_exchanges((), {(line.directory, line.id, at // HOUR): count})


async def stand(world: World, line: Connection, standing: Standing) -> None:
    """Pause it, say."""
    await world.service.store.write(line.directory, lambda tx: tx.set_standing(line.id, standing))


def test_what_needs_attention_comes_first_wherever_it_is(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for number in range(MANY):
            await line(world, f"m{number:03}", None)
        paused, failing = await line(world, "z-paused"), await line(world, "z-failing")
        await line(world, "z-token", 4)
        await asked(world, failing, 1, 9)
        await world.user("ann")
        await world.group("Staff")
        await world.service.journal.flush()
        await stand(world, paused, Standing("paused", "the mass-change fuse", "it lost many", 1))
        hook, _ = await world.service.webhooks.create("https://crm.invalid/", label="CRM", by=BY)
        stopped, _ = await world.service.webhooks.create("https://old.invalid/", label="Old", by=BY)
        await world.service.control.note_progress(Progress("w", 1, health={hook.id: 5}))
        away = Standing(DISABLED, str(ITSELF), "410", 5)
        await world.service.control.move_webhook(stopped.id, away, ENTRY)
        owner = await world.visit()
        first = await owner.get("/")
        wanted = [
            "Problem z-paused / okta : Paused by the mass-change fuse: it lost many.",
            "Problem z-failing / okta : 9 of 10 requests failed in this hour or the last.",
            "Problem Webhook Old was disabled: 410.",
            "Look here Webhook CRM has refused or missed every message since.",
            "Look here z-token / okta : Token “Okta” expires in 4 days. Rotate it.",
            f"Not set up {MANY + 1} connections have no token yet.",
        ]
        assert told(first) == wanted
        assert figures(first) == {
            "Directories": str(MANY + 5),
            "Users": "1",
            "Groups": "1",
            "Connections": str(MANY + 5),
            "Requests answered": "3",
            "Requests failed": "9",
        }
        second = await owner.get(link(first, "Next page"))
        assert figures(second) == figures(first)
        assert told(second) == told(first)

    run(tmp_path, test)


def test_those_without_a_token_are_listed_behind_a_link(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for number in range(attention.CONNECTIONS + 4):
            await line(world, f"m{number:03}", None)
        visit = await world.visit(VIEWER)
        first = await visit.get(link(await visit.get("/"), f"{attention.CONNECTIONS + 5} connections"))
        assert "Connections that wait to be set up" in first.words
        assert f"1 to {attention.CONNECTIONS} of {attention.CONNECTIONS + 5} connections" in first.words
        rest = await visit.get(link(first, "Show more that need attention"))
        assert [text.split()[2] for text in told(rest)] == ["m025", "m026", "m027", "m028", "other"]
        assert told(first)[0] == "Look here m000 / okta : It has no token yet."
        assert link(first, "m000 / okta") == "/directories/m000/connections/okta/setup"
        assert urlsplit(link(rest, "Back to the worst")).path == "/"

    run(tmp_path, test)


def test_what_needs_attention_has_portions(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        lines = [await line(world, f"m{number:03}", 4) for number in range(attention.CONNECTIONS + 2)]
        await asked(world, lines[-1], 0, 1)
        visit = await world.visit(VIEWER)
        first = await visit.get("/")
        assert told(first)[0].startswith(f"Problem {'m026'} / okta : 1 of 1 request failed")
        assert "1 to 25 of 28 connections, the worst first." in first.words
        rest = await visit.get(link(first, "Show more that need attention"))
        assert [text.split()[2] for text in told(rest)] == ["m024", "m025", "other"]
        for wrong in ("x", "-1", "9" * 30, "99"):
            assert (await visit.get("/", **{"from": wrong})).status == 200

    run(tmp_path, test)


def test_one_directory_has_its_own_figures_and_worries(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        failing = await line(world, "z-failing")
        await asked(world, failing, 0, 2)
        await world.user("ann")
        await world.service.journal.flush()
        owner, bound = await world.visit(), await world.visit(VIEWER, directory="acme")
        for shown in (await owner.get("/directories/acme"), await bound.get("/")):
            assert figures(shown) == {
                "Users": "1",
                "Groups": "0",
                "Connections": "1",
                "Requests answered": "1",
                "Requests failed": "0",
            }
            assert "z-failing" not in shown.html
        own = await owner.get("/directories/z-failing")
        assert told(own) == ["Problem z-failing / okta : 2 of 2 requests failed in this hour or the last."]

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("part", "found"),
    [("cust-08", 10), ("CUST-080", 1), ("-08", 10), ("acme", 1), ("zzz", 0), ("%", 0), ("", 50)],
)
def test_directories_are_found_by_a_part_of_their_names(tmp_path: Path, part: str, found: int) -> None:
    async def test(world: World) -> None:
        for number in range(50, 100):
            await world.service.directories.create(f"cust-{number:03}", by=BY)
        shown = await (await world.visit(VIEWER)).get("/directories", q=part)
        assert shown.html.count('role="rowheader"') == found
        assert ('rel="next"' in shown.html) is (part == "")
        assert ("No directory fits." in shown.words) is (found == 0)
        assert shown.value("q") == part

    run(tmp_path, test)


def test_what_is_found_has_pages_and_who_is_bound_searches_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for number in range(55):
            await world.service.directories.create(f"cust-{number:03}", by=BY)
        visit = await world.visit(VIEWER)
        first = await visit.get("/directories", q="cust")
        rest = await visit.get(link(first, "Next page"))
        assert re.findall(r">(cust-\d+)</a></th>", rest.html) == [
            f"cust-{number:03}" for number in range(50, 55)
        ]
        assert 'action="/directories"' in (await visit.get("/")).html, "the overview has a search field too"
        bound = await (await world.visit(VIEWER, directory="acme")).get("/directories", q="cust")
        assert "acme" in bound.words
        assert "cust-" not in bound.words
        assert 'name="q"' not in bound.html

    run(tmp_path, test)
