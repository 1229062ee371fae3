"""Accounts found as administrators look for them: newest first, or by how their id, name or address begins.

    no text   newest first, in one state or all that are not deleted
    a text    those with exactly this id or externalId, deleted ones too; then those of whom a name or e-mail
              address begins so, one attribute of ``BY`` after another

Each account comes once, under the first attribute that fits. The work for a page is bounded, so that one with
filters may hold fewer than asked, or none, though a place leads on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from rosterd.scim.bind import bind
from rosterd.scim.filter import AttrPath, Compare
from rosterd.scim.index import scalars
from rosterd.scim.schema import ResourceType
from rosterd.service.control import Connection
from rosterd.service.ports import Named, Query, Reader, Stored

BY: Final[Mapping[str, tuple[str, ...]]] = {
    "User": ("userName", "displayName", "name.familyName", "emails.value"),
    "Group": ("displayName",),
}
"""The attributes that are searched, by the name of the resource type; the first is the one it is named by."""

LIVE: Final = ("active", "inactive")
_ROUNDS: Final = 10
_EXACT: Final = 20
"""The most accounts of one externalId that are shown."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which accounts are looked for; everything given must hold. ``text`` is folded."""

    text: str = ""
    exactly: str = ""
    """The text as it was typed."""
    state: str | None = None
    connection: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: a number, or with a text an attribute of ``BY``, its value and an id."""

    seq: int = 0
    by: int = 0
    value: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A page; ``place`` leads on, ``None`` if there is nothing more."""

    rows: tuple[Stored, ...]
    place: Place | None


async def look_up(
    reader: Reader,
    resource_type: ResourceType,
    connections: Sequence[Connection],
    sought: Sought,
    place: Place | None,
    limit: int,
) -> Found:
    """The next page of users or groups. ``connections`` are all of the directory."""
    if not sought.text:
        return await _newest(reader, resource_type.name, sought, place, limit)
    exact = await _exact(reader, resource_type, connections, sought)
    told = frozenset(row.id for row in exact)
    found = await _beginning(reader, resource_type, sought, told, place, limit)
    return Found((*exact, *found.rows) if place is None else found.rows, found.place)


async def _newest(reader: Reader, kind: str, sought: Sought, place: Place | None, limit: int) -> Found:
    before = place.seq if place else None
    rows: list[Stored] = []
    for state in LIVE if sought.state is None else (sought.state,):
        rows += await reader.newest(kind, state, sought.connection, before, limit + 1)
    rows.sort(key=lambda row: -row.seq)
    more = Place(rows[limit - 1].seq) if len(rows) > limit else None
    return Found(tuple(rows[:limit]), more)


async def _exact(
    reader: Reader, resource_type: ResourceType, connections: Sequence[Connection], sought: Sought
) -> tuple[Stored, ...]:
    kind, text = resource_type.name, sought.exactly
    by_id = (await reader.get(kind, text), await reader.find_deleted(kind, text))
    bound = bind(Compare(AttrPath(None, "externalId"), "eq", text), resource_type)
    live = await reader.search(Query({resource_type: bound}, None, _EXACT, total=False))
    rows = [row for row in (*by_id, *live.rows) if row is not None]
    for connection in connections:
        rows += (await reader.retained(kind, connection.id, text))[:_EXACT]
    return tuple({row.id: row for row in rows if _fits(row, sought)}.values())


async def _beginning(
    reader: Reader,
    resource_type: ResourceType,
    sought: Sought,
    told: frozenset[str],
    place: Place | None,
    limit: int,
) -> Found:
    """Those that begin so, without those whose ids were ``told``."""
    kind, names = resource_type.name, BY[resource_type.name]
    by = place.by if place else 0
    after = (place.value, place.id) if place and place.id else None
    rows: list[Stored] = []
    ends = Place()
    for _ in range(_ROUNDS):
        attribute = names[by] if by else None
        part = await reader.named(kind, sought.text, sought.state, after, limit + 1, attribute)
        for one in part:
            row = one.row
            if row is None or row.id in told or not _fits(row, sought):
                continue
            if _elsewhere(one, row, resource_type, by, sought):
                continue
            if len(rows) == limit:
                return Found(tuple(rows), ends)
            rows.append(row)
            ends = Place(0, by, one.value, one.id)
        if len(part) > limit:
            after = (part[-1].value, part[-1].id)
        elif by + 1 < len(names):
            by, after = by + 1, None
        else:
            return Found(tuple(rows), None)
    return Found(tuple(rows), Place(0, by, *(after or ("", ""))))


def _fits(row: Stored, sought: Sought) -> bool:
    """Whether a row is in the state and of the connection."""
    return sought.state in (None, state_of(row)) and sought.connection in (None, row.connection)


def state_of(row: Stored) -> str:
    """``active``, ``inactive`` or ``deleted``."""
    if row.deleted is not None:
        return "deleted"
    return "inactive" if orjson.loads(row.document).get("active") is False else "active"


def _elsewhere(one: Named, row: Stored, resource_type: ResourceType, by: int, sought: Sought) -> bool:
    """Whether the account comes by an earlier attribute, or by a lesser value of this one."""
    document = orjson.loads(row.document)
    for number, name in enumerate(BY[resource_type.name][: by + 1]):
        attribute, _, sub = name.partition(".")
        ref = resource_type.resolve(None, attribute, sub or None)
        values = [str(value).casefold() for value in scalars(document, ref)] if ref else []
        fitting = [value for value in values if value.startswith(sought.text)]
        if fitting and (number < by or min(fitting) < one.value):
            return True
    return False
