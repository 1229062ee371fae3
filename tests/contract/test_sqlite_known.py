"""Of what units say that they will look for it is known, for all of them, whether it is there."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

import pytest

from rosterd.service.ahead import TRACES, Ahead
from rosterd.store.database import BUSY_MS
from rosterd.store.migrate import open_checked
from rosterd.store.queries import SQLITE
from rosterd.store.rows import as_json
from rosterd.store.sqlite_known import Known

HERE, ELSEWHERE = 1, 2
ODD = ["a", "é", '"', "\\", "1", "01", "null", "[1]", "\U0001f600"]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with closing(open_checked(tmp_path / "rosterd.db", BUSY_MS)) as opened:
        yield opened


def put(connection: Connection, directory: int, value: str) -> None:
    """Something of every part under a value."""

    def run(name: str, *parameters: object) -> None:
        connection.execute(SQLITE[name], (directory, *parameters))

    run("put_adopted", value, "u1")
    run("put_pending", "g1", as_json([[value, None]]))
    run("insert_unique", "User", 'odd"name', value, "u1")
    run("insert_resource", value, "User", 7, value, 1, 1, 1, 1, b"{}", "{}", None)
    run("retain_resource", value, "User", 7, value, 2, 2, 2, b"{}")


def looked(connection: Connection, values: list[str]) -> Known:
    known = Known()
    ahead = Ahead(
        unique=tuple(("User", name, value) for value in values for name in ('odd"name', "x")),
        adopted=tuple(values),
        retained=tuple(("User", owner, value) for value in values for owner in (7, 8)),
        awaited=tuple(values),
    )
    known.look(connection, HERE, [ahead, ahead])
    return known


@pytest.mark.parametrize("value", ODD)
def test_what_is_there_is_told_from_what_is_not(connection: Connection, value: str) -> None:
    for there in (value, "common"):
        put(connection, HERE, there)
    for other in ODD:
        put(connection, ELSEWHERE, other)
    known = looked(connection, [*ODD, "common"])
    for one in (*ODD, "common"):
        absent = one not in (value, "common")
        assert known.lacks("adopted", one) == absent
        assert known.lacks("awaited", one) == absent
        assert known.lacks("retained", ("User", 7, one)) == absent
        assert known.lacks("unique", ("User", 'odd"name', one)) == absent
        assert known.lacks("retained", ("User", 8, one))
        assert known.lacks("unique", ("User", "x", one))


def test_where_nobody_waits_everything_is_known_to_be_absent(connection: Connection) -> None:
    put(connection, ELSEWHERE, "a")
    known = looked(connection, ["a"])
    assert all(known.lacks(part, "a") for part in ("adopted", "awaited"))
    assert known.lacks("retained", ("User", 7, "a"))
    assert known.lacks("unique", ("User", 'odd"name', "a"))


def test_what_was_not_asked_for_is_not_known(connection: Connection) -> None:
    known = looked(connection, [])
    assert not any(known.lacks(part, "a") for part in TRACES)
