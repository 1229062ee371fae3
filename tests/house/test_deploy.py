"""What stands in deploy/ fits this release: its settings, commands, addresses, files and metrics exist."""

import asyncio
import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import yaml
from typer.core import TyperGroup

from rosterd.cli import app
from rosterd.wiring import Settings, open_service

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "rosterd.service"
CONTAINERFILE = DEPLOY / "container" / "Containerfile"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
SETTINGS = {f"ROSTERD_{field.name.upper()}" for field in fields(Settings)}
# Series that Prometheus and Grafana have of a metric of each type.
ENDINGS = {
    "counter": ("",),
    "gauge": ("",),
    "summary": ("_sum", "_count"),
    "histogram": ("_sum", "_count", "_bucket"),
}
INSTRUCTIONS = {
    *("FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK"),
    *("ENTRYPOINT", "CMD"),
}


def commands() -> set[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return set(group.commands)


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Containerfile; continued lines are joined."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def unit() -> list[tuple[str, str]]:
    found = re.findall(r"^([A-Za-z]+)=(.*)$", UNIT.read_text(), re.M)
    return [(str(key), str(value)) for key, value in found]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_named_exists(path: Path) -> None:
    named = set(re.findall(r"\bROSTERD_[A-Z_]+", path.read_text()))
    assert named - SETTINGS == set()


def test_the_unit_runs_a_command_on_data_that_is_its_own() -> None:
    known = unit()
    (start,) = [value for key, value in known if key == "ExecStart"]
    program, command = start.split()
    assert (Path(program).name, command in commands()) == ("rosterd", True)
    environment = dict(value.split("=", 1) for key, value in known if key == "Environment")
    options = dict(known)
    assert environment["ROSTERD_DATA"] == f"/var/lib/{options['StateDirectory']}"
    Settings.from_env(environment)
    assert int(options["TimeoutStopSec"]) > 30
    for key in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert options[key] == "yes"
    assert options["ProtectSystem"] == "strict"


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/rosterd/bin/rosterd", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60
    )
    said = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert said == []


def test_the_containerfile_is_made_of_what_is_there() -> None:
    lines = instructions(CONTAINERFILE)
    assert {name for name, _ in lines} <= INSTRUCTIONS
    ignored = (CONTAINERFILE.with_name("Containerfile.dockerignore")).read_text().splitlines()
    for name, rest in lines:
        if name == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (DEPLOY.parent / source).exists(), f"there is no {source} to copy"
                assert f"!{source}" in ignored, f"{source} does not get into the build"
    options = dict(lines)
    assert json.loads(options["ENTRYPOINT"]) == ["rosterd"]
    assert json.loads(options["CMD"])[0] in commands()
    assert options["USER"].isdecimal() and options["USER"] != "0"
    environment = dict(re.findall(r"(ROSTERD_[A-Z_]+)=(\S+)", options["ENV"]))
    settings = Settings.from_env(environment)
    assert str(settings.data) == options["VOLUME"]
    assert str(settings.port) == options["EXPOSE"]
    _, _, check = options["HEALTHCHECK"].partition("CMD ")
    program, flag, code = json.loads(check)
    assert (program, flag) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    assert f":{settings.port}/readyz" in code


def test_the_compose_file_agrees_with_container_and_proxy() -> None:
    document = compose()
    service, proxy = document["services"]["rosterd"], document["services"]["proxy"]
    build = service["build"]
    root = (DEPLOY / build["context"]).resolve()
    assert (root / build["dockerfile"]).resolve() == CONTAINERFILE.resolve()
    volumes = dict(v.split(":")[:2] for s in (service, proxy) for v in s["volumes"] if not v.startswith("."))
    assert set(volumes) <= set(document["volumes"])
    assert "data:/data" in service["volumes"] and service["read_only"] is True
    environment = {
        name: re.sub(r"\$\{SCIM_HOST[^}]*\}", "scim.example.com", value)
        for name, value in service["environment"].items()
        if "ROSTERD_METRICS_TOKEN:-" not in value
    }
    assert Settings.from_env(environment).base_url == "https://scim.example.com"
    for mounted in (v.split(":")[0] for v in proxy["volumes"] if v.startswith(".")):
        assert (DEPLOY / mounted).is_file()
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert f"reverse_proxy rosterd:{Settings().port}" in caddy
    assert service["expose"] == [str(Settings().port)]
    assert caddy.count("{") == caddy.count("}")


async def series(data: Path) -> set[str]:
    """The names of every series that a fresh server tells of."""
    async with open_service(Settings(data=data)) as service:
        transport = httpx.ASGITransport(app=service.site)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            text = (await client.get("/metrics")).text
    types = re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M)
    return {name + ending for name, kind in types for ending in ENDINGS[kind]}


def test_every_query_of_the_dashboard_asks_for_a_metric_that_exists(tmp_path: Path) -> None:
    board = json.loads((DEPLOY / "grafana" / "rosterd.json").read_text())
    known = asyncio.run(series(tmp_path / "data"))
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    named = {name for query in queries for name in re.findall(r"\b(?:rosterd|process)_\w+", query)}
    assert len(queries) > 20
    assert named - known == set()
    ours = {re.sub(r"_(?:sum|count|bucket)$", "", name) for name in known if name.startswith("rosterd_")}
    shown = {re.sub(r"_(?:sum|count|bucket)$", "", name) for name in named}
    assert ours - shown == set(), "a metric that no panel shows"
