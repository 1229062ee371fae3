"""What holds for the feed, waiting and snapshots, whatever the engine."""

# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
import random
import time
from collections.abc import Sequence

from rosterd.service.events import WINDOW, StoredEvent
from rosterd.service.ports import Store, Writer
from rosterd.testing.scenario import (
    AT,
    DIRECTORY,
    Work,
    event,
    found,
    group,
    listed,
    put,
    refused,
    scenario,
    users,
)

WRITERS = 16
TURNS = 12
READERS = 4
TYPES = ("user.created", "user.deleted", "group.created", "group.member_added")


def appended(*types: str, at: int = AT) -> Work[None]:
    """The unit of work that writes one event of each type."""

    async def work(tx: Writer) -> None:
        for type in types:
            await tx.append(event(type)._replace(type=type, at=at))

    return work


async def follow(store: Store, until: asyncio.Event, types: Sequence[str] = ()) -> list[StoredEvent]:
    """A reader of the feed: what it has seen when ``until`` is set and nothing more comes."""
    seen: list[StoredEvent] = []
    after = 0
    while True:
        ending = until.is_set()
        page = await store.reader(DIRECTORY).feed(after, 7, types)
        seen += page.events
        after = page.through
        if page.through == page.last:
            if ending:
                return seen
            await store.changed(DIRECTORY, after, 0.2)


class FeedContract:
    """Mixed into ``StoreContract``."""

    @scenario
    async def test_a_page_of_the_feed_says_how_far_it_looked(self, store: Store) -> None:
        reader = store.reader(DIRECTORY)
        assert (await reader.feed(0, 10)).last == 0
        await store.write(DIRECTORY, appended(*TYPES))
        page = await reader.feed(0, 3)
        assert ([e.seq for e in page.events], page.through, page.last) == ([1, 2, 3], 3, 4)
        page = await reader.feed(3, 3)
        assert ([e.seq for e in page.events], page.through, page.forgotten) == ([4], 4, 0)
        page = await reader.feed(4, 3)
        assert (page.events, page.through) == ((), 4)
        assert (await store.reader(DIRECTORY + 1).feed(0, 3)).last == 0

    @scenario
    async def test_the_feed_is_filtered_by_types_and_prefixes(self, store: Store) -> None:
        await store.write(DIRECTORY, appended(*TYPES, *TYPES))
        for types, wanted in (
            (("user.created",), [1, 5]),
            (("user.*",), [1, 2, 5, 6]),
            (("user.deleted", "group.member_*"), [2, 4, 6, 8]),
            (("*",), [1, 2, 3, 4, 5, 6, 7, 8]),
            (("user.",), []),
        ):
            page = await store.reader(DIRECTORY).feed(0, 10, types)
            assert [e.seq for e in page.events] == wanted, types
            assert page.through == page.last == 8
        page = await store.reader(DIRECTORY).feed(0, 1, ("group.*",))
        assert ([e.seq for e in page.events], page.through) == ([3], 3)

    @scenario
    async def test_a_page_looks_at_a_bounded_number_of_events(self, store: Store) -> None:
        await store.write(DIRECTORY, appended(*["user.created"] * (WINDOW + 5), "group.created"))
        page = await store.reader(DIRECTORY).feed(0, 10, ("group.*",))
        assert (page.events, page.through, page.last) == ((), WINDOW, WINDOW + 6)
        page = await store.reader(DIRECTORY).feed(page.through, 10, ("group.*",))
        assert [e.seq for e in page.events] == [WINDOW + 6]

    @scenario
    async def test_the_feed_is_read_backwards(self, store: Store) -> None:
        reader = store.reader(DIRECTORY)
        assert (await reader.feed_back(None, 10)).events == ()
        await store.write(DIRECTORY, appended(*TYPES, *TYPES))
        page = await reader.feed_back(None, 3)
        assert ([e.seq for e in page.events], page.through, page.last) == ([8, 7, 6], 6, 8)
        page = await reader.feed_back(6, 3, ("group.*",))
        assert ([e.seq for e in page.events], page.through) == ([4, 3], 1)
        assert [e.seq for e in (await reader.feed_back(100, 1)).events] == [8]
        assert (await store.reader(DIRECTORY + 1).feed_back(None, 3)).events == ()
        await store.write(DIRECTORY, lambda tx: tx.forget_events(AT + 1, 5))
        page = await reader.feed_back(8, 10)
        assert ([e.seq for e in page.events], page.through, page.forgotten) == ([7, 6], 6, 5)
        page = await reader.feed_back(1, 10)
        assert (page.events, page.through <= page.forgotten + 1) == ((), True)

    @scenario
    async def test_a_page_backwards_looks_at_a_bounded_number_of_events(self, store: Store) -> None:
        await store.write(DIRECTORY, appended("group.created", *["user.created"] * (WINDOW + 5)))
        page = await store.reader(DIRECTORY).feed_back(None, 10, ("group.*",))
        assert (page.events, page.through) == ((), 7)
        page = await store.reader(DIRECTORY).feed_back(page.through, 10, ("group.*",))
        assert ([e.seq for e in page.events], page.through) == ([1], 1)

    @scenario
    async def test_old_events_are_forgotten_from_the_beginning_only(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            for at in (1, 2, 3, 9, 4, 5):
                await tx.append(event("u")._replace(at=at))

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        assert await store.write(DIRECTORY, lambda tx: tx.forget_events(8, 2)) == 2
        page = await reader.feed(0, 10)
        assert ([e.seq for e in page.events], page.forgotten, page.last) == ([3, 4, 5, 6], 2, 6)
        assert await store.write(DIRECTORY, lambda tx: tx.forget_events(8, 100)) == 1, "4 is younger"
        assert await store.write(DIRECTORY, lambda tx: tx.forget_events(8, 100)) == 0
        assert await store.write(DIRECTORY, lambda tx: tx.forget_events(100, 100)) == 3
        page = await reader.feed(0, 10)
        assert (page.events, page.through, page.forgotten, page.last) == ((), 6, 6, 6)
        assert await store.write(DIRECTORY, lambda tx: tx.append(event("u"))) == 7, "no number comes twice"
        assert [e.seq for e in (await reader.feed(0, 10)).events] == [7]

    @scenario
    async def test_waiting_ends_at_once_with_a_commit_and_not_before(self, store: Store) -> None:
        assert not await store.changed(DIRECTORY, 0, 0.01)
        waiting = [asyncio.create_task(store.changed(DIRECTORY, 0, 30)) for _ in range(3)]
        await asyncio.sleep(0.05)
        await store.write(DIRECTORY + 1, appended("user.created"))
        await refused(KeyError, store.write(DIRECTORY, _failing))
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in waiting)
        began = time.monotonic()
        await store.write(DIRECTORY, appended("user.created"))
        assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [True, True, True]
        assert time.monotonic() - began < 0.9, "it was woken and did not find it by looking"
        assert await store.changed(DIRECTORY, 0, 30), "what is there already is not waited for"

    @scenario
    async def test_a_change_whose_caller_has_gone_wakes_too(self, store: Store) -> None:
        waiting = asyncio.create_task(store.changed(DIRECTORY, 0, 30))
        await asyncio.sleep(0.05)
        write = asyncio.create_task(store.write(DIRECTORY, appended("user.created")))
        await asyncio.sleep(0)
        write.cancel()
        await asyncio.wait((write,))
        if write.cancelled():  # it may have been undone with its caller, or not
            await store.write(DIRECTORY, appended("user.created"))
        assert await asyncio.wait_for(waiting, 5)

    @scenario
    async def test_readers_beside_many_writers_see_every_event_once_in_order(self, store: Store) -> None:
        over = asyncio.Event()

        async def write(number: int) -> None:
            chance = random.Random(number)  # noqa: S311 - tests
            for turn in range(TURNS):
                name = f"{number}-{turn}"

                async def work(tx: Writer, name: str = name, fails: bool = chance.random() < 0.2) -> None:
                    await tx.append(event(name)._replace(type="user.created"))
                    if fails:
                        raise KeyError(name)
                    await tx.append(event(name, "Group")._replace(type="group.created"))

                try:
                    await store.write(DIRECTORY, work)
                except KeyError:
                    await asyncio.sleep(0)

        readers = [asyncio.create_task(follow(store, over)) for _ in range(READERS)]
        picky = asyncio.create_task(follow(store, over, ("group.*",)))
        await asyncio.gather(*map(write, range(WRITERS)))
        over.set()
        everything = list(await store.reader(DIRECTORY).events(0, 10_000))
        assert [e.seq for e in everything] == list(range(1, len(everything) + 1))
        assert len(everything) > WRITERS * TURNS
        for seen in await asyncio.gather(*readers):
            assert seen == everything
        assert await picky == [e for e in everything if e.event.type == "group.created"]

    @scenario
    async def test_a_snapshot_stays_as_it_was_while_others_write(self, store: Store) -> None:
        await users(store, ["a", "b"])
        await group(store, "g")
        await store.write(DIRECTORY, appended("user.created"))
        async with store.snapshot(DIRECTORY) as reader:
            await store.write(DIRECTORY, put({"userName": "c"}, "c"))
            await store.write(DIRECTORY, appended("user.created"))
            page = await reader.feed(0, 10)
            assert (page.last, len(page.events)) == (4, 1)
            assert [row.id for row in (await reader.search(listed())).rows] == ["a", "b"]
            assert await reader.count("User") == 2
            assert await found(store, listed()) == ["a", "b", "c"]
        async with store.snapshot(DIRECTORY) as reader:
            assert await reader.count("User") == 3


async def _failing(tx: Writer) -> None:
    await tx.append(event("u"))
    raise KeyError("undone")
