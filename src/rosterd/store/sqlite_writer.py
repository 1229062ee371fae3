"""``Writer`` over SQLite: the methods never suspend, so a unit of work runs from end to end at once."""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from typing import Any

import orjson

from rosterd.scim.index import Indexed
from rosterd.service.audit import Entry
from rosterd.service.control import Directory
from rosterd.service.events import Event
from rosterd.service.limits import Loss
from rosterd.service.past import Owed
from rosterd.service.ports import Stored, UniqueViolation
from rosterd.service.standing import DELETED, Standing
from rosterd.store.entries import write_entry
from rosterd.store.known_reads import KnownReads
from rosterd.store.lookups import lookups
from rosterd.store.parts import has_same_parts, parts_text
from rosterd.store.policy import ACTIVE, standing_of
from rosterd.store.removal import OWN
from rosterd.store.rows import Row, as_json, definition_row, directory_of
from rosterd.store.sqlite_adoption import SqliteAdoptionWriter
from rosterd.store.sqlite_held import VALUES, Held
from rosterd.store.sqlite_known import Known
from rosterd.store.sqlite_members import SqliteMemberWriter
from rosterd.store.sqlite_projections import SqliteProjectionWriter
from rosterd.store.sqlite_reader import SqliteReader

Pairs = Iterable[tuple[str, str]]


class SqliteWriter(
    KnownReads, SqliteReader, SqliteMemberWriter, SqliteProjectionWriter, SqliteAdoptionWriter
):
    """See ``rosterd.service.ports.Writer``. For one transaction that somebody else began."""

    __slots__ = ("_held", "_known")
    _known: Known

    def __init__(self, held: Held) -> None:
        super().__init__(held.read, held.directory)
        self._held = held
        self._known = held.known

    @property
    def held(self) -> Held:
        """What waits and what is known, from one unit to the next."""
        return self._held

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        with self._held.part():
            yield

    async def audit(self, entry: Entry) -> None:
        write_entry(self._held.direct(), entry)

    async def next_seq(self) -> int:
        return self._held.next()

    async def count(self, kind: str, connection: int | None = None) -> int:
        known = self._known
        try:
            return known.count(kind, connection)
        except KeyError:
            found = await super().count(kind, connection)
            known.counted(kind, connection, found)
            return found

    async def insert(self, row: Stored, indexed: Indexed) -> None:
        resource = (
            self._directory, row.id, row.kind, row.connection, row.external_id, row.seq, row.version,
            row.created, row.modified, row.document, as_json(indexed.search), indexed.display,
        )  # fmt: skip
        text = parts_text(indexed.search)
        known = self._known
        if known.take(row.kind, indexed.unique):
            waiting = self._held.waiting
            waiting["insert_unique"] += self._pairs(row.kind, row.id, indexed.unique)
            waiting["insert_resource"].append(resource)
            waiting[VALUES] += self._values(row, indexed.values, True)
            if text is not None:
                waiting["owe_parts"].append((self._directory, row.seq, None, text))
            known.made(row)
            return
        self._take(row.kind, row.id, indexed.unique)
        try:
            self._execute("insert_resource", *resource[1:])
        except sqlite3.IntegrityError:
            self._many("delete_unique", row.kind, row.id, indexed.unique)
            if self._execute("resource_exists", row.id).fetchone():
                raise UniqueViolation("id", row.id) from None
            raise
        self._many("insert_value", row.kind, row.id, indexed.values)
        self._owe_parts(row.seq, None, text)

    async def update(self, row: Stored, before: Indexed, after: Indexed) -> None:
        resource = (
            self._directory, row.id, row.kind, row.external_id, row.version, row.modified, row.document,
            as_json(after.search), after.display,
        )  # fmt: skip
        same = before.values == after.values
        dropped = () if same else _less(before.values, after.values)
        added = () if same else _less(after.values, before.values)
        if self._may_wait(row, before, after):
            waiting = self._held.waiting
            waiting["update_resource"].append(resource)
            if not same:
                waiting[VALUES] += self._values(row, dropped, False)
                waiting[VALUES] += self._values(row, added, True)
            if not has_same_parts(before.search, after.search):
                old, new = parts_text(before.search), parts_text(after.search)
                if old != new:
                    waiting["owe_parts"].append((self._directory, row.seq, old, new))
        else:
            self._take(row.kind, row.id, _less(after.unique, before.unique))
            self._many("delete_unique", row.kind, row.id, _less(before.unique, after.unique))
            self._many("delete_value", row.kind, row.id, dropped)
            self._many("insert_value", row.kind, row.id, added)
            if self._execute("update_resource", *resource[1:]).rowcount != 1:
                raise _missing("live", row)
            self._execute("hand_over", row.id, row.kind, row.connection)
            self._owe_parts(row.seq, parts_text(before.search), parts_text(after.search))
        self._known.changed(row)

    async def touch(self, kind: str, id: str, modified: int) -> int | None:
        row = self._execute("touch_resource", id, kind, modified).fetchone()
        return int(row[0]) if row else None

    async def touch_all(self, kind: str, ids: Sequence[str], modified: int) -> None:
        self._execute("touch_resources", as_json(list(ids)), kind, modified)

    async def retain(self, row: Stored, indexed: Indexed, deleted: int) -> None:
        changed = self._execute(
            "retain_resource",
            row.id, row.kind, row.connection, row.external_id, row.version, row.modified,
            deleted, row.document,
        )  # fmt: skip
        if changed.rowcount != 1:
            raise _missing("live", row)
        self._many("delete_unique", row.kind, row.id, indexed.unique)
        self._many("delete_value", row.kind, row.id, indexed.values)
        self._owe_parts(row.seq, parts_text(indexed.search), None)
        self._leave(row.id)

    async def revive(self, row: Stored, indexed: Indexed) -> None:
        if await self.find_deleted(row.kind, row.id) is None:
            raise _missing("retained", row)
        self._take(row.kind, row.id, indexed.unique)
        self._many("insert_value", row.kind, row.id, indexed.values)
        self._execute(
            "revive_resource",
            row.id, row.kind, row.connection, row.external_id, row.seq, row.version,
            row.created, row.modified, row.document, as_json(indexed.search), indexed.display,
        )  # fmt: skip
        self._owe_parts(row.seq, None, parts_text(indexed.search))

    async def erase(self, kind: str, id: str) -> bool:
        row = self._execute("erase_resource", id, kind).fetchone()
        if row is None:
            return False
        search = orjson.loads(row[0])
        self._owe_parts(row[1], parts_text(search), None)
        pairs = list(lookups(search))
        self._many("delete_unique", kind, id, pairs)
        self._many("delete_value", kind, id, pairs)
        self._leave(id)
        await self.project(id, None)
        return True

    async def append(self, event: Event) -> int:
        return self._held.tell(event)

    async def forget_events(self, before: int, limit: int) -> int:
        oldest = self._execute("oldest_events", limit).fetchall()
        old = [seq for seq, _ in takewhile(lambda row: row[1] < before, oldest)]
        if old:
            self._execute("delete_events", old[-1])
            self._execute("note_forgotten", old[-1])
        return len(old)

    async def owe(self, owed: Owed) -> None:
        names = as_json(list(owed.names))
        self._execute("owe_erasure", owed.kind, owed.id, owed.connection, owed.request_id, names, owed.seq)

    async def paid(self, owed: Owed) -> bool:
        return bool(self._execute("pay_erasure", owed.kind, owed.id).rowcount)

    async def rewrite(self, seq: int, data: Mapping[str, Any]) -> None:
        self._execute("rewrite_event", seq, as_json(data))

    async def standing(self, connection: int) -> Standing:
        held = self._held
        if connection not in held.standings:
            row = held.look_at("connection_standing", connection)
            if row is None:
                gone = held.look_at("connection_removed", connection)
                return Standing(DELETED, since=gone[0]) if gone else ACTIVE
            *standing, held.revision = row
            held.standings[connection] = standing_of(standing)
        return held.standings[connection]

    async def revision(self) -> int:
        held = self._held
        if held.revision is None:
            row = held.look_at("directory_revision")
            held.revision = int(row[0]) if row else 0
        return held.revision

    async def define(self, directory: Directory) -> Directory | None:
        _, *parameters = definition_row(directory)
        row = self._execute("define_directory", *parameters).fetchone()
        self._held.revision = None
        return None if row is None else directory_of(row)

    async def set_standing(self, connection: int, standing: Standing) -> None:
        changed = self._execute(
            "set_connection_standing",
            connection,
            standing.state,
            standing.by,
            standing.reason,
            standing.since,
        )
        if changed.rowcount != 1:
            raise LookupError(f"there is no connection {connection}")
        self._held.standings.pop(connection, None)
        self._execute("forget_loss", connection)

    async def hand_over(self, connection: int, heir: int, ids: Sequence[str]) -> int:
        return self._execute("hand_over_many", connection, heir, as_json(list(ids))).rowcount

    async def remove_connection(self, connection: int, at: int) -> None:
        row = self._execute("removable_connection", connection).fetchone()
        if row is None:
            raise LookupError(f"there is no connection {connection}")
        self._execute("keep_removed", connection, row[0], at)
        for name in OWN:
            self._execute(name, connection)
        self._held.standings.pop(connection, None)

    async def loss(self, connection: int) -> Loss | None:
        known = self._known
        try:
            return known.loss(connection)
        except KeyError:
            row = self._execute("loss", connection).fetchone()
            found = Loss(*row) if row else None
            known.lost(connection, found)
            return found

    async def set_loss(self, connection: int, loss: Loss) -> None:
        row = (connection, loss.began, loss.count, loss.of)
        if connection in self._held.standings:  # so there is one
            self._held.waiting["set_loss"].append((self._directory, *row))
        else:
            try:
                self._execute("set_loss", *row)
            except sqlite3.IntegrityError:
                raise LookupError(f"there is no connection {connection}") from None
        self._known.lost(connection, loss)

    def _execute(self, name: str, *parameters: Any) -> sqlite3.Cursor:
        return self._held.run(name, *parameters)

    def _many(self, name: str, kind: str, id: str, pairs: Pairs) -> None:
        self._held.many(name, self._pairs(kind, id, pairs))

    def _pairs(self, kind: str, id: str, pairs: Pairs) -> list[Row]:
        return [(self._directory, kind, attribute, value, id) for attribute, value in pairs]

    def _values(self, row: Stored, pairs: Pairs, shall: bool) -> list[Row]:
        """Rows of the index, with whether they shall be in it."""
        directory, id, kind = self._directory, row.id, row.kind
        return [((directory, kind, attribute, value, id), shall) for attribute, value in pairs]

    def _may_wait(self, row: Stored, before: Indexed, after: Indexed) -> bool:
        """Whether a change is certain to be written: of one that is known to live, in nothing that is unique.

        A group's name is told with its members, who are looked up without regard to what waits.
        """
        try:
            known = self._known.row(row.kind, row.id)
        except KeyError:
            return False
        return (
            known is not None
            and known.connection == row.connection
            and before.unique == after.unique
            and (row.kind == "User" or before.display == after.display)
        )

    def _take(self, kind: str, id: str, pairs: Pairs) -> None:
        """Take unique values, all of them or none. Raises ``UniqueViolation``."""
        taken: list[tuple[str, str]] = []
        for attribute, value in pairs:
            try:
                self._execute("insert_unique", kind, attribute, value, id)
            except sqlite3.IntegrityError:
                self._many("delete_unique", kind, id, taken)
                raise UniqueViolation(attribute, value) from None
            taken.append((attribute, value))

    def _owe_parts(self, seq: int, old: str | None, new: str | None) -> None:
        if old != new:
            self._execute("owe_parts", seq, old, new)


def _missing(state: str, row: Stored) -> LookupError:
    return LookupError(f"there is no {state} {row.kind} {row.id}")


def _less(pairs: Pairs, others: Pairs) -> list[tuple[str, str]]:
    gone = set(others)
    return [pair for pair in pairs if pair not in gone]
