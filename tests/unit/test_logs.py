"""The log: an unexpected error tells where it happened, and no secret or person that was in memory there."""

import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from rosterd.wiring.logs import configure
from rosterd.wiring.settings import Settings

configure(Settings(log_format={log_format!r}))

def handle(headers, body):
    raise KeyError("missing")

try:
    headers = [(b"authorization", b"Bearer rst_secret")]
    handle(headers, {{"userName": "alice@example.com", "password": "hunter2"}})
except KeyError as error:
    structlog.get_logger("rosterd.http").error("unexpected error", request_id="r-1", exc_info=error)
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_logged_error_holds_no_local_variables(log_format: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(log_format=log_format)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "unexpected error" in done.stderr
    assert "r-1" in done.stderr
    assert "KeyError" in done.stderr
    assert "handle" in done.stderr
    for secret in ("rst_secret", "alice@example.com", "hunter2"):
        assert secret not in done.stderr
