"""Bulk: references both ways, errors one by one, and a limit on them."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from service.world import GROUP, World, group, run, user

from rosterd.service.ports import OutcomeUnknown, StoreUnavailable


def post(bulk_id: str, body: dict[str, Any]) -> dict[str, Any]:
    path = "/Groups" if "displayName" in body and "userName" not in body else "/Users"
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": body}


def id_of(result: dict[str, Any]) -> str:
    return result["location"].rsplit("/", 1)[1]


def test_a_group_may_come_before_its_members(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        results = await world.bulk(
            post("g", group("Engineers", "bulkId:a", "bulkId:b")),
            post("a", user("ann")),
            post("b", user("bob")),
        )
        assert [(r["status"], r["bulkId"]) for r in results] == [("201", "g"), ("201", "a"), ("201", "b")]
        listing = await world.page(type=GROUP)
        shown = {m.value for m in listing.views[0].members or ()}
        assert shown == {id_of(results[1]), id_of(results[2])}

    run(tmp_path, test)


def test_circular_references_are_resolved(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        results = await world.bulk(post("a", group("A", "bulkId:b")), post("b", group("B", "bulkId:a")))
        assert [r["status"] for r in results] == ["201", "201"]
        a, b = map(id_of, results)
        listing = await world.page(type=GROUP)
        assert {v.row.id: [m.value for m in v.members or ()] for v in listing.views} == {a: [b], b: [a]}

    run(tmp_path, test)


def test_a_reference_to_what_was_made_works_in_paths_and_patches(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        add = {"op": "add", "path": "members", "value": [{"value": "bulkId:u"}]}
        results = await world.bulk(
            {
                "method": "PATCH",
                "path": "/Groups/bulkId:g",
                "data": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [add]},
            },
            post("g", group("G")),
            post("u", user("ann")),
            {"method": "DELETE", "path": "/Users/nobody"},
        )
        assert [r["status"] for r in results] == ["200", "201", "201", "404"]
        assert results[3]["response"]["detail"].startswith("There is no User with the id 'nobody'")
        assert results[0]["version"] == 'W/"2"' and "response" not in results[0]

    run(tmp_path, test)


def test_one_failure_undoes_only_itself_and_what_refers_to_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.create(user("ann"))
        results = await world.bulk(
            post("1", user("bob")),
            post("2", user("ANN")),
            post("3", group("G", "bulkId:2")),
            post("4", user("carla")),
        )
        assert [r["status"] for r in results] == ["201", "409", "409", "201"]
        assert results[1]["response"]["scimType"] == "uniqueness"
        assert (await world.page()).total == 3 and (await world.page(type=GROUP)).total == 0

    run(tmp_path, test)


def test_fail_on_errors_stops_there_and_keeps_what_was_done(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        operations = [post(str(n), user("same" if n % 2 else f"user{n}")) for n in range(10)]
        results = await world.bulk(*operations, failOnErrors=2)
        assert [r["status"] for r in results] == ["201", "201", "201", "409", "201", "409"]
        assert (await world.page()).total == 4

    run(tmp_path, test)


def test_a_bulk_larger_than_a_chunk_is_done_whole(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        results = await world.bulk(*(post(str(n), user(f"user{n}")) for n in range(250)))
        assert {r["status"] for r in results} == {"201"} and (await world.page()).total == 250

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("error", "at", "statuses", "detail"),
    [
        (StoreUnavailable("away"), 1, ["201"] * 100 + ["503"] * 150, "nothing was changed"),
        (OutcomeUnknown("lost"), 1, ["201"] * 100 + ["503"] * 150, "it is not known whether"),
        (OutcomeUnknown("lost"), 0, ["503"] * 250, "it is not known whether"),
    ],
)
def test_a_store_that_goes_away_in_the_middle_leaves_what_was_done_and_it_is_told(
    tmp_path: Path, error: StoreUnavailable, at: int, statuses: list[str], detail: str
) -> None:
    async def test(world: World) -> None:
        leaving(world, error, at)
        results = await world.bulk(*(post(str(n), user(f"user{n}")) for n in range(250)))
        assert [r["status"] for r in results] == statuses
        said = [r["response"]["detail"] for r in results if "response" in r]
        assert all(detail in each for each in said[:100])
        assert all("nothing was changed" in each for each in said[100:])
        assert (await world.page()).total == statuses.count("201")

    run(tmp_path, test)


@pytest.mark.parametrize(("error", "number"), [(StoreUnavailable("away"), 250), (OutcomeUnknown("lost"), 2)])
def test_a_store_that_is_away_at_once_is_told_for_the_whole(
    tmp_path: Path, error: StoreUnavailable, number: int
) -> None:
    async def test(world: World) -> None:
        leaving(world, error, 0)
        with pytest.raises(type(error)):
            await world.bulk(*(post(str(n), user(f"user{n}")) for n in range(number)))

    run(tmp_path, test)


def leaving(world: World, error: StoreUnavailable, at: int) -> None:
    """The world's store takes so many more transactions, and then no others."""
    write, count = world.store.write, itertools.count()

    async def some(*arguments: Any) -> Any:
        if next(count) >= at:
            raise error
        return await write(*arguments)

    world.store.write = some  # type: ignore[method-assign]
