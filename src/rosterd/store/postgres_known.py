"""What is known of a directory while it is locked, so that it need not be asked for again.

look       asks once for what many units are going to look for (``service.ahead``)
use        an answer stands for the statement: nobody else can have changed what it is about
forget     whatever a statement that writes may have made wrong: everything, but for those in ``_SPARED``
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rosterd.service.ahead import TRACES, Ahead, sought
from rosterd.service.ports import Membership, Stored, UniqueViolation
from rosterd.store.dialect_postgres import clean, cleaned, short
from rosterd.store.postgres_arrays import numbers, texts
from rosterd.store.postgres_run import Reads
from rosterd.store.postgres_seats import Seats
from rosterd.store.rows import memberships_of

_GROUPS: Final = "groups"
_TOUCH: Final = "touch_resource"
_SPARED: Final[Mapping[str, str | None]] = {
    _TOUCH: None,
    "touch_resources": None,
    "put_members": _GROUPS,
    "delete_members": _GROUPS,
    "delete_other_members": _GROUPS,
    "put_pending": "awaited",
    "delete_pending": None,
    "delete_other_pending": None,
}
"""Statements that write little, and what they may make wrong; versions are told by ``touched``."""


class Known:
    """Facts that hold now, inside one transaction."""

    __slots__ = ("_found", "_groups", "_nothing", "_rows", "is_on", "seats")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Something was written that may make any of it wrong."""
        self.is_on = False
        """Whether anything is known: what is written may wait only if the rest was looked up."""
        self._nothing: dict[str, set[Any]] = {part: set() for part in TRACES}
        self._found: set[tuple[str, str, str]] = set()
        self._rows: dict[tuple[str, str], Stored | None] = {}
        self._groups: dict[str, tuple[Membership, ...]] = {}
        self.seats = Seats()

    def wrote(self, name: str) -> None:
        """A statement was carried out that writes."""
        if name not in _SPARED:
            self.forget()
            return
        part = _SPARED[name]
        if name != _TOUCH:
            self.seats = Seats()
        if part == _GROUPS:
            self.joined()
        elif part is not None:
            self.announced()

    async def look(self, reads: Reads, directory: int, several: Sequence[Ahead]) -> None:
        """Look up what these units are going to look for."""
        await self._look_for_traces(reads, directory, several)
        await self._look_for_resources(reads, directory, several)
        await self._look_for_groups(reads, directory, several)
        await self.seats.look(reads, directory, several)
        self.is_on = True

    async def _look_for_traces(self, reads: Reads, directory: int, several: Sequence[Ahead]) -> None:
        wanted = {part: sought(several, part) for part in TRACES}
        if not any(wanted.values()):
            return
        kinds, connections, external_ids = _columns(wanted["retained"])
        unique_kinds, attributes, values = _columns(wanted["unique"])
        found = await reads.rows(
            "foresee", directory, texts(cleaned(wanted["adopted"])), texts(kinds), numbers(connections),
            texts(cleaned(external_ids)), texts(cleaned(wanted["awaited"])), texts(unique_kinds),
            texts(attributes), texts([short(clean(value)) for value in values]),
        )  # fmt: skip
        for part, asked in wanted.items():
            self._nothing[part].update(asked)
        for part, place in found:
            one = wanted[part][place - 1]
            self._nothing[part].discard(one)
            if part == "unique":
                self._found.add(one)

    async def _look_for_resources(self, reads: Reads, directory: int, several: Sequence[Ahead]) -> None:
        wanted = sought(several, "resources")
        if not wanted:
            return
        rows = await reads.rows("get_resources", directory, texts(cleaned(id for _, id in wanted)))
        found = {(row[1], row[0]): Stored(*row) for row in rows}
        for key in wanted:
            self._rows[key] = found.get((key[0], clean(key[1])))

    async def _look_for_groups(self, reads: Reads, directory: int, several: Sequence[Ahead]) -> None:
        wanted = sought(several, "grouped")
        if wanted:
            groups = memberships_of(await reads.rows("memberships", directory, cleaned(wanted), len(wanted)))
            for id in wanted:
                self._groups[id] = groups.get(clean(id), ())

    def lacks(self, part: str, one: Any) -> bool:
        """Whether there is known to be nothing of the kind."""
        return one in self._nothing[part]

    def lacks_all(self, part: str, several: Iterable[Any]) -> bool:
        """Whether there is known to be none of these."""
        return self._nothing[part].issuperset(several)

    def row(self, kind: str, id: str) -> Stored | None:
        """The live resource. Raises ``KeyError`` if it is not known whether there is one."""
        return self._rows[kind, id]

    def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]] | None:
        """The groups of each; ``None`` if that is not known of all."""
        if not all(id in self._groups for id in ids):
            return None
        return {id: groups for id in ids if (groups := self._groups[id])}

    def take(self, kind: str, pairs: Iterable[tuple[str, str]]) -> bool:
        """Take unique values that are known to be free, if all are. Raises ``UniqueViolation``."""
        wanted = [(kind, attribute, value) for attribute, value in pairs]
        for one in wanted:
            if one in self._found:
                raise UniqueViolation(*one[1:])
        if not self.is_on or not self.lacks_all("unique", wanted):
            return False
        self._nothing["unique"].difference_update(wanted)
        self._found.update(wanted)
        return True

    def made(self, row: Stored) -> None:
        """A resource came to be."""
        self.changed(row)
        self.seats.changed(row.id)

    def changed(self, row: Stored) -> None:
        """A resource is this now."""
        self._rows[row.kind, row.id] = row

    def renamed(self, id: str) -> None:
        """A resource has another name: its groups show that, and if it is one, its members do."""
        self.seats.changed(id)
        self._groups = {
            one: groups for one, groups in self._groups.items() if all(group.group != id for group in groups)
        }

    def joined(self) -> None:
        """Somebody is in other groups than before."""
        self._groups = {}

    def announced(self) -> None:
        """A group waits for somebody."""
        self._nothing["awaited"] = set()

    def touched(self, kind: str, id: str, version: int, modified: int) -> None:
        """A resource has another version."""
        if (row := self._rows.get((kind, id))) is not None:
            self._rows[kind, id] = row._replace(version=version, modified=modified)


def _columns(rows: Sequence[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    return zip(*rows, strict=True) if rows else ((), (), ())
