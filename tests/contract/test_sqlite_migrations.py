"""A database file gets what it lacks, once, and is refused if it is not this release's."""

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import pytest

from rosterd.service.control import Connection, Policy, Token
from rosterd.service.ports import StoreUnavailable
from rosterd.service.standing import Standing
from rosterd.store import migrate
from rosterd.store.database import BUSY_MS, connect_writer
from rosterd.store.migrate import bring_up, known, open_checked
from rosterd.store.parts import index_portion, parts_text
from rosterd.store.queries import SQLITE, load, schema
from rosterd.store.sqlite import open_sqlite
from rosterd.store.steps import Migration, SchemaMismatch


def tables(path: Path) -> dict[str, str]:
    """Every object of the file by name, without comments and layout."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    connection.close()
    bare = {name: " ".join(re.sub(r"--.*", "", text).split()) for name, text in rows}
    return {name: re.sub(r" ([,)])", r"\1", text) for name, text in bare.items()}


def execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


def prepared(path: Path, steps: tuple[Migration, ...], fresh: str | None = None) -> tuple[Migration, ...]:
    connection = connect_writer(path, BUSY_MS)
    try:
        return bring_up(connection, steps, fresh)
    finally:
        connection.close()


def step(version: int, text: str) -> Migration:
    return Migration(version, f"step{version}", text)


def header(*words: str) -> str:
    return "".join(f"-- {each}\n" for each in ("What it is for.", *words))


def test_a_fresh_database_is_as_a_migrated_one(tmp_path: Path) -> None:
    assert prepared(tmp_path / "migrated.db", known()) == known()
    assert prepared(tmp_path / "fresh.db", known(), schema("sqlite")) == known()
    assert tables(tmp_path / "fresh.db") == tables(tmp_path / "migrated.db")
    assert len(tables(tmp_path / "fresh.db")) > 15


def test_migrations_are_numbered_without_gaps() -> None:
    assert [one.version for one in known()] == list(range(1, len(known()) + 1))


def test_apply_makes_a_new_file_and_then_finds_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    assert migrate.pending(path) == known()
    assert not path.exists()
    assert migrate.apply(path) == known()
    assert migrate.pending(path) == migrate.apply(path) == ()


def test_a_step_that_is_missing_is_applied_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    prepared(path, known())
    later = (*known(), step(90, "CREATE TABLE a (x);"), step(91, "ALTER TABLE a ADD COLUMN y;"))
    assert prepared(path, later) == later[-2:]
    assert prepared(path, later) == ()
    assert tables(path)["a"] == "CREATE TABLE a (x, y)"


def test_a_step_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    prepared(path, known())
    broken = (*known(), step(90, "CREATE TABLE a (x);"), step(91, "CREATE TABLE b (x);\nCREATE TABLE a (x);"))
    with pytest.raises(sqlite3.OperationalError):
        prepared(path, broken)
    assert "a" in tables(path)
    assert "b" not in tables(path)
    assert prepared(path, broken[:-1]) == ()


def test_a_file_of_a_newer_release_is_used_if_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    newest = known()[-1].version
    newer = step(9998, header(f"since: {newest:04}") + "ALTER TABLE directory ADD COLUMN colour TEXT;")
    prepared(path, (*known(), newer))
    assert migrate.pending(path) == migrate.apply(path) == ()
    open_checked(path, BUSY_MS).close()
    prepared(path, (*known(), newer, step(9999, header("since: 9998") + "CREATE TABLE future (x);")))
    with pytest.raises(SchemaMismatch, match="for those that know 9998, this one knows up to"):
        open_checked(path, BUSY_MS)


def test_a_step_in_portions_is_many_transactions_and_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    prepared(path, (*known(), step(90, "CREATE TABLE a (x, y);")))
    values = ", ".join(f"({number})" for number in range(1, 26))
    execute(path, f"INSERT INTO a (x) VALUES {values}")  # noqa: S608
    text = "UPDATE a SET y = 10 / (x != 17) WHERE rowid IN (SELECT rowid FROM a WHERE y IS NULL LIMIT 10);\n"
    steps = (*known(), step(90, "CREATE TABLE a (x, y);"), step(91, header("run: portions") + text))
    execute(
        path, "CREATE TRIGGER t BEFORE UPDATE ON a WHEN new.y IS NULL BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        prepared(path, steps)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(y) FROM a").fetchone() == (10,)
    connection.close()
    execute(path, "DROP TRIGGER t")
    execute(path, "DELETE FROM a WHERE x = 17")
    assert prepared(path, steps) == steps[-1:]
    assert prepared(path, steps) == ()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*), count(y) FROM a").fetchone() == (24, 24)
    connection.close()


def older(path: Path) -> None:
    migrate.apply(path)
    execute(path, "DELETE FROM schema_version")


def newer(path: Path) -> None:
    prepared(path, (*known(), step(9999, "CREATE TABLE future (x);")))


def altered(path: Path) -> None:
    migrate.apply(path)
    execute(path, "UPDATE schema_version SET checksum = 'x'")


def another_program(path: Path) -> None:
    execute(path, "CREATE TABLE bookmarks (url)")


def another_program_with_migrations(path: Path) -> None:
    execute(path, "CREATE TABLE schema_version (version)")
    execute(path, "INSERT INTO schema_version VALUES ('1.2')")


def no_database(path: Path) -> None:
    path.write_text("<html>" * 1000)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (older, "of an older release; run 'rosterd migrate' for: initial"),
        (newer, "of a newer release: migration 9999 'step9999' is for those that know 9999, this one "),
        (altered, "migration 0001 'initial' of the database is not the one known here"),
        (another_program, "not one of rosterd"),
        (another_program_with_migrations, "has a table schema_version that is not rosterd's"),
        (no_database, "the file is no database"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "rosterd.db"
    make(path)
    with pytest.raises(SchemaMismatch, match=re.escape(words)):
        open_checked(path, BUSY_MS)
    if make is not older:
        for attempt in (migrate.pending, migrate.apply):
            with pytest.raises(SchemaMismatch, match=re.escape(words)):
                attempt(path)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        open_checked(tmp_path / "no" / "rosterd.db", BUSY_MS)


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    program = (
        "import sys; from pathlib import Path; from rosterd.store.migrate import open_checked;"
        "print(open_checked(Path(sys.argv[1]), 5000).execute('PRAGMA journal_mode').fetchone()[0])"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) for _ in range(3)
    ]
    with ThreadPoolExecutor(8) as pool:
        for connection in pool.map(lambda _: open_checked(path, BUSY_MS), range(8)):
            connection.close()
    assert [child.communicate()[0] for child in children] == [b"wal\n"] * 3
    assert len(tables(path)) > 15


def test_every_query_has_a_name_and_a_sentence() -> None:
    assert len(SQLITE) > 40
    for text in (
        "-- name: a\nSELECT 1;\n",
        "-- name: a\n-- Two.\nSELECT 1;\nSELECT 2;\n",
        "-- name: a\n-- No.\n",
    ):
        with pytest.raises(ValueError, match="query"):
            load(text)


def test_connections_of_an_older_file_keep_what_they_have_and_their_accounts_are_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rosterd.db"
    prepared(path, tuple(one for one in known() if one.name != "connection_limits" and one.version < 4))
    old = sqlite3.connect(path)
    old.execute("INSERT INTO directory VALUES (1, 'acme', 1, 1, '[]', '[]')")
    for connection in (1, 2):
        old.execute(
            "INSERT INTO connection VALUES (?, 1, ?, 1, 'okta', 'own', 'erase')",
            (connection, f"c{connection}"),
        )
    for number, (kind, connection, deleted) in enumerate(
        [("User", 1, None), ("User", 1, None), ("User", 1, 5), ("User", 2, None), ("Group", 2, None)]
    ):
        old.execute(
            "INSERT INTO resource VALUES (1, ?, ?, ?, NULL, ?, 1, 1, 1, ?, NULL, x'7b7d', '{}')",
            (f"r{number}", kind, connection, number, deleted),
        )
    old.commit()
    old.close()
    prepared(path, known())

    async def look() -> None:
        store = await open_sqlite(path)
        reader = store.reader(1)
        counts = [await reader.count(kind, c) for kind in ("User", "Group") for c in (None, 1, 2)]
        assert counts == [3, 2, 1, 1, 0, 1]
        first, _ = await store.connections(1)
        assert first == Connection(1, 1, "c1", 1, "okta", Policy("own", "erase"), Standing())
        await store.close()

    asyncio.run(look())


def test_tokens_of_an_older_file_were_issued_to_no_client(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    prepared(path, known()[:1])
    old = sqlite3.connect(path)
    old.execute("INSERT INTO directory VALUES (1, 'acme', 1, 1, '[]', '[]')")
    old.execute("INSERT INTO connection VALUES (1, 1, 'okta', 1, 'auto', 'own', 'erase')")
    old.execute("INSERT INTO token VALUES ('t', 1, 1, x'00', 'label', '[\"scim.read\"]', 1, 2, NULL, 5)")
    old.commit()
    old.close()
    with pytest.raises(SchemaMismatch, match=r"run 'rosterd migrate' for: clients, "):
        open_checked(path, BUSY_MS)
    assert prepared(path, known()) == known()[1:]

    async def look() -> None:
        store = await open_sqlite(path)
        assert await store.tokens(1) == (Token("t", 1, 1, b"\0", "label", ("scim.read",), 1, 2, None, 5),)
        assert await store.clients(1) == ()
        await store.close()

    asyncio.run(look())


def put(path: Path, *resources: tuple[str, int | None, str]) -> None:
    """Resources of an older file: of what kind, when deleted, and folded."""
    old = connect_writer(path, BUSY_MS)
    for number, (kind, deleted, search) in enumerate(resources):
        old.execute(
            "INSERT INTO resource (directory, id, kind, connection, seq, version, created, modified, "
            "deleted, document, search) VALUES (1, ?, ?, 1, ?, 1, 1, 1, ?, x'7b7d', ?)",
            (f"r{number}", kind, number, deleted, search),
        )
    old.close()


def test_users_of_an_older_file_are_found_by_their_family_name(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    prepared(path, tuple(takewhile(lambda one: one.name != "account_search", known())))
    put(
        path,
        ("User", None, '{"name": {"familyName": "berg"}}'),
        ("User", None, '{"name": {"givenName": "berg"}}'),
        ("User", 5, "{}"),
        ("Device", None, '{"name": {"familyName": "berg"}}'),
    )
    prepared(path, known())

    async def look() -> None:
        store = await open_sqlite(path)
        found = await store.reader(1).named("User", "be", None, None, 10, "name.familyName")
        assert [(one.value, one.id) for one in found] == [("berg", "r0")]
        await store.close()

    asyncio.run(look())


ANN = '{"userName": "ann", "displayName": "zoe", "emails": [{"value": "a@x"}, {"value": "a@x", "type": "b"}]}'
BOB = '{"userName": "bob", "displayName": "li"}'


def before_parts(path: Path) -> None:
    """A file of a release that had no index of parts of texts."""
    prepared(path, known()[:15])
    execute(path, "UPDATE schema_version SET applied = applied - 1000")


@pytest.mark.parametrize("indexed", [True, False])
def test_what_an_earlier_step_put_into_the_index_of_parts_can_be_taken_out_of_it(
    tmp_path: Path, indexed: bool
) -> None:
    path = tmp_path / "rosterd.db"
    before_parts(path)
    put(path, ("User", None, ANN), ("User", None, BOB), ("User", 5, ANN))
    prepared(path, known()[:18])
    with closing(connect_writer(path, BUSY_MS)) as connection:
        while indexed and index_portion(connection):
            pass
        if indexed:  # and changed since, while the index knows it as it was
            connection.execute("INSERT INTO parts_due VALUES (1, 0, 'zoe', 'ann'), (1, 2, 'zoe', NULL)")
        assert prepared(path, known()) == known()[18:]
        while index_portion(connection):
            pass
        assert named(connection, "zoe") == [0]
        assert named(connection, "bob") == [1]
        for seq, text in ((0, ANN), (1, BOB)):
            connection.execute(
                SQLITE["owe_parts"], (1, seq, parts_text(json.loads(text)), "new" if seq else None)
            )
        index_portion(connection)
        assert named(connection, "new") == [1]
        connection.execute("INSERT INTO parts (parts) VALUES ('optimize')")
        connection.execute("CREATE VIRTUAL TABLE temp.term USING fts5vocab(main, parts, row)")
        assert connection.execute("SELECT term FROM term").fetchall() == [("new",)]


def test_of_users_who_were_erased_before_the_index_of_parts_is_made_anew_nothing_stays_in_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rosterd.db"
    before_parts(path)
    put(path, ("User", None, ANN))
    prepared(path, known()[:18])
    with closing(connect_writer(path, BUSY_MS)) as connection:
        while index_portion(connection):
            pass
        connection.execute("DELETE FROM resource")
        connection.execute(SQLITE["owe_parts"], (1, 0, parts_text(json.loads(ANN)), None))
        while index_portion(connection):
            pass
        connection.execute("INSERT INTO parts (parts) VALUES ('optimize')")
        connection.execute("CREATE VIRTUAL TABLE temp.term USING fts5vocab(main, parts, row)")
        assert connection.execute("SELECT term FROM term").fetchall() != []
        assert prepared(path, known()) == known()[18:]
        assert connection.execute("SELECT term FROM term").fetchall() == []


def named(connection: sqlite3.Connection, part: str) -> list[int]:
    """The numbers of the resources in the first directory that the index names."""
    found = connection.execute("SELECT rowid - (1 << 40) FROM parts WHERE parts MATCH ?", (part,))
    return [seq for (seq,) in found]


def test_an_index_of_parts_that_no_step_has_filled_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rosterd.db"
    prepared(path, known()[:18])
    execute(path, "UPDATE schema_version SET applied = 0")  # all in one second, as a new file has them
    put(path, ("User", None, ANN))
    prepared(path, known())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM parts_due").fetchone() == (0,)
