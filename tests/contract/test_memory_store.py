"""The memory store keeps the contracts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rosterd.service.walks import Walks
from rosterd.store.memory import MemoryStore
from rosterd.testing import (
    BookmarkContract,
    ClientContract,
    ConnectionRemovalContract,
    ControlContract,
    RegistryContract,
    RemovalContract,
    StandingContract,
    StoreContract,
)


class Opens:
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[MemoryStore]:
        yield MemoryStore()


class TestMemoryStore(Opens, StoreContract):
    pass


class TestMemoryControl(Opens, ControlContract):
    pass


class TestMemoryClients(Opens, ClientContract):
    pass


class TestMemoryStanding(Opens, StandingContract):
    pass


class TestMemoryRegistry(Opens, RegistryContract):
    pass


class TestMemoryRemoval(Opens, RemovalContract):
    pass


class TestMemoryConnectionRemoval(Opens, ConnectionRemovalContract):
    pass


class TestBookmarksOfAProcess(BookmarkContract):
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[Walks]:
        yield Walks()
