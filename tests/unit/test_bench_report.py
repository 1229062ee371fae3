"""The benchmark's arithmetic, its response parser and its readers of process tables."""

import asyncio
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.client import BadResponse, Connection, Parser, Response, Target, Timing, drive, expect
from bench.report import (
    RESULT_HEAD,
    Result,
    depth_ratio,
    document,
    number,
    percentile,
    ratios,
    result_cells,
    slope,
    slopes,
    table,
    verdict_table,
)
from bench.servers import parse_ps, parse_stat


def result(
    server: str, scenario: str, size: int, rate: float, concurrency: int = 16, cpu: float | None = None
) -> Result:
    return Result(server, scenario, size, concurrency, operations=int(rate * 10), seconds=10.0, cpu=cpu)


@pytest.mark.parametrize(
    ("power", "expected"),
    ((0, 0.0), (1, 1.0), (2, 2.0), (0.5, 0.5), (-1, -1.0)),
    ids=["constant", "linear", "square", "root", "falling"],
)
def test_the_slope_is_the_exponent_of_the_growth(power: float, expected: float) -> None:
    found = slope((n, 0.003 * n**power) for n in (1000, 10_000, 100_000))
    assert found is not None
    assert math.isclose(found, expected, abs_tol=1e-9)


@pytest.mark.parametrize(
    "points", ([], [(1000, 1.0)], [(1000, 1.0), (1000, 2.0)], [(1000, 1.0), (10_000, 0)])
)
def test_one_size_has_no_slope(points: list[tuple[float, float]]) -> None:
    assert slope(points) is None


def test_the_slope_of_three_points_lies_between_those_of_the_pairs() -> None:
    assert slope([(1, 1), (10, 10), (100, 10)]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("share", "expected"), ((0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)), ids=["p50", "p99", "max", "min"]
)
def test_percentiles_are_nearest_rank(share: float, expected: int) -> None:
    assert percentile(range(100, 0, -1), share) == expected


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 0.5) is None


def test_a_ratio_compares_the_same_scenario_size_and_concurrency() -> None:
    found = ratios(
        [
            result("rosterd", "get", 1000, 9000),
            result("scim2-server", "get", 1000, 1000),
            result("rosterd", "get", 10_000, 9000),
            result("rosterd", "post", 1000, 300),
            result("scim2-server", "post", 1000, 100),
            result("scim2-server", "put", 1000, 100),
            result("rosterd", "put", 1000, 100, concurrency=1),
        ]
    )
    assert [(v.scenario, v.size, v.value, v.wanted, v.met) for v in found] == [
        ("get", 1000, 9.0, 8, True),
        ("post", 1000, 3.0, 4, False),
    ]


def test_ratio_and_slope_are_also_given_by_cpu_time() -> None:
    lines = [result("rosterd", "get", size, 100, cpu=size / 1e4) for size in (1000, 10_000)]
    lines.append(result("scim2-server", "get", 1000, 100, cpu=0.5))
    assert [(v.value, v.by_cpu) for v in ratios(lines)] == [(1.0, 5.0)]
    assert [(v.value, round(v.by_cpu or 0, 6)) for v in slopes(lines)] == [(0.0, 1.0)]


def test_the_time_of_a_database_counts_with_that_of_its_server() -> None:
    ours, theirs = result("rosterd", "get", 1000, 100, cpu=1.0), result("x", "get", 1000, 100, cpu=0.5)
    found = ratios([replace(ours, engine=1.0), replace(theirs, engine=0.5)], "x", wishes={("get", 1000): 2})
    assert [(v.value, v.by_cpu, v.wanted, v.met) for v in found] == [(1.0, 0.5, 2, False)]


def test_a_failed_line_is_compared_with_nothing() -> None:
    failed = Result("scim2-server", "get", 1000, 16, failed=True, note="FAILED")
    assert ratios([result("rosterd", "get", 1000, 9000), failed]) == []


def test_slopes_are_those_of_our_time_per_operation() -> None:
    lines = [result("rosterd", "get", 10**power, 1000) for power in (3, 4, 5)]
    lines += [result("rosterd", "put", 10**power, 10 ** (6 - power)) for power in (3, 4)]
    lines += [result("scim2-server", "get", 1000, 10), result("rosterd", "walk_index", 1000, 10)]
    found = {v.scenario: (round(v.value, 6), v.wanted, v.met) for v in slopes(lines)}
    assert found == {"get": (0.0, 0.1, True), "put": (1.0, None, None)}


@pytest.mark.parametrize(
    ("latencies", "pages", "expected"),
    (
        ([1] * 50 + [3] * 50, 100, 3.0),
        ([2] * 100, 100, 1.0),
        ([1] * 19, 19, None),
        ([5] * 50 + [9] * 50, 50, 1.0),
    ),
    ids=["slower at depth", "constant", "too short", "only the first walk counts"],
)
def test_the_depth_ratio_compares_the_ends_of_a_walk(
    latencies: list[int], pages: int, expected: float | None
) -> None:
    assert depth_ratio(latencies, pages) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    (
        (None, "-"),
        (0, "0"),
        (0.01234, "0.012"),
        (1.234, "1.23"),
        (99.95, "100.0"),
        (123.4, "123"),
        (56789.1, "56789"),
    ),
)
def test_numbers_have_three_significant_digits(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_tables_align_words_left_and_numbers_right() -> None:
    text = table(("a", "b", "n", "note"), [("xx", "y", "10", "why"), ("z", "y", "5", "")])
    assert text == "a   b   n  note\nxx  y  10  why\nz   y   5"


def test_a_verdict_says_met_or_missed() -> None:
    lines = [result("rosterd", "get", 1000, 9000), result("scim2-server", "get", 1000, 1000)]
    assert "MISSED" not in verdict_table("t", ratios(lines), ">=")
    assert "nothing to compare" in verdict_table("t", [], ">=")


def test_the_document_holds_results_ratios_and_slopes() -> None:
    lines = [result("rosterd", "get", 1000, 9000), result("scim2-server", "get", 1000, 1000)]
    found = document({"python": "3"}, lines, "scim2-server")
    assert list(found) == ["facts", "results", "ratios", "slopes"]
    assert len(result_cells(lines[0])) == len(RESULT_HEAD)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
RESPONSES = {
    "length": (HEAD + b"Content-Length: 5\r\n\r\nhello", Response(200, b"hello", True)),
    "empty body": (HEAD + b"content-length: 0\r\n\r\n", Response(200, b"", True)),
    "no content": (b"HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n", Response(204, b"", True)),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", Response(304, b"", True)),
    "chunked": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=1\r\n0123456789\r\n0\r\n\r\n",
        Response(200, b"abc0123456789", True),
    ),
    "trailers": (
        HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\nz: 1\r\n\r\n",
        Response(200, b"a", True),
    ),
    "empty chunked": (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", Response(200, b"", True)),
    "close": (HEAD + b"connection: close\r\ncontent-length: 1\r\n\r\nx", Response(200, b"x", False)),
    "http 1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", Response(200, b"x", False)),
    "1.0 kept": (
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
        Response(200, b"x", True),
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_cut_anywhere_is_read_the_same(name: str) -> None:
    raw, expected = RESPONSES[name]
    for cut in range(1, len(raw)):
        parser = Parser()
        assert parser.feed(raw[:cut]) is None
        assert parser.feed(raw[cut:]) == expected


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_byte_by_byte_and_the_next_one_after_it(name: str) -> None:
    raw, expected = RESPONSES[name]
    parser = Parser()
    for _ in range(2):
        found = [parser.feed(raw[at : at + 1]) for at in range(len(raw))]
        assert found == [None] * (len(raw) - 1) + [expected]


def test_a_body_without_length_lasts_until_the_end() -> None:
    parser = Parser()
    assert parser.feed(HEAD + b"\r\nhel") is None
    assert parser.feed(b"lo") is None
    assert parser.finish() == Response(200, b"hello", False)


@pytest.mark.parametrize("raw", (b"", HEAD, HEAD + b"content-length: 5\r\n\r\nhel"))
def test_a_truncated_response_is_none(raw: bytes) -> None:
    parser = Parser()
    assert parser.feed(raw) is None
    assert parser.finish() is None


def test_another_protocol_is_refused() -> None:
    with pytest.raises(BadResponse, match="not an HTTP"):
        Parser().feed(b"SSH-2.0-x\r\n\r\n")


def test_an_unexpected_status_is_told_with_its_body() -> None:
    assert expect(Response(200, b"x", True), 200, 204) == b"x"
    with pytest.raises(BadResponse, match="status 409 instead of 200/204: taken"):
        expect(Response(409, b"taken", True), 200, 204)


def test_a_request_is_one_piece_with_its_length() -> None:
    target = Target.of("http://127.0.0.1:8080/scim/v2/", "secret")
    head, _, body = target.request("POST", "/Users", b'{"a":1}').partition(b"\r\n\r\n")
    assert head.startswith(b"POST /scim/v2/Users HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n")
    assert b"\r\nAuthorization: Bearer secret" in head
    assert b"\r\nContent-Length: 7" in head
    assert body == b'{"a":1}'
    assert b"Content-Length" not in target.request("GET", "/Users")


@pytest.mark.parametrize("url", ("https://127.0.0.1/", "127.0.0.1:80", "http:///x"))
def test_only_plain_http_urls_are_taken(url: str) -> None:
    with pytest.raises(ValueError, match="--url must be"):
        Target.of(url, "")


@pytest.mark.parametrize("answer", ("1.1 kept", "1.0 closed"))
def test_operations_are_counted_and_connections_reopened(answer: str) -> None:
    version, _, keep = answer.partition(" ")
    opened = []

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            opened.append(transport)

        def data_received(self, data: bytes) -> None:
            self.transport.write(f"HTTP/{version} 200 OK\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            if keep == "closed":
                self.transport.close()

    async def measured() -> Timing:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        async with server:
            target = Target("127.0.0.1", server.sockets[0].getsockname()[1])
            request = target.request("GET", "/")

            async def step(connection: Connection, number: int) -> None:
                expect(await connection.exchange(request), 200)

            timing = await drive(target, step, 2, 0, 10, 5.0)
            await asyncio.sleep(0.01)
            return timing

    timing = asyncio.run(measured())
    assert len(timing.latencies) == 10
    assert len(opened) == (2 if keep == "kept" else 10)


def test_proc_stat_survives_a_hostile_process_name() -> None:
    fields = ["S", "7", *["0"] * 9, "150", "50", "20", "5", *["0"] * 6, "1000", *["0"] * 10]
    row = parse_stat(f"42 (a) b (c) {' '.join(fields)}\n", ticks=100, page=4096)
    assert (row.pid, row.parent, row.cpu, row.rss) == (42, 7, 2.25, 4096 * int(fields[21]))


@pytest.mark.parametrize(
    ("spent", "seconds"),
    (("0:01.50", 1.5), ("12:34", 754.0), ("01:02:03", 3723.0), ("2-01:00:00", 176400.0)),
)
def test_ps_times_are_read_in_every_form(spent: str, seconds: float) -> None:
    row = parse_ps(f"  42     7 {spent}  2048")
    assert (row.pid, row.parent, row.cpu, row.rss) == (42, 7, seconds, 2048 * 1024)
