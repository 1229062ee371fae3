"""``rosterd requests`` as administrators and scripts see it, beside a running server."""

import json
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from judges.commands import result, said
from judges.harness import COMMAND, NO_TLS, Server, created, environment, running, scim_client, user

from rosterd.scim import urns
from rosterd.service.audit import MASK


def eventually(*arguments: str | Path, count: int) -> Any:
    """The list, as soon as it has so many: the server writes twice a second."""
    for _ in range(200):
        found = result("requests", "list", *arguments)
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{len(found)} requests instead of {count}")


def test_an_administrator_finds_why_a_user_did_not_arrive(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server, scim_client(server.base_url, server.token()) as scim:
        created(scim, "/Users", user("ann"))
        body = {**user("ann"), "password": "Geheim-4711"}
        refused = scim.post("/Users", json=body, headers={"User-Agent": "Okta SCIM Client"})
        assert refused.status_code == 409
        scim.get("/Users")
        where = ("--data", data)
        assert len(eventually(*where, count=3)) == 3
        (one,) = result("requests", "list", *where, "--errors")
        assert one["subject"] == "ann"
        plain = said("requests", "list", *where, "--errors", "--query", "ANN", "--status", "4xx")
        assert plain.split("\t")[2:5] == ["409", "POST /Users", "ann"]
        assert "Okta tried to create ann, but a user with this userName exists already" in plain
        shown = said("requests", "show", one["id"], *where)
        assert shown.startswith("Okta tried to create ann")
        assert f'"password": "{MASK}"' in shown
        assert "Geheim" not in shown
        assert result("requests", "show", one["id"], *where)["requestId"] == refused.headers["x-request-id"]
        assert result("requests", "list", *where, "--method", "get", "--limit", "1")[0]["path"] == "/Users"
        assert result("requests", "list", *where, "--connection", "default", "--resource", "x") == []
        said("requests", "show", "1", *where, code=3)
        said("requests", "list", *where, "--connection", "nobody", code=3)
        said("requests", "list", *where, "--status", "9", code=2)


def test_tail_follows_a_running_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server, scim_client(server.base_url, server.token()) as scim:
        token = server.token()
        command = [*COMMAND, "requests", "tail", "--data", str(data), "--errors", "--json", "--limit", "2"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as tail:
            try:
                assert tail.stdout
                lines: list[str] = []
                while not lines:
                    wrong(server, token)
                    scim.get("/Users")
                    lines = [tail.stdout.readline()] if ready(tail) else []
                wrong(server, token)
                lines += [tail.stdout.readline()]
                assert tail.wait(20) == 0
            finally:
                tail.kill()
        found = [json.loads(line) for line in lines]
        assert [one["status"] for one in found] == [404, 404]
        assert found[0]["explanation"]


def ready(process: subprocess.Popen[str]) -> bool:
    """Whether it has printed something within a moment."""
    return bool(select.select([process.stdout], [], [], 0.2)[0])


def wrong(server: Server, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    response = httpx.get(f"{server.base_url}/Users/nobody", headers=headers, verify=NO_TLS)
    assert response.json()["schemas"] == [urns.ERROR]
