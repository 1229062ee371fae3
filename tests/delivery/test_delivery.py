"""Messages come signed, in order, at least once, whatever receivers and processes do meanwhile."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from delivery.receiving import Got, Receiver, World, receiver, run
from standardwebhooks import Webhook

from rosterd.client.models import Event
from rosterd.delivery import journal
from rosterd.delivery.worker import PER_WEBHOOK
from rosterd.scim.errors import InvalidValue
from rosterd.service.audit import ROSTERD
from rosterd.service.control import Policy
from rosterd.service.feed import SCHEMA_VERSION
from rosterd.service.ports import StoreUnavailable
from rosterd.service.webhook_messages import GIVE_UP, RETRIES, wait
from rosterd.service.webhooks import FAILED, RANGE, Key, Progress
from rosterd.testing.scenario import BY, ENTRY

DAY = 86_400


def test_every_event_comes_once_in_order_as_the_feed_shows_it(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme, other = await world.directory("acme"), await world.directory("other")
        await world.happen(acme, 3)  # before there was a webhook
        _, secret = await world.webhook(hook.url)
        expected = {d.id: await world.happen(d, 70) for d in (acme, other)}
        await world.worker.settle()
        for directory, ids in expected.items():
            assert [id for id in hook.ids if id.startswith(f"msg_{directory}-")] == ids
        assert len(hook.ids) == 140
        got = hook.got[0]
        assert got.path == "/hook"
        assert got.headers["content-type"] == "application/json"
        event = got.json
        assert f"msg_{event['id']}" == got.id
        assert (event["type"], event["schemaVersion"]) == ("user.created", SCHEMA_VERSION)
        assert event["directory"] in ("acme", "other")
        signed = {
            name: got.headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        }
        assert int(signed["webhook-timestamp"]) == world.clock() // 1000
        assert Webhook(secret).sign(got.id, at(signed), got.body.decode()) == signed["webhook-signature"]
        await world.worker.settle()
        assert len(hook.got) == 140

    run(tmp_path, test)


def at(headers: dict[str, str]) -> datetime:
    return datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)


def test_a_connection_made_while_a_message_is_under_way_is_named_in_the_next(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")

        async def answer(got: Got) -> int:
            if len(hook.got) < 4:
                await connected(len(hook.got) + 1)
            return 200

        async def connected(number: int) -> None:
            await world.store.create_connection(acme.id, f"c{number}", "auto", Policy(), 1, ENTRY)
            await world.happen(acme, connection=number)

        hook.answer = answer
        await world.webhook(hook.url)
        await connected(1)
        await world.worker.settle()
        assert [got.json["cause"]["connection"] for got in hook.got] == ["c1", "c2", "c3", "c4"]

    run(tmp_path, test)


def test_a_directory_made_later_is_heard_of_from_its_beginning(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        await world.webhook(hook.url)
        ids = await world.happen(await world.directory("later"), 2)
        await world.worker.settle()
        assert hook.ids == ids

    run(tmp_path, test)


@pytest.mark.parametrize("own", [True, False])
def test_nothing_more_is_sent_of_a_directory_that_was_deleted_under_way(tmp_path: Path, own: bool) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme, other = await world.directory("acme"), await world.directory("other")
        store = world.store

        async def answer(got: Got) -> int:
            if len(hook.got) == 10:
                entry = replace(ENTRY, directory=acme.id)
                assert await store.remove_directory(acme.id, world.clock(), entry)
            await asyncio.sleep(0.02)
            return 200

        hook.answer = answer
        made, _ = await world.webhook(hook.url, directory=acme.id if own else None)
        await world.happen(acme, 100)
        others = await world.happen(other, 30)
        await world.worker.settle()
        assert len([id for id in hook.ids if id.startswith(f"msg_{acme.id}-")]) < 40
        assert [id for id in hook.ids if id.startswith(f"msg_{other.id}-")] == ([] if own else others)
        before = len(hook.got)
        while await store.clear_directory(acme.id, 500):
            pass
        await world.worker.settle()
        assert len(hook.got) == before
        left = await store.attempts(made.id, None, 999)
        assert {row.attempt.directory for row in left} == (set() if own else {other.id})
        assert await store.clear_directory(acme.id, 500) == 0

    run(tmp_path, test)


def test_only_the_types_and_the_directory_that_were_asked_for_come(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme, other = await world.directory("acme"), await world.directory("other")
        made, _ = await world.webhook(hook.url, directory=acme.id, types="user.deleted,group.*")
        wanted = []
        for type in ("user.created", "user.deleted", "group.created", "user.updated"):
            ids = await world.happen(acme, 2, type)
            wanted += ids if type in ("user.deleted", "group.created") else []
            await world.happen(other, 2, type)
        await world.worker.settle()
        assert hook.ids == wanted
        ((line, last),) = await world.store.lines(made.id, (0, -1), 9)
        assert line.cursor == last == 8

    run(tmp_path, test)


def test_a_message_that_fails_is_tried_by_the_schedule_and_the_next_one_waits_for_it(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        first, second = await world.happen(acme, 2)
        hook.answer = 500
        for seconds in RETRIES:
            await world.worker.settle()
            came = len(hook.got)
            world.clock.advance(seconds=seconds, ms=-1)
            await world.worker.settle()
            assert len(hook.got) == came, f"it came before its {seconds} s were over"
            world.clock.advance(ms=1)
        await world.worker.settle()
        assert [got.id for got in hook.got] == [first] * (len(RETRIES) + 1) + [second]
        (dead,) = await world.store.dead_letters(made.id, (0, 0), 9)
        assert (dead.message, dead.attempts, dead.status) == (first, len(RETRIES) + 1, 500)
        hook.answer = 204
        world.clock.advance(seconds=RETRIES[0])
        await world.worker.settle()
        assert hook.ids == [second]
        log = await world.store.attempts(made.id, None, 100)
        assert [row.attempt.attempt for row in log] == [2, 1, *range(len(RETRIES) + 1, 0, -1)]

    run(tmp_path, test)


def test_a_receiver_that_is_down_for_a_day_loses_nothing_and_delays_nobody(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme, other = await world.directory("acme"), await world.directory("other")
        async with receiver() as down:
            await world.webhook(hook.url)
            await world.webhook(down.url)
            down.answer = 503
            wanted: dict[int, list[str]] = {acme.id: [], other.id: []}
            for hour in range(24):
                for directory in (acme, other):
                    wanted[directory.id] += await world.happen(directory, 2)
                await world.worker.settle()
                assert len(hook.ids) == 4 * (hour + 1), "the other endpoint has everything at once"
                world.clock.advance(seconds=3600)
            down.answer = 200
            world.clock.advance(seconds=DAY)
            await world.worker.settle()
            for got in (hook.ids, down.ids):
                for directory, ids in wanted.items():
                    assert [id for id in got if id.startswith(f"msg_{directory}-")] == ids

    run(tmp_path, test)


def test_a_directory_that_fails_delays_no_other_one_of_the_same_endpoint(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme, other = await world.directory("acme"), await world.directory("other")

        async def answer(got: Got) -> int:
            return 500 if got.json["directory"] == "acme" else 200

        hook.answer = answer
        await world.webhook(hook.url)
        (bad, *_), good = await world.happen(acme, 5), await world.happen(other, 5)
        await world.worker.settle()
        assert hook.ids == good
        assert [got.id for got in hook.got if got.id not in good] == [bad]

    run(tmp_path, test)


def test_a_receiver_that_does_not_answer_delays_no_other_endpoint(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        held = asyncio.Event()

        async def never(got: Got) -> int:
            await held.wait()
            return 200

        async with receiver() as slow:
            slow.answer = never
            for number in range(40):  # more directories than an endpoint may have slots
                await world.directory(f"d{number}")
            await world.webhook(slow.url)
            await world.webhook(hook.url)
            directories = await world.store.directories()
            worker = world.another("w", slots=8, slots_of_one=8)
            running = asyncio.create_task(worker.run())
            wanted = [id for directory in directories for id in await world.happen(directory, 2)]
            await hook.until(80)
            assert sorted(hook.ids) == sorted(wanted)
            assert len(slow.got) <= 4, "of eight slots one endpoint never takes more than are left free"
            held.set()
            await slow.until(80)
            running.cancel()
            await asyncio.wait((running,))

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("asked", "waits"),
    [("2", 5_000), ("60", 60_000), ("9999999999", 86_400_000), ("Tue, 24 Nov 2099 15:22:47 GMT", 86_400_000)],
)
def test_retry_after_counts_if_it_is_longer_within_bounds(tmp_path: Path, asked: str, waits: int) -> None:
    async def test(world: World, hook: Receiver) -> None:
        async def busy(got: Got) -> web.Response:
            return web.Response(status=429, headers={"Retry-After": asked})

        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        hook.answer = busy
        await world.happen(acme)
        await world.worker.settle()
        ((line, _),) = await world.store.lines(made.id, (0, -1), 9)
        assert line.due == world.clock() + waits

    run(tmp_path, test)


def test_the_waits_grow_for_days_and_chance_moves_them_a_fifth() -> None:
    waits = [wait(n, 0.5) for n in range(1, len(RETRIES) + 2)]
    assert waits == [1000 * seconds for seconds in RETRIES] + [None]
    assert 3 * DAY < sum(RETRIES) < 4 * DAY < GIVE_UP / 1000
    assert (wait(1, 0.0), wait(1, 1.0)) == (4000, 6000)


def test_410_disables_at_once_with_notice_and_what_was_not_accepted_is_kept(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url, label="app")
        hook.answer = 410
        ids = await world.happen(acme, 2)
        await world.worker.settle()
        assert len(hook.got) == 1
        endpoint = await world.endpoint(made.id)
        assert (endpoint.standing.state, endpoint.standing.by) == ("disabled", ROSTERD)
        assert "410" in endpoint.standing.reason
        notice = (await world.store.reader(acme.id).events(0, 10))[-1].event
        assert (notice.type, notice.data["webhook"]) == ("webhook.disabled", made.id)
        (entry,) = await world.store.audit_page(None, None, 1, "webhook.disabled")
        assert (entry.entry.action, entry.entry.actor.kind) == ("webhook.disabled", ROSTERD)
        world.clock.advance(seconds=DAY)
        await world.worker.settle()
        assert len(hook.got) == 1
        hook.answer = 200
        await world.admin.enable(endpoint, by=BY)
        await world.worker.settle()
        assert hook.ids[:2] == ids

    run(tmp_path, test)


def test_after_days_of_nothing_but_failure_the_endpoint_is_disabled(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        hook.answer = 500
        await world.happen(acme, 5)
        for hour in range(24 * 8):
            await world.worker.settle()
            endpoint = await world.endpoint(made.id)
            if endpoint.standing.state == "disabled":
                assert hour * 3600 * 1000 >= GIVE_UP
                assert "5 days" in endpoint.standing.reason
                return
            world.clock.advance(seconds=3600)
        raise AssertionError("it was never disabled")

    run(tmp_path, test)


def test_one_success_in_between_keeps_the_endpoint(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme, other = await world.directory("acme"), await world.directory("other")
        made, _ = await world.webhook(hook.url)

        async def answer(got: Got) -> int:
            return 500 if got.json["directory"] == "acme" else 200

        hook.answer = answer
        await world.happen(acme, 5)
        for _ in range(8):
            await world.happen(other)
            await world.worker.settle()
            world.clock.advance(seconds=DAY)
        assert (await world.endpoint(made.id)).standing.state == "enabled"

    run(tmp_path, test)


def test_what_is_changed_of_an_endpoint_holds_at_once(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook("http://127.0.0.1:9/nobody")
        ids = await world.happen(acme, 2)
        await world.worker.settle()
        made = await world.admin.update(await world.endpoint(made.id), url=hook.url, by=BY)
        await world.admin.enable(made, by=BY)
        await world.worker.settle()
        assert hook.ids == ids
        await world.admin.disable(made, reason="holiday", by=BY)
        await world.happen(acme)
        await world.worker.settle()
        assert hook.ids == ids
        await world.admin.remove(made, by=BY)
        await world.worker.settle()
        assert await world.store.webhook_page(None, "", 9) == ()

    run(tmp_path, test)


def test_a_batch_is_one_message_and_keeps_its_events_and_its_id(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        await world.webhook(hook.url, max_events=4)
        ids = await world.happen(acme, 3)
        hook.answer = 500
        await world.worker.settle()
        ids += await world.happen(acme, 4)  # which do not get into what was begun
        hook.answer = 200
        world.clock.advance(seconds=RETRIES[0])
        await world.worker.settle()
        assert [got.id for got in hook.got] == ["msg_1-1-3-3", "msg_1-1-3-3", "msg_1-4-7-4"]
        assert hook.got[0].body == hook.got[1].body
        told = [f"msg_{event['id']}" for got in hook.accepted for event in got.json["events"]]
        assert told == ids
        assert {got.json["type"] for got in hook.got} == {"batch"}

    run(tmp_path, test)


def test_a_batch_that_was_begun_outlives_a_change_of_the_endpoint(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url, max_events=4)
        await world.happen(acme, 6)
        hook.answer = 500
        await world.worker.settle()
        await world.admin.update(made, label="x", max_events=2, by=BY)
        hook.answer = 200
        world.clock.advance(seconds=RETRIES[0])
        await world.worker.settle()
        assert [got.id for got in hook.got] == ["msg_1-1-4-4", "msg_1-1-4-4", "msg_1-5-6-2"]

    run(tmp_path, test)


def test_a_batch_waits_until_it_is_full_or_its_time_is_over(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        await world.webhook(hook.url, max_events=3, max_wait=60)
        await world.happen(acme, 2)
        await world.worker.settle()
        world.clock.advance(seconds=59)
        await world.worker.settle()
        assert hook.got == []
        await world.happen(acme, 1)
        await world.worker.settle()
        assert hook.ids == ["msg_1-1-3-3"]
        await world.happen(acme, 1)
        await world.worker.settle()
        world.clock.advance(seconds=60)
        await world.worker.settle()
        assert hook.ids == ["msg_1-1-3-3", "msg_1-4-4-1"]

    run(tmp_path, test)


def test_events_that_were_forgotten_are_told_and_the_line_goes_on(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        await world.happen(acme, 3)
        world.clock.advance(seconds=DAY)
        (kept,) = await world.happen(acme)
        before = world.clock()
        await world.store.write(acme.id, lambda tx: tx.forget_events(before, 100))
        await world.worker.settle()
        assert hook.ids == [kept]
        ((line, _),) = await world.store.lines(made.id, (0, -1), 9)
        assert (line.lost, line.lost_at) == (3, before)
        log = await world.store.attempts(made.id, None, 9, failed=True)
        assert "1-3 were forgotten" in log[0].attempt.outcome.error

    run(tmp_path, test)


def test_dead_letters_are_replayed_in_order_and_a_range_comes_once_more(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        ids = await world.happen(acme, 6)
        poison = {ids[1], ids[3], ids[5]}

        async def answer(got: Got) -> int:
            return 400 if got.id in poison else 200

        hook.answer = answer
        for seconds in RETRIES * 3:
            await world.worker.settle()
            world.clock.advance(seconds=seconds)
        await world.worker.settle()
        assert hook.ids == [id for id in ids if id not in poison]
        dead = await world.store.dead_letters(made.id, (0, 0), 9)
        assert [letter.message for letter in dead] == [ids[1], ids[3], ids[5]]
        hook.answer = 200
        hook.accepted.clear()
        for after, through in ((2, 3), (0, 1), (4, 5)):
            with pytest.raises(InvalidValue, match="No message of that range was given up"):
                await world.admin.replay(made, acme, after=after, through=through, failed=True, by=BY)
        await world.admin.replay(made, acme, after=3, through=4, failed=True, by=BY)
        await world.worker.settle()
        assert hook.ids == [ids[3]]
        await world.admin.replay(made, acme, failed=True, by=BY)
        await world.worker.settle()
        assert hook.ids == [ids[3], ids[1], ids[5]]
        assert await world.store.dead_letters(made.id, (0, 0), 9) == ()
        hook.accepted.clear()
        line = await world.admin.replay(made, acme, after=1, through=4, by=BY)
        assert (line.kind, line.key.lane) == (RANGE, 1)
        await world.worker.settle()
        assert hook.ids == ids[1:4]
        assert len(await world.store.lines(made.id, (0, -1), 9)) == 1
        kinds = {row.attempt.kind for row in await world.store.attempts(made.id, None, 999)}
        assert kinds == {"feed", FAILED, RANGE}

    run(tmp_path, test)


def test_a_replay_since_a_time_begins_with_what_happened_then(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        await world.happen(acme, 2)
        world.clock.advance(seconds=60)
        later = await world.happen(acme, 2)
        await world.worker.settle()
        hook.accepted.clear()
        await world.admin.replay(made, acme, since=world.clock(), by=BY)
        await world.worker.settle()
        assert hook.ids == later

    run(tmp_path, test)


def test_two_workers_never_have_the_same_lane_and_a_dead_ones_is_taken_when_its_lease_ends(
    tmp_path: Path,
) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        ids = await world.happen(acme, 2)
        key = Key(acme.id, made.id)
        now = world.clock()
        assert len(await world.store.claim_lines([key], "dead", now, now + 5000)) == 1
        await world.worker.settle()
        assert hook.got == []
        world.clock.advance(ms=4999)
        await world.worker.settle()
        assert hook.got == []
        world.clock.advance(ms=1)
        await asyncio.gather(world.worker.settle(), world.another("b").settle())
        assert hook.ids == ids

    run(tmp_path, test)


def test_a_worker_whose_lease_ended_while_it_sent_stops_and_spoils_nothing(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        ids = await world.happen(acme, 3)

        async def answer(got: Got) -> int:
            if len(hook.got) == 1:  # the first worker's process stands still meanwhile
                world.clock.advance(seconds=6)
                await world.another("second").settle()
            return 200

        hook.answer = answer
        await world.worker.settle()
        assert hook.ids == [*ids, ids[0]]
        ((line, last),) = await world.store.lines(made.id, (0, -1), 9)
        assert line.cursor == last == 3

    run(tmp_path, test)


def test_a_fault_in_writing_down_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        ids = await world.happen(acme, 2)
        write, faults = world.store.note_progress, [StoreUnavailable("away"), ValueError("a fault of ours")]

        async def note(progress: Progress) -> frozenset[Key]:
            if faults:
                raise faults.pop()
            return await write(progress)

        monkeypatch.setattr(world.store, "note_progress", note)
        monkeypatch.setattr(journal, "AGAIN", 0)
        await world.worker.settle()
        world.clock.advance(seconds=6)
        await world.worker.settle()
        assert list(dict.fromkeys(hook.ids)) == ids
        ((line, last),) = await world.store.lines(made.id, (0, -1), 9)
        assert line.cursor == last

    run(tmp_path, test)


def test_a_test_message_is_sent_whatever_the_state_and_is_in_the_log_only(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url, directory=acme.id)
        made = await world.admin.disable(made, by=BY)
        hook.answer = 503
        stored = await world.admin.test(made, by=BY)
        assert (stored.attempt.outcome.status, stored.attempt.outcome.body) == (503, "noted")
        assert hook.got[0].json["type"] == "webhook.test"
        assert hook.got[0].json["resource"] == {"type": "Webhook", "id": made.id}
        assert hook.got[0].json.keys() == Event.__annotations__.keys()
        assert await world.store.attempts(made.id, None, 9) == (stored,)
        assert await world.admin.sent(stored.attempt, acme) == hook.got[0].body
        assert await world.store.reader(acme.id).events(0, 9) == ()

    run(tmp_path, test)


def test_the_log_shows_what_was_sent_from_the_feed(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        single, _ = await world.webhook(hook.url)
        batch, _ = await world.webhook(hook.url, max_events=5, types="user.*")
        await world.happen(acme, 2)
        await world.happen(acme, 1, "group.created")
        await world.happen(acme, 1)
        await world.worker.settle()
        bodies = {got.id: got.body for got in hook.got}
        for made in (single, batch):
            rows = await world.store.attempts(made.id, None, 9)
            for row in rows:
                assert await world.admin.sent(row.attempt, acme) == bodies[row.attempt.message]
        assert len(bodies) == 5

    run(tmp_path, test)


def test_the_log_is_bounded_by_time_and_number(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        await world.happen(acme, 5)
        await world.worker.settle()
        await world.worker.forget()
        assert len(await world.store.attempts(made.id, None, 9)) == 5
        assert await world.store.forget_attempts(0, 3, 9) == 2
        world.clock.advance(seconds=7 * DAY + 1)
        await world.worker.forget()
        assert await world.store.attempts(made.id, None, 9) == ()

    run(tmp_path, test)


def test_a_worker_that_runs_is_woken_by_a_commit_and_stops_with_everything_written(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, _ = await world.webhook(hook.url)
        running = asyncio.create_task(world.worker.run())
        ids = []
        for number in range(5):
            ids += await world.happen(acme, 3)
            await hook.until(3 * number + 3)
        running.cancel()
        await asyncio.wait((running,))
        assert hook.ids == ids
        ((line, last),) = await world.store.lines(made.id, (0, -1), 9)
        assert line.cursor == last
        assert await world.store.claim_lines([line.key], "next", world.clock(), world.clock() + 1) != ()

    run(tmp_path, test)


def test_batches_that_wait_to_be_filled_keep_no_other_directory_from_its_turn(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        await world.webhook(hook.url, max_events=2, max_wait=3600)
        for n in range(PER_WEBHOOK):
            await world.happen(await world.directory(f"d{n}"))
        await world.worker.settle()
        full = await world.happen(await world.directory("full"), 2)
        await world.worker.settle()
        assert [got.json["directory"] for got in hook.accepted] == ["full"], full

    run(tmp_path, test)


def test_a_worker_that_ends_does_not_wait_for_a_store_that_is_away(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        class Away:
            async def note_progress(self, progress: Any) -> frozenset[Any]:
                raise StoreUnavailable("away")

        written = journal.Journal(Away(), "w", world.clock, print)  # type: ignore[arg-type] - no more is used
        async with asyncio.timeout(20):
            await written.close()

    run(tmp_path, test)
