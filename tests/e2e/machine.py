"""A machine as docs/operations.md supposes it, in a directory: paths, ``sudo``, ``systemctl``, a database.

Nothing of the real machine is changed. ``systemctl`` is a small one that does what the unit file says:
``ExecStart`` with the environment, ``SIGTERM`` to stop, ``ExecReload``.
"""

import asyncio
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
from contract.postgres_server import URL
from judges.harness import environment, free_port

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
_DATABASE: Final = re.compile(
    r"postgres://rosterd@(?:one\.example\.com,two|db)\.example\.com/rosterd(_restored)?(?:\?[\w=&-]+)?"
)
_NEW: Final = "--maintenance-db=postgres://postgres@db.example.com/postgres --owner=rosterd rosterd_restored"

SUDO = """\
#!/bin/sh
exec "$@"
"""
# `python3 -m venv DIRECTORY` makes one that has what this environment has.
PYTHON3 = """\
#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec {python} "$@"
mkdir -p "$3/bin"
ln -sf {bin}/rosterd "$3/bin/rosterd"
ln -sf {tools}/pip "$3/bin/pip"
"""
# What it would install is here already; that the files it is given exist is looked at.
PIP = """\
#!/bin/sh
previous=
for word in "$@"; do
  [ "$previous" != --requirement ] || [ -f "$word" ] || {{ echo "there is no $word" >&2; exit 1; }}
  previous="$word"
done
"""
SYSTEMCTL = '''\
#!{python}
"""systemctl start|stop|restart|reload|enable --now NAME"""
import os, re, shlex, signal, subprocess, sys, time, urllib.error, urllib.request
from pathlib import Path
root, units = "{root}", Path("{units}")
verb, *rest = [word for word in sys.argv[1:] if not word.startswith("-")]
name = rest[0].removesuffix(".service") if rest else "rosterd"
kept = Path("{state}", name)
def stop():
    if kept.exists():
        pid = int(kept.read_text())
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 60
        while Path(f"/proc/{{pid}}/cmdline").exists() and Path(f"/proc/{{pid}}/cmdline").read_bytes():
            assert time.monotonic() < end, "it does not end"
            time.sleep(0.02)
        kept.unlink()
def settings():
    files = [units / f"{{name}}.service", *sorted(units.glob(f"{{name}}.service.d/*.conf"))]
    text = "".join(file.read_text() for file in files)
    text = re.sub(r"(?<![\\w/])/(?=opt/|var/lib/|etc/)", root + "/", text)
    return [line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Za-z]+=", line)]
def environment():
    found = {{"PATH": os.environ["PATH"], "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}}
    for key, value in settings():
        if key == "Environment":
            found.update([value.split("=", 1)])
        if key == "EnvironmentFile" and Path(value.lstrip("-")).exists():
            found.update(line.split("=", 1) for line in Path(value.lstrip("-")).read_text().split())
    return found
def start():
    command = [value for key, value in settings() if key == "ExecStart"][-1]
    log = open("{state}/journal", "ab")
    made = subprocess.Popen(
        shlex.split(command), env=environment(), stdout=log, stderr=log, start_new_session=True
    )
    end = time.monotonic() + 60
    while True:
        assert made.poll() is None, "it ended: " + Path("{state}/journal").read_text()
        assert time.monotonic() < end, "it does not answer"
        try:
            urllib.request.urlopen("http://127.0.0.1:{port}/readyz", timeout=5).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    kept.write_text(str(made.pid))
if verb in ("stop", "restart"):
    stop()
if verb in ("start", "restart", "enable"):
    start()
if verb == "reload":
    pid = kept.read_text()
    command = [value for key, value in settings() if key == "ExecReload"][-1]
    subprocess.run(command.replace("$MAINPID", pid).split(), check=True)
'''


@dataclass
class Machine:
    """Where its paths lead, and how its commands are run."""

    root: Path
    name: str
    """Of the database that the guide calls ``rosterd``."""
    port: int

    @property
    def url(self) -> str:
        """What the guide calls ``postgres://rosterd@db.example.com/rosterd``."""
        return _url(self.name)

    @property
    def data(self) -> Path:
        """``/var/lib/rosterd``."""
        return self.root / "var/lib/rosterd"

    @property
    def base_url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self.port}"

    def here(self, text: str) -> str:
        """The text with the guide's paths and addresses as they are here."""
        for path in ("/etc/systemd/system", "/etc/rosterd", "/opt", "/var/lib/rosterd", "/var/backups"):
            text = re.sub(rf"(?<![\w/]){path}\b", f"{self.root}{path}", text)
        text = text.replace(_NEW, f"--maintenance-db='{URL}' {self.name}_restored")
        return _DATABASE.sub(lambda found: _url(self.name + (found[1] or "")), text)

    def run(self, script: str, env: Mapping[str, str]) -> dict[str, str]:
        """Run a block of the guide; the environment that it leaves. Fails if a command of it fails."""
        kept = self.root / "environment"
        self.output(f"{script}\nenv -0 > {kept}\n", env)
        pairs = (pair.split("=", 1) for pair in kept.read_text().split("\0") if "=" in pair)
        return {name: value for name, value in pairs if name != "_"}

    def output(self, script: str, env: Mapping[str, str]) -> str:
        """Run commands; what they print. Fails if one fails."""
        done = subprocess.run(
            ["bash", "-ec", self.here(script)],
            cwd=ROOT,
            env=dict(env),
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """What a shell of an administrator has."""
        path = f"{self.root}/tools{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
        return {**environment(), "PATH": path, "ROSTERD_PORT": str(self.port)}


@contextmanager
def machine(root: Path) -> Iterator[Machine]:
    """A machine with nothing on it; what runs on it is ended at the end, and its database dropped."""
    name = f"rosterd_guide_{secrets.token_hex(6)}"
    asyncio.run(_execute(f"CREATE DATABASE {name}"))
    made = Machine(root, name, free_port())
    for path in ("tools", "state", "etc/systemd/system", "etc/rosterd", "var/lib", "var/backups"):
        (root / path).mkdir(parents=True)
    words = {"python": sys.executable, "bin": BIN, "tools": root / "tools", "state": root / "state"}
    words |= {"root": root, "units": root / "etc/systemd/system", "port": made.port}
    for tool, text in (("sudo", SUDO), ("python3", PYTHON3), ("pip", PIP), ("systemctl", SYSTEMCTL)):
        script = text if tool == "sudo" else text.format(**words)
        (root / "tools" / tool).write_text(script)
        (root / "tools" / tool).chmod(0o755)
    (root / "etc/rosterd/environment").write_text(f"ROSTERD_PORT={made.port}\nROSTERD_LOG_LEVEL=warning\n")
    try:
        yield made
    finally:
        subprocess.run([root / "tools/systemctl", "stop", "rosterd"], check=False)
        for database in (name, f"{name}_restored"):
            asyncio.run(_execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"))


def _url(name: str) -> str:
    address, mark, query = URL.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{mark}{query}"


async def _execute(statement: str) -> None:
    connection: Any = await asyncpg.connect(URL, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
