"""Handlers hear what webhooks hear, in their own process: in order, at least once, by the same schedule."""

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from delivery.receiving import Receiver, World, run

from rosterd.asgi import Rosterd
from rosterd.delivery.handlers import Handler, HandlerSender
from rosterd.delivery.worker import Bounds, Worker
from rosterd.scim import errors
from rosterd.service.audit import ITSELF, Actor
from rosterd.service.feed import Feed, Want
from rosterd.service.handlers import Handlers, id_of
from rosterd.service.webhook_messages import GIVE_UP, RETRIES
from rosterd.service.webhooks import DISABLED, ENABLED
from rosterd.testing.scenario import BY


class Application:
    """A process with handlers, whose worker is run by hand."""

    def __init__(self, world: World, *handlers: Handler) -> None:
        self._world = world
        self._handlers = {id_of(each.name): each for each in handlers}
        self.registered = Handlers(world.store, world.clock)
        self.sender = HandlerSender(self._handlers, world.clock)
        self.worker = Worker(
            world.store, world.admin, self.sender, world.clock, lambda: 0.5, "application",
            Bounds(pause=0.001), tuple(self._handlers),
        )  # fmt: skip

    async def start(self) -> None:
        for each in self._handlers.values():
            await self.registered.register(each.name, each.types)


def test_a_handler_gets_the_documents_of_the_feed_in_order_and_once(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme, other = await world.directory("acme"), await world.directory("other")
        await world.happen(acme, 3)  # before there was a handler
        got: list[Any] = []

        async def handler(event: Any) -> None:
            got.append(event)

        application = Application(world, Handler("app:f", "user.*", handler))
        await application.start()
        await world.webhook(hook.url)
        for directory in (acme, other):
            await world.happen(directory, 40)
            await world.happen(directory, 2, "group.created")
        await application.worker.settle()
        feed = Feed(world.store, world.store, world.clock, b"")
        for directory, after in ((acme, 3), (other, 0)):
            page, _ = await feed.page(directory, after, Want(("user.*",), 100))
            assert [each for each in got if each["directory"] == directory.name] == list(page.events)
        assert len(got) == 80
        await application.worker.settle()
        assert len(got) == 80
        assert hook.got == [], "a process with handlers alone sends no webhooks"
        await world.worker.settle()
        assert (len(hook.got), len(got)) == (84, 80)

    run(tmp_path, test)


def test_a_handler_that_is_not_async_runs_in_a_thread_and_holds_nobody_up(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        quick = threading.Event()
        names = []

        def slow(event: Any) -> None:
            names.append(threading.current_thread().name)
            assert quick.wait(20)

        async def other(prefix: str, event: Any) -> None:
            names.append(prefix)
            quick.set()

        application = Application(
            world, Handler("app:slow", "", slow), Handler("app:other", "", partial(other, "partial"))
        )
        await application.start()
        await world.happen(acme)
        await application.worker.settle()
        async_one, thread = sorted(names)
        assert async_one == "partial"
        assert thread.startswith("rosterd-handler")

    run(tmp_path, test)


def test_a_handler_that_raises_is_called_by_the_schedule_and_its_event_is_a_dead_letter(
    tmp_path: Path,
) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        got: list[str] = []
        good: list[str] = []

        def bad(event: Any) -> None:
            got.append(event["id"])
            raise LookupError("there is no seat")

        application = Application(
            world, Handler("bad", "", bad), Handler("good", "", lambda e: good.append(e["id"]))
        )
        await application.start()
        first, second = (id.removeprefix("msg_") for id in await world.happen(acme, 2))
        for seconds in RETRIES:
            await application.worker.settle()
            world.clock.advance(seconds=seconds)
        assert good == [first, second]
        assert got == [first] * len(RETRIES)
        await application.worker.settle()
        assert got == [*[first] * (len(RETRIES) + 1), second]
        (dead,) = await world.store.dead_letters(id_of("bad"), (0, 0), 9)
        told = (dead.message, dead.attempts, dead.status, dead.error)
        assert told == (f"msg_{first}", len(RETRIES) + 1, None, "LookupError: there is no seat")
        endpoint = await world.endpoint(id_of("bad"))
        await world.admin.replay(endpoint, acme, failed=True, by=BY)
        await application.worker.settle()
        assert got[-1] == first

    run(tmp_path, test)


@pytest.mark.parametrize("fault", [SystemExit(3), asyncio.CancelledError()])
@pytest.mark.parametrize("in_thread", [True, False])
def test_a_handler_that_exits_or_waited_for_what_was_cancelled_has_failed_and_ends_nothing_else(
    tmp_path: Path, fault: BaseException, in_thread: bool
) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        got: list[str] = []

        def bad(event: Any) -> None:
            got.append(event["id"])
            if len(got) == 1:
                raise fault

        async def bad_too(event: Any) -> None:
            bad(event)

        application = Application(world, Handler("bad", "", bad if in_thread else bad_too))
        await application.start()
        (first,) = (id.removeprefix("msg_") for id in await world.happen(acme))
        await application.worker.settle()
        assert got == [first]
        (told,) = await world.store.attempts(id_of("bad"), None, 9)
        assert told.attempt.outcome.error.startswith(type(fault).__name__)
        world.clock.advance(seconds=RETRIES[0])
        await application.worker.settle()
        assert got == [first, first]
        assert (await world.store.attempts(id_of("bad"), None, 1))[0].attempt.outcome.accepted

    run(tmp_path, test)


def test_after_days_of_failures_it_is_switched_off_until_the_application_starts_again(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")

        def bad(event: Any) -> None:
            raise ValueError

        application = Application(world, Handler("bad", "", bad))
        await application.start()
        await world.happen(acme)
        await application.worker.settle()
        world.clock.advance(ms=GIVE_UP)
        await application.worker.settle()
        assert (await world.endpoint(id_of("bad"))).standing.state == DISABLED
        await application.start()
        assert (await world.endpoint(id_of("bad"))).standing.state == ENABLED
        await world.admin.disable(await world.endpoint(id_of("bad")), by=BY)
        await application.start()
        assert (await world.endpoint(id_of("bad"))).standing.state == DISABLED, "an administrator said so"

    run(tmp_path, test)


def test_its_place_is_kept_under_its_name_and_its_types_are_what_the_code_says(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        got: list[str] = []
        handler = Handler("app:f", "user.created", lambda event: got.append(event["id"]))
        first = Application(world, handler)
        await asyncio.gather(*(first.start() for _ in range(5)))
        (id,) = await world.happen(acme)
        second = Application(world, Handler("app:f", "user.*", handler.call))
        await second.start()
        await world.happen(acme, 1, "user.deleted")
        await second.worker.settle()
        await first.worker.settle()
        assert (f"msg_{got[0]}", len(got)) == (id, 2)
        entries = await world.store.audit_page(None, None, 10)
        made = [
            (each.entry.action, each.entry.actor.kind) for each in entries if "webhook" in each.entry.action
        ]
        assert sorted(made) == [("webhook.created", ITSELF.kind), ("webhook.updated", ITSELF.kind)]

    run(tmp_path, test)


def test_a_handler_is_administered_but_for_what_its_code_says(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        application = Application(world, Handler("app:f", "", print))
        await application.start()
        endpoint = await world.endpoint(id_of("app:f"))
        by: Actor = BY
        for work in (
            world.admin.update(endpoint, url=hook.url, by=by),
            world.admin.rotate(endpoint, by=by),
            world.admin.test(endpoint, by=by),
        ):
            with pytest.raises(errors.Conflict, match="the handler 'app:f'"):
                await work
        with pytest.raises(errors.InvalidValue):
            await world.admin.create("python:app:g", by=by)
        await world.admin.remove(endpoint, by=by)
        assert await world.store.has_webhooks((endpoint.id,)) is False

    run(tmp_path, test)


def handler(event: Any) -> None:
    pass


def test_a_handler_has_a_name_that_stays(tmp_path: Path) -> None:
    rosterd = Rosterd(tmp_path)
    assert rosterd.on("user.*")(handler) is handler
    with pytest.raises(ValueError, match="already"):
        rosterd.on()(handler)
    rosterd.on(name="another")(handler)
    for function in (lambda event: None, partial(handler, None)):
        with pytest.raises(ValueError, match="no lasting name"):
            rosterd.on()(function)
    with pytest.raises(ValueError, match="cannot name"):
        rosterd.on(name="with space")(handler)
    with pytest.raises(errors.InvalidValue, match="no events"):
        rosterd.on("user.creatd")
    for wrong in (handler, ["user.created"]):
        with pytest.raises(TypeError, match=r"@rosterd\.on\(\)"):
            rosterd.on(wrong)  # type: ignore[arg-type]


def test_a_handler_that_takes_too_long_has_failed_and_is_not_called_twice_at_once(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        acme = await world.directory("acme")
        go_on = threading.Event()
        calls: list[str] = []

        def late(event: Any) -> None:
            calls.append("late")
            assert go_on.wait(20)

        async def stuck(event: Any) -> None:
            calls.append("stuck")
            await asyncio.Event().wait()

        application = Application(
            world, Handler("app:late", "", late, 0.05), Handler("app:stuck", "", stuck, 0.05)
        )
        await application.start()
        await world.happen(acme)
        for _ in range(2):
            await application.worker.settle()
            world.clock.advance(seconds=3600)
        assert sorted(calls) == ["late", "stuck", "stuck"]
        last = await world.store.attempts(id_of("app:late"), None, 1)
        assert last[0].attempt.outcome.error == "The handler did not return within 0.05 s."
        go_on.set()
        await application.worker.settle()
        last = await world.store.attempts(id_of("app:late"), None, 1)
        assert last[0].attempt.outcome.accepted
        assert calls.count("late") == 1

    run(tmp_path, test)
