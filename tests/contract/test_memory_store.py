"""The memory store keeps the contracts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rosterd.store.memory import MemoryStore
from rosterd.testing import ControlContract, StoreContract


class Opens:
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[MemoryStore]:
        yield MemoryStore()


class TestMemoryStore(Opens, StoreContract):
    pass


class TestMemoryControl(Opens, ControlContract):
    pass
