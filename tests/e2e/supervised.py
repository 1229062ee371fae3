"""``rosterd serve --workers`` as a process, and load on it by clients that excuse nothing."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from judges.harness import NO_TLS, environment, free_port, user

from rosterd.wiring import Service, Settings, open_service

Clients = list[httpx.AsyncClient]
# The command, its workers started by an interpreter that does not work while there is a file ``broken``.
COMMAND = "import sys; sys.executable = sys.argv.pop(1); {first}from rosterd.cli import main; main()"
INTERPRETER = """#!/bin/sh
test -e {folder}/broken && exit 3
exec {python} "$@"
"""


def said(log: Path, event: str) -> list[dict[str, Any]]:
    """The lines of a log about such an event."""
    return [json.loads(line) for line in log.read_text().splitlines() if event in line]


def pids(log: Path) -> dict[int, int]:
    """The workers that serve by what a log says, by their numbers."""
    return {entry["worker"]: entry["pid"] for entry in said(log, '"a worker serves"')}


@dataclass
class Served:
    """A running ``rosterd serve --workers``."""

    process: "subprocess.Popen[bytes]"
    port: int
    settings: Settings
    log: Path
    token: str = ""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self, event: str) -> list[dict[str, Any]]:
        """What it logged of such an event."""
        return said(self.log, event)

    def pids(self) -> dict[int, int]:
        """The processes that serve, by their numbers."""
        return pids(self.log)

    @contextlib.asynccontextmanager
    async def clients(self, count: int) -> AsyncIterator[Clients]:
        """Clients of one connection each, which stay open."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with contextlib.AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=self.origin, headers=headers, timeout=30, verify=NO_TLS)
                )
                for _ in range(count)
            ]

    async def service(self, work: "Callable[[Service], Awaitable[Any]]") -> Any:
        """Do something beside the server, as a command does."""
        async with open_service(replace(self.settings, delivery="off")) as service:
            return await work(service)


async def until(condition: Callable[[], object], seconds: float = 90) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it waits for another process
            await asyncio.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def start(settings: Settings, workers: int, folder: Path, first: str = "") -> Served:
    """``first`` is done in the supervisor before its command."""
    interpreter, port, log = folder / "python", free_port(), folder / "log"
    settings = replace(
        settings, workers=workers, port=port, database_connections=4, egress_allow="127.0.0.0/8"
    )
    interpreter.write_text(INTERPRETER.format(folder=folder, python=sys.executable))
    interpreter.chmod(0o700)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND.format(first=first), str(interpreter), "serve", "--quiet"],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env={**environment(), **settings.environment, "TMPDIR": str(folder)},
        )
    return Served(process, port, settings, log)


@contextlib.contextmanager
def serving(
    settings: Settings,
    workers: int,
    folder: Path,
    first: str = "",
    errors: Collection[str] = ("workers are not replaced",),
    token: str = "",
) -> Iterator[Served]:
    """``errors`` are those that the test makes; no others are logged."""
    served = start(settings, workers, folder, first)
    served.token = token
    process, log = served.process, served.log
    try:
        asyncio.run(until(lambda: len(served.pids()) == workers or process.poll() is not None))
        assert process.poll() is None, log.read_text()
        yield served
    finally:
        if process.poll() is None:  # each test of its end waits for that itself
            process.terminate()
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
    text = log.read_text()
    told = [line for line in text.splitlines() if '"level":"error"' in line]
    others = [line for line in told if not any(known in line for known in errors)]
    assert others == [], others
    assert "Traceback" not in text, text


class Refused(Exception):
    """A request got no reply."""


@dataclass
class Strict:
    """A client that keeps its connection until it is told to close it, and never sends a request twice."""

    served: Served
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the document of a reply. Raises ``Refused``."""
        content = json.dumps(body).encode()
        head = (
            f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.served.token}\r\n"
            f"Content-Type: application/scim+json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        try:
            if self.streams is None:
                self.streams = await asyncio.open_connection("127.0.0.1", self.served.port)
            reader, writer = self.streams
            writer.write(head.encode() + content)
            told = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            fields = dict(line.split(": ", 1) for line in told[1:] if line)
            document = json.loads(await reader.readexactly(int(fields["content-length"])))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Refused(repr(error)) from error
        if fields.get("connection") == "close":
            self.close()
        return int(told[0].split()[1]), document

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


@dataclass
class Load:
    """Users that are made over many connections, without an end."""

    served: Served
    acknowledged: list[str]
    refused: list[str]

    async def run(self, name: str) -> None:
        async def work(client: Strict, mine: str) -> None:
            number = 0
            try:
                while True:
                    number += 1
                    await asyncio.sleep(0.02)  # the workers that start want the processors as well
                    try:
                        status, document = await client.post(user(f"{mine}-{number}"))
                    except Refused as refused:
                        self.refused.append(str(refused))
                        continue
                    (self.acknowledged if status == 201 else self.refused).append(
                        document.get("id") or repr(document)
                    )
            finally:
                client.close()

        await asyncio.gather(*(work(Strict(self.served), f"{name}-{n}") for n in range(6)))

    async def lost(self, client: httpx.AsyncClient) -> list[str]:
        """Those that were acknowledged and are not there."""
        found: set[str] = set()
        while True:
            query: dict[str, str | int] = {"attributes": "id", "count": 500, "startIndex": len(found) + 1}
            reply = await client.get("/scim/v2/Users", params=query)
            assert reply.status_code == 200, reply.text
            page = reply.json()
            found.update(resource["id"] for resource in page.get("Resources", ()))
            if len(found) >= page["totalResults"] or not page.get("Resources"):
                return [id for id in self.acknowledged if id not in found]


@contextlib.asynccontextmanager
async def loaded(served: Served, name: str) -> AsyncIterator[Load]:
    """Load for as long as the context lasts; it has begun."""
    load = Load(served, [], [])
    task = asyncio.create_task(load.run(name))
    try:
        await until(lambda: len(load.acknowledged) > 20)
        yield load
    finally:
        task.cancel()
        await asyncio.wait((task,))


@contextlib.contextmanager
def half_sent(served: Served, name: str, count: int) -> Iterator[Callable[[], list[bytes]]]:
    """Requests of which a server has the head and has asked for the rest; the call sends that."""
    body = json.dumps(user(name)).encode()
    head = (
        f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.token}\r\n"
        "Content-Type: application/scim+json\r\nExpect: 100-continue\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=30))
            for _ in range(count)
        ]
        for connection in opened:
            connection.sendall(head)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 100")

        def finish() -> list[bytes]:
            for connection in opened:
                connection.sendall(body)
            return sorted(connection.recv(65_536)[:12] for connection in opened)

        yield finish


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False
