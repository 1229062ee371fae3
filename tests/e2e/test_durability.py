"""What was acknowledged is there afterwards, whether the server was told to stop or was killed."""

import asyncio
import contextlib
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
from judges.harness import COMMAND, environment, free_port

from rosterd.scim import urns
from rosterd.scim.listing import from_query
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.caller import Caller
from rosterd.service.queries import Queries
from rosterd.wiring import Settings, open_service
from rosterd.wiring.ids import now

CLIENTS = 8
ENOUGH = 150


async def write_until_the_server_goes(
    url: str, token: str, process: "subprocess.Popen[bytes]", stop: signal.Signals
) -> set[str]:
    """POST users, stop the server meanwhile; those acknowledged."""
    acknowledged: set[str] = set()

    async def client(number: int) -> None:
        headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
            for turn in range(2000):
                body = {"schemas": [urns.USER], "userName": f"user-{number}-{turn}"}
                try:
                    response = await http.post("/Users", json=body)
                except httpx.HTTPError:
                    return
                assert response.status_code == 201
                acknowledged.add(body["userName"])
                if len(acknowledged) == ENOUGH:
                    process.send_signal(stop)

    await asyncio.gather(*(client(n) for n in range(CLIENTS)))
    return acknowledged


async def kept(data: Path) -> tuple[set[str], list[str]]:
    """The userNames in the database, and the users of the feed's user.created events."""
    async with open_service(Settings(data=data)) as service:
        directory, connection = await service.ensure_default()
        caller = Caller(directory, connection, (), CORE_MODEL, "http://x", "test")
        queries = Queries(service.store, now, b"secret")
        names: set[str] = set()
        for start in range(1, 100_000, 1000):
            request = from_query([("startIndex", str(start)), ("count", "1000")])
            listing = await queries.list(caller, (CORE_MODEL.types["User"],), request)
            names |= {v.row.document.split(b'"userName":"')[1].split(b'"')[0].decode() for v in listing.views}
            if start + 1000 > listing.total:
                break
        feed = await service.store.reader(directory.id).events(0, 100_000)
        assert [e.seq for e in feed] == list(range(1, len(feed) + 1))
        return names, [e.event.data["after"]["userName"] for e in feed]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_every_acknowledged_write_is_there_and_told_once(tmp_path: Path, stop: signal.Signals) -> None:
    data, port = tmp_path / "data", free_port()
    token = subprocess.run(
        [*COMMAND, "token", "create", "--data", str(data), "--quiet"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    ).stdout.strip()
    process = subprocess.Popen(
        [*COMMAND, "serve", "--data", str(data), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    try:
        url = f"http://127.0.0.1:{port}/scim/v2"
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{url}/ServiceProviderConfig")
                break
            asyncio.run(asyncio.sleep(0.05))
        acknowledged = asyncio.run(write_until_the_server_goes(url, token, process, stop))
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert len(acknowledged) >= ENOUGH
    names, told = asyncio.run(kept(data))
    assert acknowledged <= names
    assert sorted(told) == sorted(names), "state and feed are one transaction"
    if stop is signal.SIGTERM:
        # Connections that the server had not read from yet are cut off, and nothing is done for them.
        assert names == acknowledged, "what a graceful stop carries out, it answers"
