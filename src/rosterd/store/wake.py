"""Who waits for a directory's next commit, and waking them: in this process, whatever their event loop.

Waiting comes before looking: what is committed after ``waiting`` was entered wakes it, so nothing slips
through between a look and the wait. Many commits at once wake once.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

Bell = asyncio.Future[None]

LOOK_SECONDS: Final = 1.0
"""How often a waiter looks by itself, for what other processes commit."""


class Watch:
    """One who waits for all directories at once, and is told which have news."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._rung = asyncio.Event()
        self._fresh: set[int] = set()

    def ring(self, directory: int) -> None:
        """Note a directory; from any thread."""
        with self._lock:
            wakes = not self._fresh
            self._fresh.add(directory)
        if wakes:
            with suppress(RuntimeError):  # its loop is closed, and with it whoever waited
                self._loop.call_soon_threadsafe(self._rung.set)

    async def news(self, seconds: float) -> frozenset[int]:
        """The directories noted since the last call; waits so long for the first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        with self._lock:
            self._rung.clear()
            fresh, self._fresh = self._fresh, set()
        return frozenset(fresh)


class Wake:
    """The waiters of one store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[int, set[Bell]] = {}
        self._watches: tuple[Watch, ...] = ()

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Be told of every directory with news, for as long as the context lasts."""
        watch = Watch()
        with self._lock:
            self._watches = (*self._watches, watch)
        try:
            yield watch
        finally:
            with self._lock:
                self._watches = tuple(each for each in self._watches if each is not watch)

    def ring(self, directory: int) -> None:
        """Wake all who wait for this directory; from any thread."""
        for watch in self._watches:
            watch.ring(directory)
        self.heard(directory)

    def heard(self, directory: int) -> None:
        """The same but for those who watch all: what another process commits, its own watches see to."""
        if directory not in self._bells:  # a write for which nobody waits pays nothing
            return
        with self._lock:
            bells = self._bells.pop(directory, set())
        for bell in bells:
            with suppress(RuntimeError):  # its loop is closed, and with it whoever waited
                bell.get_loop().call_soon_threadsafe(_ring, bell)

    async def changed(self, directory: int, newer: Callable[[], Awaitable[bool]], seconds: float) -> bool:
        """Wait until ``newer``; see ``Store.changed``."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            with self._waiting(directory) as bell:
                if await newer():
                    return True
                left = end - loop.time()
                if left <= 0:
                    return False
                await asyncio.wait((bell,), timeout=min(left, LOOK_SECONDS))

    @contextmanager
    def _waiting(self, directory: int) -> Iterator[Bell]:
        bell: Bell = asyncio.get_running_loop().create_future()
        with self._lock:
            self._bells.setdefault(directory, set()).add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                bells = self._bells.get(directory)
                if bells is not None:
                    bells.discard(bell)
                    if not bells:
                        del self._bells[directory]


def _ring(bell: Bell) -> None:
    if not bell.done():
        bell.set_result(None)
