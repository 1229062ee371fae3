"""``rosterd client`` as users and scripts see it: what is printed, exit codes, effect on a running server."""

import json
import re
from pathlib import Path

import httpx
import pytest
from judges.commands import invoke, result
from judges.harness import NO_TLS, Server

ID = re.compile(r"rsc_[0-9A-Za-z]{12}")
SECRET = re.compile(r"rss_[0-9A-Za-z]{49}")


def rosterd(*arguments: str | Path, code: int = 0) -> str:
    """Standard output of a command that ends with the code."""
    done = invoke(*arguments, code=code)
    told = [line for line in done.stderr.splitlines() if not line.endswith("a new one was made there.")]
    assert bool(told) == bool(code)
    assert not code or not done.stdout
    return done.stdout


def test_create_json_prints_exactly_the_two_and_makes_what_is_missing(tmp_path: Path) -> None:
    made = result("client", "create", "--data", tmp_path / "data")
    assert list(made) == ["scimClientId", "scimClientSecret"]
    assert ID.fullmatch(made["scimClientId"])
    assert SECRET.fullmatch(made["scimClientSecret"])
    shown = result("client", "show", made["scimClientId"], "--data", tmp_path / "data")
    assert (shown["connection"], shown["state"], shown["lastUsed"]) == ("default", "active", None)
    assert shown["scopes"] == ["scim.read", "scim.write"]


def test_create_quiet_prints_the_two_on_a_line_each(tmp_path: Path) -> None:
    first, second, *rest = rosterd("client", "create", "--data", tmp_path / "data", "-q").split("\n")
    assert ID.fullmatch(first)
    assert SECRET.fullmatch(second)
    assert rest == [""]


def test_a_client_made_beside_a_running_server_works_at_once(server: Server) -> None:
    made = json.loads(server.cli("client", "create", "--json"))

    def status(secret: str) -> int:
        form = {"scimClientId": made["scimClientId"], "scimClientSecret": secret, "grantType": "password"}
        return httpx.post(f"{server.origin}/api/v1/token", data=form, verify=NO_TLS).status_code

    old = made["scimClientSecret"]
    assert status(old) == 200
    rotated = json.loads(server.cli("client", "rotate", made["scimClientId"], "--json"))
    new = rotated["scimClientSecret"]
    assert list(rotated) == list(made)
    assert rotated["scimClientId"] == made["scimClientId"]
    assert [status(old), status(new)] == [200, 200]
    last = json.loads(server.cli("client", "rotate", made["scimClientId"], "--overlap", "0", "--json"))
    assert [status(old), status(new), status(last["scimClientSecret"])] == [401, 401, 200]
    server.cli("client", "revoke", made["scimClientId"])
    assert status(last["scimClientSecret"]) == 401


def test_no_listing_shows_a_secret_and_the_tokens_name_their_client(server: Server) -> None:
    made = json.loads(server.cli("client", "create", "--label", "Entra", "--json"))
    form = {**made, "grantType": "password"}
    token = httpx.post(f"{server.origin}/api/v1/token", data=form, verify=NO_TLS).json()["accessToken"]
    for arguments in (("client", "list"), ("client", "show", made["scimClientId"]), ("token", "list")):
        for form_of_output in ((), ("--json",)):
            text = rosterd(*arguments, "--data", server.data, *form_of_output)
            assert made["scimClientId"] in text
            assert not SECRET.search(text)
            assert token[-49:] not in text
    listed = result("client", "list", "--data", server.data)
    mine = next(c for c in listed if c["scimClientId"] == made["scimClientId"])
    assert (mine["label"], len(mine["secrets"])) == ("Entra", 1)
    assert mine["lastUsed"] is not None
    tokens = result("token", "list", "--data", server.data)
    assert next(t for t in tokens if t["id"] == token[4:16])["client"] == made["scimClientId"]


def test_clients_belong_to_a_connection(tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data")
    rosterd("token", "create", *data, "-q")
    rosterd("connection", "create", "entra", *data)
    rosterd("directory", "create", "acme", *data)
    one = result("client", "create", "--connection", "entra", "--scope", "scim.read", *data)
    result("client", "create", *data)
    listed = result("client", "list", "--connection", "entra", *data)
    assert [c["scimClientId"] for c in listed] == [one["scimClientId"]]
    assert listed[0]["scopes"] == ["scim.read"]
    assert len(result("client", "list", *data)) == 2
    assert result("client", "list", "--directory", "acme", *data) == []
    for command in ("show", "rotate", "revoke"):
        rosterd("client", command, one["scimClientId"], "--directory", "acme", *data, code=3)
    revoked = result("client", "revoke", one["scimClientId"], *data)
    assert revoked["state"] == "revoked"
    rosterd("client", "rotate", one["scimClientId"], *data, code=4)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ("create", "--scope", "everything")),
        (2, ("rotate", "rsc_000000000000", "--overlap", "2y")),
        (2, ("rotate", "rsc_000000000000", "--overlap", "999999999999y")),
        (3, ("create", "--connection", "nobody")),
        (3, ("list", "--directory", "nowhere")),
        (3, ("show", "rsc_000000000000")),
        (3, ("rotate", "rsc_000000000000")),
        (3, ("revoke", "x")),
    ],
)
def test_exit_codes(tmp_path: Path, code: int, arguments: tuple[str, ...]) -> None:
    rosterd("token", "create", "--data", tmp_path, "-q")
    rosterd("client", *arguments, "--data", tmp_path, code=code)


@pytest.mark.parametrize("command", ["list", "show", "rotate", "revoke"])
def test_looking_makes_nothing(tmp_path: Path, command: str) -> None:
    more = () if command == "list" else ("rsc_000000000000",)
    rosterd("client", command, *more, "--data", tmp_path / "none", code=3)
    assert not (tmp_path / "none").exists()


def test_doctor_does_not_warn_of_tokens_that_clients_fetch(server: Server) -> None:
    before = result("doctor", "--data", server.data, "--port", server.origin.rpartition(":")[2])
    made = json.loads(server.cli("client", "create", "--json"))
    form = {**made, "grantType": "password", "tokenExpiry": "60"}
    assert httpx.post(f"{server.origin}/api/v1/token", data=form, verify=NO_TLS).status_code == 200
    after = result("doctor", "--data", server.data, "--port", server.origin.rpartition(":")[2])
    tokens = [next(c for c in report["checks"] if c["name"] == "Tokens") for report in (before, after)]
    assert tokens[0] == tokens[1]
