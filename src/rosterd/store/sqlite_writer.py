"""``Writer`` over SQLite: the methods never suspend, so a unit of work runs from end to end at once.

Membership changes are statements over the list given: they cost its length, whatever the group's.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from typing import Any, TypeVar

import orjson

from rosterd.scim.index import Indexed
from rosterd.scim.membership import Member
from rosterd.service.audit import Entry
from rosterd.service.control import Directory
from rosterd.service.events import Event
from rosterd.service.limits import Loss
from rosterd.service.past import Owed
from rosterd.service.ports import MemberChange, Stored, UniqueViolation
from rosterd.service.standing import Standing
from rosterd.store.entries import write_entry
from rosterd.store.lookups import lookups
from rosterd.store.parts import parts_text
from rosterd.store.policy import ACTIVE, standing_of
from rosterd.store.rows import Row, as_json, definition_row, directory_of
from rosterd.store.sqlite_adoption import SqliteAdoptionWriter
from rosterd.store.sqlite_held import Held
from rosterd.store.sqlite_projections import SqliteProjectionWriter
from rosterd.store.sqlite_reader import SqliteReader

T = TypeVar("T")

Pairs = Iterable[tuple[str, str]]


class SqliteWriter(SqliteReader, SqliteProjectionWriter, SqliteAdoptionWriter):
    """See ``rosterd.service.ports.Writer``. For one transaction that somebody else began."""

    __slots__ = ("_held",)

    def __init__(self, held: Held) -> None:
        async def run(work: Callable[[sqlite3.Connection], T], *, quick: bool) -> T:
            return work(held.direct())

        super().__init__(run, held.directory)
        self._held = held

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        with self._held.part():
            yield

    async def audit(self, entry: Entry) -> None:
        write_entry(self._held.direct(), entry)

    async def next_seq(self) -> int:
        return self._held.next()

    async def retained(self, kind: str, connection: int, external_id: str) -> tuple[Stored, ...]:
        if self._held.lacks("retained", (kind, connection, external_id)):
            return ()
        return await super().retained(kind, connection, external_id)

    async def insert(self, row: Stored, indexed: Indexed) -> None:
        resource = (
            self._directory, row.id, row.kind, row.connection, row.external_id, row.seq, row.version,
            row.created, row.modified, row.document, as_json(indexed.search), indexed.display,
        )  # fmt: skip
        text = parts_text(indexed.search)
        if self._held.take(row.kind, indexed.unique):
            later = self._held.later
            later("insert_unique", self._pairs(row.kind, row.id, indexed.unique))
            later("insert_resource", [resource])
            later("insert_value", self._pairs(row.kind, row.id, indexed.values))
            if text is not None:
                later("owe_parts", [(self._directory, row.seq, None, text)])
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
        self._take(row.kind, row.id, _less(after.unique, before.unique))
        self._many("delete_unique", row.kind, row.id, _less(before.unique, after.unique))
        self._many("delete_value", row.kind, row.id, _less(before.values, after.values))
        self._many("insert_value", row.kind, row.id, _less(after.values, before.values))
        changed = self._execute(
            "update_resource",
            row.id, row.kind, row.connection, row.external_id, row.version, row.modified,
            row.document, as_json(after.search), after.display,
        )  # fmt: skip
        if changed.rowcount != 1:
            raise _missing("live", row)
        self._owe_parts(row.seq, parts_text(before.search), parts_text(after.search))

    async def touch(self, kind: str, id: str, modified: int) -> int | None:
        row = self._execute("touch_resource", id, kind, modified).fetchone()
        return int(row[0]) if row else None

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

    async def add_members(self, group: str, members: Sequence[Member]) -> MemberChange:
        wanted: dict[str, str | None] = {}
        for member in members:
            value = _clean(member.value)
            wanted[value] = member.display or wanted.get(value)
        return self._put(group, wanted, exactly=False)

    async def remove_members(self, group: str, values: Sequence[str]) -> MemberChange:
        given = dict.fromkeys(map(_clean, values))
        removed = self._returned("delete_members", group, as_json(list(given)))
        pending = set[str]()
        if len(removed) < len(given):
            pending = self._returned("delete_pending", group, as_json(list(given)))
        return MemberChange(
            removed=tuple(v for v in given if v in removed),
            pending_removed=tuple(v for v in given if v in pending),
        )

    async def replace_members(self, group: str, members: Sequence[Member]) -> MemberChange:
        wanted = {_clean(member.value): member.display or None for member in members}
        values = as_json(list(wanted))
        removed = self._returned("delete_other_members", group, values)
        pending_removed = self._returned("delete_other_pending", group, values)
        change = self._put(group, wanted, exactly=True)
        return MemberChange(
            added=change.added,
            removed=tuple(sorted(removed)),
            pending_added=change.pending_added,
            pending_removed=(*sorted(pending_removed), *change.pending_removed),
            renamed=change.renamed,
        )

    async def groups_with(self, member: str) -> tuple[str, ...]:
        return tuple(group for (group,) in self._execute("groups_with", member))

    async def resolve_pending(self, id: str, names: Sequence[str]) -> Mapping[str, MemberChange]:
        values = [id, *map(_clean, names)]
        if self._held.lacks("awaited", *values):
            return {}
        waiting = self._execute("take_pending", as_json(values)).fetchall()
        groups: dict[str, str | None] = {}
        found: dict[str, list[str]] = {}
        for group, value, display in sorted(waiting, key=lambda row: row[:2]):
            groups[group] = max(filter(None, (display, groups.get(group))), default=None)
            found.setdefault(group, []).append(value)
        if not groups:
            return {}
        joined = self._returned("join_groups", id, as_json(list(groups.items())))
        return {
            group: MemberChange(added=(id,) if group in joined else (), resolved=tuple(resolved))
            for group, resolved in found.items()
        }

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
        self._execute("owe_erasure", owed.kind, owed.id, owed.connection, owed.request_id, names)

    async def paid(self, owed: Owed) -> bool:
        return bool(self._execute("pay_erasure", owed.kind, owed.id).rowcount)

    async def rewrite(self, seq: int, data: Mapping[str, Any]) -> None:
        self._execute("rewrite_event", seq, as_json(data))

    async def drop_pending(self, values: Sequence[str]) -> None:
        self._execute("drop_pending", as_json(list(map(_clean, values))))

    async def standing(self, connection: int) -> Standing:
        held = self._held
        if connection not in held.standings:
            row = held.look_at("connection_standing", connection)
            if row is None:
                return ACTIVE
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

    async def loss(self, connection: int) -> Loss | None:
        row = self._execute("loss", connection).fetchone()
        return Loss(*row) if row else None

    async def set_loss(self, connection: int, loss: Loss) -> None:
        try:
            self._execute("set_loss", connection, loss.began, loss.count, loss.of)
        except sqlite3.IntegrityError:
            raise LookupError(f"there is no connection {connection}") from None

    def _execute(self, name: str, *parameters: Any) -> sqlite3.Cursor:
        return self._held.run(name, *parameters)

    def _returned(self, name: str, *parameters: Any) -> set[str]:
        return {value for (value,) in self._execute(name, *parameters).fetchall()}

    def _many(self, name: str, kind: str, id: str, pairs: Pairs) -> None:
        self._held.many(name, self._pairs(kind, id, pairs))

    def _pairs(self, kind: str, id: str, pairs: Pairs) -> list[Row]:
        return [(self._directory, kind, attribute, value, id) for attribute, value in pairs]

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

    def _leave(self, id: str) -> None:
        """End every membership of a resource and in it."""
        for name in ("leave_groups", "dismiss_members", "dismiss_pending"):
            self._execute(name, id)

    def _put(self, group: str, wanted: Mapping[str, str | None], *, exactly: bool) -> MemberChange:
        """Make each value a member or pending; ``exactly``: one without a display shall have none."""
        added, pending_added, pending_removed, renamed = [], [], [], []
        members: list[tuple[str, str | None]] = []
        waiting: list[tuple[str, str | None]] = []
        standing = self._execute("standing", group, as_json(list(wanted))).fetchall()
        for value, lives, is_member, shown, is_pending, announced in standing:
            display = wanted[value]
            if is_member or (is_pending and not lives):
                if display != (shown if is_member else announced) and (display or exactly):
                    (members if is_member else waiting).append((value, display))
                    renamed.append(value)
            elif lives:
                members.append((value, display or (None if exactly else announced)))
                added.append(value)
                if is_pending:
                    pending_removed.append(value)
            else:
                waiting.append((value, display))
                pending_added.append(value)
        if members:
            self._execute("put_members", group, as_json(members))
        if waiting:
            self._execute("put_pending", group, as_json(waiting))
        if pending_removed:
            self._execute("delete_pending", group, as_json(pending_removed)).fetchall()
        return MemberChange(tuple(added), (), tuple(pending_added), tuple(pending_removed), tuple(renamed))


def _missing(state: str, row: Stored) -> LookupError:
    return LookupError(f"there is no {state} {row.kind} {row.id}")


def _less(pairs: Pairs, others: Pairs) -> Pairs:
    gone = set(others)
    return [pair for pair in pairs if pair not in gone]


def _clean(value: str) -> str:
    """SQLite's JSON ends a text at U+0000; no id has one, and so neither must name what is before it."""
    return value.replace("\0", "\ufffd") if "\0" in value else value
