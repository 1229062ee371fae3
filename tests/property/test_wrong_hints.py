"""What a unit sees does not depend on what it, or another one, was said to look for, however wrong that is.

Units call the methods of ``Writer`` in any order.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from contract.postgres_server import namespace
from hypothesis import example, given, settings
from hypothesis import strategies as st
from property.gathering import gathered

from rosterd.scim.membership import Member
from rosterd.service.ahead import Ahead
from rosterd.service.ports import Query, Reader, Store, Stored, UniqueViolation, Writer
from rosterd.store import group_commit, postgres_seats
from rosterd.store.memory import MemoryStore
from rosterd.store.postgres import open_postgres
from rosterd.store.sqlite import open_sqlite
from rosterd.testing.scenario import AT, CONNECTION, GROUP, USER, add, dump, event, indexed

OTHER = CONNECTION + 1
PEOPLE, TEAMS = ["u1", "u2", "u3"], ["g1", "g2", "g3"]
KINDS = dict.fromkeys(PEOPLE, "User") | dict.fromkeys(TEAMS, "Group")
NAMES = ["ann", "bob", "c" * 500]
KEYS = [None, "k"]

Change = tuple[str, str, str, str | None]
"""What is done with which resource, and a name and an externalId for it."""


class Undone(Exception):
    """A unit, or a part of one, that shall not be kept."""


@dataclass(frozen=True)
class Unit:
    """Several changes, the last of them in a part of their own; either may be undone."""

    changes: list[Change]
    part: list[Change]
    undone: bool
    part_undone: bool

    async def __call__(self, tx: Writer) -> list[object]:
        said = [await made(tx, *change) for change in self.changes]
        if self.part:
            try:
                async with tx.savepoint():
                    said += [await made(tx, *change) for change in self.part]
                    if self.part_undone:
                        raise Undone
            except (Undone, UniqueViolation) as error:
                said.append(repr(error))
        if self.undone:
            raise Undone(repr(said))
        return said


def renamed(stored: Stored, name: str) -> dict[str, Any]:
    """A resource's document under another name, which is a userName only if it is bob."""
    document: dict[str, Any] = json.loads(stored.document)
    if stored.kind == "User" and name == "bob":
        return document | {"userName": name}
    return document | {"displayName": name}


async def made(tx: Writer, what: str, id: str, name: str, key: str | None) -> object:
    """Do it, and tell what was seen."""
    kind = KINDS[id]
    match what:
        case "get":
            return await tx.get(kind, id), await tx.get("User", id), await tx.memberships((id,))
        case "count":
            return await tx.count(kind), await tx.count(kind, CONNECTION), await tx.count(kind, OTHER)
        case "find":
            return await tx.adopted(name), await tx.retained(kind, CONNECTION, key or ""), await tx.last()
        case "adopt":
            return await tx.adopt(name, id)
        case "append":
            return await tx.append(event(id, kind, name=name))
        case "resolve" if await tx.get(kind, id) is not None:
            return await tx.resolve_pending(id, [name])
        case "touch":
            return await tx.touch(kind, id, AT)
        case "erase":
            return await tx.erase(kind, id)
        case "join" | "show" | "part" if await tx.get("Group", "g1") is not None and id != "g1":
            return await seated(tx, what, id, name, key)
        case "nest" if await tx.get("Group", "g3") is not None:
            return await tx.replace_members("g3", [Member("g1"), *([Member(id)] if id != "g3" else [])])
        case "list":
            return [await tx.few_members(group, most) for group in TEAMS for most in (1, 2, 3)]
        case _:
            return await changed(tx, what, id, name, key)


async def seated(tx: Writer, what: str, id: str, name: str, key: str | None) -> object:
    """Members join or leave a group that is there, or are shown by another name."""
    if what == "part":
        return await tx.remove_members("g1", [id, name])
    display = (name, key) if what == "show" else (None, None)
    return await tx.add_members("g1", [Member(id, None, display[0]), Member(name, None, display[1])])


async def changed(tx: Writer, what: str, id: str, name: str, key: str | None) -> object:
    """Write the resource, if it is there or not, as it must be."""
    kind = KINDS[id]
    live, gone = await tx.get(kind, id), await tx.find_deleted(kind, id)
    if what == "insert" and live is None and gone is None:
        document = {"userName": name} if kind == "User" else {"displayName": name}
        return await add(tx, document, id, kind, external_id=key)
    if what in ("update", "hand over") and live is not None:
        whose = OTHER if what == "hand over" else live.connection
        after = live._replace(
            document=dump(renamed(live, name)), version=live.version + 1, external_id=key, connection=whose
        )
        await tx.update(after, indexed(live), indexed(after))
        return await tx.append(event(id, kind))
    if what == "retain" and live is not None:
        return await tx.retain(live, indexed(live), AT)
    if what == "revive" and gone is not None:
        again = gone._replace(seq=await tx.next_seq(), deleted=None)
        return await tx.revive(again, indexed(again))
    return None


CHANGE = st.tuples(
    st.sampled_from(
        [
            *["update"] * 6, *["get"] * 6, *["find"] * 3, *["join", "part", "retain", "touch", "insert"] * 2,
            *["list"] * 3, "hand over", "revive", "erase", "count", "adopt", "append", "resolve", "nest",
            "show",
        ]
    ),
    st.sampled_from(list(KINDS)),
    st.sampled_from(NAMES),
    st.sampled_from(KEYS),
)  # fmt: skip
UNIT = st.builds(
    Unit,
    changes=st.lists(CHANGE, min_size=1, max_size=3),
    part=st.one_of(st.just([]), st.just([]), st.lists(CHANGE, min_size=1, max_size=2)),
    undone=st.sampled_from([False] * 6 + [True]),
    part_undone=st.booleans(),
)


ALL = Ahead(
    resources=(*((kind, id) for id, kind in KINDS.items()), ("Group", "u1"), ("User", "nobody")),
    grouped=(*KINDS, "nobody"),
    unique=tuple(("User", "userName", name) for name in NAMES),
    adopted=tuple(NAMES),
    retained=tuple((kind, CONNECTION, "k") for kind in ("User", "Group")),
    awaited=(*KINDS, *NAMES),
    seats=tuple((group, value) for group in ("g1", "g3", "u1") for value in (*KINDS, *NAMES, "nobody")),
    shown=(("g1", 2), ("g3", 1), ("u1", 1), ("g2", 3)),
)
HINT = st.one_of(
    st.just(ALL),
    st.builds(Ahead, *(st.lists(st.sampled_from(one), max_size=4).map(tuple) for one in ALL)),
)
BATCH = st.lists(st.tuples(UNIT, HINT), min_size=8, max_size=16)


async def start(tx: Writer) -> None:
    """Two users in a group, which is in another one; the third user and group are not there."""
    for id, name in (("u1", "ann"), ("u2", "c" * 500)):
        await add(tx, {"userName": name}, id, external_id="k")
    for id in ("g1", "g2"):
        await add(tx, {"displayName": id}, id, "Group")
    await tx.add_members("g1", [Member("u1"), Member("u2"), Member("bob")])
    await tx.add_members("g2", [Member("g1")])


async def told(write: Awaitable[object]) -> object:
    try:
        return await write
    except (Undone, UniqueViolation) as error:
        return repr(error)


async def content(reader: Reader) -> object:
    """Everything there is."""
    rows = (await reader.search(Query({USER: None, GROUP: None}, None, 100))).rows
    named = [
        [one.id for one in await reader.named(kind, "", None, None, 100, attribute)]
        for kind, attribute in (("User", None), ("User", "displayName"), ("Group", None))
    ]
    owners = (None, CONNECTION, OTHER)
    return (
        rows, named, await reader.events(0, 100), await reader.memberships(list(KINDS)),
        [(await reader.members(id), await reader.pending(id)) for id in TEAMS],
        [await reader.count(kind, whose) for kind in ("User", "Group") for whose in owners],
    )  # fmt: skip


@dataclass
class Engine:
    """A store, and numbers of directories that nobody has used."""

    runner: asyncio.Runner
    store: Store
    directories: Iterator[int] = field(default_factory=lambda: itertools.count(1))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with ExitStack() as stack:
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(group_commit, "BATCH_SECONDS", 10)
        patched.setattr(postgres_seats, "SPARE", 1)
        url = stack.enter_context(namespace()) if request.param == "postgres" else ""
        runner = stack.enter_context(asyncio.Runner())
        path = tmp_path_factory.mktemp("hints") / "rosterd.db"
        store: Any = runner.run(open_postgres(url) if url else open_sqlite(path))
        yield Engine(runner, store)
        runner.run(store.close())


def told_all(*changes: Change) -> list[tuple[Unit, Ahead]]:
    """Each change by a unit of its own, while everything is known."""
    return [(Unit([change], [], undone=False, part_undone=False), ALL) for change in changes]


LONG = NAMES[2]


@example([told_all(("insert", "u3", "bob", "k"), ("join", "u3", "bob", None), ("get", "u3", "bob", None))])
@example([told_all(("insert", "g3", "bob", None), ("nest", "g2", "bob", None), ("get", "u1", "bob", None))])
@example([told_all(("get", "u1", "ann", None), ("join", "u1", LONG, None), ("resolve", "u2", LONG, None))])
@example([told_all(("retain", "u1", "ann", "k"), ("find", "u1", "ann", "k"), ("count", "u1", "ann", "k"))])
@example([told_all(("hand over", "u1", "ann", "k"), ("count", "u1", "ann", "k"), ("get", "u1", "ann", "k"))])
@settings(max_examples=80)
@given(batches=st.lists(BATCH, min_size=1, max_size=2))
def test_units_with_any_hints_are_units_one_by_one(
    engine: Engine, batches: list[list[tuple[Unit, Ahead]]]
) -> None:
    async def both() -> None:
        directory, reference = next(engine.directories), MemoryStore()
        for store in (engine.store, reference):
            await store.write(directory, start)
        for batch in batches:
            expected = [await told(reference.write(directory, unit)) for unit, _ in batch]
            async with gathered(engine.store):
                asked = [
                    asyncio.create_task(told(engine.store.write(directory, unit, hint)))
                    for unit, hint in batch
                ]
            assert await asyncio.gather(*asked) == expected
        assert await content(engine.store.reader(directory)) == await content(reference.reader(directory))

    engine.runner.run(both())
