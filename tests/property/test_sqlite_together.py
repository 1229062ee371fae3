"""Changes that SQLite writes together do what they do one by one, in every table; and cost few statements."""

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from property.gathering import gathered

from rosterd.scim import errors, urns
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.ahead import UNKNOWN, Ahead
from rosterd.service.audit import COMMAND_LINE, Actor, Entry
from rosterd.service.caller import Caller
from rosterd.service.commands import Commands, Unit
from rosterd.service.connections import Refusal
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.limits import Limits
from rosterd.service.ports import Writer
from rosterd.store import group_commit
from rosterd.store.parts import put_portion
from rosterd.store.sqlite import SqliteStore, open_sqlite

ENTRY = Entry(Actor(COMMAND_LINE, "test"), 0, "test", "test", None)
TABLES = (
    "resource", "unique_value", "attribute_value", "member", "pending_member", "event", "counter",
    "fuse_window", "adoption", "erasure",
)  # fmt: skip

Request = tuple[Any, ...]
"""Which connection asks; the verb, the kind, and what the command is given."""


def user(name: str, family: str, title: str | None) -> dict[str, Any]:
    person = {
        "displayName": f"D {family}",
        "name": {"familyName": family},
        "emails": [{"value": f"{family}@x"}],
    }
    return {"schemas": [urns.USER], "userName": name, **person, **({"title": title} if title else {})}


def group(name: str, values: list[str]) -> dict[str, Any]:
    members = [{"value": value} for value in values]
    return {"schemas": [urns.GROUP], "displayName": name, "members": members}


def operation(op: str, path: str, *value: Any) -> dict[str, Any]:
    given = {"value": value[0]} if value else {}
    return {"schemas": [urns.PATCH_OP], "Operations": [{"op": op, "path": path, **given}]}


def members(op: str, values: list[str]) -> dict[str, Any]:
    return operation(op, "members", [{"value": value} for value in values])


def title(id: str, value: str, *if_match: str) -> Request:
    return (0, "patch", "User", id, operation("replace", "title", value), *if_match)


def family(id: str, value: str) -> Request:
    return (0, "patch", "User", id, operation("replace", "name.familyName", value))


def active(id: str, value: bool) -> Request:
    return (0, "patch", "User", id, operation("replace", "active", value))


NAMES, FAMILIES = st.sampled_from(["ann", "bob", "cy", "dee"]), st.sampled_from(["F", "G", "H"])
IDS = st.sampled_from([f"id{n}" for n in range(1, 8)])
"""Three users and two groups are there; others are made by the requests."""
IF_MATCH = st.sampled_from([None, None, None, 'W/"1"', 'W/"2"'])
MEMBERS = st.lists(IDS, min_size=1, max_size=2, unique=True)
CHANGE = st.one_of(
    st.builds(operation, st.just("replace"), st.just("title"), st.sampled_from("abc")),
    st.builds(operation, st.just("replace"), st.just("name.familyName"), FAMILIES),
    st.builds(operation, st.just("replace"), st.just("displayName"), FAMILIES),
    st.builds(operation, st.just("replace"), st.just("active"), st.booleans()),
    st.builds(operation, st.just("replace"), st.just("userName"), NAMES),
    st.builds(operation, st.just("replace"), st.just("externalId"), NAMES),
    st.just(operation("remove", "emails")),
)
BODY = st.builds(user, NAMES, FAMILIES, st.sampled_from([None, "a"]))
GROUP_CHANGE = st.one_of(
    st.builds(members, st.sampled_from(["add", "remove"]), MEMBERS),
    st.builds(operation, st.just("replace"), st.just("displayName"), FAMILIES),
)


def asking(verb: str, kind: str, *given: st.SearchStrategy[Any]) -> st.SearchStrategy[Request]:
    return st.tuples(st.just(verb), st.just(kind), *given)


ONE: st.SearchStrategy[Request] = st.one_of(
    asking("patch", "User", IDS, CHANGE, IF_MATCH),
    asking("patch", "User", IDS, CHANGE, IF_MATCH),
    asking("replace", "User", IDS, BODY, IF_MATCH),
    asking("create", "User", BODY),
    asking("delete", "User", IDS, IF_MATCH),
    asking("delete", "Group", IDS, IF_MATCH),
    asking("patch", "Group", IDS, GROUP_CHANGE),
    asking("patch", "Group", IDS, GROUP_CHANGE),
    asking("replace", "Group", IDS, st.builds(group, FAMILIES, MEMBERS)),
    asking("create", "Group", st.builds(group, FAMILIES, MEMBERS)),
)
SEVERAL: st.SearchStrategy[Request] = st.builds(
    lambda verb, parts: (verb, *parts),
    st.sampled_from(["bulk", "undone"]),
    st.lists(ONE, min_size=2, max_size=4),
)
"""Requests of one unit, each undone alone, or at the end all of them."""
REQUEST = st.builds(lambda by, one: (by, *one), st.integers(0, 1), st.one_of(*[ONE] * 5, SEVERAL))
BATCH = st.lists(REQUEST, min_size=2, max_size=10)
POLICY = st.builds(
    Policy,
    reach=st.sampled_from(["own", "directory"]),
    on_delete=st.sampled_from(["deactivate", "erase"]),
    limits=st.builds(Limits, fuse_count=st.sampled_from([0, 0, 2])),
)
START: list[Request] = [
    *((0, "create", "User", user(name, "F", None)) for name in ("ann", "bob", "cy")),
    (0, "create", "Group", group("g", ["id1", "id2"])),
    (0, "create", "Group", group("h", ["id4", "id3"])),
]


@dataclass
class Place:
    """A directory with commands whose clock stands still and whose ids are counted."""

    store: SqliteStore
    directory: Directory
    connections: tuple[Connection, Connection]
    looks_ahead: bool
    """Whether the store is told what the units are going to look for."""
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.commands = Commands(lambda: 1_700_000_000_000, lambda: f"id{next(self.ids)}")

    async def asks(self, request: int, by: int, verb: str, *rest: Any) -> object:
        """What a client is told; to be called at once, as ids are given out then."""
        caller = Caller.within(self.directory, self.connections[by], CORE_MODEL, f"r{request}")
        parts = [
            self.made(caller, *part) for part in (rest if verb in ("bulk", "undone") else [(verb, *rest)])
        ]
        aheads = [part.ahead for part in parts if not isinstance(part, errors.ScimError)]

        async def work(tx: Writer) -> object:
            if len(parts) == 1:
                return await carried_out(tx, parts[0])
            said: list[object] = []
            for part in parts:
                try:
                    async with tx.savepoint():
                        said.append(await carried_out(tx, part))
                except errors.ScimError as error:
                    said.append((type(error), error.detail))
            if verb == "undone":
                raise errors.Conflict(str(said))
            return said

        joined = Ahead(*(tuple(itertools.chain.from_iterable(one)) for one in zip(*aheads, strict=True)))
        try:
            return await self.store.write(self.directory.id, work, joined if self.looks_ahead else UNKNOWN)
        except errors.ScimError as error:
            return type(error), error.detail

    def made(self, caller: Caller, verb: str, kind: str, *given: Any) -> Unit | errors.ScimError:
        try:
            unit: Unit = getattr(self.commands, verb)(caller, CORE_MODEL.types[kind], *given)
        except errors.ScimError as error:
            return error
        return unit


async def carried_out(tx: Writer, unit: Unit | errors.ScimError) -> object:
    if isinstance(unit, errors.ScimError):
        raise unit
    outcome = await unit(tx)
    if isinstance(outcome, Refusal):
        return type(outcome.error), outcome.error.detail
    return outcome


@dataclass
class Stores:
    """The same in two files: by units together, and by units alone that look up everything themselves."""

    runner: asyncio.Runner
    folder: Path
    together: SqliteStore
    alone: SqliteStore
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def places(self, policy: Policy) -> tuple[Place, Place]:
        name = f"d{next(self.names)}"
        made = []
        for store in (self.together, self.alone):
            directory = await store.create_directory(name, 0, ENTRY)
            by = [
                await store.create_connection(directory.id, label, "auto", policy, 0, ENTRY)
                for label in ("first", "second")
            ]
            made.append(Place(store, directory, (by[0], by[1]), store is self.together))
        return made[0], made[1]

    async def content(self, name: str, directory: int) -> dict[str, list[tuple[Any, ...]]]:
        """The tables of a directory, and the words in the index of parts with how often they are there."""
        while await getattr(self, name)._writer.submit(put_portion):
            pass
        with closing(sqlite3.connect(self.folder / name)) as connection:
            rows = {}
            for table in TABLES:
                text = f"SELECT * FROM {table} WHERE directory = ?"  # noqa: S608 - a name of the list above
                found = connection.execute(text, (directory,))
                rows[table] = sorted(found, key=str)
            connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab ('main', 'parts', 'row')")
            rows["words"] = connection.execute("SELECT * FROM words ORDER BY term").fetchall()
        return rows

    async def have_the_same(self, together: Place, alone: Place) -> None:
        left = await self.content("together", together.directory.id)
        assert left == await self.content("alone", alone.directory.id)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    folder = tmp_path_factory.mktemp("together")
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(group_commit, "BATCH_SECONDS", 10)  # however slow the machine is, it is one batch
        together = runner.run(open_sqlite(folder / "together"))
        alone = runner.run(open_sqlite(folder / "alone"))
        yield Stores(runner, folder, together, alone)
        runner.run(together.close())
        runner.run(alone.close())


async def asked_together(place: Place, several: list[Request]) -> list[Any]:
    async with gathered(place.store):
        asked = [asyncio.create_task(place.asks(number, *one)) for number, one in enumerate(several)]
    return await asyncio.gather(*asked, return_exceptions=True)


async def same(several: list[Request], together: Place, alone: Place) -> list[Any]:
    """What is told of requests, which is the same whether they are carried out together or not."""
    expected = [await alone.asks(number, *one) for number, one in enumerate(several)]
    found = await asked_together(together, several)
    for request, here, there in zip(several, found, expected, strict=True):
        assert here == there, request
    return found


NEW: Request = (0, "create", "User", user("dee", "F", None))
RENAMED: Request = (0, "patch", "Group", "id5", operation("replace", "displayName", "G"))


NESTED: Request = (0, "patch", "Group", "id4", members("add", ["id3"]))
APART: Request = (0, "patch", "Group", "id5", members("remove", ["id4"]))
DELETED: Request = (0, "delete", "User", "id6", None)
OFF = [active(f"id{n}", False) for n in range(4)]
KNOWN: Request = (0, "patch", "User", "id1", operation("replace", "externalId", "k"))
LEFT: Request = (0, "delete", "User", "id1", None)
BACK: Request = (0, "create", "User", {**user("ann", "F", None), "externalId": "k"})
AWAITED: Request = (0, "patch", "Group", "id4", members("add", ["dee"]))
FREED: Request = (0, "patch", "User", "id2", operation("replace", "userName", "dee"))
TAKEN: Request = (0, "create", "User", user("bob", "F", None))
LATER: Request = (1, *OFF[3][1:])
"""Of the other connection, whose fuse begins to count with as many accounts as there are then."""
FUSE = Policy(reach="directory", limits=Limits(fuse_count=5))


@example([[family("id1", "G"), family("id1", "F"), family("id1", "H")]], Policy())
@example([[NEW, family("id6", "G"), DELETED, NEW]], Policy())
@example([[NEW, family("id6", "G"), family("id6", "F"), title("id6", "a")]], Policy())
@example([[title("id6", "a"), NEW, title("id6", "b"), title("id7", "c")]], Policy())
@example([[title("id1", "a"), title("id1", "b", 'W/"1"'), title("id1", "c", 'W/"2"')]], Policy())
@example([[title("id1", "a"), RENAMED, title("id1", "b"), title("id3", "c")]], Policy())
@example([[title("id1", "a"), APART, title("id1", "b")]], Policy())
@example([[title("id3", "a"), NESTED, title("id3", "b")]], Policy())
@example([[OFF[1], OFF[2], NEW, OFF[3], title("id2", "x")]], Policy(limits=Limits(fuse_count=2)))
@example([[OFF[1], (0, "undone", OFF[2][1:], OFF[3][1:]), OFF[2]]], Policy(limits=Limits(fuse_count=5)))
@example(
    [[title("id1", "a"), (0, "replace", "Group", "id4", group("g", ["id2"])), title("id1", "b")]], Policy()
)
@example([[title("id1", "a"), (0, "delete", "Group", "id4", None), title("id1", "b")]], Policy())
@example([[AWAITED, title("id6", "a"), NEW, title("id6", "b")]], Policy())
@example([[KNOWN], [title("id1", "a"), LEFT, BACK, title("id1", "b")]], Policy())
@example([[OFF[1], (0, "delete", "User", "id2", None), LATER]], FUSE)
@example([[OFF[1], (0, "delete", "User", "id2", None), LATER]], replace(FUSE, on_delete="erase"))
@example([[KNOWN, LEFT], [OFF[2], BACK, LATER]], FUSE)
@example([[FREED, OFF[1], TAKEN, LATER]], FUSE)
@example([[title(f"id{n % 3 + 1}", str(n)) for n in range(70)]], Policy())  # more than are looked at once
@settings(max_examples=80)
@given(batches=st.lists(BATCH, min_size=1, max_size=3), policy=POLICY)
def test_changes_together_leave_what_they_leave_one_by_one(
    stores: Stores, batches: list[list[Request]], policy: Policy
) -> None:
    async def both() -> None:
        places = await stores.places(policy)
        for several in [START, *batches]:
            await same(several, *places)
        await stores.have_the_same(*places)

    stores.runner.run(both())


def test_changes_are_kept_beside_a_creation_that_cannot_be_written_with_them(stores: Stores) -> None:
    async def both() -> None:
        places = await stores.places(Policy())
        await same(START, *places)
        for place in places:
            place.ids = itertools.count(2)  # which somebody has
        told = await same([title("id1", "a"), NEW, family("id1", "G"), active("id2", False)], *places)
        assert [type(one) is tuple and one[0] is errors.Uniqueness for one in told] == [
            False,
            True,
            False,
            False,
        ]
        await stores.have_the_same(*places)

    stores.runner.run(both())


@pytest.mark.parametrize("id", ["id1\0", "\ud800", "\u2028", ""])
def test_an_id_that_no_statement_takes_harms_no_other_change(stores: Stores, id: str) -> None:
    async def both() -> list[object]:
        place, _ = await stores.places(Policy())
        await asked_together(place, START)
        return await asked_together(place, [title(id, "a"), title("id2", "b")])

    bad, good = stores.runner.run(both())
    assert isinstance(bad, UnicodeEncodeError) or bad[0] is errors.NotFound
    assert good.row.version == 2


def user_of(number: int, family: str) -> dict[str, Any]:
    return user(f"u{number}", family, None)


@pytest.mark.parametrize(
    ("most", "change"),
    [
        (6, lambda n: title(f"id{n}", "new")),
        (2, lambda n: title(f"id{n}", "new", 'W/"7"')),
        (11, lambda n: (0, "replace", "User", f"id{n}", user_of(n, "G"))),
        (11, lambda n: active(f"id{n}", False)),
    ],
    ids=["patch", "conflict", "put", "deactivate"],
)
def test_sixteen_changes_together_cost_a_few_statements(stores: Stores, most: int, change: Any) -> None:
    sent: list[str] = []

    async def cost() -> list[str]:
        place, _ = await stores.places(Policy(limits=Limits(fuse_count=100)))
        await asked_together(place, [(0, "create", "User", user_of(n, "F")) for n in range(1, 17)])
        connection = stores.together._writer._connection
        async with gathered(place.store):
            asked = [asyncio.create_task(place.asks(n, *change(n))) for n in range(1, 17)]
            connection.set_trace_callback(sent.append)
        await asyncio.gather(*asked)
        connection.set_trace_callback(None)
        return list(itertools.takewhile(lambda text: text not in ("COMMIT", "ROLLBACK"), sent))

    statements = stores.runner.run(cost())
    assert 2 <= len(statements) <= most, [len(statements), *statements]
