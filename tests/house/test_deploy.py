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
DROP_IN = DEPLOY / "systemd" / "rosterd.service.d" / "workers.conf"
COMPOSES = {"compose.yaml": "Caddyfile", "compose-postgres.yaml": "Caddyfile-postgres"}
VALUES = {"SCIM_HOST": "scim.example.com", "DATABASE_PASSWORD": "p@ss:word/%", "ROSTERD_WORKERS": "3"}
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


def compose(name: str) -> dict[str, Any]:
    """A compose file, its variables filled in as from an environment of ``VALUES``."""

    def value(found: re.Match[str]) -> str:
        variable, sign, rest = found.groups()
        assert variable in VALUES or sign == ":-", f"{variable} has no value, and nothing asks for one"
        return VALUES.get(variable, rest)

    text = re.sub(r"\$\{([A-Z_]+)(:[?-])?([^}]*)\}", value, (DEPLOY / name).read_text())
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def unit(path: Path = UNIT) -> list[tuple[str, str]]:
    found = re.findall(r"^([A-Za-z]+)=(.*)$", path.read_text(), re.M)
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


def test_the_unit_of_several_workers_replaces_them_on_reload() -> None:
    options = dict(unit(DROP_IN))
    settings = Settings.from_env(dict([options["Environment"].split("=", 1)]))
    assert settings.workers > 1
    assert options["ExecReload"].split()[1:] == ["-HUP", "$MAINPID"]
    assert options["KillMode"] == "control-group", "workers finish what they accepted if the supervisor dies"
    assert options["OOMPolicy"] == "continue", "a worker that is killed is replaced by the supervisor"


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/rosterd/bin/rosterd", "/bin/true"))
    shutil.copytree(DROP_IN.parent, tmp_path / DROP_IN.parent.name)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60
    )
    said = [line for line in done.stderr.splitlines() if UNIT.name in line or DROP_IN.name in line]
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


@pytest.mark.parametrize("name", COMPOSES)
def test_a_compose_file_agrees_with_container_and_proxy(name: str) -> None:
    document = compose(name)
    services, proxy = document["services"], document["services"]["proxy"]
    ours = {name: service for name, service in services.items() if "build" in service}
    for service in ours.values():
        build = service["build"]
        root = (DEPLOY / build["context"]).resolve()
        assert (root / build["dockerfile"]).resolve() == CONTAINERFILE.resolve()
        assert service["read_only"] is True
        settings = Settings.from_env(service["environment"])
        assert settings.base_url == "https://scim.example.com"
        assert service["expose"] == [str(Settings().port)]
        assert "data:/data" in service.get("volumes", ()) or settings.database_url
    for service in services.values():
        mounted = [volume.split(":")[0] for volume in service.get("volumes", ())]
        assert {each for each in mounted if not each.startswith(".")} <= set(document["volumes"])
        assert all((DEPLOY / each).is_file() for each in mounted if each.startswith("."))
        assert set(service.get("networks", ())) <= set(document.get("networks", ()))
        waited = service.get("depends_on", {})
        assert all("healthcheck" in services[other] or other in ours for other in waited)
        assert ("ports" in service) is (service is proxy), "only the proxy is reached from outside"
    caddy = (DEPLOY / COMPOSES[name]).read_text()
    assert f"./{COMPOSES[name]}:/etc/caddy/Caddyfile:ro" in proxy["volumes"]
    assert re.findall(r"^\treverse_proxy (.*) \{$", caddy, re.M) == [
        " ".join(f"{service}:{Settings().port}" for service in ours)
    ]
    assert caddy.count("{") == caddy.count("}")


def test_the_compose_file_with_postgres_has_two_rosterds_on_it_and_no_secret() -> None:
    document = compose("compose-postgres.yaml")
    ours = [service for service in document["services"].values() if "build" in service]
    database = document["services"]["database"]["environment"]
    for service in ours:
        settings = Settings.from_env(service["environment"])
        assert settings.database_url == f"postgres://{database['POSTGRES_USER']}@database/rosterd"
        assert service["environment"]["PGPASSWORD"] == database["POSTGRES_PASSWORD"]
        assert settings.workers == 3
    assert (len(ours), database["POSTGRES_DB"]) == (2, "rosterd")
    text = (DEPLOY / "compose-postgres.yaml").read_text()
    secrets = re.findall(r"^\s+\w*(?:PASSWORD|TOKEN|SECRET)\w*: (.*)$", text, re.M)
    assert len(secrets) == 3
    assert all(value.startswith("${") for value in secrets)
    assert "health_uri /readyz" in (DEPLOY / "Caddyfile-postgres").read_text()


async def series(data: Path) -> set[str]:
    """The names of every series that a fresh server tells of."""
    async with open_service(Settings(data=data)) as service:
        transport = httpx.ASGITransport(app=service.http.site)
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
