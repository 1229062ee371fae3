"""PostgreSQL clusters of a test's own: on loopback ports, in a folder of the test, stopped on every way out.

A cluster can be stopped, killed, made to hang, promoted, and brought back as a replica. ``pair`` makes two,
the second a synchronous replica of the first. As root they run as the user ``postgres``, else as whoever runs
the tests; without PostgreSQL's programs the test is skipped.
"""

import asyncio
import contextlib
import ctypes
import functools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from judges.harness import free_port

USER = "postgres"
OWNER = {"user": USER, "group": USER, "extra_groups": ()} if os.geteuid() == 0 else {}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "superuser_reserved_connections": "3",
    "wal_level": "replica",
    "wal_log_hints": "on",  # pg_rewind wants it
    "wal_keep_size": "256MB",
    "wal_retrieve_retry_interval": "200ms",
    "wal_receiver_status_interval": "1s",
    "wal_sender_timeout": "10s",
    "wal_receiver_timeout": "10s",
    "max_wal_size": "256MB",
    "log_min_messages": "warning",
    "synchronous_standby_names": "",
}
SECONDS = 60.0
REPLICATED = "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"


@functools.cache
def programs() -> Path | None:
    """Where PostgreSQL's own programs are; ``None`` if they are not here."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    if asked := shutil.which("pg_config"):
        done = subprocess.run([asked, "--bindir"], capture_output=True, text=True)
        found.append(Path(done.stdout.strip()))
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    needed = ("initdb", "postgres", "pg_ctl", "pg_basebackup", "pg_rewind")
    return next((path for path in found if all((path / name).exists() for name in needed)), None)


def program(name: str) -> str:
    """The path of one of them; skips the test if there is none."""
    if not sys.platform.startswith("linux"):
        pytest.skip("clusters are made to hang and to die by what only Linux has")
    place = programs()
    if place is None or not (place / name).exists():
        pytest.skip(f"PostgreSQL's program {name} is not here")
    return str(place / name)


def run(name: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run one to its end, as the owner of the clusters."""
    done = subprocess.run(
        [program(name), *arguments], capture_output=True, text=True, timeout=SECONDS, cwd="/", **OWNER
    )
    assert not check or done.returncode == 0, f"{name} {arguments}: {done.stdout}{done.stderr}"
    return done


@functools.cache
def _template() -> Path:
    """What initdb makes, made once in a process and copied for each cluster."""
    folder = owned_folder("rosterd-template-")
    run(
        *("initdb", "--pgdata", str(folder / "data"), "--username", USER, "--auth", "trust", "--no-sync"),
        *("--encoding", "UTF8", "--locale", "C", "--wal-segsize", "4"),
    )
    return folder / "data"


def owned_folder(prefix: str) -> Path:
    """A folder of the owner's, which goes with this process."""
    place = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    _KEPT.append(place)
    if OWNER:
        shutil.chown(place.name, USER, USER)
    return Path(place.name)


_KEPT: list[Any] = []
_LIBC = ctypes.CDLL(None)


def _dies_with_us() -> None:
    """SIGQUIT when this process dies, however: PostgreSQL ends at once then (prctl PR_SET_PDEATHSIG)."""
    _LIBC.prctl(1, signal.SIGQUIT)


class Cluster:
    """One data directory and its server."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.data = folder / name
        self.log = folder / f"{name}.log"
        self.settings = SETTINGS | {"port": str(self.port), "cluster_name": name}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def url(self) -> str:
        """This cluster alone."""
        return url_of(self)

    def database(self) -> str:
        """The name of a new database."""
        name = f"test{secrets.token_hex(4)}"
        self.ask(f"CREATE DATABASE {name}")
        return name

    def create(self) -> None:
        """A new, empty database."""
        shutil.copytree(_template(), self.data)
        self._own()

    def copy_of(self, other: "Cluster") -> None:
        """A replica of another one, by a base backup."""
        shutil.rmtree(self.data, ignore_errors=True)
        run(
            *("pg_basebackup", "--dbname", other._conninfo(), "--pgdata", str(self.data)),
            *("--write-recovery-conf", "--checkpoint", "fast", "--no-sync"),
        )

    def rewound_to(self, other: "Cluster") -> None:
        """A replica of another one that was promoted over it: what only this one has is thrown away."""
        other.ask("CHECKPOINT")  # until then its control file is on the former timeline
        run(
            *("pg_rewind", "--target-pgdata", str(self.data), "--source-server", other._conninfo()),
            *("--write-recovery-conf", "--no-sync"),
        )

    def start(self, wait: bool = True) -> None:
        """Start the server; ``wait`` until it lets one in."""
        self.configure()
        for _ in range(20):  # after a kill, the last of its processes may still hold the memory
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [program("postgres"), "-D", str(self.data)], stdout=log, stderr=log,
                    stdin=subprocess.DEVNULL, cwd="/",
                    preexec_fn=_dies_with_us, **OWNER,  # noqa: PLW1509 - it calls nothing of Python's
                )  # fmt: skip
            if not wait:
                return
            if self._answers():
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.name} does not start: {self.log.read_text()[-2000:]}")

    def configure(self, **settings: str) -> None:
        """Write the settings, and let a running server read them."""
        self.settings |= settings
        text = "".join(f"{name} = '{value}'\n" for name, value in self.settings.items())
        (self.data / "postgresql.conf").write_text(text)
        self._own()
        if self.running:
            run("pg_ctl", "reload", "--pgdata", str(self.data))

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, mode: str = "fast") -> None:
        """``fast``: with a last checkpoint; ``immediate``: as if the power had gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT if mode == "fast" else signal.SIGQUIT)
            self.process.wait(SECONDS)

    def kill(self) -> None:
        """SIGKILL for every process of it at once: the host is gone, but for its disk."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(SECONDS)

    def freeze(self) -> None:
        """It hangs: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        self._signal(signal.SIGCONT)

    def promote(self) -> None:
        """The replica becomes the primary."""
        run("pg_ctl", "promote", "--pgdata", str(self.data), "--wait", "--timeout", "60")

    def ask(self, statement: str, *parameters: Any) -> Any:
        """The one value that a statement gives."""

        async def asked() -> Any:
            connection = await asyncpg.connect(self.url(), timeout=10)
            try:
                return await connection.fetchval(statement, *parameters)
            finally:
                await connection.close()

        return asyncio.run(asked())

    def until(self, statement: str) -> None:
        """Wait until a statement gives true."""
        wait_until(lambda: self.ask(statement), f"{self.name}: {statement}")

    def end(self) -> None:
        """Whatever state it is in, it is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.kill()

    def _answers(self) -> bool:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.running:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self.ask("SELECT 1")
                return True
            time.sleep(0.05)
        return False

    def _signal(self, number: signal.Signals) -> None:
        """To its children and itself; it stands still meanwhile, and so starts nothing more."""
        assert self.process is not None
        parent = self.process.pid
        os.kill(parent, signal.SIGSTOP)
        for process in (*children(parent), parent):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _conninfo(self) -> str:
        return f"host={self.host} port={self.port} user={USER} dbname={USER} application_name={self.name}"

    def _own(self) -> None:
        if OWNER:
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, *_ids(), follow_symlinks=False)


@functools.cache
def _ids() -> tuple[int, int]:
    import pwd

    entry = pwd.getpwnam(USER)
    return entry.pw_uid, entry.pw_gid


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def url_of(*clusters: Cluster) -> str:
    """A URL of all of these, in this order."""
    return f"postgres://{USER}@{','.join(cluster.address for cluster in clusters)}/{USER}"


def wait_until(holds: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until something holds; what cannot be asked at the moment does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if holds():
                return
        time.sleep(0.1)
    raise AssertionError(f"{what}: never within {seconds} s")


@contextlib.contextmanager
def clusters(*names: str, place: Path | None = None) -> Iterator[list[Cluster]]:
    """So many data directories to be, in a place that is given or a new one, without servers yet."""
    program("initdb")
    folder = place or owned_folder("rosterd-clusters-")
    made = [Cluster(folder, name) for name in names]
    try:
        yield made
    finally:
        for cluster in made:
            cluster.end()
            shutil.rmtree(cluster.data, ignore_errors=True)


@contextlib.contextmanager
def alone(place: Path | None = None, **settings: str) -> Iterator[Cluster]:
    """One running cluster."""
    with clusters("alone", place=place) as (one,):
        one.create()
        one.settings |= settings
        one.start()
        yield one


@contextlib.contextmanager
def pair() -> Iterator[list[Cluster]]:
    """A primary, and its synchronous replica: COMMIT is answered when both have written it to disk."""
    with clusters("one", "two") as (one, two):
        one.create()
        one.start()
        follow(two, one, fresh=True)
        yield [one, two]


def follow(replica: Cluster, primary: Cluster, *, fresh: bool = False) -> None:
    """Make a cluster that is not running the synchronous replica of another one."""
    if fresh:
        replica.copy_of(primary)
    else:
        replica.rewound_to(primary)
    replica.settings["synchronous_standby_names"] = ""
    replica.start()
    primary.configure(synchronous_standby_names="*")
    primary.until(REPLICATED)
