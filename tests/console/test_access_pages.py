"""The ways in and out of the console, one's own account, administrators, and set-up links, as pages."""

import re
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import structlog
from console.pages import ORIGIN, Shown, Visit, World, run

from rosterd.service.administrators import Administrator
from rosterd.service.login import FREE
from rosterd.service.visitor import OPERATOR, OWNER, VIEWER
from rosterd.testing.scenario import BY

PASSWORD = "correct horse battery"


async def ann(world: World, role: str = OWNER) -> Administrator:
    return await world.service.access.administrators.create("Ann", role, password=PASSWORD, by=BY)


async def enter(visit: Visit, name: str = "ann", password: str = PASSWORD, **more: str) -> Shown:
    """Send the log-in form."""
    return await visit.post("/login", name=name, password=password, **more)


def cookies(shown: Shown) -> Mapping[str, str]:
    """The cookies that a reply sets: name → the rest."""
    lines = shown.response.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


# Logging in


def test_a_guest_is_led_to_the_log_in_and_back(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        visit = world.guest()
        login = await visit.get("/account")
        assert login.leads_to == "/login?next=%2Faccount"
        page = await visit.follow(login)
        assert (page.status, page.heading) == (200, "Log in")
        assert page.values("next") == ["/account"]
        assert page.values("password") == [""]
        done = await enter(visit, next="/account")
        assert done.leads_to == "/account"
        assert (await visit.follow(done)).heading == "Ann"
        assert (await visit.get("/login")).leads_to == "/"

    run(tmp_path, test)


@pytest.mark.parametrize(
    "odd", ['x={"a": 1}', "a b=1", "path=/", "flag", "=nothing", "e=1, 2", 'q="open', "\xe9=1"], ids=ascii
)
def test_an_odd_cookie_of_a_neighbour_ends_no_session(tmp_path: Path, odd: str) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)
        own = f"rosterd={visit.client.cookies['rosterd']}"
        for header in (f"{odd}; {own}", f"{own}; {odd}"):
            response = await world.guest().client.get(
                "/account", headers={"Cookie": header.encode("latin-1")}
            )
            assert response.status_code == 200

    run(tmp_path, test)


@pytest.mark.parametrize("host", ["[abc", "a]b", "[::1", "sp.example:http", "\xe9.example", "a,b"], ids=ascii)
def test_a_host_that_is_none_gets_a_page_and_is_told_nowhere(tmp_path: Path, host: str) -> None:
    async def test(world: World) -> None:
        response = await world.guest().client.get("/login", headers={"Host": host.encode("latin-1")})
        assert response.status_code == 200
        assert host not in response.text

    run(tmp_path, test)


def test_a_form_at_another_address_is_told_the_right_one(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        form = {"name": "ann", "password": PASSWORD}
        shown = await world.guest().send("/login", form, Origin=ORIGIN)
        assert shown.status == 403
        assert "https://scim.example" in shown.words

    run(tmp_path, test, base_url="https://scim.example")


def test_somebody_with_a_set_up_link_can_log_in_and_is_led_nowhere_else(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        visit = await world.visit(connection=world.okta)
        setup = "/directories/acme/connections/okta/setup"
        assert 'href="/"' not in (await visit.get(setup)).html
        assert "To your set-up" in (await visit.get("/audit")).words
        assert (await visit.get("/")).leads_to == setup
        login = await visit.get("/login")
        assert (login.status, login.heading) == (200, "Log in")
        assert (await enter(visit)).leads_to == "/"
        assert (await visit.get("/account")).heading == "Ann"

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("base_url", "prefix", "secure"),
    [(None, "", False), ("http://sp.example", "", False), ("https://sp.example", "__Host-", True)],
)
def test_the_cookie_is_for_this_host_and_no_script(
    tmp_path: Path, base_url: str | None, prefix: str, secure: bool
) -> None:
    async def test(world: World) -> None:
        await ann(world)
        shown = await enter(world.guest())
        for name in ("rosterd", "rosterd-browser"):
            attributes = cookies(shown)[prefix + name].split("; ")[1:]
            assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(attributes)
            assert ("Secure" in attributes) is secure
            assert not any(attribute.startswith("Domain") for attribute in attributes)

    run(tmp_path, test, base_url=base_url)


def test_behind_a_proxy_with_tls_the_cookie_is_a_secure_one(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        transport = httpx.ASGITransport(world.service.http.site)
        async with httpx.AsyncClient(transport=transport, base_url="https://sp.example") as client:
            shown = await enter(Visit(client))
            assert "__Host-rosterd" in cookies(shown)
            assert (await client.get("/account")).status_code == 200

    run(tmp_path, test)


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong password"), ("nobody", PASSWORD)])
def test_a_wrong_log_in_shows_the_form_again_with_the_name_only(
    tmp_path: Path, name: str, password: str
) -> None:
    async def test(world: World) -> None:
        await ann(world)
        visit = world.guest()
        shown = await enter(visit, name, password, next="/account")
        assert shown.status == 401
        assert "Name and password do not fit together" in shown.words
        assert (shown.values("name"), shown.values("password")) == ([name], [""])
        assert shown.values("next") == ["/account"]
        assert cookies(shown) == {}
        assert password not in shown.html

    run(tmp_path, test)


def test_after_too_many_failures_the_page_says_how_long_to_wait(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        visit = world.guest()
        for _ in range(FREE):
            await enter(visit, password="wrong password")
        shown = await enter(visit)
        assert shown.status == 429
        seconds = int(shown.response.headers["retry-after"])
        assert 0 < seconds <= 30
        assert f"Try again in {seconds} second" in shown.words

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("to", "leads"),
    [
        ("/account", "/account"),
        ("/directories/acme/users?q=a%20b&x=1", "/directories/acme/users?q=a%20b&x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/a%0D%0ASet-Cookie:%20x=y"),
        ("", "/"),
    ],
)
def test_a_log_in_leads_to_a_page_of_ours_only(tmp_path: Path, to: str, leads: str) -> None:
    async def test(world: World) -> None:
        await ann(world)
        assert (await enter(world.guest(), next=to)).leads_to == leads

    run(tmp_path, test)


def test_a_log_in_and_a_log_out_end_the_session_before(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        visit = world.guest()
        await enter(visit)
        before = visit.client.cookies["rosterd"]
        visit.csrf = (await visit.get("/account")).values("csrf")[0]
        assert (await enter(visit)).status == 303
        assert visit.client.cookies["rosterd"] != before
        stale = world.guest()
        stale.client.cookies.set("rosterd", before, domain="sp.example", path="/")
        assert (await stale.get("/account")).status == 303
        value = visit.client.cookies["rosterd"]
        page = await visit.get("/account")
        done = await visit.send("/logout", {"csrf": page.values("csrf")[0]})
        assert done.leads_to == "/login"
        assert "rosterd" not in visit.client.cookies
        stale.client.cookies.set("rosterd", value, domain="sp.example", path="/")
        assert (await stale.get("/account")).status == 303

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": ORIGIN}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://sp.example:8080"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403),
    ],
)
def test_another_site_logs_nobody_in(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    async def test(world: World) -> None:
        await ann(world)
        shown = await world.guest().send("/login", {"name": "ann", "password": PASSWORD}, **headers)
        assert shown.status == status

    run(tmp_path, test)


def forms(world: World) -> list[str]:
    """The addresses of my forms."""
    return [
        "/logout",
        "/account/password",
        "/account/sessions/end",
        "/administrators",
        "/administrators/x",
        "/administrators/x/disable",
    ]


def test_no_form_is_taken_without_the_sessions_own_token(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit, other = await world.visit(), await world.visit()
        for path in forms(world):
            for csrf in ("", "x", other.csrf, visit.csrf[:-1]):
                shown = await visit.send(path, {"csrf": csrf, "name": "x", "role": OWNER})
                assert shown.status == 403, path
        assert (await visit.get("/account")).status == 200
        assert len(await world.service.control.administrator_page(None, "", 99)) == 2

    run(tmp_path, test)


# One's own account


def test_one_changes_ones_password_and_sees_and_ends_ones_sessions(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world, VIEWER)
        here, there, third = world.guest(), world.guest(), world.guest()
        for visit in (here, there, third):
            await enter(visit)
        here.csrf = (await here.get("/account")).values("csrf")[0]
        sessions = await world.service.access.sessions.list(
            (await world.service.access.administrators.named("ann")).id
        )
        assert len(sessions) == 3
        assert (await here.post(f"/account/sessions/{sessions[1].id}/end")).leads_to == "/account"
        assert (await there.get("/account")).status == 303
        assert (await here.post("/account/sessions/nothing/end")).status == 404
        assert (await here.post("/account/sessions/end")).leads_to == "/account"
        assert (await third.get("/account")).status == 303
        for old, new, again, status in (
            ("wrong", "another pass phrase now", "another pass phrase now", 403),
            (PASSWORD, "another pass phrase now", "not the same one", 400),
            (PASSWORD, "short", "short", 400),
        ):
            shown = await here.post("/account/password", old=old, new=new, again=again)
            assert (shown.status, shown.heading) == (status, "Ann")
            assert not any(text in shown.html for text in (old, new, again) if len(text) > 5)
        changed = {"old": PASSWORD, "new": "another pass phrase now", "again": "another pass phrase now"}
        page = await here.follow(await here.post("/account/password", changed))
        assert "Your password is changed" in page.words
        assert (await enter(world.guest())).status == 401
        assert (await enter(world.guest(), password="another pass phrase now")).status == 303

    run(tmp_path, test)


# Administrators


def test_an_owner_makes_an_administrator_whose_password_is_shown_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        shown = await owner.post("/administrators", name="bob", role=OPERATOR, directory="acme")
        password = shown.value("password")
        assert re.fullmatch(r"[a-z2-9]{4}(-[a-z2-9]{4}){6}", password)
        page = await owner.get("/administrators")
        assert "bob" in page.words
        assert password not in page.html
        visit = world.guest()
        await enter(visit, "bob", password)
        assert (await visit.get("/account")).heading == "bob"
        bob = await world.service.access.administrators.named("bob")
        assert (bob.role, bob.directory) == (OPERATOR, world.acme.id)
        again = await owner.post("/administrators", name="BOB", role=OPERATOR)
        assert (again.status, again.heading) == (409, "Administrators")
        assert again.values("name") == ["BOB"]
        nowhere = await owner.post("/administrators", name="eve", role=OPERATOR, directory="nowhere")
        assert nowhere.status == 404

    run(tmp_path, test)


def test_an_owner_changes_disables_and_removes(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        bob = await ann(world, VIEWER)
        here = f"/administrators/{bob.id}"
        visit = world.guest()
        await enter(visit)
        assert "python-httpx" in (await owner.get(here)).words
        changed = await owner.follow(await owner.post(here, role=OPERATOR, directory="acme"))
        assert "'Ann' is changed." in changed.words
        found = await world.service.access.administrators.find(bob.id)
        assert (found.role, found.directory) == (OPERATOR, world.acme.id)
        assert (await visit.get("/account")).status == 200
        assert (await owner.post(f"{here}/disable")).leads_to == here
        assert (await visit.get("/account")).status == 303
        assert (await enter(visit)).status == 401
        assert (await owner.post(f"{here}/enable")).leads_to == here
        new = (await owner.post(f"{here}/password")).value("password")
        await enter(visit, password=new)
        (session,) = await world.service.access.sessions.list(bob.id)
        assert (await owner.post(f"{here}/sessions/{session.id}/end")).leads_to == here
        assert (await visit.get("/account")).status == 303
        assert (await owner.post(f"{here}/log-out")).leads_to == here
        assert (await owner.post(f"{here}/explode")).status == 404
        assert (await owner.post(f"{here}/remove")).leads_to == "/administrators"
        assert (await owner.get(here)).status == 404

    run(tmp_path, test)


def test_the_last_owner_stays(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        (own,) = await world.service.control.administrator_page(None, "", 9)
        here = f"/administrators/{own.id}"
        for path, form in ((here, {"role": VIEWER}), (f"{here}/disable", {}), (f"{here}/remove", {})):
            shown = await owner.post(path, form)
            assert shown.status == 409
            assert "last enabled owner" in shown.words
        assert (await owner.get(here)).status == 200

    run(tmp_path, test)


@pytest.mark.parametrize("role", [VIEWER, OPERATOR])
def test_only_owners_see_administrators(tmp_path: Path, role: str) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(role)
        assert (await visit.get("/administrators")).status == 403
        assert (await visit.post("/administrators", name="eve", role=OWNER)).status == 403

    run(tmp_path, test)


def test_a_bound_owner_sees_and_makes_those_of_the_own_directory_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        free = await ann(world)
        bound = await world.visit(directory="acme")
        page = await bound.get("/administrators")
        assert "Ann" not in page.words
        for path in ("", "/disable", "/remove", "/password"):
            shown = await bound.post(f"/administrators/{free.id}{path}", role=VIEWER)
            assert shown.status == 404
        await bound.post("/administrators", name="bob", role=OWNER, directory="other")
        bob = await world.service.access.administrators.named("bob")
        assert bob.directory == world.acme.id
        await bound.post(f"/administrators/{bob.id}", role=OWNER, directory="")
        assert (await world.service.access.administrators.named("bob")).directory == world.acme.id

    run(tmp_path, test)


def test_many_administrators_come_by_pages(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        for number in range(101):
            await world.service.access.administrators.create(f"a&b {number:03}", VIEWER, by=BY)
        first = await owner.get("/administrators")
        assert "a&b 000" in first.words
        assert "a&b 100" not in first.words
        (following,) = re.findall(r'href="(/administrators\?after=[^"]+)"', first.html)
        second = await owner.get(following.replace("&amp;", "&"))
        assert "a&b 100" in second.words
        assert "a&b 099" not in second.words

    run(tmp_path, test)


# Set-up links


def test_a_link_opens_the_set_up_of_one_connection_by_a_button(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        link, text = await world.service.access.setup_links.create(world.okta, label="Ann of Acme", by=BY)
        guest = world.guest()
        for _ in range(2):  # a program that looks at links changes nothing
            page = await guest.get(f"/setup/{text}")
            assert page.status == 200
            assert cookies(page) == {}
        for word in ("Ann of Acme", "acme", "okta"):
            assert word in page.words
        assert page.response.headers["referrer-policy"] == "no-referrer"
        assert page.response.headers["cache-control"] == "no-store"
        assert page.response.headers.get_list("referrer-policy") == ["no-referrer"]
        assert (await world.service.access.control.setup_link(link.id)).last_used is None  # type: ignore[union-attr]
        opened = await guest.send(f"/setup/{text}", {}, Origin="null", **{"Sec-Fetch-Site": "same-origin"})
        assert opened.leads_to == "/directories/acme/connections/okta/setup"
        assert "rosterd" in guest.client.cookies
        for elsewhere in ("/account", "/administrators"):
            assert (await guest.get(elsewhere)).status == 403
        await world.service.access.setup_links.revoke(world.okta, link.id, by=BY)
        assert (await guest.get("/account")).leads_to.startswith("/login")
        gone = await guest.get(f"/setup/{text}")
        assert gone.status == 410
        assert "revoked" in gone.words

    run(tmp_path, test)


def test_somebody_with_a_link_logs_out(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(connection=world.okta)
        assert (await visit.post("/logout")).leads_to == "/login"
        assert (await visit.get("/account")).status == 303

    run(tmp_path, test)


@pytest.mark.parametrize("change", ["x", "rsl_000000000000_" + "0" * 49])
def test_what_is_no_link_is_not_found(tmp_path: Path, change: str) -> None:
    async def test(world: World) -> None:
        for method in ("GET", "POST"):
            response = await world.guest().client.request(method, f"/setup/{change}")
            assert response.status_code == 404

    run(tmp_path, test)


def test_no_log_holds_a_links_secret_a_password_or_a_session(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await ann(world)
        _, text = await world.service.access.setup_links.create(world.okta, by=BY)
        visit = world.guest()
        with structlog.testing.capture_logs() as lines:
            await visit.get(f"/setup/{text}")
            await visit.post(f"/setup/{text}")
            await visit.get(f"/setup/{text}x")
            await visit.get(f"/setup/{text}/more")
            await enter(visit, password="wrong password")
            visit.client.cookies.clear()
            await enter(visit)
        told = str(lines)
        assert "/setup/{link}" in told
        for secret in (text, text[17:40], "wrong password", PASSWORD, visit.client.cookies["rosterd"]):
            assert secret not in told
        entries = str(await world.service.control.audit_page(None, None, 100))
        for secret in (text, "wrong password", PASSWORD, visit.client.cookies["rosterd"]):
            assert secret not in entries

    run(tmp_path, test)
