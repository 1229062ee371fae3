"""rosterd as this release and as the one before: its commands, its servers, as processes of their own.

The release before is taken from the history of the repository: the last commit with the schemas before.
"""

import asyncio
import contextlib
import io
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from judges.harness import NO_TLS, environment, free_port

BEFORE = "cf1cb8132baf37b52c734f1411c99ad100f0b57d"
ROOT = Path(__file__).parents[2]
MAIN = "import sys; sys.argv[0] = 'rosterd'; from rosterd.cli import main; main()"


def source_of_before(folder: Path) -> Path:
    """The packages of the release before, in a folder; skips the test in a clone without its history."""
    if not (folder / "src").exists():
        found = subprocess.run(["git", "archive", BEFORE, "src"], cwd=ROOT, capture_output=True)
        if found.returncode:
            pytest.skip(f"this clone does not have the commit {BEFORE[:7]} of the release before")
        with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
            archive.extractall(folder, filter="data")
    return folder / "src"


@dataclass(frozen=True)
class Release:
    """One of them on one database; ``source`` is where its package is, none for this one's."""

    data: Path
    settings: Mapping[str, str]
    source: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        path = {} if self.source is None else {"PYTHONPATH": str(self.source)}
        return {**environment(), **path, **self.settings, "ROSTERD_DATA": str(self.data)}

    async def run(self, *arguments: str, program: str = MAIN) -> tuple[int, str]:
        """The exit code of a command, and what it wrote."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
        )
        try:
            async with asyncio.timeout(60):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, said.decode()

    async def script(self, program: str, *arguments: str) -> str:
        """What a program over the packages of the release writes."""
        code, said = await self.run(*arguments, program=program)
        assert code == 0, said
        return said

    async def cli(self, *arguments: str) -> str:
        """What a command that succeeds writes."""
        code, said = await self.run(*arguments)
        assert code == 0, f"rosterd {' '.join(arguments)}: {said}"
        return said.strip()

    async def serve(self) -> "Serving":
        """A server that answers."""
        port = free_port()
        log = self.data.parent / f"server-{port}.log"
        process = await asyncio.to_thread(self._start, port, log)
        serving = Serving(f"http://127.0.0.1:{port}", process, log)
        await serving.up()
        return serving

    def _start(self, port: int, log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-c", MAIN, "serve", "--port", str(port)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )


@dataclass(frozen=True)
class Serving:
    """A running server, and what is under way to it."""

    origin: str
    process: "subprocess.Popen[bytes]"
    log: Path
    busy: set[object] = field(default_factory=set)

    async def up(self) -> None:
        end = time.monotonic() + 30
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            while time.monotonic() < end:
                assert self.process.poll() is None, self.log.read_text()
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self.origin}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise AssertionError(f"the server does not answer: {self.log.read_text()}")

    async def stop(self) -> None:
        """Stop it as a service manager does, once what is under way to it is answered."""
        async with asyncio.timeout(30):
            while self.busy:  # noqa: ASYNC110 - other tasks empty it
                await asyncio.sleep(0.01)
        self.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(self.process.wait, 30) == 0, self.log.read_text()
        said = self.log.read_text()
        assert "Traceback" not in said, said[max(0, said.index("Traceback") - 500) :][:4000]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
