"""Places with a network between them that can be split: namespaces, and bridges to which their wires are put.

with network("one", "two", "app") as net:
    with net["one"].inside():       # what this thread starts or connects to, it does from there
        ...
    net.cut("two")                  # whoever is named still reaches each other, and the rest itself
    net.heal()

Clients, in the namespace of the tests, have wires of their own to every place, which are not cut.
"""

import contextlib
import ctypes
import os
import random
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from e2e.faulty import Faulty, Process
from faults.clusters import Cluster

_LIBC = ctypes.CDLL(None, use_errno=True)
_NETWORK = 0x40000000  # CLONE_NEWNET
TRUSTED = "\nhost all all 198.18.0.0/15 trust\nhost replication all 198.18.0.0/15 trust\n"
"""The addresses that are for measuring networks (RFC 2544): nobody has them."""


@dataclass(frozen=True)
class Place:
    """A namespace: its address among the others, and the one at which clients reach it."""

    space: str
    address: str
    door: str
    wire: str

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This thread is there, and what it starts."""
        here, there = Path("/proc/thread-self/ns/net"), Path("/run/netns") / self.space
        with here.open() as ours, there.open() as theirs:
            _enter(theirs.fileno())
            try:
                yield
            finally:
                _enter(ours.fileno())


def _enter(number: int) -> None:
    if _LIBC.setns(number, _NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


class Network(dict[str, Place]):
    """The places by their names."""

    def __init__(self, whole: str, apart: str) -> None:
        super().__init__()
        self._whole = whole
        self._apart = apart

    def cut(self, *names: str) -> None:
        """Nothing comes through between these and the others; no connection is closed."""
        for name in names:
            ip("link", "set", self[name].wire, "master", self._apart)

    def heal(self) -> None:
        """All reach each other."""
        for place in self.values():
            ip("link", "set", place.wire, "master", self._whole)


def ip(*words: str) -> None:
    """Run ``ip``; fails if it does."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {words}: {done.stderr}"


@contextlib.contextmanager
def network(*names: str) -> Iterator[Network]:
    """So many places; skips the test where none can be made."""
    word, number = secrets.token_hex(3), random.randrange(256)
    spaces = [f"rosterd-{word}-{name}" for name in names]
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("only root may make network namespaces, with the program ip")
    if subprocess.run(["ip", "netns", "add", spaces[0]], capture_output=True).returncode:
        pytest.skip("network namespaces cannot be made here")
    whole, apart, clients = links = [f"r{word}{which}" for which in ("whole", "apart", "door")]
    made = Network(whole, apart)
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, links, spaces)
        for bridge in (*links,):
            ip("link", "add", bridge, "type", "bridge")
            ip("link", "set", bridge, "up")
        ip("address", "add", f"198.19.{number}.254/24", "dev", clients)
        for place, (name, space) in enumerate(zip(names, spaces, strict=True), 1):
            if place > 1:
                ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
            wire, door = ends = f"r{word}w{place}", f"r{word}d{place}"
            links += ends
            made[name] = Place(space, f"198.18.{number}.{place}", f"198.19.{number}.{place}", wire)
            _wire(space, wire, "net", made[name].address, whole)
            _wire(space, door, "door", made[name].door, clients)
        yield made


def _wire(space: str, here: str, there: str, address: str, bridge: str) -> None:
    ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
    ip("link", "set", here, "master", bridge, "up")
    ip("-n", space, "address", "add", f"{address}/24", "dev", there)
    ip("-n", space, "link", "set", there, "up")


def _remove(links: list[str], spaces: list[str]) -> None:
    """Wires too: a namespace with unfinished connections stays for minutes, though it has no name."""
    gone = [("link", "del", each) for each in links] + [("netns", "del", each) for each in spaces]
    for words in gone:
        subprocess.run(["ip", *words], capture_output=True, check=False)


class ClusterThere(Cluster):
    """A cluster at a place, asked from there."""

    def __init__(self, folder: Path, name: str, place: Place) -> None:
        super().__init__(folder, name)
        self.host = place.address
        self.settings["listen_addresses"] = place.address
        self._place = place

    def create(self) -> None:
        super().create()
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write(TRUSTED)

    def copy_of(self, other: Cluster) -> None:
        with self._place.inside():
            super().copy_of(other)

    def rewound_to(self, other: Cluster) -> None:
        with self._place.inside():
            super().rewound_to(other)

    def start(self, wait: bool = True) -> None:
        with self._place.inside():
            super().start(wait)

    def ask(self, statement: str, *parameters: Any) -> Any:
        with self._place.inside():
            return super().ask(statement, *parameters)


class ServerThere(Faulty):
    """A rosterd at a place, which its clients reach by the door."""

    def __init__(self, data: Path, token: str, place: Place, **settings: str) -> None:
        super().__init__(data, token, host="0.0.0.0", **settings)  # noqa: S104 - of its own namespace
        self.origin = f"http://{place.door}:{self.port}"
        self._place = place

    def start(self) -> Process:
        with self._place.inside():
            return super().start()
