"""Taking connections from a socket that several workers share, so that each has as many as the others.

Whoever has the fewest takes a connection at once; the others leave it to them for ``PATIENCE`` seconds and
then take it after all, so none waits for a worker that is busy or gone. How many each has stands on a board
that they share.

Connections are kept for long and differ little, so the number of them is the load. Left to the kernel, of 16
that come at once one of two workers took 16 (a shared socket), or 11 (a socket for each, by SO_REUSEPORT,
which also lets those wait whose worker has died).
"""

import asyncio
import mmap
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

_log = structlog.get_logger("rosterd.workers")

PATIENCE: Final = 0.002
_PAUSE: Final = 0.1
"""Seconds without accepting after it has failed, as it does when the process has no file left."""
_COUNT: Final = struct.Struct("q")
_GONE: Final = -1


class Board:
    """How many connections each worker has, in a file that all of them map. Numbers are from 1."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    @classmethod
    def make(cls, path: Path, workers: int) -> "Board":
        """A new one, on which nobody takes connections."""
        path.write_bytes(_COUNT.pack(_GONE) * workers)
        return cls(path)

    def write(self, worker: int, count: int) -> None:
        """A worker has that many."""
        _COUNT.pack_into(self._map, (worker - 1) * _COUNT.size, count)

    def leave(self, worker: int) -> None:
        """A worker takes none."""
        self.write(worker, _GONE)

    def fewest(self) -> int:
        """The least number that a worker has which takes connections; 0 if none does."""
        return min((count for (count,) in _COUNT.iter_unpack(self._map[:]) if count != _GONE), default=0)


class Accepting:
    """One worker's part. ``open`` is how many connections it has, ``make`` the protocol of a new one."""

    def __init__(
        self,
        listener: socket.socket,
        board: Board,
        worker: int,
        open: Callable[[], int],
        make: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._board = board
        self._worker = worker
        self._open = open
        self._make = make
        self._starting: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._closed = False
        listener.setblocking(False)
        self.count()
        self._loop.add_reader(listener, self._ready)

    def count(self) -> None:
        """Say how many there are; to be called whenever that changes."""
        if not self._closed:
            self._board.write(self._worker, self._mine())

    def close(self) -> None:
        """Take no more; the socket itself stays open for the others."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._listener)
            if self._later is not None:
                self._later.cancel()

    def _mine(self) -> int:
        return self._open() + len(self._starting)

    def _ready(self) -> None:
        if self._mine() > self._board.fewest():
            self._pause(PATIENCE)
        else:
            self._take()

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._later = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._loop.add_reader(self._listener, self._ready)
        self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        except OSError as error:
            _log.error("connections cannot be taken", why=os.strerror(error.errno or 0))
            self._pause(_PAUSE)
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._start(connection))
        self._starting.add(task)
        task.add_done_callback(self._started)
        self.count()

    async def _start(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except OSError:  # the client has gone already
            connection.close()

    def _started(self, task: "asyncio.Task[None]") -> None:
        self._starting.discard(task)
        self.count()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a connection was not taken", exc_info=error)
