"""``rosterd serve --workers``: several processes are one server, and stay one when some end."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from delivery.receiving import receiver
from e2e.engines import ENGINES, NAMES, database
from e2e.supervised import Served, alive, half_sent, loaded, refused, serving, start, until
from judges.harness import UNLIMITED, user
from prometheus_client.parser import text_string_to_metric_families

from rosterd.cli.doctor import CHECKS, Finding
from rosterd.service.control import Directory, Policy
from rosterd.service.feed import Want
from rosterd.service.request_log import EVERYTHING, StoredExchange
from rosterd.service.tokens import Tokens
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, SettingsError, open_service
from rosterd.wiring.accepting import Accepting, Board
from rosterd.wiring.assignment import BEAT, Assignment
from rosterd.wiring.ids import now
from rosterd.wiring.journal import FLUSH_SECONDS
from rosterd.wiring.pulse import LOOKS, Pulse, beat
from rosterd.wiring.workers import supervise

DAY = 86_400_000
# A worker to whom SIGTERM comes, twice, when a connection of its own has got something, before it serves.
TOLD_WHILE_IT_STARTS = """
import asyncio, contextlib, os, signal
from rosterd.wiring import worker

class Sends(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"something")

class Receives(asyncio.Protocol):
    def data_received(self, data):
        os.kill(os.getpid(), signal.SIGTERM)
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)

@contextlib.asynccontextmanager
async def starting(settings, shared):
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(Sends, "127.0.0.1", 0)
    await loop.create_connection(Receives, *listening.sockets[0].getsockname())
    try:
        await asyncio.sleep(20)
        yield
    finally:
        await asyncio.sleep(0.3)
        print("closed")

worker.running_service = starting
worker.main()
"""


async def prepared(settings: Settings) -> str:
    """A directory without limits, and one in which a token ends soon; the token of the first."""
    async with open_service(settings) as service:
        home = await service.directories.create("load", by=BY)
        line = await service.connections.create(home, "load", by=BY, policy=Policy(limits=UNLIMITED))
        _, token = await service.tokens.issue(home.id, line.id, by=BY)
        jobs = await service.directories.create("jobs", by=BY)
        other = await service.connections.create(jobs, "jobs", by=BY)
        past = Tokens(service.control, lambda: now() - 25 * DAY, os.urandom)
        for _ in range(5):
            await past.issue(jobs.id, other.id, lifetime=30 * DAY // 1000, by=BY)
    return token


@pytest.fixture(scope="module", params=NAMES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("workers")
    with database(request.param, folder) as settings:
        token = asyncio.run(prepared(settings))
        with serving(settings, 3, folder, token=token) as made:
            yield made


@contextlib.contextmanager
def two_workers(engine: str, folder: Path, first: str = "", errors: Collection[str] = ()) -> Iterator[Served]:
    """A server that a test has for itself; see ``serving``."""
    with database(engine, folder) as settings:
        token = asyncio.run(prepared(settings))
        with serving(settings, 2, folder, first, errors, token) as made:
            yield made


async def metrics(client: httpx.AsyncClient) -> dict[str, dict[str, float]]:
    """Sums of the samples, by name and worker."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families((await client.get("/metrics")).text):
        for sample in family.samples:
            worker = sample.labels.get("worker", "")
            of_name = found.setdefault(sample.name, {})
            of_name[worker] = of_name.get(worker, 0) + sample.value
    return found


async def directory(service: Service, name: str) -> Directory:
    return next(d for d in await service.control.directories() if d.name == name)


def test_many_posts_of_one_name_make_one_user_and_the_metrics_of_all_add_up(served: Served) -> None:
    async def main() -> None:
        async with served.clients(12) as clients:
            for client in clients:
                assert (await client.get("/readyz")).status_code == 200
            before = await metrics(clients[0])
            replies = await asyncio.gather(*(c.post("/scim/v2/Users", json=user("one")) for c in clients))
            assert Counter(reply.status_code for reply in replies) == {201: 1, 409: 11}
            told = [await metrics(client) for client in clients]
        of = [each["rosterd_requests_total"] for each in told]
        assert all(each == of[0] for each in of), "every worker tells the same of all"
        assert sum(of[0].values()) == sum(before.get("rosterd_requests_total", {}).values()) + 12
        assert all(count <= 8 for count in of[0].values()), "none has all the connections"
        assert told[0]["rosterd_workers_answering"] == told[0]["rosterd_workers"] == {"": 3}
        assert told[0]["rosterd_worker_starts_total"] == {"1": 1, "2": 1, "3": 1}
        assert set(told[0]["rosterd_connections"]) == {""}, "what the database knows is told once"
        assert {entry["worker"] for entry in served.said('"event":"request"')} == {1, 2, 3}

    asyncio.run(main())


def test_a_revoked_token_is_soon_refused_by_all_and_stays_so(served: Served) -> None:
    async def main() -> None:
        async def issue(service: Service) -> tuple[int, str, str]:
            home = await directory(service, "load")
            (line,) = await service.control.connections(home.id)
            made, text = await service.tokens.issue(home.id, line.id, by=BY)
            return home.id, made.id, text

        home, id, text = await served.service(issue)
        mine = {"Authorization": f"Bearer {text}"}
        async with served.clients(6) as clients:

            async def statuses() -> set[int]:
                got = await asyncio.gather(*(c.get("/scim/v2/Users", headers=mine) for c in clients))
                return {reply.status_code for reply in got}

            assert await statuses() == {200}
            await served.service(lambda service: service.tokens.revoke(home, id, by=BY))
            for _ in range(600):
                if await statuses() == {401}:
                    break
                await asyncio.sleep(0.05)
            assert await statuses() == {401}

    asyncio.run(main())


def test_each_job_is_done_by_one_of_them(served: Served) -> None:
    async def main() -> None:
        async with receiver() as hook, served.clients(6) as clients:

            async def begin(service: Service) -> str:
                home = await directory(service, "jobs")
                (line,) = await service.control.connections(home.id)
                await service.webhooks.create(hook.url, directory=home.id, types="user.*", by=BY)
                return (await service.tokens.issue(home.id, line.id, by=BY))[1]

            mine = {"Authorization": f"Bearer {await served.service(begin)}"}
            replies = await asyncio.gather(
                *(
                    clients[n % 6].post("/scim/v2/Users", json=user(f"job-{n}"), headers=mine)
                    for n in range(30)
                )
            )
            assert {reply.status_code for reply in replies} == {201}
            await hook.until(30)

        async def events(service: Service) -> list[dict[str, Any]]:
            page, _ = await service.feed.page(await directory(service, "jobs"), 0, Want(limit=1000))
            return list(page.events)

        told = await served.service(events)
        users = [f"msg_{event['id']}" for event in told if event["type"] == "user.created"]
        assert hook.ids == users, "each is sent once, in order"
        ending = [event["resource"]["id"] for event in told if event["type"] == "token.expiring"]
        assert len(ending) == len(set(ending)) == 5, "each is announced once"

    asyncio.run(main())


def test_one_that_is_killed_is_replaced_and_nothing_acknowledged_is_lost(served: Served) -> None:
    async def main() -> None:
        before = served.pids()
        async with loaded(served, "killed") as load:
            os.kill(before[2], signal.SIGKILL)
            await until(lambda: served.pids()[2] != before[2])
            seen = len(load.acknowledged)
            await until(lambda: len(load.acknowledged) > seen + 20)
        assert served.said("a worker has ended")[-1]["how"] == "killed by SIGKILL"
        assert served.pids() == {**before, 2: served.pids()[2]}
        assert all("Error(" in each for each in load.refused), "those on its connections, and no other"
        async with served.clients(1) as (client,):
            assert await load.lost(client) == []
            told = await metrics(client)
        assert told["rosterd_worker_starts_total"] == {"1": 1, "2": 2, "3": 1}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("recovers", "how"), [(False, "killed by SIGKILL"), (True, "exit code 0")], ids=["for ever", "a while"]
)
@ENGINES
def test_one_that_hangs_is_replaced_and_may_finish_if_it_comes_to_itself(
    tmp_path: Path, recovers: bool, how: str, engine: str
) -> None:
    async def main(served: Served) -> None:
        before = served.pids()
        async with loaded(served, "hangs") as load:
            os.kill(before[1], signal.SIGSTOP)
            await until(lambda: served.said("a worker hangs"))
            if recovers:
                os.kill(before[1], signal.SIGCONT)
            await until(lambda: served.pids()[1] != before[1])
        assert [entry["pid"] for entry in served.said("a worker hangs")] == [before[1]]
        assert [entry["how"] for entry in served.said("a worker has ended")] == [how]
        assert served.pids() == {**before, 1: served.pids()[1]}
        assert not alive(before[1])
        async with served.clients(1) as (client,):
            assert await load.lost(client) == []

    last = 90 if recovers else 1
    first = f"from rosterd.wiring import pulse, workers; pulse.LOOKS = 5; workers.LAST = {last}; "
    errors = ("a worker hangs", "store unavailable")  # the other one waits for what it has locked
    with two_workers(engine, tmp_path, first, errors) as served:
        asyncio.run(main(served))


def test_what_was_said_is_heard_late_and_only_who_spoke_before_is_missed() -> None:
    supervisor, worker = socket.socketpair()
    supervisor.setblocking(False)
    with supervisor, worker:
        pulse = Pulse(supervisor)
        assert not any(pulse.fails() for _ in range(LOOKS + 1)), "one of a release that does not say so"
        for _ in range(LOOKS):
            worker.send(BEAT)
        assert not any(pulse.fails() for _ in range(LOOKS)), "the supervisor itself was away"
        worker.send(BEAT)
        assert [pulse.fails() for _ in range(2 * LOOKS)] == [*LOOKS * [False], True, *(LOOKS - 1) * [False]]
        worker.send(BEAT)
        assert [pulse.fails() for _ in range(LOOKS + 1)] == [*LOOKS * [False], True], "again"
        worker.close()
        assert not any(pulse.fails() for _ in range(LOOKS + 1)), "it has ended"


def test_a_worker_that_nobody_hears_goes_on() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with contextlib.suppress(BlockingIOError):
                while True:
                    theirs.send(BEAT, socket.MSG_DONTWAIT)
            beat(theirs)
            ours.close()
            beat(theirs)

    asyncio.run(main())


def test_all_are_replaced_on_sighup_and_no_request_is_refused(served: Served) -> None:
    async def main() -> None:
        before = served.pids()
        async with loaded(served, "replaced") as load:
            served.process.send_signal(signal.SIGHUP)
            await until(lambda: served.said("all workers are replaced"))
        assert load.refused == []
        assert not set(before.values()) & set(served.pids().values())
        assert not any(map(alive, before.values()))
        async with served.clients(1) as (client,):
            assert await load.lost(client) == []

    asyncio.run(main())


@contextlib.contextmanager
def breaks_off(folder: Path) -> Iterator[str]:
    """The interpreter ends before the worker serves; how that is told."""
    broken = folder / "broken"
    broken.touch()
    yield "exit code 3"
    broken.unlink()


@contextlib.contextmanager
def is_being_installed(folder: Path) -> Iterator[str]:
    """There is no interpreter at the moment; how that is told."""
    interpreter = folder / "python"
    away = interpreter.rename(folder / "away")
    yield "no process: No such file or directory"
    away.rename(interpreter)


@pytest.mark.parametrize("fault", [breaks_off, is_being_installed])
def test_what_does_not_start_replaces_nobody(
    served: Served, fault: Callable[[Path], contextlib.AbstractContextManager[str]]
) -> None:
    before, tried = served.pids(), len(served.said("workers are not replaced"))
    with fault(served.log.parent) as how:
        served.process.send_signal(signal.SIGHUP)
        asyncio.run(until(lambda: len(served.said("workers are not replaced")) > tried or gone(served)))
    assert not gone(served), served.log.read_text()
    assert served.said("workers are not replaced")[-1]["how"] == how
    assert served.pids() == before
    assert all(map(alive, before.values()))


def gone(served: Served) -> bool:
    return served.process.poll() is not None


def test_who_is_erased_leaves_nothing_that_another_process_still_writes(served: Served) -> None:
    async def main() -> None:
        async with served.clients(6) as clients:

            async def erase(service: Service) -> list[StoredExchange]:
                home = await directory(service, "load")
                made = await clients[0].post("/scim/v2/Users", json=user("forgotten"))
                query = {"filter": 'userName eq "forgotten"'}
                await asyncio.gather(*(client.get("/scim/v2/Users", params=query) for client in clients))
                await service.erasure.erase(home, "User", made.json()["id"], by=BY)
                await asyncio.sleep(2 * FLUSH_SECONDS)
                kept = await service.request_log.exchange_page(home.id, None, None, 50, EVERYTHING)
                return [each for each in kept.rows if "forgotten" in repr(each)]

            assert await served.service(erase) == []

    asyncio.run(main())


def test_sigterm_lets_accepted_requests_finish(served: Served) -> None:
    """The last one that needs this server."""
    pids = served.pids()
    with half_sent(served, "slow", 4) as finish:
        served.process.terminate()
        asyncio.run(until(lambda: refused(served.port)))
        assert finish() == [b"HTTP/1.1 201", *3 * [b"HTTP/1.1 409"]]
    assert served.process.wait(timeout=40) == 0
    assert not any(map(alive, pids.values()))
    assert list(served.log.parent.glob("rosterd-*")) == [], "its directory is gone as well"


@ENGINES
def test_sigterm_to_all_of_them_at_once_lets_accepted_requests_finish(tmp_path: Path, engine: str) -> None:
    """As systemd sends it, to the supervisor first."""
    with two_workers(engine, tmp_path) as made, half_sent(made, "slow", 3) as finish:
        pids = made.pids()
        for pid in (made.process.pid, *pids.values()):
            os.kill(pid, signal.SIGTERM)
        asyncio.run(until(lambda: refused(made.port)))
        assert finish() == [b"HTTP/1.1 201", *2 * [b"HTTP/1.1 409"]]
        assert made.process.wait(timeout=40) == 0
    assert made.pids() == pids, "none was replaced"
    assert not any(map(alive, pids.values()))


@ENGINES
def test_workers_end_with_a_supervisor_that_is_killed(tmp_path: Path, engine: str) -> None:
    with two_workers(engine, tmp_path) as made, half_sent(made, "slow", 1) as finish:
        pids = made.pids()
        made.process.kill()
        made.process.wait()
        asyncio.run(until(lambda: refused(made.port)))
        assert finish() == [b"HTTP/1.1 201"]
        asyncio.run(until(lambda: not any(map(alive, pids.values()))))
    assert list(tmp_path.glob("rosterd-*")) == [], "nor is anything left of what they told each other"


def test_a_worker_that_is_told_to_end_while_it_starts_closes_what_it_has(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        given = Assignment(1, 1, theirs.fileno(), theirs.fileno(), str(tmp_path)).text()
        command = [sys.executable, "-c", TOLD_WHILE_IT_STARTS, given]
        done = subprocess.run(
            command, pass_fds=[theirs.fileno()], capture_output=True, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")


def test_workers_that_end_at_once_end_all(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    made = start(Settings(data=tmp_path / "data"), 2, tmp_path)
    assert made.process.wait(timeout=60) == 1
    assert "The workers end before they serve (exit code 3)" in made.log.read_text()


def test_a_temporary_directory_that_sockets_cannot_be_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(database_url="postgres://rosterd@nowhere.invalid/rosterd", workers=2, port=0)
    folder = tmp_path / ("x" * 90)
    for there in (False, True):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        with pytest.raises(SettingsError, match="TMPDIR"):
            supervise(settings, lambda ready: None)
        folder.mkdir(exist_ok=there)
    assert list(folder.iterdir()) == []


def test_too_many_connections_are_warned_of(tmp_path: Path) -> None:
    assert found(Settings(data=tmp_path, workers=1)) == []
    assert [finding.state for finding in found(Settings(data=tmp_path, workers=3))] == ["ok"]
    with database("postgres", tmp_path) as settings:
        asyncio.run(prepared(settings))
        settings = replace(settings, workers=3, database_connections=4)
        assert [finding.state for finding in found(settings)] == ["ok"]
        (finding,) = found(replace(settings, database_connections=900))
    assert finding.state == "warning"
    assert "3, which may want 3620 connections" in finding.text
    assert "ROSTERD_DATABASE_CONNECTIONS" in finding.fix


def found(settings: Settings) -> list[Finding]:
    """What the doctor says of workers."""
    findings = [check(settings) for check in CHECKS]
    return [finding for finding in findings if finding is not None and finding.name == "Workers"]


@pytest.mark.parametrize(("few", "many"), [(1, 2), (2, 1)])
def test_a_connection_is_taken_by_who_has_the_fewest_and_waits_for_nobody(
    tmp_path: Path, few: int, many: int
) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, listener.dup() as same:
            board = Board.make(tmp_path / "board", 3)
            taken: dict[int, list[asyncio.Protocol]] = {1: [], 2: []}

            def accept(worker: int, listener: socket.socket) -> Accepting:
                def made() -> asyncio.Protocol:
                    taken[worker].append(asyncio.Protocol())
                    return taken[worker][-1]

                already = 0 if worker == few else 5
                return Accepting(listener, board, worker, lambda: already + len(taken[worker]), made)

            async def connect(count: int) -> None:
                for _ in range(count):
                    _, writer = await asyncio.open_connection(*listener.getsockname())
                    writer.close()

            both = accept(1, listener), accept(2, same)
            await connect(4)
            await until(lambda: len(taken[few]) + len(taken[many]) == 4)
            assert taken[many] == []
            board.write(3, 0)  # one that takes none, though it has the fewest
            await connect(4)
            await until(lambda: len(taken[few]) + len(taken[many]) == 8)
            for each in both:
                each.close()

    asyncio.run(main())
