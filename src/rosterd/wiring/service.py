"""The composition root: settings in, a running service out. The only importer of ``store``."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from rosterd.console.app import ConsoleApp
from rosterd.console.context import Console
from rosterd.console.cookies import visitors
from rosterd.console.once import Once
from rosterd.console.render import Pages
from rosterd.delivery.handlers import Handler
from rosterd.http.admit import Admission
from rosterd.http.api.app import ApiApp
from rosterd.http.api.request import ApiContext
from rosterd.http.api.waits import Waits
from rosterd.http.guard import Guard, Rates
from rosterd.http.scim import ScimApp
from rosterd.http.site import SCIM_PATH, Site
from rosterd.http.token_provider import TokenProvider
from rosterd.http.well_known import WellKnown
from rosterd.scim import errors
from rosterd.service.audit import ITSELF
from rosterd.service.bulk import Bulk
from rosterd.service.clients import Clients
from rosterd.service.commands import Commands
from rosterd.service.connections import Connections
from rosterd.service.control import Connection, Directory
from rosterd.service.directories import Directories
from rosterd.service.erasure import Erasure
from rosterd.service.expiry import Expiry
from rosterd.service.extensions import Extensions
from rosterd.service.feed import Feed
from rosterd.service.keys import Keys
from rosterd.service.limits import Throttle
from rosterd.service.mappings import Mappings
from rosterd.service.ports import Store
from rosterd.service.preferences import Installation
from rosterd.service.projector import Projector
from rosterd.service.queries import Queries
from rosterd.service.reconciliation import Reconciliation
from rosterd.service.request_log import RequestLog
from rosterd.service.requests import Requests
from rosterd.service.tokens import Tokens
from rosterd.service.undo import Undo
from rosterd.wiring.access import access_of, openid_of
from rosterd.wiring.chores import Chores
from rosterd.wiring.delivery import Delivery
from rosterd.wiring.engines import bookmarks_of, open_store
from rosterd.wiring.expressions import Cel
from rosterd.wiring.facts import facts_of
from rosterd.wiring.ids import new_id, new_request_id, now
from rosterd.wiring.journal import Journal
from rosterd.wiring.observing import Observing
from rosterd.wiring.passwords import Argon2Hasher
from rosterd.wiring.plane import ControlPlane
from rosterd.wiring.projecting import Projecting
from rosterd.wiring.retention import RequestTraces
from rosterd.wiring.settings import Settings
from rosterd.wiring.sharing import Sharing
from rosterd.wiring.tracing import Tracing, tracing_of

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


class Service(Chores):
    """A service over an open store."""

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
        self.delivery = delivery
        self.webhooks = delivery.admin
        self.signing_keys = delivery.signing
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
        self.observing = Observing(settings, control)
        self.commands = commands = Commands(now, new_id)
        guard = Guard(time.monotonic_ns, Rates(settings.failure_rate, settings.api_rate, settings.token_rate))
        self.bookmarks = bookmarks_of(store)
        throttle = Throttle(time.monotonic_ns)
        self.sharing = Sharing(control, (throttle, *guard.throttles))
        self.scim = ScimApp(
            store,
            self.admission,
            commands,
            Queries(store, now, secret, self.bookmarks),
            Bulk(store, commands, new_id),
            new_request_id,
            throttle,
            guard,
            self.observing.requests,
            self.journal if settings.request_log == "on" else None,
            tracing,
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
        traces = RequestTraces(self.journal, control, others=settings.database_url is not None)
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
                polls=control,
                signing=delivery.signing,
                undo=self.undo,
                erasure=self.erasure,
                model_of=self.admission.model_of,
                now=now,
                secret=secret,
                waits=Waits(settings.event_readers, settings.event_readers_of_key),
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
                once=Once(secret, control, now),
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
        observed = self.observing.metrics(self.feed, self.journal, guard)
        self.site = Site(
            self.scim, self.token_provider, self.api, self.console,
            self.observing.ready, self.observing.requests, WellKnown(delivery.signing), observed,
        )  # fmt: skip

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

    async def _keeps_bodies(self) -> bool:
        return (await self.preferences.get()).request_log_bodies


@contextlib.asynccontextmanager
async def open_service(
    settings: Settings, *, forgets: bool = False, handlers: Sequence[Handler] = ()
) -> AsyncIterator[Service]:
    """Open (and on first use create) the data directory and everything over it.

    Only who ``forgets`` deletes old events, and sends traces: the server, whose settings are meant, and no
    command beside it.
    """
    store = await open_store(settings)
    try:
        tracing = tracing_of(settings) if forgets else None
        delivery = Delivery(settings, store, await store.secret("webhooks"), handlers, tracing)
        service = Service(settings, store, store, await store.secret("cursor"), delivery, tracing)
        background = asyncio.create_task(service.upkeep(forgets))
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
            if tracing is not None:
                await asyncio.to_thread(tracing.close)
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def running_service(settings: Settings, handlers: Sequence[Handler] = ()) -> AsyncIterator[Service]:
    """A service with all its background jobs: what a server is, but for the server itself."""
    async with (
        open_service(settings, forgets=True, handlers=handlers) as service,
        service.delivery.running(),
        service.projecting.running(),
        service.sharing.running(),
    ):
        yield service
