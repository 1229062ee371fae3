"""How the parts of the PostgreSQL store come to a connection, and what the engine's errors mean.

A ``Link`` is one connection, mostly inside a transaction; a ``Database`` is a pool of them. Both read alike
(``Reads``), so that a reader need not know where it runs.

lost       before COMMIT was sent: nothing can have been kept, and it is run again, a few times
           after that: it is not run again, and ``OutcomeUnknown``; nobody can say what came of it
away       while the database is known to be away, whoever wants a connection is refused at once
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, Protocol, TypeVar

import asyncpg

from rosterd.service.ports import OutcomeUnknown, StoreUnavailable, UniqueViolation
from rosterd.store.postgres_connect import BY_TRANSACTION, CONNECT_SECONDS, Servers
from rosterd.store.postgres_pool import Pool
from rosterd.store.queries import POSTGRES

T = TypeVar("T")

Row = Any
"""A row as asyncpg gives it: it is unpacked like a tuple, and a slice of it is one."""

CONNECTIONS: Final = 12
"""The most connections of a process, beside those of snapshots and the one that listens."""
TRIES: Final = 4
COMMIT_SECONDS: Final = 10.0
"""How long COMMIT may take. It waits for the disk, and for a synchronous replica if there is to be one."""

TAKEN: Final = "the data is being copied or restored"
"""Why nobody may work with it."""

# What passes: the server is away, starting, stopping, full, busy, read-only, or a lock is held too long.
_UNAVAILABLE: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionRollbackError,
    asyncpg.InternalClientError,
    asyncpg.InvalidCachedStatementError,
)
# The second: a migration has changed what a statement returns; asyncpg has forgotten the statement by now.
_LOST: Final = (asyncpg.TransactionRollbackError, asyncpg.InvalidCachedStatementError)
_LOOKS: Final = 3
# What writes looks things up by keys, whatever its parameters: planning it anew takes longer than carrying
# it out, and a plan made while a table was still empty must not be one that reads the whole of it, or of a
# directory.
_BEGIN: Final = "; ".join(
    (
        "BEGIN",
        "SET LOCAL plan_cache_mode = force_generic_plan",
        *(f"SET LOCAL enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin")),
    )
)
_CHANGED: Final = re.compile(r"\d+$")


def is_unavailable(error: BaseException) -> bool:
    """Whether the error says nothing about the work, only about the server at present."""
    if isinstance(error, asyncpg.InterfaceError):  # closed under one's hands; the others are wrong arguments
        return not isinstance(error, ValueError)
    return isinstance(error, _UNAVAILABLE)


def unavailable(error: BaseException) -> StoreUnavailable:
    """What callers are told: the server's own words are about connections and locks, never about data."""
    return StoreUnavailable(f"the database cannot be used at present: {_words(error)}")


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


@contextmanager
def errors() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for what passes; other errors of PostgreSQL are faults and stay."""
    try:
        yield
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise unavailable(error) from error


class Reads(Protocol):
    """What a reader needs: statements by name, or as text that ``compile`` put together."""

    async def rows(self, name: str, *parameters: Any) -> list[Row]:
        """The rows of a statement."""

    async def row(self, name: str, *parameters: Any) -> Row | None:
        """The first row of a statement."""

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Row]:
        """The rows of a statement that has no name."""

    async def one_state(self, work: "Callable[[Link], Awaitable[T]]") -> T:
        """Several reads that all see the same state."""


class Link:
    """One connection's statements. Its errors are asyncpg's; whoever holds the connection translates them."""

    __slots__ = ("connection",)

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def rows(self, name: str, *parameters: Any) -> list[Row]:
        return await self.fetch(POSTGRES[name], parameters)

    async def row(self, name: str, *parameters: Any) -> Row | None:
        found = await self.fetch(POSTGRES[name], parameters)
        return found[0] if found else None

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Row]:
        found: list[Row] = await self.connection.fetch(text, *parameters)
        return found

    async def change(self, name: str, *parameters: Any) -> int:
        """Run a statement; how many rows it changed."""
        found = _CHANGED.search(await self.connection.execute(POSTGRES[name], *parameters))
        return int(found[0]) if found else 0

    async def many(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement with each of these parameters."""
        await self.connection.executemany(POSTGRES[name], rows)

    async def one_state(self, work: "Callable[[Link], Awaitable[T]]") -> T:
        return await work(self)


async def insert(
    link: Link, name: str, parameters: Sequence[Any], value: str, attribute: str = "name"
) -> Row:
    """Insert and return what comes back, as the last thing that is done in a transaction if it fails.

    Raises ``UniqueViolation``, and ``LookupError`` for a missing parent.
    """
    try:
        return await link.row(name, *parameters)
    except asyncpg.ForeignKeyViolationError:
        raise LookupError(f"{attribute} {value!r} belongs to nothing there is") from None
    except asyncpg.UniqueViolationError:
        raise UniqueViolation(attribute, value) from None


class Again(Exception):
    """A transaction was lost before its end, and may be run again from the start."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def transact(link: Link, work: Callable[[Link], Awaitable[T]]) -> T:
    """Run ``work`` in a transaction of this connection. Raises what it raises, ``Again``, or of COMMIT."""
    try:
        await link.connection.execute(_BEGIN)
        value = await work(link)
    except (asyncio.CancelledError, TimeoutError):  # in the middle of a statement, which may never end
        link.connection.terminate()
        raise
    except BaseException as error:
        await roll_back(link.connection)
        if isinstance(error, _LOST) or link.connection.is_closed():
            raise Again(error) from error
        raise
    await commit(link.connection)
    return value


async def commit(connection: Any) -> None:
    """Make it durable. Raises ``OutcomeUnknown``, ``StoreUnavailable`` if the server had given it up before.

    A COMMIT that takes too long is left alone, not cancelled: one that waits for a synchronous replica would
    then count as done without it. If somebody else cancels it, the server says so by a warning only. Who is
    cancelled meanwhile waits for the answer all the same: what comes after must not see the state before.
    """
    connection.warned = False
    answer = asyncio.ensure_future(connection.execute("COMMIT", timeout=2 * COMMIT_SECONDS))
    try:
        await asyncio.wait((answer,), timeout=COMMIT_SECONDS)
    except asyncio.CancelledError:
        await asyncio.wait((answer,), timeout=COMMIT_SECONDS)
        raise
    finally:
        if not answer.done():
            connection.terminate()
            await asyncio.wait((answer,))
        answer.exception()  # whether anybody asks again or not
    try:
        done = answer.result()
    except Exception as error:
        if _is_definite(error):
            raise
        raise OutcomeUnknown(f"the database was lost in COMMIT: {_words(error)}") from error
    if done != "COMMIT":
        raise StoreUnavailable("the database has given the transaction up")
    if connection.warned:
        raise OutcomeUnknown("COMMIT was cancelled while it waited for the replica")


def _is_definite(error: Exception) -> bool:
    """Whether the server has answered, and goes on: then nothing is kept."""
    return isinstance(error, asyncpg.PostgresError) and getattr(error, "severity_en", "FATAL") == "ERROR"


async def roll_back(connection: Any) -> None:
    """Undo the transaction, if the connection still knows of one."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        if not connection.is_closed() and connection.is_in_transaction():
            await connection.execute("ROLLBACK", timeout=CONNECT_SECONDS)


async def repeated(attempt: Callable[[], Awaitable[T]]) -> T:
    """The value of an attempt, after as many as ``Again`` asks for. Raises ``StoreUnavailable``."""
    for left in reversed(range(TRIES)):
        try:
            with errors():
                return await attempt()
        except Again as again:
            if not left:
                raise unavailable(again.cause) from again
    raise AssertionError


class Database:
    """A pool of connections to one database. Every call raises ``StoreUnavailable`` for what passes."""

    def __init__(self, url: str, connections: int) -> None:
        self._servers = Servers(url)
        self._pool = Pool(self._connected, connections, CONNECT_SECONDS)

    @classmethod
    async def open(cls, url: str, connections: int = CONNECTIONS) -> "Database":
        """Connect. Raises ``StoreUnavailable``, ``ValueError`` for a URL that is none or of such a pooler."""
        database = cls(url, connections)
        opened = [await database.beside()]  # through a pooler, a lock of the pool's would stay behind
        try:
            with errors():
                if await pooled(opened[0]):
                    opened.append(await database.beside())
                    await by_session(*opened)
        finally:
            for connection in opened:
                connection.terminate()
        return database

    @asynccontextmanager
    async def link(self) -> AsyncIterator[Link]:
        """A connection for as long as the context lasts."""
        async with self._pool.take() as connection:
            try:
                yield Link(connection)
            except asyncpg.ReadOnlySQLTransactionError:
                if getattr(connection.get_settings(), "in_hot_standby", "off") == "on":
                    self._pool.expire()  # it leads to a replica; a primary that takes no changes can be read
                raise

    async def beside(self, **settings: str) -> Any:
        """A connection beside the pool, with these settings of the session."""
        with errors():
            return await self._servers.connect(**settings)

    async def _connected(self) -> Any:
        """A connection of the pool: nobody copies or replaces the data while one is open."""
        connection = await self._servers.connect()
        try:
            taken = await connection.fetchval(POSTGRES["share_use"]) is False
        except BaseException:
            connection.terminate()
            raise
        if taken:
            connection.terminate()
            raise StoreUnavailable(TAKEN)
        return connection

    def lost(self, why: str) -> None:
        """The database does not answer: end what waits for it, and refuse all until it is ``found``."""
        self._pool.refuse(f"the database is away: {why}")

    def found(self) -> None:
        """The database answers."""
        self._pool.admit()

    def waiting(self) -> int:
        """How many wait for a connection."""
        return self._pool.waiting()

    async def rows(self, name: str, *parameters: Any) -> list[Row]:
        return await self.fetch(POSTGRES[name], parameters)

    async def row(self, name: str, *parameters: Any) -> Row | None:
        found = await self.fetch(POSTGRES[name], parameters)
        return found[0] if found else None

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Row]:
        async def attempt() -> list[Row]:
            async with self.link() as link:
                try:
                    return await link.fetch(text, parameters)
                except Exception as error:
                    if link.connection.is_closed() and is_unavailable(error):  # a read may be asked again
                        raise Again(error) from error
                    raise

        return await repeated(attempt)

    async def one_state(self, work: Callable[[Link], Awaitable[T]]) -> T:
        async def attempt() -> T:
            async with self.link() as link:
                try:
                    async with read_only(link):
                        return await work(link)
                except asyncpg.InvalidCachedStatementError as error:
                    raise Again(error) from error

        return await repeated(attempt)

    async def write(self, work: Callable[[Link], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction and return its value once that is durable; it may be run again."""

        async def attempt() -> T:
            async with self.link() as link:
                return await transact(link, work)

        return await repeated(attempt)

    async def close(self) -> None:
        """Close the connections, those in use once they are given back."""
        await self._pool.close()


async def connect(url: str, **settings: str) -> Any:
    """A connection for whoever has no ``Database``. Raises ``StoreUnavailable``, ``ValueError``."""
    with errors():
        return await Servers(url).connect(**settings)


async def pooled(connection: Any) -> bool:
    """Whether there is a pooler in between, which tells another number than the server's process has."""
    return bool(await connection.fetchval(POSTGRES["backend"]) != connection.get_server_pid())


async def by_session(one: Any, other: Any) -> None:
    """Make sure that a pooler in between gives each of us a server of its own. Raises ``ValueError``.

    It works by transaction if the server that answered one connection carries out a transaction of the other.
    """
    for _ in range(_LOOKS):
        before = await one.fetchval(POSTGRES["backend"])
        async with other.transaction():
            if await other.fetchval(POSTGRES["backend"]) == before:
                raise ValueError(f"it leads to {BY_TRANSACTION}")


@asynccontextmanager
async def read_only(link: Link) -> AsyncIterator[Link]:
    """A transaction whose reads all see the state of the first."""
    try:
        await link.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield link
    finally:
        await roll_back(link.connection)
