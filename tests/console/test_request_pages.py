"""The request log in the console: why something was refused, in plain words; filters, pages, the download."""

import json
import re
from pathlib import Path

import pytest
from console.pages import World, run, told

from rosterd.console import requests
from rosterd.scim import urns
from rosterd.service.request_log import EVERYTHING
from rosterd.service.visitor import OWNER, VIEWER
from rosterd.testing.scenario import BY

ALL = "/directories/acme/requests"


async def exchanged(world: World) -> dict[str, str]:
    """Anna is made, made once more, looked for, changed, asked for by a wrong id; each request's id."""
    made = await world.user("anna@acme.example", password="hush-hush-1")
    body = {"schemas": [urns.USER], "userName": "anna@acme.example"}
    await world.scim.post("/Users", json=body)
    await world.scim.get("/Users", params={"filter": 'userName eq "zoe@acme.example"'})
    await world.scim.put(f"/Users/{made['id']}", json={**body, "active": "False"})
    await world.scim.get("/Users/nobody-here")
    await world.service.journal.flush()
    found = await world.service.control.exchange_page(world.acme.id, None, None, 10, EVERYTHING)
    names = ("missing", "put", "search", "conflict", "made")
    return {name: str(row.seq) for name, row in zip(names, found.rows, strict=True)} | {"anna": made["id"]}


def test_the_download_is_found_whatever_the_directory_is_called(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.service.directories.create("requests-eu", by=BY)
        viewer = await world.visit(VIEWER)
        page = await viewer.get("/directories/requests-eu/requests", errors="yes", after="")
        address = "/directories/requests-eu/requests/download?errors=yes"
        assert f'href="{address}"' in page.html
        assert (await viewer.get(address)).status == 200

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"made", "conflict", "search", "put", "missing"}),
        ({"errors": "yes"}, {"conflict", "missing"}),
        ({"status": "4xx"}, {"conflict", "missing"}),
        ({"status": "2xx"}, {"made", "search", "put"}),
        ({"status": "5xx"}, set()),
        ({"method": "POST"}, {"made", "conflict"}),
        ({"method": "PUT", "status": "2xx"}, {"put"}),
        ({"connection": "okta", "errors": "yes"}, {"conflict", "missing"}),
        ({"connection": "entra"}, set()),
        ({"q": "ZOE"}, {"search"}),
        ({"q": "nobody-here"}, {"missing"}),
        ({"resource": "{anna}"}, {"made", "put"}),
        ({"q": "<script>"}, set()),
    ],
    ids=told,
)
def test_requests_are_narrowed_down(tmp_path: Path, query: dict[str, str], names: set[str]) -> None:
    async def test(world: World) -> None:
        ids = await exchanged(world)
        await world.service.connections.create(world.acme, "entra", by=BY)
        asked = {key: value.format(**ids) for key, value in query.items()}
        viewer = await world.visit(VIEWER)
        page = await viewer.get(ALL, **asked)
        assert page.status == 200
        told = ("made", "conflict", "search", "put", "missing")
        assert {name for name in told if f"{ALL}/{ids[name]}" in page.html} == names
        assert ("No request fits." in page.words) == (not names)
        lines = (await viewer.get(f"{ALL}/download", **asked)).html.splitlines()
        assert {json.loads(line)["id"] for line in lines} == {ids[name] for name in names}

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("name", "heading", "words"),
    [
        ("made", "POST /Users", ("created anna@acme.example.", '"password": "•••"', "201 Created")),
        (
            "conflict",
            "POST /Users",
            ("a user with this userName exists already", "In the way anna@acme.example", "409 Conflict"),
        ),
        ("search", "GET /Users", ("looked for zoe@acme.example", 'userName eq "zoe@acme.example"')),
        ("put", "PUT /Users/{anna}", ("Tolerated: ", "boolean-from-string", "what it changed")),
        ("missing", "GET /Users/nobody-here", ("404 Not found", "Reply", '"status": "404"')),
    ],
)
def test_a_request_is_explained(tmp_path: Path, name: str, heading: str, words: tuple[str, ...]) -> None:
    async def test(world: World) -> None:
        ids = await exchanged(world)
        page = await (await world.visit(VIEWER)).get(f"{ALL}/{ids[name]}")
        assert page.status == 200
        assert page.heading == heading.format(**ids)
        for word in words:
            assert word in page.words, word
        assert "hush-hush-1" not in page.html

    run(tmp_path, test)


def test_errors_are_explained_in_the_list(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await exchanged(world)
        page = await (await world.visit(VIEWER)).get(ALL)
        assert "tried to create anna@acme.example, but a user with this userName exists already" in page.words
        assert 'data-refresh="5"' in page.html

    run(tmp_path, test)


def test_a_log_leads_on_and_only_its_first_page_is_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "PAGE", 2)

    async def test(world: World) -> None:
        ids = await exchanged(world)
        viewer = await world.visit(VIEWER)
        first = await viewer.get(ALL)
        assert f"{ALL}/{ids['missing']}" in first.html
        assert f"{ALL}/{ids['search']}" not in first.html
        (following,) = re.findall(rf'"({ALL}\?after=[^"]*)"', first.html)
        second = await viewer.get(following)
        assert f"{ALL}/{ids['search']}" in second.html
        assert "data-refresh" not in second.html

    run(tmp_path, test)


def test_a_download_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        await exchanged(world)
        viewer = await world.visit(VIEWER)
        whole = await viewer.get(f"{ALL}/download")
        assert whole.response.headers["content-type"].startswith("application/x-ndjson")
        assert whole.response.headers["content-disposition"] == 'attachment; filename="requests-acme.jsonl"'
        assert len(whole.html.splitlines()) == 5
        assert "hush-hush-1" not in whole.html
        monkeypatch.setattr(requests, "MOST", 2)
        assert len((await viewer.get(f"{ALL}/download")).html.splitlines()) == 2

    run(tmp_path, test)


@pytest.mark.parametrize(
    "query", [{"status": "x"}, {"method": "TRACE"}, {"connection": "nobody"}, {"after": "?"}], ids=str
)
def test_what_cannot_be_asked_is_told(tmp_path: Path, query: dict[str, str]) -> None:
    async def test(world: World) -> None:
        assert (await (await world.visit()).get(ALL, **query)).status == 400

    run(tmp_path, test)


def test_whoever_is_bound_to_another_directory_finds_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await exchanged(world)
        bound = await world.visit(OWNER, directory="other")
        for address in (ALL, f"{ALL}/download", f"{ALL}/{ids['made']}"):
            page = await bound.get(address)
            there = await bound.get(address.replace("acme", "nowhere"))
            assert (page.status, there.status) == (404, 404)
            assert page.words.replace("acme", "nowhere") == there.words
        assert (await bound.get(f"/directories/other/requests/{ids['made']}")).status == 404
        assert "No request has come yet." in (await bound.get("/directories/other/requests")).words

    run(tmp_path, test)


def test_only_a_request_that_changed_something_offers_what_it_changed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        names = await exchanged(world)
        await world.scim.get(f"/Users/{names['anna']}")
        await world.service.journal.flush()
        read = (await world.service.control.exchange_page(world.acme.id, None, None, 1, EVERYTHING)).rows[0]
        viewer = await world.visit(VIEWER)
        for seq, offered in ((names["put"], True), (names["made"], True), (str(read.seq), False)):
            page = await viewer.get(f"{ALL}/{seq}")
            assert ("what it changed" in page.words, "its history" in page.words) == (offered, not offered)

    run(tmp_path, test)
