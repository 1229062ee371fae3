"""The audit of dependencies fails for what is known, and only for that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).with_name("audit.py")
SOUND = {"name": "jinja2", "version": "3.1.6", "vulns": []}
BROKEN = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "PYSEC-2024-1", "fix_versions": ["3.1.3"], "aliases": []}],
}
SKIPPED = {"name": "jinja2", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("dependencies", "code", "words"),
    [
        ([SOUND], 0, "1 of 1 releases looked up, 0 known"),
        ([SOUND, SKIPPED], 0, "1 of 2 releases looked up, 0 known"),
        ([SOUND, BROKEN], 1, "jinja2 3.1.2: PYSEC-2024-1, mended in 3.1.3"),
        (None, 0, "nothing was audited"),
    ],
)
def test_a_known_vulnerability_fails_it(dependencies: list[object] | None, code: int, words: str) -> None:
    report = "" if dependencies is None else json.dumps({"dependencies": dependencies})
    done = subprocess.run([sys.executable, str(AUDIT)], input=report, capture_output=True, text=True)
    assert done.returncode == code
    assert words in done.stdout
