"""A command over a data directory loads only what it needs: everybody who types one waits for that."""

import subprocess
import sys
from pathlib import Path

from judges.harness import environment

HEAVY = ("asyncpg", "joserfc", "aiohttp", "uvicorn", "jinja2", "prometheus_client", "zxcvbn", "opentelemetry")
PROGRAM = """
import atexit, sys
from rosterd.cli import main
atexit.register(lambda: print(*sorted({name.partition(".")[0] for name in sys.modules})))
main()
"""


def test_a_token_is_made_without_the_server_or_another_engine(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "token", "create", "--quiet", "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    token, loaded = done.stdout.splitlines()
    assert token.startswith("rst_")
    assert "rosterd" in loaded.split()
    assert [name for name in HEAVY if name in loaded.split()] == []
