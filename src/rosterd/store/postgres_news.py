"""One connection listens: what other processes commit is heard of at once, and whether the database answers.

news     a channel of the database, told after each commit and not inside, since transactions that notify
         wait for each other in all of PostgreSQL. It only saves waiting: whoever waits looks once a second
         (``wake.py``), so a message that is lost with the connection is no harm
use      while it is open, nobody copies or replaces the data behind the server's back (``postgres_copy.py``);
         so it is while one of the pool is, and if this one breaks, the others go on safely
pulse    a question every second. If nothing is answered for ``PATIENCE``, or the connection is lost and no
         server gives another one, the database is away: everybody is told at once, and only this connection
         is tried until there is one again
"""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

import asyncpg
import structlog

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_connect import Refused
from rosterd.store.postgres_run import TAKEN, Database
from rosterd.store.queries import POSTGRES
from rosterd.store.wake import Wake

_log = structlog.get_logger("rosterd.store")

PULSE_SECONDS: Final = 1.0
PATIENCE: Final = 5.0
_LOOKS: Final = 5
"""In so many parts is waited, so that a time in which this process itself stood still is not all of it."""
_AGAIN_SECONDS: Final = 0.25
_TOGETHER_SECONDS: Final = 0.02
"""How long commits are gathered behind one that was told at once, to be told together."""


class News:
    """The connection that listens, and tells the others."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._changed: set[int] = set()
        self._rung = asyncio.Event()
        self._lost_at: float | None = None
        self._failures = 0
        self._answered = time.monotonic()
        self._channel = ""
        self._own = 0
        """The server's process behind the connection: what it tells itself is known."""
        self._taken = False  # somebody copies into it or restores it
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
            try:
                with suppress(StoreUnavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await self._listen()
            except Exception as error:  # noqa: BLE001 - it must not end because of one connection
                _log.error("listening to the database failed", exc_info=error)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        connection = await self._connected()
        try:
            connection.add_termination_listener(lambda _: self._rung.set())
            self._channel = await connection.fetchval(POSTGRES["channel"])
            self._own = connection.get_server_pid()
            await connection.add_listener(self._channel, self._heard)
            self._taken = await connection.fetchval(POSTGRES["share_use"]) is False
            if self._taken:
                self._lost(TAKEN)
                return
            self._found()
            while not connection.is_closed():
                with suppress(TimeoutError):
                    async with asyncio.timeout(PULSE_SECONDS):
                        await self._rung.wait()
                self._rung.clear()
                await self._ask(connection)
                await asyncio.sleep(_TOGETHER_SECONDS)
        finally:
            connection.terminate()

    async def _connected(self) -> Any:
        try:
            # What is told need not be durable, and must not wait for a replica that is away.
            connection = await self._database.beside(synchronous_commit="off", lock_timeout="2000")
        except StoreUnavailable as error:
            self._failures += 1
            if isinstance(error.__cause__, Refused):
                self._answered = time.monotonic()
                if not self._taken:
                    self._found()  # it answers, and those that have connections go on
            # One that broke while it was made says nothing of the others.
            elif self._failures > 1 or time.monotonic() - self._answered > PATIENCE:
                self._lost(str(error.__cause__ or error))
            raise
        self._failures = 0
        self._answered = time.monotonic()
        return connection

    async def _ask(self, connection: Any) -> None:
        """Tell what has changed, or ask for nothing; any answer will do."""
        changed, self._changed = self._changed, set()
        if changed:
            question = connection.execute(POSTGRES["tell"], self._channel, list(changed))
        else:
            question = connection.execute("SELECT 1")
        answer = asyncio.ensure_future(question)
        try:
            for _ in range(_LOOKS):
                await asyncio.wait((answer,), timeout=PATIENCE / _LOOKS)
                if answer.done():
                    break
            else:
                self._lost(f"no answer for {PATIENCE:g} s")
        finally:
            if not answer.done():
                connection.terminate()
                await asyncio.wait((answer,))
                answer.exception()
        with suppress(asyncpg.PostgresError):
            answer.result()
            self._answered = time.monotonic()

    def _lost(self, why: str) -> None:
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            _log.error("database away", why=why)
        self._database.lost(why)

    def _found(self) -> None:
        if self._lost_at is not None:
            _log.warning("database back", seconds=round(time.monotonic() - self._lost_at, 1))
            self._lost_at = None
        self._database.found()

    def _heard(self, _: Any, process: int, channel: str, directory: str) -> None:
        if process != self._own:  # the connection itself may have been ended since
            self._wake.ring(int(directory))
