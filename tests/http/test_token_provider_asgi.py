"""The Token Provider within the site: mounted below a path, when the store is away, and what is purged."""

import asyncio
from collections.abc import Awaitable, Callable
from os import urandom
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from rosterd.service.clients import Clients
from rosterd.service.ports import StoreUnavailable
from rosterd.service.tokens import Tokens
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service
from rosterd.wiring.chores import EXPIRED_KEPT
from rosterd.wiring.ids import now

Test = Callable[[httpx.AsyncClient, Service, dict[str, str]], Awaitable[None]]


def run(path: Path, test: Test, prefix: str = "", **settings: Any) -> None:
    """Run a test against a service mounted under ``prefix``, with the form of a client of it."""

    async def main() -> None:
        async with open_service(Settings(data=path / "data", **settings)) as service:
            directory, connection = await service.ensure_default()
            client, secret = await service.clients.create(directory.id, connection.id, by=BY)

            async def outer(scope: Any, receive: Any, send: Any) -> None:
                await service.http.site({**scope, "root_path": prefix}, receive, send)

            transport = httpx.ASGITransport(outer)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://sp.example{prefix}") as http:
                form = {"client_id": client.id, "client_secret": secret, "grant_type": "client_credentials"}
                await test(http, service, form)

    asyncio.run(main())


@pytest.mark.parametrize("prefix", ["", "/company", "/a/b"])
def test_it_mounts_under_any_path(tmp_path: Path, prefix: str) -> None:
    async def test(http: httpx.AsyncClient, _: Service, form: dict[str, str]) -> None:
        metadata = (await http.get("/.well-known/oauth-authorization-server")).json()
        assert metadata["issuer"] == f"http://sp.example{prefix}"
        assert metadata["token_endpoint"] == f"http://sp.example{prefix}/oauth/token"
        assert (await http.post(metadata["token_endpoint"], data=form)).status_code == 200

    run(tmp_path, test, prefix)


def test_the_documentation_is_named_if_there_is_one(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, _: Service, form: dict[str, str]) -> None:
        metadata = (await http.get("/.well-known/oauth-authorization-server")).json()
        assert metadata["service_documentation"] == "https://docs.example"

    run(tmp_path, test, documentation_url="https://docs.example")


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry"),
    [
        (StoreUnavailable("disk full"), 503, "temporarily_unavailable", "5"),
        (RuntimeError("the secret cause"), 500, "server_error", None),
    ],
)
def test_a_fault_of_ours_is_told_as_oauth_tells_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    status: int,
    code: str,
    retry: str | None,
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise fault

    async def test(http: httpx.AsyncClient, _: Service, form: dict[str, str]) -> None:
        monkeypatch.setattr(Clients, "issue", broken)
        response = await http.post("/oauth/token", data=form)
        assert (response.status_code, response.json()["error"]) == (status, code)
        assert response.headers.get("retry-after") == retry
        assert "secret" not in response.text and "disk" not in response.text

    run(tmp_path, test)


def test_a_failed_authentication_is_logged_with_the_client_and_without_the_secret(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, _: Service, form: dict[str, str]) -> None:
        with capture_logs() as logs:
            await http.post("/oauth/token", data={**form, "client_secret": form["client_secret"][:-1]})
            await http.post("/oauth/token", data={**form, "client_id": form["client_secret"]})
            await http.post("/oauth/token", data=form | {"client_secret": ""})
        failed = [log for log in logs if log["log_level"] == "warning"]
        assert [log["client"] for log in failed] == [form["client_id"], None, None]
        assert form["client_secret"][:-1] not in str(logs)

    run(tmp_path, test)


def test_tokens_that_expired_a_month_ago_are_purged_and_no_others(tmp_path: Path) -> None:
    async def test(http: httpx.AsyncClient, service: Service, form: dict[str, str]) -> None:
        client = await service.control.client(form["client_id"])
        assert client is not None
        made = []
        for age in (EXPIRED_KEPT + 120, EXPIRED_KEPT + 61, EXPIRED_KEPT + 30, 120, 0):
            past = now() - age * 1000
            old = Clients(
                service.control, Tokens(service.control, lambda past=past: past, urandom), now, urandom
            )  # type: ignore[misc]
            made.append((await old.issue(client, lifetime=60))[0].id)
        await service.purge()
        assert [token.id for token in await service.control.tokens(client.directory)] == made[:1:-1]
        await service.purge()
        assert len(await service.control.tokens(client.directory)) == 3

    run(tmp_path, test)


def test_the_upkeep_purges_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rosterd.wiring.chores._FLUSH_SECONDS", 0.01)
    monkeypatch.setattr("rosterd.wiring.chores.EXPIRED_KEPT", -3600)

    async def test(http: httpx.AsyncClient, service: Service, form: dict[str, str]) -> None:
        directory, connection = await service.ensure_default()
        await service.tokens.issue(directory.id, connection.id, lifetime=60, by=BY)
        kept, _ = await service.tokens.issue(directory.id, connection.id, lifetime=7200, by=BY)
        for _ in range(200):
            await asyncio.sleep(0.01)
            if len(await service.control.tokens(directory.id)) == 1:
                break
        assert [token.id for token in await service.control.tokens(directory.id)] == [kept.id]

    run(tmp_path, test)
