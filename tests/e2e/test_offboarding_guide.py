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
    server.cli("directory", "create", "acme")
    server.cli("connection", "create", "okta", "--directory", "acme")
    token = server.token("--directory", "acme", "--connection", "okta")
    with scim_client(server.base_url, token) as client:
        created(client, "/Users", user("ann@example.com"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "ROSTERD_DATA": str(server.data)}
    said = [
        subprocess.run(
            ["bash", "-ec", block], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
        ).stdout
        for block in BLOCKS
    ]
    assert len(said) == 3
    kept = [json.loads(line) for line in (tmp_path / "acme.jsonl").read_text().splitlines()]
    assert any("ann@example.com" in json.dumps(record) for record in kept)
    assert "'acme' is deleted" in said[1]
    assert re.search(r"directory\.deleted\s+directory 'acme'", said[2])
    names = [one["name"] for one in json.loads(server.cli("directory", "list", "--json"))]
    assert "acme" not in names
