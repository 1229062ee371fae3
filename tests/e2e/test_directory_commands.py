"""``rosterd directory attribute``, ``require``, ``delete``; how lists and ``doctor`` tell what ends soon."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from judges.commands import result, said
from judges.harness import NO_TLS, Server, created, plain_client, scim_client, user

ACME = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    said("directory", "create", "acme", "--data", tmp_path / "data")
    return tmp_path / "data"


def test_attributes_are_added_changed_listed_and_removed(data: Path) -> None:
    def attribute(*arguments: str, code: int = 0) -> str:
        return said("directory", "attribute", *arguments, "--data", data, code=code)

    assert attribute("add", "acme", "costCode", "--case-exact", "--description", "Cost code") == (
        f"{ACME} has the attribute costCode.\n"
    )
    attribute("add", "acme", "floor", "--type", "integer", "--quiet")
    attribute("add", "acme", "category", "--value", "retail", "--value", "online", "--multi-valued")
    attribute("add", "acme", "FLOOR", "--type", "string")
    (listed,) = result("directory", "attribute", "list", "acme", "--data", data)
    assert (listed["urn"], listed["resourceType"], listed["carriers"]) == (ACME, "User", 0)
    found = {a["name"]: a for a in listed["attributes"]}
    assert list(found) == ["costCode", "category", "FLOOR"]
    assert found["costCode"]["caseExact"]
    assert found["category"]["canonicalValues"] == ["retail", "online"]
    assert attribute("list", "acme").splitlines()[0] == f"costCode\tstring\tcaseExact\tUser\t{ACME}"
    assert "'type' must be one of" in attribute("add", "acme", "x", "--type", "number", code=2)
    assert "has no attribute 'y'" in attribute("remove", "acme", "y", code=3)
    for name in ("costCode", "category", "floor"):
        attribute("remove", "acme", name)
    assert attribute("list", "acme") == ""


def test_requirements_are_added_previewed_dropped_and_cleared(data: Path) -> None:
    def require(*arguments: str) -> Any:
        return result("directory", "require", "acme", *arguments, "--data", data)

    assert require() == {"requirements": {}, "misfits": []}
    previewed = require("--user", "name.givenName", "--preview")
    assert [m["path"] for m in previewed["misfits"]] == ["name.givenName"]
    assert require()["requirements"] == {}
    require("--user", "NAME.givenName", "--user", "emails.primary", "--group", "externalId")
    kept = require("--values", "emails.type=work, home")["requirements"]
    assert kept == {
        "User": {
            "required": ["name.givenName", "emails.primary"],
            "canonicalValues": {"emails.type": ["work", "home"]},
        },
        "Group": {"required": ["externalId"], "canonicalValues": {}},
    }
    assert require("--drop", "emails.primary")["requirements"]["User"]["required"] == ["name.givenName"]
    assert require("--clear")["requirements"] == {}
    told = said("directory", "require", "acme", "--user", "shoeSize", "--data", data, code=2)
    assert "there is no attribute 'shoeSize'" in told
    told = said("directory", "require", "acme", "--drop", "title", "--data", data, code=3)
    assert "Nothing is asked of 'title'" in told


def test_what_ends_soon_is_marked_in_lists_and_named_by_doctor(tmp_path: Path) -> None:
    data = tmp_path / "data"
    said("token", "create", "--data", data, "--lifetime", "5d", "--label", "Okta")
    said("token", "create", "--data", data, "--lifetime", "90d")
    said("key", "create", "--data", data, "--lifetime", "3d", "--label", "ci")
    made = result("client", "create", "--data", data)
    said("client", "rotate", made["scimClientId"], "--data", data, "--overlap", "2d")

    tokens = {t["label"]: t for t in result("token", "list", "--data", data)}
    assert (tokens["Okta"]["expiresSoon"], tokens[""]["expiresSoon"]) == (True, False)
    lines = said("token", "list", "--data", data).splitlines()
    assert sum("(soon)" in line for line in lines) == 1
    assert [k["expiresSoon"] for k in result("key", "list", "--data", data)] == [True]
    assert "(soon)" in said("key", "list", "--data", data)
    assert [c["expiresSoon"] for c in result("client", "list", "--data", data)] == [True]
    assert "a secret ends soon" in said("client", "list", "--data", data)

    checks = {c["name"]: c for c in result("doctor", "--data", data, "--port", "0")["checks"]}
    told = checks["Tokens"]
    assert told["state"] == "warning"
    for text in (
        f"token {tokens['Okta']['id']} ('Okta') of connection 'default' of directory 'default' ends in 4",
        f"secret of client {made['scimClientId']} of connection 'default'",
        "('ci') ends in 2 days",
    ):
        assert text in told["text"]
    assert tokens[""]["id"] not in told["text"]


def test_a_directory_is_deleted_beside_a_running_server(server: Server) -> None:
    gone, kept = server.connect("gone"), server.connect("kept")
    key = json.loads(server.cli("key", "create", "--directory", "gone", "--json"))["key"]
    bearer = {"Authorization": f"Bearer {key}"}
    api = f"{server.origin}/api/v1/directories/gone"
    with scim_client(gone.base_url, gone.token) as client:
        created(client, "/Users", user("ann"))
    assert httpx.get(api, headers=bearer, verify=NO_TLS).status_code == 200
    data = ("--data", server.data)
    assert "must be the name of the directory, 'gone'" in said(
        "directory", "delete", "gone", "--confirm", "kept", *data, code=2
    )
    assert "'gone' is deleted, with 1 users" in server.cli("directory", "delete", "gone", "--confirm", "gone")
    with plain_client() as client:
        users = {one: f"{one.base_url}/Users" for one in (gone, kept)}
        for made, status in ((gone, 401), (kept, 200)):
            reply = client.get(users[made], headers={"Authorization": f"Bearer {made.token}"})
            assert reply.status_code == status
    assert httpx.get(api, headers=bearer, verify=NO_TLS).status_code == 401
    said("directory", "show", "gone", *data, code=3)
    said("directory", "delete", "gone", "--confirm", "gone", *data, code=3)
    entry = result("audit", "list", *data)[0]
    assert (entry["action"], entry["target"]) == ("directory.deleted", "directory 'gone'")
    assert result("directory", "delete", "kept", "--confirm", "kept", *data) == {
        "name": "kept",
        "users": 0,
        "groups": 0,
    }
    server.cli("directory", "create", "gone")
    assert result("directory", "show", "gone", *data)["users"] == 0
