"""Units that become one transaction do what they do one by one: replies, data and feed."""

import asyncio
import itertools
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from contract.postgres_server import namespace
from hypothesis import example, given, settings
from hypothesis import strategies as st
from property.gathering import gathered

from rosterd.scim import errors, urns
from rosterd.scim.bind import bind
from rosterd.scim.filter import parse_filter
from rosterd.scim.index import index
from rosterd.scim.schema import ResourceType
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.ahead import Ahead
from rosterd.service.audit import COMMAND_LINE, Actor, Entry
from rosterd.service.caller import Caller
from rosterd.service.commands import Commands, Unit
from rosterd.service.connections import Refusal
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.limits import Limits
from rosterd.service.ports import Query, Writer
from rosterd.service.view import View
from rosterd.store.memory import MemoryStore
from rosterd.store.postgres import PostgresStore, open_postgres
from rosterd.store.postgres_run import Link
from rosterd.store.sqlite import SqliteStore, open_sqlite

USER, GROUP = CORE_MODEL.types["User"], CORE_MODEL.types["Group"]
POLICY = Policy(limits=Limits(fuse_count=3))
LONG = "x" * 410
"""Longer than what stands in an index as it is."""
NAMES = st.sampled_from(["ann", "Ann", "bob", "cy", "dee", LONG])
KNOWN = st.sampled_from([None, "k1", "k2"])
IDS = st.integers(1, 5).map(lambda n: f"id{n}")
"""Ids are given out in order, so that later requests can name what earlier ones make."""
VALUES = st.lists(
    st.one_of(IDS, st.sampled_from(["ann", "Ann", "k1", "dee"])), min_size=1, max_size=3, unique=True
)

LOOK_UPS = [
    *((USER, f'userName eq "{name}"') for name in ("ann", "bob", "cy", "dee", LONG)),
    *((USER, f'displayName eq "{name}"') for name in "DE"),
    *((USER, f'name.familyName eq "{name}"') for name in ("fay", "gil", LONG)),
    *((USER, f'emails.value eq "{address}"') for address in ("d@x", "e@x")),
    *((USER, f'displayName co "{name}"') for name in "DE"),
    *((USER, f'name.familyName co "{name}"') for name in ("fay", "gil")),
    *((GROUP, f'displayName eq "{name}"') for name in "gh"),
]

Made = tuple[Any, ...]
"""What a client asks for: the verb, the kind, and what the command is given."""


def user(name: str, known: str | None, title: str | None = None) -> dict[str, Any]:
    optional = {"externalId": known, "title": title}
    return {"schemas": [urns.USER], "userName": name, **{k: v for k, v in optional.items() if v is not None}}


def group(name: str, values: list[str]) -> dict[str, Any]:
    members = [{"value": value} for value in values]
    return {"schemas": [urns.GROUP], "displayName": name, "members": members}


def replaced(path: str, value: object) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}


def members(op: str, values: list[str]) -> dict[str, Any]:
    change = {"op": op, "path": "members", "value": [{"value": value} for value in values]}
    return {"schemas": [urns.PATCH_OP], "Operations": [change]}


CREATE = st.tuples(st.just("create"), st.just("User"), st.builds(user, NAMES, KNOWN))
EMAIL = st.sampled_from(["d@x", "D@x", "e@x"]).map(lambda address: {"value": address})
CHANGES = st.one_of(
    st.builds(replaced, st.just("title"), st.sampled_from("abc")),
    st.builds(replaced, st.just("active"), st.booleans()),
    st.builds(replaced, st.just("userName"), NAMES),
    st.builds(replaced, st.just("displayName"), st.sampled_from("DE")),
    st.builds(replaced, st.just("name.familyName"), st.sampled_from(["Fay", "fay", "Gil", LONG])),
    st.builds(
        replaced,
        st.just("emails"),
        st.lists(st.builds(lambda e: {"value": e}, st.sampled_from(["d@x", "D@x", "e@x"]))),
    ),
)
RENAME = st.builds(replaced, st.just("displayName"), st.sampled_from("gh"))
PATCH = st.tuples(st.just("patch"), st.just("User"), IDS, CHANGES)
REQUEST: st.SearchStrategy[Made] = st.one_of(
    CREATE,
    CREATE,
    PATCH,
    PATCH,
    st.tuples(st.just("create"), st.just("Group"), st.builds(group, st.sampled_from("gh"), VALUES)),
    st.tuples(st.just("replace"), st.just("User"), IDS, st.builds(user, NAMES, KNOWN, st.just("T"))),
    st.tuples(
        st.just("patch"),
        st.just("Group"),
        IDS,
        st.builds(replaced, st.just("displayName"), st.sampled_from("gh")),
    ),
    st.tuples(
        st.just("patch"),
        st.just("Group"),
        IDS,
        st.builds(members, st.sampled_from(["add", "remove"]), VALUES),
    ),
    st.tuples(st.just("delete"), st.sampled_from(["User", "Group"]), IDS),
)
BULK: st.SearchStrategy[Made] = st.builds(
    lambda verb, parts: (verb, *parts),
    st.sampled_from(["bulk", "undone"]),
    st.lists(REQUEST, min_size=2, max_size=4),
)
"""Requests of one unit, each undone alone, or at the end all of them."""
BATCH = st.lists(st.one_of(REQUEST, REQUEST, REQUEST, BULK), min_size=2, max_size=8)


@dataclass
class Place:
    """A directory of a store of its own, with commands whose clock stands still and whose ids are counted."""

    store: MemoryStore | PostgresStore | SqliteStore
    directory: Directory
    connection: Connection
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def made_in(cls, store: MemoryStore | PostgresStore | SqliteStore, name: str) -> "Place":
        entry = Entry(Actor(COMMAND_LINE, "test"), 0, "test", name, None)
        directory = await store.create_directory(name, 0, entry)
        connection = await store.create_connection(directory.id, "c", "auto", POLICY, 0, entry)
        return cls(store, directory, connection)

    def __post_init__(self) -> None:
        self.commands = Commands(lambda: 1_700_000_000_000, lambda: f"id{next(self.ids)}")

    def asks(self, request: int, verb: str, *rest: Any) -> Coroutine[Any, Any, object]:
        """What a client is told; commands are made at once, as ids are given out then."""
        caller = Caller.within(self.directory, self.connection, CORE_MODEL, f"r{request}")
        if verb in ("bulk", "undone"):
            return self.several([self.made(caller, *part) for part in rest], undone=verb == "undone")
        return self.one(self.made(caller, verb, *rest))

    def made(self, caller: Caller, verb: str, kind: str, *given: Any) -> Unit | errors.ScimError:
        try:
            unit: Unit = getattr(self.commands, verb)(caller, CORE_MODEL.types[kind], *given)
        except errors.ScimError as error:
            return error
        return unit

    async def one(self, unit: Unit | errors.ScimError) -> object:
        try:
            if isinstance(unit, errors.ScimError):
                raise unit
            return told(await self.store.write(self.directory.id, unit, unit.ahead))
        except errors.ScimError as error:
            return type(error), error.detail

    async def several(self, units: list[Unit | errors.ScimError], *, undone: bool) -> object:
        async def work(tx: Writer) -> list[object]:
            said: list[object] = []
            for unit in units:
                try:
                    if isinstance(unit, errors.ScimError):
                        raise unit
                    async with tx.savepoint():
                        said.append(told(await unit(tx)))
                except errors.ScimError as error:
                    said.append((type(error), error.detail))
            if undone:
                raise errors.Conflict(str(said))
            return said

        try:
            return await self.store.write(self.directory.id, work, ahead_of(units))
        except errors.Conflict as error:
            return error.detail

    async def content(self) -> object:
        """Everything there is: the feed, the resources, their groups and members, and how many they are."""
        reader = self.store.reader(self.directory.id)
        page = await reader.search(Query({USER: None, GROUP: None}, None, 1000))
        ids = [row.id for row in page.rows]
        return (
            await reader.events(0, 1000),
            page.rows,
            await reader.memberships(ids),
            [(await reader.members(id), await reader.pending(id)) for id in ids],
            [await reader.count(kind) for kind in ("User", "Group")],
            [await reader.count(kind, self.connection.id) for kind in ("User", "Group")],
            [await self.found(*look_up) for look_up in LOOK_UPS],
        )

    async def indexed(self) -> Counter[tuple[str, str, str]]:
        """How many values of each attribute of each resource must stand in the index."""
        page = await self.store.reader(self.directory.id).search(Query({USER: None, GROUP: None}, None, 1000))
        return Counter(
            (row.kind, attribute, row.id)
            for row in page.rows
            for attribute, _ in set(index(orjson.loads(row.document), CORE_MODEL.types[row.kind]).values)
        )

    async def found(self, kind: ResourceType, text: str) -> list[str]:
        """The ids of those whom a filter finds, by an index wherever there is one."""
        query = Query({kind: bind(parse_filter(text), kind)}, None, 1000)
        return [row.id for row in (await self.store.reader(self.directory.id).search(query)).rows]


def ahead_of(units: list[Unit | errors.ScimError]) -> Ahead:
    several = [unit.ahead for unit in units if not isinstance(unit, errors.ScimError)]
    return Ahead(*(tuple(itertools.chain.from_iterable(parts)) for parts in zip(*several, strict=True)))


def told(outcome: object) -> object:
    if isinstance(outcome, Refusal):
        return type(outcome.error), outcome.error.detail
    assert isinstance(outcome, View)
    return outcome.row, outcome.external_id, outcome.memberships, outcome.members


@dataclass
class Engines:
    """The stores that carry units out together, with their loop, and for each one in memory."""

    runner: asyncio.Runner
    postgres: PostgresStore
    sqlite: SqliteStore
    url: str
    path: Path
    memory: dict[str, MemoryStore] = field(default_factory=lambda: defaultdict(MemoryStore))
    """By engine; the numbers that it gives out are the same."""
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def entries(self, engine: str, directory: int) -> Counter[tuple[str, str, str]]:
        """How many values of each attribute of each resource stand in the index."""
        text = "SELECT kind, attribute, id FROM attribute_value WHERE directory = $1"
        if engine == "sqlite":
            with closing(sqlite3.connect(self.path)) as file:
                return Counter(file.execute(text.replace("$", "?"), (directory,)).fetchall())
        connection = await asyncpg.connect(self.url)
        try:
            return Counter(tuple(row) for row in await connection.fetch(text, directory))
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    path: Path = tmp_path_factory.mktemp("together") / "rosterd.db"
    with ExitStack() as stack:
        url = stack.enter_context(namespace())
        runner = stack.enter_context(asyncio.Runner())
        postgres = runner.run(open_postgres(url))
        sqlite = runner.run(open_sqlite(path))
        yield Engines(runner, postgres, sqlite, url, path)
        runner.run(postgres.close())
        runner.run(sqlite.close())


def change(path: str, value: object, kind: str = "User", id: str = "id1") -> Made:
    return ("patch", kind, id, replaced(path, value))


OFF, ON = change("active", False), change("active", True)
STAFF = ("create", "Group", group("g", ["id1"]))
ANN, AGAIN = ("create", "User", user("ann", None)), ("create", "User", user("ann", "k1"))


@pytest.mark.parametrize("engine", ["postgres", "sqlite"])
@example(batches=[[AGAIN], [("delete", "User", "id1"), AGAIN]])
@example(batches=[[ANN], [("patch", "User", "id1", replaced("userName", "bob")), ANN]])
@example(batches=[[ANN], [("patch", "User", "id1", replaced("userName", "Ann")), AGAIN]])
@example(batches=[[("undone", ANN), ANN]])
@example(batches=[[ANN, change("displayName", "D")], [change("displayName", "E"), change("title", "a")]])
@example(batches=[[ANN], [change("displayName", name) for name in "DED"], [change("displayName", "E")]])
@example(
    batches=[[ANN], [change("name.familyName", "Fay")], [change("name.familyName", n) for n in ("Gil", "x")]]
)
@example(batches=[[ANN], [change("emails", [{"value": "d@x"}]), change("emails", []), change("title", "b")]])
@example(batches=[[ANN, STAFF], [change("displayName", "h", "Group", "id2"), change("title", "c")]])
@example(
    batches=[[ANN, STAFF], [("patch", "Group", "id2", members("remove", ["id1"])), change("title", "c")]]
)
@example(batches=[[ANN, STAFF], [("delete", "Group", "id2"), change("title", "c")]])
@example(batches=[[ANN], [("undone", change("displayName", "D")), change("title", "c")]])
@example(batches=[[ANN], [("undone", OFF), OFF, ON, OFF, ON], [("undone", OFF, ON), OFF, ON, OFF]])
@example(batches=[[ANN], [("delete", "User", "id1"), change("title", "c"), AGAIN, change("title", "d")]])
@settings(max_examples=100)
@given(batches=st.lists(BATCH, min_size=1, max_size=3))
def test_units_together_are_units_one_by_one(
    engines: Engines, engine: str, batches: list[list[Made]]
) -> None:
    name = f"d{next(engines.names)}"

    async def both() -> None:
        alone = await Place.made_in(engines.memory[engine], name)
        together = await Place.made_in(getattr(engines, engine), name)
        for several in batches:
            expected = [await alone.asks(*one) for one in enumerate_all(several)]
            async with gathered(getattr(engines, engine)):
                asked = [asyncio.create_task(together.asks(*one)) for one in enumerate_all(several)]
            found = await asyncio.gather(*asked)
            for request, here, there in zip(several, found, expected, strict=True):
                assert here == there, request
        assert await together.content() == await alone.content()
        assert await engines.entries(engine, together.directory.id) == await together.indexed()

    engines.runner.run(both())


def enumerate_all(several: list[Made]) -> list[tuple[Any, ...]]:
    return [(number, *request) for number, request in enumerate(several)]


def test_twenty_creations_or_changes_together_cost_the_statements_of_one(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    fetch, put_by = Link.fetch, Link.change

    async def fetched(link: Link, text: str, parameters: Sequence[Any]) -> list[Any]:
        sent.append(text)
        return await fetch(link, text, parameters)

    async def changed(link: Link, name: str, *parameters: Any) -> int:
        sent.append(name)
        return await put_by(link, name, *parameters)

    async def cost(place: Place, requests: list[Made]) -> int:
        sent.clear()
        await asyncio.gather(*(place.asks(*one) for one in enumerate_all(requests)))
        return len(sent)

    async def both() -> None:
        place = await Place.made_in(engines.postgres, "counted")
        made: list[Made] = [("create", "User", user(f"u{n}", f"k{n}")) for n in range(21)]
        put: list[Made] = [("replace", "User", f"id{n}", user(f"u{n - 1}", None, "T")) for n in range(1, 22)]
        named = [change("name.familyName", f"F{n}", id=f"id{n}") for n in range(1, 22)]
        joined: list[Made] = [("patch", "Group", "id22", members("add", [f"id{n}"])) for n in range(1, 22)]
        left: list[Made] = [("patch", "Group", "id22", members("remove", [f"id{n}"])) for n in range(1, 21)]
        monkeypatch.setattr(Link, "fetch", fetched)
        monkeypatch.setattr(Link, "change", changed)
        for requests in (made, put, named, joined, left):
            if requests is joined:
                await place.asks(0, "create", "Group", group("g", []))
            one, twenty = await cost(place, requests[:1]), await cost(place, requests[1:])
            assert 0 < twenty <= one, requests[0]

    engines.runner.run(both())


@pytest.mark.parametrize("before", [[], [("create", "Group", group("g", ["nobody"]))]], ids=["", "uncertain"])
def test_twenty_creations_together_cost_sqlite_a_few_statements(engines: Engines, before: list[Made]) -> None:
    sent: list[str] = []

    async def cost(place: Place, names: list[str]) -> int:
        users: list[Made] = [("create", "User", user(name, f"k-{name}")) for name in names]
        async with gathered(engines.sqlite):
            sent.clear()
            asked = [asyncio.create_task(place.asks(*one)) for one in enumerate_all([*before, *users])]
        await asyncio.gather(*asked)
        return len(set(sent))  # a statement comes once more for each run of a trigger

    async def both() -> tuple[int, int]:
        place = await Place.made_in(engines.sqlite, f"d{next(engines.names)}")
        engines.sqlite._writer._connection.set_trace_callback(sent.append)
        return await cost(place, ["one"]), await cost(place, [f"u{n}" for n in range(20)])

    one, twenty = engines.runner.run(both())
    # Rows of four tables are written as sixteen and four, and again looked up so where all is uncertain.
    assert 0 < twenty <= one + 5
