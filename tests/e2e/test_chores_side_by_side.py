"""What services on one database do from time to time is done once, though all do it at the same moment."""

import asyncio
import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from e2e.engines import ENGINES, database

from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

DAY = 86_400_000
LONG_AGO = """
    UPDATE event SET at = at - $1 WHERE type <> 'group.created';
    UPDATE resource SET deleted = deleted - $1 WHERE deleted IS NOT NULL;
    UPDATE request SET at = at - $1;
    UPDATE signing_key SET signs = signs - $1, created = created - $1;
    UPDATE token SET expires = created + 1, created = created - $1 WHERE label = 'past';
"""


async def query(settings: Settings, text: str, *parameters: Any) -> list[Any]:
    if settings.database_url is None:
        with contextlib.closing(sqlite3.connect(settings.database, isolation_level=None)) as file:
            return file.execute(text.replace("$", "?"), parameters).fetchall()
    connection = await asyncpg.connect(settings.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(text, *parameters)]
    finally:
        await connection.close()


async def chores(service: Service) -> None:
    """All of a turn."""
    await service.note_use()
    await service.purge()
    await service.tidy()
    await service.forget_events()
    await service.forget_requests()
    await service.forget_deliveries()
    await service.keep_up_keys()
    await service.announce_expiry()
    await service.erase_deleted()


@ENGINES
def test_three_services_do_their_chores_at_once(tmp_path: Path, engine: str) -> None:
    async def main(settings: Settings) -> None:
        settings = replace(
            settings,
            event_retention_days=100,
            request_log_retention_days=100,
            erase_deleted_after_days=100,
            signing_key_days=90,
            delivery="off",
        )
        async with contextlib.AsyncExitStack() as stack:
            services = [
                await stack.enter_async_context(open_service(settings, shared=tmp_path)) for _ in range(3)
            ]
            one = services[0]
            first = await one.setup()
            assert first is not None
            headers = {"Authorization": f"Bearer {first.token_text}"}
            transport = httpx.ASGITransport(app=one.http.site)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://x/scim/v2", headers=headers
            ) as client:
                made = [
                    (await client.post("/Users", json={"userName": f"user-{n}"})).json()["id"]
                    for n in range(12)
                ]
                await asyncio.gather(*(client.delete(f"/Users/{id}") for id in made[:8]))
                await client.post("/Groups", json={"displayName": "group"})
            await one.journal.flush()
            await one.signing_keys.ensure(by=BY)
            for statement in LONG_AGO.split(";")[:-2]:
                await query(settings, statement, 200 * DAY)
            assert await query(settings, "SELECT count(*) > 20 FROM event") == [(True,)]
            assert await query(settings, "SELECT count(*) > 20 FROM request") == [(True,)]
            for _ in range(2):
                await asyncio.gather(*(chores(service) for service in services))
        told = await query(settings, "SELECT type, resource, count(*) FROM event GROUP BY 1, 2")
        erased = {resource: count for type, resource, count in told if type == "user.erased"}
        assert erased == dict.fromkeys(made[:8], 1)
        assert {type for type, _, _ in told} == {"user.erased", "group.created"}
        assert await query(settings, "SELECT count(*) FROM resource") == [(5,)]
        assert await query(settings, "SELECT count(*) FROM request") == [(0,)]
        assert await query(settings, "SELECT count(*) FROM signing_key") == [(2,)]
        assert await query(settings, "SELECT count(*) FROM audit WHERE action = 'set-key.rotated'") == [(2,)]

    with database(engine, tmp_path) as settings:
        asyncio.run(main(settings))
