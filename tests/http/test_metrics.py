"""What ``/metrics`` tells, to whom, and that nothing of a client's choosing becomes a label."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rosterd.http.measure import STEPS
from rosterd.service.control import Policy
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service
from rosterd.wiring.server import Server

Client = httpx.AsyncClient
USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}


def run(
    settings: Settings, test: Callable[[Service, Client], Awaitable[None]], address: str = "127.0.0.1"
) -> None:
    async def main() -> None:
        async with open_service(settings) as service:
            transport = httpx.ASGITransport(app=service.http.site, client=(address, 1))
            async with Client(transport=transport, base_url="http://rosterd") as client:
                await test(service, client)

    asyncio.run(main())


async def samples(client: Client) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    reply = await client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("token", "address", "sent", "status"),
    [
        ("", "127.0.0.1", "", 200),
        ("", "::1", "", 200),
        ("", "10.1.2.3", "", 200),
        ("", "::ffff:192.168.1.1", "", 200),
        ("", "fd00::1", "", 200),
        ("", "93.184.216.34", "", 403),
        ("", "2606:2800::1", "", 403),
        ("", "93.184.216.34", "Bearer anything", 403),
        ("s3cret", "127.0.0.1", "", 401),
        ("s3cret", "127.0.0.1", "Bearer wrong", 401),
        ("s3cret", "127.0.0.1", "Basic s3cret", 401),
        ("s3cret", "93.184.216.34", "Bearer s3cret", 200),
    ],
)
def test_who_may_read_them(tmp_path: Path, token: str, address: str, sent: str, status: int) -> None:
    async def test(service: Service, client: Client) -> None:
        reply = await client.get("/metrics", headers={"Authorization": sent} if sent else {})
        assert reply.status_code == status
        assert ("rosterd_build_info" in reply.text) is (status == 200)
        assert ("www-authenticate" in reply.headers) is (status == 401)

    run(Settings(data=tmp_path / "data", metrics_token=token), test, address)


@pytest.mark.parametrize(("trusted", "status"), [("127.0.0.1", 403), ("192.0.2.9", 200)])
def test_whose_word_counts_for_where_a_request_is_from(tmp_path: Path, trusted: str, status: int) -> None:
    async def main() -> None:
        async with open_service(Settings(data=tmp_path, trusted_proxies=trusted)) as service:
            config = Server(service, lambda: None).config
            config.load()
            transport = httpx.ASGITransport(config.loaded_app, client=("127.0.0.1", 1))
            async with Client(transport=transport, base_url="http://rosterd") as client:
                reply = await client.get("/metrics", headers={"X-Forwarded-For": "93.184.216.34"})
                assert reply.status_code == status

    asyncio.run(main())


def test_they_can_be_switched_off_and_nothing_else_can_be_done_to_them(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")

    async def off(service: Service, client: Client) -> None:
        assert "rosterd_build_info" not in (await client.get("/metrics")).text

    async def on(service: Service, client: Client) -> None:
        assert (await client.post("/metrics")).status_code == 405
        assert (await client.head("/metrics")).content == b""

    run(replace(settings, metrics="off"), off)
    run(settings, on)


def test_requests_are_counted_by_area_method_and_class_of_status(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        first = await service.setup()
        assert first is not None
        mine = {"Authorization": f"Bearer {first.token_text}"}
        for name in ("ann", "bob", "ann"):
            await client.post("/scim/v2/Users", json={**USER, "userName": name}, headers=mine)
        await client.get("/scim/v2/Users?filter=secret eq", headers=mine)
        await client.get("/scim/v2/Users")
        await client.get("/api/v1/directories")
        await client.post("/api/v1/token", data={"scimClientId": "who"})
        await client.get("/login")
        await client.request("PROPFIND", "/scim/v2/Users/hidden-name", headers=mine)
        found = await samples(client)
        counted = {
            ("scim", "POST", "2xx"): 2,
            ("scim", "POST", "4xx"): 1,
            ("scim", "GET", "4xx"): 2,
            ("scim", "other", "4xx"): 1,
            ("api", "GET", "4xx"): 1,
            ("token", "POST", "4xx"): 1,
            ("console", "GET", "2xx"): 1,
        }
        assert {
            key[1:]: value for key, value in found.items() if key[0] == "rosterd_requests_total"
        } == counted
        assert found["rosterd_request_seconds_count", "scim"] == 6
        assert found["rosterd_request_seconds_bucket", "scim", "+Inf"] == 6
        assert found["rosterd_check_refused_total", "uniqueness"] == 1
        assert found["rosterd_check_refused_total", "invalidFilter"] == 1
        assert found["rosterd_admit_refused_total", "scim", "401"] == 1
        assert found["rosterd_step_seconds_count", "commit"] == 2
        assert all(found["rosterd_step_seconds_sum", step] > 0 for step in STEPS)
        assert found["rosterd_commit_batch_changes_count",] >= 2
        assert found["rosterd_commit_sync_seconds_count",] >= 2
        assert found["rosterd_request_log_waiting",] >= 1

    run(Settings(data=tmp_path / "data"), test)


def test_a_backlog_is_told(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        first = await service.setup()
        assert first is not None
        mine = {"Authorization": f"Bearer {first.token_text}"}
        await service.connections.create(first.directory, "other", by=BY, policy=Policy())
        await service.tokens.issue(first.directory.id, first.connection.id, by=BY, lifetime=5 * 86_400)
        await client.post("/scim/v2/Users", json={**USER, "userName": "ann"}, headers=mine)
        backlog = await service.control.backlog(4_000_000_000_000)
        assert backlog.lanes == 0
        found = await samples(client)
        days = ("1", "7", "30", "90", "+Inf")
        assert [found["rosterd_tokens_ending", day] for day in days] == [0, 1, 1, 1, 2]
        assert found["rosterd_connections", "active"] == 2
        assert found["rosterd_deliver_backlog_known",] == 1

    run(Settings(data=tmp_path / "data"), test)


def test_no_label_has_a_value_of_somebodys_choosing(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        first = await service.setup()
        assert first is not None
        mine = {"Authorization": f"Bearer {first.token_text}"}
        await service.directories.create("zebra", by=BY)
        for path in ("/scim/v2/zebra", "/scim/v2/Users/zebra", "/api/v1/zebra", "/zebra", "/d/zebra/Users"):
            await client.get(path, headers=mine)
            await client.request("ZEBRA", path, headers=mine)
        await client.post("/scim/v2/Users", json={**USER, "userName": "zebra", "zebra": 1}, headers=mine)
        assert not re.search("zebra", (await client.get("/metrics")).text, re.I)

    run(Settings(data=tmp_path / "data"), test)
