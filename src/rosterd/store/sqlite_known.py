"""What is known of a directory in the transaction that is open, so that it need not be asked for again.

look       asks once for what many units are going to look for (``service.ahead``): nobody else can write now
use        an answer stands for the statement
note       what a unit found out or wrote is known from then on; if it is undone, what was known before is
harm       what a statement that writes may make wrong is not known any more
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from rosterd.service.ahead import TRACES, Ahead, sought
from rosterd.service.limits import Loss
from rosterd.service.ports import Membership, Stored, UniqueViolation
from rosterd.store.queries import SQLITE
from rosterd.store.rows import Row, as_json, memberships_of

_ROWS: Final = "rows"
"""By id and kind, the live resource, or that there is none."""
_GROUPS: Final = "groups"
"""By id."""
_NAMED: Final = "named"
"""By the id of a group: the groups of those who have it among them."""
_LOSSES: Final = "losses"
"""By connection, what it has taken away, or that it has nothing."""
_COUNTS: Final = "counts"
"""By kind and connection, or ``None`` for all, how many live resources there are."""
_PARTS: Final = (*TRACES, _ROWS, _GROUPS, _LOSSES, _COUNTS)
"""Of the traces it is known whether they are there; a unique value that is there is taken."""
_KEYED: Final = frozenset(("retained", "unique"))
"""Those of which each is a kind, another key and a value."""
_NUL: Final = "\\u0000"
"""SQLite's JSON ends a text here."""
_UNKNOWN: Final = object()


def _all(_: Row) -> None:
    """All that is known of the part."""


def _first(given: Row) -> Iterable[Any]:
    return (given[0],)


def _resource(given: Row) -> Iterable[Any]:
    return (given[:2],)


def _resources(given: Row) -> Iterable[Any]:
    return [(id, given[1]) for id in orjson.loads(given[0])]


def _value(given: Row) -> Iterable[Any]:
    return (given[:3],)


def _known_as(given: Row) -> Iterable[Any]:
    return (given[1:4],)


def _listed(given: Row) -> Iterable[Any]:
    return [value for value, _ in orjson.loads(given[1])]


Harm = tuple[str, Callable[[Row], Iterable[Any] | None]]
"""A part, and what of it, by the parameters of the statement behind the directory; ``None`` is all of it."""

_HARM: Final[Mapping[str, tuple[Harm, ...]]] = {
    **{name: () for name, text in SQLITE.items() if text.startswith("SELECT")},
    **dict.fromkeys(
        (
            "insert_value", "delete_value", "owe_parts", "append_event", "take_pending", "delete_pending",
            "delete_other_pending", "dismiss_pending", "drop_pending", "delete_adopted", "put_projection",
            "delete_projection", "owe_erasure", "pay_erasure",
        ),
        (),
    ),
    "put_adopted": (("adopted", _first),),
    "put_pending": (("awaited", _listed),),
    "insert_unique": (("unique", _value),),
    "delete_unique": (("unique", _value),),
    "insert_resource": ((_ROWS, _resource), (_COUNTS, _all)),
    "update_resource": ((_ROWS, _resource), (_NAMED, _first)),
    "hand_over": ((_ROWS, _resource), (_COUNTS, _all)),
    "touch_resource": ((_ROWS, _resource),),
    "touch_resources": ((_ROWS, _resources),),
    "retain_resource": ((_ROWS, _resource), (_COUNTS, _all), ("retained", _known_as)),
    "revive_resource": ((_ROWS, _resource), (_COUNTS, _all)),
    "erase_resource": ((_ROWS, _resource), (_COUNTS, _all)),
    "put_members": ((_GROUPS, _listed), (_NAMED, _listed)),
    "join_groups": ((_GROUPS, _first), (_NAMED, _first)),
    "leave_groups": ((_GROUPS, _first), (_NAMED, _first)),
    "delete_members": ((_NAMED, _first),),
    "delete_other_members": ((_NAMED, _first),),
    "dismiss_members": ((_NAMED, _first),),
    "set_loss": ((_LOSSES, _first),),
    "forget_loss": ((_LOSSES, _first),),
}  # fmt: skip
"""What a statement may make wrong; after one that is not here nothing is known."""


class Known:
    """Facts that hold now. Of what waits to be written all is known, as the tables do not tell it yet."""

    __slots__ = ("_facts", "_notes", "sight")

    def __init__(self) -> None:
        self._notes: list[tuple[dict[Any, Any], Any, Any]] = []
        """What the unit noted: where, of what, and what was known before."""
        self.forget()

    def forget(self) -> None:
        """Anything may be otherwise now."""
        self.sight = object()
        """As long as it is the same, what was looked up need not be once more."""
        self._facts: dict[str, dict[Any, Any]] = {part: {} for part in _PARTS}

    def begin(self) -> None:
        """A unit begins."""
        self._notes.clear()

    def place(self) -> int:
        """A moment of the unit."""
        return len(self._notes)

    def back(self, place: int) -> None:
        """All since then is undone."""
        for facts, key, before in reversed(self._notes[place:]):
            if before is _UNKNOWN:
                facts.pop(key, None)
            else:
                facts[key] = before
        del self._notes[place:]

    def harm(self, name: str, given: Row) -> None:
        """A statement is about to be run with these parameters behind the directory, and nothing waits."""
        if name not in _HARM:
            self.forget()
            return
        for part, which in _HARM[name]:
            keys = which(given)
            if part == _NAMED:
                self._drop_named(set(keys or ()))
            elif keys is None:
                self._facts[part].clear()
            else:
                for key in keys:
                    self._facts[part].pop(key, None)

    def look(self, connection: sqlite3.Connection, directory: int, several: Sequence[Ahead]) -> None:
        """Look up what these units are going to look for."""
        found = {part: dict.fromkeys(sought(several, part), False) for part in TRACES}
        asked = [as_json(_by_keys(ones) if part in _KEYED else list(ones)) for part, ones in found.items()]
        if any(found.values()) and not any(_NUL in text for text in asked):
            for part, one, *more in connection.execute(SQLITE["foresee"], (directory, *asked)):
                found[part][(one, *more) if part in _KEYED else one] = True
            for part, traces in found.items():
                facts = self._facts[part]
                traces.update(facts)  # what was known before is not older
                facts.update(traces)
        self._look_for_resources(connection, directory, several)
        self._look_for_groups(connection, directory, several)

    def lacks(self, part: str, one: Any) -> bool:
        """Whether there is known to be nothing of this."""
        return self._facts[part].get(one) is False

    def lacks_all(self, part: str, several: Sequence[Any]) -> bool:
        """The same of all these."""
        return tuple(map(self._facts[part].get, several)).count(False) == len(several)

    def take(self, kind: str, pairs: Sequence[tuple[str, str]]) -> bool:
        """Take unique values that are known to be free, if there are any and all are.

        Raises ``UniqueViolation`` for one that is known to be taken.
        """
        facts = self._facts["unique"]
        for attribute, value in pairs:
            taken = facts.get((kind, attribute, value))
            if taken:
                raise UniqueViolation(attribute, value)
            if taken is None:
                return False
        for pair in pairs:
            one = (kind, *pair)
            self._notes.append((facts, one, False))
            facts[one] = True
        return bool(pairs)

    def row(self, kind: str, id: str) -> Stored | None:
        """The live resource. Raises ``KeyError`` if it is not known whether there is one."""
        row: Stored | None = self._facts[_ROWS][id, kind]
        return row

    def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]] | None:
        """The groups of each; ``None`` if that is not known of all."""
        facts = self._facts[_GROUPS]
        if not all(id in facts for id in ids):
            return None
        return {id: facts[id] for id in ids if facts[id]}

    def loss(self, connection: int) -> Loss | None:
        """What a connection has taken away. Raises ``KeyError`` if it is not known."""
        loss: Loss | None = self._facts[_LOSSES][connection]
        return loss

    def count(self, kind: str, connection: int | None) -> int:
        """How many live resources there are. Raises ``KeyError`` if it is not known."""
        count: int = self._facts[_COUNTS][kind, connection]
        return count

    def made(self, row: Stored) -> None:
        """There is one more resource."""
        self._facts[_COUNTS].clear()
        self.changed(row)

    def changed(self, row: Stored) -> None:
        """A resource is this now."""
        self._note(_ROWS, (row.id, row.kind), row)

    def lost(self, connection: int, loss: Loss | None) -> None:
        """A connection has taken this away."""
        self._note(_LOSSES, connection, loss)

    def counted(self, kind: str, connection: int | None, count: int) -> None:
        """There are so many live resources."""
        self._note(_COUNTS, (kind, connection), count)

    def _look_for_resources(
        self, connection: sqlite3.Connection, directory: int, several: Sequence[Ahead]
    ) -> None:
        rows, groups = self._facts[_ROWS], self._facts[_GROUPS]
        keys = [(id, kind) for kind, id in sought(several, "resources") if _is_plain(id)]
        wanted = dict.fromkeys(key for key in keys if key not in rows)
        if not wanted:
            return
        for *columns, grouped in connection.execute(
            SQLITE["get_resources"], (directory, as_json([id for id, _ in wanted]))
        ):
            row = Stored(*columns)
            if (row.id, row.kind) in wanted:
                wanted[row.id, row.kind] = row
            if not grouped:
                groups[row.id] = ()
        rows.update(wanted)

    def _look_for_groups(
        self, connection: sqlite3.Connection, directory: int, several: Sequence[Ahead]
    ) -> None:
        groups = self._facts[_GROUPS]
        wanted = [id for id in sought(several, "grouped") if id not in groups and _is_plain(id)]
        if wanted:
            found = memberships_of(connection.execute(SQLITE["memberships"], (directory, as_json(wanted))))
            groups.update({id: found.get(id, ()) for id in wanted})

    def _drop_named(self, named: set[Any]) -> None:
        groups = self._facts[_GROUPS]
        for id in [id for id, several in groups.items() if any(one.group in named for one in several)]:
            del groups[id]

    def _note(self, part: str, key: Any, value: Any) -> None:
        facts = self._facts[part]
        self._notes.append((facts, key, facts.get(key, _UNKNOWN)))
        facts[key] = value


def _by_keys(several: Iterable[tuple[str, Any, str]]) -> dict[str, dict[str, list[str]]]:
    """What is known by three values, in lists by the first two."""
    found: dict[str, dict[str, list[str]]] = {}
    for one, other, value in several:
        found.setdefault(one, {}).setdefault(str(other), []).append(value)
    return found


def _is_plain(id: str) -> bool:
    """Whether an id may be asked for among others; one that cannot be, must fail alone."""
    return id.isprintable()
