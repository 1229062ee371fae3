"""``Writer`` over PostgreSQL: one statement for each change, with all that belongs to it.

Events and counts are written at the end of the transaction; before events are read, they are written then.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import takewhile
from typing import Any, Final

import orjson

from rosterd.scim.index import Indexed
from rosterd.service.audit import Entry
from rosterd.service.control import Directory
from rosterd.service.events import Event
from rosterd.service.limits import Loss
from rosterd.service.past import Owed
from rosterd.service.ports import Stored, UniqueViolation
from rosterd.service.standing import DELETED, Standing
from rosterd.store.dialect_postgres import Postgres, as_search, clean, cleaned, short
from rosterd.store.known_reads import KnownReads
from rosterd.store.lookups import lookups
from rosterd.store.policy import ACTIVE, standing_of
from rosterd.store.postgres_arrays import texts
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_members import PostgresMemberWriter, columns
from rosterd.store.postgres_projections import PostgresProjectionWriter
from rosterd.store.postgres_reader import counted
from rosterd.store.postgres_run import Row
from rosterd.store.postgres_waiting import Write
from rosterd.store.removal import OWN
from rosterd.store.rows import as_json, definition_row, directory_of

Pairs = Iterable[tuple[str, str]]

_TOLD: Final = frozenset(
    ("events", "feed", "feed_back", "feed_edges", "history", "changed_by", "story", "mentioning")
)
"""Statements that read what is otherwise written at the end."""


class PostgresWriter(KnownReads, PostgresMemberWriter, PostgresProjectionWriter):
    """See ``rosterd.service.ports.Writer``. For one transaction that somebody else began."""

    __slots__ = ("_held", "_known")

    def __init__(self, held: Held, words: Postgres) -> None:
        super().__init__(held, held.directory, words)
        self._held = held
        self._known = held.known

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        return self._held.part()

    async def audit(self, entry: Entry) -> None:
        held = self._held
        held.governs = True
        await held.writing("insert_audit")
        await write_entry(held, entry)

    async def next_seq(self) -> int:
        return self._held.next()

    async def count(self, kind: str, connection: int | None = None) -> int:
        name = counted(kind, connection)
        before = self._held.counted.get(name)
        if before is None:
            before = self._held.counted[name] = await super().count(kind, connection)
        return before + self._held.added(name)

    async def adopted(self, name: str) -> str | None:
        return None if self._held.known.lacks("adopted", name) else await super().adopted(name)

    async def insert(self, row: Stored, indexed: Indexed) -> None:
        if self._held.known.take(row.kind, indexed.unique):
            unique, values = _short(indexed.unique), _short(indexed.values)
            self._held.later(Write(row, as_search(indexed.search), indexed.display, True, unique, values))
            self._count(row.kind, row.connection, 1)
            return
        made, attribute, value = await self._one(
            "insert_resource",
            row.id, row.kind, row.connection, row.external_id, row.seq, row.version,
            row.created, row.modified, row.document, as_search(indexed.search), indexed.display,
            *_entries(indexed.unique), *_entries(indexed.values),
        )  # fmt: skip
        if attribute is not None:
            raise UniqueViolation(attribute, _whole(value, indexed))
        if not made:
            raise UniqueViolation("id", row.id)
        self._count(row.kind, row.connection, 1)

    async def update(self, row: Stored, before: Indexed, after: Indexed) -> None:
        same = before.values == after.values
        came = () if same else _less(after.values, before.values)
        went = () if same else _less(before.values, after.values)
        if before.unique == after.unique and self._is_known(row):
            values, dropped = _short(came), _short(went)
            self._held.later(
                Write(row, as_search(after.search), after.display, False, values=values, dropped=dropped)
            )
            if before.display != after.display:
                self._held.known.renamed(row.id)
            return
        what = (
            row.id, row.kind, row.connection, row.external_id, row.version, row.modified,
            row.document, as_search(after.search), after.display,
        )  # fmt: skip
        if same and before.unique == after.unique:
            found = await self._returned("update_resource", *what)
            owner = found[0][0] if found else None
        else:
            owner, attribute, value = await self._one(
                "update_indexed",
                *what,
                *_entries(_less(after.unique, before.unique)),
                *_entries(_less(before.unique, after.unique)),
                *_entries(came),
                *_entries(went),
            )
            if attribute is not None:
                raise UniqueViolation(attribute, _whole(value, after))
        if owner is None:
            raise _missing("live", row)
        if owner != row.connection:
            self._held.add(counted(row.kind, owner), -1)
            self._held.add(counted(row.kind, row.connection), 1)

    async def touch(self, kind: str, id: str, modified: int) -> int | None:
        try:
            known = self._held.known.row(kind, id)
        except KeyError:
            pass
        else:
            return None if known is None else self._held.touch(known, modified)
        found = await self._returned("touch_resource", clean(id), kind, modified)
        if not found:
            return None
        version = int(found[0][0])
        self._held.known.touched(kind, id, version, modified)
        return version

    async def touch_all(self, kind: str, ids: Sequence[str], modified: int) -> None:
        if len(ids) == 1:  # which may be known, and wait
            await self.touch(kind, ids[0], modified)
            return
        for id, version in await self._returned("touch_resources", texts(cleaned(ids)), kind, modified):
            self._held.known.touched(kind, id, int(version), modified)

    async def retain(self, row: Stored, indexed: Indexed, deleted: int) -> None:
        found = await self._returned(
            "retain_resource",
            row.id, row.kind, row.connection, row.external_id, row.version, row.modified,
            deleted, row.document,
        )  # fmt: skip
        if not found:
            raise _missing("live", row)
        self._count(row.kind, found[0][0], -1)
        await self._forget(row.kind, row.id, indexed.unique, indexed.values)

    async def revive(self, row: Stored, indexed: Indexed) -> None:
        made, attribute, value = await self._one(
            "revive_resource",
            row.id, row.kind, row.connection, row.external_id, row.seq, row.version,
            row.created, row.modified, row.document, as_search(indexed.search), indexed.display,
            *_entries(indexed.unique), *_entries(indexed.values),
        )  # fmt: skip
        if not made and await self.find_deleted(row.kind, row.id) is None:
            raise _missing("retained", row)
        if attribute is not None:
            raise UniqueViolation(attribute, _whole(value, indexed))
        self._count(row.kind, row.connection, 1)

    async def erase(self, kind: str, id: str) -> bool:
        found = await self._returned("erase_resource", clean(id), kind)
        if not found:
            return False
        search, connection, deleted = found[0]
        if deleted is None:
            self._count(kind, connection, -1)
        pairs = list(lookups(orjson.loads(search)))
        await self._forget(kind, id, pairs, pairs)
        await self.project(id, None)
        return True

    async def append(self, event: Event) -> int:
        return self._held.tell(event)

    async def forget_events(self, before: int, limit: int) -> int:
        await self._held.finish()
        oldest = await self._rows("oldest_events", limit)
        old = [seq for seq, _ in takewhile(lambda row: row[1] < before, oldest)]
        if old:
            await self._change("delete_events", old[-1])
            await self._change("note_forgotten", old[-1])
        return len(old)

    async def owe(self, owed: Owed) -> None:
        names = as_json(list(owed.names))
        await self._change(
            "owe_erasure", owed.kind, owed.id, owed.connection, owed.request_id, names, owed.seq
        )

    async def paid(self, owed: Owed) -> bool:
        return bool(await self._change("pay_erasure", owed.kind, owed.id))

    async def rewrite(self, seq: int, data: Mapping[str, Any]) -> None:
        await self._held.finish()
        await self._change("rewrite_event", seq, as_json(data))

    async def standing(self, connection: int) -> Standing:
        known = self._held.standings.get(connection)
        if known is None:
            rows = await self._rows("connection_standing", connection)
            if rows:
                known = standing_of(rows[0][:4])
                self._held.revision = rows[0][4]
            else:
                gone = await self._rows("connection_removed", connection)
                known = Standing(DELETED, since=gone[0][0]) if gone else ACTIVE
            self._held.standings[connection] = known
        return known

    async def revision(self) -> int:
        if self._held.revision is None:
            rows = await self._rows("directory_revision")
            self._held.revision = rows[0][0] if rows else 0
        return self._held.revision

    async def define(self, directory: Directory) -> Directory | None:
        self._held.governs = True
        _, *parameters = definition_row(directory)
        rows = await self._returned("define_directory", *parameters)
        self._held.revision = None
        return directory_of(rows[0]) if rows else None

    async def set_standing(self, connection: int, standing: Standing) -> None:
        self._held.governs = True
        changed = await self._change(
            "set_connection_standing",
            connection,
            standing.state,
            standing.by,
            standing.reason,
            standing.since,
        )
        if changed != 1:
            raise LookupError(f"there is no connection {connection}")
        self._held.standings.pop(connection, None)
        self._held.losses.pop(connection, None)
        await self._change("forget_loss", connection)

    async def hand_over(self, connection: int, heir: int, ids: Sequence[str]) -> int:
        given = await self._returned("hand_over_many", connection, heir, texts(cleaned(ids)))
        for kind, is_live in given:
            if is_live:
                self._held.add(counted(kind, connection), -1)
                self._held.add(counted(kind, heir), 1)
        return len(given)

    async def remove_connection(self, connection: int, at: int) -> None:
        self._held.governs = True
        rows = await self._rows("removable_connection", connection)
        if not rows:
            raise LookupError(f"there is no connection {connection}")
        await self._change("keep_removed", connection, rows[0][0], at)
        for name in OWN:
            await self._change(name, connection)
        self._held.standings.pop(connection, None)
        self._held.losses.pop(connection, None)

    async def loss(self, connection: int) -> Loss | None:
        known = self._held.losses.get(connection)
        if known is None and (rows := await self._rows("loss", connection)):
            known = self._held.losses[connection] = Loss(*rows[0])
        return known

    async def set_loss(self, connection: int, loss: Loss) -> None:
        if connection in self._held.losses:
            self._held.lose(connection, loss)
        elif not await self._change("set_loss", connection, loss.began, loss.count, loss.of):
            raise LookupError(f"there is no connection {connection}")

    async def _rows(self, name: str, *parameters: Any) -> list[Row]:
        if name in _TOLD:
            await self._held.finish()
        return await super()._rows(name, *parameters)

    async def _one(self, name: str, *parameters: Any) -> Row:
        return (await self._returned(name, *parameters))[0]

    def _is_known(self, row: Stored) -> bool:
        """Whether the resource is known to live, and whose it is stays."""
        try:
            known = self._held.known.row(row.kind, row.id)
        except KeyError:
            return False
        return known is not None and known.connection == row.connection

    def _count(self, kind: str, connection: int, by: int) -> None:
        self._held.add(counted(kind, None), by)
        self._held.add(counted(kind, connection), by)

    async def _forget(self, kind: str, id: str, unique: Pairs, values: Pairs) -> None:
        """Free the values of a resource, and end every membership of it and in it."""
        await self._change("forget_resource", id, kind, *_entries(unique), *_entries(values))


def _whole(value: str, indexed: Indexed) -> str:
    """A unique value, of which the engine has told what stands in the index."""
    return next((whole for _, whole in indexed.unique if short(whole) == value), value)


def _short(pairs: Pairs) -> Mapping[tuple[str, str], None]:
    """The values of attributes as their tables have them, each once."""
    return dict.fromkeys([(attribute, short(value)) for attribute, value in pairs])


def _entries(pairs: Pairs) -> tuple[list[str], list[str | None]]:
    """The same as a statement takes them."""
    return columns(list(_short(pairs)))


def _missing(state: str, row: Stored) -> LookupError:
    return LookupError(f"there is no {state} {row.kind} {row.id}")


def _less(pairs: Pairs, others: Pairs) -> Pairs:
    gone = set(others)
    return [pair for pair in pairs if pair not in gone]
