"""scim-sanity, a probe of SCIM servers: in its strict mode, no failure, error or warning."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from judges.harness import Tenants

PROBE = Path(sys.executable).with_name("scim-sanity")

# The probe skips what the server does not announce: the resource types of an expired draft.
NOT_ANNOUNCED = {
    "Agent CRUD Lifecycle",
    "AgenticApplication CRUD Lifecycle",
    "Agent Rapid Lifecycle",
}


def probe(base_url: str, token: str, *options: str) -> dict[str, Any]:
    command = [str(PROBE), "probe", base_url, "--token", token, "--strict", "--json-output"]
    command += ["--i-accept-side-effects", "--timeout", "20", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    report: dict[str, Any] = json.loads(done.stdout)
    report["exit"] = done.returncode
    return report


@pytest.mark.parametrize("profile", ["auto", "okta", "strict"])
def test_scim_sanity_finds_nothing(tenants: Tenants, profile: str) -> None:
    tenant = tenants(profile=profile)
    report = probe(tenant.base_url, tenant.token)
    results = report["results"]
    faults = [r for r in results if r["status"] not in ("pass", "skip")]
    assert faults == []
    assert {r["name"] for r in results if r["status"] == "skip"} == NOT_ANNOUNCED
    assert report["exit"] == 0
    assert report["summary"]["passed"] >= 28
