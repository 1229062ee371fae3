"""The request log: each SCIM request and what came of it, for the question why a user did not arrive.

It is a help for administrators and no record of changes: events are that. It is written a little after the
answer, in batches, and when more happens than can be kept, successful reads are left out first and counted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
RETENTION_DAYS: Final = 7
HOURS_KEPT: Final = 90 * 24
"""Hours that the counts of a connection are kept, longer than its exchanges."""
MAX_TEXT: Final = 16 * 1024
"""Characters that are kept of a body."""
SCANNED: Final = 20_000
"""Exchanges that one page looks at, at the most: where little fits, it is short, and a cursor leads on."""


class Exchange(NamedTuple):
    """One SCIM request and what came of it; no text in it holds a secret.

    A tuple, as thousands are made a second and a frozen dataclass takes several times as long.
    """

    directory: int
    connection: int
    token: str
    """Id of the token that it was sent with, be it expired, revoked or wrong."""
    at: int
    """When it came, in ms since the epoch."""
    request_id: str
    method: str
    path: str
    """Below the SCIM base URL."""
    query: str
    """The query as readable text."""
    status: int
    microseconds: int
    """From its first byte to the last one of the reply."""
    kind: str | None = None
    """Name of the resource type of the endpoint."""
    resource: str | None = None
    """Id of the resource in the path, or of the one that was made."""
    subject: str | None = None
    """userName or displayName it was about, as sent, looked for or known."""
    tolerated: tuple[str, ...] = ()
    """Names of the profile rewrites that changed something (``scim.profiles.REWRITES``)."""
    scim_type: str | None = None
    detail: str | None = None
    """What the client was told of an error."""
    situation: str = ""
    """Which of the reasons for its status it was (``scim.errors.ScimError.situation``)."""
    other: str = ""
    """Id of the resource that stood in the way."""
    address: str | None = None
    agent: str | None = None
    body: str | None = None
    """The request's body, secrets masked; ``None`` if there was none or it is not kept."""
    body_size: int = 0
    """Bytes of the body; ``body`` is cut if it is more than ``MAX_TEXT``."""
    reply: str | None = None
    """The reply's body, of an error or a bulk request with errors only."""
    left_out: int = 0
    """Requests of this connection shortly before it that are not in the log: there were too many."""

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure of the connection. To a look, that there is nothing is an answer."""
        return self.status >= 400 and not (
            self.status == 404 and self.method == "GET" and self.resource is not None
        )


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """An exchange under its number, which only grows within its directory, roughly with the time."""

    seq: int
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exchanges a page is to have; everything given must hold."""

    status: tuple[int, int] | None = None
    """From and to, both included."""
    method: str | None = None
    resource: str | None = None
    text: str = ""
    """In the subject or path, letter case ignored; or the whole request id."""
    errors: bool = False
    """Only those with a status of 400 and more."""


EVERYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class ExchangePage:
    """Exchanges, newest first. ``before`` leads on to older ones; ``None`` if there are none."""

    rows: tuple[StoredExchange, ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class Hour:
    """What a connection asked in one hour, which begins at ``at`` (ms)."""

    at: int
    ok: int
    failed: int


@dataclass(frozen=True, slots=True)
class Activity:
    """How a connection is doing. Times in ms; ``None`` if it was longer ago than hours are kept."""

    connection: int
    last: int | None
    """Its last request."""
    last_ok: int | None
    """Its last request that was carried out."""
    last_failed: int | None
    """Its last request that failed, as ``Exchange.failed`` has it."""
    hours: tuple[Hour, ...]
    """The hours asked for in which there was something, oldest first."""


HourOf = tuple[int, int, int]
"""Directory, connection, and the number of an hour since the epoch."""


@dataclass(slots=True)
class Count:
    """Requests of a connection in one hour. The last times in ms; 0: none."""

    ok: int = 0
    failed: int = 0
    last_ok: int = 0
    last_failed: int = 0

    def add(self, at: int, times: int = 1, *, failed: bool) -> None:
        """Count a request, or several of which ``at`` is the last."""
        if failed:
            self.failed += times
            self.last_failed = max(self.last_failed, at)
        else:
            self.ok += times
            self.last_ok = max(self.last_ok, at)


NOTHING: Final[Mapping[HourOf, Count]] = MappingProxyType({})


class RequestLog(Protocol):
    """The port of the request log. Times are milliseconds since the epoch."""

    async def add_exchanges(
        self, exchanges: Sequence[Exchange], omitted: Mapping[HourOf, Count] = NOTHING
    ) -> None:
        """Keep exchanges, and count them and those ``omitted`` under their hours: one transaction."""

    async def exchange_page(
        self, directory: int, connection: int | None, before: int | None, limit: int, wanted: Wanted
    ) -> ExchangePage:
        """Exchanges newest first, with a number below ``before``; of one connection, or with ``None`` of all.

        A page looks at ``SCANNED`` of them, so it may be short though more follow.
        """

    async def exchanges_after(
        self, directory: int, connection: int | None, after: int, limit: int, wanted: Wanted
    ) -> tuple[StoredExchange, ...]:
        """Exchanges oldest first, with a number above ``after``, for whoever follows."""

    async def last_exchange(self, directory: int) -> int:
        """The highest number that was given; 0 if there is none."""

    async def exchange(self, directory: int, seq: int) -> StoredExchange | None:
        """One exchange."""

    async def activity(self, directory: int, since: int) -> tuple[Activity, ...]:
        """Each connection that asked anything, with its hours from ``since`` on."""

    async def forget_exchanges(self, directory: int, before: int, limit: int) -> int:
        """Delete the oldest, so many at the most, of before a time; how many there were.

        Hours that are older than ``HOURS_KEPT`` before that time go too.
        """

    async def fence_exchanges(self, directory: int, until: int) -> None:
        """From now on, exchanges that came up to a time are kept as if they had been scrubbed.

        When it returns, all that was kept before this began can be seen, however long it took.
        """

    async def scrub_exchanges(self, directory: int, resource: str, texts: Collection[str]) -> int:
        """Erase a person: delete the exchanges of a resource id, and take out of those that mention one of
        the texts, in any letter case, their subject, path, query, detail and bodies. How many were touched.
        """
