"""Starts and stops the servers, and reads what they consume.

Every server is a child process on a free loopback port, in its own session so that Ctrl-C reaches only
the benchmark; it is stopped by its pid, with what descends from it, on every way out.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from bench.client import Connection, Target
from bench.postgres import Namespace

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 30.0
STOP_SECONDS = 15.0
TOKEN = "bench-token"  # noqa: S105 (opens nothing but the peer of this run)


class ServerFailed(Exception):
    """A server did not start; the message ends with its last words."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far and resident bytes now, of a process and all that descend from it."""

    cpu: float
    rss: int


@dataclass(frozen=True, slots=True)
class Row:
    """One process of the system's table."""

    pid: int
    parent: int
    cpu: float
    rss: int


def parse_stat(text: str, ticks: int, page: int) -> Row:
    """``/proc/<pid>/stat`` (proc(5)); the name in parentheses may contain anything."""
    fields = text[text.rindex(")") + 2 :].split()
    return Row(
        int(text[: text.index(" ")]),
        int(fields[1]),
        sum(map(int, fields[11:15])) / ticks,
        int(fields[21]) * page,
    )


def parse_ps(line: str) -> Row:
    """A line of ``ps -A -o pid=,ppid=,time=,rss=``: time is ``[[dd-]hh:]mm:ss[.cc]``, rss in KiB."""
    pid, parent, spent, rss = line.split()
    days, _, rest = spent.rpartition("-")
    seconds = 0.0
    for part in rest.split(":"):
        seconds = seconds * 60 + float(part)
    return Row(int(pid), int(parent), seconds + int(days or 0) * 86400, int(rss) * 1024)


def _processes() -> list[Row]:
    if not Path("/proc/self/stat").exists():
        output = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,time=,rss="], capture_output=True, text=True, check=True
        ).stdout
        return [parse_ps(line) for line in output.splitlines() if line.strip()]
    ticks, page, rows = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE"), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                rows.append(parse_stat((entry / "stat").read_text(), ticks, page))
    return rows


def family(pid: int) -> list[Row]:
    """The process and its descendants; empty when it is gone."""
    rows = _processes()
    found = [row for row in rows if row.pid == pid]
    for member in found:
        found.extend(row for row in rows if row.parent == member.pid)
    return found


def usage(pid: int | None) -> Usage | None:
    """What the process and its descendants have consumed; ``None`` when it is unknown or gone."""
    rows = family(pid) if pid is not None else []
    return Usage(sum(row.cpu for row in rows), sum(row.rss for row in rows)) if rows else None


def spent(pids: Iterable[int]) -> float:
    """CPU seconds so far of just these processes; one that is gone has none."""
    wanted = set(pids)
    return sum(row.cpu for row in _processes() if row.pid in wanted) if wanted else 0.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. ``pid`` is ``None`` for one that the benchmark did not start."""

    name: str
    target: Target
    pid: int | None
    how: str
    sessions: Callable[[], Sequence[int]] = tuple
    """The processes of a database that work for it alone, now."""
    data: Path = Path()
    """Its data directory, if it has one."""

    def engine(self) -> float | None:
        """CPU seconds so far of its database's processes; ``None`` if it has no such."""
        return spent(pids) if (pids := self.sessions()) else None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a server is started: ``{port}`` and ``{data}`` are filled in, ``token`` makes a token for it."""

    name: str
    command: Sequence[str]
    prefix: str
    how: str
    token: Callable[[str], str] = lambda data: TOKEN
    environment: dict[str, str] = field(default_factory=dict)
    sessions: Callable[[], Sequence[int]] = tuple
    """See ``Server``."""


def _script(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or name


def _rosterd_token(data: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """A token of a connection that may be as fast as the server is."""
    token = _rosterd("token", "create", "--data", data, "--quiet", **environment)
    unlimited = ("--read-rate", "0", "--write-rate", "0", "--fuse-percent", "0")
    _rosterd("connection", "update", "default", "--data", data, *unlimited, **environment)
    return token


def _rosterd(*arguments: str, **environment: str) -> str:
    command = [_script("rosterd"), *arguments]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    if done.returncode != 0:
        raise ServerFailed(f"{' '.join(command)} failed: {done.stderr.strip()[-800:]}")
    return done.stdout.strip()


def _uvicorn(app: str) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", app, "--app-dir", str(ROOT), "--host", "127.0.0.1"),
        *("--port", "{port}", "--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--log-level", "warning"),
    ]


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("empty", _uvicorn("bench.empty:app"), "", "empty ASGI application, uvicorn"),
        Recipe(
            "rosterd",
            [_script("rosterd"), "serve", "--data", "{data}", "--port", "{port}"],
            "/scim/v2",
            "rosterd serve, SQLite on disk, every answer after its fsync",
            _rosterd_token,
        ),
        Recipe(
            "scim2-server",
            _uvicorn("bench.peer:app"),
            "/v2",
            "its ASGI application under uvicorn, uvloop and httptools, in memory (fastest found)",
            environment={"BENCH_TOKEN": TOKEN},
        ),
        Recipe(
            "scim2-server-command",
            [_script("scim2-server"), "--port", "{port}", "--bearer-token", TOKEN],
            "/v2",
            "its own command: wsgiref, a thread and a connection a request, in memory",
        ),
    )
}


def with_workers(workers: int, how: str = "SQLite on disk, every answer after its fsync") -> Recipe:
    """rosterd with so many workers."""
    several = ["--workers", str(workers)] if workers > 1 else []
    return replace(
        RECIPES["rosterd"],
        command=[*RECIPES["rosterd"].command, *several],
        how=f"rosterd serve, {workers} worker{'s' * (workers > 1)}, {how}",
    )


def on_postgres(space: Namespace, workers: int = 1) -> Recipe:
    """rosterd with its data in a schema of PostgreSQL; its workers have together about what one has."""
    connections = max(4, 12 // workers)
    environment = {"ROSTERD_DATABASE_URL": space.url, "ROSTERD_DATABASE_CONNECTIONS": str(connections)}
    return replace(
        with_workers(workers, "PostgreSQL"),
        token=partial(_rosterd_token, environment=environment),
        environment=environment,
        sessions=space.backends,
    )


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(recipe: Recipe, where: Path | None = None) -> Iterator[Server]:
    """Start a server with empty data below ``where``; stop it and remove the data at the end.

    Raises ``ServerFailed``."""
    data = tempfile.mkdtemp(prefix="bench-", dir=where)
    log = Path(data, "output.log")
    port = free_port()
    filled = [part.format(port=port, data=data) for part in recipe.command]
    process: subprocess.Popen[bytes] | None = None
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                filled,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **recipe.environment},
                start_new_session=True,
            )
        _wait(process, Target("127.0.0.1", port, recipe.prefix), recipe, log)
        target = Target("127.0.0.1", port, recipe.prefix, recipe.token(data))
        yield Server(recipe.name, target, process.pid, recipe.how, recipe.sessions, Path(data))
    finally:
        if process is not None:
            _stop(process)
        shutil.rmtree(data, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], target: Target, recipe: Recipe, log: Path) -> None:
    """Until the server answers anything at all over HTTP."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, TimeoutError):
            asyncio.run(_probe(target))
            return
        time.sleep(0.1)
    words = log.read_text(errors="replace")[-1500:]
    raise ServerFailed(f"{recipe.name} did not answer within {READY_SECONDS:.0f} s.\n{words}")


async def _probe(target: Target) -> None:
    connection = Connection(target)
    try:
        async with asyncio.timeout(5):
            await connection.exchange(target.request("GET", "/ServiceProviderConfig"))
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; after a while, end it and its descendants."""
    pids = [row.pid for row in family(process.pid)]
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)


def fsync_milliseconds(where: Path | None, times: int = 40) -> float:
    """The median time of one small durable write where the data will be: the floor of a durable answer."""
    taken = []
    with tempfile.TemporaryFile(dir=where) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            begin = time.perf_counter()
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - begin)
    return sorted(taken)[times // 2] * 1000
