"""PgBouncer between rosterd and PostgreSQL: by session it works, by transaction it is refused in words."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from faults.access import access
from faults.clusters import OWNER, Cluster, alone, wait_until
from faults.site import site
from judges.harness import free_port

from rosterd.wiring import Settings
from rosterd.wiring.settings import SettingsError


@contextlib.contextmanager
def pooler(cluster: Cluster, mode: str) -> Iterator[str]:
    """The URL of a PgBouncer before a cluster."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not here")
    port = free_port()
    settings = cluster.data.parent / f"pgbouncer-{mode}.ini"
    settings.write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={cluster.port} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = {mode}\ndefault_pool_size = 50\n"
    )
    settings.chmod(0o644)
    process = subprocess.Popen(
        [program, "--quiet", str(settings)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER,
    )  # fmt: skip
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"

    async def answers() -> bool:
        await (await asyncpg.connect(url, statement_cache_size=0)).close()
        return True

    try:
        wait_until(lambda: asyncio.run(answers()), "PgBouncer does not answer")
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_pooler(tmp_path: Path) -> None:
    with alone() as cluster:
        with pooler(cluster, "session") as url, site(url, tmp_path, count=2) as run:
            run.more(200)
        with pooler(cluster, "transaction") as url, pytest.raises(SettingsError, match="pool_mode = session"):
            asyncio.run(access(Settings(data=tmp_path, database_url=url)))
