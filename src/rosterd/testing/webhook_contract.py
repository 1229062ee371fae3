"""The contract of webhooks, as tests: endpoints, lanes and their leases, dead letters, the log."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from rosterd.service.audit import AuditLog
from rosterd.service.control import Control, Directory
from rosterd.service.events import Event
from rosterd.service.ports import Store, Writer
from rosterd.service.standing import Standing
from rosterd.service.webhooks import (
    DISABLED,
    ENABLED,
    FAILED,
    HANDLER,
    LONGEST_LEASE,
    MAX_LANES,
    RANGE,
    Attempt,
    DeadLetter,
    Deliveries,
    Endpoint,
    Key,
    Line,
    Outcome,
    Progress,
    Secret,
    Webhooks,
)
from rosterd.testing.scenario import AT, ENTRY, refused, scenario

SECRET: Final = Secret(b"\0sealed\xff", "v1", AT)
LEASE: Final = 5000


class Plane(Store, Control, AuditLog, Webhooks, Deliveries, Protocol):
    """What the contract looks at."""


def endpoint(id: str = "we_1", directory: int | None = None, **fields: Any) -> Endpoint:
    """An endpoint with a secret."""
    made = Endpoint(id, directory, "https://a.example/", "läbel", ("user.*",), AT, 2, 3, secrets=(SECRET,))
    return replace(made, standing=Standing(ENABLED, "ann", "", AT), **fields)


def failed(at: int = AT) -> Outcome:
    """What came of an attempt that failed."""
    return Outcome(at, 7, 503, "busy", None, {"webhook-id": "m"}, {"x": "ü"}, "späť")


def attempt(webhook: str, directory: int | None, outcome: Outcome, **fields: Any) -> Attempt:
    """An entry of the log."""
    made = Attempt(webhook, directory, "feed", "msg_1-1", 1, 1, 1, outcome)
    return replace(made, **fields)


async def happen(plane: Plane, directory: Directory, count: int = 1) -> None:
    """Let so many events happen."""

    async def work(tx: Writer) -> None:
        for number in range(count):
            await tx.append(Event("user.created", "User", f"u{number}", AT + number, 1, "r", {}))

    await plane.write(directory.id, work)


async def due(plane: Plane, now: int = AT, directories: list[int] | None = None) -> list[Key]:
    """The lanes with something to do."""
    return [each.key for each in await plane.due_lines(now, directories)]


class WebhookContract:
    """What every ``Webhooks`` with ``Deliveries`` must do. Override ``open_store``; name it ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_an_endpoint_is_kept_changed_and_removed_each_with_its_entry(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        made, other = endpoint(), endpoint("we_2", home.id)
        for each in (made, other):
            await plane.create_webhook(each, ENTRY)
        assert await plane.webhook("we_1") == made
        assert await plane.webhook("we_1", home.id) is None
        assert await plane.webhook("we_2", home.id) == other
        assert await plane.webhook_page(None, "", 9) == (made, other)
        assert await plane.webhook_page(None, "we_1", 9) == (other,)
        assert await plane.webhook_page(home.id, "", 9) == (other,)
        changed = replace(made, url="https://b.example/", label="", types=(), max_events=1, max_wait=0)
        assert await plane.update_webhook(made, changed, ENTRY) is True
        assert await plane.webhook("we_1") == changed
        before = len(await plane.audit_page(None, None, 99))
        assert await plane.update_webhook(endpoint("we_9"), endpoint("we_9"), ENTRY) is False
        assert await plane.update_webhook(made, replace(made, label="late"), ENTRY) is False
        assert await plane.webhook("we_1") == changed
        assert await plane.delete_webhook("we_9", ENTRY) is False
        assert len(await plane.audit_page(None, None, 99)) == before
        assert await plane.delete_webhook("we_1", ENTRY) is True
        assert await plane.webhook_page(None, "", 9) == (other,)
        assert len(await plane.audit_page(None, None, 99)) == before + 1
        await refused(LookupError, plane.create_webhook(endpoint("we_3", 99), ENTRY))

    @scenario
    async def test_a_new_secret_ends_the_others_and_forgets_those_that_ended(self, plane: Plane) -> None:
        ended, soon = Secret(b"e", "v1", AT - 2, None, AT), Secret(b"s", "v1a", AT - 1, "whpk_x", AT + 3)
        await plane.create_webhook(endpoint(secrets=(SECRET, soon, ended)), ENTRY)
        new = Secret(b"n", "v1a", AT + 1, "whpk_y")
        assert await plane.add_webhook_secret("we_1", new, AT + 9, ENTRY) is True
        found = await plane.webhook("we_1")
        assert found is not None
        assert found.secrets == (new, replace(SECRET, expires=AT + 9), soon)
        assert await plane.add_webhook_secret("we_9", new, AT, ENTRY) is False

    @scenario
    async def test_a_line_begins_at_the_present_end_and_has_news_after_it(self, plane: Plane) -> None:
        old = await plane.create_directory("old", AT, ENTRY)
        await happen(plane, old)
        assert await plane.has_webhooks() is False
        await plane.create_webhook(endpoint(), ENTRY)
        assert await plane.has_webhooks() is True
        assert await due(plane) == []
        new = await plane.create_directory("new", AT, ENTRY)
        await happen(plane, new)
        assert await due(plane) == [Key(new.id, "we_1")]
        await happen(plane, old)
        assert await due(plane) == [Key(old.id, "we_1"), Key(new.id, "we_1")]
        assert await due(plane, directories=[old.id]) == [Key(old.id, "we_1")]
        first = (await plane.due_lines(AT))[0]
        assert (first.cursor, first.last, first.max_events, first.max_wait) == (1, 2, 2, 3)
        assert len(await plane.due_lines(AT, None, 1)) == 1

    @scenario
    async def test_handlers_are_due_for_who_has_them_and_for_nobody_else(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        for id in ("we_h1", "we_h2"):
            await plane.create_webhook(endpoint(id, url=f"{HANDLER}app:{id}"), ENTRY)
        await happen(plane, home)
        for directories in (None, [home.id]):
            for served, ids in (
                (None, []),
                (("we_h1",), ["we_h1"]),
                (("we_h1", "we_h2"), ["we_h1", "we_h2"]),
            ):
                found = await plane.due_lines(AT, directories, handlers=served)
                assert sorted(each.key.webhook for each in found) == ids
        assert await plane.has_webhooks() is False
        assert await plane.has_webhooks(("we_h1", "we_9")) is True
        assert await plane.has_webhooks(()) is False
        await plane.create_webhook(endpoint("we_1"), ENTRY)
        await happen(plane, home)
        assert await plane.has_webhooks() is True
        assert [each.key.webhook for each in await plane.due_lines(AT)] == ["we_1"]
        assert await plane.due_lines(AT, handlers=()) == ()

    @scenario
    async def test_a_lane_is_one_workers_until_its_lease_ends(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await plane.create_webhook(endpoint(), ENTRY)
        await happen(plane, home)
        key = Key(home.id, "we_1")
        assert await plane.claim_lines([key, Key(home.id, "we_9")], "a", AT, AT + LEASE) == (Line(key),)
        assert await plane.claim_lines([key], "b", AT + 1, AT + LEASE) == ()
        assert await due(plane, AT + LEASE - 1) == []
        assert await plane.renew_leases("a", AT + 1, AT + 2 * LEASE) == {key}
        assert await plane.renew_leases("b", AT + 1, AT + 2 * LEASE) == frozenset()
        assert await due(plane, AT + LEASE) == []
        assert await due(plane, AT + 2 * LEASE) == [key]
        assert await plane.renew_leases("a", AT + 2 * LEASE, AT + 9 * LEASE) == frozenset()
        assert len(await plane.claim_lines([key], "b", AT + 2 * LEASE, AT + 3 * LEASE)) == 1
        moved = Line(key, cursor=1)
        assert await plane.note_progress(Progress("a", AT, [moved])) == {key}
        assert (
            await plane.note_progress(Progress("b", AT + 9 * LEASE, [moved], released=[key])) == frozenset()
        )
        ((line, last),) = await plane.lines("we_1", (0, -1), 9)
        assert (line, last) == (moved, 1)
        assert await due(plane) == []

    @scenario
    async def test_a_lease_from_before_the_clock_was_set_back_holds_no_lane(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await plane.create_webhook(endpoint(), ENTRY)
        await happen(plane, home)
        key = Key(home.id, "we_1")
        await plane.claim_lines([key], "dead", AT, AT + LEASE)
        longest = AT + LEASE - LONGEST_LEASE  # when the clock says so, it can just still be a true one
        assert await due(plane, longest) == [] == list(await plane.due_lines(longest, [home.id]))
        assert await plane.claim_lines([key], "b", longest, longest + LEASE) == ()
        back = longest - 1
        assert await due(plane, back) == [key]
        assert [each.key for each in await plane.due_lines(back, [home.id])] == [key]
        assert await plane.claim_lines([key], "b", back, back + LEASE) == (Line(key),)
        assert await plane.renew_leases("dead", back, back + LEASE) == frozenset()

    @scenario
    async def test_progress_is_one_transaction_of_lines_log_dead_letters_and_health(
        self, plane: Plane
    ) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await plane.create_webhook(endpoint(), ENTRY)
        await happen(plane, home, 3)
        key = Key(home.id, "we_1")
        await plane.claim_lines([key], "a", AT, AT + LEASE)
        waits = Line(key, cursor=1, fixed=2, attempt=4, due=AT + 60, lost=1, lost_at=AT)
        dead = DeadLetter(home.id, "we_1", 1, 1, "msg_1-1", AT, 13, 503, "busy")
        rows = [attempt("we_1", home.id, failed()), attempt("gone", home.id, failed())]
        progress = Progress("a", AT + LEASE, [waits], [key], rows, [dead], [], {"we_1": AT})
        assert await plane.note_progress(progress) == frozenset()
        ((line, _),) = await plane.lines("we_1", (0, -1), 9)
        assert line == waits
        assert await due(plane, AT + 59) == []
        assert await due(plane, AT + 60) == [key]
        assert [row.attempt for row in await plane.attempts("we_1", None, 9)] == rows[:1]
        assert await plane.dead_letters("we_1", (0, 0), 9) == (dead,)
        assert await plane.dead_letters("we_1", (home.id, 1), 9) == ()
        assert await plane.dead_between(key, 0, 9) == (dead,)
        found = await plane.webhook("we_1")
        assert found is not None
        assert found.failing == AT
        later = Progress("a", AT, health={"we_1": AT + 1}, dead=[replace(dead, status=None, attempts=2)])
        await plane.note_progress(later)
        found = await plane.webhook("we_1")
        assert found is not None
        assert found.failing == AT
        assert (await plane.dead_between(key, 0, 9))[0].attempts == 15
        await plane.note_progress(Progress("a", AT, revived=[(key, 1)], health={"we_1": None}))
        found = await plane.webhook("we_1")
        assert found is not None
        assert found.failing is None
        assert await plane.dead_between(key, 0, 9) == ()

    @scenario
    async def test_a_disabled_endpoint_has_nothing_due_and_an_enabled_one_everything(
        self, plane: Plane
    ) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await plane.create_webhook(endpoint(), ENTRY)
        await happen(plane, home)
        key = Key(home.id, "we_1")
        await plane.claim_lines([key], "a", AT, AT + LEASE)
        line = Line(key, attempt=3, due=AT + 999)
        await plane.note_progress(Progress("a", AT, [line], [key]))
        stop = Standing(DISABLED, "rosterd", "gone", AT)
        notice = Event("webhook.disabled", "Webhook", "we_1", AT, 0, "", {"reason": "gone"})
        assert await plane.move_webhook("we_1", stop, ENTRY, (home.id, notice)) is True
        assert await plane.move_webhook("we_1", stop, ENTRY, (home.id, notice)) is False
        events = await plane.reader(home.id).events(0, 9)
        assert [each.event.type for each in events] == ["user.created", "webhook.disabled"]
        assert await plane.has_webhooks() is False
        assert await due(plane, AT + 999) == []
        assert await plane.claim_lines([key], "a", AT + 999, AT + 9999) == ()
        assert await plane.move_webhook("we_1", Standing(ENABLED, "ann", "", AT), ENTRY) is True
        assert await due(plane, AT) == [key]
        await plane.claim_lines([key], "a", AT, AT + LEASE)
        await plane.note_progress(Progress("a", AT, [line], [key]))
        await plane.hurry_webhook("we_1", ENTRY)
        assert await due(plane, AT) == [key]

    @scenario
    async def test_a_replay_is_a_lane_of_its_own_that_is_forgotten_at_its_end(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await happen(plane, home, 5)
        await plane.create_webhook(endpoint(), ENTRY)
        for number, kind in enumerate((RANGE, FAILED), 1):
            line = Line(Key(home.id, "we_1"), kind, cursor=1, finish=3)
            assert await plane.add_lane(line, ENTRY) == number
        first, second = Key(home.id, "we_1", 1), Key(home.id, "we_1", 2)
        assert await due(plane) == [first, second]
        (taken,) = await plane.claim_lines([first], "a", AT, AT + LEASE)
        assert taken == Line(first, RANGE, cursor=1, finish=3)
        await plane.note_progress(Progress("a", AT, [replace(taken, cursor=2)], [first]))
        assert await due(plane, AT) == [first, second]
        await plane.claim_lines([first], "a", AT, AT + LEASE)
        await plane.note_progress(Progress("a", AT, [replace(taken, cursor=3)], [first]))
        assert await due(plane, AT) == [second]
        assert await plane.claim_lines([first], "a", AT, AT + LEASE) == ()
        for _ in range(MAX_LANES - 1):
            await plane.add_lane(Line(Key(home.id, "we_1"), RANGE, 0, 1), ENTRY)
        await refused(LookupError, plane.add_lane(Line(Key(home.id, "we_1"), RANGE, 0, 1), ENTRY))
        await refused(LookupError, plane.add_lane(Line(Key(home.id, "we_9"), RANGE, 0, 1), ENTRY))

    @scenario
    async def test_the_log_is_read_from_new_to_old_and_has_bounds(self, plane: Plane) -> None:
        await plane.create_webhook(endpoint(), ENTRY)
        outcomes = [failed(AT + n) if n % 2 else Outcome(AT + n, 1, 204) for n in range(6)]
        rows = [attempt("we_1", None, outcome) for outcome in outcomes]
        numbers = [await plane.note_attempt(row, ENTRY) for row in rows]
        found = await plane.attempts("we_1", None, 9)
        assert [row.attempt for row in found] == rows[::-1]
        assert [row.seq for row in found] == numbers[::-1]
        assert [row.seq for row in await plane.attempts("we_1", numbers[3], 2)] == [numbers[2], numbers[1]]
        assert [row.attempt for row in await plane.attempts("we_1", None, 9, failed=True)] == rows[5::-2]
        assert await plane.attempt("we_1", numbers[0]) == found[-1]
        assert await plane.attempt("we_9", numbers[0]) is None
        assert await plane.forget_attempts(AT + 2, 100, 1) == 1
        assert await plane.forget_attempts(AT + 2, 100, 9) == 1
        assert await plane.forget_attempts(AT + 2, 100, 9) == 0
        assert await plane.forget_attempts(AT, 3, 9) == 1
        assert len(await plane.attempts("we_1", None, 9)) == 3

    @scenario
    async def test_events_are_found_by_time(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await happen(plane, home, 3)
        assert await plane.first_since(home.id, 0) == 1
        assert await plane.first_since(home.id, AT + 1) == 2
        assert await plane.first_since(home.id, AT + 3) is None

    @scenario
    async def test_who_watches_is_told_of_every_directory_with_news(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        other = await plane.create_directory("other", AT, ENTRY)
        with plane.watch() as watch:
            assert await watch.news(0) == frozenset()
            await happen(plane, home)
            await happen(plane, other)
            assert await watch.news(5) == {home.id, other.id}
            assert await watch.news(0) == frozenset()
            watch.ring(7)
            assert await watch.news(5) == {7}
