"""What the benchmark makes of the rounds of an engine, its raw limit, and copies of users."""

import asyncio
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pytest
from contract.postgres_server import namespace

from bench import raw
from bench.batches import Committed, parse
from bench.copies import copies_of, copy_sqlite
from bench.engines import RAW, USERS, added, verdicts
from bench.postgres import Namespace, connected
from bench.report import Result
from bench.servers import Server, spent
from rosterd.scim.bind import bind
from rosterd.scim.filter import parse_filter
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.ports import Query
from rosterd.store.database import BUSY_MS, connect_writer
from rosterd.store.sqlite_copy import contents
from rosterd.wiring import Settings, open_service

USER = CORE_MODEL.types["User"]


def line(server: str, scenario: str, concurrency: int, rate: float, **more: object) -> Result:
    size = 0 if scenario == "ceiling" else USERS
    return Result(server, scenario, size, concurrency, int(rate), 1.0, **more)  # type: ignore[arg-type]


def test_rounds_add_up_to_one_line_and_ways_of_the_raw_limit_stay_apart() -> None:
    rounds = [
        line("rosterd", "post", 16, 100, cpu=1.0, engine=2.0, p99=5.0, note="of this round"),
        line("rosterd", "post", 16, 300, cpu=3.0, engine=4.0, p99=4.0),
        line(RAW, "post", 16, 10, note="each"),
        line(RAW, "post", 16, 20, note="arrays"),
    ]
    found = [(r.server, r.operations, r.seconds, r.cpu, r.engine, r.p99) for r in added(rounds)]
    assert found == [
        ("rosterd", 400, 2.0, 2.5, 3.5, 5.0),
        (RAW, 10, 1.0, None, None, None),
        (RAW, 20, 1.0, None, None, None),
    ]


def test_a_part_of_the_raw_limit_is_wanted_of_its_fastest_way_at_one_concurrency() -> None:
    results = [
        line(RAW, "post", c, rate, note=how) for c in (16, 64) for how, rate in (("a", 100), ("b", 200))
    ]
    results += [line("rosterd x1", "post", c, 80) for c in (16, 64)]
    results += [
        line("empty", "ceiling", 16, 1000, cpu=0.1),
        line("rosterd x1", "get", 16, 400, cpu=0.3, engine=0.1),
    ]
    found = dict(verdicts("postgres", results, ["rosterd x1"]))
    ours, empty = found.values()
    assert [(v.concurrency, v.value, v.wanted, v.met) for v in ours] == [
        (16, 0.4, None, None),
        (64, 0.4, 0.35, True),
    ]
    assert [(v.scenario, v.value, v.by_cpu, v.met) for v in empty] == [("get", 0.4, 0.25, False)]


def test_the_same_part_is_wanted_of_what_sqlite_commits_in_the_batches_that_a_server_made() -> None:
    results = [
        line(RAW, "post", 16, 200, note="sqlite"),
        line(f"{RAW} as rosterd x2", "post", 16, 160),
        *(line(name, "post", 16, 80) for name in ("rosterd x1", "rosterd x2")),
    ]
    found = {
        title: [(v.value, v.wanted, v.met) for v in verdict]
        for title, verdict in verdicts("sqlite", results, ["rosterd x1", "rosterd x2"])
        if title.startswith("POST")
    }
    assert found == {
        "POST: rosterd x1 / raw limit (the fastest way)": [(0.4, 0.45, False)],
        "POST: rosterd x2 / raw limit (the fastest way)": [(0.4, 0.45, False)],
        "POST: rosterd x2 / raw limit with the batches that it made": [(0.5, 0.45, True)],
    }


def test_a_batch_is_what_all_workers_committed_by_what_they_did_it_in() -> None:
    before = parse("rosterd_commit_batch_changes_sum 10.0\nrosterd_commit_batch_changes_count 4.0\n")
    after = parse(
        "# TYPE rosterd_commit_batch_changes histogram\n"
        'rosterd_commit_batch_changes_bucket{le="1.0",worker="1"} 7.0\n'
        'rosterd_commit_batch_changes_sum{worker="1"} 40.0\n'
        'rosterd_commit_batch_changes_sum{worker="2"} 51.0\n'
        'rosterd_commit_batch_changes_count{worker="1"} 8.0\n'
        'rosterd_commit_batch_changes_count{worker="2"} 7.0\n'
    )
    assert before == Committed(10.0, 4.0)
    assert after == Committed(91.0, 15.0)
    assert after.a_batch_since(before) == 7
    assert after.a_batch_since(after) == 1


def test_a_database_that_nobody_works_for_has_no_cpu_time() -> None:
    assert spent([]) == 0.0
    assert Server("x", None, None, "").engine() is None  # type: ignore[arg-type]


def test_sqlite_alone_commits_every_user(tmp_path: Path) -> None:
    with closing(raw.SqliteLimit(tmp_path, users=5)) as limit:
        for _ in range(2):
            found = limit.measure(concurrency=4, count=10, seconds=30.0)
            assert (found.how, found.count) == ("sqlite", 10)
    with closing(connect_writer(Settings(data=tmp_path).database, BUSY_MS)) as connection:
        assert contents(connection).users == 25


def test_sqlite_alone_is_given_each_row_of_a_user(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    directory, owner = asyncio.run(raw._first(settings))
    with closing(connect_writer(settings.database, BUSY_MS)) as connection:
        for text, parameters in raw._sqlite_calls(connection, directory, owner, [0])[0]:
            connection.execute(text, parameters)
        assert contents(connection).users == 1
        values = connection.execute("SELECT attribute FROM attribute_value ORDER BY attribute").fetchall()
        assert [name for (name,) in values] == ["displayName", "emails.value", "name.familyName"]


def test_copies_are_found_like_those_that_they_are_copies_of(tmp_path: Path) -> None:
    asyncio.run(copied_and_found(tmp_path))


async def copied_and_found(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    async with open_service(settings) as service:
        directory, connection = await service.ensure_default()
        views = [
            await service.store.write(directory.id, unit)
            for unit in raw.units(directory, connection, range(3))
        ]
    base = [(f"raw{number:07d}", number, view.row.id) for number, view in enumerate(views)]
    copy_sqlite(tmp_path, base, 1, 2, parts=True)
    async with open_service(settings) as service:
        reader = service.store.reader(directory.id)
        assert await reader.count("User") == await reader.count("User", connection.id) == 9
        for name, _, id in copies_of(base, 1, 2):
            for text in (f'userName eq "{name}@example.com"', f'emails co "{name[-12:]}"'):
                page = await reader.search(Query({USER: bind(parse_filter(text), USER)}, None, 10))
                assert [row.id for row in page.rows] == [id]


@pytest.mark.parametrize("how", raw.WAYS)
def test_the_raw_limit_of_postgresql_writes_every_user_in_each_way(how: str) -> None:
    with namespace() as url:
        limit = raw.PostgresLimit(Namespace(url, "bench"), users=5, count=10)
        for _ in range(2):
            found = limit.measure(how, concurrency=4, seconds=30.0)
            assert (found.how, found.count) == (how, 10)
            assert asyncio.run(rows_of(url)) == (15, 15, 45, 15)


COUNTS = """
SELECT (SELECT count(*) FROM resource), (SELECT count(*) FROM unique_value),
    (SELECT count(*) FROM attribute_value), (SELECT count(*) FROM event)
"""


async def rows_of(url: str) -> tuple[int, ...]:
    connection = await connected(url)
    try:
        return tuple(await connection.fetchrow(COUNTS))
    finally:
        await connection.close()
