"""Running the site under uvicorn: serve until told to stop, finish what was accepted, then close."""

import asyncio
import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import structlog
import uvicorn
import uvloop

from rosterd.wiring.listening import bind
from rosterd.wiring.logs import configure
from rosterd.wiring.protocol import protocol
from rosterd.wiring.room import warn
from rosterd.wiring.service import Service, running_service
from rosterd.wiring.settings import Settings
from rosterd.wiring.use_cases import FirstOwner, FirstRun

_log = structlog.get_logger("rosterd.server")

GRACE: Final = 30  # seconds that accepted requests have to finish
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
COLLECTED: Final = 10_000
"""So many objects more than before make Python look for circles; a request makes about a hundred."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Told when the server answers: its address, and on the first run the token and the console's owner."""

    url: str
    first_run: FirstRun | None
    owner: FirstOwner | None


class Server(uvicorn.Server):
    """Serves the site of one service; ``on_start`` is called once it takes connections."""

    def __init__(self, service: Service, on_start: Callable[[], None]) -> None:
        config = uvicorn.Config(
            service.http.site,
            interface="asgi3",
            http=protocol(service.http.observing.doors),
            loop="uvloop",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=service.settings.trusted_proxies,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE,
        )
        super().__init__(config)
        self.service = service
        self._on_start = on_start

    async def run_on(self, listener: socket.socket) -> None:
        """Serve until told to stop, and finish what was accepted."""
        async with self.service.http.observing.doors.watched():
            await self.serve(sockets=[listener])

    def end(self) -> None:
        """Take no more connections, finish what was accepted, and return."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See ``uvicorn.Server``."""
        await super().startup(sockets)
        if self.started:
            _settle()
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See ``uvicorn.Server``."""
        self.service.http.api.stop()
        await super().shutdown(sockets)


def _settle() -> None:
    """What is in memory stays: circles need not be looked for in it again and again beside the requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED)


def serve(
    settings: Settings,
    on_ready: Callable[[Ready], None],
    on_server: Callable[[uvicorn.Server], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; blocks. ``port`` 0 takes a free one."""
    if _is_main():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is a loop that can say so
    configure(settings)
    listener = bind(settings)
    settings = replace(settings, port=listener.getsockname()[1])
    with (
        contextlib.closing(listener),
        contextlib.suppress(asyncio.CancelledError),  # told to stop while it started
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, listener, on_ready, on_server))


def end_by_cancelling(*numbers: signal.Signals) -> None:
    """Have these signals cancel this task, once; raised anywhere, one would count as a connection's fault."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def cancel() -> None:
        for number in numbers:
            loop.add_signal_handler(number, lambda: None)  # a second one must not disturb the end
        if task is not None:
            task.cancel()

    for number in numbers:
        loop.add_signal_handler(number, cancel)


def _is_main() -> bool:
    """Whether this thread is the one that may look after signals."""
    return threading.current_thread() is threading.main_thread()


def _keep_serving() -> None:
    """SIGHUP would end the process in the middle of requests, which systemd takes for an end in order."""
    _log.warning(
        "SIGHUP is ignored",
        why="a single process has no workers to replace, and reads its settings at its start: restart it",
    )


async def _serve(
    settings: Settings,
    listener: socket.socket,
    on_ready: Callable[[Ready], None],
    on_server: Callable[[uvicorn.Server], None] | None,
) -> None:
    ours = _is_main()
    if ours:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _keep_serving)
        end_by_cancelling(*_STOPPING)
    async with running_service(settings) as service:
        await warn(settings, service.control)
        first_run = await service.setup()
        owner = await service.first_owner()
        server = Server(service, lambda: on_ready(Ready(settings.local_url, first_run, owner)))
        if on_server:
            on_server(server)
        if ours:  # uvicorn raises once more what it was told
            for number in _STOPPING:
                asyncio.get_running_loop().add_signal_handler(number, server.end)
        await server.run_on(listener)


@dataclass(frozen=True, slots=True)
class Running:
    """A server in a thread of this process."""

    base_url: str
    first_run: FirstRun
    owner: FirstOwner | None


@contextlib.contextmanager
def start_in_thread(settings: Settings) -> Iterator[Running]:
    """Serve a fresh data directory in a thread for as long as the context lasts."""
    ready: list[Ready] = []
    servers: list[uvicorn.Server] = []
    faults: list[BaseException] = []
    started = threading.Event()

    def on_ready(value: Ready) -> None:
        ready.append(value)
        started.set()

    def run() -> None:
        try:
            serve(settings, on_ready, servers.append)
        except BaseException as fault:  # noqa: BLE001 - the caller's thread raises it
            faults.append(fault)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="rosterd-server")
    thread.start()
    started.wait()
    try:
        if faults:
            raise faults[0]
        first_run = ready[0].first_run
        if first_run is None:
            raise ValueError(f"{settings.data} is in use already; a fresh directory is needed here")
        yield Running(ready[0].url, first_run, ready[0].owner)
    finally:
        for server in servers:
            server.should_exit = True
        thread.join()
