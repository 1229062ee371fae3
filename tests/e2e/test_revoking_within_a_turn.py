"""A token is refused once it is revoked, also inside an application whose loop begins tasks at once."""

import asyncio
import socket
import sqlite3
import sys
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import uvloop

from rosterd.asgi import Rosterd
from rosterd.wiring import Settings, open_service


def begun_at_once(loop: Any, work: Coroutine[Any, Any, Any], **named: Any) -> Any:
    eager: Any = {**named, "eager_start": True}
    return asyncio.Task(work, loop=loop, **eager)


async def asked(app: Rosterd, token: str) -> int:
    """The status of the answer to a request."""
    answer: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        answer.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/scim/v2/Users",
        "headers": [(b"host", b"x"), (b"authorization", f"Bearer {token}".encode())],
    }
    await app(scope, receive, send)
    status: int = answer[0]["status"]
    return status


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no loop begins a task at once there")
def test_a_request_that_came_after_the_revocation_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with open_service(Settings(data=tmp_path)) as service:
            first = await service.setup()
            assert first is not None
        app = Rosterd(tmp_path)
        ours, theirs = socket.socketpair()
        later: asyncio.Future[int] = loop.create_future()

        async def use_and_revoke() -> None:
            assert await asked(app, first.token_text) == 200
            with closing(sqlite3.connect(tmp_path / "rosterd.db", isolation_level=None)) as other:
                other.execute("UPDATE token SET revoked = 1")
            theirs.send(b"a request")

        async def ask() -> None:
            later.set_result(await asked(app, first.token_text))

        def came() -> None:
            loop.remove_reader(ours)
            tasks.append(loop.create_task(ask()))

        async with app.lifespan():
            loop.set_task_factory(begun_at_once)
            loop.add_reader(ours, came)
            tasks = [loop.create_task(use_and_revoke())]
            assert await asyncio.wait_for(later, 20) == 401
            await asyncio.wait(tasks)
        ours.close()
        theirs.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
