"""Whatever a connection did: undo gives back what was there, and leaves what others did."""

import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service.undoing import moment, preview, undone
from service.world import GROUP, USER, World, patch, run

from rosterd.scim import errors, urns
from rosterd.scim.schema import ResourceType
from rosterd.service.caller import Caller
from rosterd.testing.scenario import listed

NAMES = ["ann", "bob", "cid", "dan"]
GROUPS = ["g1", "g2", "g3"]
TITLES = ["", "boss", "chief"]

names, groups = st.sampled_from(NAMES), st.sampled_from(GROUPS)
index = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("create"), names, st.sampled_from(TITLES)),
    st.tuples(st.just("group"), groups, st.lists(index | names, max_size=3)),
    st.tuples(st.just("delete"), index),
    st.tuples(st.just("dissolve"), index),
    st.tuples(st.just("rename"), index, names),
    st.tuples(st.just("title"), index, st.sampled_from(TITLES)),
    st.tuples(st.just("cost"), index, st.sampled_from(["", "c1", "c2"])),
    st.tuples(st.just("active"), index, st.booleans()),
    st.tuples(st.just("emails"), index, st.lists(st.sampled_from(["a@x", "b@x"]), max_size=2)),
    st.tuples(st.just("join"), index, st.lists(index | names, max_size=3)),
    st.tuples(st.just("leave"), index, st.lists(index | names, max_size=3)),
    st.tuples(st.just("replace"), index, st.lists(index | names, max_size=3)),
    st.tuples(st.just("put"), index, names),
)


class Provider:
    """A connection that knows the ids of what it made; what it may not do, it leaves."""

    def __init__(self, world: World, caller: Caller, prefix: str) -> None:
        self.world, self.caller, self.prefix = world, caller, prefix
        self.ids: dict[str, list[str]] = {"User": [], "Group": []}

    def _one(self, kind: str, number: int) -> str:
        made = self.ids[kind]
        return made[number % len(made)] if made else "nobody"

    def _values(self, members: list[Any]) -> list[dict[str, str]]:
        return [
            {"value": self._one("User", m) if isinstance(m, int) else f"{self.prefix}{m}"} for m in members
        ]

    async def do(self, step: tuple[Any, ...]) -> None:
        verb, first, *rest = step
        with contextlib.suppress(errors.NotFound, errors.Uniqueness, errors.InvalidValue):
            await getattr(self, f"do_{verb}")(first, *rest)

    async def do_create(self, name: str, title: str) -> None:
        body = {"schemas": [urns.USER], "userName": f"{self.prefix}{name}", "externalId": f"x-{name}"}
        view = await self.world.create(body | ({"title": title} if title else {}), self.caller)
        self.ids["User"].append(view.row.id)

    async def do_group(self, name: str, members: list[Any]) -> None:
        body = {"schemas": [urns.GROUP], "displayName": f"{self.prefix}{name}"}
        view = await self.world.create(body | {"members": self._values(members)}, self.caller)
        self.ids["Group"].append(view.row.id)

    async def do_delete(self, number: int) -> None:
        unit = self.world.commands.delete(self.caller, USER, self._one("User", number))
        await self.world.commit(unit, self.caller)

    async def do_dissolve(self, number: int) -> None:
        unit = self.world.commands.delete(self.caller, GROUP, self._one("Group", number))
        await self.world.commit(unit, self.caller)

    async def do_put(self, number: int, name: str) -> None:
        body = {"schemas": [urns.USER], "userName": f"{self.prefix}{name}"}
        unit = self.world.commands.replace(self.caller, USER, self._one("User", number), body)
        await self.world.commit(unit, self.caller)

    async def do_rename(self, number: int, name: str) -> None:
        await self._patch(USER, number, "replace", "userName", f"{self.prefix}{name}")

    async def do_title(self, number: int, title: str) -> None:
        await self._patch(USER, number, "replace" if title else "remove", "title", title)

    async def do_cost(self, number: int, cost: str) -> None:
        await self._patch(
            USER, number, "replace" if cost else "remove", f"{urns.ENTERPRISE_USER}:costCenter", cost
        )

    async def do_active(self, number: int, active: bool) -> None:
        await self._patch(USER, number, "replace", "active", active)

    async def do_emails(self, number: int, values: list[str]) -> None:
        await self._patch(USER, number, "replace", "emails", [{"value": v} for v in values])

    async def do_join(self, number: int, members: list[Any]) -> None:
        await self._patch(GROUP, number, "add", "members", self._values(members))

    async def do_leave(self, number: int, members: list[Any]) -> None:
        await self._patch(GROUP, number, "remove", "members", self._values(members))

    async def do_replace(self, number: int, members: list[Any]) -> None:
        await self._patch(GROUP, number, "replace", "members", self._values(members))

    async def _patch(self, type: ResourceType, number: int, op: str, path: str, value: Any) -> None:
        operation = {"op": op, "path": path} | ({"value": value} if value not in ("", []) else {})
        unit = self.world.commands.patch(self.caller, type, self._one(type.name, number), patch(operation))
        await self.world.commit(unit, self.caller)


async def visible(world: World) -> dict[str, Any]:
    """Everything that can be seen of the directory, but times, versions and what members are shown as."""
    reader, seen = world.store.reader(1), {}
    for type in (USER, GROUP):
        for row in (await reader.search(listed(type=type))).rows:
            one = {
                "document": orjson.loads(row.document),
                "externalId": row.external_id,
                "of": row.connection,
            }
            if type is GROUP:
                one["members"] = [m.value for m in await reader.members(row.id)]
                one["pending"] = [m.value for m in await reader.pending(row.id)]
            seen[row.id] = one
    return seen


Test = Callable[[World], Awaitable[None]]


def on_disk(test: Test) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), test)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.lists(STEPS, max_size=12),
    during=st.lists(STEPS, max_size=16),
    other=st.lists(STEPS, max_size=6),
)
def test_undo_gives_back_what_was_there_and_leaves_what_others_did(
    before: list[Any], during: list[Any], other: list[Any]
) -> None:
    async def test(world: World) -> None:
        okta = Provider(world, world.caller, "")
        hr = Provider(world, world.other(), "hr-")
        for step in before:
            await okta.do(step)
        found = await visible(world)
        since = moment(world)
        for number, step in enumerate(during):
            await okta.do(step)
            for mine in other[number : number + 1]:
                await hr.do(mine)
        for mine in other[len(during) :]:
            await hr.do(mine)
        left = await visible(world)
        theirs = {id: one for id, one in left.items() if one["of"] == 2}
        plan = await undone(world, since)
        assert await visible(world) == found | theirs
        assert not plan.conflicts
        assert not plan.lost
        assert not any((await undone(world, since)).counts.values())
        assert not any((await preview(world, since)).counts.values())

    on_disk(test)
