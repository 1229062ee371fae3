"""``rosterd serve`` on PostgreSQL: two servers on one database, the commands beside them, and the judges."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from contract.postgres_server import namespace
from judges.commands import invoke
from judges.harness import (
    NO_TLS,
    Server,
    created,
    patch,
    running,
    scim_client,
    user,
)
from judges.scim2_engine import HttpxSCIMClient
from scim2_tester import check_server
from scim2_tester.utils import Status

from rosterd.store.postgres_control import EPOCH_SECONDS

GOOD = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two servers on one database, with data directories that stay as they are."""
    folder = tmp_path_factory.mktemp("postgres")
    with namespace() as url, pytest.MonkeyPatch.context() as patched:
        patched.setenv("ROSTERD_DATABASE_URL", url)
        with running(folder / "one") as one, running(folder / "two") as two:
            yield [one, two]


def test_the_data_directory_is_not_needed(servers: list[Server]) -> None:
    assert not any(server.data.exists() for server in servers)


def test_okta_provisions_a_company(servers: list[Server]) -> None:
    made = servers[0].connect("okta")
    done = invoke("simulate", "okta", made.base_url, made.token, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)


def test_scim2_tester_finds_nothing(servers: list[Server]) -> None:
    made = servers[1].connect("tester")
    headers = {"Authorization": f"Bearer {made.token}"}
    with httpx.Client(base_url=made.base_url, headers=headers, timeout=30, verify=NO_TLS) as client:
        results = check_server(HttpxSCIMClient(client))
    bad = [f"{r.title} {r.resource_type}: {r.reason}" for r in results if r.status not in GOOD]
    assert bad == []
    assert len(results) > 100


def test_what_one_server_is_told_the_other_knows(servers: list[Server]) -> None:
    made = servers[0].connect("both")
    one, two = (scim_client(server.base_url, made.token) for server in servers)
    with one, two:
        anna = created(one, "/Users", user("anna"))
        name = {"op": "replace", "path": "displayName", "value": "Anna"}
        assert two.patch(f"/Users/{anna['id']}", json=patch(name)).status_code == 200
        assert one.get(f"/Users/{anna['id']}").json()["displayName"] == "Anna"
        assert two.get("/Users", params={"filter": 'displayName co "nn"'}).json()["totalResults"] == 1
        token = json.loads(servers[0].cli("token", "list", "-d", "both", "-c", "both", "--json"))
        rows = token["tokens"] if isinstance(token, dict) else token
        servers[1].cli("token", "revoke", rows[0]["id"], "-d", "both")
        time.sleep(EPOCH_SECONDS)  # for so long what another process has changed may be believed
        assert one.get("/Users").status_code == two.get("/Users").status_code == 401


def test_the_commands_that_look_after_data_know_the_engine(servers: list[Server], tmp_path: Path) -> None:
    checks = json.loads(servers[0].cli("doctor", "--json", "--port", "0"))
    assert checks["ok"], checks
    migrations = json.loads(servers[0].cli("migrate", "--json"))
    assert migrations["pending"] == []
    assert migrations["applied"]
    done = invoke("backup", str(tmp_path / "copy.db"), "--json")
    assert json.loads(done.stdout)["users"] > 0
    refused = invoke("restore", str(tmp_path / "copy.db"), "--replace")
    assert refused.returncode == 4
    assert "A server uses the database" in refused.stderr
    with namespace() as empty, pytest.MonkeyPatch.context() as patched:
        patched.setenv("ROSTERD_DATABASE_URL", empty)
        nothing = invoke("directory", "list")
        assert "rosterd serve" in nothing.stderr
        assert nothing.returncode != 0
        patched.setenv("ROSTERD_DATABASE_URL", f"{empty}_away")
        checks = json.loads(invoke("doctor", "--json", "--port", "0").stdout)["checks"]
        told = {each["name"]: (each["state"], each["fix"]) for each in checks}
        assert told["Database"] == ("bad", "CREATE SCHEMA, or mend ROSTERD_DATABASE_URL")
        assert "Migrations" not in told
