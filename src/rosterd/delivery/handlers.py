"""A message for a handler is a call of it in this process; whatever it raises is a failed attempt.

Functions that are not async run in threads of their own, so that a slow one holds up neither the event loop
nor another handler. A call that takes too long is a failed attempt; an async one is cancelled.
"""

import asyncio
import contextvars
import inspect
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog

from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint, Outcome

_log = structlog.get_logger("rosterd.delivery")

THREADS: Final = 16
"""Calls at once of one handler that is not async."""
TIMEOUT: Final = 60.0
"""Seconds that a handler may take for an event."""
KEPT_ERROR: Final = 300
"""Characters of an exception's text that the log of deliveries keeps."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function under the name that its place is kept by; ``types`` as the feed takes them."""

    name: str
    types: str
    call: Callable[[Any], Any]
    timeout: float = TIMEOUT
    """Seconds."""


class HandlerSender:
    """See ``rosterd.service.webhook_admin.Sender``; ``handlers`` are known by the id of their endpoint."""

    def __init__(self, handlers: Mapping[str, Handler], now: Callable[[], int]) -> None:
        self._handlers = handlers
        self._now = now
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._late: dict[tuple[str, str], Future[Any]] = {}
        """Calls that were given up and cannot be stopped, by handler and message."""

    async def send(self, endpoint: Endpoint, message: Message) -> Outcome:
        """Call the handler with the event; it has been handled when the handler returns."""
        at = self._now()
        started = time.monotonic()
        error = ""
        handler = self._handlers[endpoint.id]
        limit = asyncio.timeout(handler.timeout)
        try:
            async with limit:
                await self._call(handler, message)
        except (Exception, SystemExit, asyncio.CancelledError) as fault:
            if _is_told_to_stop():
                raise
            _log.error("handler failed", handler=endpoint.url, message=message.id, exc_info=fault)
            error = f"{type(fault).__name__}: {fault}"[:KEPT_ERROR].rstrip(": ")
            if limit.expired():
                error = f"The handler did not return within {handler.timeout:g} s."
        return Outcome(at, int((time.monotonic() - started) * 1000), error=error)

    def close(self) -> None:
        """Begin no more calls; those in threads go on to their end."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    async def _call(self, handler: Handler, message: Message) -> None:
        if inspect.iscoroutinefunction(handler.call):
            await handler.call(orjson.loads(message.body))
            return
        # What is late goes on in its thread: the next attempt waits for it, and does not call a second time.
        key = (handler.name, message.id)
        call = self._late.pop(key, None)
        if call is None:
            context = contextvars.copy_context()
            event = orjson.loads(message.body)
            call = self._pool(handler).submit(context.run, handler.call, event)
        try:
            result = await asyncio.shield(asyncio.wrap_future(call))
        except asyncio.CancelledError:
            if _is_told_to_stop() and not call.cancel():
                self._late[key] = call
            raise
        if inspect.isawaitable(result):  # an object whose __call__ is async, or a partial of such a function
            await result

    def _pool(self, handler: Handler) -> ThreadPoolExecutor:
        if handler.name not in self._pools:
            self._pools[handler.name] = ThreadPoolExecutor(THREADS, thread_name_prefix="rosterd-handler")
        return self._pools[handler.name]


def _is_told_to_stop() -> bool:
    """Whether it is this task that is cancelled; else what the handler waited for was."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
