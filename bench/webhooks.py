"""How many webhooks one worker delivers: a server with events that wait, and a receiver that does nothing.

The messages of one directory come strictly after each other, so one directory is bounded by round trips;
several directories are delivered side by side.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import uvloop

from bench.servers import RECIPES, free_port, running, usage
from rosterd.service.audit import COMMAND_LINE, Actor
from rosterd.service.events import Event
from rosterd.service.ports import Writer
from rosterd.wiring import Settings, open_service

BY: Final = Actor(COMMAND_LINE, "bench")
ALLOW: Final = "127.0.0.0/8"
_ANSWER: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Scenario:
    """Directories, events in each, and events to a message."""

    directories: int
    events: int
    batch: int = 1


SCENARIOS: Final = (Scenario(1, 4000), Scenario(16, 500), Scenario(1, 20_000, 100), Scenario(16, 2000, 100))


class _Receiver(asyncio.Protocol):
    """Counts requests; ``seen`` is told of each one's arrival."""

    def __init__(self, seen: Callable[[], None]) -> None:
        self._seen = seen
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            start = head.index(b"content-length:") + 15
            length = int(head[start : (head + b"\r\n").index(b"\r\n", start)])
            if len(self._buffer) < end + 4 + length:
                return
            del self._buffer[: end + 4 + length]
            self._seen()
            if self._transport is not None:
                self._transport.write(_ANSWER)


async def _fill(data: Path, url: str, scenario: Scenario) -> int:
    """Events that wait, and a webhook that gets them; the number of messages."""

    async def work(tx: Writer) -> None:
        for number in range(scenario.events):
            after = {"userName": f"user-{number}@example.com", "active": True, "title": "Engineer"}
            event = Event("user.created", "User", f"id-{number}", 1, 1, "bench", {"after": after})
            await tx.append(event)

    async with open_service(Settings(data=data, egress_allow=ALLOW)) as service:
        homes = [await service.directories.create(f"d{n}", by=BY) for n in range(scenario.directories)]
        await service.webhooks.create(url, max_events=scenario.batch, by=BY)
        for home in homes:
            await service.store.write(home.id, work)
    return scenario.directories * -(-scenario.events // scenario.batch)


async def _measure(scenario: Scenario, where: Path | None) -> str:
    times: list[float] = []
    complete = asyncio.Event()
    expected = 0

    def seen() -> None:
        times.append(time.perf_counter())
        if len(times) >= expected > 0:
            complete.set()

    port = free_port()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: _Receiver(seen), "127.0.0.1", port)
    with tempfile.TemporaryDirectory(prefix="bench-webhooks-", dir=where) as folder:
        data = Path(folder, "data")
        expected = await _fill(data, f"http://127.0.0.1:{port}/", scenario)
        ours = RECIPES["rosterd"]
        recipe = replace(
            ours,
            command=[part.replace("{data}", str(data)) for part in ours.command],
            environment={"ROSTERD_EGRESS_ALLOW": ALLOW},
            token=lambda _: "",
        )
        server = running(recipe, where)
        started = await asyncio.to_thread(server.__enter__)
        try:
            async with asyncio.timeout(_SECONDS):
                await complete.wait()
            await asyncio.sleep(0.2)  # what is left to write down
            spent = usage(started.pid)
        finally:
            await asyncio.to_thread(server.__exit__, None, None, None)
    listener.close()
    seconds = times[-1] - times[0]
    cpu = f", {spent.cpu / len(times) * 1000:.2f} s of CPU per 1,000 with the server's start" if spent else ""
    return (
        f"{scenario.directories:>2} directories, {scenario.batch:>3} events to a message: "
        f"{(len(times) - 1) / seconds:,.0f} webhooks/s, {scenario.batch * (len(times) - 1) / seconds:,.0f} "
        f"events/s ({len(times)} webhooks in {seconds:.2f} s{cpu})"
    )


def measure(say: Callable[[str], None], where: Path | None) -> None:
    """Run every scenario once and tell."""
    for scenario in SCENARIOS:
        say(uvloop.run(_measure(scenario, where)))
