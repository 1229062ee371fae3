"""docs/offboarding.md does what it says: its commands are run one after the other, beside a server."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from judges.harness import Server, created, scim_client, user

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```bash\n(.*?)^```", (ROOT / "docs" / "offboarding.md").read_text(), re.M | re.S)


def test_the_guide_is_run_as_it_stands(server: Server, tmp_path: Path) -> None:
    *leaving, moving = BLOCKS
    provisioned(server, "okta")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "ROSTERD_DATA": str(server.data)}

    def said_to(block: str) -> str:
        command = ["bash", "-ec", block]
        return subprocess.run(
            command, cwd=tmp_path, env=env, check=True, capture_output=True, text=True
        ).stdout

    said = [said_to(block) for block in leaving]
    assert len(said) == 3
    kept = [json.loads(line) for line in (tmp_path / "acme.jsonl").read_text().splitlines()]
    assert any("ann@example.com" in json.dumps(record) for record in kept)
    assert "'acme' is deleted" in said[1]
    assert re.search(r"directory\.deleted\s+directory 'acme'", said[2])
    names = [one["name"] for one in json.loads(server.cli("directory", "list", "--json"))]
    assert "acme" not in names
    provisioned(server, "okta", "otka", "entra")
    moved = said_to(moving)
    assert "Connection 'otka' is deleted." in moved
    assert "What was its own, 1 in all, is with 'entra' now." in moved
    left = json.loads(server.cli("connection", "list", "--directory", "acme", "--json"))
    assert [one["name"] for one in left] == ["entra"]
    (ann,) = json.loads(server.cli("account", "list", "--directory", "acme", "--json"))
    assert (ann["name"], ann["connection"]) == ("ann@example.com", "entra")


def provisioned(server: Server, first: str, *others: str) -> None:
    """Directory ``acme`` with these connections, and a user of the first one."""
    server.cli("directory", "create", "acme")
    for name in (first, *others):
        server.cli("connection", "create", name, "--directory", "acme")
    token = server.token("--directory", "acme", "--connection", first)
    with scim_client(server.base_url, token) as client:
        created(client, "/Users", user("ann@example.com"))
