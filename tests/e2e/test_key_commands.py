"""``rosterd key`` as users and scripts see it: what is printed, exit codes, effect on a running server."""

import json
import re
from pathlib import Path

import httpx
from judges.commands import result, said
from judges.harness import NO_TLS, Server

from rosterd.service.keys import SCOPES

KEY = re.compile(r"rak_([0-9A-Za-z]{12})_[0-9A-Za-z]{49}")


def status(server: Server, key: str, path: str = "/directories") -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{server.origin}/api/v1{path}", headers=headers, verify=NO_TLS).status_code


def test_create_prints_the_key_first_and_only_it_with_quiet(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert KEY.fullmatch(said("key", "create", "--data", data, "-q").strip())
    first, *rest = said("key", "create", "--data", data, "--label", "x").splitlines()
    found = KEY.fullmatch(first)
    assert found
    assert any(found[1] in line for line in rest)
    made = result("key", "create", "--data", data, "--scope", "users.read", "--lifetime", "1d")
    assert KEY.fullmatch(made["key"])
    assert (made["directory"], made["scopes"], made["state"]) == (None, ["users.read"], "valid")
    listed = result("key", "list", "--data", data)
    assert listed[0]["id"] == made["id"]
    assert listed[1]["scopes"] == list(SCOPES)
    assert not any("key" in k or made["key"] in str(k) for k in listed)
    assert made["id"] in said("key", "list", "--data", data)


def test_what_is_not_there_or_not_known_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    said("key", "list", "--data", data, code=3)
    said("key", "create", "--data", data, "-q")
    said("key", "revoke", "nobody", "--data", data, code=3)
    said("key", "create", "--directory", "nowhere", "--data", data, code=3)
    said("key", "create", "--scope", "all", "--data", data, code=2)
    said("key", "create", "--lifetime", "59s", "--data", data, code=2)
    assert len(result("key", "list", "--data", data)) == 1


def test_a_key_works_at_once_in_a_running_server_until_it_is_revoked(server: Server) -> None:
    server.connect("keyed")
    server.connect("unkeyed")
    made = json.loads(server.cli("key", "create", "--directory", "keyed", "--json"))
    assert made["directory"] == "keyed"
    assert status(server, made["key"], "/directories/keyed") == 200
    assert status(server, made["key"], "/directories/unkeyed") == 404
    assert server.cli("key", "revoke", made["id"]).strip() == f"API key {made['id']} is revoked."
    assert status(server, made["key"], "/directories/keyed") == 401
    revoked = next(k for k in json.loads(server.cli("key", "list", "--json")) if k["id"] == made["id"])
    assert revoked["state"] == "revoked"
    assert server.cli("key", "revoke", made["id"], "--quiet") == ""
