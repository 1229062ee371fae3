"""The clock of one server on PostgreSQL jumps while the database and the other server have the right one.

What ends by the clock ends by that server's, and is back when it is right again; rates do not change, and
whoever takes deliveries over need not wait until a wrong time has come.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from contract.postgres_server import namespace
from e2e.faulty import Faulty, post
from faults.clusters import wait_until
from faults.receiver import receiver
from faults.site import LONG
from judges.harness import NO_TLS, SCIM_JSON, user

from rosterd.console.cookies import SESSION
from rosterd.service.audit import ITSELF
from rosterd.service.control import Policy
from rosterd.service.limits import Limits
from rosterd.service.sessions import Place
from rosterd.service.visitor import OWNER
from rosterd.wiring import Settings, open_service

DAY = 86_400
HOUR = 3_600
AT_LENGTH = pytest.mark.skipif(not LONG, reason="a part of make faults")
SENDING = {"egress_allow": "127.0.0.1/32", "delivery_lease_seconds": "1"}


class Jumping(Faulty):
    """A server whose clock can be set; others' are not concerned, nor is the time that has passed."""

    def __init__(self, data: Path, token: str, **settings: str) -> None:
        found = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
        if found is None:
            pytest.skip("libfaketime is not here")
        super().__init__(data, token, **settings)
        data.parent.mkdir(exist_ok=True)
        self._file = data.with_suffix(".clock")
        self.jump(0)
        self.settings |= {
            "LD_PRELOAD": str(found),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, seconds: int) -> None:
        """Its clock is so far from the right one."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self._file)  # it reads the file whenever it asks for the time


def visit(server: Faulty, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{server.origin}{path}", headers=headers, verify=NO_TLS, timeout=30)


async def credentials(url: str, data: Path) -> SimpleNamespace:
    """A token of two hours and a session, and a token of a connection that may make a change a second."""
    async with open_service(Settings(data=data, database_url=url)) as service:
        home, default = await service.ensure_default()
        _, token = await service.tokens.issue(home.id, default.id, lifetime=2 * HOUR, by=ITSELF)
        policy = Policy(limits=Limits(write_rate=1, burst=3))
        slow = await service.connections.create(home, "slow", by=ITSELF, policy=policy)
        _, limited = await service.tokens.issue(home.id, slow.id, by=ITSELF)
        owner = await service.access.administrators.create("owner", OWNER, by=ITSELF)
        session = await service.access.sessions.open(owner, Place("127.0.0.1", "a test", ""), way="test")
        return SimpleNamespace(token=token, limited=limited, session=session)


@contextmanager
def two(folder: Path, url: str, token: str, **settings: str) -> Iterator[tuple[Jumping, Faulty]]:
    """One whose clock jumps and one whose clock is right, neither of them started."""
    servers = (
        Jumping(folder / "wrong", token, database_url=url, **settings),
        Faulty(folder / "right", token, database_url=url, **settings),
    )
    try:
        yield servers
    finally:
        for server in servers:
            if server.process is not None:
                server.kill()


@contextmanager
def sending(folder: Path, target: str, ahead: int) -> Iterator[tuple[Jumping, Faulty]]:
    """Both at work, and events are sent to a receiver; one's clock is ahead by so many seconds."""
    with namespace() as url:
        made = asyncio.run(credentials(url, folder))
        with two(folder, url, made.token, **SENDING) as (wrong, right):
            wrong.cli("webhook", "create", target)
            wrong.jump(ahead)
            wrong.start()
            right.start()
            yield wrong, right


@pytest.mark.slow
def test_what_ends_by_the_clock_ends_by_the_servers_own_and_rates_do_not_change(tmp_path: Path) -> None:
    with namespace() as url:
        made = asyncio.run(credentials(url, tmp_path))
        with two(tmp_path, url, made.token) as (wrong, right):
            wrong.start()
            right.start()
            with right.client() as http:
                assert {post(http, name).status_code for name in ("ann", "bob")} == {201}
                cursor = http.get("/Users?count=1&cursor").json()["nextCursor"]
            bearer = {"Authorization": f"Bearer {made.token}"}
            cookie = {"Cookie": f"{SESSION}={made.session}"}

            def seen(server: Faulty) -> tuple[int, int, int]:
                """The statuses of what needs a valid token, a valid cursor as well, a valid session."""
                return (
                    visit(server, "/scim/v2/Users", **bearer).status_code,
                    visit(server, f"/scim/v2/Users?count=1&cursor={cursor}", **bearer).status_code,
                    visit(server, "/keys", **cookie).status_code,
                )

            for jump, answers in (
                (0, (200, 200, 200)),
                (HOUR + 60, (200, 400, 200)),
                (3 * HOUR, (401, 401, 200)),
                (-DAY, (200, 200, 200)),
                (DAY, (401, 401, 303)),
                (0, (200, 200, 200)),
            ):
                wrong.jump(jump)
                assert seen(wrong) == answers, jump
                assert seen(right) == (200, 200, 200), jump

            limited = httpx.Client(
                headers={"Authorization": f"Bearer {made.limited}", "Content-Type": SCIM_JSON}, verify=NO_TLS
            )
            with limited as http:

                def change() -> httpx.Response:
                    return http.post(f"{wrong.origin}/scim/v2/Users", json=user(secrets.token_hex(8)))

                for jump in (0, DAY, -DAY, 0):
                    wrong.jump(jump)
                    some = (change() for _ in range(1000))
                    refused = next(reply for reply in some if reply.status_code == 429)
                    wait = int(refused.headers["retry-after"])
                    assert wait <= 3, jump
                    wait_until(lambda: change().status_code == 201, f"{jump}: nothing is let through")


@pytest.mark.slow
@pytest.mark.parametrize(
    "ahead", [DAY, pytest.param(-DAY, marks=AT_LENGTH), pytest.param(10, marks=AT_LENGTH)]
)
def test_a_lease_taken_by_a_wrong_clock_is_taken_over_when_its_server_dies(
    tmp_path: Path, ahead: int
) -> None:
    with receiver(seconds=0.5) as (target, got), sending(tmp_path, target, ahead) as (wrong, right):
        with right.client() as http:
            assert post(http, "ann").status_code == 201
            wait_until(lambda: got, "nothing is sent")
            wrong.kill()
            assert post(http, "bob").status_code == 201
        wait_until(lambda: {"ann", "bob"} <= named(got), "nobody goes on", 30)


@pytest.mark.slow
@AT_LENGTH
def test_two_servers_whose_clocks_are_a_day_apart_send_everything_in_order(tmp_path: Path) -> None:
    with receiver() as (target, got), sending(tmp_path, target, DAY) as (_, right):
        names = [f"user-{number}" for number in range(60)]
        with right.client() as http:
            for name in names:
                assert post(http, name).status_code == 201
                time.sleep(0.05)
        wait_until(lambda: set(names) <= named(got), "not everything is sent")
        first = dict.fromkeys(body["data"]["after"]["userName"] for _, body in got)
        assert list(first) == names
        print(f"\n{len(got)} messages of {len(names)} events", end="")


def named(got: list[tuple[str, dict[str, dict[str, dict[str, str]]]]]) -> set[str]:
    return {body["data"]["after"]["userName"] for _, body in got}
