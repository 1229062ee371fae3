"""The log: an unexpected error tells where it happened, and no secret or person that was in memory there."""

import asyncio
import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rosterd.wiring.logs import _Lines

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


OF_A_LIBRARY = """
import logging
from rosterd.wiring.logs import configure
from rosterd.wiring.settings import Settings

configure(Settings(log_format={log_format!r}), worker=2)
log = logging.getLogger("library.part")
log.info("nothing of this")
log.warning("the collector at %s\\nis away", "127.0.0.1")
log.warning("%d", "a mistake of the library's")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it failed")
"""


def of_a_library(log_format: str) -> list[str]:
    program = OF_A_LIBRARY.format(log_format=log_format)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def test_what_a_library_logs_is_a_line_of_json_too() -> None:
    written = [json.loads(line) for line in of_a_library("json") if line.startswith("{")]
    assert [(line["event"], line["level"]) for line in written] == [
        ("the collector at 127.0.0.1\nis away", "warning"),
        ("it failed", "error"),
    ]
    assert {(line["logger"], line["worker"]) for line in written} == {("library.part", 2)}
    assert written[1]["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_what_a_library_logs_is_read_on_a_terminal() -> None:
    text = "\n".join(of_a_library("console"))
    for word in ("is away", "library.part", "it failed", "ZeroDivisionError"):
        assert word in text


LINES = """
import structlog
from rosterd.wiring.logs import configure
from rosterd.wiring.settings import Settings

configure(Settings(log_format={log_format!r}))
log = structlog.get_logger("rosterd")
for say in (log.info, log.warning):
    for why in ("two\\nlines", "half a pair \\ud800", object):
        say("something", why=why)
print("done")
"""


def test_a_line_is_one_line_of_json_with_the_time_in_utc_whatever_is_in_it() -> None:
    program = LINES.format(log_format="json")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stdout == "done\n", done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["info"] * 3 + ["warning"] * 3
    for line in lines:
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta()
    assert [line["why"] for line in lines[:2]] == ["two\nlines", "half a pair \ud800"]


TOGETHER = """
import structlog
from rosterd.wiring.logs import configure
from rosterd.wiring.settings import Settings

configure(Settings(log_format="json"), {worker})
log = structlog.get_logger("rosterd").bind(area="scim")
several = [{{"why": "two\\nlines", "n": 1}}, {{"why": "half a pair \\ud800", "n": 2}}]
for fields in several:
    log.info("something", **fields)
log.together("something", several)
"""


@pytest.mark.parametrize("worker", [None, 2])
def test_lines_that_are_written_together_say_the_same_as_one_by_one(worker: int | None) -> None:
    program = TOGETHER.format(worker=worker)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta() for line in lines)
    assert lines[:2] == lines[2:]
    assert [line["why"] for line in lines[:2]] == ["two\nlines", "half a pair \ud800"]
    assert {line.get("worker") for line in lines} == {worker}


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_that_cannot_be_written_is_lost_and_no_fault(log_format: str) -> None:
    program = LINES.format(log_format=log_format)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, timeout=30
        )
    assert (done.returncode, done.stdout) == (0, b"done\n")


def test_a_line_is_written_though_the_loop_that_was_to_write_the_one_before_has_ended() -> None:
    stream = io.BytesIO()
    lines = _Lines(stream, b"\n")
    loop = asyncio.new_event_loop()
    loop.call_soon(loop.stop)
    loop.call_soon(lines.info, b"first")
    loop.run_forever()
    loop.close()

    async def leave() -> None:
        lines.info(b"second")

    asyncio.run(leave())
    assert stream.getvalue() == b"first\nsecond\n"


def test_no_line_of_several_threads_is_left_waiting() -> None:
    each, interval = 500, sys.getswitchinterval()
    sys.setswitchinterval(1e-7)
    try:
        for _ in range(100):
            stream = io.BytesIO()
            lines = _Lines(stream, b"\n")
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(lines.info, [b"line"] * each))
            assert stream.getvalue() == b"line\n" * each
    finally:
        sys.setswitchinterval(interval)
