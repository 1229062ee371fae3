"""Okta and Entra, played against a running server: every step passes, over the command line and in code."""

import asyncio
import itertools
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from aiohttp import web
from judges.harness import COMMAND, Server, Tenant, Tenants, environment, free_port, scim_client

from rosterd.simulator import (
    OKTA,
    Client,
    Progress,
    Style,
    Summary,
    clean_up_steps,
    entra_steps,
    make_company,
    okta_steps,
    provision,
    run,
)

_numbers = itertools.count(1)


@pytest.fixture
def tenants(server: Server) -> Iterator[Tenants]:
    """As the common fixture, by the command line within this process, which saves its start."""
    with ExitStack() as stack:

        def make(profile: str = "auto") -> Tenant:
            name, token = f"simulated-{next(_numbers)}", ""
            for arguments in (
                ("directory", "create", name),
                ("connection", "create", name, "--directory", name, "--profile", profile),
                ("token", "create", "--directory", name, "--connection", name, "--quiet"),
            ):
                token = server.cli(*arguments).strip()
            client = stack.enter_context(scim_client(server.base_url, token))
            return Tenant(name, name, server.base_url, token, client)

        yield make


@pytest.fixture
def tenant(tenants: Tenants) -> Tenant:
    return tenants()


def simulate(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "simulate", *arguments], capture_output=True, text=True, timeout=120, env=environment()
    )


CONVERSATIONS = [
    ("okta", "--style", "patch"),
    ("okta", "--style", "put"),
    ("okta", "--clean-up"),
    ("entra", "--compliant"),
    ("entra", "--no-compliant"),
]


@pytest.mark.parametrize("arguments", CONVERSATIONS, ids=" ".join)
def test_every_step_passes_without_a_note(tenant: Tenant, arguments: tuple[str, ...]) -> None:
    name, *options = arguments
    done = simulate(name, tenant.base_url, tenant.token, *options, "--json")
    report = json.loads(done.stdout)
    faults = [(v["section"], v["step"], v["why"]) for v in report["verdicts"] if not v["ok"]]
    assert faults == []
    assert [note for verdict in report["verdicts"] for note in verdict["notes"]] == []
    assert report["ok"] is True
    assert report["notTried"] == 0
    assert done.returncode == 0


@pytest.mark.parametrize("profile", ["okta", "strict"])
@pytest.mark.parametrize("style", ["patch", "put"])
def test_okta_needs_no_tolerance(tenants: Tenants, profile: str, style: str) -> None:
    tenant = tenants(profile=profile)
    done = simulate("okta", tenant.base_url, tenant.token, "--style", style, "--quiet")
    assert done.returncode == 0, done.stdout


def test_the_entra_profile_is_enough_for_entra(tenants: Tenants) -> None:
    tenant = tenants(profile="entra")
    done = simulate("entra", tenant.base_url, tenant.token, "--no-compliant", "--quiet")
    assert done.returncode == 0, done.stdout


def test_a_second_run_does_not_stumble_over_the_first(tenant: Tenant) -> None:
    for _ in range(2):
        done = simulate("okta", tenant.base_url, tenant.token, "--quiet")
        assert done.returncode == 0, done.stdout


def test_what_a_person_reads(tenant: Tenant) -> None:
    done = simulate("okta", tenant.base_url, tenant.token)
    assert "Push group" in done.stdout
    assert "0 failed" in done.stdout
    assert tenant.token not in done.stdout


def test_a_wrong_token_fails_with_the_reason(tenant: Tenant) -> None:
    done = simulate("okta", tenant.base_url, "rst_wrong", "--quiet")
    assert done.returncode == 1
    assert "the token was not accepted" in done.stdout


def test_a_server_that_is_not_there_is_told_once() -> None:
    done = simulate("entra", f"http://127.0.0.1:{free_port()}/scim/v2", "x", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert len(report["verdicts"]) == 1
    assert "no answer" in report["verdicts"][0]["why"]
    assert report["notTried"] > 10


def test_a_base_url_that_is_none_is_wrong_usage() -> None:
    assert simulate("okta", "scim.example.com", "x").returncode == 2


async def summary_of(
    tenant: Tenant, people: int, style: Style, seed: int = 1
) -> tuple[Summary, list[Progress]]:
    progress: list[Progress] = []
    async for value in provision(make_company(people, seed), tenant.base_url, tenant.token, style=style):
        if isinstance(value, Summary):
            return value, progress
        progress.append(value)
    raise AssertionError("no summary")


@pytest.mark.parametrize("style", ["patch", "put"])
def test_a_company_is_provisioned_and_read_back(tenant: Tenant, style: Style) -> None:
    summary, progress = asyncio.run(summary_of(tenant, 60, style))
    assert summary.errors == ()
    assert [verdict.why for verdict in summary.checks if not verdict.ok] == []
    assert [verdict.notes for verdict in summary.checks if verdict.notes] == []
    assert summary.created == 60
    assert (summary.linked, summary.retries) == (0, 0)
    assert summary.ok
    ends = {p.phase: p for p in progress}
    assert all(p.done == p.total for p in ends.values())
    assert ends["Assign people"].total == 60
    assert tenant.scim.get("/Users", params={"count": 0}).json()["totalResults"] == 60
    inactive = tenant.scim.get("/Users", params={"filter": "active eq false"}).json()["totalResults"]
    assert inactive == summary.deactivated - summary.reactivated


def test_a_second_sync_links_what_is_there(tenant: Tenant) -> None:
    first, _ = asyncio.run(summary_of(tenant, 20, "patch"))
    second, _ = asyncio.run(summary_of(tenant, 20, "patch"))
    assert (first.created, second.created, second.linked) == (20, 0, 20)
    assert second.ok
    assert tenant.scim.get("/Users", params={"count": 0}).json()["totalResults"] == 20


def test_steps_can_be_run_from_code(tenant: Tenant) -> None:
    async def failures() -> list[str]:
        steps = (*okta_steps("code", "patch"), *clean_up_steps(), *entra_steps("code"))
        async with Client(tenant.base_url + "/", tenant.token, OKTA) as client:
            return [verdict.why async for verdict in run(steps, client) if not verdict.ok]

    assert asyncio.run(failures()) == []
    left: httpx.Response = tenant.scim.get("/Users", params={"count": 0})
    assert left.json()["totalResults"] == 0


def test_a_refusal_for_the_rate_is_waited_out_as_okta_does() -> None:
    """429 with whole seconds: twice as long each time; with a date: five minutes."""
    answers = [
        (429, {"Retry-After": "2"}),
        (503, {"Retry-After": "2"}),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        (200, {}),
    ]
    waits: list[float] = []

    async def handle(request: web.Request) -> web.Response:
        status, headers = answers.pop(0)
        return web.Response(status=status, headers=headers)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def talk() -> int:
        app = web.Application()
        app.router.add_get("/Users", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with Client(f"http://127.0.0.1:{port}", "t", OKTA, sleep=sleep) as client:
            reply = await client.send("GET", "/Users")
        await runner.cleanup()
        assert reply.attempts == 4
        return reply.status

    assert asyncio.run(talk()) == 200
    assert waits == [2, 4, 1200]
