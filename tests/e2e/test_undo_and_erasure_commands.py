"""``rosterd connection undo`` and ``rosterd account`` beside a running server."""

from pathlib import Path
from typing import Any

import httpx
from judges import commands
from judges.harness import created, patch, running, scim_client, user


def rosterd(data: Path, *arguments: str, code: int = 0) -> str:
    """What a command over the data that ends with the code says."""
    return commands.said(*arguments, "--data", data, code=code)


def result(data: Path, *arguments: str) -> Any:
    return commands.result(*arguments, "--data", data)


def test_an_undo_is_shown_asked_for_and_done_while_the_server_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server:
        made = server.connect("undone")
        at = (made.connection, "--directory", made.directory)
        with scim_client(made.base_url, made.token) as scim:
            ann = created(scim, "/Users", user("ann"))
            seen = result(data, "connection", "undo", *at, "--since", "1h", "--dry-run")
            assert (seen["preview"], seen["counts"]["deleted"]) == (True, 1)
            text = rosterd(data, "connection", "undo", *at, "--since", "1h", "--dry-run")
            assert "Would be undone since" in text
            assert "deleted\tUser\tann" in text
            assert "--dry-run" in rosterd(data, "connection", "undo", *at, "--since", "1h", code=2)
            assert "pause" in rosterd(data, "connection", "undo", *at, "--since", "1h", "--yes", code=4)
            for wrong in ("soon", "2026-13-01T00:00:00Z"):
                rosterd(data, "connection", "undo", *at, "--since", wrong, "--yes", code=2)
            rosterd(data, "connection", "pause", *at)
            done = result(data, "connection", "undo", *at, "--since", "1h", "--yes")
            assert (done["preview"], done["counts"]["deleted"]) == (False, 1)
            rosterd(data, "connection", "resume", *at)
            assert scim.get(f"/Users/{ann['id']}").status_code == 404
            assert (result(data, "account", "list", "--state", "deleted", *at[1:]))[0]["id"] == ann["id"]


def test_accounts_are_listed_shown_and_erased_while_the_server_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server:
        made = server.connect("erased")
        home = ("--directory", made.directory)
        with scim_client(made.base_url, made.token) as scim:
            ann, bob = created(scim, "/Users", user("Ann")), created(scim, "/Users", user("bob"))
            off = patch({"op": "replace", "path": "active", "value": False})
            assert scim.patch(f"/Users/{bob['id']}", json=off).status_code == 200
            listed = result(data, "account", "list", *home)
            assert [(a["name"], a["state"]) for a in listed] == [("Ann", "active"), ("bob", "inactive")]
            assert [a["name"] for a in result(data, "account", "list", "--state", "active", *home)] == ["Ann"]
            rosterd(data, "account", "list", "--state", "gone", *home, code=2)
            shown = result(data, "account", "show", "ANN", *home)
            assert (shown["id"], shown["attributes"]["userName"]) == (ann["id"], "Ann")
            assert ann["id"] in rosterd(data, "account", "show", ann["id"], *home)
            assert "--yes" in rosterd(data, "account", "erase", "ann", *home, code=2)
            done = result(data, "account", "erase", "ann", "--yes", *home)
            assert (done["id"], done["wasLive"]) == (ann["id"], True)
            scim.delete(f"/Users/{bob['id']}")
            assert result(data, "account", "show", "bob", *home)["state"] == "deleted"
            assert bob["id"] in rosterd(data, "account", "erase", "bob", "--yes", *home)
            rosterd(data, "account", "erase", "bob", "--yes", *home, code=3)
            assert result(data, "account", "list", *home) == []
            again: httpx.Response = scim.post("/Users", json=user("Ann"))
            assert again.status_code == 201
            assert again.json()["id"] != ann["id"]
