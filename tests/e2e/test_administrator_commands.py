"""``rosterd administrator``, ``rosterd setup-link`` and the first run, beside a server that runs."""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from judges.commands import result, said
from judges.harness import NO_TLS, Server, running
from service.phone import shown

PASSWORD = re.compile(r"[a-z2-9]{4}(-[a-z2-9]{4}){6}")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with directories 'default' and 'acme'."""
    said("token", "create", "--data", tmp_path / "data", "-q")
    said("directory", "create", "acme", "--data", tmp_path / "data")
    return tmp_path / "data"


@dataclass
class Browser:
    """Keeps the cookies of a log-in that was tried."""

    origin: str
    cookies: httpx.Cookies

    @property
    def inside(self) -> bool:
        with httpx.Client(base_url=self.origin, verify=NO_TLS, cookies=self.cookies) as client:
            return client.get("/account").status_code == 200


def log_in(origin: str, name: str, password: str) -> Browser:
    with httpx.Client(base_url=origin, verify=NO_TLS) as client:
        client.post("/login", data={"name": name, "password": password})
        return Browser(origin, client.cookies)


def serve(data: Path) -> tuple[str, Any]:
    """Serve once: the origin, and what the first line on standard output told."""
    with running(data, "--json") as server:
        pass
    (log,) = data.parent.glob(f"{data.name}-{server.origin.rpartition(':')[2]}.log")
    text = log.read_text()
    return server.origin, json.JSONDecoder().raw_decode(text[text.index("{\n") :])[0]["console"]


def test_the_first_run_tells_the_console_and_its_owner_once(tmp_path: Path) -> None:
    origin, told = serve(tmp_path / "data")
    assert (told["url"], told["user"]) == (f"{origin}/", "admin")
    assert PASSWORD.fullmatch(told["password"])
    origin, again = serve(tmp_path / "data")
    assert again == {"url": f"{origin}/", "user": None, "password": None}
    with running(tmp_path / "data") as server:
        assert log_in(server.origin, "Admin", told["password"]).inside
        assert not log_in(server.origin, "admin", told["password"] + "x").inside


def test_an_administrator_is_made_with_a_password_of_ours_or_of_ones_own(data: Path, tmp_path: Path) -> None:
    at = ("--data", data)
    assert PASSWORD.fullmatch(said("administrator", "create", "ann", *at, "-q").strip())
    first, *rest = said("administrator", "create", "bob", "--role", "owner", *at).splitlines()
    assert PASSWORD.fullmatch(first)
    assert any("not shown again" in line for line in rest)
    file = tmp_path / "password.txt"
    file.write_text("a password in a file\n")
    made = result("administrator", "create", "eve", "-d", "acme", "--password-file", file, *at)
    assert (made["role"], made["directory"], made["password"]) == ("viewer", "acme", None)
    said("administrator", "create", "joe", "--password-file", "-", *at, typed="a password typed in\n")
    said("administrator", "create", "kim", "--ask", *at, typed="the same words\nthe same words\n")
    assert result("administrator", "create", "lea", "--no-password", *at)["hasPassword"] is False
    listed = result("administrator", "list", *at)
    assert [one["name"] for one in listed] == ["ann", "bob", "eve", "joe", "kim", "lea"]
    assert "eve\tviewer\tacme\tenabled\tnever" in said("administrator", "list", *at)
    for text in ("a password in a file", "a password typed in", "the same words"):
        assert text not in str(listed)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "ANN"), 4),
        (("create", "bob", "--role", "king"), 2),
        (("create", "bob", "--password-file", "nowhere.txt"), 2),
        (("create", "bob", "-d", "nowhere"), 3),
        (("create", ""), 2),
        (("update", "nobody", "--role", "owner"), 3),
        (("update", "ann", "--subject", "x"), 2),
        (("password", "nobody"), 3),
        (("disable", "ann"), 4),
        (("remove", "ann"), 4),
        (("update", "ann", "--role", "viewer"), 4),
        (("sessions", "nobody"), 3),
        (("log-out", "ann", "--session", "nothing"), 3),
        (("remove-second-factor", "nobody"), 3),
        (("remove-second-factor", "ann"), 3),
    ],
)
def test_what_is_refused(data: Path, arguments: tuple[str, ...], code: int) -> None:
    said("administrator", "create", "ann", "--role", "owner", "--data", data, "-q")
    before = result("administrator", "list", "--data", data)
    said("administrator", *arguments, "--data", data, code=code)
    assert result("administrator", "list", "--data", data) == before


def test_a_short_password_is_refused(data: Path) -> None:
    at = ("--password-file", "-", "--data", data)
    said("administrator", "create", "ann", *at, typed="short\n", code=2)
    assert result("administrator", "list", "--data", data) == []


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    for command in ("list", "sessions ann", "create ann"):
        said("administrator", *command.split(), "--data", tmp_path / "none", code=3)
    said("setup-link", "list", "--data", tmp_path / "none", code=3)
    assert not (tmp_path / "none").exists()


def test_commands_work_at_once_in_a_running_server(server: Server) -> None:
    name, at = "cli@example.com", ("--data", server.data)
    made = result("administrator", "create", name, "--role", "operator", *at)
    browser = log_in(server.origin, "CLI@example.com", made["password"])
    assert browser.inside
    (session,) = result("administrator", "sessions", name, *at)
    assert session["address"] == "127.0.0.1"
    said("administrator", "update", name, "--role", "viewer", *at)
    assert browser.inside
    said("administrator", "log-out", name, "--session", session["id"], *at)
    assert not browser.inside

    others = [log_in(server.origin, name, made["password"]) for _ in range(2)]
    assert all(other.inside for other in others)
    said("administrator", "log-out", name, *at)
    assert not any(other.inside for other in others)

    browser = log_in(server.origin, name, made["password"])
    new = said("administrator", "password", name, "--quiet", *at).strip()
    assert PASSWORD.fullmatch(new)
    assert not browser.inside
    assert not log_in(server.origin, name, made["password"]).inside

    browser = log_in(server.origin, name, new)
    assert browser.inside
    said("administrator", "disable", name, *at)
    assert not browser.inside
    assert not log_in(server.origin, name, new).inside
    said("administrator", "enable", name, *at)
    assert log_in(server.origin, name, new).inside
    said("administrator", "remove", name, *at)
    assert name not in [one["name"] for one in result("administrator", "list", *at)]


def test_a_second_factor_that_was_lost_is_removed_by_a_command(server: Server) -> None:
    at = ("--data", server.data)
    password = said("administrator", "create", "phone", *at, "-q").strip()
    with httpx.Client(base_url=server.origin, verify=NO_TLS, headers={"Origin": server.origin}) as client:
        client.post("/login", data={"name": "phone", "password": password})
        page = client.get("/account/second-factor").text
        offer, secret, csrf = (
            re.search(rf'<input[^>]* {name}[^>]* value="([^"]+)"', page)[1]  # type: ignore[index]
            for name in ('name="offer"', 'id="secret"', 'name="csrf"')
        )
        code = shown(secret, time.time())
        form = {"csrf": csrf, "offer": offer, "password": password, "code": code}
        assert client.post("/account/second-factor", data=form).status_code == 200
        assert client.get("/account").status_code == 200
        assert not log_in(server.origin, "phone", password).inside
        found = {one["name"]: one["secondFactor"] for one in result("administrator", "list", *at)}
        assert found["phone"] is True
        done = said("administrator", "remove-second-factor", "phone", *at)
        assert done.strip() == "Administrator 'phone' has no second factor."
        assert client.get("/account").status_code == 303
    assert log_in(server.origin, "phone", password).inside
    said("administrator", "remove", "phone", *at)


def test_a_set_up_link_opens_until_it_is_revoked(server: Server) -> None:
    said("directory", "create", "linked", "--data", server.data)
    said("connection", "create", "linked", "-d", "linked", "--data", server.data)
    where = ("-d", "linked", "-c", "linked", "--data", server.data)
    url = said("setup-link", "create", *where, "--label", "Ann", "--base-url", server.origin, "-q").strip()
    assert re.fullmatch(rf"{server.origin}/setup/rsl_[0-9A-Za-z]{{12}}_[0-9A-Za-z]{{49}}", url)
    (link,) = result("setup-link", "list", *where)
    assert (link["label"], link["state"], link["lastUsed"]) == ("Ann", "valid", None)
    assert link["id"] in url
    assert httpx.get(url, verify=NO_TLS).status_code == 200
    assert httpx.post(url, verify=NO_TLS).status_code == 303
    assert said("setup-link", "revoke", link["id"], *where).strip() == (
        f"Set-up link {link['id']} is revoked."
    )
    assert httpx.get(url, verify=NO_TLS).status_code == 410
    (revoked,) = result("setup-link", "list", *where)
    assert revoked["state"] == "revoked"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "--lifetime", "59m"), 2),
        (("create", "--lifetime", "31d"), 2),
        (("create", "-d", "nowhere"), 3),
        (("revoke", "nothing"), 3),
    ],
)
def test_what_no_link_can_be(data: Path, arguments: tuple[str, ...], code: int) -> None:
    said("setup-link", *arguments, "--data", data, code=code)
    assert result("setup-link", "list", "--data", data) == []
