"""A message for a handler is a call of it in this process; whatever it raises is a failed attempt.

Functions that are not async run in threads of their own, so that a slow one holds up neither the event loop
nor anybody else's threads.
"""

import asyncio
import contextvars
import inspect
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog

from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint, Outcome

_log = structlog.get_logger("rosterd.delivery")

THREADS: Final = 32
"""Handlers that are not async and run at once."""
KEPT_ERROR: Final = 300
"""Characters of an exception's text that the log of deliveries keeps."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function under the name that its place is kept by; ``types`` as the feed takes them."""

    name: str
    types: str
    call: Callable[[Any], Any]


class HandlerSender:
    """See ``rosterd.service.webhook_admin.Sender``; ``handlers`` are known by the id of their endpoint."""

    def __init__(self, handlers: Mapping[str, Handler], now: Callable[[], int]) -> None:
        self._handlers = handlers
        self._now = now
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rosterd-handler")

    async def send(self, endpoint: Endpoint, message: Message) -> Outcome:
        """Call the handler with the event; it has been handled when the handler returns."""
        at = self._now()
        started = time.monotonic()
        error = ""
        try:
            await self._call(self._handlers[endpoint.id], orjson.loads(message.body))
        except Exception as fault:  # noqa: BLE001 - it is the application's, and its event is tried again
            _log.error("handler failed", handler=endpoint.url, message=message.id, exc_info=fault)
            error = f"{type(fault).__name__}: {fault}"[:KEPT_ERROR].rstrip(": ")
        return Outcome(at, int((time.monotonic() - started) * 1000), error=error)

    def close(self) -> None:
        """Begin no more calls; those in threads go on to their end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _call(self, handler: Handler, event: Any) -> None:
        if inspect.iscoroutinefunction(handler.call):
            await handler.call(event)
            return
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, context.run, handler.call, event)
        if inspect.isawaitable(
            result
        ):  # an object whose __call__ is async, or a partial of an async function
            await result
