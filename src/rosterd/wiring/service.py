"""The composition root: settings in, a running service out. The only importer of ``store``."""

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import structlog

from rosterd.console.app import ConsoleApp
from rosterd.console.context import Console
from rosterd.console.cookies import visitors
from rosterd.console.once import Once
from rosterd.console.render import Pages
from rosterd.delivery.handlers import Handler
from rosterd.http.admit import Admission
from rosterd.http.api.app import ApiApp
from rosterd.http.api.request import ApiContext
from rosterd.http.guard import Guard, Rates
from rosterd.http.scim import ScimApp
from rosterd.http.site import SCIM_PATH, Site
from rosterd.http.token_provider import TokenProvider
from rosterd.scim import errors
from rosterd.service.access import AccessControl
from rosterd.service.audit import ITSELF, AuditLog
from rosterd.service.bulk import Bulk
from rosterd.service.clients import ClientControl, Clients
from rosterd.service.commands import Commands
from rosterd.service.connections import Connections
from rosterd.service.control import Connection, Control, Directory
from rosterd.service.directories import Directories
from rosterd.service.erasure import Erasure
from rosterd.service.expiry import Expiry, ExpiryControl
from rosterd.service.extensions import Extensions
from rosterd.service.feed import Feed
from rosterd.service.keys import Keys
from rosterd.service.limits import Throttle
from rosterd.service.mappings import Mappings
from rosterd.service.ports import Store, StoreUnavailable
from rosterd.service.preferences import Installation, SettingStore
from rosterd.service.projections import Lagging
from rosterd.service.projector import Projector
from rosterd.service.queries import Queries
from rosterd.service.reconciliation import Reconciliation
from rosterd.service.registry import Registry
from rosterd.service.request_log import DAY, RequestLog
from rosterd.service.requests import Requests
from rosterd.service.tokens import Tokens
from rosterd.service.undo import Undo
from rosterd.service.webhooks import Webhooks
from rosterd.store.sqlite import open_sqlite
from rosterd.wiring.access import access_of, openid_of, tidy
from rosterd.wiring.delivery import Delivery
from rosterd.wiring.expressions import Cel
from rosterd.wiring.facts import facts_of
from rosterd.wiring.ids import new_id, new_request_id, now
from rosterd.wiring.journal import Journal
from rosterd.wiring.passwords import Argon2Hasher
from rosterd.wiring.projecting import Projecting
from rosterd.wiring.retention import RequestTraces, erase_expired
from rosterd.wiring.settings import Settings

_log = structlog.get_logger("rosterd")

DEFAULT: Final = "default"
EXPIRED_KEPT: Final = 2_592_000
"""Seconds that an expired token is still listed: 30 days."""
_FLUSH_SECONDS: Final = 20
_EXPIRY_TURNS: Final = 4320  # every day
_FORGET_TURNS: Final = 90  # every half hour
_PURGED_AT_ONCE: Final = 1000
_FORGOTTEN_AT_ONCE: Final = 1000
_BREATH: Final = 0.1  # seconds between two portions, which others' changes have for themselves


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


class ControlPlane(
    Control,
    ClientControl,
    Registry,
    AuditLog,
    SettingStore,
    RequestLog,
    AccessControl,
    Webhooks,
    ExpiryControl,
    Lagging, Protocol,
):
    """All of the control plane."""


class Service:
    """A service over an open store."""

    def __init__(
        self, settings: Settings, store: Store, control: ControlPlane, secret: bytes, delivery: Delivery
    ) -> None:
        self.settings = settings
        self.delivery = delivery
        self.webhooks = delivery.admin
        self.store = store
        self.control = control
        self.tokens = Tokens(control, now, os.urandom)
        self.clients = Clients(control, self.tokens, now, os.urandom)
        self.connections = Connections(store, control, now)
        self.preferences = Installation(control, settings.fixed, now, time.monotonic_ns)
        self.request_log: RequestLog = control
        self.requests = Requests(control, store, control)
        self.journal = Journal(control, self._keeps_bodies)
        self.admission = Admission(control, now)
        self.commands = commands = Commands(now, new_id)
        guard = Guard(
            time.monotonic_ns, Rates(settings.failure_rate, settings.api_rate, settings.token_rate)
        )
        self.scim = ScimApp(
            store,
            self.admission,
            commands,
            Queries(store, now, secret),
            Bulk(store, commands, new_id),
            new_request_id,
            Throttle(time.monotonic_ns),
            guard,
            self.journal if settings.request_log == "on" else None,
            public_url=settings.base_url.rstrip("/") + SCIM_PATH if settings.base_url else None,
            documentation_url=settings.documentation_url,
        )
        self.token_provider = TokenProvider(
            self.clients,
            new_request_id,
            guard,
            public_url=settings.base_url.rstrip("/") if settings.base_url else None,
            documentation_url=settings.documentation_url,
        )
        self.feed = Feed(store, control, now, secret)
        self.directories = Directories(control, store, now)
        self.extensions = Extensions(self.directories)
        self.keys = Keys(control, now, os.urandom)
        self.expiry = Expiry(control, now)
        self.hasher = Argon2Hasher()
        self.access = access_of(settings, control, self.hasher, secret)
        self.openid = openid_of(settings)
        self.undo = Undo(store, self.admission.model_of, now)
        traces = RequestTraces(self.journal, control)
        self.erasure = Erasure(store, traces, self.admission.model_of, now)
        expressions = Cel()
        self.mappings = Mappings(store, expressions, now)
        self.reconciliation = Reconciliation(store, commands, now)
        self.projecting = Projecting(control, Projector(store, expressions, now))
        self.api = ApiApp(
            ApiContext(
                mappings=self.mappings,
                reconciliation=self.reconciliation,
                store=store,
                keys=self.keys,
                audit=control,
                request_log=control,
                preferences=self.preferences,
                control=control,
                registry=control,
                directories=self.directories,
                extensions=self.extensions,
                connections=self.connections,
                clients=self.clients,
                client_control=control,
                tokens=self.tokens,
                access=self.access,
                webhooks=self.webhooks,
                webhook_control=control,
                undo=self.undo,
                erasure=self.erasure,
                model_of=self.admission.model_of,
                now=now,
                secret=secret,
                stopping=asyncio.Event(),
            ),
            new_request_id,
            guard,
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
                access=self.access,
                log=control,
                preferences=self.preferences,
                once=Once(secret, now),
                undo=self.undo,
                facts=partial(facts_of, settings, now()),
                erasure=self.erasure,
                extensions=self.extensions,
                feed=self.feed,
                mappings=self.mappings,
                reconciliation=self.reconciliation,
                webhooks=self.webhooks,
                webhook_control=control,
                openid=self.openid,
                model_of=self.admission.model_of,
                now=now,
                secret=secret,
                pages=Pages(secret),
                public_url=settings.base_url.rstrip("/") if settings.base_url else None,
            ),
            visitors(self.access.sessions),
            new_request_id,
        )
        self.site = Site(self.scim, self.token_provider, self.api, self.console, self.ready)
        self.site_without_console = Site(self.scim, self.token_provider, self.api, None, self.ready)

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

    async def first_owner(self) -> FirstOwner | None:
        """Make the owner ``admin`` unless there is an administrator; else ``None``."""
        made = await self.access.administrators.first(by=ITSELF)
        return FirstOwner(made[0].name, made[1]) if made else None

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
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).event_retention_days
            if days:
                await self.feed.forget(days)

    async def tidy(self) -> None:
        """Remove sessions that have ended and failed log-ins that count no more."""
        with contextlib.suppress(StoreUnavailable):
            await tidy(self.control)

    async def forget_requests(self) -> None:
        """Delete requests that are older than they shall be kept, a bounded number at a time."""
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).request_log_retention_days
            for directory in await self.control.directories():
                while await self.request_log.forget_exchanges(
                    directory.id, now() - days * DAY, _FORGOTTEN_AT_ONCE
                ):
                    await asyncio.sleep(_BREATH)

    async def forget_deliveries(self) -> None:
        """Keep the log of deliveries within its bounds."""
        with contextlib.suppress(StoreUnavailable):
            await self.delivery.worker.forget()

    async def erase_deleted(self) -> None:
        """Finish erasures that were broken off, and erase accounts that were deleted long enough ago."""
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).erase_deleted_after_days
            await erase_expired(self.erasure, await self.control.directories(), days)

    async def announce_expiry(self) -> None:
        """Say in the log what ends soon, and in the feeds what was not said there yet."""
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).token_warning_days
            for ending in await self.expiry.ending(days):
                _log.warning("ends soon", what=str(ending), days=ending.days(now()))
            await self.expiry.announce(days, new_request_id())

    async def _keeps_bodies(self) -> bool:
        return (await self.preferences.get()).request_log_bodies

    async def _upkeep(self, forgets: bool) -> None:
        for turn in itertools.count():
            if forgets and turn % _EXPIRY_TURNS == 0:
                await self.announce_expiry()
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.note_use()
            await self.purge()
            await self.tidy()
            if forgets and turn % _FORGET_TURNS == 0:
                await self.forget_events()
                await self.forget_requests()
                await self.forget_deliveries()
            if forgets:
                await self.erase_deleted()


@contextlib.asynccontextmanager
async def open_service(
    settings: Settings, *, forgets: bool = False, handlers: Sequence[Handler] = ()
) -> AsyncIterator[Service]:
    """Open (and on first use create) the data directory and everything over it.

    Only who ``forgets`` deletes old events: the server, whose settings are meant, and no command beside it.
    """
    make_private(settings.data)
    store = await open_sqlite(settings.database)
    try:
        delivery = Delivery(settings, store, await store.secret("webhooks"), handlers)
        service = Service(settings, store, store, await store.secret("cursor"), delivery)
        background = asyncio.create_task(service._upkeep(forgets))
        journal = asyncio.create_task(service.journal.run())
        try:
            yield service
        finally:
            background.cancel()
            service.journal.close()
            await asyncio.wait((journal,))  # cancelled already if the event loop is ending
            await service.journal.flush()
            service.hasher.close()
            if service.openid is not None:
                await service.openid.close()
            await service.note_use()
            await delivery.sender.close()
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def running_service(settings: Settings, handlers: Sequence[Handler] = ()) -> AsyncIterator[Service]:
    """A service with all its background jobs: what a server is, but for the server itself."""
    async with (
        open_service(settings, forgets=True, handlers=handlers) as service,
        service.delivery.running(),
        service.projecting.running(),
    ):
        yield service


def make_private(path: Path) -> None:
    """Create the data directory for its owner only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
