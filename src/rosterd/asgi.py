"""rosterd inside another application: an ASGI application to mount, and handlers of events in its process.

    rosterd = Rosterd(data="rosterd-data")

    @rosterd.on("user.deactivated")
    async def end_sessions(event: Event) -> None: ...

    app = FastAPI(lifespan=rosterd.lifespan)
    app.mount("/rosterd", rosterd)

It runs the background jobs that ``rosterd serve`` runs, in the event loop of the application.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from rosterd.client.models import Event
from rosterd.delivery.handlers import TIMEOUT, Handler
from rosterd.service.feed import parse_types
from rosterd.service.handlers import check_name
from rosterd.wiring import Service, Settings, running_service
from rosterd.wiring.logs import configure_structlog

__all__ = ["Event", "Rosterd"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Function = TypeVar("Function", bound=Callable[[Event], Any])

_UNNAMED: Final = ("<", "__main__")  # names that another start may not give again


class Rosterd:
    """A rosterd over a data directory. ``settings`` are those of ``rosterd serve``, in lower case.

    What is not given is read from the environment. Nothing is opened before the application starts, or,
    where the framework says nothing of that, before the first request. Below a prefix the console is not
    served, as its pages have their addresses from the root: ``console=True`` is for who mounts it there.
    Raises ``SettingsError``.
    """

    def __init__(self, data: str | Path | None = None, *, console: bool = False, **settings: Any) -> None:
        self._settings = Settings.from_env(data=data, **settings)
        self._console = console
        self._handlers: dict[str, Handler] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[Service] | None = None
        self._stop: asyncio.Event | None = None

    def on(
        self, *types: str, name: str | None = None, timeout: float = TIMEOUT
    ) -> Callable[[Function], Function]:
        """Call the function with every event of these types (none: of all), such as ``user.*``.

        At least once, in order within a directory, from the first start with it on; it is tried again while
        it raises, and the events behind wait. ``name`` is what its place in the feed is kept under, module
        and name of the function unless given. A function that is not async runs in a thread. One that has
        not returned after ``timeout`` seconds has failed: an async one is cancelled, a thread goes on, and
        the next attempt waits for what comes of it.
        Raises ``ValueError`` for a name that is taken or will not stay and for a timeout that is none,
        ``InvalidValue`` for the types, ``TypeError`` for one that is no text.
        """
        if not all(isinstance(each, str) for each in types):
            raise TypeError("write @rosterd.on('user.created', 'user.deleted'), or @rosterd.on() for all")
        if not timeout > 0:
            raise ValueError("a timeout is a number of seconds above 0")
        wanted = ",".join(types)
        parse_types(wanted)

        def register(function: Function) -> Function:
            kept = name or f"{function.__module__}:{getattr(function, '__qualname__', '<unnamed>')}"
            if name is None and any(part in kept for part in _UNNAMED):
                raise ValueError(f"{kept} is no lasting name; give the handler one with name='…'")
            check_name(kept)
            if kept in self._handlers:
                raise ValueError(f"there is a handler {kept!r} already; give this one another name='…'")
            if self._ready is not None:
                raise ValueError(f"the handler {kept!r} comes too late: rosterd is running already")
            self._handlers[kept] = Handler(kept, wanted, function, timeout)
            return function

        return register

    @contextlib.asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Run for as long as the context lasts: the lifespan of a FastAPI, Starlette or Litestar application.

        Who has one already enters this in it: ``async with rosterd.lifespan(): yield``.
        """
        await self.open()
        try:
            yield
        finally:
            await self.close()

    async def open(self) -> Service:
        """The running service; it is started if it is not running."""
        if self._keeper is None or self._ready is None or self._keeper.done():
            self._ready = asyncio.get_running_loop().create_future()
            self._stop = asyncio.Event()
            self._keeper = asyncio.create_task(self._keep(self._ready, self._stop))
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        """End what is under way, write down what is to be kept, and close the data directory."""
        keeper, self._keeper, self._ready = self._keeper, None, None
        if keeper is not None and self._stop is not None:
            self._stop.set()
            await keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or keep to the lifespan of a server whose only application this is."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        service = await self.open()
        if asyncio.get_running_loop().get_task_factory() is not None:
            await asyncio.sleep(0)  # begun at once, it would be of the turn before (store/turn.py)
        site = service.http.site if self._console else service.http.site.without_console()
        await site(scope, receive, send)

    def below(self, prefix: str) -> App:
        """The same for a framework that takes the prefix off without a word and adds a slash: Litestar."""

        async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                root = scope.get("root_path", "")
                path = _under(scope["path"].removeprefix(root).rstrip("/") or "/", prefix)
                scope = {**scope, "root_path": root + prefix, "path": root + path}
            await self(scope, receive, send)

        return mounted

    def beside(self, app: App, prefix: str) -> App:
        """One application of both: this one below the prefix, ``app`` elsewhere. Django mounts no other."""

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
            if scope["type"] == "lifespan" or path == prefix or path.startswith(prefix + "/"):
                await self.below(prefix)(scope, receive, send)
            else:
                await app(scope, receive, send)

        return both

    async def _keep(self, ready: "asyncio.Future[Service]", stop: asyncio.Event) -> None:
        """Hold everything open until it is told to stop, or the event loop ends."""
        if not structlog.is_configured():
            configure_structlog(self._settings)
        try:
            async with running_service(self._settings, tuple(self._handlers.values())) as service:
                ready.set_result(service)
                try:
                    await stop.wait()
                finally:
                    service.http.api.stop()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)
        finally:
            ready.cancel()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.open()
        except Exception as error:  # noqa: BLE001 - the server says what it was and ends
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})


def _under(path: str, prefix: str) -> str:
    return path if path == prefix or path.startswith(prefix + "/") else prefix + path
