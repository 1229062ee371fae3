"""An application with rosterd in it, as a process under uvicorn, and the commands beside it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from judges.commands import said
from judges.harness import NO_TLS

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PATIENCE = 20.0


@dataclass(frozen=True)
class Application:
    """A running application, its address and its data directory."""

    url: str
    data: Path
    process: "subprocess.Popen[str]"
    log: Path

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, verify=NO_TLS)

    def scim(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{self.url}/rosterd/scim/v2", headers=headers, verify=NO_TLS)


def rosterd(*arguments: str, data: Path) -> str:
    """Run a command on a data directory; what it prints."""
    return said(*arguments, "--data", data).strip()


@contextlib.contextmanager
def application(
    module: str, data: Path, *, lifespan: str = "auto", path: Path = EXAMPLES
) -> Iterator[Application]:
    """Run ``module:app``; it is stopped by a signal at the end."""
    log = data.parent / f"{module}.log"
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--app-dir", str(path), "--port", "0"]
    environment = {**os.environ, "ROSTERD_DATA": str(data), "PYTHONUNBUFFERED": "1"}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--lifespan", lifespan], stderr=errors, env=environment, text=True, stdout=errors
        )
    try:
        found = until(lambda: re.search(r"running on (http://\S+)", log.read_text()), process, log)
        yield Application(found[1], data, process, log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def until(look: Callable[[], Any], process: "subprocess.Popen[str]", log: Path) -> Any:
    """What is found at last; the process must live as long."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.02)
    return found
