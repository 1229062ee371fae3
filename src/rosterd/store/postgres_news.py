"""What other processes commit is heard of at once: a channel of the database, told after each commit.

It only saves waiting: whoever waits looks once a second by itself (``wake.py``), so a message that is lost
with a connection is no harm. It is sent after the commit and not inside, since transactions that notify wait
for each other in all of PostgreSQL.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final

import asyncpg

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_run import connect
from rosterd.store.queries import POSTGRES
from rosterd.store.wake import Wake

CHANNEL: Final = "rosterd"
_AGAIN_SECONDS: Final = 1.0
_TOGETHER_SECONDS: Final = 0.005
"""How long commits are gathered, to be told together."""


class News:
    """One connection that listens, and tells the others."""

    def __init__(self, url: str, wake: Wake) -> None:
        self._url = url
        self._wake = wake
        self._changed: set[int] = set()
        self._rung = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def ring(self, directory: int) -> None:
        """A directory has changed."""
        self._wake.ring(directory)
        self._changed.add(directory)
        self._rung.set()

    async def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _run(self) -> None:
        while True:
            with suppress(StoreUnavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._listen()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        connection = await connect(self._url)
        try:
            connection.add_termination_listener(lambda _: self._rung.set())
            await connection.add_listener(CHANNEL, self._heard)
            while not connection.is_closed():
                await self._rung.wait()
                await asyncio.sleep(_TOGETHER_SECONDS)
                self._rung.clear()
                changed, self._changed = self._changed, set()
                if changed:
                    await connection.execute(POSTGRES["tell"], CHANNEL, list(changed))
        finally:
            connection.terminate()

    def _heard(self, connection: Any, process: int, channel: str, directory: str) -> None:
        if process != connection.get_server_pid():
            self._wake.ring(int(directory))
