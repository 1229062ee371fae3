"""How a connection is made: to the host of the URL that takes changes, whatever the others do, in time.

hosts      the one that took the last connection is asked first, each next one a moment later or once one has
           failed; so a host that is gone or hangs costs that moment
wanted     a primary, unless the URL says otherwise by ``target_session_attrs``
fence      a server that was primary before a failover is refused: its timeline is older than one seen before.
           It holds for what this process has seen; what keeps such a server from running is elsewhere
settings   of the session are made once it is open, since poolers take few of them with the connection; what
           the URL says of the session goes before these
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from rosterd.store.queries import POSTGRES

CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 30.0
HEAD_START: Final = 0.25
"""Seconds that a host has before the next one is asked as well."""
_STATEMENTS: Final = 512
_NAME: Final = "rosterd"
_SETTINGS: Final = {
    "timezone": "UTC",
    "synchronous_commit": "on",
    "lock_timeout": "5000",
    "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
    "jit": "off",  # compiling a plan takes longer than any of these statements
    # A host of rosterd's that is gone keeps its locks no longer than this, and others out of a directory.
    "idle_in_transaction_session_timeout": "10000",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
BY_TRANSACTION: Final = (
    "a pooler that works by transaction or statement; rosterd listens and keeps "
    "settings and prepared statements, so it needs pool_mode = session"
)
# What was prepared by one connection is found by another, or not by the same.
_MIXED: Final = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)
# Errors of a server that starts, stops or breaks off, though it has answered.
_GONE: Final = (asyncpg.OperatorInterventionError, asyncpg.PostgresConnectionError)
# What a URL says of the connection itself; everything else in its query is a setting of the session.
_OF_CONNECTION: Final = frozenset(
    {
        *("host", "port", "user", "password", "passfile", "dbname", "database", "service", "options"),
        *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
        *("krbsrvname", "gsslib", "application_name"),
    }
)


class NoServer(ConnectionError):
    """No host gave a connection; says what each of them did."""


class Refused(NoServer):
    """A server is there and answers, but gives no connection: too many are open, the password is wrong."""


class _Passed(Exception):
    """This server had to leave its place to another one."""


@dataclass(frozen=True, slots=True)
class _Host:
    """One host of a URL; its name is shown, its URL is not."""

    name: str
    url: str


class Session(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that remembers whether the server has warned of something."""

    __slots__ = ("warned",)

    warned: bool


class Servers:
    """The hosts of a URL. ``ValueError`` for a URL that is none comes with the first connection."""

    def __init__(self, url: str) -> None:
        self._hosts, self._own = _read(url)
        self._eras: dict[int, int] = {}
        """The newest timeline that was seen of each system."""

    async def connect(self, **settings: str) -> Any:
        """A connection with these settings of the session, before those that the URL or we make.

        Raises ``NoServer``, ``ValueError`` for a URL that is none.
        """
        left = deque(self._hosts)
        tries: dict[asyncio.Task[Any], _Host] = {}
        said: dict[str, BaseException] = {}
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while left or tries:
                    if left:
                        host = left.popleft()
                        tries[asyncio.create_task(self._open(host, settings))] = host
                    wait = HEAD_START if left else None
                    done, _ = await asyncio.wait(tries, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        host = tries.pop(task)
                        error = task.exception()
                        if error is None:
                            self._hosts = [host, *(each for each in self._hosts if each is not host)]
                            return task.result()
                        said[host.name] = error
        except TimeoutError as error:
            said |= {host.name: error for host in tries.values()}
        finally:
            _give_up(tries)
        raise _no_server(said)

    async def _open(self, host: _Host, settings: Mapping[str, str]) -> Any:
        own = self._own
        wanted = {**_SETTINGS, **{k: v for k, v in own.items() if k not in _OF_CONNECTION}, **settings}
        bounded = wanted["statement_timeout"] != "0"
        connection = await asyncpg.connect(
            host.url,
            connection_class=Session,
            command_timeout=STATEMENT_SECONDS + CONNECT_SECONDS if bounded else None,
            statement_cache_size=_STATEMENTS,
            max_cached_statement_lifetime=0,
            target_session_attrs=None if "target_session_attrs" in own else "primary",
            server_settings={"application_name": own.get("application_name", _NAME)},
        )
        try:
            await connection.fetch(POSTGRES["apply_settings"], list(wanted), list(wanted.values()))
            await self._fence(connection)
            connection.warned = False
            connection.add_log_listener(_note)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _fence(self, connection: Any) -> None:
        """Refuse a server whose place another one has taken. Raises ``_Passed``."""
        try:
            system, era = await connection.fetchrow(POSTGRES["timeline"])
        except asyncpg.PostgresError:  # a replica, or a service that does not let one ask
            return
        newest = self._eras.get(system, 0)
        if era < newest:
            raise _Passed(
                f"it is of timeline {era}, and another server of timeline {newest} was primary after it; "
                "restart rosterd if that one is given up"
            )
        self._eras[system] = era


def _note(connection: Session, message: Any) -> None:
    if message.severity_en == "WARNING":
        connection.warned = True


def _give_up(tries: Iterable["asyncio.Task[Any]"]) -> None:
    """End attempts that are not needed any more, and close what they still bring.

    Without waiting, since whoever is cancelled while it waits would leave a connection behind.
    """
    for task in tries:
        task.add_done_callback(_unwanted)
        task.cancel()


def _unwanted(attempt: "asyncio.Task[Any]") -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().terminate()


def _no_server(said: Mapping[str, BaseException]) -> Exception:
    for error in said.values():
        if isinstance(error, ValueError):
            return error
    text = "; ".join(f"{name}: {_words(error)}" for name, error in said.items())
    refused = any(
        isinstance(error, asyncpg.PostgresError) and not isinstance(error, _GONE) for error in said.values()
    )
    return Refused(text) if refused else NoServer(text)


def _words(error: BaseException) -> str:
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "it is not the kind of server that is wanted (a primary, unless the URL says otherwise)"
    if isinstance(error, _MIXED):
        return f"it is {BY_TRANSACTION}"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:g} s"
    return str(error) or type(error).__name__


def _read(url: str) -> tuple[list[_Host], dict[str, str]]:
    """The hosts of a URL, each with a URL of its own, and what the query says."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    login, at, names = parts.netloc.partition("@") if "@" in parts.netloc else ("", "", parts.netloc)
    of_connection = {k: v for k, v in query.items() if k in _OF_CONNECTION and k != "application_name"}
    if names or "host" not in query:
        text = urlencode(of_connection)
        hosts = [
            _Host(name or "localhost", urlunsplit(parts._replace(netloc=f"{login}{at}{name}", query=text)))
            for name in names.split(",")
        ]
        return hosts, query
    named = of_connection.pop("host").split(",")
    ports = of_connection.pop("port", "5432").split(",")
    if len(ports) != len(named):
        ports = ports[:1] * len(named)
    hosts = []
    for name, port in zip(named, ports, strict=True):
        text = urlencode({**of_connection, "host": name, "port": port})
        hosts.append(_Host(f"{name}:{port}", urlunsplit(parts._replace(query=text))))
    return hosts, query
