"""Units that become one transaction, whatever the engine."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rosterd.service.ports import Store, Writer
from rosterd.store.sqlite import SqliteStore


@asynccontextmanager
async def gathered(store: Store) -> AsyncIterator[None]:
    """What is begun inside waits together: SQLite's writer, which is a thread, would not wait by itself."""
    if not isinstance(store, SqliteStore):
        yield
        return
    entered, enough = threading.Event(), threading.Event()

    async def hold(tx: Writer) -> None:
        entered.set()
        assert enough.wait(10)

    holding = asyncio.create_task(store.write(0, hold))
    await asyncio.to_thread(entered.wait, 10)
    yield
    await asyncio.sleep(0)
    enough.set()
    await holding
