"""A server as a process that faults are done to: it may log tracebacks, and be killed and started again."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from judges.commands import invoke
from judges.harness import COMMAND, NO_TLS, environment, free_port, user

Process = subprocess.Popen[bytes]


class Faulty:
    """One data directory with a server over it."""

    def __init__(self, data: Path, token: str | None = None, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.settings = {f"ROSTERD_{name.upper()}": value for name, value in settings.items()}
        self.token = token or self.cli("token", "create", "--quiet").splitlines()[0]
        self.process: Process | None = None
        self.log = data.with_name(f"{data.name}.log")

    def cli(self, *arguments: str, code: int = 0) -> str:
        """What a command over the data that ends with the code says on either stream."""
        done = invoke(*arguments, "--data", self.data, **self.settings)
        assert done.returncode == code, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self) -> Process:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--data", str(self.data), "--port", str(self.port)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**environment(), **self.settings},
            )  # fmt: skip
        for _ in range(600):
            assert self.process.poll() is None, "rosterd serve ended"
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.origin}/healthz", verify=NO_TLS)
                return self.process
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        return httpx.Client(base_url=f"{self.origin}/scim/v2", headers=headers, verify=NO_TLS, timeout=30)

    def status(self, path: str) -> int:
        return httpx.get(f"{self.origin}{path}", verify=NO_TLS, timeout=30).status_code

    def until(self, path: str, status: int) -> None:
        """Wait until an address answers so."""
        for _ in range(200):
            if self.status(path) == status:
                return
            time.sleep(0.1)
        raise AssertionError(f"{path} never answered {status}")

    def names(self) -> set[str]:
        """The userNames that are there."""
        with self.client() as http:
            found: set[str] = set()
            start = 1
            while True:
                page = http.get("/Users", params={"startIndex": start, "count": 500}).json()
                found |= {each["userName"] for each in page.get("Resources", ())}
                start += 500
                if start > page["totalResults"]:
                    assert len(found) == page["totalResults"]
                    return found

    def told(self) -> list[str]:
        """The names in the events that tell of new accounts, in the order of the feed."""
        names: list[str] = []
        after: list[str] = []
        while True:
            page = json.loads(self.cli("events", "list", "--json", "--limit", "1000", *after))
            names += [e["data"]["after"]["userName"] for e in page["events"] if e["type"] == "user.created"]
            if not page["more"]:
                return names
            after = ["--after", page["next"]]


def post(http: httpx.Client, name: str, **more: object) -> httpx.Response:
    return http.post("/Users", json=user(name, **more))


@contextlib.contextmanager
def faulty(data: Path, **settings: str) -> Iterator[Faulty]:
    """A running one, that is killed at the end if it is still there."""
    server = Faulty(data, **settings)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            server.kill()
