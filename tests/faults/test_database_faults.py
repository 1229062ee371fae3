"""One PostgreSQL that is full, read-only, locked, crowded, or behind a bad wire: 503, and recovery by itself.

Most under load, and then everything is looked through (``model.problems``). Some run in the suite, all of
them by ``make faults``.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from faults.clusters import Cluster, alone, owned_folder
from faults.pooler import pooler
from faults.proxy import wire
from faults.site import LONG, Run, asked, resident, site
from judges.harness import COMMAND, environment

from rosterd.service.ports import OutcomeUnknown, StoreUnavailable
from rosterd.store.postgres import PostgresStore, open_postgres
from rosterd.store.postgres_copy import whereabouts
from rosterd.store.postgres_migrate import apply_postgres
from rosterd.testing.scenario import event, put, users

WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
OURS = "FROM pg_stat_activity WHERE application_name = 'rosterd'"
SMALL = {"max_wal_size": "32MB", "min_wal_size": "16MB", "wal_keep_size": "0"}
"""Of a cluster on a small disk."""


@contextmanager
def sessions(cluster: Cluster, database: str = "postgres") -> Iterator[Callable[[str], Any]]:
    """Opens a session and carries out a statement in it, which holds until the end."""
    url = f"postgres://postgres@{cluster.address}/{database}"
    loop = asyncio.new_event_loop()
    opened: list[Any] = []

    def hold(statement: str) -> Any:
        connection = loop.run_until_complete(asyncpg.connect(url))
        opened.append(connection)
        return loop.run_until_complete(connection.execute(statement))

    try:
        yield hold
    finally:
        for connection in opened:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                loop.run_until_complete(connection.close(timeout=5))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def read_only(run: Run, cluster: Cluster) -> None:
    """Reads go on."""
    cluster.configure(default_transaction_read_only="on")
    run.refused_after(time.monotonic_ns())
    assert all(asked(server).status_code == 200 for server in run.servers)
    for server in run.servers:
        server.until("/readyz", 503)
    cluster.configure(default_transaction_read_only="off")


def locked(run: Run, cluster: Cluster) -> None:
    """Another session holds what every change needs; reads go on."""
    database = run.servers[0].settings["ROSTERD_DATABASE_URL"].rpartition("/")[2]
    with sessions(cluster, database) as hold:
        hold("BEGIN; LOCK TABLE resource IN SHARE MODE")
        run.refused_after(time.monotonic_ns())
        assert all(asked(server).status_code == 200 for server in run.servers)


def crowded(run: Run, cluster: Cluster) -> None:
    """Others take every connection that there is, those of rosterd too."""
    with sessions(cluster) as hold:
        begun = time.monotonic_ns()
        while not any(each.status == 503 and each.began >= begun for each in run.history[-500:]):
            try:
                hold(f"SELECT pg_terminate_backend(pid) {OURS}")
            except asyncpg.TooManyConnectionsError:
                time.sleep(0.1)


def full(run: Run, cluster: Cluster) -> None:
    """Something else fills its disk; it may die of that, and is started again when there is room."""
    with filled(cluster.data.parent):
        run.refused_after(time.monotonic_ns())
    if not cluster.running:
        cluster.start()


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of its own in memory; skips the test where none can be made."""
    folder = owned_folder("rosterd-disk-")
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m,mode=777", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may make a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """A disk without a free block."""
    waste = disk / "waste"
    with waste.open("wb", buffering=0) as file:
        for size in (65536, 512):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        waste.unlink()


Harm = Callable[[Run, Cluster], None]
HARMS: dict[str, tuple[Harm, bool]] = {
    "read-only": (read_only, True),
    "crowded": (crowded, LONG),
    "locked": (locked, LONG),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One for all of them; each has a database of its own."""
    with alone() as made:
        yield made


@pytest.mark.slow
def test_a_server_that_takes_no_changes_and_connections_that_break_at_commit(
    cluster: Cluster, tmp_path: Path
) -> None:
    """What a client is told is true: done, not done, or that nobody knows."""
    with wire(cluster) as line, site(line.url(cluster.database()), tmp_path, count=1) as run:
        for name, (harm, wanted) in HARMS.items():
            if wanted:
                run.more(100)
                with run.harm():
                    harm(run, cluster)
                print(f"\n{name}: no change for {run.outages[-1]:.2f} s", end="")
        line.before = line.after = 0.05
        while line.cut < (100 if LONG else 15):
            run.more(50)
        line.before = line.after = 0.0
        run.recovered()
        print(f"\n{line.cut} connections broken at COMMIT", end="")
        assert any(each.status == 503 and each.outcome == "unknown" for each in run.history)


@pytest.mark.slow
def test_a_commit_that_somebody_cancels_is_not_acknowledged(cluster: Cluster) -> None:
    """PostgreSQL says that it is done, and warns: it is on the primary alone."""

    async def main(url: str) -> None:
        store = await open_postgres(url)
        await store.write(1, put({"userName": "before"}, "before"))
        await asyncio.to_thread(cluster.configure, synchronous_standby_names="nobody")
        try:
            writing = asyncio.create_task(store.write(1, put({"userName": "during"}, "during")))
            while not writing.done():
                await asyncio.to_thread(cluster.ask, f"SELECT count(pg_cancel_backend(pid)) {WAITING}")
                await asyncio.sleep(0.05)
            with pytest.raises(OutcomeUnknown):
                await writing
        finally:
            await asyncio.to_thread(cluster.configure, synchronous_standby_names="")
        assert await store.reader(1).get("User", "during") is not None
        await store.write(1, put({"userName": "after"}, "after"))
        await store.close()

    asyncio.run(main(f"postgres://postgres@{cluster.address}/{cluster.database()}"))


@pytest.mark.slow
def test_a_pooler_by_session_works_and_one_by_transaction_is_refused(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def write_and_hear(url: str) -> None:
        one, two = await open_postgres(url), await open_postgres(url)
        with one.watch() as watch:
            told: frozenset[int] = frozenset()
            while not told:  # until it listens, nothing is heard
                await two.write(1, lambda tx: tx.append(event()))
                told = await watch.news(0.2)
        await one.close()
        await two.close()

    with pooler(cluster, "session") as url:
        asyncio.run(write_and_hear(f"{url}/{cluster.database()}"))
        if LONG:
            with site(f"{url}/{cluster.database()}", tmp_path) as run:
                run.more(300)
    with pooler(cluster, "transaction") as address:
        url = f"{address}/{cluster.database()}"
        for use in (write_and_hear, apply_postgres, whereabouts):
            with pytest.raises(ValueError, match="pool_mode = session"):
                asyncio.run(use(url))
        for _ in range(2):  # the second is given what the first has prepared under the same names
            command = [*COMMAND, "migrate", "--dry-run"]
            more = {**environment(), "ROSTERD_DATABASE_URL": url}
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=more)
            assert done.returncode != 0
            assert "pool_mode = session" in done.stderr
            assert "asyncpg" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="a part of make faults")
def test_a_wire_that_is_slow_and_then_dead(cluster: Cluster, tmp_path: Path) -> None:
    with wire(cluster) as line, site(line.url(cluster.database()), tmp_path) as run:
        line.delay = 0.01
        run.more(200)
        line.delay = 0.0
        run.more(300)
        before = [resident(server) for server in run.servers]
        with run.harm():
            line.dead = True
            run.refused_after(time.monotonic_ns())
            for server in run.servers:
                server.until("/readyz", 503)
            time.sleep(5)
            line.dead = False
        assert all(resident(s) < was + 100 for was, s in zip(before, run.servers, strict=True))
        run.more(100)


@pytest.mark.slow
def test_a_store_without_room_for_changes_is_not_ready_though_a_small_one_fits() -> None:
    async def grow(store: PostgresStore) -> None:
        for number in range(1000):  # the first of them find room in their tables
            await users(store, [f"u{number}"])

    async def main(cluster: Cluster, disk: Path) -> None:
        store = await open_postgres(cluster.url())
        try:
            await users(store, ["before"])
            await store.probe()
            with filled(disk):
                with pytest.raises(StoreUnavailable, match="No space left"):
                    await grow(store)
                await store._changed("probe")
                with pytest.raises(StoreUnavailable, match="No space left"):
                    await store.probe()
            await store.probe()
            await users(store, ["after"])
        finally:
            await store.close()

    with small_disk() as disk, alone(disk, **SMALL) as cluster:
        asyncio.run(main(cluster, disk))


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="a part of make faults")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk())
        cluster = stack.enter_context(alone(disk, **SMALL))
        run = stack.enter_context(site(cluster.url(), tmp_path, count=1))
        for _ in range(2):
            run.more(200)
            with run.harm():
                full(run, cluster)
        run.more(100)
