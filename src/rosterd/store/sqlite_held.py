"""A directory in the transaction that is open: what waits to be written, beside what is known of it.

numbers    are given out in memory
waiting    resources whose unique values are known to be free, changes of those that are known to live, and
           events: by one statement for each table, before any other statement and at the end
unit       undone alone: what waits of it is thrown away. It gets a savepoint at its first statement
part       of a unit that is undone alone, with a savepoint at once
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from rosterd.service.ahead import Ahead
from rosterd.service.events import Event
from rosterd.service.standing import Standing
from rosterd.store.database import is_unavailable
from rosterd.store.queries import SQLITE
from rosterd.store.rows import Row, as_json
from rosterd.store.sqlite_known import Known
from rosterd.store.sqlite_run import write_rows

T = TypeVar("T")

VALUES: Final = "values"
"""Rows of the index, each with whether it shall be in it."""
_WAITING: Final = (
    "insert_unique", "insert_resource", "update_resource", VALUES, "owe_parts", "set_loss", "append_event",
)  # fmt: skip
"""What may wait, in the order in which it is written."""
_KEYS: Final[Mapping[str, int]] = {"update_resource": 2, "set_loss": 2}
"""How many columns say what is written; of what waits for the same, the last is."""


class Apart(Exception):
    """What was to be done for several units at once cannot be: each must be carried out by itself."""


class Held:
    """For units of work of one directory, one after the other."""

    __slots__ = (
        "_changes", "_last", "_lists", "_mark", "_open", "_told",
        "connection", "directory", "known", "revision", "standings", "waiting", "wrote",
    )  # fmt: skip

    def __init__(self, connection: sqlite3.Connection, directory: int) -> None:
        self.connection = connection
        self.directory = directory
        self.known = Known()
        self.standings: dict[int, Standing] = {}
        self.revision: int | None = None
        """Of what the directory defines, if that was asked for."""
        self.wrote = False
        """Whether anything was written that stays."""
        self.waiting: Final[Mapping[str, list[Row]]] = {name: [] for name in _WAITING}
        """Rows that are written before the next statement, whatever it is; it is certain that they can be."""
        self._lists = tuple(self.waiting.values())
        self._last: int | None = None
        """The newest number, if one was asked for; and what the table says of it."""
        self._told: int | None = None
        self.begin()

    def begin(self) -> None:
        """A unit begins."""
        self.known.begin()
        self._mark = _Place(tuple(map(len, self._lists)), 0, self._last)
        self._open = False

    def keep(self) -> None:
        """The unit is over."""
        if self._open:
            self.connection.execute("RELEASE unit")
            self.wrote |= self.connection.total_changes > self._changes

    def undo(self) -> None:
        """The unit has failed: nothing of it stays."""
        if self._open:
            self.connection.execute("ROLLBACK TO unit")
            self.connection.execute("RELEASE unit")
        self._cut()

    @contextmanager
    def part(self) -> Iterator[None]:
        """Undo what happens inside, and only that, if it raises."""
        connection = self.direct()
        mark, self._mark = self._mark, self._place()
        connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if connection.in_transaction:  # else SQLite has given the whole of it up
                connection.execute("ROLLBACK TO part")
                connection.execute("RELEASE part")
                self._cut()
            raise
        else:
            self.direct().execute("RELEASE part")
        finally:
            self._mark = mark

    def finish(self) -> None:
        """Write what waits, between two units. Raises ``Apart`` if it cannot be, and SQLite's errors."""
        before = self.connection.total_changes
        self._write(self._place())
        self.wrote |= self.connection.total_changes > before

    def direct(self) -> sqlite3.Connection:
        """The connection, for statements of the unit, which see all that was done before."""
        if not self._open:
            before = self.connection.total_changes
            self._write(self._mark)
            self._mark = _Place((0,) * len(_WAITING), 0, self._mark.last)
            self._changes = self.connection.total_changes
            self.wrote |= self._changes > before
            self.connection.execute("SAVEPOINT unit")
            self._open = True
        self._write(self._place())
        return self.connection

    async def read(self, work: Callable[[sqlite3.Connection], T], *, quick: bool) -> T:
        """See ``sqlite_run.Run``."""
        return work(self.direct())

    def run(self, name: str, *parameters: Any) -> sqlite3.Cursor:
        """Run a statement of the directory."""
        connection = self.direct()
        self.known.harm(name, parameters)
        return connection.execute(SQLITE[name], (self.directory, *parameters))

    def look_at(self, name: str, *parameters: Any) -> Row | None:
        """The first row of a statement that reads what never waits."""
        row: Row | None = self.connection.execute(SQLITE[name], (self.directory, *parameters)).fetchone()
        return row

    def many(self, name: str, rows: Sequence[Row]) -> None:
        """Run a statement that writes for each of these rows, which begin with the directory."""
        if rows:
            connection = self.direct()
            for row in rows:
                self.known.harm(name, row[1:])
            write_rows(connection, name, rows)

    def next(self) -> int:
        """Another number."""
        if self._last is None:
            edges = self.look_at("feed_edges")
            self._last = self._told = int(edges[0]) if edges else 0
        self._last += 1
        return self._last

    def tell(self, event: Event) -> int:
        """Give an event its number, and write it."""
        seq = self.next()
        self.waiting["append_event"].append((
            self.directory, seq, event.type, event.kind, event.resource, event.at, event.connection,
            event.request_id, as_json(event.data),
        ))  # fmt: skip
        return seq

    def look(self, several: Sequence[Ahead]) -> None:
        """Look up what these units are going to look for."""
        self.known.look(self.connection, self.directory, several)

    def _place(self) -> "_Place":
        return _Place(tuple(map(len, self._lists)), self.known.place(), self._last)

    def _write(self, place: "_Place") -> None:
        """Write what waits before a place."""
        counted = place.last is not None and place.last != self._told
        if not counted and not any(place.ends):
            return
        try:
            for (name, rows), end in zip(self.waiting.items(), place.ends, strict=True):
                if end:
                    _put(self.connection, name, rows[:end])
                    del rows[:end]
            if counted:
                self.connection.execute(SQLITE["note_seq"], (self.directory, place.last))
                self._told = place.last
        except Exception as error:
            if is_unavailable(error):
                raise
            raise Apart from error

    def _cut(self) -> None:
        """Forget what is behind the mark; what of it was written is undone."""
        for rows, end in zip(self._lists, self._mark.ends, strict=True):
            del rows[end:]
        self.known.back(self._mark.known)
        if self._open:
            self._told = self._mark.last
            self.standings.clear()
            self.revision = None
        self._last = self._mark.last


class _Place(NamedTuple):
    """A moment of a transaction."""

    ends: tuple[int, ...]
    """Where what waits ended."""
    known: int
    last: int | None


def _put(connection: sqlite3.Connection, name: str, rows: Sequence[Row]) -> None:
    """Write rows that waited. Raises SQLite's errors, and ``LookupError`` if a resource is not there."""
    if name == VALUES:
        last: dict[Row, bool] = dict(rows)
        added = [value for value, shall in last.items() if shall]
        if len(added) < len(last):
            write_rows(connection, "delete_value", [value for value, shall in last.items() if not shall])
        write_rows(connection, "insert_value", added)
        return
    if name in _KEYS:
        rows = list({row[: _KEYS[name]]: row for row in rows}.values())
    if write_rows(connection, name, rows) < len(rows):
        raise LookupError("a resource that is changed is not there")


def append(connection: sqlite3.Connection, directory: int, event: Event) -> None:
    """Write an event in a transaction that changes something else than the directory."""
    held = Held(connection, directory)
    held.tell(event)
    held.finish()
