"""docs/quickstart-application.md does what it says: its blocks are run one after the other, as written."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
from judges.harness import environment, free_port

TEXT = Path(__file__).parents[2].joinpath("docs", "quickstart-application.md").read_text()
PATIENCE = 60.0


def until(look: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def people(url: str, token: str) -> list[str]:
    """Who comes inactive, and who is changed once more after the deactivation; their ids."""
    headers = {"Authorization": f"Bearer {token.strip()}"}
    with httpx.Client(base_url=url, headers=headers) as scim:
        new, gone = (
            scim.post("/Users", json={"userName": name, "active": active}).json()["id"]
            for name, active in (("new", False), ("gone", True))
        )
        for path, value in (("active", False), ("title", "Formerly")):
            change = {"op": "replace", "path": path, "value": value}
            scim.patch(f"/Users/{gone}", json={"Operations": [change]}).raise_for_status()
    return [new, gone]


def test_the_blocks_make_an_integration_that_agrees_at_the_end(tmp_path: Path) -> None:
    server, receiver = free_port(), free_port()
    text = TEXT.replace(":8000", f":{server}").replace(":3000", f":{receiver}")
    text = text.replace("port=3000", f"port={receiver}")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    serve, receive, listen, simulate, show, reconcile = re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)
    tmp_path.joinpath("app.py").write_text(program)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**environment(), "PATH": programs, "ROSTERD_PORT": str(server)}

    def run(block: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", block], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, block + done.stdout + done.stderr
        return done.stdout

    with ExitStack() as stack:

        def start(block: str, name: str, ready: str) -> Path:
            log = tmp_path / name
            # The last command takes the shell's place, so that ending the process ends it.
            *before, last = block.strip().splitlines()
            file = stack.enter_context(log.open("w"))
            process = subprocess.Popen(
                ["bash", "-ec", "\n".join([*before, f"exec {last}"])], cwd=tmp_path, env=env,
                stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            until(lambda: ready in log.read_text(), log)
            return log

        start(serve, "serve.log", "Token (shown only now)")
        received = start(f"export PYTHONUNBUFFERED=1\n{receive}", "app.log", "Running on")
        sent = start(listen, "listen.log", "Secret")
        run(simulate)
        token = run(f"{simulate.splitlines()[0]}\necho $TOKEN")
        inactive = people(f"http://127.0.0.1:{server}/scim/v2", token)
        told = run(show)
        assert "user.created" in told and "user.deactivated" in told, told
        events = run("rosterd events list --data rosterd-data --limit 1000").splitlines()
        until(lambda: len(sent.read_text().splitlines()) >= len(events) + 2, sent)
        assert "✗" not in sent.read_text()
        assert "seat for" in received.read_text()
        assert "ended" in received.read_text()
        for id in inactive:
            rows = tmp_path.joinpath("accounts.csv").read_text().splitlines()
            assert [row.rpartition(",")[2] for row in rows if id in row] == ["False"], rows
        run(reconcile)
