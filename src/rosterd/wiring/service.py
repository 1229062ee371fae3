"""The composition root: settings in, a running service out. The only importer of ``store``."""

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from rosterd.console.app import ConsoleApp, nobody
from rosterd.console.context import Console
from rosterd.console.render import Pages
from rosterd.http.admit import Admission
from rosterd.http.api.app import ApiApp
from rosterd.http.api.request import ApiContext
from rosterd.http.scim import ScimApp
from rosterd.http.site import SCIM_PATH, Site
from rosterd.http.token_provider import TokenProvider
from rosterd.scim import errors
from rosterd.service.audit import ITSELF, AuditLog
from rosterd.service.bulk import Bulk
from rosterd.service.clients import ClientControl, Clients
from rosterd.service.commands import Commands
from rosterd.service.connections import Connections
from rosterd.service.control import Connection, Control, Directory
from rosterd.service.directories import Directories
from rosterd.service.feed import Feed
from rosterd.service.keys import Keys
from rosterd.service.limits import Throttle
from rosterd.service.ports import Store, StoreUnavailable
from rosterd.service.queries import Queries
from rosterd.service.registry import Registry
from rosterd.service.tokens import Tokens
from rosterd.store.sqlite import open_sqlite
from rosterd.wiring.ids import new_id, new_request_id, now
from rosterd.wiring.settings import Settings

DEFAULT: Final = "default"
EXPIRED_KEPT: Final = 2_592_000
"""Seconds that an expired token is still listed: 30 days."""
_FLUSH_SECONDS: Final = 20
_FORGET_TURNS: Final = 90  # every half hour
_PURGED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the first run made; the token's text exists only here."""

    directory: Directory
    connection: Connection
    token_text: str


class ControlPlane(Control, ClientControl, Registry, AuditLog, Protocol):
    """All of the control plane."""


class Service:
    """A service over an open store."""

    def __init__(self, settings: Settings, store: Store, control: ControlPlane, secret: bytes) -> None:
        self.settings = settings
        self.store = store
        self.control = control
        self.tokens = Tokens(control, now, os.urandom)
        self.clients = Clients(control, self.tokens, now, os.urandom)
        self.connections = Connections(store, control, now)
        self.admission = Admission(control, now)
        commands = Commands(now, new_id)
        self.scim = ScimApp(
            store,
            self.admission,
            commands,
            Queries(store, now, secret),
            Bulk(store, commands, new_id),
            new_request_id,
            Throttle(time.monotonic_ns),
            public_url=settings.base_url.rstrip("/") + SCIM_PATH if settings.base_url else None,
            documentation_url=settings.documentation_url,
        )
        self.token_provider = TokenProvider(
            self.clients,
            new_request_id,
            public_url=settings.base_url.rstrip("/") if settings.base_url else None,
            documentation_url=settings.documentation_url,
        )
        self.feed = Feed(store, control, now, secret)
        self.directories = Directories(control, now)
        self.keys = Keys(control, now, os.urandom)
        self.api = ApiApp(
            ApiContext(
                store=store,
                control=control,
                registry=control,
                directories=self.directories,
                connections=self.connections,
                clients=self.clients,
                client_control=control,
                tokens=self.tokens,
                model_of=self.admission.model_of,
                now=now,
                secret=secret,
                stopping=asyncio.Event(),
            ),
            new_request_id,
        )
        self.console = ConsoleApp(
            Console(
                store=store,
                control=control,
                registry=control,
                audit=control,
                directories=self.directories,
                connections=self.connections,
                clients=self.clients,
                client_control=control,
                tokens=self.tokens,
                keys=self.keys,
                model_of=self.admission.model_of,
                now=now,
                secret=secret,
                pages=Pages(secret),
                public_url=settings.base_url.rstrip("/") if settings.base_url else None,
            ),
            nobody,
            new_request_id,
        )
        self.site = Site(self.scim, self.token_provider, self.api, self.console, self.ready)

    async def ready(self) -> bool:
        """Whether the store answers."""
        try:
            await self.control.directories()
        except StoreUnavailable:
            return False
        return True

    async def setup(self) -> FirstRun | None:
        """Make directory, connection and token "default" if this is the first run; else ``None``."""
        if await self.control.directories():
            return None
        directory, connection = await self.ensure_default()
        _, text = await self.tokens.issue(directory.id, connection.id, label="first run", by=ITSELF)
        return FirstRun(directory, connection, text)

    async def ensure_default(self) -> tuple[Directory, Connection]:
        """The default directory and connection, made if they are missing (also by two at once)."""
        with contextlib.suppress(errors.Uniqueness):
            if not any(d.name == DEFAULT for d in await self.control.directories()):
                await self.directories.create(DEFAULT, by=ITSELF)
        directory = next(d for d in await self.control.directories() if d.name == DEFAULT)
        with contextlib.suppress(errors.Uniqueness):
            if not any(c.name == DEFAULT for c in await self.control.connections(directory.id)):
                await self.connections.create(directory, DEFAULT, by=ITSELF)
        connections = await self.control.connections(directory.id)
        return directory, next(c for c in connections if c.name == DEFAULT)

    async def note_use(self) -> None:
        """Write down when tokens and API keys were last used."""
        used, self.admission.used = self.admission.used, {}
        keys_used, self.api.used = self.api.used, {}
        with contextlib.suppress(StoreUnavailable):
            if used:
                await self.control.used(used)
            if keys_used:
                await self.control.keys_used(keys_used)

    async def purge(self) -> None:
        """Remove tokens that expired long ago, a bounded number at a time."""
        with contextlib.suppress(StoreUnavailable):
            await self.control.purge_tokens(now() - EXPIRED_KEPT * 1000, _PURGED_AT_ONCE)

    async def forget_events(self) -> None:
        """Delete events that are older than they shall be kept, a bounded number at a time."""
        if self.settings.event_retention_days:
            with contextlib.suppress(StoreUnavailable):
                await self.feed.forget(self.settings.event_retention_days)

    async def _upkeep(self, forgets: bool) -> None:
        for turn in itertools.count():
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.note_use()
            await self.purge()
            if forgets and turn % _FORGET_TURNS == 0:
                await self.forget_events()


@contextlib.asynccontextmanager
async def open_service(settings: Settings, *, forgets: bool = False) -> AsyncIterator[Service]:
    """Open (and on first use create) the data directory and everything over it.

    Only who ``forgets`` deletes old events: the server, whose settings are meant, and no command beside it.
    """
    make_private(settings.data)
    store = await open_sqlite(settings.database)
    try:
        service = Service(settings, store, store, await store.secret("cursor"))
        background = asyncio.create_task(service._upkeep(forgets))
        try:
            yield service
        finally:
            background.cancel()
            await service.note_use()
    finally:
        await store.close()


def make_private(path: Path) -> None:
    """Create the data directory for its owner only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
