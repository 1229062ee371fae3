"""Changes that are certain to be written, kept so that one statement writes many of a sort.

Of resources, of members, of versions alone, and of what connections have taken away. Nothing can be in their
way: values are known to be free, or theirs before, and so is what a value is to a group. If something is all
the same, as an id that is there already, ``write`` raises, and nothing may be kept of it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rosterd.service.limits import Loss
from rosterd.service.ports import Stored
from rosterd.store.postgres_arrays import numbers, texts
from rosterd.store.postgres_run import Link

Entries = Iterable[tuple[str, str]]
"""Attributes with their values, as their tables have them, each once."""


class Write(NamedTuple):
    """A resource as it shall be, with the texts that the engine searches."""

    row: Stored
    search: str
    display: str | None
    new: bool
    """Whether it is made; else it is changed, but for its unique values."""
    unique: Entries = ()
    """Of a new one."""
    values: Entries = ()
    """What it is looked up by from now on."""
    dropped: Entries = ()
    """What it is not looked up by any more."""

    def behind(self, earlier: "Write") -> "Write":
        """Both changes as one."""
        came, went = dict.fromkeys(earlier.values), dict.fromkeys(earlier.dropped)
        for pair in self.dropped:
            if pair in came:
                del came[pair]
            else:
                went[pair] = None
        for pair in self.values:
            if pair in went:
                del went[pair]
            else:
                came[pair] = None
        return self._replace(values=came, dropped=went)


class Seating(NamedTuple):
    """A value is put among a group's members, or those that are pending, or is removed from them."""

    pending: bool
    group: str
    value: str
    there: bool
    display: str | None = None


class Touch(NamedTuple):
    """A resource's version and nothing else of it."""

    id: str
    version: int
    modified: int


class Lost(NamedTuple):
    """What a connection has taken away, which has a row of that."""

    connection: int
    loss: Loss


Change = Write | Seating | Touch | Lost


class Waiting:
    """Writes in their order. A *mark* is a place in it, counted from the beginning of the transaction."""

    __slots__ = ("_writes", "begin")

    def __init__(self) -> None:
        self.begin = 0
        """The mark of the first that waits."""
        self._writes: list[Change] = []

    def __bool__(self) -> bool:
        return bool(self._writes)

    @property
    def end(self) -> int:
        """The mark behind the last."""
        return self.begin + len(self._writes)

    def add(self, write: Change) -> None:
        """Another one."""
        self._writes.append(write)

    def cut(self, mark: int) -> None:
        """Forget those behind a mark; of what is written already, the engine must be told."""
        del self._writes[max(0, mark - self.begin) :]

    async def write(self, link: Link, directory: int, mark: int) -> None:
        """Write those before a mark. Raises ``LookupError`` if one could not be, and asyncpg's errors."""
        count = mark - self.begin
        writes, self._writes, self.begin = self._writes[:count], self._writes[count:], mark
        made: list[Write] = []
        changed: dict[str, Write] = {}
        seats: dict[tuple[bool, str, str], Seating] = {}
        touched: dict[str, Touch] = {}
        lost: dict[int, Loss] = {}
        for write in writes:
            if isinstance(write, Lost):
                lost[write.connection] = write.loss
            elif isinstance(write, Seating):
                seats[write[:3]] = write
            elif isinstance(write, Touch):
                touched[write.id] = write
            elif write.new:
                made.append(write)
            else:
                id = write.row.id
                touched.pop(id, None)  # the version is a part of it
                changed[id] = write.behind(changed[id]) if id in changed else write
        for connection, loss in lost.items():
            await link.change("set_loss", directory, connection, loss.began, loss.count, loss.of)
        if made:
            await _insert(link, directory, made)
        if changed:
            await _update(link, directory, list(changed.values()))
        if seats or touched:
            await _change_members(link, directory, list(seats.values()), list(touched.values()))


async def _insert(link: Link, directory: int, writes: Sequence[Write]) -> None:
    rows = [write.row for write in writes]
    await link.change(
        "insert_resources",
        directory,
        [row.id for row in rows],
        [row.kind for row in rows],
        numbers([row.connection for row in rows]),
        texts([row.external_id for row in rows]),
        numbers([row.seq for row in rows]),
        numbers([row.version for row in rows]),
        numbers([row.created for row in rows]),
        numbers([row.modified for row in rows]),
        [row.document for row in rows],
        [write.search for write in writes],
        texts([write.display for write in writes]),
        *_columns([write.unique for write in writes]),
        *_columns([write.values for write in writes]),
    )


async def _update(link: Link, directory: int, writes: Sequence[Write]) -> None:
    rows = [write.row for write in writes]
    found = await link.change(
        "update_resources",
        directory,
        [row.id for row in rows],
        texts([row.external_id for row in rows]),
        numbers([row.version for row in rows]),
        numbers([row.modified for row in rows]),
        [row.document for row in rows],
        [write.search for write in writes],
        texts([write.display for write in writes]),
        [row.kind for row in rows],
        *_columns([write.values for write in writes]),
        *_columns([write.dropped for write in writes]),
    )
    if found != len(writes):
        raise LookupError("a resource is not there any more")


async def _change_members(
    link: Link, directory: int, seats: Sequence[Seating], touched: Sequence[Touch]
) -> None:
    columns: list[list[str | None]] = []
    for pending in (False, True):
        for there, names in ((True, ("group", "value", "display")), (False, ("group", "value"))):
            chosen = [seat for seat in seats if seat.pending is pending and seat.there is there]
            columns += [[getattr(seat, name) for seat in chosen] for name in names]
    found = await link.change(
        "change_members",
        directory,
        *columns,
        [touch.id for touch in touched],
        [touch.version for touch in touched],
        [touch.modified for touch in touched],
    )
    if found != len(touched):
        raise LookupError("a group is not there any more")


def _columns(several: Sequence[Entries]) -> tuple[str, str, str]:
    """The places of those whose they are, attributes and values of all their entries."""
    rows = [(place, *entry) for place, entries in enumerate(several, 1) for entry in entries]
    places, attributes, values = zip(*rows, strict=True) if rows else ((), (), ())
    return numbers(places), texts(attributes), texts(values)
