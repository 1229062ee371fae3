"""One worker: a process that serves the supervisor's port until it is told to end, or the supervisor is gone.

    SIGTERM   finish what was accepted, and end
    SIGHUP    the same, but clients have a moment to go elsewhere first: another worker takes its place

``python -m rosterd.wiring.worker`` with an assignment, which ``rosterd.wiring.workers`` gives it.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from rosterd.service.ports import StoreUnavailable
from rosterd.wiring.accepting import Accepting, Board
from rosterd.wiring.assignment import BOARD, FOLDER, QUIET, READY, Assignment
from rosterd.wiring.logs import configure
from rosterd.wiring.pulse import beat
from rosterd.wiring.server import GRACE, Server, end_by_cancelling
from rosterd.wiring.service import Service, running_service
from rosterd.wiring.settings import Settings
from rosterd.wiring.siblings import Siblings
from rosterd.wiring.upkeep import SchemaMismatch

_log = structlog.get_logger("rosterd.workers")

_LOOK_SECONDS: Final = 0.05
_LAST_SECONDS: Final = 5.0
"""What an orphan has beyond the grace before it ends whatever it does."""


def main() -> None:
    """Serve as the assignment says; settings come from the environment.

    Until there is an event loop SIGTERM just ends the process, which has nothing open then.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assignment = Assignment.read(sys.argv[1])
    lifeline = socket.socket(fileno=assignment.lifeline)
    orphaned = threading.Event()
    threading.Thread(target=_hold, args=(lifeline, orphaned), name="rosterd-lifeline", daemon=True).start()
    settings = Settings.from_env()
    configure(settings, assignment.number)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, assignment, lifeline))
    except asyncio.CancelledError:
        return
    except (StoreUnavailable, SchemaMismatch) as error:
        _log.error("a worker cannot work on the database", why=str(error))
        raise SystemExit(1) from None
    finally:
        folder = Path(assignment.folder)
        if orphaned.is_set() and folder.name.startswith(FOLDER):  # nobody else takes away what is in it
            shutil.rmtree(folder, ignore_errors=True)


async def _serve(settings: Settings, assignment: Assignment, lifeline: socket.socket) -> None:
    end_by_cancelling(signal.SIGTERM)
    folder = Path(assignment.folder)
    siblings = Siblings(folder, assignment.number, assignment.starts)
    async with running_service(settings, shared=folder) as service, contextlib.AsyncExitStack() as stack:
        if service.http.observing.collection is not None:
            service.http.observing.collection.siblings = siblings
            await stack.enter_async_context(siblings.answering(service.http.observing.collection.counted))

        def serves() -> None:
            lifeline.sendall(READY)
            beat(lifeline)

        server = _Server(service, serves, Board(folder / BOARD), assignment.number)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, server.end)
        loop.add_signal_handler(signal.SIGHUP, server.drain)
        await server.run_on(socket.socket(fileno=assignment.listener))


class _Server(Server):
    """Takes its share of the connections, and can leave its place to another one."""

    def __init__(self, service: Service, on_start: Callable[[], None], board: Board, number: int) -> None:
        super().__init__(service, on_start)
        self._board = board
        self._number = number
        self._accepting: Accepting | None = None
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See ``uvicorn.Server``."""
        doors = self.service.http.observing.doors
        for listener in sockets or ():
            self._accepting = Accepting(listener, self._board, self._number, self._open, self._protocol)
            doors.changed = self._accepting.count
        await super().startup([])

    def drain(self) -> None:
        """Take no more connections, let clients take those they have elsewhere, then end.

        Every reply asks its client to close; who sends nothing for ``QUIET`` seconds is closed.
        """
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See ``uvicorn.Server``."""
        self._close()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        self._close()
        self.service.http.api.stop()
        self.service.http.observing.doors.closing = True
        for _ in range(int(QUIET / _LOOK_SECONDS)):
            if not self._open():
                break
            await asyncio.sleep(_LOOK_SECONDS)
        self.end()

    def _close(self) -> None:
        if self._accepting is not None:
            self._accepting.close()

    def _open(self) -> int:
        return len(self.server_state.connections)

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(self.config, self.server_state, self.lifespan.state)
        return made


def _hold(lifeline: socket.socket, orphaned: threading.Event) -> None:
    """End with the supervisor: as told by it if that works, else without more ado."""
    with contextlib.suppress(OSError):
        while lifeline.recv(1):
            pass
    orphaned.set()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE + _LAST_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
