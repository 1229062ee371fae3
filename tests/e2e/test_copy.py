"""``rosterd copy``: clients, programs and receivers go on with the other database as if it were the same."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from contract.postgres_server import namespace
from e2e.faulty import post
from e2e.house import MEMBERS, House, furnished, rosterd
from judges.harness import COMMAND, environment

from rosterd.scim.errors import Conflict, Gone
from rosterd.service.events import Event
from rosterd.service.feed import Want
from rosterd.service.ports import Writer
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, moving, open_service, upkeep


@pytest.fixture
def url() -> Iterator[str]:
    with namespace() as found:
        yield found


def move(source: str, target: str, *, replace: bool = False, serving: bool = False) -> moving.Moved:
    return moving.move(moving.place(source), moving.place(target), BY, replace=replace, serving=serving)


def test_everything_is_the_same_on_the_other_engine_and_goes_on(tmp_path: Path, url: str) -> None:
    house = House(tmp_path / "data", *asyncio.run(furnished(tmp_path / "data")))
    here, back = f"sqlite:{house.data}", f"sqlite:{tmp_path / 'back'}"
    house.start()
    try:
        with house.client() as http:
            assert post(http, "before").status_code == 201
        page = house.api("/events", directory="acme", limit="1000")
        people = house.api("/directories/acme/users", limit="3")
        before = house.look(changes=1)
        with pytest.raises(Conflict, match="stop the server first"):
            move(here, url)
        house.stop()

        assert json.loads(rosterd("copy", here, url, "--json"))["memberships"] == MEMBERS - 1
        house.move_to(tmp_path / "nothing", url)
        house.start()
        assert house.look(changes=1) == before
        next_page = house.api("/directories/acme/users", cursor=people["nextCursor"], limit="3")
        assert len({each["id"] for each in people["items"] + next_page["items"]}) == 6
        first = house.read_on(page["next"])
        with house.client() as http:
            assert post(http, "before").status_code == 409
            assert post(http, "between").status_code == 201
        between = house.look(changes=3)
        for one, other in [(url, back), (here, url)]:
            with pytest.raises(Conflict, match="A server uses the database"):
                move(one, other, replace=True)
        house.stop()

        move(url, back)
        house.move_to(tmp_path / "back", None)
        house.start()
        assert house.look(changes=3) == between
        with house.client() as http:
            assert post(http, "afterwards").status_code == 201
        second = house.read_on(page["next"])
        assert second[: len(first)] == first
        created = [e["data"]["after"]["userName"] for e in second if e["type"] == "user.created"]
        assert created[-2:] == ["between", "afterwards"]
        assert not {event["id"] for event in second} & {event["id"] for event in page["events"]}
        copies = [e["target"] for e in house.api("/audit")["items"] if e["action"] == "installation.copied"]
        assert [target.split()[2] for target in copies] == ["PostgreSQL", "SQLite"]
        assert "postgres@" not in copies[0]
    finally:
        house.kill()


def test_a_deleted_connections_number_is_not_given_out_on_the_other_engine_either(
    tmp_path: Path, url: str
) -> None:
    places = [Settings(data=tmp_path / "a"), Settings(data=tmp_path / "b", database_url=url)]
    numbers: list[int] = []

    async def made_and_deleted(settings: Settings) -> None:
        async with open_service(settings) as service:
            home = (await service.control.directories() or [await service.directories.create("acme", by=BY)])[
                0
            ]
            for name in ("okta", "entra"):
                line = await service.connections.create(home, name, by=BY)
                numbers.append(line.id)
                await service.connection_removal.remove(home, line, by=BY)

    asyncio.run(made_and_deleted(places[0]))
    move(f"sqlite:{tmp_path / 'a'}", url)
    asyncio.run(made_and_deleted(places[1]))
    move(url, f"sqlite:{tmp_path / 'c'}")
    asyncio.run(made_and_deleted(Settings(data=tmp_path / "c")))
    assert len(set(numbers)) == 6


HANG = """
CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
CREATE TRIGGER hang BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION hang();
"""
AUDIT = "SELECT * FROM audit ORDER BY seq"
HANGING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE 'COPY%audit%'"


def sql(url: str, text: str) -> list[Any]:
    async def run() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(text)) if ";" not in text else [await connection.execute(text)]
        finally:
            await connection.close()

    return asyncio.run(run())


def test_what_a_killed_copy_leaves_is_not_served_and_is_filled_by_the_next(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Settings(data=tmp_path / "data"), Settings(database_url=url)

    async def names(settings: Settings) -> list[str]:
        async with open_service(settings) as service:
            await service.ensure_default()
            return [entry.entry.target for entry in await service.control.audit_page(None, None, 9)]

    made = asyncio.run(names(here))
    upkeep.migrate(there)
    sql(url, HANG)
    with subprocess.Popen([*COMMAND, "copy", f"sqlite:{here.data}", url], env=environment()) as copy:
        found: list[Any] = []
        while not found:
            assert copy.poll() is None, "it has ended"
            found = sql(url, HANGING)
        copy.kill()
    while sql(url, HANGING):
        sql(url, f"SELECT pg_terminate_backend({found[0]['pid']})")
    monkeypatch.setenv("ROSTERD_DATABASE_URL", url)
    assert "has not finished" in rosterd("serve", "--port", "0", code=5)
    for use in (upkeep.migrate, lambda settings: asyncio.run(names(settings))):
        with pytest.raises(upkeep.SchemaMismatch, match="has not finished"):
            use(there)
    sql(url, "DROP TRIGGER hang ON audit; DROP FUNCTION hang()")
    move(f"sqlite:{here.data}", url)
    assert asyncio.run(names(there))[1:] == made


def test_what_is_replaced_is_all_of_one_schema_and_works_where_it_is_kept(tmp_path: Path, url: str) -> None:
    here, there = Settings(data=tmp_path / "data"), Settings(database_url=url)

    async def furnish(settings: Settings) -> None:
        async with open_service(settings) as service:
            await service.ensure_default()

    for settings in (here, there):
        asyncio.run(furnish(settings))
    before = sql(url, AUDIT)
    with namespace() as ahead, pytest.raises(Conflict, match="another schema"):
        move(f"sqlite:{here.data}", f"{ahead},{url.partition('search_path=')[2]}", replace=True)
    with pytest.raises(Conflict, match="No schema"):
        move(f"sqlite:{here.data}", f"{url}_x")
    assert sql(url, AUDIT) == before

    former = str(move(f"sqlite:{here.data}", url, replace=True).former)
    there_again = f"{url.partition('search_path=')[0]}search_path={former}"
    try:
        assert sql(there_again, AUDIT) == before
        for place in (there_again, url):
            assert sql(place, "SELECT searched_text(search) FROM resource") == []
    finally:
        sql(url, f"DROP SCHEMA {former} CASCADE;")


def test_a_copy_of_a_server_that_goes_on_is_marked_as_restored(tmp_path: Path, url: str) -> None:
    here, there = Settings(data=tmp_path / "data", delivery="off"), Settings(database_url=url)

    async def told(service: Service, after: str | None = None) -> list[tuple[str, str]]:
        (home,) = await service.control.directories()
        place, found, more = await service.feed.place(home, after), [], True
        while more:
            page, place = await service.feed.page(home, place, Want())
            found += [(event["id"], event["type"]) for event in page.events]
            more = page.more
        return found

    async def copied() -> tuple[list[tuple[str, str]], str]:
        async with open_service(here) as service:
            home, connection = await service.ensure_default()
            await service.tokens.issue(home.id, connection.id, by=BY)

            async def tell(tx: Writer) -> None:
                await tx.append(Event("user.created", "User", "ann", 1, 0, "test", {"after": {}}))

            await service.store.write(home.id, tell)
            await asyncio.to_thread(move, f"sqlite:{here.data}", url, serving=True)
            await service.store.write(home.id, tell)
            cursor = service.feed.cursor(home, await service.feed.place(home, "now"))
            return await told(service), cursor

    async def looked(ahead: str) -> list[tuple[str, str]]:
        async with open_service(there) as service:
            with pytest.raises(Gone):
                await told(service, ahead)
            return await told(service)

    events, ahead = asyncio.run(copied())
    assert [type for _, type in events] == ["user.created", "user.created"]
    first, restored = asyncio.run(looked(ahead))
    assert first == events[0]
    assert restored[1] == "directory.restored"
    assert restored[0] not in dict(events)
