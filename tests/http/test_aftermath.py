"""What answered requests leave is seen to behind the replies of their turn, together and in order."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog

from rosterd.service.request_log import EVERYTHING
from tests.service.management import World, run


def test_requests_are_counted_logged_and_kept_once_the_replies_of_their_turn_have_left(
    tmp_path: Path,
) -> None:
    async def test(world: World) -> None:
        service = world.service
        requests = service.http.observing.requests
        await asyncio.sleep(0)
        before = requests.answered.total()
        with structlog.testing.capture_logs() as lines:
            made = [await world.scim.get(path) for path in ("/Users/nobody", "/Users", "/Users/noone")]
            assert (requests.answered.total() - before, lines) == (0, [])  # all of it was one turn
            await asyncio.sleep(0)
        assert requests.answered.total() - before == 3
        ids, statuses = [reply.headers["x-request-id"] for reply in made], [404, 200, 404]
        assert [reply.status_code for reply in made] == statuses
        assert [(line["event"], line["request_id"], line["status"]) for line in lines] == [
            ("request", id, status) for id, status in zip(ids, statuses, strict=True)
        ]
        await service.journal.flush()
        page = await service.request_log.exchange_page(1, None, None, 3, EVERYTHING)
        assert [row.exchange.request_id for row in page.rows] == ids[::-1]

    run(tmp_path, test)


def test_a_change_whose_reply_nobody_took_is_logged_and_kept(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            raise OSError("the client has gone")

        made = await world.user("ann@example.com")
        await asyncio.sleep(0)
        authorization = world.scim.headers["authorization"].encode()
        scope = {
            "type": "http",
            "method": "DELETE",
            "path": f"/scim/v2/Users/{made['id']}",
            "headers": [(b"host", b"sp.example"), (b"authorization", authorization)],
        }
        with structlog.testing.capture_logs() as lines:
            with pytest.raises(OSError, match="gone"):
                await world.service.http.site(scope, receive, send)
            await asyncio.sleep(0)
        assert [(line["method"], line["status"]) for line in lines] == [("DELETE", 204)]
        await world.service.journal.flush()
        page = await world.service.request_log.exchange_page(1, None, None, 1, EVERYTHING)
        assert [(row.exchange.method, row.exchange.resource) for row in page.rows] == [("DELETE", made["id"])]

    run(tmp_path, test)
