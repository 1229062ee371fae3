"""Structured logs on standard error: one line an event, no secret, no personal data at info level.

A traceback is logged without local variables: among them would be tokens and people. A line that cannot be
written, since the disk is full, is lost; it is no fault of what it tells of.
"""

import asyncio
import atexit
import json
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
import structlog

from rosterd.wiring.settings import Settings


def configure(settings: Settings, worker: int | None = None) -> None:
    """Set up logging for this process; each line of a ``worker`` says which it is."""
    configure_structlog(settings, worker)
    logging.basicConfig(level=max(_level(settings), logging.WARNING), handlers=[_OfLibraries()])


def configure_structlog(settings: Settings, worker: int | None = None) -> None:
    """Set up what rosterd itself logs; the rest of the process stays as it is."""
    level = _level(settings)
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        *(() if worker is None else (partial(_of_worker, worker),)),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if console:
        structlog.configure(
            processors=[
                *shared,
                structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=_always(_Lines(sys.stderr, "\n")),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[
                *shared,
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(serializer=_as_json),
            ],
            wrapper_class=_quick(level, {} if worker is None else {"worker": worker}),
            logger_factory=_always(_Lines(sys.stderr.buffer, b"\n")),
            cache_logger_on_first_use=True,
        )


class _OfLibraries(logging.Handler):
    """What libraries log becomes lines like ours, with the name of their ``logger``."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        method = {logging.CRITICAL: log.critical, logging.ERROR: log.error}.get(record.levelno, log.warning)
        more = {"exc_info": record.exc_info} if record.exc_info else {}
        try:
            method(record.getMessage(), logger=record.name, **more)
        except Exception:  # noqa: BLE001 - as any handler does: a library's mistake in logging is no more than that
            self.handleError(record)


def _always(lines: "_Lines") -> Callable[..., "_Lines"]:
    return lambda *_: lines


class _Lines:
    """Writes lines to a stream, and never raises for that.

    Those at info level that one turn of an event loop leaves are written together at its end.
    """

    def __init__(self, stream: Any, end: Any) -> None:
        self._stream = stream
        self._end = end
        self._waiting: deque[Any] = deque()
        self._turn: asyncio.AbstractEventLoop | None = None
        """Who is to write what waits, unless another thread does before."""
        atexit.register(self._write)

    def msg(self, line: Any) -> None:
        """Write it now, behind those that wait."""
        self._waiting.append(line)
        self._write()

    def info(self, *lines: Any) -> None:
        """Write them with the others of their turn."""
        self._waiting.extend(lines)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop is to come back here
            self._write()
            return
        if self._turn is not loop:  # nobody, or one that may be closed before it comes back
            self._turn = loop
            loop.call_soon(self._write)

    debug = warning = error = critical = exception = fatal = msg

    def _write(self) -> None:
        self._turn = None  # before they are taken: who leaves another one now does not rely on this
        lines: list[Any] = []
        try:
            lines.extend(iter(self._waiting.popleft, None))
        except IndexError:  # all are taken, perhaps some of them by another thread
            lines.append(self._end[:0])
        if len(lines) == 1:
            return
        with suppress(OSError, ValueError):
            self._stream.write(self._end.join(lines))
            self._stream.flush()


def _as_json(line: Mapping[str, object], default: Callable[[Any], Any]) -> bytes:
    try:
        return orjson.dumps(line, default=default)
    except TypeError:  # half a surrogate pair, as in the name of a file that is not UTF-8
        return json.dumps(line, default=str).encode()


def _quick(level: int, also: Mapping[str, object]) -> Any:
    """A logger whose lines at info level, as each request leaves one, do not go through every processor."""
    usual: Any = structlog.make_filtering_bound_logger(level)
    if level > logging.INFO:
        return usual

    class Quick(usual):  # type: ignore[misc]
        def info(self, event: str, /, *args: object, **fields: object) -> Any:
            if args or self._context or "exc_info" in fields:
                return super().info(event, *args, **fields)
            if also:
                fields.update(also)
            fields["event"], fields["level"], fields["timestamp"] = event, "info", datetime.now(UTC)
            return self._logger.info(_dumped(fields))

        def together(self, event: str, several: Iterable[dict[str, Any]]) -> None:
            """Lines of the same event at the same moment, of fields that nobody uses afterwards."""
            more = {**self._context, **also, "event": event, "level": "info", "timestamp": datetime.now(UTC)}
            lines = []
            for fields in several:
                fields.update(more)
                lines.append(_dumped(fields))
            self._logger.info(*lines)

    return Quick


def _dumped(fields: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields, repr, orjson.OPT_UTC_Z)
    except TypeError:
        return _as_json(fields, repr)


def _of_worker(worker: int, logger: object, method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "worker": worker}


def _level(settings: Settings) -> int:
    return logging.getLevelNamesMapping()[settings.log_level.upper()]
