"""How the primary is found among the hosts of a URL, whatever the others do; no password is told."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from contract.postgres_server import URL, namespace

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_connect import Refused, Servers
from rosterd.store.postgres_pool import Pool
from rosterd.store.postgres_run import connect


@pytest.fixture(scope="module")
def there() -> Iterator[str]:
    """``host:port`` of a server."""
    with namespace():
        yield urlsplit(URL).netloc.rpartition("@")[2]


@pytest.fixture
def silent() -> Iterator[str]:
    """``host:port`` of something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def url(*hosts: str, query: str = "") -> str:
    parts = urlsplit(URL)
    login = parts.netloc.rpartition("@")[0]
    return f"postgres://{login}@{','.join(hosts)}{parts.path}?{query}"


CLOSED = "127.0.0.1:1"
DATABASE = urlsplit(URL).path[1:]


@pytest.mark.parametrize("before", [("silent",), (CLOSED,), (CLOSED, "silent"), ()])
@pytest.mark.parametrize("query", ["", "target_session_attrs=read-write", "application_name=other"])
def test_a_primary_is_found_behind_hosts_that_are_none(
    there: str, silent: str, before: tuple[str, ...], query: str
) -> None:
    hosts = [silent if host == "silent" else host for host in before]

    async def main() -> None:
        connection = await connect(url(*hosts, there, query=query), lock_timeout="1234")
        try:
            assert await connection.fetchval("SHOW lock_timeout") == "1234ms"
            assert await connection.fetchval("SHOW synchronous_commit") == "on"
            name = "other" if "other" in query else "rosterd"
            assert await connection.fetchval("SHOW application_name") == name
        finally:
            await connection.close()

    asyncio.run(main())


def test_the_host_that_took_the_last_connection_is_asked_first(there: str, silent: str) -> None:
    async def main() -> None:
        servers = Servers(url(silent, there))
        for _ in range(2):
            await (await servers.connect()).close()
        assert [host.name for host in servers._hosts] == [there, silent]

    asyncio.run(main())


def test_hosts_may_stand_in_the_query(there: str) -> None:
    host, _, port = there.partition(":")

    async def main() -> None:
        text = (
            f"postgres:///{URL.rpartition('/')[2]}?user=postgres&host=127.0.0.1,{host}&port=1,{port or 5432}"
        )
        await (await connect(text)).close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("hosts", "path", "said"),
    [
        ((CLOSED, "127.0.0.1:2"), "{db}", "127.0.0.1:1: .*; 127.0.0.1:2: "),
        (("there",), "{db}?target_session_attrs=standby", "not the kind of server that is wanted"),
        (("there",), "{db}?no_such_setting=1", "no_such_setting"),
        (("there", CLOSED), "nowhere", "nowhere"),
    ],
)
def test_what_each_host_said_is_told_without_the_password(
    there: str, hosts: tuple[str, ...], path: str, said: str
) -> None:
    places = ",".join(there if host == "there" else host for host in hosts)

    async def main() -> None:
        with pytest.raises(StoreUnavailable, match=said) as refused:
            await connect(f"postgres://postgres:hidden@{places}/{path.format(db=DATABASE)}")
        assert "hidden" not in str(refused.value)

    asyncio.run(main())


def test_a_server_whose_place_another_one_has_taken_is_refused(there: str) -> None:
    async def main() -> None:
        servers = Servers(url(there))
        await (await servers.connect()).close()
        system, era = next(iter(servers._eras.items()))
        servers._eras[system] = era + 1
        with pytest.raises(ConnectionError, match=f"timeline {era}"):
            await servers.connect()

    asyncio.run(main())


def test_what_is_given_back_while_the_server_refuses_another_is_taken(there: str) -> None:
    async def main() -> None:
        servers = Servers(url(there))
        asked, answered = asyncio.Event(), asyncio.Event()

        async def connect() -> Any:
            if pool._open == 1:
                return await servers.connect()
            asked.set()
            await answered.wait()
            raise Refused("too many connections")

        async def second() -> Any:
            async with pool.take() as connection:
                return connection

        pool = Pool(connect, 2, 5.0)
        async with pool.take() as first:
            taking = asyncio.create_task(second())
            await asked.wait()
        answered.set()
        try:
            assert await taking is first
        finally:
            await pool.close()

    asyncio.run(main())


def test_where_the_server_refuses_another_each_who_wants_one_asks_once_and_waits_no_longer_than_is_said(
    there: str,
) -> None:
    async def main() -> None:
        servers = Servers(url(there))
        refusals = 0

        async def connect() -> Any:
            nonlocal refusals
            if pool._open == 1:
                return await servers.connect()
            await asyncio.sleep(0)
            refusals += 1
            raise Refused("too many connections")

        async def another() -> None:
            async with pool.take():
                raise AssertionError

        pool = Pool(connect, 4, 0.1)
        async with pool.take():
            async with asyncio.timeout(10):
                said = await asyncio.gather(another(), another(), another(), return_exceptions=True)
        assert list(map(type, said)) == [TimeoutError] * 3
        assert refusals == 3
        await pool.close()

    asyncio.run(main())


class Gate:
    """Connections of a server, each made when it is let through."""

    def __init__(self, there: str) -> None:
        self._servers = Servers(url(there))
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.made: list[Any] = []

    async def connect(self) -> Any:
        self.asked.set()
        await self.open.wait()
        self.made.append(await self._servers.connect())
        return self.made[-1]

    def alive(self) -> int:
        return sum(not connection.is_closed() for connection in self.made)


async def taken(pool: Pool) -> Any:
    """A connection that was usable while it was held."""
    async with pool.take() as connection:
        assert not connection.is_closed()
        return connection


async def being_made(gate: Gate, pool: Pool) -> tuple["asyncio.Task[Any]", Callable[[], None]]:
    gate.open.clear()
    taking = asyncio.create_task(taken(pool))
    await gate.asked.wait()
    return taking, gate.open.set


async def handed_over(gate: Gate, pool: Pool) -> tuple["asyncio.Task[Any]", Callable[[], None]]:
    async with pool.take():
        taking = asyncio.create_task(taken(pool))
        await asyncio.sleep(0)
        assert pool.waiting() == 1
    return taking, lambda: None  # it is not asked yet what it got


Ways = Callable[[Gate, Pool], Awaitable[tuple["asyncio.Task[Any]", Callable[[], None]]]]


@pytest.mark.parametrize("way", [being_made, handed_over])
def test_a_connection_on_its_way_when_all_expire_is_closed_and_another_one_made(
    there: str, way: Ways
) -> None:
    async def main() -> None:
        gate = Gate(there)
        pool = Pool(gate.connect, 1, 5.0)
        taking, let = await way(gate, pool)
        pool.expire()
        let()
        got = await taking
        assert got is gate.made[1]
        assert gate.made[0].is_closed()
        await pool.close()
        assert gate.alive() == pool._open == 0

    asyncio.run(main())


@pytest.mark.parametrize("way", [being_made, handed_over])
def test_a_connection_on_its_way_when_everybody_is_refused_is_closed(there: str, way: Ways) -> None:
    async def main() -> None:
        gate = Gate(there)
        pool = Pool(gate.connect, 1, 5.0)
        taking, let = await way(gate, pool)
        pool.refuse("the data is being copied")
        let()
        with pytest.raises(StoreUnavailable, match="being copied"):
            await taking
        with pytest.raises(StoreUnavailable, match="being copied"):
            await taken(pool)
        assert gate.alive() == pool._open == 0
        pool.admit()
        await taken(pool)
        await pool.close()

    asyncio.run(main())


@pytest.mark.parametrize("way", [being_made, handed_over])
def test_a_connection_on_its_way_when_the_pool_is_closed_does_not_survive(there: str, way: Ways) -> None:
    async def main() -> None:
        gate = Gate(there)
        pool = Pool(gate.connect, 1, 5.0)
        taking, let = await way(gate, pool)
        await pool.close()
        let()
        with pytest.raises(StoreUnavailable, match="closed"):
            await taking
        with pytest.raises(StoreUnavailable, match="closed"):
            await taken(pool)
        assert gate.alive() == pool._open == 0

    asyncio.run(main())


def test_who_waits_or_is_refused_by_the_server_when_the_pool_is_closed_is_told_at_once(there: str) -> None:
    async def main() -> None:
        gate, full = Gate(there), asyncio.Event()

        async def connect() -> Any:
            if pool._open == 1:
                return await gate.connect()
            await full.wait()
            raise Refused("too many connections")

        pool = Pool(connect, 2, 60.0)
        async with pool.take() as held, asyncio.timeout(10):
            asks, waits = asyncio.create_task(taken(pool)), asyncio.create_task(taken(pool))
            await asyncio.sleep(0)
            assert pool.waiting() == 1
            await pool.close()
            full.set()
            said = await asyncio.gather(asks, waits, return_exceptions=True)
            assert list(map(type, said)) == [StoreUnavailable] * 2
            assert not held.is_closed()
        assert gate.alive() == pool._open == 0

    asyncio.run(main())


@pytest.mark.parametrize("turns", range(6))
def test_whoever_is_cancelled_when_its_connection_is_made_leaves_none_behind(
    there: str, silent: str, turns: int
) -> None:
    """The other hosts' attempts are given up then, which must not be waited for."""

    async def main() -> None:
        servers = Servers(url(silent, there))
        loop, opened = asyncio.get_running_loop(), []
        open_one = servers._open

        def cancel(left: int) -> None:
            if left:
                loop.call_soon(cancel, left - 1)
            else:
                connecting.cancel()

        async def noted(host: Any, settings: Any) -> Any:
            opened.append(await open_one(host, settings))
            cancel(turns)
            return opened[-1]

        servers._open = noted  # type: ignore[method-assign]
        connecting = asyncio.create_task(servers.connect())
        try:
            (await connecting).terminate()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
        assert [connection.is_closed() for connection in opened] == [True]

    asyncio.run(main())
