"""Walks by index and by cursor see everybody, whoever comes and goes meanwhile."""

from pathlib import Path

import pytest
from service.world import GROUP, USER, World, group, run, user

from rosterd.scim import errors
from rosterd.scim.bind import MOST_WALKS
from rosterd.scim.listing import from_query
from rosterd.service.limits import Limits
from rosterd.service.queries import CURSOR_LIFETIME


async def people(world: World, count: int) -> list:
    return [await world.create(user(f"user{n:03}")) for n in range(count)]


def test_an_index_walk_misses_nobody_while_others_are_deleted(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        everyone = await people(world, 50)
        world.caller = world.with_policy(limits=Limits(fuse_percent=0))
        seen: list[str] = []
        start, total = 1, 1
        while start <= total:
            page = await world.page(startIndex=str(start), count="10")
            seen += [v.row.id for v in page.views]
            total, start = page.total, start + 10
            for view in everyone[len(seen) - 10 : len(seen) - 5]:
                await world.delete(view)
        assert seen == [v.row.id for v in everyone]
        assert total == 50

    run(tmp_path, test)


def test_an_index_walk_sees_who_comes_meanwhile(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await people(world, 10)
        first = await world.page(startIndex="1", count="10")
        late = await world.create(user("late"))
        second = await world.page(startIndex="11", count="10")
        assert first.total == 10 and [v.row.id for v in second.views] == [late.row.id]
        assert second.total == 11

    run(tmp_path, test)


def test_a_jump_without_a_walk_counts_from_the_start(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        everyone = await people(world, 10)
        page = await world.page(startIndex="8", count="2")
        assert [v.row.id for v in page.views] == [v.row.id for v in everyone[7:9]] and page.total == 10
        beyond = await world.page(startIndex="99")
        assert (beyond.views, beyond.total) == ((), 10)
        nothing = await world.page(count="0")
        assert (nothing.views, nothing.total) == ((), 10)

    run(tmp_path, test)


def test_walks_of_different_queries_do_not_mix(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await people(world, 20)
        await world.page(startIndex="1", count="5", sortBy="userName", sortOrder="descending")
        page = await world.page(startIndex="6", count="5")
        assert [v.row.id for v in page.views] == [f"id-{n:04}" for n in range(6, 11)]

    run(tmp_path, test)


@pytest.mark.parametrize(
    "query", [{}, {"sortBy": "userName", "sortOrder": "descending"}, {"filter": 'userName co "user"'}]
)
def test_a_cursor_walk_sees_everybody_once(tmp_path: Path, query: dict[str, str]) -> None:
    async def test(world: World) -> None:
        everyone = await people(world, 23)
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await world.page(cursor=cursor, count="5", **query)
            seen += [v.row.id for v in page.views]
            cursor = page.next_cursor
            assert page.start_index is None and page.total == 23
        expected = [v.row.id for v in everyone]
        assert seen == (expected[::-1] if "sortBy" in query else expected)

    run(tmp_path, test)


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("count", range(1, 6))
def test_pages_go_over_the_border_between_those_with_a_value_and_those_without(
    tmp_path: Path, order: str, count: int
) -> None:
    """By index with its bookmarks and by cursor; without a value are last, and first if descending."""

    async def test(world: World) -> None:
        titles = ["b", None, "a", None, "c"]
        made = [await world.create(user(f"user{n}", title=title)) for n, title in enumerate(titles)]
        by_index: list[str] = []
        by_cursor: list[str] = []
        cursor: str | None = ""
        query = {"sortBy": "title", "sortOrder": order, "count": str(count)}
        while len(by_index) < 5:
            page = await world.page(startIndex=str(len(by_index) + 1), **query)
            by_index += [view.row.id for view in page.views]
        while cursor is not None:
            page = await world.page(cursor=cursor, **query)
            by_cursor += [view.row.id for view in page.views]
            cursor = page.next_cursor
        expected = [made[n].row.id for n in ((2, 0, 4, 1, 3) if order == "ascending" else (1, 3, 4, 0, 2))]
        assert by_index == by_cursor == expected

    run(tmp_path, test)


def test_a_cursor_is_bound_to_its_query_and_connection_and_expires(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await people(world, 10)
        cursor = (await world.page(cursor="", count="5")).next_cursor or ""
        assert len((await world.page(cursor=cursor, count="3")).views) == 3
        for attempt in (
            lambda: world.page(cursor=cursor, filter='userName sw "u"'),
            lambda: world.page(cursor=cursor, sortBy="userName"),
            lambda: world.page(world.other(), cursor=cursor),
            lambda: world.page(type=GROUP, cursor=cursor),
            lambda: world.page(cursor=cursor[:-1] + ("A" if cursor[-1] != "A" else "B")),
        ):
            with pytest.raises(errors.InvalidCursor):
                await attempt()
        world.time[0] += CURSOR_LIFETIME
        with pytest.raises(errors.ExpiredCursor):
            await world.page(cursor=cursor)

    run(tmp_path, test)


def test_a_page_with_too_many_members_leaves_them_out_or_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rosterd.service.queries.MEMBERS_PER_PAGE", 3)

    async def test(world: World) -> None:
        ids = [v.row.id for v in await people(world, 4)]
        await world.create(group("Large", *ids))
        await world.create(group("Small", *ids[:2]))
        page = await world.page(type=GROUP)
        assert [len(v.members) if v.members is not None else None for v in page.views] == [None, 2]
        with pytest.raises(errors.TooMany, match="excludedAttributes=members"):
            await world.page(world.with_profile("strict"), type=GROUP)
        bare = await world.page(world.with_profile("strict"), type=GROUP, excludedAttributes="members")
        assert bare.total == 2

    run(tmp_path, test)


def test_a_search_that_goes_through_the_values_of_resources_too_often_is_refused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for types in ((USER,), (USER, GROUP)):
            wanted = from_query([("filter", " or ".join(['emails.value co "x"'] * (MOST_WALKS + 1)))])
            with pytest.raises(errors.InvalidFilter, match="Send several requests"):
                await world.queries.list(world.caller, types, wanted)

    run(tmp_path, test)
