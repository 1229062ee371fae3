"""A credential is remembered only while nothing can have changed: whoever changes it, here or elsewhere."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from contract.postgres_server import namespace

from rosterd.http.remembered import Known, Remembered
from rosterd.service.control import Connection, Credential, Directory, Policy, Token
from rosterd.service.limits import Limits
from rosterd.store.postgres_control import EPOCH_SECONDS
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

TIMES = 500
"""How often is asked for what comes true within a second: far longer than that."""


@dataclass
class Line:
    """What there is to change: a connection with a token, and a client that got another token."""

    directory: Directory
    connection: Connection
    token: Token
    text: str


Change = Callable[[Service, Line], Awaitable[object]]


async def revoked(service: Service, line: Line) -> None:
    await service.tokens.revoke(line.directory.id, line.token.id, by=BY)


async def rotated(service: Service, line: Line) -> None:
    await service.tokens.rotate(line.directory.id, line.token.id, overlap=0, by=BY)


async def paused(service: Service, line: Line) -> None:
    await service.connections.move(line.connection, "pause", by=BY)


async def disabled(service: Service, line: Line) -> None:
    await service.connections.move(line.connection, "disable", by=BY)


async def slowed(service: Service, line: Line) -> None:
    policy = Policy(limits=Limits(read_rate=7, burst=1))
    await service.connections.update(line.connection, policy=policy, by=BY)


async def extended(service: Service, line: Line) -> None:
    urn = "urn:ietf:params:scim:schemas:extension:new:2.0:User"
    await service.extensions.put(line.directory, urn, [{"name": "floor"}], by=BY)


def told(response: httpx.Response) -> tuple[object, ...]:
    """What of a reply says what the credential is: status, limit, and how many schemas there are."""
    limit = response.headers.get("ratelimit-limit")
    return response.status_code, limit, response.json().get("totalResults")


CHANGES: list[tuple[Change, tuple[object, ...]]] = [
    (revoked, (401, None, None)),
    (rotated, (401, None, None)),
    (paused, (503, None, None)),
    (disabled, (403, None, None)),
    (slowed, (200, "7", 6)),
    (extended, (200, "125000", 7)),
]
FRESH = (200, "125000", 6)


@contextmanager
def settings_on(engine: str, path: Path) -> Iterator[Settings]:
    if engine == "sqlite":
        yield Settings(data=path / "data", request_log="off")
        return
    with namespace() as url:
        yield Settings(database_url=url, request_log="off")


@asynccontextmanager
async def asking(service: Service, line: Line) -> AsyncIterator[Callable[[], Awaitable[tuple[object, ...]]]]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(service.http.site),
        base_url="http://sp.example/scim/v2",
        headers={"Authorization": f"Bearer {line.text}"},
    ) as client:

        async def ask() -> tuple[object, ...]:
            return told(await client.get("/Schemas"))

        yield ask


async def line(service: Service, name: str) -> Line:
    directory = await service.directories.create(name, by=BY)
    connection = await service.connections.create(directory, "okta", by=BY)
    token, text = await service.tokens.issue(directory.id, connection.id, by=BY)
    return Line(directory, connection, token, text)


async def until(expected: tuple[object, ...], ask: Callable[[], Awaitable[tuple[object, ...]]]) -> None:
    for _ in range(TIMES):
        if await ask() == expected:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_change_in_this_process_holds_for_the_next_request(tmp_path: Path, engine: str) -> None:
    async def main(settings: Settings) -> None:
        async with open_service(settings) as service:
            for number, (change, then) in enumerate(CHANGES):
                own = await line(service, f"acme-{number}")
                async with asking(service, own) as ask:
                    assert [await ask() for _ in range(3)] == [FRESH] * 3
                    await change(service, own)
                    assert await ask() == then, change.__name__

    with settings_on(engine, tmp_path) as settings:
        asyncio.run(main(settings))


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_change_in_another_server_holds_at_once_or_soon(tmp_path: Path, engine: str) -> None:
    async def main(settings: Settings) -> None:
        async with open_service(settings) as service, open_service(settings) as other:
            lines = [await line(service, f"acme-{number}") for number in range(len(CHANGES))]

            async def changed(own: Line, change: Change, then: tuple[object, ...]) -> None:
                async with asking(service, own) as ask:
                    assert [await ask() for _ in range(3)] == [FRESH] * 3
                    await change(other, own)
                    if engine == "sqlite":
                        assert await ask() == then, change.__name__
                    await until(then, ask)

            await asyncio.gather(*(changed(own, *case) for own, case in zip(lines, CHANGES, strict=True)))

    with settings_on(engine, tmp_path) as settings:
        asyncio.run(main(settings))


def test_what_another_process_changed_is_believed_for_a_second_at_most() -> None:
    assert EPOCH_SECONDS <= 1


def test_the_command_line_beside_the_server_holds_at_once(tmp_path: Path) -> None:
    async def main(settings: Settings) -> None:
        async with open_service(settings) as service:
            own = await line(service, "acme")
            async with asking(service, own) as ask:
                assert await ask() == FRESH
                command = ("token", "revoke", own.token.id, "--directory", "acme")
                done = await asyncio.to_thread(_rosterd, *command, "--data", str(settings.data))
                assert done.returncode == 0, done.stderr
                assert await ask() == (401, None, None)

    with settings_on("sqlite", tmp_path) as settings:
        asyncio.run(main(settings))


def _rosterd(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("rosterd")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_credential_is_looked_up_once_and_a_failure_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(settings: Settings) -> None:
        async with open_service(settings) as service:
            own, other = await line(service, "acme"), await line(service, "other")
            looked: list[str] = []
            look = service.control.credential

            async def noting(id: str) -> Credential | None:
                looked.append(id)
                return await look(id)

            monkeypatch.setattr(service.control, "credential", noting)
            async with asking(service, own) as ask, asking(service, other) as ask_other:
                for _ in range(4):
                    assert await ask() == await ask_other() == FRESH
                assert looked == [own.token.id, other.token.id]
            looked.clear()
            wrong = Line(own.directory, own.connection, own.token, own.text[:-1] + "_")
            async with asking(service, wrong) as ask:
                assert [(await ask())[0] for _ in range(3)] == [401] * 3
            assert looked == [own.token.id] * 3

    with settings_on("sqlite", tmp_path) as settings:
        asyncio.run(main(settings))


@pytest.mark.parametrize(
    ("overlap", "lasts"), [(None, 10 * 365 * 86_400), (3600, 3600)], ids=["expires", "revoked for later"]
)
def test_a_remembered_token_ends_when_it_ends(tmp_path: Path, overlap: int | None, lasts: int) -> None:
    async def main(settings: Settings) -> None:
        async with open_service(settings) as service:
            own = await line(service, "acme")
            if overlap is not None:
                await service.tokens.rotate(own.directory.id, own.token.id, by=BY, overlap=overlap)
            async with asking(service, own) as ask:
                assert await ask() == FRESH
                for seconds, status in ((lasts - 60, 200), (lasts + 60, 401), (lasts - 60, 200)):
                    at = own.token.created + seconds * 1000
                    service.admission.now = lambda at=at: at
                    assert (await ask())[0] == status

    with settings_on("sqlite", tmp_path) as settings:
        asyncio.run(main(settings))


def known(id: str) -> Known:
    token = Token(id, 1, 1, b"", "", (), 0, 1)
    return Known(Credential(token, Connection(1, 1, "okta", 0), Directory(1, "acme", 0, 1)), 1)


def test_two_connections_are_never_taken_for_each_other(tmp_path: Path) -> None:
    async def main(settings: Settings) -> None:
        async with open_service(settings) as service:
            lines = [await line(service, name) for name in ("acme", "other")]
            site = httpx.ASGITransport(service.http.site)
            async with httpx.AsyncClient(transport=site, base_url="http://sp.example/scim/v2") as client:
                for _ in range(2):
                    for own in lines:
                        headers = {"Authorization": f"Bearer {own.text}"}
                        user = {"userName": f"{own.directory.name}-{_}"}
                        made = await client.post("/Users", headers=headers, json=user)
                        assert made.status_code == 201
                for own in lines:
                    headers = {"Authorization": f"Bearer {own.text}"}
                    found = (await client.get("/Users", headers=headers)).json()["Resources"]
                    assert {user["userName"].split("-")[0] for user in found} == {own.directory.name}

    with settings_on("sqlite", tmp_path) as settings:
        asyncio.run(main(settings))


def test_memory_is_bounded_and_holds_one_epoch() -> None:
    memory = Remembered(most=2)
    one, two, three = map(known, "123")
    memory.keep("first", b"1", one)
    memory.keep("first", b"2", two)
    assert (memory.find("first", b"1"), memory.find("first", b"2")) == (one, two)
    assert memory.find("second", b"1") is None
    memory.keep("first", b"3", three)
    assert len(memory) == 1
    assert (memory.find("first", b"1"), memory.find("first", b"3")) == (None, three)
    memory.keep("second", b"1", one)
    assert len(memory) == 1
    assert memory.find("second", b"3") is None


def test_whose_a_credential_was_is_known_for_longer_than_it_is_good() -> None:
    memory = Remembered(most=2)
    memory.keep("first", b"1", known("1"))
    memory.keep("second", b"2", known("2"))
    assert memory.find("second", b"1") is None
    assert memory.whose(b"1") == known("1").credential
    memory.keep("second", b"3", known("3"))
    assert [memory.whose(digest) for digest in (b"1", b"2", b"3")] == [
        None, known("2").credential, known("3").credential,
    ]  # fmt: skip
