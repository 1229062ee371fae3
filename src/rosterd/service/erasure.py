"""Erasure for good: nothing of an account is kept but its id, and that it was erased.

First, in one transaction, the account goes (a live one is deleted before), no group waits for what it was
known by, and the rest is owed; from then on its names are free, and who is called so later is somebody else.
Then, portion by portion, they are taken out of what the events of groups told before, indexes forget it, its
own events are emptied, and the logs are scrubbed. At last ``user.erased`` is told. Each step can be
repeated, and what is owed is kept until the end: a crash in between loses nothing; the upkeep goes on. So it
does after a DELETE under the policy ``erase``.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from rosterd.scim import errors
from rosterd.scim.schema import Model, ResourceType
from rosterd.service import changes
from rosterd.service.audit import ITSELF, Actor, Entry
from rosterd.service.control import Directory
from rosterd.service.events import NOBODY, Cause, StoredEvent
from rosterd.service.lifecycle import names, remove
from rosterd.service.past import Owed
from rosterd.service.ports import Reader, Store, Stored, Writer

PORTION: Final = 100
"""Events to a transaction that reads and rewrites each."""
TOGETHER: Final = 100
"""Accounts whose names are looked for in one walk over the feed."""
EXPIRED_AT_ONCE: Final = 1000

WARNING: Final = (
    "The account was live: its identity provider does not know that it is gone and may create it again. "
    "Unassign or delete the user there too."
)

ERASED: Final[Mapping[str, Any]] = {"erased": True}
"""What an event of an erased account says."""


class Traces(Protocol):
    """Where, besides the feed, something is kept of what was said about an account: logs, kept replies."""

    async def complete(self, directory: int) -> None:
        """Wait until what was said up to now is there; of what comes later still, nothing is to be kept."""

    async def scrub(self, directory: int, resource: str, texts: Collection[str]) -> None:
        """Remove what was kept of a resource, and whatever mentions one of the texts."""


class Erasure:
    """Erasing accounts. ``now`` gives milliseconds since the epoch, ``model_of`` a directory's schemas."""

    def __init__(
        self,
        store: Store,
        traces: Traces,
        model_of: Callable[[Directory], Model],
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._traces = traces
        self._model_of = model_of
        self._now = now

    async def erase(self, directory: Directory, kind: str, id: str, *, by: Actor) -> bool:
        """Erase an account, live or retained, to the end; whether it was live. Raises ``NotFound``.

        The identity provider of a live one may create it again, as it does not know of this.
        """
        row = await self._remove(directory, self._type(directory, kind), id, by, None)
        if row is None:
            raise errors.NotFound.of(kind, id)
        await self.settle(directory)
        return row.deleted is None

    async def expire(self, directory: Directory, kind: str, days: int) -> int:
        """Erase accounts that were deleted so many days ago, a bounded number at a time; how many."""
        before = self._now() - days * 86_400_000
        found = await self._store.reader(directory.id).deleted_before(kind, before, EXPIRED_AT_ONCE)
        gone = 0
        for id in found:
            row = await self._remove(directory, self._type(directory, kind), id, ITSELF, before)
            gone += row is not None
        return gone

    async def settle(self, directory: Directory) -> int:
        """Carry out what is owed of erasures; how many were finished."""
        reader, finished = self._store.reader(directory.id), 0
        while some := await reader.owed(TOGETHER):
            known = [
                await self._named(directory, reader, owed) if owed.seq is None else owed for owed in some
            ]
            await self._unmention(directory, reader, known)
            await self._store.purge(directory.id)
            await self._traces.complete(directory.id)
            for owed in known:
                await self._empty(directory, reader, owed)
                await self._traces.scrub(directory.id, owed.id, owed.names)
                await self._finish(directory, owed)
            finished += len(known)
        return finished

    def _type(self, directory: Directory, kind: str) -> ResourceType:
        return self._model_of(directory).types[kind]

    async def _remove(
        self, directory: Directory, resource_type: ResourceType, id: str, by: Actor, before: int | None
    ) -> Stored | None:
        """The account goes; one that shall have been deleted ``before`` a time only if that is so still."""
        kind = resource_type.name

        async def work(tx: Writer) -> Stored | None:
            row = await tx.find_deleted(kind, id)
            if before is None:
                row = row or await tx.get(kind, id)
            elif row is not None and (row.deleted is None or row.deleted >= before):
                row = None
            if row is None:
                return None
            at = max(self._now(), row.modified)
            await remove(tx, Cause(NOBODY, by.request_id), resource_type, row, at)
            await tx.audit(Entry(by, at, "account.erased", f"{kind} {id}", directory.id))
            return row

        return await self._store.write(directory.id, work)

    async def _named(self, directory: Directory, reader: Reader, owed: Owed) -> Owed:
        """The same with every name it ever had, for which no group waits: an older release left that."""
        found = set(owed.names)
        async for page in _pages(reader, owed):
            for each in page:
                for part in (each.event.data.get("before"), each.event.data.get("after")):
                    found.update(names(part or {}))
        known = replace(owed, names=tuple(sorted(found)))

        async def work(tx: Writer) -> None:
            if await tx.paid(owed):  # else somebody else has finished it meanwhile
                await tx.owe(known)
                await tx.drop_pending([owed.id, *known.names])

        await self._store.write(directory.id, work)
        return known

    async def _unmention(self, directory: Directory, reader: Reader, known: list[Owed]) -> None:
        """The events of groups, up to when each went, do not tell that somebody waited for the accounts."""
        ends = {owed: (await reader.last()) if owed.seq is None else owed.seq for owed in known}
        words = sorted({word for owed in known for word in (owed.id, *owed.names)})

        def left(each: StoredEvent) -> Mapping[str, Any]:
            gone = {word for owed in known if each.seq <= ends[owed] for word in (owed.id, *owed.names)}
            return _without(each.event.data, gone)

        after, last = 0, max(ends.values())
        while after < last:
            through = (await reader.feed(after, 0)).through
            found = await reader.mentioning(words, after, through)
            for start in range(0, len(found), PORTION):
                await self._rewrite(directory, [e.seq for e in found[start : start + PORTION]], left)
            after = through

    async def _empty(self, directory: Directory, reader: Reader, owed: Owed) -> None:
        async for page in _pages(reader, owed):
            if part := [each.seq for each in page if each.event.data != ERASED]:
                await self._rewrite(directory, part, lambda _: ERASED)

    async def _finish(self, directory: Directory, owed: Owed) -> None:
        at = self._now()

        async def work(tx: Writer) -> None:
            if not await tx.paid(owed):
                return
            type = f"{changes.noun(self._type(directory, owed.kind))}.erased"
            await tx.append(Cause(NOBODY, owed.request_id).event(type, owed.kind, owed.id, at, ERASED))

        await self._store.write(directory.id, work)

    async def _rewrite(
        self,
        directory: Directory,
        seqs: Iterable[int],
        made: Callable[[StoredEvent], Mapping[str, Any]],
    ) -> None:
        """Each says what ``made`` makes of it as it is now: others may be at the same events."""

        async def work(tx: Writer) -> None:
            for seq in seqs:
                for each in await tx.events(seq - 1, 1):
                    if each.seq == seq:
                        await tx.rewrite(seq, made(each))

        await self._store.write(directory.id, work)


async def _pages(reader: Reader, owed: Owed) -> AsyncIterator[tuple[StoredEvent, ...]]:
    """The account's events."""
    after = 0
    while page := await reader.story(owed.kind, owed.id, 0, after, PORTION):
        yield page
        after = page[-1].seq


def _without(data: Mapping[str, Any], words: Collection[str]) -> dict[str, Any]:
    """A membership event without these pending values."""
    kept = dict(data)
    for name in ("pending", "resolved"):
        if name in kept:
            kept[name] = [value for value in kept[name] if value not in words]
    return kept
