"""Structured logs on standard error: one line an event, no secret, no personal data at info level.

A traceback is logged without local variables: among them would be tokens and people.
"""

import logging
import sys
from typing import Any

import orjson
import structlog

from rosterd.wiring.settings import Settings


def configure(settings: Settings) -> None:
    """Set up logging for this process."""
    configure_structlog(settings)
    logging.basicConfig(level=max(_level(settings), logging.WARNING), stream=sys.stderr, format="%(message)s")


def configure_structlog(settings: Settings) -> None:
    """Set up what rosterd itself logs; the rest of the process stays as it is."""
    level = _level(settings)
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
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
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[
                *shared,
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(serializer=orjson.dumps),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            cache_logger_on_first_use=True,
        )


def _level(settings: Settings) -> int:
    return logging.getLevelNamesMapping()[settings.log_level.upper()]
