"""What a service can do, put together over an open store; how it is served is in ``http.py``."""

import contextlib
import os
import time
from dataclasses import dataclass
from typing import Final

from rosterd.http.admit import Admission
from rosterd.scim import errors
from rosterd.service.audit import ITSELF
from rosterd.service.clients import Clients
from rosterd.service.commands import Commands
from rosterd.service.connection_removal import ConnectionRemoval
from rosterd.service.connections import Connections
from rosterd.service.control import Connection, Directory
from rosterd.service.directories import Directories
from rosterd.service.erasure import Erasure
from rosterd.service.expiry import Expiry
from rosterd.service.extensions import Extensions
from rosterd.service.feed import Feed
from rosterd.service.keys import Keys
from rosterd.service.mappings import Mappings
from rosterd.service.ports import Store
from rosterd.service.preferences import Installation
from rosterd.service.projector import Projector
from rosterd.service.reconciliation import Reconciliation
from rosterd.service.removal import Removal
from rosterd.service.request_log import RequestLog
from rosterd.service.requests import Requests
from rosterd.service.tokens import Tokens
from rosterd.service.undo import Undo
from rosterd.wiring.access import access_of
from rosterd.wiring.authenticator import TotpAuthenticator
from rosterd.wiring.chores import Chores
from rosterd.wiring.delivery import Delivery
from rosterd.wiring.expressions import Cel
from rosterd.wiring.ids import new_id, now
from rosterd.wiring.journal import Journal
from rosterd.wiring.passwords import Argon2Hasher
from rosterd.wiring.plane import ControlPlane
from rosterd.wiring.projecting import Projecting
from rosterd.wiring.retention import RequestTraces
from rosterd.wiring.settings import Settings
from rosterd.wiring.tracing import Tracing

DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the first run made; the token's text exists only here."""

    directory: Directory
    connection: Connection
    token_text: str


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """The administrator whom the first run made; the password's text exists only here."""

    name: str
    password: str


class UseCases(Chores):
    """Of a service over an open store."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        control: ControlPlane,
        secret: bytes,
        delivery: Delivery,
        tracing: Tracing | None = None,
    ) -> None:
        self.settings = settings
        self.secret = secret
        self.tracing = tracing
        self.delivery = delivery
        self.webhooks = delivery.admin
        self.signing_keys = delivery.signing
        self.store = store
        self.control = control
        self.tokens = Tokens(control, now, os.urandom)
        self.clients = Clients(control, self.tokens, now, os.urandom)
        self.connections = Connections(store, control, now)
        self.connection_removal = ConnectionRemoval(store, self.connections, now)
        self.preferences = Installation(control, settings.fixed, now, time.monotonic_ns)
        self.request_log: RequestLog = control
        self.requests = Requests(control, store, control)
        self.journal = Journal(control, self._keeps_bodies)
        self.admission = Admission(control, now)
        self.commands = Commands(now, new_id)
        self.bookmarks = control.bookmarks
        self.keys_used: dict[str, int] = {}
        """API key id → time of last use (ms) since it was last written down."""
        self.feed = Feed(store, control, now, secret)
        self.directories = Directories(control, store, now)
        self.removal = Removal(control, store, now)
        self.extensions = Extensions(self.directories)
        self.keys = Keys(control, now, os.urandom)
        self.expiry = Expiry(control, now)
        self.hasher = Argon2Hasher()
        authenticator = TotpAuthenticator(delivery.vault, os.urandom)
        self.access = access_of(
            settings, control, self.hasher, secret, authenticator, self._requires_second_factor
        )
        self.undo = Undo(store, self.admission.model_of, now)
        several = settings.database_url is not None or settings.workers > 1
        traces = RequestTraces(self.journal, control, control, now, several)
        self.erasure = Erasure(store, traces, self.admission.model_of, now)
        expressions = Cel()
        self.mappings = Mappings(store, expressions, now)
        self.reconciliation = Reconciliation(store, self.commands, now)
        self.projecting = Projecting(control, Projector(store, expressions, now))

    async def setup(self) -> FirstRun | None:
        """Make directory, connection and token "default" if this is the first run; else ``None``."""
        if await self.control.directories():
            return None
        try:
            directory = await self.directories.create(DEFAULT, by=ITSELF)
        except errors.Uniqueness:  # another process is just at it
            return None
        connection = await self.connections.create(directory, DEFAULT, by=ITSELF)
        _, text = await self.tokens.issue(directory.id, connection.id, label="first run", by=ITSELF)
        return FirstRun(directory, connection, text)

    async def first_owner(self) -> FirstOwner | None:
        """Make the owner ``admin`` unless there is an administrator; else ``None``."""
        made = await self.access.administrators.first(by=ITSELF)
        return FirstOwner(made[0].name, made[1]) if made else None

    async def ensure_default(self) -> tuple[Directory, Connection]:
        """The default directory and connection, made if they are missing (also by two at once)."""
        directory = await self.ensure_default_directory()
        with contextlib.suppress(errors.Uniqueness):
            if not any(c.name == DEFAULT for c in await self.control.connections(directory.id)):
                await self.connections.create(directory, DEFAULT, by=ITSELF)
        connections = await self.control.connections(directory.id)
        return directory, next(c for c in connections if c.name == DEFAULT)

    async def ensure_default_directory(self) -> Directory:
        """The default directory, made if it is missing."""
        with contextlib.suppress(errors.Uniqueness):
            if not any(d.name == DEFAULT for d in await self.control.directories()):
                await self.directories.create(DEFAULT, by=ITSELF)
        return next(d for d in await self.control.directories() if d.name == DEFAULT)

    async def _requires_second_factor(self) -> bool:
        return (await self.preferences.get()).second_factor_required

    async def _keeps_bodies(self) -> bool:
        return (await self.preferences.get()).request_log_bodies
