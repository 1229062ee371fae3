"""One row of the console's table: a page, or a form that is sent; who may, and what answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rosterd.console.context import Console
from rosterd.console.request import PageRequest
from rosterd.http.reply import Reply

Handler = Callable[[Console, PageRequest], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Page:
    """One method at one kind of address. A POST is believed only with its session's CSRF token."""

    method: str
    """``GET`` (and HEAD) or ``POST``."""
    template: str
    """The path, with ``{parameters}`` of one segment each."""
    role: str | None
    """The least role (``service.visitor``) that may; ``None``: anybody, with or without a session."""
    handler: Handler
    setup: bool = False
    """Whether somebody with a set-up link may too, for the connection of the link."""
    most: int = 1024 * 1024
    """Bytes of the largest form that is taken."""
