"""A PostgreSQL database as source or target of a copy.

source     one read-only transaction; unless servers go on, nobody else opens the database meanwhile
target     filled and looked at in one transaction: all of it is there, or nothing is
mark       a row of ``schema_version`` that every release refuses, from before that transaction until the
           indexes are made: what is not finished is not served
former     what is replaced moves into a schema of its own, in the same transaction
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final

import asyncpg
import orjson

from rosterd.scim.errors import Conflict, NotFound
from rosterd.service.audit import Entry
from rosterd.store.contents import Contents, NotWhole
from rosterd.store.copying import NEWER, UNTOUCHED, Portions
from rosterd.store.dialect_postgres import as_search, short
from rosterd.store.lookups import lookups
from rosterd.store.portable import LOOKED_UP, TABLES, Row, Table, converted, opened, shortened
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_migrate import known_postgres, pending_postgres, record_all
from rosterd.store.postgres_restored import begin_anew_postgres
from rosterd.store.postgres_run import Link, by_session, connect, errors, pooled, read_only
from rosterd.store.postgres_trigram import LONGEST, make_trigrams
from rosterd.store.queries import POSTGRES, schema
from rosterd.store.steps import FOREIGN, Migration, SchemaMismatch, refuse_older

CLOSE_SECONDS: Final = 5.0
CLAIM_SECONDS: Final = 1.0
_PAUSE: Final = 0.1

_BEHIND: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+)")
_MADE: Final = re.compile(r"CREATE (?:UNLOGGED )?TABLE (\w+)")
_STEPS: Final = "schema_version"
_LONG: Final = {"resource": "external_id", "member": "member_id", "pending_member": "value"}
"""What others send, and is looked up by as it is."""


class PostgresRows:
    """See ``copying.Rows``; over one connection, inside a transaction."""

    def __init__(self, connection: Any) -> None:
        self._link = Link(connection)
        self._connection = connection

    async def portions(self, table: Table) -> Portions:
        looked_up = table.place(LOOKED_UP)
        portable = _portable(table)
        text = table.select(ordered=True) if looked_up is None else table.select_whole()
        cursor = await self._connection.cursor(text)
        while rows := await cursor.fetch(table.portion, timeout=LONGEST):
            yield [portable(tuple(row)) for row in rows]

    async def last(self, table: Table) -> int:
        return int((await self._link.rows("last_number", table.name, table.number))[0][0])

    async def contents(self) -> Contents:
        return Contents(*await self._connection.fetchrow(POSTGRES["contents"], timeout=LONGEST))


class PostgresTarget(PostgresRows):
    """See ``copying.Target``. ``behind`` makes what comes after the rows."""

    def __init__(self, connection: Any, behind: Sequence[str], former: str | None) -> None:
        super().__init__(connection)
        self.former = former
        """The schema in which the former data is."""
        self._behind = behind
        self._most: dict[str, int] = {}
        self._longest = (0, "unknown")

    async def fill(self, table: Table, portions: Portions) -> None:
        records = self._records(table, portions)
        with self._fitting(table.name):
            await self._connection.copy_records_to_table(
                table.name, records=records, columns=table.columns, timeout=LONGEST
            )

    async def go_on(self, table: Table, last: int) -> None:
        await self._link.rows("go_on", table.name, table.number, max(last, self._most.get(table.name, 0)))

    async def complete(self) -> None:
        for statement in self._behind:
            with self._fitting(_BEHIND.sub(r"\1", statement.partition(" ON ")[0])):
                await self._connection.execute(statement, timeout=LONGEST)

    async def end(self, entry: Entry | None, anew: int | None = None) -> None:
        if entry is not None and anew is not None:
            await begin_anew_postgres(self._link, anew, entry)
        elif entry is not None:
            await write_entry(self._link, entry)

    async def _records(self, table: Table, portions: Portions) -> AsyncIterator[Row]:
        written = _written(table)
        number = None if table.number is None else table.columns.index(table.number)
        long = table.columns.index(_LONG[table.name]) if table.name in _LONG else None
        async for rows in portions:
            for row in rows:
                yield written(row)
            if number is not None:
                self._most[table.name] = max(self._most.get(table.name, 0), *(row[number] for row in rows))
            if long is not None:
                longest = max(rows, key=lambda row: len(row[long] or ""))
                size = len((longest[long] or "").encode())
                if size > self._longest[0]:
                    self._longest = (
                        size,
                        f"{_LONG[table.name]} of {table.name} {longest[1]!r}, {size} bytes",
                    )

    @contextmanager
    def _fitting(self, what: str) -> Iterator[None]:
        """Name the value that an index does not take."""
        try:
            yield
        except asyncpg.ProgramLimitExceededError as error:
            raise Conflict(
                f"A value is too long for PostgreSQL, which finds by about 2,600 bytes at most ({what}). The "
                f"longest is {self._longest[1]}: shorten it where it comes from, then copy again."
            ) from error


@asynccontextmanager
async def postgres_source(url: str, *, alone: bool) -> AsyncIterator[PostgresRows]:
    """A database as it is at this moment; ``alone``: no server uses it, and none is let in meanwhile.

    Raises ``NotFound`` for one without data, ``Conflict``, ``SchemaMismatch``, ``StoreUnavailable``,
    ``ValueError`` for a URL that is none.
    """
    missing = await pending_postgres(url)
    if len(missing) == len(known_postgres()):
        raise NotFound("There is no rosterd data in the database.")
    refuse_older(missing)
    async with _connected(url) as connection:
        if alone:
            await _claim(connection)
        async with read_only(Link(connection)):
            if await connection.fetchval(POSTGRES["newest_step"]) > known_postgres()[-1].version:
                raise SchemaMismatch(NEWER)
            yield PostgresRows(connection)


@asynccontextmanager
async def postgres_target(url: str, aside: str | None) -> AsyncIterator[PostgresTarget]:
    """An empty database; one that is not is kept in the schema ``aside``, or refused without that.

    Raises ``Conflict``, ``SchemaMismatch``, ``StoreUnavailable``, ``ValueError`` for a URL that is none.
    """
    async with _connected(url) as connection:
        await _claim(connection)
        former = await _begun(connection, aside is not None)
        async with connection.transaction():
            if former and aside is not None:
                await _keep(connection, aside)
            target = PostgresTarget(connection, await _emptied(connection), aside if former else None)
            yield target
        await make_trigrams(connection)
        for table in TABLES:
            await connection.execute(f"ANALYZE {table.name}", timeout=LONGEST)
        await connection.execute(POSTGRES["mark_finished"])


async def mark_restored(url: str, at: int, entry: Entry) -> None:
    """Leave a hole in the order of each directory. Raises like ``postgres_source``."""
    async with postgres_source(url, alone=False):
        pass
    async with _connected(url) as connection:
        await _claim(connection)
        async with connection.transaction():
            await begin_anew_postgres(Link(connection), at, entry)


async def whereabouts(url: str) -> tuple[object, ...]:
    """What tells the database from every other.

    Raises ``StoreUnavailable``, ``ValueError``, also for a pooler in between that does not work by session.
    """
    async with _connected(url) as connection:
        if await pooled(connection):
            async with _connected(url) as other:
                await by_session(connection, other)
        return tuple(await connection.fetchrow(POSTGRES["whereabouts"]))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    """A connection whose statements and pauses take as long as they take."""
    with errors():
        connection = await connect(url, statement_timeout="0", idle_in_transaction_session_timeout="0")
        try:
            with _permissions():
                yield connection
        finally:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=CLOSE_SECONDS)  # only then the server has let go of its locks


@contextmanager
def _permissions() -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise Conflict(f"The role of the database's address may not do that: {error}.") from error


async def _claim(connection: Any) -> None:
    """Have the database for oneself. A server that has just ended is waited for."""
    for _ in range(round(CLAIM_SECONDS / _PAUSE)):
        claimed = await connection.fetchval(POSTGRES["claim"])
        if claimed is None:
            raise Conflict("No schema that the address's search_path names is there; make it first.")
        if claimed:
            return
        await asyncio.sleep(_PAUSE)
    raise Conflict("A server uses the database, or another copy or a migration does; stop it first.")


async def _begun(connection: Any, replaces: bool) -> bool:
    """Mark a database without data; whether there are tables that are to be replaced."""
    async with connection.transaction():
        if await connection.fetchval(POSTGRES["holds_elsewhere"]):
            raise Conflict("The search_path leads to data in another schema; name one schema in the address.")
        steps, tables = await connection.fetchrow(POSTGRES["holds_tables"])
        if steps and await _newest(connection) > known_postgres()[-1].version:
            raise SchemaMismatch(UNTOUCHED)
        if others := await connection.fetchval(POSTGRES["leaning"], _tables()):
            raise Conflict(
                f"Tables that are not rosterd's have foreign keys to its tables: {others}; drop those keys, "
                "or name another schema."
            )
        if tables and not await _can_be_filled(connection):
            if not replaces:
                raise Conflict(
                    "The database holds data, or is of another release; --replace moves that aside."
                )
            return True
        if not steps:
            await connection.execute(_table(_STEPS))
        await connection.execute(POSTGRES["mark_unfinished"])
    return False


async def _newest(connection: Any) -> int:
    """The newest migration that is noted. Raises ``SchemaMismatch`` for a table of another program."""
    try:
        return int(await connection.fetchval(POSTGRES["newest_noted"]) or 0)
    except (ValueError, asyncpg.UndefinedColumnError) as error:
        raise SchemaMismatch(FOREIGN) from error


async def _can_be_filled(connection: Any) -> bool:
    """Whether there are the tables of this release, without data or unfinished."""
    if await connection.fetchval(POSTGRES["newest_step"]) != known_postgres()[-1].version:
        return False
    if await connection.fetchval(POSTGRES["is_unfinished"]):
        return True
    return not await connection.fetchval(POSTGRES["holds_data"])


async def _keep(connection: Any, aside: str) -> None:
    """Move all tables into a schema of their own."""
    for (statement,) in await connection.fetch(POSTGRES["moving"], aside, _tables()):
        await connection.execute(statement)
    await connection.execute(_table(_STEPS))
    await connection.execute(POSTGRES["mark_unfinished"])


async def _emptied(connection: Any) -> Sequence[str]:
    """Tables of this release without rows; the statements that make what is to come behind these."""
    _, made = await connection.fetchrow(POSTGRES["holds_tables"])
    if made:
        tables = [name for name in _tables() if name != _STEPS]
        await connection.execute(await connection.fetchval(POSTGRES["emptying"], tables))
        await connection.execute(POSTGRES["drop_parts_index"])
        return ()
    behind = []
    for statement in _schema():
        if _BEHIND.match(statement):
            behind.append(statement)
        elif _made(statement) != _STEPS:
            await connection.execute(statement)
    await record_all(connection)
    return behind


def _schema() -> list[str]:
    return list(Migration(0, "schema", schema("postgres")).statements())


def _tables() -> list[str]:
    return [name for name in map(_made, _schema()) if name is not None]


def _table(name: str) -> str:
    """The statement that makes a table."""
    return next(statement for statement in _schema() if _made(statement) == name)


def _made(statement: str) -> str | None:
    """The table that a statement makes."""
    found = _MADE.match(statement)
    return found[1] if found else None


def _portable(table: Table) -> Callable[[Row], Row]:
    return converted(table, opened, partial(_whole, table))


def _whole(table: Table, row: Row, place: int) -> Row:
    """The row with its whole value, which the document behind it has, if it was shortened."""
    *values, search = row
    if search is not None:
        attribute, value = values[table.columns.index("attribute")], values[place]
        found = (text for name, text in lookups(orjson.loads(search)) if name == attribute)
        whole = next((text for text in found if short(text) == value), None)
        if whole is None:
            raise NotWhole(f"a value of {table.name} is not one of its resource")
        values[place] = whole
    return tuple(values)


def _written(table: Table) -> Callable[[Row], Row]:
    """A portable row as it is written here."""
    return converted(table, as_search, shortened)
