"""What SCIM requests leave in the log, and how it is read by the API."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.postgres_server import database, execute
from service.management import World, problem, run, walk

from rosterd.scim import urns
from rosterd.service.audit import MASK
from rosterd.service.credential_text import make
from rosterd.service.request_log import EVERYTHING, Exchange
from rosterd.store.postgres_control import EPOCH_SECONDS
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, journal, open_service
from rosterd.wiring.journal import CHANGES, READS

USER = {"schemas": [urns.USER], "userName": "ann@example.com"}
PATCH = {"schemas": [urns.PATCH_OP]}


async def logged(world: World) -> list[Exchange]:
    """What is in the log of ``acme``, oldest first."""
    service = world.service
    await service.journal.flush()
    home = await service.control.directory("acme")
    assert home is not None
    page = await service.request_log.exchange_page(home.id, None, None, 1000, EVERYTHING)
    return [row.exchange for row in page.rows][::-1]


async def counted(world: World) -> tuple[int, int]:
    """How many requests of the one connection of ``acme`` were carried out, and how many failed."""
    home = await world.service.control.directory("acme")
    assert home is not None
    (one,) = await world.service.request_log.activity(home.id, 0)
    return sum(hour.ok for hour in one.hours), sum(hour.failed for hour in one.hours)


def test_a_request_is_kept_with_who_what_and_what_was_tolerated(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        body = {**USER, "password": "Geheim-4711", "active": "True"}
        made = await world.scim.post("/Users", json=body, headers={"User-Agent": "Okta SCIM Client"})
        (one,) = await logged(world)
        assert (one.method, one.path, one.query, one.status) == ("POST", "/Users", "", 201)
        assert (one.kind, one.resource, one.subject) == ("User", made.json()["id"], "ann@example.com")
        assert one.tolerated == ("boolean-from-string",)
        assert one.request_id == made.headers["x-request-id"]
        assert (one.agent, one.address) == ("Okta SCIM Client", "127.0.0.1")
        assert one.body is not None
        assert json.loads(one.body) == {**body, "password": MASK}
        assert (one.reply, one.detail, one.left_out) == (None, None, 0)
        assert one.body_size == len(made.request.content)
        assert one.microseconds > 0

    run(tmp_path, test)


async def _create_again(world: World, id: str) -> httpx.Response:
    return await world.scim.post("/Users", json=USER)


async def _bad_value(world: World, id: str) -> httpx.Response:
    return await world.scim.post("/Users", json={**USER, "userName": "b", "active": "maybe"})


async def _no_json(world: World, id: str) -> httpx.Response:
    return await world.scim.post("/Users", content=b"{", headers={"Content-Type": "application/json"})


async def _missing(world: World, id: str) -> httpx.Response:
    return await world.scim.patch(
        "/Users/nobody", json={**PATCH, "Operations": [{"op": "add", "path": "title", "value": "x"}]}
    )


async def _stale(world: World, id: str) -> httpx.Response:
    return await world.scim.put(f"/Users/{id}", json=USER, headers={"If-Match": 'W/"9"'})


async def _address(world: World, id: str) -> httpx.Response:
    return await world.scim.get("/v2/Users/x")


async def _method(world: World, id: str) -> httpx.Response:
    return await world.scim.put("/Users", json=USER)


async def _accept(world: World, id: str) -> httpx.Response:
    return await world.scim.get("/Users", headers={"Accept": "text/html"})


async def _other_directory(world: World, id: str) -> httpx.Response:
    return await world.scim.get("/d/other/Users")


async def _mistyped(world: World, id: str) -> httpx.Response:
    text = world.scim.headers["Authorization"]
    return await world.scim.get("/Users", headers={"Authorization": text[:40]})


async def _paused(world: World, id: str) -> httpx.Response:
    home = await world.service.control.directory("acme")
    assert home is not None
    (connection,) = await world.service.control.connections(home.id)
    await world.service.connections.move(connection, "pause", by=BY)
    return await world.scim.get("/Users")


async def _revoked(world: World, id: str) -> httpx.Response:
    home = await world.service.control.directory("acme")
    assert home is not None
    (token,) = await world.service.control.tokens(home.id)
    await world.service.tokens.revoke(home.id, token.id, by=BY)
    return await world.scim.get("/Users")


REFUSED: dict[Any, tuple[int, str, str | None, str | None]] = {
    _create_again: (409, "", "uniqueness", "ann@example.com"),
    _bad_value: (400, "", "invalidValue", "b"),
    _no_json: (400, "", "invalidSyntax", None),
    _missing: (404, "no resource", None, None),
    _stale: (412, "", None, "ann@example.com"),
    _address: (404, "", None, None),
    _method: (405, "", None, None),
    _accept: (406, "", None, None),
    _other_directory: (404, "another directory", None, None),
    _mistyped: (401, "token mistyped", None, None),
    _paused: (503, "paused", None, None),
    _revoked: (401, "token revoked", None, None),
}


@pytest.mark.parametrize("attempt", REFUSED, ids=lambda attempt: attempt.__name__)
def test_a_refused_request_is_kept_with_its_reason(tmp_path: Path, attempt: Any) -> None:
    async def test(world: World) -> None:
        made = await world.user("ann@example.com")
        response = await attempt(world, made["id"])
        status, *_ = REFUSED[attempt]
        assert response.status_code == status, response.text
        _, one = await logged(world)
        assert (one.status, one.situation, one.scim_type, one.subject) == REFUSED[attempt]
        assert one.detail == response.json()["detail"]
        assert json.loads(one.reply or "") == response.json()
        listed = (await world.api.get("/requests?directory=acme&errors=true")).json()["items"]
        assert len(listed) == 1
        assert len(listed[0]["explanation"][0]) > 40

    run(tmp_path, test)


def test_whoever_is_nobody_leaves_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for header in ("", "Basic x", "Bearer rst_unknown12345_x", "Bearer nonsense"):
            response = await world.scim.get("/Users", headers={"Authorization": header})
            assert response.status_code == 401
        assert await logged(world) == []

    run(tmp_path, test)


def test_who_a_request_was_about_is_known_from_the_filter_and_from_the_store(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await world.user("ann@example.com")
        await world.scim.get("/Users", params={"filter": 'userName eq "bob@example.com"'})
        await world.scim.post("/Users/.search", json={
            "schemas": [urns.SEARCH_REQUEST], "filter": 'externalId eq "00u1"',
        })  # fmt: skip
        operation = {"op": "Replace", "path": "password", "value": "Geheim-4711"}
        await world.scim.patch(f"/Users/{made['id']}", json={**PATCH, "Operations": [operation]})
        await world.scim.get(f"/Users/{made['id']}")
        await world.scim.delete(f"/Users/{made['id']}")
        _, *rest = await logged(world)
        subjects = ["bob@example.com", "00u1", *["ann@example.com"] * 3]
        assert [one.subject for one in rest] == subjects
        assert [one.resource for one in rest] == [None, None, *[made["id"]] * 3]
        assert "Geheim" not in str(rest)

    run(tmp_path, test)


def test_a_bulk_request_keeps_its_reply_if_something_failed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for name in ("x", "x"):
            operation = {
                "method": "POST",
                "path": "/Users",
                "bulkId": "a",
                "data": {**USER, "userName": name},
            }
            sent = {"schemas": [urns.BULK_REQUEST], "Operations": [operation]}
            await world.scim.post("/Bulk", json=sent)
        good, bad = await logged(world)
        assert (good.status, good.reply) == (200, None)
        assert bad.status == 200
        assert "uniqueness" in (bad.reply or "")

    run(tmp_path, test)


def test_a_long_body_is_cut_and_still_masked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        values = [{"value": f"{number:030}"} for number in range(1000)]
        operation = {"op": "add", "path": "members", "value": values}
        made = await world.group("Staff")
        response = await world.scim.patch(
            f"/Groups/{made['id']}", json={**PATCH, "secret": "Geheim-4711", "Operations": [operation]}
        )
        _, one = await logged(world)
        assert one.body is not None
        assert len(one.body) <= 16 * 1024 < one.body_size == len(response.request.content)
        assert json.loads(one.body)["secret"] == MASK

    run(tmp_path, test)


def test_a_credential_in_an_address_or_a_header_is_not_kept(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        token = make("rst", lambda n: bytes(range(n)))[1]
        await world.scim.get(f"/Users/{token}", headers={"User-Agent": f"curl {token}"})
        (one,) = await logged(world)
        assert (one.path, one.resource, one.agent) == (f"/Users/{MASK}", MASK, f"curl {MASK}")
        assert token not in str(one)

    run(tmp_path, test)


def test_of_many_reads_a_share_is_kept_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FLUSH_SECONDS", 3600)  # only when it is asked for

    async def test(world: World) -> None:
        made = await world.user("ann@example.com")
        for _ in range(READS):
            await world.scim.get(f"/Users/{made['id']}")
        for path in (f"/Users/{made['id']}", "/Users", "/Schemas"):
            assert (await world.scim.get(path)).status_code == 200
        for path in ("/Users/nobody", "/Nothings"):
            assert (await world.scim.get(path)).status_code == 404
        assert [one.status for one in await logged(world)] == [201, *[200] * READS, 404, 404]
        await world.scim.get("/Users")
        *_, last = await logged(world)
        assert (last.path, last.left_out) == ("/Users", 3)
        assert await counted(world) == (READS + 6, 1), "that nobody is there is an answer to a look"

    run(tmp_path, test)


def test_of_many_changes_a_share_is_kept_and_all_that_failed_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FLUSH_SECONDS", 3600)  # only when it is asked for

    async def test(world: World) -> None:
        made = await world.user("ann@example.com")
        address, most = f"/Users/{made['id']}", CHANGES * READS
        for number in range(most + 2):
            assert (await world.scim.put(address, json={**USER, "title": f"{number}"})).status_code == 200
        assert (await world.scim.post("/Users", json=USER)).status_code == 409
        refused = {"method": "DELETE", "path": "/Users/nobody"}
        bulk = {"schemas": [urns.BULK_REQUEST], "Operations": [refused]}
        assert (await world.scim.post("/Bulk", json=bulk)).status_code == 200
        kept = [(one.method, one.status) for one in await logged(world)]
        assert kept == [("POST", 201), *[("PUT", 200)] * (most - 1), ("POST", 409), ("POST", 200)]
        await world.scim.delete(address)
        *_, last = await logged(world)
        assert (last.method, last.left_out) == ("DELETE", 3)
        assert await counted(world) == (most + 5, 1)

    run(tmp_path, test)


def test_the_log_is_read_by_pages_filters_and_as_lines(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for name in ("ann", "bob", "ann"):
            await world.scim.post("/Users", json={**USER, "userName": name})
        await world.scim.get("/Users")
        await world.service.journal.flush()
        items = await walk(world.api, "/requests", directory="acme", limit=2)
        assert [item["status"] for item in items] == [200, 409, 201, 201]
        assert "body" not in items[0]
        for query, count in {
            "errors=true": 1, "status=2xx": 3, "status=409": 1, "method=GET": 1, "q=ANN": 2,
            "connection=okta": 4,
            f"resource={items[-1]['resource']}": 1, f"q={items[0]['requestId']}": 1, "errors=false": 4,
        }.items():  # fmt: skip
            found = (await world.api.get(f"/requests?directory=acme&{query}")).json()["items"]
            assert len(found) == count, query
        one = (await world.api.get(f"/requests/{items[1]['id']}?directory=acme")).json()
        assert json.loads(one["body"])["userName"] == "ann"
        assert json.loads(one["reply"])["scimType"] == "uniqueness"
        assert one["explanation"][0].endswith("exists already; this connection made it itself.")
        lines = await world.api.get("/requests?directory=acme&format=jsonl&status=2xx")
        assert lines.headers["content-type"] == "application/jsonl"
        assert [json.loads(line)["subject"] for line in lines.text.splitlines()] == [None, "bob", "ann"]
        for missing in ("1", "x", "99999999999999999999"):
            problem(await world.api.get(f"/requests/{missing}?directory=acme"), 404)
        problem(await world.api.get("/requests?directory=acme&connection=nobody"), 404)
        problem(await world.api.get("/requests"), 400)
        problem(await world.api.get("/requests?directory=acme&status=9xx"), 400)
        bound = await world.client("acme", scopes=("requests.read",))
        assert len((await bound.get("/requests")).json()["items"]) == 4
        weak = await world.client("acme", scopes=("users.read",))
        problem(await weak.get("/requests"), 403)

    run(tmp_path, test)


def test_bodies_are_kept_if_the_preferences_say_so(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.service.preferences.change({"requestLogBodies": False}, by=BY)
        await world.scim.post("/Users", json={**USER, "active": 7})
        (one,) = await logged(world)
        assert (one.body, one.reply) == (None, None)
        assert one.body_size > 0
        assert one.detail

    run(tmp_path, test)


def test_what_failed_while_the_database_was_away_is_there_afterwards(tmp_path: Path) -> None:
    async def let_in(name: str, connections: str) -> None:
        await execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {connections}")
        await execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608

    async def test(service: Service, client: httpx.AsyncClient, name: str) -> None:
        created = await client.post("/Users", json=USER)
        await service.journal.flush()
        await let_in(name, "false")
        stranger = {"Authorization": f"Bearer {make('rst', lambda n: bytes(range(n)))[1]}"}
        for turn in range(6):
            if turn == 3:  # by then nobody's credential is good without a look
                await asyncio.sleep(EPOCH_SECONDS)
            assert (await client.get(created.headers["location"])).status_code == 503
            assert (await client.post("/Users", json={**USER, "userName": "bob"})).status_code == 503
            assert (await client.get("/Users", headers=stranger)).status_code == 503
            await service.journal.flush()
        assert (service.journal.waiting, service.journal.lost) == (12, 0)
        await let_in(name, "true")
        async with asyncio.timeout(60):
            while (await client.get("/Users")).status_code != 200:  # noqa: ASYNC110 - for another process
                await asyncio.sleep(0.1)
        await service.journal.flush()
        page = await service.request_log.exchange_page(1, None, None, 1000, EVERYTHING)
        found = [
            (row.exchange.method, row.exchange.situation) for row in page.rows if row.exchange.status == 503
        ]
        assert found[-12:] == [("POST", "store away"), ("GET", "store away")] * 6
        (one,) = await service.request_log.activity(1, 0)
        assert sum(hour.failed for hour in one.hours) == len(found)

    with database() as url:
        name = url.rpartition("/")[2].partition("?")[0]
        asyncio.run(serving(tmp_path, lambda *known: test(*known, name), database_url=url))


def test_the_log_can_be_switched_off(tmp_path: Path) -> None:
    async def test(service: Service, client: httpx.AsyncClient) -> None:
        await client.post("/Users", json=USER)
        await service.journal.flush()
        assert await service.request_log.last_exchange(1) == 0

    asyncio.run(serving(tmp_path, test, request_log="off"))


def test_old_requests_are_forgotten(tmp_path: Path) -> None:
    async def test(service: Service, client: httpx.AsyncClient) -> None:
        await client.post("/Users", json=USER)
        await service.journal.flush()
        (row,) = (await service.request_log.exchange_page(1, None, None, 9, EVERYTHING)).rows
        old = row.exchange.at - 8 * 86_400_000
        await service.request_log.add_exchanges([row.exchange._replace(at=old)] * 1500)
        await service.forget_requests()
        page = await service.request_log.exchange_page(1, None, None, 2000, EVERYTHING)
        assert len([one for one in page.rows if one.exchange.at == old]) == 0

    asyncio.run(serving(tmp_path, test))


def test_what_was_noted_is_written_when_the_service_ends(tmp_path: Path) -> None:
    async def test(service: Service, client: httpx.AsyncClient) -> None:
        await client.post("/Users", json=USER)

    async def after(service: Service, client: httpx.AsyncClient) -> None:
        assert await service.request_log.last_exchange(1) > 0

    asyncio.run(serving(tmp_path, test))
    asyncio.run(serving(tmp_path, after))


async def serving(path: Path, test: Any, **settings: Any) -> None:
    async with open_service(Settings(data=path / "data", **settings)) as service:
        first = await service.setup()
        token = first.token_text if first else ""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(service.http.site),
            base_url="http://sp.example/scim/v2",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            await test(service, client)


@pytest.mark.parametrize(
    "path", ["/scim/Users", "/Users", "/scim/v1/Users", "/v2/Groups", "/ServiceProviderConfig"]
)
def test_a_request_by_a_base_url_that_is_not_complete_is_seen(tmp_path: Path, path: str) -> None:
    async def test(world: World) -> None:
        wrong = await world.scim.get(f"http://sp.example{path}", params={"filter": 'userName eq "x"'})
        assert wrong.status_code == 404
        assert "the SCIM base URL ends in /scim/v2" in wrong.json()["detail"]
        (one,) = await logged(world)
        assert (one.method, one.path, one.status) == ("GET", path, 404)
        listed = await walk(world.api, "/requests", directory="acme")
        assert "Check the base URL at the identity provider" in " ".join(listed[0]["explanation"])
        async with httpx.AsyncClient(transport=world.site, base_url="http://sp.example") as nobody:
            for headers in ({}, {"Authorization": "Bearer rst_x_y"}, {"Authorization": "Basic YTpi"}):
                assert (await nobody.get(path, headers=headers)).status_code == 404
        assert len(await logged(world)) == 1

    run(tmp_path, test)
