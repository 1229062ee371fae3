"""What a client is answered by a limited, paused or disabled connection: 429, 503, 403, and the headers."""

import asyncio
import math
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from rosterd.scim import urns
from rosterd.service.audit import ADMINISTRATOR, Actor
from rosterd.service.control import Connection
from rosterd.service.limits import Limits
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


Test = Callable[[httpx.AsyncClient, Service], Awaitable[None]]


def run(path: Path, test: Test) -> None:
    """Run a test against a fresh service."""

    async def main() -> None:
        async with open_service(Settings(data=path / "data")) as service:
            first = await service.setup()
            assert first is not None
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(service.http.site),
                base_url="http://sp.example/scim/v2",
                headers={"Authorization": f"Bearer {first.token_text}"},
            ) as client:
                await test(client, service)

    asyncio.run(main())


def error(response: httpx.Response, status: int) -> str:
    """The detail of a SCIM error of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/scim+json")
    body = response.json()
    assert (body["schemas"], body["status"]) == ([urns.ERROR], str(status))
    return str(body["detail"])


def user(name: str, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": name, **attributes}


def bulk(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.BULK_REQUEST], "Operations": list(operations)}


def post(name: str) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name)}


async def limit(service: Service, **limits: int) -> Connection:
    """Give the default connection these limits, as another process may."""
    _, connection = await service.ensure_default()
    policy = replace(connection.policy, limits=Limits(**limits))
    return await service.connections.update(connection, by=BY, policy=policy)


async def move(service: Service, name: str, reason: str = "") -> None:
    _, connection = await service.ensure_default()
    await service.connections.move(connection, name, by=Actor(ADMINISTRATOR, "ann"), reason=reason)


def numbers(response: httpx.Response) -> list[int]:
    """The three headers; each a whole number and nothing else."""
    found = [response.headers[name] for name in HEADERS]
    assert all(text.isdecimal() for text in found), found
    return [int(text) for text in found]


def retry_after(response: httpx.Response) -> int:
    """Okta reads whole seconds only."""
    text = response.headers["retry-after"]
    assert text.isdecimal(), text
    assert int(text) >= 1
    return int(text)


def test_every_answer_says_what_is_left_of_its_class(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await limit(service, read_rate=10, write_rate=1, burst=60)
        created = await client.post("/Users", json=user("ann"))
        assert created.status_code == 201
        assert numbers(created)[:2] == [60, 59]
        again = await client.post("/Users", json=user("ann"))
        assert again.status_code == 409
        assert numbers(again)[1] in (58, 59)
        for path in ("/Users", "/Users/nobody", "/ServiceProviderConfig", "/Me"):
            answer = await client.get(path)
            assert numbers(answer)[0] == 600
            assert numbers(answer)[2] == 1
        search = await client.post("/Users/.search", json={"schemas": [urns.SEARCH_REQUEST]})
        assert numbers(search)[0] == 600
        head = await client.head("/Users")
        assert numbers(head)[0] == 600
        del client.headers["authorization"]
        assert "ratelimit-limit" not in (await client.get("/Users")).headers

    run(tmp_path, test)


def test_without_a_rate_there_are_no_headers(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await limit(service, read_rate=0)
        assert "ratelimit-limit" not in (await client.get("/Users")).headers
        assert "ratelimit-limit" in (await client.post("/Users", json=user("ann"))).headers

    run(tmp_path, test)


def test_too_many_are_told_when_to_come_back(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await limit(service, write_rate=1, burst=3)
        made = 0
        while (refused := await client.post("/Users", json=user(f"u{made}"))).status_code == 201:
            made += 1
        assert made >= 3
        detail = error(refused, 429)
        wait = retry_after(refused)
        assert numbers(refused) == [3, 0, wait]
        assert wait == 1
        assert "may send 1 write requests a second, and 3 at once" in detail
        assert "rosterd connection update default --directory default --write-rate" in detail
        assert (await client.get("/Users")).json()["totalResults"] == made
        await asyncio.sleep(wait)
        assert (await client.post("/Users", json=user("late"))).status_code == 201

    run(tmp_path, test)


def test_a_bulk_request_counts_its_operations(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await limit(service, write_rate=1, burst=10)
        done = await client.post("/Bulk", json=bulk(*(post(f"a{n}") for n in range(8))))
        assert [o["status"] for o in done.json()["Operations"]] == ["201"] * 8
        assert numbers(done)[:2] == [10, 2]
        refused = await client.post("/Bulk", json=bulk(*(post(f"b{n}") for n in range(8))))
        error(refused, 429)
        assert 1 <= retry_after(refused) <= 6
        assert (await client.get("/Users")).json()["totalResults"] == 8
        assert (await client.post("/Bulk", json=bulk(post("c")))).status_code == 200

    run(tmp_path, test)


def test_a_bulk_request_larger_than_the_bucket_passes_once_and_is_paid_for(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await limit(service, write_rate=1, burst=10)
        done = await client.post("/Bulk", json=bulk(*(post(f"a{n}") for n in range(50))))
        assert len(done.json()["Operations"]) == 50
        for path, body in (("/Bulk", bulk(post("b"))), ("/Users", user("b"))):
            refused = await client.post(path, json=body)
            error(refused, 429)
            assert 30 <= retry_after(refused) <= 41

    run(tmp_path, test)


@pytest.mark.parametrize("body", [[], {}, {"Operations": 5}, {"operations": []}, bulk(*[{}] * 2000)])
def test_what_is_no_bulk_request_costs_no_more_than_the_largest(tmp_path: Path, body: Any) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await limit(service, write_rate=100, burst=1)
        assert (await client.post("/Bulk", json=body)).status_code in (400, 413)
        refused = await client.post("/Users", json=user("ann"))
        assert refused.status_code == 201 or retry_after(refused) <= math.ceil(1000 / 100)

    run(tmp_path, test)


REQUESTS = [
    ("GET", "/Users?count=1", None),
    ("GET", "/Users/nobody", None),
    ("POST", "/Users", user("ann")),
    ("POST", "/Users/.search", {"schemas": [urns.SEARCH_REQUEST]}),
    ("PATCH", "/Users/nobody", {}),
    ("DELETE", "/Users/nobody", None),
    ("POST", "/Bulk", bulk(post("a"))),
    ("GET", "/Schemas", None),
    ("GET", "/ServiceProviderConfig", None),
    ("GET", "/d/default/Groups", None),
]


@pytest.mark.parametrize(("name", "status"), [("pause", 503), ("disable", 403)])
def test_a_paused_or_disabled_connection_is_refused_everything(
    tmp_path: Path, name: str, status: int
) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await client.post("/Users", json=user("before"))
        await move(service, name, "moving house")
        for method, path, body in REQUESTS:
            response = await client.request(method, path, json=body)
            detail = error(response, status)
            assert "by an administrator (ann): moving house." in detail
            way = {"pause": "resume", "disable": "enable"}[name]
            assert f"rosterd connection {way} default --directory default" in detail
            if status == 503:
                assert retry_after(response) == 300
            else:
                assert "retry-after" not in response.headers
        token = client.headers.pop("authorization")
        assert (await client.get("/ServiceProviderConfig")).status_code == 200
        client.headers["authorization"] = token
        await move(service, {"pause": "resume", "disable": "enable"}[name])
        assert (await client.get("/Users")).json()["totalResults"] == 1

    run(tmp_path, test)


def test_another_process_pauses_at_once(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        other = sqlite3.connect(tmp_path / "data" / "rosterd.db")
        for state, status in (("paused", 503), ("disabled", 403), ("active", 200)):
            other.execute("UPDATE connection SET state = ?, state_by = 'x', state_since = 1", (state,))
            other.commit()
            await asyncio.sleep(0)  # over the network, a request comes in a later turn than the one before
            assert (await client.get("/Users")).status_code == status
        other.close()

    run(tmp_path, test)


def test_a_wrong_token_learns_nothing_of_a_paused_connection(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await move(service, "pause", "secret reason")
        client.headers["authorization"] += "x"
        assert "secret" not in error(await client.get("/Users"), 401)

    run(tmp_path, test)


def test_the_fuse_answers_the_change_it_refuses_and_all_that_follows(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await limit(service, fuse_count=3, fuse_percent=0)
        made = [await client.post("/Users", json=user(f"u{n}")) for n in range(10)]
        off = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "value": {"active": False}}]}
        answers = await asyncio.gather(*(client.patch(m.headers["location"], json=off) for m in made))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(refused) == 7
        for answer in refused:
            detail = error(answer, 503)
            assert "by the mass-change fuse: it deactivated or deleted 3 of 10 accounts" in detail
            assert retry_after(answer) == 300
        error(await client.get("/Users"), 503)
        await move(service, "resume")
        assert (await client.get("/Users?filter=active eq false")).json()["totalResults"] == 3

    run(tmp_path, test)
