"""A PostgreSQL database as ``Store`` and ``Control``.

Reads take any connection of a pool. Units of work go through ``postgres_commit.py``, which commits those of a
directory together; the control plane's writes are transactions of their own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

from rosterd.service.ahead import UNKNOWN, Ahead
from rosterd.service.measures import Load
from rosterd.service.ports import Reader, Writer
from rosterd.store.dialect_postgres import Postgres
from rosterd.store.postgres_audit import PostgresAudit
from rosterd.store.postgres_commit import WAITING, Committer
from rosterd.store.postgres_deliveries import PostgresDeliveries
from rosterd.store.postgres_expiry import PostgresExpiry
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_mappings import PostgresMappings
from rosterd.store.postgres_measures import PostgresMeasures
from rosterd.store.postgres_migrate import prepare
from rosterd.store.postgres_news import News
from rosterd.store.postgres_reader import PostgresReader
from rosterd.store.postgres_registry import PostgresRegistry
from rosterd.store.postgres_removal import PostgresRemoval
from rosterd.store.postgres_request_log import PostgresRequestLog
from rosterd.store.postgres_run import CONNECTIONS, Database
from rosterd.store.postgres_sessions import PostgresSessions
from rosterd.store.postgres_sets import PostgresSets
from rosterd.store.postgres_settings import PostgresSettings
from rosterd.store.postgres_sharing import PostgresSharing
from rosterd.store.postgres_snapshot import PostgresSnapshots
from rosterd.store.postgres_survey import PostgresSurvey
from rosterd.store.postgres_together import Gathered, GatheredReader
from rosterd.store.postgres_trigram import words_of
from rosterd.store.postgres_webhooks import PostgresWebhooks
from rosterd.store.postgres_writer import PostgresWriter
from rosterd.store.wake import Wake, Watch

T = TypeVar("T")


async def open_postgres(
    url: str, *, waiting: int = WAITING, connections: int = CONNECTIONS
) -> "PostgresStore":
    """Open a database, and give it the tables if it has none.

    ``waiting`` is how many writes may queue up, ``connections`` how many this process may have open.
    Raises ``migrate.SchemaMismatch`` for a database of another release (an older one: apply the migrations
    first), ``StoreUnavailable`` if it cannot be reached, ``ValueError`` for a URL that is none.
    """
    database = await Database.open(url, connections)
    try:
        await prepare(url)
        async with database.link() as link:
            words = await words_of(link.connection)
    except BaseException:
        await database.close()
        raise
    return PostgresStore(database, words, waiting, connections)


class PostgresStore(
    PostgresRegistry,
    PostgresAudit,
    PostgresSettings,
    PostgresRequestLog,
    PostgresSessions,
    PostgresWebhooks,
    PostgresDeliveries,
    PostgresSets,
    PostgresExpiry,
    PostgresMappings,
    PostgresMeasures,
    PostgresSharing,
    PostgresSurvey,
    PostgresRemoval,
):
    """See ``rosterd.service.ports.Store`` and ``Control``, and ``rosterd.service.clients.ClientControl``."""

    def __init__(self, database: Database, words: Postgres, waiting: int, connections: int) -> None:
        super().__init__(database)
        self._words = words
        self._gathered = Gathered(database)
        self._wake = Wake()
        self._news = News(database, self._wake)
        self._committer = Committer(database, self._news.ring, self._begin_epoch, waiting, connections)
        self._submit = self._committer.submit
        self._snapshots = PostgresSnapshots(database)

    def load(self) -> Load:
        return self._committer.load

    def reader(self, directory: int) -> Reader:
        return GatheredReader(self._database, self._gathered, directory, self._words)

    def write(
        self, directory: int, work: Callable[[Writer], Awaitable[T]], ahead: Ahead = UNKNOWN
    ) -> Coroutine[Any, Any, T]:
        def unit(held: Held) -> Awaitable[T]:
            return work(PostgresWriter(held, self._words))

        return self._committer.submit(directory, unit, ahead)

    async def purge(self, directory: int) -> None:
        """Indexes are written with the rows; what is dead in them is the engine's to clear, with the rows."""

    @asynccontextmanager
    async def snapshot(self, directory: int) -> AsyncIterator[Reader]:
        async with self._snapshots.open() as link:
            yield PostgresReader(link, directory, self._words)

    async def changed(self, directory: int, after: int, seconds: float) -> bool:
        reader = PostgresReader(self._database, directory, self._words)

        async def newer() -> bool:
            return await reader.last() > after

        return await self._wake.changed(directory, newer, seconds)

    def watch(self) -> AbstractContextManager[Watch]:
        return self._wake.watch()

    async def close(self) -> None:
        """Finish the writes that were accepted and close the connections. Later writes are refused."""
        await self._committer.close()
        await self._news.close()
        await self._database.close()
