"""django-scim2 as a peer: its environment, made once, and how it is started on a schema of PostgreSQL.

It runs under gunicorn with threads, one process a core, connections to the database kept open, as is usual
where it has to be quick; no other way was compared. Synchronous workers close the connection after each
request, and ASGI hands each to a thread.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.postgres import Namespace
from bench.servers import ROOT, TOKEN, Recipe, ServerFailed

NAME: Final = "django-scim2"
WORKERS: Final = os.cpu_count() or 1
THREADS: Final = 4
_REQUIREMENTS: Final = Path(__file__).parent / "django_peer" / "requirements.txt"


def environment(where: Path) -> Path:
    """The interpreter of an environment with what it needs, below ``where``; made if it is not there.

    Raises ``ServerFailed`` if that cannot be, for want of a package index."""
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = where / f"django-scim2-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(_REQUIREMENTS)])
        (folder / "complete").touch()
    return python


def recipe(space: Namespace, python: Path) -> Recipe:
    """How it is started; its tables are made here."""
    variables = _variables(space)
    django = [str(python), "-m", "django"]
    for part in (["auth"], ["--run-syncdb"]):  # the project has no migrations, and its tables come last
        _run([*django, "migrate", "--verbosity", "0", *part], variables)
    return Recipe(
        NAME,
        [
            *(str(python), "-m", "gunicorn", "bench.django_peer.wsgi:application"),
            *("--chdir", str(ROOT), "--bind", "127.0.0.1:{port}", "--keep-alive", "60"),
            *("--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)),
        ],
        "/v2",
        f"gunicorn, {WORKERS} processes with {THREADS} threads, PostgreSQL, connections kept",
        environment=dict(variables),
        sessions=space.backends,
    )


def _variables(space: Namespace) -> Mapping[str, str]:
    url = urlsplit(space.url)
    return {
        "DJANGO_SETTINGS_MODULE": "bench.django_peer.settings",
        "PYTHONPATH": str(ROOT),
        "BENCH_TOKEN": TOKEN,
        "BENCH_SCHEMA": space.name,
        "BENCH_NAME": url.path.lstrip("/"),
        "BENCH_USER": url.username or "",
        "BENCH_PASSWORD": url.password or "",
        "BENCH_HOST": url.hostname or "",
        "BENCH_PORT": str(url.port or 5432),
    }


def _run(command: list[str], variables: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(variables or {})},
    )
    if done.returncode != 0:
        raise ServerFailed(f"{' '.join(command)} failed: {done.stderr.strip()[-800:]}")
