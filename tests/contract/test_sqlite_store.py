"""The SQLite store keeps the contracts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing import (
    AccessContract,
    AuditContract,
    ClientContract,
    ConnectionRemovalContract,
    ControlContract,
    DurableStoreContract,
    ExpiryContract,
    MeasureContract,
    RegistryContract,
    RemovalContract,
    RequestLogContract,
    SetContract,
    SettingContract,
    SharingContract,
    StandingContract,
    SurveyContract,
    WebhookContract,
)


class Opens:
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[SqliteStore]:
        store = await open_sqlite(folder / "rosterd.db")
        try:
            yield store
        finally:
            await store.close()


class TestSqliteStore(Opens, DurableStoreContract):
    pass


class TestSqliteControl(Opens, ControlContract):
    pass


class TestSqliteClients(Opens, ClientContract):
    pass


class TestSqliteStanding(Opens, StandingContract):
    pass


class TestSqliteRegistry(Opens, RegistryContract):
    pass


class TestSqliteRemoval(Opens, RemovalContract):
    pass


class TestSqliteConnectionRemoval(Opens, ConnectionRemovalContract):
    pass


class TestSqliteExpiry(Opens, ExpiryContract):
    """What ends is found and told once."""


class TestSqliteSurvey(Opens, SurveyContract):
    pass


class TestSqliteMeasures(Opens, MeasureContract):
    pass


class TestSqliteAudit(Opens, AuditContract):
    pass


class TestSqliteSettings(Opens, SettingContract):
    pass


class TestSqliteRequestLog(Opens, RequestLogContract):
    pass


class TestSqliteAccess(Opens, AccessContract):
    pass


class TestSqliteSets(Opens, SetContract):
    """Streams, polling and signing keys."""


class TestSqliteWebhooks(Opens, WebhookContract):
    pass


class TestSqliteSharing(Opens, SharingContract):
    """Rates and marks of forms."""
