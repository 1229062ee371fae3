"""docs/operations.md does what it says: every block of commands in it is run, on a machine of its own."""

import re
import subprocess
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx
import pytest
from contract.postgres_server import namespace
from e2e.machine import ROOT, Machine, machine

from rosterd.scim import urns

USER = {"schemas": [urns.USER], "userName": "ann@example.com"}
PATIENCE = 60.0

# Sections that are read one after the other, as an administrator would.
ON_A_FILE = ("Install", "As a service", "Health and logs", "Backup", "Restore", "Upgrade", "Traces")
MOVED = ("Install", "As a service", "Moving to PostgreSQL")
ON_POSTGRES = ("PostgreSQL", "Several workers, several machines")
ON_A_CLUSTER = ("Restore to a moment",)  # by tests/faults/test_point_in_time.py


@cache
def blocks() -> Mapping[str, list[str]]:
    """The blocks of commands by section, in order."""
    found: dict[str, list[str]] = {}
    text = (ROOT / "docs" / "operations.md").read_text()
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        title, _, rest = section.partition("\n")
        commands = re.findall(r"^ *```bash\n(.*?)^ *```", rest, re.M | re.S)
        if commands:
            found[title] = [textwrap.dedent(block) for block in commands]
    return found


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    with namespace():  # skips without a PostgreSQL
        pass
    with machine(tmp_path) as made:
        yield made


def scim(here: Machine, token: str) -> httpx.Client:
    return httpx.Client(base_url=f"{here.base_url}/scim/v2", headers={"Authorization": f"Bearer {token}"})


def names(here: Machine, token: str) -> set[str]:
    with scim(here, token) as client:
        reply = client.get("/Users")
    assert reply.status_code == 200, reply.text
    return {user["userName"] for user in reply.json()["Resources"]}


def service_with_a_user(here: Machine) -> tuple[dict[str, str], str]:
    """Install it, run it as a service, and provision somebody: the environment, and a token."""
    env = here.environment()
    for section in ("Install", "As a service"):
        for block in blocks()[section]:
            env = here.run(block, env)
    token = here.output("/opt/rosterd/bin/rosterd token create --quiet --data /var/lib/rosterd", env).strip()
    with scim(here, token) as client:
        assert client.post("/Users", json=USER).status_code == 201
    return env, token


@contextmanager
def serving(here: Machine, block: str, env: Mapping[str, str]) -> Iterator[None]:
    """Run a block that serves until it is told to stop, and stop it at the end."""
    script = f"exec {here.here(block).strip()}"
    with (here.root / "serve.log").open("w") as log:
        process = subprocess.Popen(["bash", "-ec", script], env=dict(env), stdout=log, stderr=log)
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(here):
            assert process.poll() is None and time.monotonic() < end, (here.root / "serve.log").read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(here: Machine) -> bool:
    try:
        return httpx.get(f"{here.base_url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_every_section_with_commands_is_run() -> None:
    assert set(blocks()) == {*ON_A_FILE, *MOVED, *ON_POSTGRES, *ON_A_CLUSTER}


def test_a_service_on_a_file_is_looked_after(here: Machine) -> None:
    env, token = service_with_a_user(here)
    (look,) = blocks()["Health and logs"]
    here.run(look, env)
    file, dump = blocks()["Backup"]
    here.run(file, env)
    here.run(f"rosterd copy sqlite:/var/lib/rosterd {here.url} --while-serving", env)
    here.run(dump, env)
    with scim(here, token) as client:
        client.post("/Users", json={**USER, "userName": "bob@example.com"})
    restore, mark, put_back = blocks()["Restore"]
    here.run("sudo systemctl stop rosterd", env)
    here.run(restore, env)
    on_postgres = {**env, "ROSTERD_DATABASE_URL": here.url}
    here.run(mark, on_postgres)
    newer = "CREATE TABLE newer (id BIGINT REFERENCES directory)"  # as a release after that of the dump makes
    here.run(f"psql {here.url} --command '{newer}'", env)
    on_postgres = here.run(put_back, on_postgres)
    (upgrade,) = blocks()["Upgrade"]
    here.run(upgrade, env)
    here.run("sudo systemctl start rosterd", env)
    assert names(here, token) == {USER["userName"]}
    assert USER["userName"] in here.output("rosterd account list", on_postgres)
    here.run("sudo systemctl stop rosterd", env)
    (traces,) = blocks()["Traces"]
    with serving(here, "rosterd serve --data /var/lib/rosterd", here.run(traces, env)):
        assert names(here, token) == {USER["userName"]}


def test_an_installation_is_moved_to_postgres(here: Machine) -> None:
    env, token = service_with_a_user(here)
    for block in blocks()["Moving to PostgreSQL"]:
        env = here.run(block, env)
    assert names(here, token) == {USER["userName"]}
    with scim(here, token) as client:
        assert client.post("/Users", json={**USER, "userName": "bob@example.com"}).status_code == 201
    assert "bob@example.com" in here.output("rosterd account list", env)


def test_several_workers_serve_on_postgres(here: Machine) -> None:
    env = here.environment()
    for block in blocks()["PostgreSQL"]:
        env = here.run(block, env)
    serve, look = blocks()["Several workers, several machines"]
    with serving(here, serve, env):
        here.run(look, env)
        token = here.output("rosterd token create --quiet", env).strip()
        assert names(here, token) == set()
