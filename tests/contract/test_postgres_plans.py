"""What PostgreSQL's planner makes of listings, over tables with enough rows that it has a choice."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from contract.postgres_server import namespace

from rosterd.service.ports import Position, Query
from rosterd.store.dialect_postgres import Postgres
from rosterd.store.listing import listing
from rosterd.store.postgres_arrays import numbers, texts
from rosterd.store.postgres_run import _BEGIN as WRITING
from rosterd.store.postgres_trigram import make_trigrams, words_of
from rosterd.store.queries import POSTGRES, schema
from rosterd.testing.scenario import CONNECTION, DIRECTORY, GROUP, USER, listed

# Ten thousand users in one directory, as many in another; a group for each hundred.
FILL = """
INSERT INTO resource (
    directory, id, kind, connection, external_id, seq, version, created, modified, display, document, search
)
SELECT d, 'u' || n, 'User', 7 + n % 2, md5(n::text), n, 1, n, n, 'u' || n, '{}', jsonb_build_object(
    'userName', md5(n::text) || '@example.com', 'displayName', 'Name ' || n, 'active', 1,
    'title', 't' || n % 9,
    'emails', jsonb_build_array(jsonb_build_object('value', md5(n::text) || '@example.com', 'type', 'work'))
)
FROM generate_series(1, 10000) AS n, generate_series(1, 2) AS d;
INSERT INTO resource (directory, id, kind, connection, seq, version, created, modified, document, search)
SELECT 1, 'g' || n, 'Group', 7, 10000 + n, 1, n, n, '{}', jsonb_build_object('displayName', 'group ' || n)
FROM generate_series(1, 100) AS n;
INSERT INTO unique_value SELECT directory, kind, 'userName', search ->> 'userName', id FROM resource
WHERE kind = 'User';
INSERT INTO attribute_value SELECT directory, kind, 'displayName', lower(search ->> 'displayName'), id
FROM resource;
INSERT INTO attribute_value SELECT directory, kind, 'emails.value', search ->> 'userName', id FROM resource
WHERE kind = 'User';
INSERT INTO member (directory, group_id, member_id) SELECT 1, 'g' || 1 + n % 100, 'u' || n
FROM generate_series(1, 10000) AS n;
INSERT INTO counter VALUES (1, 'live:User', 10000), (1, 'live:Group', 100);
INSERT INTO counter SELECT n, 'seq', 1 FROM generate_series(1, 1000) AS n;
ANALYZE resource; ANALYZE unique_value; ANALYZE attribute_value; ANALYZE member; ANALYZE counter;
"""
NAME = "e4da3b7fbbce2345d7772b0674a318d5@example.com"  # of the fifth user

BY_ID, UNIQUE, VALUE = "resource_pkey", "unique_value_pkey", "attribute_value_pkey"
LIVE, EXTERNAL, COUNT = "resource_live", "resource_external", "counter_pkey"


@dataclass
class Database:
    """A connection to the filled tables."""

    runner: asyncio.Runner
    connection: Any
    words: Postgres

    def plan(self, query: Query) -> list[dict[str, Any]]:
        """The nodes of the plan of a listing, its total included."""
        compiled = listing(query, DIRECTORY, self.words)
        assert compiled
        explain = f"EXPLAIN (FORMAT JSON) {compiled.page.text}"
        text = self.runner.run(self.connection.fetchval(explain, *compiled.page.params))
        return list(nodes(json.loads(text)[0]["Plan"]))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", ()):
        yield from nodes(part)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with namespace() as url, asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url, server_settings={"jit": "off"}))
        runner.run(connection.execute(schema("postgres")))
        runner.run(make_trigrams(connection))
        runner.run(connection.execute(FILL))
        yield Database(runner, connection, runner.run(words_of(connection)))
        runner.run(connection.close())


@pytest.mark.parametrize(
    ("query", "indexes"),
    [
        (listed(), {LIVE, BY_ID, COUNT}),
        (listed(offset=500), {LIVE, BY_ID, COUNT}),
        (listed(after=Position(9000)), {LIVE, BY_ID, COUNT}),
        (Query({USER: None, GROUP: None}, CONNECTION, 10), {LIVE, BY_ID, COUNT}),
        (listed('id eq "u5"'), {BY_ID}),
        (listed(f'userName eq "{NAME}"'), {UNIQUE, BY_ID}),
        (listed(f'userName eq "{NAME}"', offset=1), {UNIQUE, BY_ID}),
        (listed(f'userName eq "{NAME}" and active eq true'), {UNIQUE, BY_ID}),
        (listed('displayName eq "group 5"', GROUP), {VALUE, BY_ID}),
        (listed(f'emails[type eq "work" and value eq "{NAME}"]'), {VALUE, BY_ID}),
        (listed(f'emails eq "{NAME}" or userName eq "{NAME}"'), {VALUE, UNIQUE, BY_ID}),
        (listed('externalId eq "x5"'), {EXTERNAL}),
        (listed('externalId eq "x5"', connection=None), {EXTERNAL}),
        (listed('externalId eq "x5" and active eq true'), {EXTERNAL, BY_ID}),
        (listed('members.value eq "u5"', GROUP), {"member_of", "member_pkey", BY_ID}),
        (listed('groups.value eq "g5"'), {"member_pkey", "member_of", BY_ID}),
    ],
)
def test_a_hot_listing_is_led_by_the_directory_through_indexes(
    database: Database, query: Query, indexes: set[str]
) -> None:
    plan = database.plan(query)
    assert [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"] == []
    used = [node for node in plan if "Index Name" in node]
    assert {node["Index Name"] for node in used} == indexes
    for node in used:
        assert node["Index Cond"].startswith("((directory = "), node


def test_a_deep_page_enters_the_index_where_the_one_before_ended(database: Database) -> None:
    entered = [node for node in database.plan(listed(after=Position(9000))) if node.get("Index Name") == LIVE]
    assert [node["Index Cond"].endswith("(seq > '9000'::bigint))") for node in entered] == [True]


@pytest.mark.parametrize(
    "text",
    [
        'userName co "b7fbbce2345"',
        'userName ew "0674a318d5@example.com"',
        'emails.value co "b7fbbce2345" or userName co "b7fbbce2345"',
        'emails[type eq "work" and value co "b7fbbce2345"]',
        'active eq true and userName co "b7fbbce2345"',
    ],
)
def test_a_part_of_a_text_is_looked_up_where_the_extensions_are(database: Database, text: str) -> None:
    if not database.words.trigrams:
        pytest.skip("this PostgreSQL has no pg_trgm or no btree_gin")
    plan = database.plan(listed(text))
    assert [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"] == []
    found = [node for node in plan if node.get("Index Name") == "resource_parts"]
    assert found
    for node in found:
        assert node["Index Cond"].count("(directory = '1'::bigint)") == 1


@pytest.mark.parametrize("text", ['userName co "ab"', 'title co "abc"', 'not (userName co "abc")'])
def test_what_the_index_of_parts_does_not_know_is_not_asked_of_it(database: Database, text: str) -> None:
    assert "resource_parts" not in {node.get("Index Name") for node in database.plan(listed(text))}


def test_nothing_from_outside_becomes_sql() -> None:
    words = Postgres(trigrams=True)
    queries = [
        listed(f'userName co "{word}" and emails[value sw "{word}"] and externalId eq "{word}"')
        for word in ("XYZ", "'; DROP TABLE resource; --")
    ]
    first, second = (listing(query, DIRECTORY, words) for query in queries)
    assert first
    assert second
    assert first.page.text == second.page.text
    assert "userName" not in first.page.text


BY_KEY = (
    "get_resource", "get_with_groups", "get_resources", "find_deleted", "retained", "memberships", "standing",
    "foresee", "touch_resource", "touch_resources", "update_resource", "update_resources", "update_indexed",
    "retain_resource", "insert_resource", "revive_resource", "erase_resource", "forget_resource", "owner_of",
    "named_unique", "named_value", "with_unique", "with_external", "group_counts", "awaiting",
    "resolve_pending", "shown_members", "change_members", "meant",
)  # fmt: skip
"""Statements that look resources up by what is given to them."""
FILLED = ("resource", "unique_value", "attribute_value", "member", "pending_member")
FIVE = """
INSERT INTO resource (
    directory, id, kind, connection, external_id, seq, version, created, modified, document, search
)
SELECT 1, 'u' || n, 'User', 7, md5(n::text), n, 1, n, n, '{}', '{}' FROM generate_series(1, 5) AS n;
INSERT INTO unique_value SELECT 1, 'User', 'userName', 'u' || n, 'u' || n FROM generate_series(1, 5) AS n;
INSERT INTO attribute_value SELECT 1, 'User', 'displayName', 'u', 'u' || n FROM generate_series(1, 5) AS n;
INSERT INTO member (directory, group_id, member_id) SELECT 1, 'g', 'u' || n FROM generate_series(1, 5) AS n;
INSERT INTO pending_member SELECT 1, 'g', 'u' || n FROM generate_series(1, 5) AS n;
"""
AND_GONE = """
DELETE FROM resource; DELETE FROM unique_value; DELETE FROM attribute_value; DELETE FROM member;
DELETE FROM pending_member;
"""
MORE_PENDING = """
INSERT INTO pending_member (directory, group_id, value)
SELECT 1, 'g' || 1 + n % 100, md5(n::text) FROM generate_series(1, 10000) AS n;
"""


@pytest.fixture(scope="module", params=["nothing", "five rows", "nothing, and plans of then"])
def outgrown(request: pytest.FixtureRequest) -> Iterator[tuple[asyncio.Runner, Any]]:
    """Tables that grew a moment ago, of which the planner knows what there was before; the statements."""
    known = request.param
    with namespace() as url, asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url, server_settings={"jit": "off"}))

        def run(statement: str) -> None:
            runner.run(connection.execute(statement))

        run(schema("postgres"))
        for table in FILLED:
            run(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        if known == "five rows":
            run(FIVE)
            for table in FILLED:
                run(f"ANALYZE {table}")
            run(AND_GONE)
        run(WRITING)
        for name in BY_KEY:
            run(f"PREPARE {name} AS {POSTGRES[name]}")
            if known.endswith("plans of then"):
                run(f"EXPLAIN {execute(name)}")
        run(FILL.partition("ANALYZE")[0] + MORE_PENDING)
        yield runner, connection
        runner.run(connection.close())


def execute(name: str) -> str:
    """EXECUTE of a prepared statement, with nothing given."""
    count = max(int(number) for number in re.findall(r"\$(\d+)", POSTGRES[name]))
    return f"EXECUTE {name} ({', '.join(['NULL'] * count)})"


def check_led_by_key(plan: list[dict[str, Any]]) -> None:
    assert [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"] == []
    used = [node for node in plan if "Index Name" in node]
    assert used
    for node in used:
        assert re.search(r"\((id|member_id|group_id|external_id|value|name) [=>]", node["Index Cond"]), node


@pytest.mark.parametrize("name", BY_KEY)
def test_what_is_looked_up_by_key_is_so_whatever_the_planner_knew_before(
    outgrown: tuple[asyncio.Runner, Any], name: str
) -> None:
    runner, connection = outgrown
    plan = runner.run(connection.fetchval(f"EXPLAIN (FORMAT JSON) {execute(name)}"))
    check_led_by_key(list(nodes(json.loads(plan)[0]["Plan"])))


@pytest.mark.parametrize(
    "query",
    [
        listed(f'userName eq "{NAME}"'),
        listed(f'userName eq "{NAME}" and active eq true'),
        listed('displayName eq "group 5"', GROUP),
        listed(f'emails[type eq "work" and value eq "{NAME}"]'),
        listed('externalId eq "x5"'),
        listed('externalId eq "x5" and active eq true'),
        listed('externalId eq "x5" and active eq true', connection=None),
        listed('members.value eq "u5"', GROUP),
        listed('groups.value eq "g5"'),
        listed('id eq "u5"'),
    ],
)
def test_a_listing_led_by_an_index_is_so_whatever_the_planner_knew_before(
    outgrown: tuple[asyncio.Runner, Any], query: Query
) -> None:
    runner, connection = outgrown
    compiled = listing(query, DIRECTORY, Postgres())
    assert compiled
    runner.run(connection.execute(f"PREPARE listed AS {compiled.page.text}"))
    nothing = ", ".join(["NULL"] * len(compiled.page.params))
    text = runner.run(connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE listed ({nothing})"))
    runner.run(connection.execute("DEALLOCATE listed"))
    check_led_by_key(list(nodes(json.loads(text)[0]["Plan"])))


@pytest.mark.parametrize("name", ["delete_other_members", "delete_other_pending"])
def test_who_stays_in_a_group_is_looked_for_in_a_hash_table_whatever_the_planner_knew_before(
    outgrown: tuple[asyncio.Runner, Any], name: str
) -> None:
    runner, connection = outgrown
    runner.run(connection.execute(f"PREPARE {name} AS {POSTGRES[name]}"))
    plan = runner.run(connection.fetchval(f"EXPLAIN (FORMAT JSON) {execute(name)}"))
    found = list(nodes(json.loads(plan)[0]["Plan"]))
    assert [
        node["Node Type"] for node in found if "Join" in node["Node Type"] or "Loop" in node["Node Type"]
    ] == []
    assert [node["Filter"] for node in found if "Filter" in node] == ["(NOT (hashed SubPlan 1))"]


@pytest.mark.parametrize("name", ["get_with_groups", "memberships"])
def test_a_look_up_of_many_is_planned_once_for_all_lists(database: Database, name: str) -> None:
    run = database.runner.run
    for length in (1, 2, 9, 30, 1, 64, 5, 1, 1, 12, 40, 3):
        ids = [f"u{n}" for n in range(length)]
        listed = ("User", texts([None] * length), texts(ids), numbers([]), texts([]))
        given = listed if name == "get_with_groups" else (ids,)
        run(database.connection.fetch(POSTGRES[name], DIRECTORY, *given, length))
    planned = run(
        database.connection.fetchrow(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement = $1",
            POSTGRES[name],
        )
    )
    assert tuple(planned) == (5, 7)


def test_a_look_up_of_many_costs_each_the_same_though_they_are_in_groups(
    outgrown: tuple[asyncio.Runner, Any],
) -> None:
    runner, connection = outgrown
    types = "bigint, text, text, text, text, text, bigint"
    runner.run(connection.execute(f"PREPARE several ({types}) AS {POSTGRES['get_with_groups']}"))

    def touched(length: int) -> int:
        """How many pages are looked at."""
        attributes, ids = texts([None] * length), texts([f"u{n}" for n in range(1, length + 1)])
        given = f"'User', '{attributes}', '{ids}', '{{}}', '{{}}', {length}"
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE several ({DIRECTORY}, {given})"
        plan = json.loads(runner.run(connection.fetchval(explain)))[0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    assert touched(60) <= 15 * touched(5)
