"""Two PostgreSQL under Patroni with one etcd on loopback, set up by ``deploy/patroni/patroni.yaml``.

Only its times are shorter here: a leader that is gone is replaced after seconds, not after half a minute.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from faults.clusters import OWNER, children, owned_folder, program, wait_until
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


class Node:
    """One Patroni and its PostgreSQL."""

    def __init__(self, folder: Path, name: str, etcd: int) -> None:
        self.name = name
        self.port, self._rest = free_port(), free_port()
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
            "PATRONI_ETCD3_HOSTS": f"127.0.0.1:{etcd}",
            "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{self._rest}",
            "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{self._rest}",
            "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{self.port}",
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{self.port}",
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
        self._process = started([patroni, str(self._settings)], self._log, **self.environment)

    def kill_postgres(self) -> None:
        """Patroni finds that its PostgreSQL is gone, and starts it again."""
        with contextlib.suppress(OSError, ValueError):
            parent = int((self.data / "postmaster.pid").read_text().split()[0])
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
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self._rest}/{role}", verify=NO_TLS).status_code == 200
        return False

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text()[-3000:]


class Patroni:
    """The nodes, and who is which at present."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    def url(self, user: str = "postgres", **query: str) -> str:
        """Of all nodes; the primary is whichever takes changes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
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


@contextmanager
def patroni() -> Iterator[Patroni]:
    """One etcd and two nodes, ended on every way out; skips the test without the programs."""
    for name in ("patroni", "etcd"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not here")
    folder = owned_folder("rosterd-patroni-")
    client, peer = free_port(), free_port()
    ended: list[Process | Node] = []
    try:
        peers = f"http://127.0.0.1:{peer}"
        etcd = started(
            [
                *("etcd", "--name", "etcd", "--data-dir", str(folder / "etcd")),
                *("--listen-client-urls", f"http://127.0.0.1:{client}"),
                *("--advertise-client-urls", f"http://127.0.0.1:{client}"),
                *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
                *("--initial-cluster", f"etcd={peers}"),
            ],
            folder / "etcd.log",
        )
        ended.append(etcd)
        nodes = [Node(folder, name, client) for name in ("one", "two")]
        ended += nodes
        for node in nodes:
            node.start()
        made = Patroni(nodes)
        made.settled()
        yield made
    finally:
        for each in reversed(ended):
            each.kill()
            if not isinstance(each, Node):
                each.wait()
