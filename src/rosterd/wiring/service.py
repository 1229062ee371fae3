"""The composition root: settings in, a running service out. The only importer of ``store``."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rosterd.http.admit import Admission
from rosterd.http.scim import ScimApp
from rosterd.http.site import SCIM_PATH, Site
from rosterd.scim.schema import Model
from rosterd.scim.schemas import CORE_RESOURCE_TYPES, CORE_SCHEMAS
from rosterd.service.bulk import Bulk
from rosterd.service.commands import Commands
from rosterd.service.ports import (
    Connection,
    Control,
    Directory,
    Policy,
    Store,
    StoreUnavailable,
    UniqueViolation,
)
from rosterd.service.queries import Queries
from rosterd.service.tokens import Tokens
from rosterd.store.sqlite import open_sqlite
from rosterd.wiring.ids import new_id, new_request_id, now
from rosterd.wiring.settings import Settings

DEFAULT: Final = "default"
_FLUSH_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the first run made; the token's text exists only here."""

    directory: Directory
    connection: Connection
    token_text: str


class Service:
    """A service over an open store."""

    def __init__(self, settings: Settings, store: Store, control: Control, secret: bytes) -> None:
        self.settings = settings
        self.store = store
        self.control = control
        self.tokens = Tokens(control, now, os.urandom)
        self.admission = Admission(control, now)
        commands = Commands(now, new_id)
        self.scim = ScimApp(
            store,
            self.admission,
            commands,
            Queries(store, now, secret),
            Bulk(store, commands, new_id),
            new_request_id,
            public_url=settings.base_url.rstrip("/") + SCIM_PATH if settings.base_url else None,
            documentation_url=settings.documentation_url,
        )
        self.site = Site(self.scim, self.ready)

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
        _, text = await self.tokens.issue(directory.id, connection.id, label="first run")
        return FirstRun(directory, connection, text)

    async def ensure_default(self) -> tuple[Directory, Connection]:
        """The default directory and connection, made if they are missing (also by two at once)."""
        with contextlib.suppress(UniqueViolation):
            if not any(d.name == DEFAULT for d in await self.control.directories()):
                await self.control.create_directory(DEFAULT, now())
        directory = next(d for d in await self.control.directories() if d.name == DEFAULT)
        with contextlib.suppress(UniqueViolation):
            if not any(c.name == DEFAULT for c in await self.control.connections(directory.id)):
                await self.control.create_connection(directory.id, DEFAULT, "auto", Policy(), now())
        connections = await self.control.connections(directory.id)
        return directory, next(c for c in connections if c.name == DEFAULT)

    async def define(
        self, directory: Directory, schemas: Sequence[Any], resource_types: Sequence[Any]
    ) -> Directory:
        """Add schemas and resource types to the directory's own, by id and name.

        Raises ``SchemaError`` if they are not valid, before anything is changed.
        """
        merged_schemas = _merge(directory.schemas, schemas, "id")
        merged_types = _merge(directory.resource_types, resource_types, "name")
        Model.build((*CORE_SCHEMAS, *merged_schemas), (*CORE_RESOURCE_TYPES, *merged_types))
        if merged_schemas == list(directory.schemas) and merged_types == list(directory.resource_types):
            return directory
        return await self.control.define(directory.id, merged_schemas, merged_types)

    async def note_use(self) -> None:
        """Write down when tokens were last used."""
        used, self.admission.used = self.admission.used, {}
        if used:
            with contextlib.suppress(StoreUnavailable):
                await self.control.used(used)

    async def _note_use_regularly(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.note_use()


@contextlib.asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Open (and on first use create) the data directory and everything over it."""
    make_private(settings.data)
    store = await open_sqlite(settings.database)
    try:
        service = Service(settings, store, store, await store.secret("cursor"))
        background = asyncio.create_task(service._note_use_regularly())
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


def _merge(old: Sequence[Any], new: Sequence[Any], key: str) -> list[Any]:
    merged = {str(item.get(key)).casefold(): item for item in old}
    for item in new:
        name = item.get(key) if isinstance(item, dict) else None
        merged[str(name).casefold()] = item
    return list(merged.values())
