"""The supervisor: N workers serve one port, and one that ends or hangs is replaced until all are told to end.

    SIGTERM, SIGINT   workers finish what they accepted, within the grace, and all ends
    SIGHUP            workers are replaced one after the other, each once the next one serves

The socket is the supervisor's and is never closed before the end, so connections wait in it while there are
fewer workers, and whichever worker is free takes them. A worker is a fresh interpreter: one that is started
later runs the release that is installed then.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import structlog

from rosterd.wiring import pulse
from rosterd.wiring.accepting import Board
from rosterd.wiring.assignment import BOARD, FOLDER, QUIET, READY, Assignment
from rosterd.wiring.listening import WorkersEnded, bind
from rosterd.wiring.logs import configure
from rosterd.wiring.room import warn
from rosterd.wiring.server import GRACE, Ready
from rosterd.wiring.service import open_service
from rosterd.wiring.settings import Settings, SettingsError
from rosterd.wiring.use_cases import FirstOwner, FirstRun

_log = structlog.get_logger("rosterd.workers")

START_SECONDS: Final = 60.0
"""How long a worker may take until it serves."""
TRIES: Final = 3
"""How often the first worker of a place is started before all is given up."""
PAUSES: Final = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before a start, by how many before it did not last; the last one stays."""
STEADY_SECONDS: Final = 10.0
"""A worker that ends after less has not lasted."""
LONGEST: Final = 90
"""Bytes of the path of the workers' directory: with the name of a socket it must fit into ``sun_path``, which
has 104 on some systems."""
BEYOND: Final = 5.0
"""Seconds beyond what is allowed after which a worker is killed."""
LAST: Final = 10.0
"""Seconds that a worker which hangs has to end by itself."""


def supervise(settings: Settings, on_ready: Callable[[Ready], None]) -> None:
    """Serve with ``settings.workers`` processes until SIGINT or SIGTERM; blocks.

    Raises ``SettingsError`` for a temporary directory that is of no use, ``PortTaken``, ``WorkersEnded``, and
    what opening the store raises.
    """
    with _folder() as folder, contextlib.closing(bind(settings)) as listener:
        configure(settings)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to replace
        settings = replace(settings, port=listener.getsockname()[1])
        asyncio.run(_supervise(settings, listener, folder, on_ready))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A directory of our own; its lock keeps systemd-tmpfiles from taking it for forgotten.

    Raises ``SettingsError`` if there is none, or one whose sockets would have too long an address.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix=FOLDER)
    except OSError as error:
        raise SettingsError(f"Workers need a temporary directory; TMPDIR names one. {error}") from error
    with made as name:
        if len(os.fsencode(name)) > LONGEST:
            raise SettingsError(
                f"The name of the temporary directory is too long for the workers' sockets in it, {name}; "
                "set TMPDIR to a shorter one, such as /tmp"
            )
        handle = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield Path(name)
        finally:
            os.close(handle)


async def _supervise(
    settings: Settings, listener: socket.socket, folder: Path, on_ready: Callable[[Ready], None]
) -> None:
    first_run, owner = await _prepare(settings)
    workers = Workers(settings, listener, folder)
    await workers.run(lambda: on_ready(Ready(settings.local_url, first_run, owner)))


async def _prepare(settings: Settings) -> tuple[FirstRun | None, FirstOwner | None]:
    """Do once what would be done by each worker."""
    async with open_service(settings) as service:
        await warn(settings, service.control)
        return await service.setup(), await service.first_owner()


def _environment(settings: Settings) -> dict[str, str]:
    """That of this process, but with these settings."""
    named = {f"ROSTERD_{known.name.upper()}" for known in fields(settings)}
    others = {name: value for name, value in os.environ.items() if name not in named}
    return {**others, **settings.environment}


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """Do all of it side by side; the first fault ends the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None


@dataclass(eq=False, slots=True)
class _Worker:
    """One process, and this end of its lifeline."""

    process: Process
    lifeline: socket.socket
    pulse: pulse.Pulse
    since: float = field(default_factory=time.monotonic)

    async def serves(self) -> bool:
        """Wait until it serves; ``False`` if it ends before, or takes too long and is killed."""
        heard = asyncio.get_running_loop().sock_recv(self.lifeline, len(READY))
        with contextlib.suppress(OSError):
            try:
                return await asyncio.wait_for(heard, START_SECONDS) == READY
            except TimeoutError:
                _log.error("a worker does not start", pid=self.process.pid, seconds=START_SECONDS)
                self.tell(signal.SIGKILL)
        return False

    async def end(self, seconds: float | None) -> int:
        """Its exit code, or a signal as a negative number, once it has ended; killed if it takes longer."""
        try:
            return await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            self.tell(signal.SIGKILL)
            return await self.process.wait()

    def tell(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


@dataclass(eq=False, slots=True)
class _Place:
    """A number, the worker that has it at present, and how many have had it."""

    number: int
    worker: _Worker | None = None
    starts: int = 0
    failures: int = 0
    """How many in a row did not serve long."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Workers:
    """The workers of one port, which answer each other in ``folder``."""

    def __init__(self, settings: Settings, listener: socket.socket, folder: Path) -> None:
        self._listener = listener
        self._folder = folder
        self._board = Board.make(folder / BOARD, settings.workers)
        self._environment = _environment(settings)
        self._places = [_Place(number) for number in range(1, settings.workers + 1)]
        self._alive: set[_Worker] = set()
        self._stopping = asyncio.Event()
        self._rolling = asyncio.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Keep them until told to end; ``on_ready`` is called once all serve. Raises ``WorkersEnded``."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._rolling.set)
        work = asyncio.create_task(self._work(on_ready))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            work.cancel()
            await asyncio.wait((work, stopping))
            await self._end_all()
        if not work.cancelled():
            await work

    async def _work(self, on_ready: Callable[[], None]) -> None:
        await _together(*(self._begin(place) for place in self._places))
        on_ready()
        async with asyncio.TaskGroup() as self._keeping:
            for place in self._places:
                self._keep(place)
            self._keeping.create_task(self._roll())
            self._keeping.create_task(self._watch())

    async def _begin(self, place: _Place) -> None:
        """Start its first worker. Raises ``WorkersEnded``."""
        failed = ""
        for _ in range(TRIES):
            how = await self._start(place)
            if how is None:
                return
            failed = how
        raise WorkersEnded(failed)

    def _keep(self, place: _Place) -> None:
        """Start another one when the worker ends that has the place, unless another has it by then."""

        async def keep(worker: _Worker | None) -> None:
            if worker is None:
                return
            code = await self._end(worker)
            async with place.turn:
                if place.worker is not worker:
                    return
                self._board.leave(place.number)
                _log.warning("a worker has ended", worker=place.number, how=_how(code))
                if time.monotonic() - worker.since > STEADY_SECONDS:
                    place.failures = 0
                while (failed := await self._start(place)) is not None:
                    _log.error("a worker does not start", worker=place.number, how=failed)
            self._keep(place)

        self._keeping.create_task(keep(place.worker))

    async def _roll(self) -> None:
        """Replace all, one after the other, whenever asked to; the first that fails ends the round."""
        while True:
            await self._rolling.wait()
            self._rolling.clear()
            for place in self._places:
                async with place.turn:
                    old, place.failures = place.worker, 0
                    failed = await self._start(place)
                if failed is not None:
                    _log.error("workers are not replaced: the next does not start", how=failed)
                    break
                self._keep(place)
                if old is not None:
                    old.tell(signal.SIGHUP)
                    await self._end(old, QUIET + GRACE + BEYOND)
            else:
                _log.info("all workers are replaced")

    async def _watch(self) -> None:
        """End whoever has a place and hangs; ``_keep`` does the rest."""
        while True:
            await asyncio.sleep(pulse.SECONDS)
            for place in self._places:
                worker = place.worker
                if worker is not None and worker.pulse.fails():
                    seconds = pulse.LOOKS * pulse.SECONDS
                    _log.error("a worker hangs", worker=place.number, pid=worker.process.pid, seconds=seconds)
                    worker.tell(signal.SIGTERM)
                    self._keeping.create_task(worker.end(LAST))

    async def _start(self, place: _Place) -> str | None:
        """Give the place another worker, after a pause if the last ones failed; how it failed, if it does."""
        await asyncio.sleep(PAUSES[min(place.failures, len(PAUSES) - 1)])
        place.failures += 1
        place.starts += 1
        try:
            worker = await self._spawn(place)
        except OSError as error:  # no memory or file is left, or the interpreter is just being installed
            return f"no process: {error.strerror}"
        self._alive.add(worker)
        if not await worker.serves():
            return _how(await self._end(worker, BEYOND))
        _log.info("a worker serves", worker=place.number, pid=worker.process.pid)
        place.worker = worker
        return None

    async def _spawn(self, place: _Place) -> _Worker:
        """A process for the place. Raises ``OSError``."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        files = (self._listener.fileno(), theirs.fileno())
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "rosterd.wiring.worker"),
                    Assignment(place.number, place.starts, *files, str(self._folder)).text(),
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    pass_fds=files,
                    process_group=0,
                )
            except BaseException:
                ours.close()
                raise
        return _Worker(process, ours, pulse.Pulse(ours))

    async def _end(self, worker: _Worker, seconds: float | None = None) -> int:
        code = await worker.end(seconds)
        worker.lifeline.close()
        self._alive.discard(worker)
        return code

    async def _end_all(self) -> None:
        self._listener.close()  # whoever comes is refused, and need not wait
        workers = tuple(self._alive)
        for worker in workers:
            worker.tell(signal.SIGTERM)
        await asyncio.gather(*(self._end(worker, GRACE + BEYOND) for worker in workers))

    def _stop(self, number: int) -> None:
        if self._stopping.is_set() and number == signal.SIGINT:  # whoever waits is tired of it
            for worker in self._alive:
                worker.tell(signal.SIGKILL)
        self._stopping.set()
