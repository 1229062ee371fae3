"""A PgBouncer between rosterd and a cluster of the test's own."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Iterator

import asyncpg
import pytest
from faults.clusters import OWNER, Cluster, wait_until
from judges.harness import free_port


@contextlib.contextmanager
def pooler(cluster: Cluster, mode: str) -> Iterator[str]:
    """The URL of a PgBouncer before a cluster, without the database; skips the test if there is none."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not here")
    port = free_port()
    settings = cluster.data.parent / f"pgbouncer-{mode}.ini"
    settings.write_text(
        f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = {mode}\ndefault_pool_size = 50\n"
    )
    settings.chmod(0o644)
    process = subprocess.Popen(
        [program, "--quiet", str(settings)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **OWNER,
    )  # fmt: skip
    url = f"postgres://postgres@127.0.0.1:{port}"

    async def answers() -> bool:
        await (await asyncpg.connect(f"{url}/postgres", statement_cache_size=0)).close()
        return True

    try:
        wait_until(lambda: asyncio.run(answers()), "PgBouncer does not answer")
        yield url
    finally:
        process.kill()
        process.wait()
