"""Whether a release in the lock files has a known vulnerability: reads the JSON of ``pip-audit`` from stdin.

Ends with 1 if one has, and names it. Without a report, as where no advisory service answers, it says so.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def findings(report: Mapping[str, Any]) -> Sequence[str]:
    """A line for each known vulnerability."""
    return [
        f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or '-'}"
        for one in report["dependencies"]
        for found in one.get("vulns", ())
    ]


def unknown(report: Mapping[str, Any]) -> Sequence[str]:
    """What the service told nothing about."""
    return [one["name"] for one in report["dependencies"] if "skip_reason" in one]


def main() -> int:
    """Print what is known; the exit code."""
    text = sys.stdin.read()
    if not text.strip():
        print("audit: pip-audit found out nothing, so nothing was audited; .venv/audit.log says why")
        return 0
    report = json.loads(text)
    found, skipped, total = findings(report), unknown(report), len(report["dependencies"])
    for line in found:
        print(f"audit: {line}")
    print(f"audit: {total - len(skipped)} of {total} releases looked up, {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
