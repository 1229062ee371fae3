"""A directory in the transaction that is open: what is known of it, and what waits to be written.

look       asks once for what many units are going to look for (``service.ahead``): nobody else can write now
numbers    are given out in memory
waiting    resources whose unique values are known to be free, and events: by one statement for each table,
           before any other statement and at the end
unit       undone alone: what waits of it is thrown away. It gets a savepoint at its first statement
part       of a unit that is undone alone, with a savepoint at once
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from rosterd.service.ahead import TRACES, Ahead, sought
from rosterd.service.events import Event
from rosterd.service.ports import UniqueViolation
from rosterd.service.standing import Standing
from rosterd.store.database import is_unavailable
from rosterd.store.queries import SQLITE
from rosterd.store.rows import Row, as_json
from rosterd.store.sqlite_run import insert_rows

_WAITING: Final = ("insert_unique", "insert_resource", "insert_value", "owe_parts", "append_event")
_HARMLESS: Final = frozenset(
    (
        "insert_resource", "update_resource", "touch_resource", "revive_resource", "erase_resource",
        "insert_value", "delete_value", "owe_parts", "append_event", "put_members", "join_groups",
        "delete_members", "delete_other_members", "leave_groups", "dismiss_members", "take_pending",
        "delete_pending", "delete_other_pending", "dismiss_pending", "delete_adopted", "set_loss",
        "put_projection", "delete_projection",
    )
)  # fmt: skip
"""Statements that write, and make nothing wrong of what is known."""
_HARM: Final[Mapping[str, tuple[str, Any]]] = {
    "put_adopted": ("adopted", 0),
    "retain_resource": ("retained", slice(1, 4)),
    "insert_unique": ("unique", slice(3)),
    "delete_unique": ("unique", slice(3)),
}
"""Those that make one thing wrong, and which parameters say what; after all others nothing is known."""
_READS: Final = frozenset(name for name, text in SQLITE.items() if text.startswith("SELECT"))
_NUL: Final = "\\u0000"
"""SQLite's JSON ends a text here."""


class Apart(Exception):
    """What was to be done for several units at once cannot be: each must be carried out by itself."""


class Held:
    """For units of work of one directory, one after the other."""

    __slots__ = (
        "_changes", "_found", "_free", "_last", "_mark", "_open", "_told", "_took", "_waiting",
        "connection", "directory", "revision", "sight", "standings", "wrote",
    )  # fmt: skip

    def __init__(self, connection: sqlite3.Connection, directory: int) -> None:
        self.connection = connection
        self.directory = directory
        self.standings: dict[int, Standing] = {}
        self.revision: int | None = None
        """Of what the directory defines, if that was asked for."""
        self.wrote = False
        """Whether anything was written that stays."""
        self._waiting: dict[str, list[Row]] = {name: [] for name in _WAITING}
        self._last: int | None = None
        """The newest number, if one was asked for; and what the table says of it."""
        self._told: int | None = None
        self._took: list[tuple[str, str, str]] = []
        """Unique values that the unit took."""
        self._forget()
        self.begin()

    def begin(self) -> None:
        """A unit begins."""
        self._took.clear()
        self._mark = self._place()
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

    def run(self, name: str, *parameters: Any) -> sqlite3.Cursor:
        """Run a statement of the directory."""
        connection = self.direct()
        self._writes(name, parameters)
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
                self._writes(name, row[1:])
            connection.executemany(SQLITE[name], rows)

    def later(self, name: str, rows: Sequence[Row]) -> None:
        """Write these rows before the next statement, whatever it is; it is certain that they can be."""
        self._waiting[name] += rows

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
        row = (
            self.directory, seq, event.type, event.kind, event.resource, event.at, event.connection,
            event.request_id, as_json(event.data),
        )  # fmt: skip
        self.later("append_event", (row,))
        return seq

    def look(self, several: Sequence[Ahead]) -> None:
        """Look up what these units are going to look for."""
        wanted = {part: sought(several, part) for part in TRACES}
        asked = [as_json(ones) for ones in wanted.values()]
        if not any(wanted.values()) or any(_NUL in text for text in asked):
            return
        found = set(self.connection.execute(SQLITE["foresee"], (self.directory, *asked)))
        for part, ones in wanted.items():
            self._free[part].update(one for place, one in enumerate(ones) if (part, place) not in found)
        self._free["unique"] -= self._found  # which may wait to be written
        self._found.update(set(wanted["unique"]) - self._free["unique"])

    def lacks(self, part: str, *several: Any) -> bool:
        """Whether there is known to be nothing of all these."""
        return self._free[part].issuperset(several)

    def take(self, kind: str, pairs: Sequence[tuple[str, str]]) -> bool:
        """Take unique values that are known to be free, if there are any and all are.

        Raises ``UniqueViolation`` for one that is known to be taken.
        """
        wanted = [(kind, attribute, value) for attribute, value in pairs]
        for one in wanted:
            if one in self._found:
                raise UniqueViolation(*one[1:])
            if one not in self._free["unique"]:
                return False
        self._free["unique"].difference_update(wanted)
        self._found.update(wanted)
        self._took += wanted
        return bool(wanted)

    def _forget(self) -> None:
        self.sight = object()
        """As long as it is the same, all that was looked up is known still."""
        self._free: dict[str, set[Any]] = {part: set() for part in TRACES}
        self._found: set[tuple[str, str, str]] = set()

    def _writes(self, name: str, parameters: Row) -> None:
        """A statement is about to be run, and nothing waits."""
        if name in _READS or name in _HARMLESS:
            return
        if name in _HARM:
            part, place = _HARM[name]
            self._free[part].discard(parameters[place])
            self._found.discard(parameters[place])
        else:
            self._forget()

    def _place(self) -> "_Place":
        return _Place(tuple(map(len, self._waiting.values())), len(self._took), self._last)

    def _write(self, place: "_Place") -> None:
        """Write what waits before a place."""
        counted = place.last is not None and place.last != self._told
        if not counted and not any(place.ends):
            return
        try:
            for (name, rows), end in zip(self._waiting.items(), place.ends, strict=True):
                insert_rows(self.connection, name, rows[:end])
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
        for rows, end in zip(self._waiting.values(), self._mark.ends, strict=True):
            del rows[end:]
        self._found.difference_update(self._took[self._mark.took :])
        del self._took[self._mark.took :]
        if self._open:
            self._told = self._mark.last
            self.standings.clear()
            self.revision = None
        self._last = self._mark.last


class _Place(NamedTuple):
    """A moment of a transaction."""

    ends: tuple[int, ...]
    """Where what waits ended."""
    took: int
    last: int | None


def append(connection: sqlite3.Connection, directory: int, event: Event) -> None:
    """Write an event in a transaction that changes something else than the directory."""
    held = Held(connection, directory)
    held.tell(event)
    held.finish()
