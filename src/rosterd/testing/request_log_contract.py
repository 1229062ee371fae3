"""The contract of the request log, as tests: what is kept is found, by its own directory, and erased."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from rosterd.service.request_log import (
    EVERYTHING,
    HOUR,
    HOURS_KEPT,
    SCANNED,
    Count,
    Exchange,
    Hour,
    RequestLog,
    Wanted,
)
from rosterd.testing.scenario import AT, DIRECTORY, scenario

OTHER = DIRECTORY + 1


def exchange(number: int = 0, **fields: object) -> Exchange:
    """An exchange with something in every field; the number moves its time by a second each."""
    full = Exchange(
        DIRECTORY, 1, "t0", AT + number * 1000, f"r{number}", "POST", "/Users", "count=1", 201, 250, "User",
        f"u{number}", f"ann{number}@Example.com", ("dotted-keys", "empty-path"), "uniqueness", "Dëtail",
        "reach", "u9", "192.0.2.1", "Okta", '{"a": "☃"}', 10, "{}", 3,
    )  # fmt: skip
    return full._replace(**fields)  # type: ignore[arg-type]


class RequestLogContract:
    """What every ``RequestLog`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[RequestLog]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_an_exchange_comes_back_as_it_was(self, log: RequestLog) -> None:
        bare = Exchange(DIRECTORY, 1, "t", AT + 1, "r", "GET", "/", "", 200, 9)
        await log.add_exchanges([exchange(), bare])
        rows = (await log.exchange_page(DIRECTORY, None, None, 10, EVERYTHING)).rows
        assert [row.exchange for row in rows] == [bare, exchange()]
        for row in rows:
            assert await log.exchange(DIRECTORY, row.seq) == row
        assert await log.exchange(DIRECTORY, 1) is None

    @scenario
    async def test_a_directory_sees_its_own_only(self, log: RequestLog) -> None:
        await log.add_exchanges([exchange(0), exchange(1, directory=OTHER), exchange(2)])
        (theirs,) = (await log.exchange_page(OTHER, None, None, 10, EVERYTHING)).rows
        assert theirs.exchange.request_id == "r1"
        assert await log.exchange(DIRECTORY, theirs.seq + 1) is None
        assert await ids(log, EVERYTHING) == ["r2", "r0"]
        assert await log.last_exchange(3) == 0
        assert await log.exchanges_after(3, None, 0, 9, EVERYTHING) == ()
        assert [one.hours for one in await log.activity(OTHER, 0)] == [(Hour(AT // HOUR * HOUR, 1, 0),)]

    @scenario
    async def test_pages_go_from_new_to_old_without_gaps(self, log: RequestLog) -> None:
        for number in range(7):
            await log.add_exchanges([exchange(number, connection=number % 2)])
        seen: list[str] = []
        before = None
        while True:
            page = await log.exchange_page(DIRECTORY, None, before, 3, EVERYTHING)
            seen += [row.exchange.request_id for row in page.rows]
            before = page.before
            if before is None:
                break
        assert seen == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]
        page = await log.exchange_page(DIRECTORY, 1, None, 2, EVERYTHING)
        assert [row.exchange.request_id for row in page.rows] == ["r5", "r3"]
        page = await log.exchange_page(DIRECTORY, 1, page.before, 2, EVERYTHING)
        assert [row.exchange.request_id for row in page.rows] == ["r1"]
        assert page.before is None

    @scenario
    async def test_everything_that_is_wanted_must_hold(self, log: RequestLog) -> None:
        await log.add_exchanges(
            [
                exchange(0, status=409, resource=None, subject="Ann"),
                exchange(1, status=200, method="GET", resource="a", subject=None, path="/Users/a"),
                exchange(2, status=404, method="GET", resource="a", subject=None, path="/Users/a"),
                exchange(3, status=500, connection=2, subject="STRASSE"),
            ]
        )
        wanted = {
            Wanted(errors=True): "r3 r2 r0",
            Wanted(status=(404, 404)): "r2",
            Wanted(status=(200, 299)): "r1",
            Wanted(status=(400, 499), method="POST"): "r0",
            Wanted(status=(200, 299), errors=True): "",
            Wanted(resource="a"): "r2 r1",
            Wanted(resource="a", errors=True): "r2",
            Wanted(text="ANN"): "r0",
            Wanted(text="straße"): "r3",
            Wanted(text="users/A"): "r2 r1",
            Wanted(text="r1"): "r1",
            Wanted(text="%"): "",
        }
        for one, expected in wanted.items():
            assert " ".join(await ids(log, one)) == expected, one
        page = await log.exchange_page(DIRECTORY, 1, None, 9, Wanted(errors=True))
        assert [row.exchange.request_id for row in page.rows] == ["r2", "r0"]

    @scenario
    async def test_a_page_looks_at_a_bounded_number_and_leads_on(self, log: RequestLog) -> None:
        await log.add_exchanges([exchange(0, subject="needle")])
        await log.add_exchanges([exchange(n, subject="hay") for n in range(1, SCANNED + 1)])
        page = await log.exchange_page(DIRECTORY, None, None, 5, Wanted(text="needle"))
        assert page.rows == ()
        assert page.before is not None
        page = await log.exchange_page(DIRECTORY, None, page.before, 5, Wanted(text="needle"))
        assert [row.exchange.request_id for row in page.rows] == ["r0"]
        assert page.before is None
        after = page.rows[0].seq
        assert await log.exchanges_after(DIRECTORY, None, after, 5, Wanted(text="needle")) == ()

    @scenario
    async def test_a_follower_misses_none_whatever_the_clock_says(self, log: RequestLog) -> None:
        await log.add_exchanges([exchange(5)])
        place = await log.last_exchange(DIRECTORY)
        await log.add_exchanges([exchange(2), exchange(1), exchange(2, connection=2)])
        found = await log.exchanges_after(DIRECTORY, 1, place, 9, EVERYTHING)
        assert [row.exchange.request_id for row in found] == ["r2", "r1"]
        assert (
            await log.exchanges_after(DIRECTORY, None, await log.last_exchange(DIRECTORY), 9, EVERYTHING)
            == ()
        )
        assert len(await log.exchanges_after(DIRECTORY, None, 0, 2, EVERYTHING)) == 2

    @scenario
    async def test_hours_are_counted_with_what_is_left_out(self, log: RequestLog) -> None:
        start = AT // HOUR * HOUR
        await log.add_exchanges(
            [
                exchange(at=start + 1),
                exchange(at=start + 2, status=404),
                exchange(at=start + HOUR, connection=2),
                exchange(at=start + HOUR, connection=2, status=404, resource="gone", method="GET"),
                exchange(at=start + HOUR, connection=4, status=404, resource="gone", method="DELETE"),
            ],
            {(DIRECTORY, 1, start // HOUR): Count(ok=4, failed=1, last_ok=start + 3, last_failed=start)},
        )
        await log.add_exchanges(
            [exchange(at=start + 4, status=503)],
            {(DIRECTORY, 3, start // HOUR): Count(failed=1, last_failed=start)},
        )
        first, second, third, fourth = await log.activity(DIRECTORY, start)
        assert (first.connection, first.last, first.last_ok, first.last_failed) == (
            1,
            start + 4,
            start + 3,
            start + 4,
        )
        assert first.hours == (Hour(start, 5, 3),)
        assert (second.last_ok, second.last_failed, second.hours) == (
            start + HOUR,
            None,
            (Hour(start + HOUR, 2, 0),),
        )
        assert fourth.hours == (Hour(start + HOUR, 0, 1),)
        assert (third.last, third.hours) == (start, (Hour(start, 0, 1),))
        (first, *_) = await log.activity(DIRECTORY, start + HOUR)
        assert (first.last, first.hours) == (start + 4, ())

    @scenario
    async def test_the_oldest_are_forgotten_in_portions(self, log: RequestLog) -> None:
        await log.add_exchanges([exchange(number) for number in range(5)])
        await log.add_exchanges([exchange(0, directory=OTHER)])
        before = AT + 3000
        assert [await log.forget_exchanges(DIRECTORY, before, 2) for _ in range(3)] == [2, 1, 0]
        assert await ids(log, EVERYTHING) == ["r4", "r3"]
        assert len((await log.exchange_page(OTHER, None, None, 9, EVERYTHING)).rows) == 1
        assert await log.activity(DIRECTORY, 0) != ()
        await log.forget_exchanges(DIRECTORY, AT + (HOURS_KEPT + 2) * HOUR, 1)
        assert await log.activity(DIRECTORY, 0) == ()

    @scenario
    async def test_a_person_is_erased_from_it(self, log: RequestLog) -> None:
        clean = {
            "subject": "Joanna's anniversary",  # of which ANN is but a part
            "detail": None,
            "body": None,
            "reply": None,
            "query": "",
            "path": "/Groups",
        }
        mentions = [
            {"path": "/Users/ANN"}, {"query": 'filter=userName eq "Ann"'}, {"body": '{"a":"x ann y"}'},
            {"reply": "ann"}, {"detail": "ann is taken"}, {"subject": "anN"}, {"body": '{"a":"o\\"b"}'},
        ]  # fmt: skip
        await log.add_exchanges(
            [exchange(0, subject="Ann"), exchange(1, resource="ann-id"), exchange(2, **clean)]
        )
        await log.add_exchanges([exchange(n, **{**clean, **one}) for n, one in enumerate(mentions, 3)])
        await log.add_exchanges([exchange(0, directory=OTHER, resource="ann-id")])
        assert await log.scrub_exchanges(DIRECTORY, "ann-id", ["ANN", 'o"b', ""]) == 2 + len(mentions)
        rows = (await log.exchange_page(DIRECTORY, None, None, 99, EVERYTHING)).rows
        kept = {row.exchange.request_id: row.exchange for row in rows}
        assert "r1" not in kept
        assert kept["r2"] == exchange(2, **clean)
        for number in (0, *range(3, 3 + len(mentions))):
            one = kept[f"r{number}"]
            assert (one.subject, one.path, one.query, one.detail, one.body, one.reply) == (
                None,
                "",
                "",
                None,
                None,
                None,
            )
            assert (one.status, one.at) == (201, AT + number * 1000)
        assert len((await log.exchange_page(OTHER, None, None, 9, Wanted(resource="ann-id"))).rows) == 1

    @scenario
    async def test_what_comes_behind_the_fence_is_kept_without_anybody_in_it(self, log: RequestLog) -> None:
        await log.fence_exchanges(DIRECTORY, AT + 2 * HOUR)  # by a clock that is wrong
        for until in (AT + 500, AT + 1000, AT):
            await log.fence_exchanges(DIRECTORY, until)
        await log.add_exchanges([exchange(0), exchange(1), exchange(2), exchange(0, directory=OTHER)])
        (theirs,) = (await log.exchange_page(OTHER, None, None, 9, EVERYTHING)).rows
        assert theirs.exchange == exchange(0, directory=OTHER)
        rows = (await log.exchange_page(DIRECTORY, None, None, 9, EVERYTHING)).rows
        nobody = {"subject": None, "path": "", "query": "", "detail": None, "body": None, "reply": None}
        assert [row.exchange for row in rows] == [exchange(2), exchange(1, **nobody), exchange(0, **nobody)]


async def ids(log: RequestLog, wanted: Wanted) -> list[str]:
    """The request ids of a page."""
    page = await log.exchange_page(DIRECTORY, None, None, 100, wanted)
    return [row.exchange.request_id for row in page.rows]
