"""What each page of the console costs the server: the time inside its ASGI application, at the median.

A directory is filled beside the HTTP interface, so that 100,000 users take seconds; then every page is asked
for in this process, with a session as a browser has it. Nothing is kept of the data.
"""

import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from bench.load import user
from bench.report import table
from rosterd.console import routes
from rosterd.scim.index import index
from rosterd.scim.membership import Member
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.audit import COMMAND_LINE, Actor, Entry
from rosterd.service.events import Event
from rosterd.service.ports import Stored, Writer
from rosterd.service.request_log import HOUR, Count, Exchange
from rosterd.service.visitor import OWNER
from rosterd.service.webhooks import Attempt, Outcome
from rosterd.wiring import Service, Settings, open_service

BY: Final = Actor(COMMAND_LINE, "bench")
HOST: Final = "console.example"
PASSWORD: Final = secrets.token_hex()
WANTED_MS: Final = 100.0
WANTED_OF_MANY_MS: Final = 500.0
"""Of the overview of many directories, most of which is done beside the event loop."""
ROUNDS: Final = 15
SECONDS: Final = 1.0
"""The most that a page is measured for."""
USERS: Final = 100_000
REQUESTS: Final = 20_000
LARGE: Final = 2
"""Groups that everybody is in."""
SMALL: Final = 60
"""Groups of ``SMALL_SIZE`` members."""
SMALL_SIZE: Final = 1500
_PORTION: Final = 5000
DIRECTORIES: Final = 1000
"""Directories that are made at the end, for the pages that look at all of them."""
_OF_MANY: Final = (
    ("the overview", "/"),
    ("the overview of one", "/directories/customer-00500"),
    ("the directories", "/directories"),
    ("the directories, by a name", "/directories?q=99"),
)


@dataclass(slots=True)
class Filled:
    """The directory, the connection that owns most of it, and its users."""

    directory: int
    connection: int
    ids: list[str]


def measure(say: Callable[[str], None], users: int = USERS) -> bool:
    """Fill a directory, measure every page, print a table; whether all stayed below what is wanted."""
    with tempfile.TemporaryDirectory(prefix="rosterd-console-") as folder:
        return asyncio.run(_measure(say, Path(folder) / "data", users))


async def _measure(say: Callable[[str], None], data: Path, users: int) -> bool:
    async with open_service(Settings(data=data)) as service:
        begun = time.perf_counter()
        filled = await _fill(service, users)
        say(f"{users:,} users, {LARGE} groups of all, filled in {time.perf_counter() - begun:.0f} s")
        cookie = await _log_in(service)
        rows: list[list[str]] = []
        for name, address in await _addresses(service, filled):
            rows.append(await _row(service, name, address, cookie))
        await _fill_directories(service)
        for name, address in _OF_MANY:
            rows.append(await _row(service, f"{name}, {DIRECTORIES:,} directories more", address, cookie))
        slow = [
            name
            for name, middle, *_ in rows
            if float(middle) >= (WANTED_OF_MANY_MS if name.startswith(_OF_MANY[0][0]) else WANTED_MS)
        ]
        say(table(("page", "ms, median", "ms, most", "times"), rows))
        say(f"Slower than {WANTED_MS:.0f} ms at the median: {', '.join(slow) or 'none'}")
        return not slow


async def _row(service: Service, name: str, address: str, cookie: str) -> list[str]:
    times = await _times(service, address, cookie)
    return [name, f"{statistics.median(times):.1f}", f"{max(times):.1f}", str(len(times))]


async def _fill_directories(service: Service) -> None:
    """As many more, each with two connections that asked something in each of the last two days' hours."""
    now = service.http.console._console.now()
    for number in range(DIRECTORIES):
        home = await service.directories.create(f"customer-{number:05}", by=BY)
        hours = {}
        for name in ("okta", "entra"):
            line = await service.connections.create(home, name, by=BY)
            await service.tokens.issue(home.id, line.id, by=BY)
            failed = 5 if number % 50 == 0 else 0
            for ago in range(48):
                hours[home.id, line.id, now // HOUR - ago] = Count(10, failed, now, now if failed else 0)
        await service.control.add_exchanges((), hours)


async def _fill(service: Service, users: int) -> Filled:
    home = await service.directories.create("acme", by=BY)
    okta = await service.connections.create(home, "okta", by=BY)
    rare = await service.connections.create(home, "rare", by=BY)
    await service.access.administrators.create("bench", OWNER, password=PASSWORD, by=BY)
    kind = CORE_MODEL.types["User"]
    filled = Filled(home.id, okta.id, [f"u{n:07d}" for n in range(users)])

    def portion(first: int) -> Callable[[Writer], Any]:
        async def work(tx: Writer) -> None:
            for n in range(first, min(first + _PORTION, users)):
                document = {
                    k: v for k, v in user(f"p{n:07d}", n).items() if k not in ("externalId", "groups")
                }
                document["active"] = n % 50 != 0
                owner = rare.id if n < 20 else okta.id
                at = service.http.console._console.now()
                seq = await tx.append(
                    Event(
                        "user.created",
                        "User",
                        filled.ids[n],
                        at,
                        owner,
                        f"r{n}",
                        {"before": {}, "after": document},
                    )
                )
                row = Stored(
                    filled.ids[n], "User", owner, f"00u{n}", seq, 1, at, at, None, orjson.dumps(document)
                )
                await tx.insert(row, index(document, kind))

        return work

    for first in range(0, users, _PORTION):
        await service.store.write(home.id, portion(first))
    await _fill_groups(service, filled)
    await _fill_log(service, filled)
    return filled


async def _fill_groups(service: Service, filled: Filled) -> None:
    kind = CORE_MODEL.types["Group"]
    everybody = [Member(id, None, None) for id in filled.ids]

    def made(id: str, name: str, members: Sequence[Member]) -> Callable[[Writer], Any]:
        async def work(tx: Writer) -> None:
            document = {"displayName": name}
            at = service.http.console._console.now()
            row = Stored(
                id,
                "Group",
                filled.connection,
                None,
                await tx.next_seq(),
                1,
                at,
                at,
                None,
                orjson.dumps(document),
            )
            await tx.insert(row, index(document, kind))
            for first in range(0, len(members), _PORTION):
                await tx.add_members(id, members[first : first + _PORTION])
            told = [member.value for member in members[:1000]]
            for number in range(30):
                data = {"members": told, "count": len(told)}
                await tx.append(
                    Event("group.member_added", "Group", id, at, filled.connection, f"g{number}", data)
                )

        return work

    for number in range(LARGE):
        await service.store.write(filled.directory, made(f"large{number}", f"All {number}", everybody))
    for number in range(SMALL):
        await service.store.write(
            filled.directory, made(f"small{number}", f"Team {number}", everybody[:SMALL_SIZE])
        )


async def _fill_log(service: Service, filled: Filled) -> None:
    at = service.http.console._console.now()
    body = orjson.dumps(user("p", 1)).decode()

    def exchange(n: int) -> Exchange:
        return Exchange(
            directory=filled.directory,
            connection=filled.connection,
            token=BY.name,
            at=at,
            request_id=f"r{n}",
            method="PUT",
            path=f"/Users/{filled.ids[n]}",
            query="",
            status=409 if n % 100 == 0 else 200,
            microseconds=900,
            kind="User",
            resource=filled.ids[n],
            subject=f"p{n:07d}@example.com",
            tolerated=("boolean-from-string",),
            body=body,
            body_size=len(body),
        )

    count = min(REQUESTS, len(filled.ids))
    for first in range(0, count, _PORTION):
        await service.control.add_exchanges([exchange(n) for n in range(first, min(first + _PORTION, count))])


async def _addresses(service: Service, filled: Filled) -> list[tuple[str, str]]:
    """What is measured, by name: every page that anybody can open, and the harder questions to lists."""
    last, middle = filled.ids[-1], filled.ids[len(filled.ids) // 2]
    newest = await service.control.last_exchange(filled.directory)
    hook, delivery = await _webhook(service, filled)
    values = {
        "directory": "acme",
        "connection": "okta",
        "user": last,
        "group": "large0",
        "request": str(newest),
        "event": f"{filled.directory}-{len(filled.ids) // 2}",
        "webhook": hook,
        "delivery": str(delivery),
    }
    found = []
    for template in routes.TABLE:
        row = routes.TABLE[template].get("GET")
        names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
        file = template.endswith("/download") or "/export/" in template
        if row is not None and row.role is not None and not file and all(name in values for name in names):
            found.append((template, template.format(**values)))
    users, groups, requests = (f"/directories/acme/{name}" for name in ("users", "groups", "requests"))
    asked: Sequence[tuple[str, str, Mapping[str, str]]] = (
        ("users, by userName", users, {"q": "p00500"}),
        ("users, by family name", users, {"q": "brandt"}),
        ("users, nobody fits", users, {"q": "zzz"}),
        ("users, by id", users, {"q": middle}),
        ("users, a name and a state", users, {"q": "p", "state": "inactive"}),
        ("users, inactive", users, {"state": "inactive"}),
        ("users, of a small connection", users, {"connection": "rare"}),
        ("users, a name and a small connection", users, {"q": "p", "connection": "rare"}),
        ("groups, by name", groups, {"q": "team"}),
        ("requests, errors", requests, {"errors": "yes"}),
        ("requests, a text", requests, {"q": "p0000001"}),
        ("requests, nothing fits", requests, {"q": "zzz"}),
        ("events, of a type", "/directories/acme/events", {"type": "user.*"}),
        ("events, none fits", "/directories/acme/events", {"type": "user.mapped"}),
    )
    found += [(name, f"{address}?{urlencode(query)}") for name, address, query in asked]
    return found


async def _webhook(service: Service, filled: Filled) -> tuple[str, int]:
    """A webhook that has everything before it, and the number of a delivery to it."""
    hook, _ = await service.webhooks.create("https://app.example.com/hooks", by=BY)
    at = service.http.console._console.now()
    outcome = Outcome(at, 20, 503, "The receiver answered 503.", None, {"webhook-id": "x"}, {}, "busy")
    attempt = Attempt(hook.id, filled.directory, "feed", f"msg_{filled.directory}-1", 1, 1, 1, outcome)
    return hook.id, await service.control.note_attempt(attempt, Entry(BY, at, "webhook.tested", hook.id))


async def _log_in(service: Service) -> str:
    """The cookie of a session."""
    content = urlencode({"name": "bench", "password": PASSWORD, "next": "/"}).encode()
    headers = [
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"origin", f"http://{HOST}".encode()),
    ]
    status, sent = await _ask(service, "POST", "/login", headers, content)
    if status != 303:
        raise ValueError(f"the log-in answered {status}")
    cookies = [value.decode().split(";")[0] for name, value in sent if name == b"set-cookie"]
    return "; ".join(cookies)


async def _times(service: Service, address: str, cookie: str) -> list[float]:
    """Milliseconds of each of some requests, after one that is not counted. Raises ``ValueError``."""
    times: list[float] = []
    headers = [(b"cookie", cookie.encode())]
    for number in range(ROUNDS + 1):
        begun = time.perf_counter()
        status, _ = await _ask(service, "GET", address, headers)
        took = (time.perf_counter() - begun) * 1000
        if status not in (200, 303):
            raise ValueError(f"{address} answered {status}")
        if number:
            times.append(took)
        if sum(times) > SECONDS * 1000:
            break
    return times


async def _ask(
    service: Service, method: str, address: str, headers: list[tuple[bytes, bytes]], content: bytes = b""
) -> tuple[int, list[tuple[bytes, bytes]]]:
    path, _, query = address.partition("?")
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": quote(path).encode(), "root_path": "",
        "query_string": query.encode(), "headers": [(b"host", HOST.encode()), *headers], "scheme": "http",
        "client": ("127.0.0.1", 1), "server": (HOST, 80),
    }  # fmt: skip
    await service.http.site(scope, receive, send)
    return sent[0]["status"], sent[0]["headers"]
