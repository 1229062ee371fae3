"""The second factor as pages: setting it up, logging in by it, losing it, and where it is required."""

import time
from pathlib import Path

import pytest
from console.pages import Shown, Visit, World, run
from service.phone import shown

from rosterd.service.administrators import Administrator
from rosterd.service.login import FREE
from rosterd.service.visitor import OWNER, VIEWER
from rosterd.testing.scenario import BY

PASSWORD = "correct horse battery"
HERE = "/account/second-factor"


async def ann(world: World, role: str = VIEWER) -> Administrator:
    return await world.service.access.administrators.create("Ann", role, password=PASSWORD, by=BY)


async def enter(visit: Visit, **more: str) -> Shown:
    """Send the log-in form."""
    return await visit.post("/login", name="ann", password=PASSWORD, **more)


async def inside(visit: Visit) -> Shown:
    """The own account, whose forms the visitor can send from then on."""
    page = await visit.get("/account")
    assert page.heading == "Ann", page.words
    visit.csrf = page.values("csrf")[0]
    return page


def code(secret: str, steps: int = 0) -> str:
    return shown(secret, time.time(), steps)


async def equipped(world: World) -> tuple[Visit, str, list[str]]:
    """Ann within the console, the secret of her app, and her recovery codes."""
    await ann(world)
    visit = world.guest()
    await enter(visit)
    assert "Set up an authenticator app" in (await inside(visit)).words
    page = await visit.get(HERE)
    secret = page.value("secret")
    done = await visit.post(HERE, offer=page.values("offer")[0], password=PASSWORD, code=code(secret, -1))
    assert (done.status, done.heading) == (200, "Recovery codes")
    return visit, secret, done.words.split("in place of its code.")[1].split("I have them")[0].split()


async def asked(visit: Visit, **more: str) -> str:
    """The ticket that comes with the question for a code."""
    page = await enter(visit, **more)
    assert (page.status, page.heading) == (200, "Type the code")
    assert "set-cookie" not in page.response.headers
    return page.values("ticket")[0]


def test_an_app_is_set_up_by_a_picture_or_letters_and_asked_for_at_the_next_log_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit, secret, codes = await equipped(world)
        assert len(codes) == 10
        words = (await inside(visit)).words
        assert "on set up" in words and "Recovery codes left 10" in words
        page = await visit.get(HERE)
        assert secret.replace(" ", "") not in page.html.replace(" ", "")
        fresh = world.guest()
        ticket = await asked(fresh, next="/directories")
        wrong = await fresh.post("/login/code", ticket=ticket, code="000000", next="/directories")
        assert (wrong.status, wrong.heading) == (401, "Type the code")
        assert "The code is not right." in wrong.words
        assert wrong.values("ticket") == [ticket] and wrong.values("next") == ["/directories"]
        done = await fresh.post("/login/code", ticket=ticket, code=code(secret), next="/directories")
        assert done.leads_to == "/directories"
        await inside(fresh)

    run(tmp_path, test)


def test_the_picture_is_a_qr_code_of_the_address(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        visit = world.guest()
        await enter(visit)
        page = await visit.get(HERE)
        assert page.html.count("<svg") - page.html.count('<svg class="chart') >= 1
        assert 'class="qr"' in page.html and "otpauth" not in page.html
        assert page.response.headers["cache-control"] == "no-store"

    run(tmp_path, test)


@pytest.mark.parametrize("name", ["x" * 254, "\U0001f600" * 254, "a:b?c&d=e/f#g", "%41"], ids=ascii)
def test_any_name_fits_into_the_picture(tmp_path: Path, name: str) -> None:
    async def test(world: World) -> None:
        made = world.service.access.administrators.create
        await made(name, VIEWER, password=PASSWORD, by=BY)
        await world.service.preferences.change({"secondFactorRequired": True}, by=BY)
        visit = world.guest()
        page = await visit.post("/login", name=name, password=PASSWORD)
        assert (page.status, page.heading) == (200, "Set up a second factor")
        fields = {n: page.values(n)[0] for n in ("ticket", "offer", "next")}
        done = await visit.post("/login/code", fields, code=code(page.value("secret")))
        assert (done.status, done.heading) == (200, "Recovery codes")

    run(tmp_path, test)


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_code_leads_nowhere_else(tmp_path: Path, to: str) -> None:
    async def test(world: World) -> None:
        _, secret, _ = await equipped(world)
        visit = world.guest()
        done = await visit.post("/login/code", ticket=await asked(visit), code=code(secret), next=to)
        assert done.leads_to == "/"

    run(tmp_path, test)


def test_a_ticket_that_does_not_hold_leads_back_to_the_log_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, secret, _ = await equipped(world)
        visit = world.guest()
        ticket = await asked(visit)
        for each in ("", "x", ticket[:-1], "\ud7ff.\1", "a.b.c.d"):
            page = await visit.post("/login/code", ticket=each, code=code(secret))
            assert (page.status, page.heading) == (403, "Log in")
            assert "Log in again" in page.words

    run(tmp_path, test)


def test_whoever_guesses_codes_is_told_when_to_try_again(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, secret, _ = await equipped(world)
        visit = world.guest()
        ticket = await asked(visit)
        for _ in range(FREE):
            await visit.post("/login/code", ticket=ticket, code="000000")
        page = await visit.post("/login/code", ticket=ticket, code=code(secret))
        assert (page.status, page.heading) == (429, "Type the code")
        assert 0 < int(page.response.headers["retry-after"]) <= 30

    run(tmp_path, test)


def test_recovery_codes_are_made_anew_and_the_app_is_removed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit, secret, codes = await equipped(world)
        await inside(visit)
        for fields in ({"password": "wrong", "code": code(secret)}, {"password": PASSWORD, "code": "000000"}):
            for address in (f"{HERE}/recovery-codes", f"{HERE}/remove"):
                page = await visit.post(address, fields)
                assert (page.status, page.heading) == (403, "Second factor")
                assert "is not right" in page.words
        renewed = await visit.post(f"{HERE}/recovery-codes", password=PASSWORD, code=codes[0])
        assert renewed.heading == "Recovery codes" and codes[1] not in renewed.words
        removed = await visit.post(f"{HERE}/remove", password=PASSWORD, code=code(secret))
        assert removed.leads_to == "/account"
        assert (await enter(world.guest())).leads_to == "/"

    run(tmp_path, test)


def test_an_owner_sees_who_has_one_and_removes_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit, _, _ = await equipped(world)
        owner = await world.visit(OWNER)
        found = await world.service.access.administrators.named("ann")
        page = await owner.get(f"/administrators/{found.id}")
        assert "Second factor authenticator app, set up" in page.words
        viewer = await world.visit(VIEWER)
        assert (await viewer.post(f"/administrators/{found.id}/remove-second-factor")).status == 403
        done = await owner.post(f"/administrators/{found.id}/remove-second-factor", confirm="yes")
        assert done.leads_to == f"/administrators/{found.id}"
        assert "Second factor none" in (await owner.follow(done)).words
        assert (await visit.get("/account")).leads_to.startswith("/login")
        assert (await enter(world.guest())).leads_to == "/"

    run(tmp_path, test)


def test_where_it_is_required_the_next_log_in_sets_it_up(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        owner = await world.visit(OWNER)
        settings = await owner.get("/settings")
        assert "Require a second factor" in settings.words
        await world.service.preferences.change({"secondFactorRequired": True}, by=BY)
        visit = world.guest()
        page = await enter(visit, next="/account")
        assert (page.status, page.heading) == (200, "Set up a second factor")
        secret, fields = page.value("secret"), {n: page.values(n)[0] for n in ("ticket", "offer", "next")}
        wrong = await visit.post("/login/code", fields, code="000000")
        assert (wrong.status, wrong.heading) == (400, "Set up a second factor")
        assert wrong.value("secret") == secret
        done = await visit.post("/login/code", fields, code=code(secret))
        assert (done.status, done.heading) == (200, "Recovery codes")
        assert 'href="/account"' in done.html
        await inside(visit)
        again = world.guest()
        assert await asked(again)

    run(tmp_path, test)


def test_whoever_comes_by_openid_only_has_none_here(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)
        assert "Second factor" not in (await visit.get("/account")).words
        for page in (await visit.get(HERE), await visit.post(HERE, code="1", offer="AAAA", password="x")):
            assert page.status == 404
            assert "OpenID" in page.words

    run(tmp_path, test)
