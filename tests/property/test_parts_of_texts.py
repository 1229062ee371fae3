"""An index of parts of texts changes no answer: not while it is behind, not after changes, on no engine."""

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from contract.postgres_server import namespace
from hypothesis import given
from hypothesis import strategies as st

from rosterd.scim.bind import bind
from rosterd.scim.filter import And, AttrPath, Compare, Filter, Not, Or
from rosterd.scim.filter import Any as Some
from rosterd.service.ports import Query, Store, Stored, Writer
from rosterd.store import parts, sqlite
from rosterd.store.database import BUSY_MS, connect_writer
from rosterd.store.memory import MemoryStore
from rosterd.store.parts import index_portion
from rosterd.store.postgres import open_postgres
from rosterd.store.queries import SQLITE
from rosterd.store.restored import start_anew
from rosterd.store.sqlite import open_sqlite
from rosterd.testing.scenario import AT, CONNECTION, ENTRY, USER, dump, indexed, row

texts = st.one_of(
    st.text("abAß\"'%_\\é ", min_size=3, max_size=7),
    st.sampled_from(
        ["aba", "ABAB", "anna@example.com", "ample.com", "strasse", "Straße", 'a"b"c', "a\\nb", "日本語名"]
    ),
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "displayName": texts,
        "title": texts,
        "name": st.fixed_dictionaries({}, optional={"familyName": texts, "givenName": texts}).filter(bool),
        "emails": st.lists(st.fixed_dictionaries({"value": texts, "type": texts}), min_size=1, max_size=2),
    },
)
changes = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "retain", "revive", "erase", "index", "restore"]),
        st.integers(0, 3),
        documents,
    ),
    min_size=1,
    max_size=12,
)

PATHS = ["userName", "displayName", "title", "name.familyName", "emails.value", "externalId"]


def path(name: str) -> AttrPath:
    attribute, _, sub = name.partition(".")
    return AttrPath(None, attribute, sub or None)


def leaf(name: str) -> st.SearchStrategy[Filter]:
    return st.builds(Compare, st.just(path(name)), st.sampled_from(["co", "ew", "sw", "eq", "ne"]), texts)


leaves = st.one_of(
    *map(leaf, PATHS),
    st.builds(Some, st.just(AttrPath(None, "emails", None)), st.one_of(leaf("value"), leaf("type"))),
)
filters = st.recursive(
    leaves,
    lambda part: st.one_of(
        st.builds(And, st.lists(part, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(part, min_size=2, max_size=3).map(tuple)),
        st.builds(Not, part),
    ),
    max_leaves=4,
)


class Pair:
    """An engine and the reference, with a directory for each example."""

    def __init__(self, runner: asyncio.Runner, engine: Any, beside: sqlite3.Connection | None) -> None:
        self.runner = runner
        self.beside = beside
        self.stores: tuple[Store, Store] = (engine, MemoryStore())
        self.directories = itertools.count(1)

    def index(self) -> None:
        """Let the index know everything now; PostgreSQL's always does."""
        while self.beside and index_portion(self.beside):
            pass

    def restore(self, directory: int, round: int) -> None:
        """Let the numbers of both go on far behind, as after a restore; those of PostgreSQL stay."""
        if self.beside is None:
            return
        memory = self.stores[1]
        assert isinstance(memory, MemoryStore)
        state = memory._states[directory]
        start = start_anew(state.seq, AT + round * 86_400_000)
        self.beside.execute(SQLITE["begin_anew"], (directory, state.seq, start))
        state.seq = start


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as stack:
        url = stack.enter_context(namespace()) if request.param == "postgres" else ""
        runner = stack.enter_context(asyncio.Runner())
        path = tmp_path_factory.mktemp("parts") / "rosterd.db"
        engine: Any = runner.run(open_postgres(url) if url else open_sqlite(path))
        beside = None if url else stack.enter_context(closing(connect_writer(path, BUSY_MS)))
        if beside:
            engine._writer._connection.execute("PRAGMA synchronous = OFF")
        yield Pair(runner, engine, beside)
        runner.run(engine.close())


class Users:
    """What became of four users, and the units of work that change them."""

    def __init__(self) -> None:
        self.rows: dict[int, Stored] = {}

    def change(self, what: str, n: int, document: dict[str, Any]) -> Any:
        there, document = self.rows.get(n), document | {"userName": f"user{n}"}

        async def work(tx: Writer) -> None:
            seq = await tx.next_seq()
            if there is None:
                if what == "insert":
                    fresh = row(document, f"i{n}", seq=seq, external_id="anna@example.com")
                    await tx.insert(fresh, indexed(fresh))
                    self.rows[n] = fresh
            elif what == "erase":
                await tx.erase("User", there.id)
                self.rows.pop(n, None)
            elif there.deleted is not None:
                if what == "revive":
                    again = there._replace(seq=seq, deleted=None, document=dump(document))
                    await tx.revive(again, indexed(again))
                    self.rows[n] = again
            elif what == "update":
                other = there._replace(document=dump(document))
                await tx.update(other, indexed(there), indexed(other))
                self.rows[n] = other
            elif what == "retain":
                await tx.retain(there, indexed(there), AT)
                self.rows[n] = there._replace(deleted=AT)

        return work


@given(changes=changes, filters=st.lists(filters, min_size=1, max_size=5))
def test_every_filter_finds_the_same(
    pair: Pair, changes: list[tuple[str, int, dict[str, Any]]], filters: list[Filter]
) -> None:
    directory = next(pair.directories)
    done, rounds = [Users() for _ in pair.stores], 0
    start = [("insert", n, document) for n, (_, _, document) in enumerate(changes[:4])]
    for what, n, document in (*start, *changes):
        if what in ("index", "restore"):
            rounds += what == "restore"
            pair.index() if what == "index" else pair.restore(directory, rounds)
            continue
        for users, store in zip(done, pair.stores, strict=True):
            pair.runner.run(store.write(directory, users.change(what, n, document)))
    for _ in range(2):
        for f in filters:
            query = Query({USER: bind(f, USER)}, CONNECTION, 3)
            one, two = (pair.runner.run(store.reader(directory).search(query)) for store in pair.stores)
            assert one == two
        pair.index()


def test_what_is_indexed_is_found_by_the_index_and_gone_without_a_trace(tmp_path: Any) -> None:
    """The index is asked, not only what is due; and it forgets whoever is erased."""

    async def fill() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        beside = connect_writer(tmp_path / "rosterd.db", BUSY_MS)
        users = Users()
        for n in range(3):
            await store.write(1, users.change("insert", n, {"displayName": f"Zoë {n}xyz"}))
        while index_portion(beside):
            pass
        await store.write(1, users.change("erase", 1, {}))
        await store.write(1, users.change("update", 2, {"displayName": "Other"}))
        beside.close()
        await store.close()

    asyncio.run(fill())
    connection = sqlite3.connect(tmp_path / "rosterd.db", isolation_level=None)
    found = "SELECT rowid & 1099511627775 FROM parts WHERE parts MATCH '\"xyz\"'"
    while index_portion(connection):
        pass
    assert len(connection.execute(found).fetchall()) == 1
    connection.close()


def test_whoever_comes_after_a_restore_is_found_by_parts_too(tmp_path: Path) -> None:
    """Each restore lets the numbers of every directory go on far behind."""
    wanted = Query({USER: bind(Compare(path("displayName"), "co", "needle"), USER)}, CONNECTION, 9)

    async def main() -> list[list[str]]:
        store, found = await open_sqlite(tmp_path / "rosterd.db"), []
        users = {1: Users(), 2: Users()}
        with closing(connect_writer(tmp_path / "rosterd.db", BUSY_MS)) as beside:
            for n in range(4):
                for directory, each in users.items():
                    document = {"displayName": f"needle {directory}"}
                    await store.write(directory, each.change("insert", n, document))
                while index_portion(beside):
                    pass
                found.append([row.id for row in (await store.reader(2).search(wanted)).rows])
                for directory in users:
                    last = await store.reader(directory).last()
                    start = start_anew(last, AT + n * 3_600_000)
                    beside.execute(SQLITE["begin_anew"], (directory, last, start))
        await store.close()
        return found

    assert asyncio.run(main()) == [[f"i{n}" for n in range(most)] for most in (1, 2, 3, 4)]


def test_a_portion_ends_after_so_many_characters_and_has_one_resource_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PORTION_TEXT", 10)

    async def fill() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        await store.close()

    asyncio.run(fill())
    with closing(connect_writer(tmp_path / "rosterd.db", BUSY_MS)) as connection:
        owed = [(None, "x" * 50), (None, "x" * 4), ("x" * 4, None), ("xxx", "y"), (None, "xxx"), (None, "x")]
        for n, texts in enumerate(owed):
            if texts[0]:
                connection.execute("INSERT INTO parts (rowid, text) VALUES ((1 << 40) + ?, ?)", (n, texts[0]))
            connection.execute("INSERT INTO parts_due VALUES (1, ?, ?, ?)", (n, *texts))
        left = []
        while index_portion(connection):
            left.append(connection.execute("SELECT count(*) FROM parts_due").fetchone()[0])
        assert left == [5, 2]
        assert connection.execute("SELECT count(*) FROM parts_due").fetchone() == (0,)


def test_a_purge_in_many_portions_leaves_one_index_without_what_was_taken_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PORTION", 7)
    monkeypatch.setattr(sqlite, "MERGED", 1)

    def pages() -> list[bytes]:
        with closing(sqlite3.connect(tmp_path / "rosterd.db")) as beside:
            assert beside.execute("SELECT count(*) FROM parts_due").fetchone() == (0,)
            return [bytes(page) for (page,) in beside.execute("SELECT block FROM parts_data WHERE id > 10")]

    async def scenario() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        users = Users()
        for n in range(60):
            await store.write(1, users.change("insert", n, {"displayName": f"{n * 7919} {n**5} {n**7:x}"}))
        await store.write(1, users.change("insert", 60, {"displayName": "Zqxjk"}))
        await store.purge(1)
        assert any(b"zqx" in page for page in pages()), "the trace is one that is left otherwise"
        await store.write(1, users.change("erase", 60, {}))
        await store.purge(1)
        left = pages()
        assert len(left) > 1
        assert not any(b"zqx" in page for page in left)
        await store.close()

    asyncio.run(scenario())


def test_an_index_that_purges_have_made_too_deep_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MOST_LEVELS", 8)
    depths: list[int] = []

    async def scenario() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        await store.create_directory("acme", AT, ENTRY)
        users = Users()
        for n in range(60):
            await store.write(1, users.change("insert", n, {"displayName": f"Some {n * 7919} {n**7:x}"}))
        for n in range(30):
            await store.write(1, users.change("erase", n, {}))
            await store.purge(1)
            with closing(sqlite3.connect(tmp_path / "rosterd.db")) as beside:
                depths.append(parts._levels(parts._structure(beside)))
                left = beside.execute("SELECT count(*) FROM parts WHERE parts MATCH '\"som\"'").fetchone()
                assert left == (59 - n,)
        await store.close()

    asyncio.run(scenario())
    assert max(depths) < 12
    assert any(later < earlier for earlier, later in itertools.pairwise(depths)), "it became too deep"


def test_an_index_that_is_too_deep_for_sqlite_already_is_made_anew_by_a_purge(tmp_path: Path) -> None:
    named = Query({USER: bind(Compare(path("displayName"), "co", "ome o"), USER)}, CONNECTION, 3)

    async def scenario() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        await store.create_directory("acme", AT, ENTRY)
        users = Users()
        await store.write(1, users.change("insert", 1, {"displayName": "Some one"}))
        await store.purge(1)
        await store.close()
        with closing(sqlite3.connect(tmp_path / "rosterd.db")) as beside, beside:
            deep = bytes.fromhex("00000000 8f52 00 00")  # 2,002 levels
            beside.execute("UPDATE parts_data SET block = ? WHERE id = 10", (deep,))
        store = await open_sqlite(tmp_path / "rosterd.db")
        with pytest.raises(sqlite3.DatabaseError):
            await store.reader(1).search(named)
        await store.write(1, users.change("insert", 2, {"displayName": "Some other"}))
        await store.purge(1)
        assert len((await store.reader(1).search(named)).rows) == 2
        await store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("record", "levels"),
    [
        ("00000005 03", 3),
        ("00000005 8f52 01", 2002),
        ("ffffffff ff000001 03", 3),
        ("00000000 ff000001 8100 02", 128),
    ],
)
def test_how_deep_the_index_is_stands_in_its_structure_record(record: str, levels: int) -> None:
    assert parts._levels(bytes.fromhex(record)) == levels
