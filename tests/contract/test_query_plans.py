"""No hot statement reads a table from end to end: the planner says so itself."""

import itertools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from rosterd.service.ports import Position, Query
from rosterd.store.listing import listing
from rosterd.store.queries import SQLITE, of_rows, schema
from rosterd.testing.scenario import CONNECTION, DIRECTORY, GROUP, USER, listed

# What may be gone through row by row: lists that were given, and what earlier steps found.
GIVEN = re.compile(
    r"SCAN (json_each|j|lane|ranked|e|f|up|down|k|v|many|page|head|"
    r"(\d+ )?CONSTANT ROWS?|\(subquery-\d+\))( .*)?"
)
WHOLE = {"directories", "api_keys", "settings", "signing_keys"}  # all of them are wanted
WHOLE |= {"end_signing_keys", "forget_signing_keys"}  # a handful of keys
WHOLE |= {"lagging_mappings"}  # every directory that has a mapping is looked at
WHOLE |= {"due_lines", "begin_lines", "has_webhooks"}  # every directory's line, or a few endpoints
WHOLE |= {"forget_attempts"}  # in the order of the key, so many at most
WHOLE |= {"is_owned"}  # a handful of administrators
WHOLE |= {"gives_numbers", "last_number", "raise_number"}  # SQLite's own tables, which are short
WHOLE |= {"contents"}  # everything is counted, for a backup
WHOLE |= {"connection_states", "dead_backlog", "mapping_backlog", "webhook_backlog"}  # measured at a scrape
WHOLE |= {"parts_portion"}  # the same; what is due is done soon
WHOLE |= {"kept_replies"}  # those of a day, and of an erasure only
WHOLE |= {"has_failures", "forget_old_failures"}  # in the order of an index, so many at most

WHOLE |= {"every_directory", "removed_directories", "end_administrators"}  # few, and hardly ever asked for
WHOLE |= {"has_full_buckets", "forget_buckets"}  # those that were drawn from a short time ago


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema("sqlite"))
    yield connection
    connection.close()


def plan(database: sqlite3.Connection, statement: str, parameters: tuple[object, ...]) -> list[str]:
    return [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def scans(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("SCAN") and not GIVEN.fullmatch(line)]


@pytest.mark.parametrize("name", sorted(set(SQLITE) - WHOLE))
def test_no_query_scans_a_table(database: sqlite3.Connection, name: str) -> None:
    numbers = [int(number) for number in re.findall(r"\?(\d+)", SQLITE[name])]
    assert scans(plan(database, SQLITE[name], (1,) * max(numbers, default=0))) == []


@pytest.mark.parametrize(
    "name", [name for name in SQLITE if name.startswith("clear_") and name != "clear_parts"]
)
def test_a_portion_of_a_deleted_directory_costs_no_more_for_what_else_there_is(
    database: sqlite3.Connection, name: str
) -> None:
    statement = SQLITE[name]
    first = plan(database, statement, (1,) * len(set(re.findall(r"\?\d", statement))))[0]
    keys = re.search(r"\((\w+(?:, \w+)*)\) IN|(\w+) <=|(\w+) IN|WHERE (\w+) = \?1;", statement)
    assert keys is not None
    for key in (next(filter(None, keys.groups()))).split(", "):
        assert re.search(rf"\b({key}|rowid)[=<]", first), first


VALUE = "USING PRIMARY KEY (directory=? AND kind=? AND attribute=? AND value=?)"


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("update_resource", "SEARCH resource USING INDEX sqlite_autoindex_resource_1 (directory=? AND id=?)"),
        ("delete_value", f"SEARCH attribute_value {VALUE[:-1]} AND id=?)"),
    ],
)
@pytest.mark.parametrize("count", [2, 512])
def test_what_is_changed_by_one_statement_is_looked_up_by_its_keys(
    database: sqlite3.Connection, name: str, step: str, count: int
) -> None:
    statement = of_rows(name, count)
    lines = plan(database, statement, (1,) * statement.count("?"))
    assert step in lines
    assert scans(lines) == []


LIVE = "SEARCH r USING COVERING INDEX resource_live (directory=? AND kind=?)"
BY_ID = "SEARCH r USING INDEX sqlite_autoindex_resource_1 (directory=? AND id=?)"
EXTERNAL = "SEARCH resource USING INDEX resource_external (directory=? AND kind=? AND external_id=?"


@pytest.mark.parametrize(
    ("name", "step"),
    [
        (
            "accounts",
            "SEARCH resource USING INDEX resource_state (directory=? AND kind=? AND state=? AND seq>?)",
        ),
        (
            "newest",
            "SEARCH resource USING INDEX resource_state (directory=? AND kind=? AND state=? AND seq<?)",
        ),
        (
            "named_value",
            f"SEARCH attribute_value {VALUE[:-3]}>? AND value<?)",
        ),
        (
            "history",
            "SEARCH event USING INDEX event_history (directory=? AND resource=? AND seq<?)",
        ),
        ("token_page", "SEARCH token USING INDEX token_of (directory=? AND connection=? AND created<?)"),
        (
            "client_page",
            "SEARCH client USING COVERING INDEX client_of (directory=? AND connection=? AND created<?)",
        ),
        ("find_member", BY_ID),
        ("find_member", "SEARCH member USING COVERING INDEX member_of (directory=? AND member_id=?)"),
        (
            "named_unique",
            f"SEARCH unique_value {VALUE[:-3]}>? AND value<?)",
        ),
    ],
)
def test_a_page_begins_where_the_one_before_ended(database: sqlite3.Connection, name: str, step: str) -> None:
    numbers = [int(number) for number in re.findall(r"\?(\d+)", SQLITE[name])]
    assert step in plan(database, SQLITE[name], (1,) * max(numbers))


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        (listed(), [LIVE]),
        (listed(offset=500), [LIVE]),
        (listed(after=Position(5)), [LIVE.replace("kind=?", "kind=? AND seq>?")]),
        (Query({USER: None, GROUP: None}, CONNECTION, 10), [LIVE, LIVE]),
        (listed('id eq "x"'), [BY_ID]),
        (listed('userName eq "x"', offset=1), [f"SEARCH unique_value {VALUE}", BY_ID]),
        (listed('userName eq "x" and active eq true'), [f"SEARCH unique_value {VALUE}", BY_ID]),
        (listed('displayName eq "x"', GROUP), [f"SEARCH attribute_value {VALUE}", BY_ID]),
        (listed('emails[type eq "work" and value eq "x"]'), [f"SEARCH attribute_value {VALUE}", BY_ID]),
        (
            listed('emails eq "x" or userName eq "x"'),
            [f"SEARCH attribute_value {VALUE}", f"SEARCH unique_value {VALUE}", BY_ID],
        ),
        (
            listed('externalId eq "x" and active eq true'),
            [EXTERNAL + " AND connection=?)", BY_ID],
        ),
        (
            listed('externalId eq "x" and active eq true', connection=None),
            [EXTERNAL + ")", BY_ID],
        ),
        (
            listed('members.value eq "x"', GROUP),
            ["SEARCH member USING COVERING INDEX member_of (directory=? AND member_id=?)", BY_ID],
        ),
    ],
)  # fmt: skip
def test_a_listing_that_is_called_quick_is_so(
    database: sqlite3.Connection, query: Query, steps: list[str]
) -> None:
    compiled = listing(query, DIRECTORY)
    assert compiled
    assert compiled.quick
    lines = plan(database, compiled.page.text, compiled.page.params)
    assert scans(lines) == []
    of_tables = [
        line for line in lines if re.match(r"SEARCH (r|resource|unique_value|attribute_value|member) ", line)
    ]
    assert of_tables == [*steps, "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)"]
    assert scans(plan(database, compiled.total.text, compiled.total.params)) == []


@pytest.mark.parametrize("connection", [CONNECTION, None])
def test_who_has_an_external_id_is_one_look_up(database: sqlite3.Connection, connection: int | None) -> None:
    compiled = listing(listed('externalId eq "x"', connection=connection), DIRECTORY)
    assert compiled
    assert compiled.total
    assert plan(database, compiled.page.text, compiled.page.params)[0] == EXTERNAL + ")"
    assert plan(database, compiled.total.text, compiled.total.params) == [EXTERNAL + ")"]


def test_the_commonest_question_is_two_look_ups(database: sqlite3.Connection) -> None:
    compiled = listing(listed('userName eq "x"'), DIRECTORY)
    assert compiled
    lines = plan(database, compiled.page.text, compiled.page.params)
    assert lines == [f"SEARCH u {VALUE}", BY_ID]


@pytest.mark.parametrize(
    "query",
    [
        listed('title co "x"'),
        listed('not (userName eq "x")'),
        listed('userName eq "x" or title eq "y"'),
        listed('groups.value eq "x"'),
        listed(sort={USER: USER.resolve(None, "userName")}),
        listed(limit=1000),
        listed(offset=100_000),
    ],
)
def test_a_listing_that_may_look_at_many_rows_is_not_called_quick(query: Query) -> None:
    compiled = listing(query, DIRECTORY)
    assert compiled
    assert not compiled.quick


def test_nothing_from_outside_becomes_sql() -> None:
    first, second = (
        listing(listed(f'userName co "{word}" and emails[value sw "{word}"] and externalId eq "{word}"'), 1)
        for word in ("x", "'; DROP TABLE resource; --")
    )
    assert first
    assert second
    assert first.page.text == second.page.text
    assert "userName" not in first.page.text


def test_whether_members_are_few_costs_the_same_whatever_the_group() -> None:
    steps: list[int] = []
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema("sqlite"))
        for group, size in (("small", 150), ("large", 20_000)):
            rows = ((group, f"{group}{n}") for n in range(size))
            connection.executemany("INSERT INTO member VALUES (1, ?, ?, NULL)", rows)
            counted = itertools.count()
            connection.set_progress_handler(lambda counted=counted: next(counted) < 0, 10)
            assert connection.execute(SQLITE["few_members"], (1, group, 100)).fetchall() == [(None,) * 3]
            connection.set_progress_handler(None, 0)
            steps.append(next(counted))
    assert steps[0] == steps[1] > 0
