"""The raw limit: what an engine alone commits of the rows that POSTs of users leave behind.

rosterd's own commands say, in a transaction that is undone, with which statements and parameters a POST
writes. These are then replayed with nothing around them, in batches as a group commit makes them:

sqlite       one thread, a connection as rosterd's writer has it, ``synchronous=FULL``
each         PostgreSQL, up to 16 connections, each for itself: the rows of one user, then COMMIT; without
             the counters, for which all connections would wait
pipeline     PostgreSQL, one connection: the users' statements sent at once, the events and counters, COMMIT
arrays       the same with one statement for all users of the batch

Nothing of it reads, decides or answers. The limit is the fastest way of an engine. As many users are there
before as the servers have that it is compared with: an empty table takes the next row sooner.
"""

import asyncio
import math
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop

from bench import postgres
from bench.load import user
from bench.servers import spent
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.caller import Caller
from rosterd.service.commands import Commands
from rosterd.service.control import Connection, Directory
from rosterd.service.ports import Stored
from rosterd.store import sqlite_held
from rosterd.store.database import BUSY_MS, connect_writer
from rosterd.store.dialect_postgres import Postgres
from rosterd.store.postgres_held import Held, ending
from rosterd.store.postgres_run import Link
from rosterd.store.postgres_waiting import Waiting, Write
from rosterd.store.postgres_writer import PostgresWriter
from rosterd.store.queries import POSTGRES, of_rows
from rosterd.store.sqlite_writer import SqliteWriter
from rosterd.store.unit import perform
from rosterd.wiring import Settings, open_service
from rosterd.wiring.ids import new_id, new_request_id, now

Call = tuple[str, tuple[Any, ...]]
"""A statement and its parameters."""

WRITES: Final = ("insert_unique", "insert_resource", "insert_value", "owe_parts", "append_event", "note_seq")
"""The statements of SQLite that leave rows when a user is made."""
_ROWS: Final = 8
"""More than a user leaves in one table."""
CONNECTIONS: Final = 16
"""The most of one run; PostgreSQL allows a hundred, for everybody."""
_TOGETHER: Final = 256
"""Users of a batch, of those that are there before."""
_EMPTY: Final = "TRUNCATE resource, unique_value, attribute_value, event"
_USER: Final = CORE_MODEL.types["User"]


@dataclass(frozen=True, slots=True)
class Limit:
    """Users that were made durable, and the seconds of CPU that it took: of this process, of the engine's."""

    how: str
    concurrency: int
    count: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Users a second."""
        return self.count / self.seconds


def units(directory: Directory, connection: Connection, numbers: Iterable[int]) -> Iterator[Any]:
    """What POSTs of the users with these numbers do inside a transaction."""
    commands = Commands(now, new_id)
    for number in numbers:
        caller = Caller.within(directory, connection, CORE_MODEL, new_request_id())
        body = orjson.loads(orjson.dumps(user(f"raw{number:07d}", number)))
        yield commands.create(caller, _USER, body)


class Recorder:
    """A connection that notes what it is asked to do, and does it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.calls: list[Call] = []

    def taken(self) -> list[Call]:
        """The calls since this was asked last."""
        calls, self.calls = self.calls, []
        return calls


class SqliteRecorder(Recorder):
    """As ``sqlite3.Connection``."""

    @property
    def total_changes(self) -> int:
        """How many rows were changed."""
        changes: int = self.connection.total_changes
        return changes

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> Any:
        """Run a statement."""
        self.calls.append((text, tuple(parameters)))
        return self.connection.execute(text, parameters)

    def executemany(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement with each of these parameters."""
        for row in rows:
            self.execute(text, row)


class PostgresRecorder(Recorder):
    """As asyncpg's connection."""

    async def execute(self, text: str, *parameters: Any) -> Any:
        """Run a statement."""
        self.calls.append((text, parameters))
        return await self.connection.execute(text, *parameters)

    async def fetch(self, text: str, *parameters: Any) -> Any:
        """The rows of a statement."""
        self.calls.append((text, parameters))
        return await self.connection.fetch(text, *parameters)


class SqliteLimit:
    """What SQLite commits in batches; its users become more, as those of the servers do."""

    def __init__(self, where: Path, users: int) -> None:
        """In a directory that is empty. So many ``users`` are there at first."""
        settings = Settings(data=where)
        self._directory, self._owner = asyncio.run(_first(settings))
        self._connection = connect_writer(settings.database, BUSY_MS)
        self._users = 0
        if users:
            self.measure(_TOGETHER, users, math.inf)

    def measure(self, concurrency: int, count: int, seconds: float) -> Limit:
        """Write ``count`` users more, for so many ``seconds`` at most."""
        numbers = range(self._users, self._users + count)
        self._users += count
        users = _sqlite_calls(self._connection, self._directory, self._owner, numbers)
        return _sqlite_replay(self._connection, users, concurrency, seconds)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def _sqlite_calls(
    connection: sqlite3.Connection, directory: Directory, owner: Connection, numbers: Iterable[int]
) -> list[list[Call]]:
    recorder: Any = SqliteRecorder(connection)
    connection.execute("BEGIN")
    found = []
    kept = {of_rows(name, count) for name in WRITES for count in range(1, _ROWS)}
    for unit in units(directory, owner, numbers):
        held = sqlite_held.Held(recorder, directory.id)
        perform(unit, SqliteWriter(held))
        held.finish()
        found.append([call for call in recorder.taken() if call[0] in kept])
    connection.execute("ROLLBACK")
    return found


def _sqlite_replay(
    connection: sqlite3.Connection, users: Sequence[Sequence[Call]], size: int, seconds: float
) -> Limit:
    done, execute = 0, connection.execute
    cpu, begun = time.process_time(), time.perf_counter()
    while done < len(users) and time.perf_counter() - begun < seconds:
        execute("BEGIN IMMEDIATE")
        for calls in users[done : done + size]:
            for text, parameters in calls:
                execute(text, parameters)
        execute("COMMIT")
        done = min(done + size, len(users))
    took = time.perf_counter() - begun
    return Limit("sqlite", size, done, took, time.process_time() - cpu)


class PostgresLimit:
    """What PostgreSQL commits in each way: always the same users, to tables that are as they were."""

    def __init__(self, space: postgres.Namespace, users: int, count: int) -> None:
        """So many ``users`` are there, and ``count`` more are written."""
        self._space = space
        self._directory, made = uvloop.run(_made(space, users + count))
        self._before, self._measured = made[:users], made[users:]

    def measure(self, how: str, concurrency: int, seconds: float) -> Limit:
        """Run one way."""
        users = self._before, self._measured
        return uvloop.run(_postgres_limit(self._space, how, self._directory, *users, concurrency, seconds))


async def _made(space: postgres.Namespace, count: int) -> "tuple[int, list[Made]]":
    with tempfile.TemporaryDirectory(prefix="bench-raw-") as folder:
        directory, owner = await _first(Settings(data=Path(folder), database_url=space.url))
    connection = await postgres.connected(space.url)
    try:
        return directory.id, await _postgres_calls(connection, directory, owner, count)
    finally:
        await connection.close()


async def _postgres_limit(
    space: postgres.Namespace,
    how: str,
    directory: int,
    before: "Sequence[Made]",
    made: "Sequence[Made]",
    concurrency: int,
    seconds: float,
) -> Limit:
    several = min(concurrency, CONNECTIONS) if how == "each" else 1
    connections = [await postgres.connected(space.url) for _ in range(several)]
    try:
        await connections[0].execute(_EMPTY)
        await _arrays(connections, directory, before, _TOGETHER, math.inf)
        pids = [connection.get_server_pid() for connection in connections]
        cpu, engine, begun = time.process_time(), spent(pids), time.perf_counter()
        done = await WAYS[how](connections, directory, made, concurrency, begun + seconds)
        took = time.perf_counter() - begun
        cpu = time.process_time() - cpu + spent(pids) - engine
        return Limit(how, concurrency, done, took, cpu)
    finally:
        for connection in connections:
            await connection.close()


@dataclass(frozen=True, slots=True)
class Made:
    """What one user comes to on PostgreSQL: the parameters of its statement, its event, its counts."""

    resource: tuple[Any, ...]
    event: tuple[Any, ...]
    counts: dict[str, int]

    @property
    def write(self) -> Write:
        """The same as a part of a statement for many."""
        _, id, kind, connection, external_id, seq, version, created, modified, document, *rest = self.resource
        search, display, attributes, values, noted, notes = rest
        row = Stored(id, kind, connection, external_id, seq, version, created, modified, None, document)
        unique, found_by = zip(attributes, values, strict=True), zip(noted, notes, strict=True)
        return Write(row, search, display, True, tuple(unique), tuple(found_by))


async def _postgres_calls(connection: Any, directory: Directory, owner: Connection, count: int) -> list[Made]:
    recorder: Any = PostgresRecorder(connection)
    found = []
    await connection.execute("BEGIN")
    held = Held(recorder, directory.id)
    await held.lock()
    for unit in units(directory, owner, range(count)):
        await unit(PostgresWriter(held, Postgres()))
        resource = next(call[1] for call in recorder.taken() if call[0] == POSTGRES["insert_resource"])
        found.append(Made(resource, held._events[-1], dict(held._counts)))
        held._counts.clear()
        held._last += 1
    await connection.execute("ROLLBACK")
    return found


Way = Callable[[Sequence[Any], int, Sequence[Made], int, float], Awaitable[int]]
"""Writes users until there are no more or the time is over; how many."""


async def _each(connections: Sequence[Any], directory: int, made: Sequence[Made], _: int, end: float) -> int:
    left, done = iter(made), 0

    async def work(connection: Any) -> None:
        nonlocal done
        resource = await connection.prepare(POSTGRES["insert_resource"])
        event = await connection.prepare(POSTGRES["append_event"])
        for one in left:
            if time.perf_counter() >= end:
                return
            async with connection.transaction():
                await resource.fetch(*one.resource)
                await event.fetch(directory, *one.event)
            done += 1

    await asyncio.gather(*map(work, connections))
    return done


async def _pipeline(
    connections: Sequence[Any], directory: int, made: Sequence[Made], size: int, end: float
) -> int:
    insert = await connections[0].prepare(POSTGRES["insert_resource"])

    async def write(part: Sequence[Made]) -> None:
        await insert.executemany([one.resource for one in part])

    return await _batches(connections[0], directory, made, size, end, write)


async def _arrays(
    connections: Sequence[Any], directory: int, made: Sequence[Made], size: int, end: float
) -> int:
    async def write(part: Sequence[Made]) -> None:
        waiting = Waiting()
        for one in part:
            waiting.add(one.write)
        await waiting.write(Link(connections[0]), directory, waiting.end)

    return await _batches(connections[0], directory, made, size, end, write)


async def _batches(
    connection: Any,
    directory: int,
    made: Sequence[Made],
    size: int,
    end: float,
    write: Callable[[Sequence[Made]], Awaitable[None]],
) -> int:
    done = 0
    while done < len(made) and time.perf_counter() < end:
        part = made[done : done + size]
        async with connection.transaction():
            await write(part)
            counts: dict[str, int] = {}
            for one in part:
                for name, by in one.counts.items():
                    counts[name] = counts.get(name, 0) + by
            told = ending([one.event for one in part], counts)
            await connection.execute(POSTGRES["finish"], directory, *told)
        done += len(part)
    return done


WAYS: Final[Mapping[str, Way]] = {"each": _each, "pipeline": _pipeline, "arrays": _arrays}


async def _first(settings: Settings) -> tuple[Directory, Connection]:
    """The tables, a directory and a connection."""
    async with open_service(settings) as service:
        return await service.ensure_default()
