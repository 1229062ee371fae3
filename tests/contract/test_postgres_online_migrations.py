"""Migrations of PostgreSQL beside servers at work: nobody waits long for them, and they can be broken off."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from contract.postgres_server import database
from contract.test_postgres_statements import USED

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres import open_postgres
from rosterd.store.postgres_migrate import apply_postgres, known_postgres, pending_postgres
from rosterd.store.postgres_run import Database, Link
from rosterd.store.queries import POSTGRES
from rosterd.store.steps import Migration, SchemaMismatch

NEWEST = known_postgres()[-1].version


@pytest.fixture
def url() -> Iterator[str]:
    with database() as found:
        asyncio.run(apply_postgres(found))
        yield found


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


async def told(url: str, question: str, *parameters: Any) -> Any:
    async with session(url) as connection:
        return await connection.fetchval(question, *parameters)


def step(text: str, *words: str, number: int = 9000) -> tuple[Migration, ...]:
    header = "".join(f"-- {each}\n" for each in ("What it is for.", *words))
    return (*known_postgres(), Migration(number, "more", header + text))


async def until(connection: Any, question: str) -> None:
    """Wait until a question is answered by yes."""
    async with asyncio.timeout(30):
        while not await connection.fetchval(question):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.01)


WAITS = """
SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE NOT l.granted AND c.relnamespace = current_schema()::regnamespace)
"""


def test_others_do_not_queue_behind_a_step_that_waits_for_a_long_transaction(url: str) -> None:
    async def main() -> None:
        async with session(url) as long, session(url) as other:
            await long.execute("BEGIN")
            await long.execute("SELECT FROM directory")
            steps = step("ALTER TABLE directory ADD COLUMN colour TEXT;")
            task = asyncio.create_task(apply_postgres(url, steps))
            for _ in range(2):
                await until(other, WAITS)
                async with asyncio.timeout(30):
                    await other.execute("SELECT FROM directory")  # while the long one is there
            assert not task.done()
            await long.execute("COMMIT")
            async with asyncio.timeout(30):
                assert await task == steps[-1:]

    asyncio.run(main())


def test_a_step_that_finds_no_moment_says_so_and_can_be_tried_again(url: str) -> None:
    async def main() -> None:
        steps = step("CREATE TABLE colour (x BIGINT);\nALTER TABLE directory ADD COLUMN colour TEXT;")
        async with session(url) as long:
            await long.execute("BEGIN")
            await long.execute("LOCK TABLE directory IN ROW EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match="9000_more found no moment"):
                await apply_postgres(url, steps, patience=0.1)
        assert await told(url, "SELECT to_regclass('colour') IS NULL")
        assert await apply_postgres(url, steps) == steps[-1:]

    asyncio.run(main())


INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS colours ON directory (id);"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('colours')"


def test_an_index_that_was_broken_off_is_made_again(url: str) -> None:
    async def main() -> None:
        steps = step(f"{INDEX}\n", "run: concurrently")
        async with session(url) as long, session(url) as other:
            await long.execute("BEGIN")
            await long.execute("LOCK TABLE directory IN ROW EXCLUSIVE MODE")
            task = asyncio.create_task(apply_postgres(url, steps))
            await until(other, "SELECT to_regclass('colours') IS NOT NULL")
            await other.execute("SELECT FROM directory FOR UPDATE")  # nobody waits for it
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query = $1 AND pid != pg_backend_pid()",
                INDEX,
            )
            with pytest.raises(StoreUnavailable):
                await task
            assert await other.fetchval(VALID) is False
        assert await pending_postgres(url) == ()
        assert await apply_postgres(url, steps) == steps[-1:]
        assert await told(url, VALID) is True
        assert await apply_postgres(url, steps) == ()

    asyncio.run(main())


def test_of_two_who_migrate_one_takes_the_steps_and_neither_is_in_the_others_way(url: str) -> None:
    async def main() -> None:
        steps = step(f"{INDEX}\n", "run: concurrently")
        async with asyncio.timeout(180):
            done = await asyncio.gather(*(apply_postgres(url, steps) for _ in range(3)))
        assert sorted(map(len, done)) == [0, 0, 1]
        assert await told(url, VALID) is True

    asyncio.run(main())


def test_the_index_of_parts_of_texts_is_made_beside_servers_where_it_is_missing(url: str) -> None:
    made = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('resource_parts')"

    async def main() -> None:
        if not await told(url, made):
            pytest.skip("this PostgreSQL has not the extensions pg_trgm and btree_gin")
        await told(url, "DROP INDEX resource_parts")
        async with session(url) as writing, session(url) as beside:
            await writing.execute("BEGIN")
            await writing.execute("LOCK TABLE resource IN ROW EXCLUSIVE MODE")
            task = asyncio.create_task(apply_postgres(url))
            await until(beside, "SELECT to_regclass('resource_parts') IS NOT NULL")
            await writing.execute("COMMIT")
        assert await task == ()
        assert await told(url, made) is True

    asyncio.run(main())


def test_a_step_in_portions_is_many_transactions(url: str) -> None:
    async def main() -> None:
        first = step("CREATE TABLE colour (x BIGINT, y BIGINT);")
        portion = "SELECT x FROM colour WHERE y IS NULL LIMIT 10"
        second = Migration(
            9001, "fill", f"-- Fill.\n-- run: portions\nUPDATE colour SET y = x WHERE x IN ({portion});\n"
        )
        await apply_postgres(url, first)
        await told(url, "INSERT INTO colour (x) SELECT generate_series(1, 25)")
        assert await apply_postgres(url, (*first, second)) == (second,)
        assert await told(url, "SELECT count(DISTINCT xmin::text) FROM colour WHERE y = x") == 3
        assert await apply_postgres(url, (*first, second)) == ()

    asyncio.run(main())


def test_a_database_of_a_newer_release_is_used_if_that_says_so(url: str) -> None:
    async def main() -> None:
        later = step("ALTER TABLE directory ADD COLUMN colour TEXT;", f"since: {NEWEST:04}", number=9998)
        await apply_postgres(url, later)
        assert await pending_postgres(url) == await apply_postgres(url) == ()
        await (await open_postgres(url)).close()
        last = Migration(9999, "end", "-- No more.\n-- since: 9998\nCREATE TABLE future (x BIGINT);")
        await apply_postgres(url, (*later, last))
        for attempt in (open_postgres, pending_postgres, apply_postgres):
            with pytest.raises(SchemaMismatch, match="'end' is for those that know 9998"):
                await attempt(url)

    asyncio.run(main())


def test_a_statement_whose_result_changes_is_prepared_again_in_the_middle_of_everything(url: str) -> None:
    async def main() -> None:
        database = await Database.open(url, 1)  # one connection, which has the statement
        text = "SELECT * FROM form_mark"

        async def look(link: Link) -> int:
            await link.fetch(text, ())
            return len((await link.connection.prepare(text)).get_attributes())

        found = []
        for column in (None, "a", "b", "c"):
            if column:
                await told(url, f"ALTER TABLE form_mark ADD COLUMN {column} BIGINT")
            if column != "c":
                found += [await database.write(look), await database.one_state(look)]
            else:
                await database.fetch(text, ())
                found += [await database.one_state(look), await database.write(look)]
            await database.fetch(text, ())
        assert found == [2, 2, 3, 3, 4, 4, 5, 5]
        await database.close()

    asyncio.run(main())


def test_no_statement_gives_more_because_a_table_has_more_columns(url: str) -> None:
    """What a newer release adds, the older one's prepared statements do not see."""

    async def shapes(connection: Any) -> dict[str, list[str]]:
        return {
            name: [column.name for column in (await connection.prepare(POSTGRES[name])).get_attributes()]
            for name in USED
        }

    async def main() -> None:
        async with session(url) as connection:
            before = await shapes(connection)
            tables = await connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
            for (table,) in tables:
                await connection.execute(f'ALTER TABLE "{table}" ADD COLUMN colour TEXT')
            assert await shapes(connection) == before
            assert len(before) > 100
            assert len(tables) > 20

    asyncio.run(main())


REFUSE_SINCE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken off'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON schema_version FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.mark.parametrize(
    ("word", "text"),
    [("run: concurrently", f"{INDEX}\n"), ("run: portions", "UPDATE directory SET id = id WHERE false;\n")],
)
def test_no_step_is_recorded_without_who_else_can_work_with_it(url: str, word: str, text: str) -> None:
    async def main() -> None:
        steps = step(text, word)
        async with session(url) as other:
            await other.execute(REFUSE_SINCE)
        with pytest.raises(asyncpg.RaiseError):
            await apply_postgres(url, steps)
        assert await told(url, "SELECT count(*) FROM schema_version WHERE version = 9000") == 0

    asyncio.run(main())
