"""Two PostgreSQL under Patroni with one etcd, set up by ``deploy/patroni/patroni.yaml``.

Only its times are shorter here: a leader that is gone is replaced after seconds, not after half a minute. All
are on loopback, or each at a place of a network.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import asyncpg
import httpx
import pytest
import yaml
from faults.clusters import OWNER, children, owned_folder, program, wait_until
from faults.network import Place
from judges.harness import NO_TLS, free_port

DEPLOYED = Path(__file__).parents[2] / "deploy" / "patroni" / "patroni.yaml"
TIMES = {"ttl": 8, "loop_wait": 1, "retry_timeout": 3}
STEADY = 4.0
"""Seconds, some rounds of ``loop_wait``."""
PASSWORD = "secret of the tests"

Process = subprocess.Popen[bytes]


def started(command: list[str], log: Path, **environment: str) -> Process:
    """A program as the owner of the clusters, with nothing of this process's environment but the path."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **environment}, **OWNER,
        )  # fmt: skip


class There:
    """Something with an address: on loopback, or at a place, where it is started and asked from."""

    def __init__(self, place: Place | None) -> None:
        self.host = place.address if place else "127.0.0.1"
        self.inside: Callable[[], AbstractContextManager[None]] = place.inside if place else nullcontext


class Node(There):
    """One Patroni and its PostgreSQL."""

    def __init__(self, folder: Path, name: str, etcd: str, place: Place | None = None) -> None:
        super().__init__(place)
        self.name = name
        self.port, self.rest = free_port(), free_port()
        self.data = folder / name
        self._log = folder / f"{name}.log"
        self._settings = folder / f"{name}.yaml"
        settings = yaml.safe_load(DEPLOYED.read_text())
        settings["bootstrap"]["dcs"] |= TIMES
        settings["watchdog"] = {"mode": "off"}
        settings["postgresql"]["parameters"] = {"unix_socket_directories": str(folder)}
        self._settings.write_text(yaml.safe_dump(settings))
        self._settings.chmod(0o644)
        self.environment = {
            "PATRONI_NAME": name,
            "PATRONI_ETCD3_HOSTS": etcd,
            "PATRONI_RESTAPI_LISTEN": f"{self.host}:{self.rest}",
            "PATRONI_RESTAPI_CONNECT_ADDRESS": f"{self.host}:{self.rest}",
            "PATRONI_POSTGRESQL_LISTEN": f"{self.host}:{self.port}",
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"{self.host}:{self.port}",
            "PATRONI_POSTGRESQL_DATA_DIR": str(self.data),
            "PATRONI_POSTGRESQL_BIN_DIR": str(Path(program("postgres")).parent),
            "PATRONI_POSTGRESQL_PGPASS": str(folder / f"pgpass-{name}"),
            "PATRONI_SUPERUSER_USERNAME": "postgres",
            "PATRONI_SUPERUSER_PASSWORD": PASSWORD,
            "PATRONI_REPLICATION_USERNAME": "replicator",
            "PATRONI_REPLICATION_PASSWORD": PASSWORD,
        }
        self._process: Process | None = None

    def start(self) -> None:
        """Start Patroni, which starts PostgreSQL."""
        patroni = str(shutil.which("patroni"))
        with self.inside():
            self._process = started([patroni, str(self._settings)], self._log, **self.environment)

    def kill_postgres(self) -> None:
        """Patroni finds that its PostgreSQL is gone, and starts it again."""
        with contextlib.suppress(OSError, ValueError):
            parent = int((self.data / "postmaster.pid").read_text().split()[0])
            if not self.data.samefile(f"/proc/{parent}/cwd"):
                return  # it was killed before, and another process has its number
            os.kill(parent, signal.SIGSTOP)
            for process in (*children(parent), parent):
                os.kill(process, signal.SIGKILL)

    def kill(self) -> None:
        """The host is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.kill_postgres()

    def is_(self, role: str) -> bool:
        """``leader``, ``synchronous`` or another role that Patroni's REST API has an address for."""
        with contextlib.suppress(httpx.TransportError), self.inside():
            return httpx.get(f"http://{self.host}:{self.rest}/{role}", verify=NO_TLS).status_code == 200
        return False

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text()[-3000:]


class Etcd(There):
    """The only member of an etcd."""

    def __init__(self, folder: Path, place: Place | None = None) -> None:
        super().__init__(place)
        self.address = f"{self.host}:{free_port()}"
        self._folder = folder
        peers, clients = f"http://{self.host}:{free_port()}", f"http://{self.address}"
        self._command = [
            *("etcd", "--name", "etcd", "--data-dir", str(folder / "etcd")),
            *("--listen-client-urls", clients, "--advertise-client-urls", clients),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"etcd={peers}"),
        ]
        self._process: Process | None = None

    def start(self) -> None:
        """Start it, with what it had."""
        with self.inside():
            self._process = started(self._command, self._folder / "etcd.log")

    def kill(self) -> None:
        """It is gone, but for its disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Patroni:
    """The nodes, and who is which at present."""

    def __init__(self, etcd: Etcd, nodes: list[Node]) -> None:
        self.etcd = etcd
        self.nodes = nodes

    def url(self, user: str = "postgres", **query: str) -> str:
        """Of all nodes; the primary is whichever takes changes."""
        hosts = ",".join(f"{node.host}:{node.port}" for node in self.nodes)
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return f"postgres://{user}:{PASSWORD.replace(' ', '%20')}@{hosts}/{user}?{text}"

    def settled(self) -> tuple[Node, Node]:
        """Wait for a leader and a synchronous standby; which they are.

        What Patroni says may be a round old, so it must say the same for some rounds: a standby that has just
        crashed is not promoted.
        """
        since = 0.0

        def found() -> bool:
            nonlocal since
            holds = any(a.is_("leader") and b.is_("synchronous") for a, b in self._orders())
            since = (since or time.monotonic()) if holds else 0.0
            return holds and time.monotonic() > since + STEADY

        try:
            wait_until(found, "no leader with a synchronous standby", 120)
        except AssertionError:
            print(*(node.said() for node in self.nodes), sep="\n\n")
            raise
        return next((a, b) for a, b in self._orders() if a.is_("leader"))

    def _orders(self) -> tuple[tuple[Node, Node], ...]:
        one, two = self.nodes
        return (one, two), (two, one)


async def _database(made: Patroni) -> None:
    """What docs/high-availability.md says to make once."""
    connection = await asyncpg.connect(made.url(target_session_attrs="primary"))
    try:
        await connection.execute(f"CREATE ROLE rosterd LOGIN PASSWORD '{PASSWORD}'")
        await connection.execute("CREATE DATABASE rosterd OWNER rosterd")
    finally:
        await connection.close()


@contextmanager
def patroni(places: Mapping[str, Place] | None = None) -> Iterator[Patroni]:
    """One ``etcd`` and two nodes, ``one`` and ``two``, perhaps at places; ended on every way out.

    Skips the test without the programs.
    """
    for name in ("patroni", "etcd"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not here")
    folder = owned_folder("rosterd-patroni-")
    places = places or {}
    etcd = Etcd(folder, places.get("etcd"))
    nodes = [Node(folder, name, etcd.address, places.get(name)) for name in ("one", "two")]
    try:
        etcd.start()
        for node in nodes:
            node.start()
        made = Patroni(etcd, nodes)
        leader, _ = made.settled()
        with leader.inside():
            asyncio.run(_database(made))
        yield made
    finally:
        for each in (*nodes, etcd):
            each.kill()
