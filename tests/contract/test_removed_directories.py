"""Of a directory that was deleted nothing is left in any table but its number and its audit entries."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from contract.every_table import ROWS, Filled, all_rows, owned
from contract.postgres_server import namespace

from rosterd.scim.errors import NotFound
from rosterd.service.control import Directory
from rosterd.service.ports import StoreUnavailable, Writer
from rosterd.service.removal import GRACE, Removal
from rosterd.store import parts
from rosterd.store.portable import TABLES
from rosterd.store.postgres import PostgresStore, open_postgres
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing.control_contract import token
from rosterd.testing.registry_contract import key
from rosterd.testing.removal_contract import filled
from rosterd.testing.scenario import AT, BY, ENTRY, add, put, refused
from rosterd.wiring import Settings, moving

Opened = SqliteStore | PostgresStore
Open = Callable[[], Awaitable[Opened]]
STAYS = {"directory", "audit"}
OF_INSTALLATION = {"login_failure", "setting", "secret", "signing_key"}
OF_THE_MOMENT = (
    "bucket (directory, name, rate, size, level, at) VALUES ({}, 'n', 1, 1, 1, 1)",
    (
        "bookmark (directory, connection, slot, walk, start_index, seq, key, total, expires)"
        " VALUES ({}, 1, 1, '', 1, 1, '', 1, 1)"
    ),
)
"""Of what no copy has."""


@pytest.fixture
def url() -> Iterator[str]:
    with namespace() as found:
        yield found


@asynccontextmanager
async def opened(open: Open) -> AsyncIterator[Opened]:
    store = await open()
    try:
        yield store
    finally:
        await store.close()


async def remove(open: Open, id: int) -> int:
    """Delete a directory, a few portions of it in each process, which is then broken off; in how many."""
    now, processes = AT, 0
    async with opened(open) as store:
        (directory,) = [one for one in await store.directories() if one.id == id]
        removal = Removal(store, store, lambda: now)
        await removal.remove(directory, by=BY)
        assert await removal.take_away()
        assert [one.cleared for one in await store.removed_directories(now)] == [None], (
            "not in the first minute"
        )
    now += GRACE
    while True:
        processes += 1
        async with opened(open) as store:
            if await Removal(store, store, lambda: now).take_away(most=5):
                return processes


def check(before: Path, after: Path, gone: int) -> None:
    """That all rows of a directory have gone, and no other one."""
    left, all_before, mine, now = (
        owned(after, gone), all_rows(before), owned(before, gone), all_rows(after),
    )  # fmt: skip
    assert {name for name, rows in left.items() if rows} == STAYS
    ((number, name, *_),) = left["directory"]
    assert (number, "#" in name) == (gone, True)
    assert [row[8] for row in left["audit"]][-2:] == ["directory.deleted", "directory.cleared"]
    for table in set(all_before) - STAYS:
        assert now[table] == [row for row in all_before[table] if row not in mine.get(table, ())], table


def test_every_table_that_can_have_anything_of_a_directory_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    for id in Filled(path).ids:
        rows = owned(path, id)
        assert set(rows) >= {table.name for table in TABLES} - OF_INSTALLATION
        assert {name for name, some in rows.items() if not some} == {"parts_due"}


def test_nothing_of_it_is_left_in_any_table_of_sqlite_and_all_of_another_one_is(tmp_path: Path) -> None:
    path, before = tmp_path / "rosterd.db", tmp_path / "before.db"
    gone, kept = Filled(path).ids
    shutil.copy(path, before)
    assert asyncio.run(remove(partial(open_sqlite, path), gone)) > 1
    check(before, path, gone)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO parts (parts) VALUES ('integrity-check')")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert len(owned(path, kept)["parts"]) == ROWS


def test_the_index_of_parts_of_texts_may_be_made_anew_before_it_has_to_forget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rosterd.db"
    gone, kept = Filled(path).ids

    async def test() -> None:
        async with opened(partial(open_sqlite, path)) as store:
            await store.remove_directory(gone, AT, replace(ENTRY, directory=gone))
            with monkeypatch.context() as patch:
                patch.setattr(parts, "MOST_LEVELS", 0)
                await store.purge(gone)
            assert len(owned(path, gone)["parts"]) == ROWS, "only what is in it can be taken out of it"
            assert await Removal(store, store, lambda: AT + GRACE).take_away()

    asyncio.run(test())
    assert [len(owned(path, id)["parts"]) for id in (gone, kept)] == [0, ROWS]


def test_nothing_of_it_is_left_in_any_table_of_postgres_and_all_of_another_one_is(
    tmp_path: Path, url: str
) -> None:
    first, before, after = (Settings(data=tmp_path / name) for name in ("first", "before", "after"))
    there = Settings(database_url=url)
    first.data.mkdir()
    gone, kept = Filled(first.database).ids

    async def of_the_moment(*statements: str) -> list[int]:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
            asked = "SELECT directory FROM bucket UNION ALL SELECT directory FROM bookmark"
            return [row[0] for row in await connection.fetch(asked)]
        finally:
            await connection.close()

    moving.move(first, there, BY, replace=False, serving=False)
    moving.move(there, before, BY, replace=False, serving=False)
    made = [f"INSERT INTO {row.format(id)}" for id in (gone, kept) for row in OF_THE_MOMENT]
    assert len(asyncio.run(of_the_moment(*made))) == len(made)
    assert asyncio.run(remove(partial(open_postgres, url), gone)) > 1
    moving.move(there, after, BY, replace=False, serving=False)
    check(before.database, after.database, gone)
    assert set(asyncio.run(of_the_moment())) == {kept}


def test_two_processes_take_it_away_while_others_write(url: str) -> None:
    async def test() -> None:
        async with opened(partial(open_postgres, url)) as one, opened(partial(open_postgres, url)) as other:
            acme, _ = await filled(one, "acme", 40)
            zoo, _ = await filled(one, "zoo", 1)
            stores = (one, other)

            async def user(store: Opened, directory: Directory, number: int) -> bool:
                """A change, which asks in its transaction whether the directory is as it was."""

                async def work(tx: Writer) -> bool:
                    if await tx.revision() != directory.revision:
                        return False
                    await add(tx, {"userName": f"n{number}"}, f"n{number}")
                    return True

                return await store.write(directory.id, work)

            async def remove(store: Opened) -> bool:
                entry = replace(ENTRY, directory=acme.id)
                return await store.remove_directory(acme.id, AT, entry)

            made, *removed = await asyncio.gather(
                asyncio.gather(*(user(stores[n % 2], acme, n) for n in range(30))), *map(remove, stores)
            )
            assert sorted(removed) == [False, True]
            assert not await user(other, acme, 99)
            assert await other.credential("t-acme-None") is None
            assert await one.reader(acme.id).count("User") == 40 + sum(made)

            now = AT + GRACE
            removals = [Removal(store, store, lambda: now) for store in stores]
            kept = await asyncio.gather(
                *(removal.take_away() for removal in removals),
                *(user(stores[n % 2], zoo, n) for n in range(30)),
            )
            assert all(kept)
            actions = [row.entry.action for row in await one.audit_page(acme.id, None, 9)]
            assert actions.count("directory.cleared") == 1
            assert await one.reader(acme.id).last() == await one.reader(acme.id).count("User") == 0
            assert await one.reader(zoo.id).count("User") == 31
            refusal = await refused(StoreUnavailable, user(other, acme, 100))
            assert "deleted" in str(refusal)
            assert await one.clear_directory(acme.id, 9) == 0, "nothing was left by whoever came too late"

    asyncio.run(test())


def test_administrators_change_things_at_the_moment_it_is_deleted(url: str) -> None:
    async def test() -> None:
        async with opened(partial(open_postgres, url)) as one, opened(partial(open_postgres, url)) as other:
            acme, okta = await filled(one, "acme")
            entry = replace(ENTRY, directory=acme.id)

            async def change(store: Opened, n: int) -> None:
                """What locks a connection, a token, or nothing of its own, before it writes its entry."""
                strict = replace(okta, profile="strict" if n % 2 else "auto")
                await store.update_connection(replace(okta, profile="auto"), strict, entry)
                await store.create_token(token(okta, f"n{n}"), entry)
                await store.rotate_token(token(okta, f"r{n}"), f"n{n}", AT, entry)
                await store.create_key(key(acme, f"n{n}"), entry)

            changes = [change((one, other)[n % 2], n) for n in range(24)]
            *outcomes, removed = await asyncio.gather(
                *changes, one.remove_directory(acme.id, AT, entry), return_exceptions=True
            )
            assert removed is True
            assert {type(one) for one in outcomes} <= {type(None), NotFound}
            before = len(await one.audit_page(acme.id, None, 999))
            assert await Removal(other, other, lambda: AT + GRACE).take_away()
            assert await one.tokens(acme.id) == await one.connections(acme.id) == ()
            assert await one.key_page(acme.id, None, 9) == ()
            assert len(await one.audit_page(acme.id, None, 999)) == before + 1

    asyncio.run(test())


def test_what_was_written_too_late_is_found_the_next_time(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(partial(open_sqlite, tmp_path / "rosterd.db")) as store:
            acme, _ = await filled(store, "acme")
            await store.remove_directory(acme.id, AT, replace(ENTRY, directory=acme.id))
            removal = Removal(store, store, lambda: AT + GRACE)
            assert await removal.take_away()
            await store.write(acme.id, put({"userName": "late"}, "late"))
            assert await removal.take_away()
            assert await store.reader(acme.id).get("User", "late") is not None
            assert await removal.take_away(again=True)
            assert await store.reader(acme.id).get("User", "late") is None

    asyncio.run(test())
