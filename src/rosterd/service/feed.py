"""The event feed as the application sees it: pages, waiting, following, snapshots, retention.

Whoever goes on from the cursor it was given misses no event and gets none twice. A cursor is a place
in one directory's feed, sealed (``scim/cursor.py``). It holds for as long as the events behind it are
kept; later it is refused with ``Gone``, and never answered with a feed that has a hole.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rosterd.scim import cursor, errors
from rosterd.scim.membership import has_members
from rosterd.scim.render import format_time
from rosterd.scim.schema import Model
from rosterd.service.changes import EVENTS
from rosterd.service.control import Control, Directory
from rosterd.service.events import StoredEvent
from rosterd.service.mapping import NOTHING
from rosterd.service.measures import LAGS, Tally
from rosterd.service.ports import Reader, Store, Stored
from rosterd.service.reading import pages, visible

SCHEMA_VERSION: Final = 1
"""Of the event document: a new attribute does not change it, anything else does."""

NOW: Final = "now"
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
MAX_WAIT: Final = 30
"""Seconds."""
MAX_TYPES: Final = 20
HEARTBEAT: Final = 15
"""Seconds after which who follows is told that nothing happened."""
FOLLOW_LIMIT: Final = 100
"""Events to a page for who follows: what is held in memory for a slow client."""
FORGET_BATCH: Final = 1000
SNAPSHOT_ROWS: Final = 200
SNAPSHOT_MEMBERS: Final = 1000

ENDS_SESSIONS: Final = frozenset(("user.deactivated", "user.deleted"))
"""An account that can no longer log in must not stay logged in."""
_SLICE: Final = 1.0  # seconds of waiting, between which it is asked whether the server stops
_NEVER: Final = 1 << 62  # ms; a cursor ends with the events behind it, not with time
_VERBS: Final = frozenset(type.partition(".")[2] for type in EVENTS)
_VERBS_OF: Final = {
    noun: frozenset(verb for of, _, verb in (type.partition(".") for type in EVENTS) if of == noun)
    for noun in ("user", "group")
}
"""What happens to these is known; another noun may be a resource type of a directory's own."""
# pattern = "*" / resource ".*" / resource "." verb-prefix "*" / resource "." verb
_PATTERN: Final = re.compile(r"\*|([a-z][A-Za-z0-9_-]*)\.([a-z_]*)(\*?)")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of event documents; ``cursors[i]`` is the place behind ``events[i]``."""

    events: tuple[Record, ...]
    cursors: tuple[str, ...]
    next: str
    """Where to go on; also when there is no event."""
    more: bool
    """Whether it is known that there is something to look at behind ``next``."""


@dataclass(frozen=True, slots=True)
class Want:
    """What is asked of the feed: of these types (none: of all), so many to a page, waiting so long (s)."""

    types: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    wait: int = 0


def parse_types(text: str) -> tuple[str, ...]:
    """``user.created,group.*`` → patterns. Raises ``InvalidValue`` for what no event can ever match."""
    patterns = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(patterns) > MAX_TYPES:
        raise errors.InvalidValue(f"types: at most {MAX_TYPES} types, not {len(patterns)}.")
    for pattern in patterns:
        found = _PATTERN.fullmatch(pattern)
        if found is None:
            raise errors.InvalidValue(
                f"types: '{pattern[:100]}' is not a type of event such as 'user.created', 'user.*' or '*'."
            )
        noun, verb, star = found.groups()
        verbs = _VERBS_OF.get(noun, _VERBS)
        known = verb is None or (any(v.startswith(verb) for v in verbs) if star else verb in verbs)
        if not known:
            raise errors.InvalidValue(
                f"types: there are no events '{pattern}'; behind '{noun}.' stands one of "
                f"{', '.join(sorted(verbs))}, or '*'."
            )
    return patterns


def document(stored: StoredEvent, directory: Directory, connections: Mapping[int, str]) -> Record:
    """The event as the application gets it, by every way of delivery alike."""
    event = stored.event
    data = dict(event.data)
    if event.type in ENDS_SESSIONS:
        data["sessions"] = "revoke"
    return {
        "id": f"{directory.id}-{stored.seq}",
        "type": event.type,
        "schemaVersion": SCHEMA_VERSION,
        "directory": directory.name,
        "time": format_time(event.at),
        "resource": {"type": event.kind, "id": event.resource},
        "cause": {"connection": connections.get(event.connection), "requestId": event.request_id},
        "data": data,
    }


class Feed:
    """Reads of the feed. ``now`` gives ms, ``secret`` seals cursors; ``stopping`` ends whoever waits."""

    def __init__(
        self,
        store: Store,
        control: Control,
        now: Callable[[], int],
        secret: bytes,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._control = control
        self._now = now
        self._secret = secret
        self._stopping = stopping
        self.lag = Tally(LAGS)
        """Seconds that the first event of each page had waited for its reader."""

    async def place(self, directory: Directory, after: str | None) -> int:
        """The number to go on behind: of a cursor, of the present end (``"now"``), or of the beginning.

        Raises ``InvalidCursor`` for a cursor that is not of this directory, ``Gone`` for one whose
        events are not kept any more.
        """
        edges = await self._store.reader(directory.id).feed(0, 0)
        if not after:
            return edges.forgotten
        if after == NOW:
            return edges.last
        place = cursor.unseal(after, binding=_binding(directory), secret=self._secret, now=self._now())
        # Ahead of the feed is a cursor if the database was put back to an earlier state.
        if place.seq < edges.forgotten or place.seq > edges.last:
            raise _gone(directory)
        if await self._store.reader(directory.id).undone(place.seq):
            raise _gone(directory)
        return place.seq

    def cursor(self, directory: Directory, seq: int) -> str:
        """The cursor of the place behind this number."""
        return cursor.seal(seq, None, binding=_binding(directory), secret=self._secret, expires=_NEVER)

    async def page(self, directory: Directory, after: int, want: Want) -> tuple[Page, int]:
        """The next page and its number; if there is nothing yet, it waits. Raises ``Gone``."""
        reader = self._store.reader(directory.id)
        end = self._now() + want.wait * 1000
        while True:
            found = await reader.feed(after, want.limit, want.types)
            if after < found.forgotten:
                raise _gone(directory)
            after = found.through
            left = (end - self._now()) / 1000
            more = after < found.last
            if found.events or left <= 0 or self._stopping():
                return await self._told(directory, found.events, after, more), after
            if not more:
                await self._store.changed(directory.id, after, min(left, _SLICE))

    async def follow(
        self, directory: Directory, after: int, types: tuple[str, ...] = ()
    ) -> AsyncIterator[Page]:
        """Pages as events happen, and an empty one every ``HEARTBEAT`` seconds, until the server stops.

        It reads on only when it is asked for the next page. Raises ``Gone``.
        """
        want = Want(types, FOLLOW_LIMIT, HEARTBEAT)
        while not self._stopping():
            page, after = await self.page(directory, after, want)
            yield page

    async def snapshot(self, directory: Directory, model: Model) -> AsyncGenerator[list[Record]]:
        """Everything that is live, as of one moment, in portions, with the cursor to go on from.

        Users and custom resources come first, then each group with its members. The last record is
        ``end``; without it the snapshot is not complete. Raises ``StoreUnavailable`` if too many are
        being read, or if it takes too long.
        """
        types = model.types.values()
        async with self._store.snapshot(directory.id) as reader:
            edges = await reader.feed(0, 0)
            yield [
                {
                    "record": "snapshot",
                    "schemaVersion": SCHEMA_VERSION,
                    "directory": directory.name,
                    "time": format_time(self._now()),
                    "cursor": self.cursor(directory, edges.last),
                }
            ]
            maps = await reader.mapping() is not None
            resources = members = pending = 0
            for targets in ([t for t in types if not has_members(t)], [t for t in types if has_members(t)]):
                async for rows in pages(reader, targets, SNAPSHOT_ROWS):
                    portion = await _records(reader, rows, maps=maps)
                    resources += len(portion)
                    yield portion
                    for row in rows:
                        if not has_members(model.types[row.kind]):
                            continue
                        async for some in _members(reader, row.id):
                            members += len(some["members"])
                            yield [some]
                        async for waiting in _pending(reader, row.id):
                            pending += len(waiting["values"])
                            yield [waiting]
            yield [{"record": "end", "resources": resources, "members": members, "pending": pending}]

    async def forget(self, days: int) -> int:
        """Delete the events of all directories that are older than so many days, a few at a time."""
        before, gone = self._now() - days * 86_400_000, 0
        for directory in await self._control.directories():
            while not self._stopping():
                count = await self._store.write(
                    directory.id, lambda tx: tx.forget_events(before, FORGET_BATCH)
                )
                gone += count
                if count < FORGET_BATCH:
                    break
        return gone

    async def _told(
        self, directory: Directory, events: tuple[StoredEvent, ...], through: int, more: bool
    ) -> Page:
        names: Mapping[int, str] = {}
        if events:
            self.lag.add((self._now() - events[0].event.at) / 1000)
            names = await self._control.connection_names(directory.id)
        return Page(
            events=tuple(document(each, directory, names) for each in events),
            cursors=tuple(self.cursor(directory, each.seq) for each in events),
            next=self.cursor(directory, through),
            more=more,
        )


def lines(records: list[Record]) -> bytes:
    """JSON Lines."""
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)


async def _members(reader: Reader, group: str) -> AsyncIterator[Record]:
    after: str | None = None
    while True:
        some = await reader.members(group, after, SNAPSHOT_MEMBERS)
        if some:
            after = some[-1].value
            listed = [{"type": member.type, "id": member.value} for member in some]
            yield {"record": "members", "group": group, "members": listed}
        if len(some) < SNAPSHOT_MEMBERS:
            return


async def _pending(reader: Reader, group: str) -> AsyncIterator[Record]:
    after: str | None = None
    while True:
        some = await reader.pending(group, after, SNAPSHOT_MEMBERS)
        if some:
            after = some[-1].value
            yield {"record": "pending", "group": group, "values": [member.value for member in some]}
        if len(some) < SNAPSHOT_MEMBERS:
            return


async def _records(reader: Reader, rows: Sequence[Stored], *, maps: bool) -> list[Record]:
    """The records of resources; a user's has what the mapping made of it, if there is a mapping."""
    records = list(map(_record, rows))
    if maps:
        mapped = await reader.projections([row.id for row in rows])
        for record, row in zip(records, rows, strict=True):
            if row.kind == "User":
                record["mapped"] = mapped.get(row.id, NOTHING)
    return records


def _record(row: Stored) -> Record:
    return {
        "record": "resource",
        "resource": {"type": row.kind, "id": row.id},
        "version": row.version,
        "created": format_time(row.created),
        "lastModified": format_time(row.modified),
        "attributes": visible(row),
    }


def _binding(directory: Directory) -> bytes:
    return cursor.binding(
        endpoint="events", filter=None, sort_by=None, descending=False,
        directory=directory.id, connection=None,
    )  # fmt: skip


def _gone(directory: Directory) -> errors.Gone:
    return errors.Gone(
        "The events behind this cursor are not kept any more. Take a snapshot of directory "
        f"'{directory.name}' (GET /api/v1/snapshot) and go on from the cursor in it."
    )
