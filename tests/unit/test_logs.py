"""The log: an unexpected error tells where it happened, and no secret or person that was in memory there."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json
import sys

import structlog
from rosterd.wiring.logs import configure
from rosterd.wiring.settings import Settings

configure(Settings(log_format={log_format!r}))

def handle(headers, body):
    raise KeyError("missing")

try:
    # From outside: a traceback may show lines of this program.
    headers, body = json.loads(sys.argv[1])
    handle(headers, body)
except KeyError as error:
    structlog.get_logger("rosterd.http").error("unexpected error", request_id="r-1", exc_info=error)
"""


IN_MEMORY = [{"authorization": "Bearer rst_secret"}, {"userName": "alice@example.com", "password": "hunter2"}]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_logged_error_holds_no_local_variables(log_format: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(log_format=log_format), json.dumps(IN_MEMORY)],
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
