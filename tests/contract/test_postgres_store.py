"""The PostgreSQL store keeps the contracts."""

from contract.postgres_store import Opens

from rosterd.testing import (
    AccessContract,
    AuditContract,
    BookmarkContract,
    ClientContract,
    ConnectionRemovalContract,
    ControlContract,
    DurableStoreContract,
    ExpiryContract,
    RegistryContract,
    RemovalContract,
    RequestLogContract,
    SettingContract,
    SharingContract,
    StandingContract,
    SurveyContract,
    WebhookContract,
)


class TestPostgresStore(Opens, DurableStoreContract):
    pass


class TestPostgresControl(Opens, ControlContract):
    pass


class TestPostgresClients(Opens, ClientContract):
    pass


class TestPostgresStanding(Opens, StandingContract):
    pass


class TestPostgresRegistry(Opens, RegistryContract):
    pass


class TestPostgresRemoval(Opens, RemovalContract):
    pass


class TestPostgresConnectionRemoval(Opens, ConnectionRemovalContract):
    pass


class TestPostgresExpiry(Opens, ExpiryContract):
    pass


class TestPostgresSurvey(Opens, SurveyContract):
    pass


class TestPostgresAudit(Opens, AuditContract):
    pass


class TestPostgresSettings(Opens, SettingContract):
    pass


class TestPostgresRequestLog(Opens, RequestLogContract):
    pass


class TestPostgresAccess(Opens, AccessContract):
    pass


class TestPostgresWebhooks(Opens, WebhookContract):
    pass


class TestPostgresSharing(Opens, SharingContract):
    """Rates and marks of forms."""


class TestPostgresBookmarks(Opens, BookmarkContract):
    """Bookmarks of walks."""
