"""Disk full, database locked, clock wrong: a clear answer, nothing half done, and recovery by itself."""

import asyncio
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from e2e.faulty import Faulty, faulty, post

from rosterd.http.admit import Admission
from rosterd.http.request import Request
from rosterd.scim import cursor, errors
from rosterd.service.audit import ITSELF
from rosterd.service.tokens import Tokens
from rosterd.wiring import Settings, open_service


@contextmanager
def a_full_disk(server: Faulty) -> Iterator[None]:
    """The server can write to no file any more."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux lets another process limit the size of files")
    assert server.process is not None
    pid = server.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, most))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def a_lock(server: Faulty) -> Iterator[None]:
    """Another program writes, and does not come to an end."""
    other = sqlite3.connect(server.data / "rosterd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.parametrize("fault", [a_full_disk, a_lock])
def test_changes_are_refused_while_it_lasts_reads_are_answered_and_it_passes(
    tmp_path: Path, fault: Callable[[Faulty], Iterator[None]]
) -> None:
    with faulty(tmp_path / "data") as server, server.client() as http:
        acknowledged = {"before"}
        assert post(http, "before").status_code == 201
        server.until("/readyz", 200)
        with fault(server):
            reply = post(http, "during", nickName="x" * 60_000)
            assert reply.status_code == 503
            assert int(reply.headers["retry-after"]) > 0
            assert reply.json()["status"] == "503"
            assert "nothing was changed" in reply.json()["detail"]
            assert http.get("/Users", params={"filter": 'userName eq "before"'}).json()["totalResults"] == 1
            server.until("/readyz", 503)
            assert server.status("/healthz") == 200
            metrics = httpx.get(f"{server.origin}/metrics").text
            failed = metrics.split("\nrosterd_commit_failed_total ")[1].split("\n")[0]
            assert float(failed) >= 1
        server.until("/readyz", 200)
        assert post(http, "after").status_code == 201
        acknowledged.add("after")
        assert server.names() == acknowledged
        assert sorted(server.told()) == sorted(acknowledged), "no event tells of what was not kept"


def test_a_disk_that_is_full_at_the_start_is_told_in_words(tmp_path: Path) -> None:
    server = Faulty(tmp_path / "data")
    with no_room():
        said = server.cli("token", "create", "--quiet", code=5)
    assert "the database cannot be used at present" in said
    assert server.cli("token", "create", "--quiet").startswith("rst_")


@contextmanager
def no_room() -> Iterator[None]:
    """This process and those that it starts can write to no file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


DAY = 86_400_000
START = 1_800_000_000_000


@pytest.mark.parametrize(
    ("shift", "works"),
    [(0, True), (-DAY, True), (-400 * DAY, True), (59_000, True), (61_000, False), (DAY, False)],
)
def test_a_clock_that_jumps_ends_no_token_early_and_gives_it_back_when_it_is_right_again(
    tmp_path: Path, shift: int, works: bool
) -> None:
    async def main() -> None:
        time = [START]
        async with open_service(Settings(data=tmp_path / "data")) as service:
            directory, connection = await service.ensure_default()
            tokens = Tokens(service.control, lambda: time[0], os.urandom)
            _, text = await tokens.issue(directory.id, connection.id, lifetime=60, by=ITSELF)
            admission = Admission(service.control, lambda: time[0])
            sealed = cursor.seal(1, None, binding=b"b" * 32, secret=b"s", expires=START + 60_000)

            async def asks() -> bool:
                headers = [(b"authorization", f"Bearer {text}".encode())]
                scope = {"path": "/", "method": "GET", "headers": headers}
                try:
                    await admission.admit(Request(scope, "r", time[0], 0.0), None)
                    cursor.unseal(sealed, binding=b"b" * 32, secret=b"s", now=time[0])
                except (errors.Unauthorized, errors.ExpiredCursor):
                    return False
                return True

            time[0] = START + shift
            assert await asks() is works
            time[0] = START
            assert await asks()

    asyncio.run(main())
