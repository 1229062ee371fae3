"""A directory written to a file, and a file read into a directory as one of its connections.

What is read in is changed as if the connection had sent it: the same checks, the same events, and the
accounts are the connection's. Resources keep the ids they have in the file where that is possible, so that
references stay right; a user whose userName is taken, or a group whose displayName is there already, is that
one, and is left alone or updated. A portion is one durable transaction; a record fails by itself. If the
directory's schemas are changed meanwhile, the records after that are read by the new ones.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rosterd.scim import errors, urns
from rosterd.scim.bind import bind
from rosterd.scim.filter import AttrPath, Compare
from rosterd.scim.membership import has_members
from rosterd.scim.render import format_time
from rosterd.scim.schema import Model, ResourceType
from rosterd.service import spreadsheet
from rosterd.service.caller import Caller
from rosterd.service.commands import Commands, Unit
from rosterd.service.connections import Outdated, Refusal
from rosterd.service.ports import Position, Query, Reader, Store, Stored, Writer
from rosterd.service.reading import pages, visible

PORTION: Final = 100
"""Records that are read, or written in one transaction, at a time."""

CREATED: Final = "created"
UPDATED: Final = "updated"
THERE: Final = "there already"
MEMBERS: Final = "members added"
VALID: Final = "valid"
FAILED: Final = "failed"

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMES: Final = ("userName", "displayName")
"""What a resource is known by, and found by again."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a file: a resource, or with ``members`` what a group of the file is to hold."""

    line: int
    type: ResourceType
    id: str | None
    """Its id in the file."""
    body: dict[str, Any] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    """Ids of the file, or values that name nobody yet."""

    @property
    def name(self) -> str:
        """What people know it by."""
        return str(next((self.body[n] for n in _NAMES if n in self.body), self.id or ""))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record; ``detail`` says why it failed, ``id`` is its id here."""

    line: int
    name: str
    what: str
    id: str | None = None
    detail: str = ""
    count: int = 1
    """Of how many it tells: several members are one record."""


Record = Callable[[Model], Item | Outcome | None]
"""One of a file: given the schemas, what it is, or how it fails; none if there is nothing to read in."""


async def rows(reader: Reader, resource_type: ResourceType) -> AsyncIterator[Stored]:
    """Every live resource of a type, by ``seq``."""
    async for some in pages(reader, (resource_type,), PORTION):
        for row in some:
            yield row


async def table(reader: Reader, users: ResourceType) -> AsyncIterator[list[str]]:
    """Every live user as a row of a table, by ``seq``, with the names of its groups; first the columns.

    The reader must show one moment throughout.
    """
    seen = {"userName"}
    async for row in rows(reader, users):
        seen.update(spreadsheet.cells(visible(row), users))
    columns = spreadsheet.columns(users, seen)
    yield ["id", *columns, "groups", "created", "lastModified"]
    after: Position | None = None
    while True:
        page = await reader.search(Query({users: None}, None, PORTION, after=after, total=False))
        found = await reader.memberships([row.id for row in page.rows])
        for row in page.rows:
            cells = spreadsheet.cells(visible(row), users)
            groups = "; ".join(m.display or m.group for m in found.get(row.id, ()) if m.direct)
            times = (format_time(row.created), format_time(row.modified))
            row_cells = [row.id, *(cells.get(column, "") for column in columns), groups, *times]
            yield list(map(spreadsheet.harmless, row_cells))
        if not page.more:
            return
        after = page.positions[-1]


class Imports:
    """Reads records into a directory; ``ids`` is what became of the file's ids so far."""

    def __init__(
        self,
        store: Store,
        commands: Commands,
        caller: Caller,
        renewed: Callable[[Caller], Awaitable[Caller]],
        *,
        update: bool,
    ) -> None:
        self._store = store
        self._commands = commands
        self._caller = caller
        self._renewed = renewed
        self._update = update
        self.ids: dict[str, str] = {}

    async def take(self, records: Sequence[Record]) -> list[Outcome]:
        """Read in at most ``PORTION`` records, in order, in one transaction."""
        while True:
            try:
                return await self._take(self._items(records))
            except Outdated:  # each time somebody has changed the schemas, so not for ever
                self._caller = await self._renewed(self._caller)

    async def _take(self, items: Sequence[Item | Outcome]) -> list[Outcome]:
        async def work(tx: Writer) -> tuple[list[Outcome], dict[str, str]]:
            ids = dict(self.ids)
            done = []
            for item in items:
                if isinstance(item, Item):
                    outcome = await self._one(tx, item, ids)
                    if item.id is not None and outcome.id is not None:
                        ids[item.id] = outcome.id
                    done.append(outcome)
                else:
                    done.append(item)
            return done, ids

        done, self.ids = await self._store.write(self._caller.directory.id, work)
        return done

    def _items(self, records: Sequence[Record]) -> list[Item | Outcome]:
        found = (record(self._caller.model) for record in records)
        return [item for item in found if item is not None]

    def check(self, records: Sequence[Record]) -> list[Outcome]:
        """What can be said of records without a look at the directory: whether each is valid by itself."""
        done = []
        for item in self._items(records):
            if isinstance(item, Outcome):
                done.append(item)
                continue
            try:
                if not item.members:
                    self._commands.create(self._caller, item.type, item.body)
            except errors.ScimError as error:
                done.append(Outcome(item.line, item.name, FAILED, detail=error.detail))
            else:
                done.append(Outcome(item.line, item.name, VALID))
        return done

    async def _one(self, tx: Writer, item: Item, ids: dict[str, str]) -> Outcome:
        try:
            if item.members:
                return await self._members(tx, item, ids)
            known = await self._known(tx, item)
            if known is not None and not self._update:
                return Outcome(item.line, item.name, THERE, known)
            if known is not None:
                unit = self._commands.replace(self._caller, item.type, known, item.body)
                return Outcome(item.line, item.name, UPDATED, await self._run(tx, unit))
            promised = item.id
            if promised is not None and (
                not _ID.fullmatch(promised) or await tx.find_deleted(item.type.name, promised)
            ):
                promised = None
            unit = self._commands.create(self._caller, item.type, item.body, promised)
            return Outcome(item.line, item.name, CREATED, await self._run(tx, unit))
        except Outdated:  # which holds for the whole portion
            raise
        except errors.ScimError as error:
            return Outcome(item.line, item.name, FAILED, detail=error.detail)

    async def _members(self, tx: Writer, item: Item, ids: dict[str, str]) -> Outcome:
        group = ids.get(item.id or "")
        if group is None:
            raise errors.InvalidValue("The group of these members is not in the file before them.")
        values = [{"value": ids.get(value, value)} for value in item.members]
        body = {
            "schemas": [urns.PATCH_OP],
            "Operations": [{"op": "add", "path": "members", "value": values}],
        }
        await self._run(tx, self._commands.patch(self._caller, item.type, group, body))
        return Outcome(item.line, f"{len(values)} members", MEMBERS, group, count=len(values))

    async def _run(self, tx: Writer, unit: Unit) -> str:
        """Run the unit by itself; the resource's id. Raises what it raises, and its refusal."""
        async with tx.savepoint():
            view = await unit(tx)
        if isinstance(view, Refusal):
            raise view.error
        return view.row.id

    async def _known(self, tx: Writer, item: Item) -> str | None:
        """The live resource that this record is about, if it is there."""
        if item.id is not None and await tx.get(item.type.name, item.id) is not None:
            return item.id
        name = "displayName" if has_members(item.type) else "userName"
        value = item.body.get(name)
        if not isinstance(value, str) or item.type.resolve(None, name) is None:
            return None
        wanted = bind(Compare(AttrPath(None, name), "eq", value), item.type)
        found = await tx.search(Query({item.type: wanted}, None, 1, total=False))
        return found.rows[0].id if found.rows else None
