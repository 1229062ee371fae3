"""Handlers of an application that is killed under load: nothing is lost, nothing is out of order.

``ROSTERD_TEST_KILLS=300`` kills as often as that.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from threading import Thread

import httpx
import pytest
from e2e.embedding import application, rosterd, until

from rosterd.service.feed import Want
from rosterd.wiring import Settings, open_service

KILLS = int(os.environ.get("ROSTERD_TEST_KILLS", "3"))
HERE = Path(__file__).parent


async def committed(data: Path) -> list[str]:
    async with open_service(Settings(data=data)) as service:
        (directory,) = await service.control.directories()
        page, _ = await service.feed.page(directory, 0, Want(("user.*",), 1_000_000))
        return [event["id"] for event in page.events]


def load(scim: httpx.Client, turn: int) -> None:
    """POST users until nobody answers."""
    with contextlib.suppress(httpx.HTTPError):
        for n in range(100_000):
            scim.post("/Users", json={"userName": f"{turn}-{n}"})


def test_an_application_is_killed_under_load_and_its_handler_hears_everything_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, heard = tmp_path / "data", tmp_path / "heard"
    heard.touch()
    monkeypatch.setenv("HEARD", str(heard))
    monkeypatch.setenv("ROSTERD_DELIVERY_LEASE_SECONDS", "1")
    token = rosterd("token", "create", "--quiet", data=data)

    def lines() -> list[str]:
        return heard.read_text().splitlines()

    for turn in range(KILLS):
        with application("handling_child", data, path=HERE) as app, app.scim(token) as scim:
            scim.post("/Users", json={"userName": f"first-{turn}"}).raise_for_status()
            before = len(lines())
            busy = Thread(target=load, args=(scim, turn))
            busy.start()
            until(lambda before=before: len(lines()) > before + 20, app.process, app.log)
            app.process.kill()
            busy.join()
    wanted = asyncio.run(committed(data))
    with application("handling_child", data, path=HERE) as app:
        until(lambda: len(set(lines())) >= len(wanted), app.process, app.log)
    assert list(dict.fromkeys(lines())) == wanted
    assert len(wanted) > 20 * KILLS
