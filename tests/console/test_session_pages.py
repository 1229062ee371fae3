"""A session beside its log-in: cookies that need none, use that is none, and who asked in the log."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import structlog
from console.pages import Shown, Visit, World, run

from rosterd.service.administrators import Administrator
from rosterd.service.sessions import IDLE
from rosterd.service.visitor import VIEWER
from rosterd.testing.scenario import BY

PASSWORD = "correct horse battery"


async def ann(world: World) -> Administrator:
    return await world.service.access.administrators.create("Ann", VIEWER, password=PASSWORD, by=BY)


async def enter(visit: Visit) -> None:
    assert (await visit.post("/login", name="ann", password=PASSWORD)).status == 303


def cookies(shown: Shown) -> Mapping[str, str]:
    """The cookies that a reply sets: name → the rest."""
    lines = shown.response.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


def test_cookies_of_no_session_have_the_same_names_and_are_read_by_them(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        transport = httpx.ASGITransport(world.service.http.site)
        async with httpx.AsyncClient(transport=transport, base_url="https://sp.example") as client:
            visit = Visit(client)
            chosen = cookies(await visit.send("/theme", {"theme": "dark", "back": "/login"}))
            assert "Secure" in chosen["__Host-theme"]
            told = await visit.send("/logout", {})
            assert {"__Host-notice", "__Host-rosterd"} == set(cookies(told))
            page = await visit.follow(told)
            assert 'data-theme="dark"' in page.html
            assert "You are logged out" in page.words
            assert "You are logged out" not in (await visit.get("/login")).words

    run(tmp_path, test)


def test_a_page_that_refreshes_itself_keeps_no_session_awake(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        own = (await ann(world)).id
        visit, sessions = world.guest(), world.service.access.sessions
        await enter(visit)
        now = sessions._now
        sessions._now = lambda: now() + IDLE // 2
        assert (await visit.client.get("/account", headers={"X-Refresh": "1"})).status_code == 200
        (before,) = await sessions.list(own)
        assert (await visit.get("/account")).status == 200
        (after,) = await sessions.list(own)
        assert after.seen >= before.seen + IDLE // 2

    run(tmp_path, test)


def test_the_log_of_a_refused_page_says_whose_session_asked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await ann(world)
        visit = world.guest()
        await enter(visit)
        (own,) = await world.service.access.sessions.list(made.id)
        with structlog.testing.capture_logs() as lines:
            assert (await visit.get("/administrators")).status == 403
            assert (await world.guest().get("/administrators")).status == 303
        assert [(line["status"], line["session"]) for line in lines] == [(403, own.id), (303, None)]
        (created,) = await world.service.control.audit_page(None, None, 10, "session.created")
        assert created.entry.target == f"session {own.id} of administrator 'Ann'"

    run(tmp_path, test)
