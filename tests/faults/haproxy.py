"""An HAProxy with the configuration of a document or of ``deploy/haproxy.cfg``, with other addresses."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from faults.clusters import wait_until
from faults.patroni import Node
from judges.harness import NO_TLS, free_port

ROOT = Path(__file__).parents[2]
DEPLOYED = ROOT / "deploy" / "haproxy.cfg"
GUIDE = ROOT / "docs" / "high-availability.md"


def program() -> str:
    """Its path; skips the test if there is none."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    return found or pytest.skip("HAProxy is not here")


@contextlib.contextmanager
def haproxy(text: str, here: Mapping[str, str], folder: Path) -> Iterator[None]:
    """One that runs; ``here`` says what stands for the addresses of the text, each of which it must have."""
    for there, instead in here.items():
        assert there in text, f"{there} is not in the configuration"
        text = text.replace(there, instead)
    folder.mkdir(exist_ok=True)
    (folder / "haproxy.cfg").write_text(text)
    with (folder / "haproxy.log").open("ab") as log:
        process = subprocess.Popen(
            [program(), "-db", "-f", str(folder / "haproxy.cfg")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield
        assert process.poll() is None, (folder / "haproxy.log").read_text()
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def balanced(ports: tuple[int, int], folder: Path) -> Iterator[str]:
    """The origin of one before two rosterds that runs as it is deployed, but without TLS."""
    port = free_port()
    (bind,) = (line for line in DEPLOYED.read_text().splitlines() if line.strip().startswith("bind "))
    here = {bind.strip(): f"bind 127.0.0.1:{port}"} | {
        f"10.0.0.{number}:8000": f"127.0.0.1:{there}" for number, there in zip((11, 12), ports, strict=True)
    }
    with haproxy(DEPLOYED.read_text(), here, folder):
        origin = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(origin), "HAProxy answers nothing")
        yield origin


@contextlib.contextmanager
def to_the_primary(nodes: list[Node], folder: Path) -> Iterator[int]:
    """The port of one that leads to Patroni's leader, as the document says."""
    (text,) = re.findall(r"^```text\n(listen .*?)^```", GUIDE.read_text(), re.M | re.S)
    port = free_port()
    here = {"127.0.0.1:5432": f"127.0.0.1:{port}"} | {
        f"{node.name}.example.com:5432 check port 8008": f"127.0.0.1:{node.port} check port {node.rest}"
        for node in nodes
    }
    with haproxy(text, here, folder):
        log = folder / "haproxy.log"
        wait_until(lambda: "is DOWN" in log.read_text(), "it takes all of them for primaries")
        yield port


def answers(origin: str) -> bool:
    """Whether a request comes through to a server that is ready."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{origin}/readyz", verify=NO_TLS).status_code == 200
    return False
