"""What is another directory's costs exactly the work of what is not there: nothing can be guessed by time.

Not the clock is asked but the database: the statements that a request makes it run, with their parameters
left out, are the same ones in the same order.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from service.management import BODIES, World, fill, label, run

from rosterd.http.api.route import ApiRoute
from rosterd.http.api.routes import ROUTES
from rosterd.scim import urns
from rosterd.store import group_commit
from rosterd.store.sqlite import SqliteStore

T = TypeVar("T")
LITERAL = re.compile(r"[xX]?'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
IN_QUERY = ("/events", "/snapshot", "/audit")
OF_DIRECTORIES = [r for r in ROUTES if "{directory}" in r.template or r.template in IN_QUERY]
OF_IDS = [
    r
    for r in OF_DIRECTORIES
    if re.search(r"\{(token|client|user|group|urn)\}", r.template) and r.method != "PUT"
]

USER = {"schemas": [urns.USER], "userName": "nobody"}
GROUP = {"schemas": [urns.GROUP], "displayName": "Staff"}
RENAME = {"op": "replace", "path": "displayName", "value": "Crew"}


class Statements:
    """What the database of a service runs, on whatever connection."""

    def __init__(self, store: SqliteStore) -> None:
        self._seen: list[str] = []
        readers = store._readers
        now, long, submit = readers.now, readers._long, store._writer.submit

        def traced(job: Callable[..., T]) -> Callable[..., T]:
            def traced_job(connection: sqlite3.Connection, *parameters: Any) -> T:
                connection.set_trace_callback(self._note)
                try:
                    return job(connection, *parameters)
                finally:
                    connection.set_trace_callback(None)

            return traced_job

        readers.now = lambda job, *given: now(traced(job), *given)  # type: ignore[method-assign]
        readers._long = lambda job: long(traced(job))  # type: ignore[method-assign]
        store._writer.submit = lambda job, *news: submit(traced(job), *news)  # type: ignore[method-assign]
        store._submit = store._writer.submit

        async def alone(directory: int, work: Any, ahead: Any) -> Any:
            unit = group_commit._Unit(asyncio.get_running_loop(), directory, work, ahead)
            return await store._writer.submit(unit.alone)

        store._writer.perform = alone  # type: ignore[method-assign]

    def _note(self, statement: str) -> None:
        self._seen.append(LITERAL.sub("?", statement))

    async def of(self, request: Any) -> tuple[int, list[str]]:
        """The status of a request's reply, and its statements."""
        self._seen.clear()
        response = await request
        return response.status_code, list(self._seen)


def statements(world: World) -> Statements:
    assert isinstance(world.service.store, SqliteStore)
    return Statements(world.service.store)


def ask(client: httpx.AsyncClient, route: ApiRoute, directory: str, ids: dict[str, str]) -> Any:
    path = route.template
    for name, value in {**ids, "directory": directory}.items():
        path = path.replace(f"{{{name}}}", value)
    params = {"directory": directory} if route.template in IN_QUERY else {}
    return client.request(route.method, path, json=BODIES.get(label(route), {}), params=params)


@pytest.mark.parametrize("route", OF_DIRECTORIES, ids=label)
def test_another_directory_is_the_work_of_none(tmp_path: Path, route: ApiRoute) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        bound, database = await world.client("acme"), statements(world)
        there = await database.of(ask(bound, route, "other", ids))
        missing = await database.of(ask(bound, route, "wherever", ids))
        assert there == missing
        assert there[0] == 404
        assert there[1], "nothing was looked at"

    run(tmp_path, test, request_log="off")


@pytest.mark.parametrize("route", OF_IDS, ids=label)
def test_an_id_of_another_directory_is_the_work_of_none(tmp_path: Path, route: ApiRoute) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        nothing = {name: value if name == "connection" else _like(value) for name, value in ids.items()}
        bound, database = await world.client("acme"), statements(world)
        for client in (bound, world.api):
            there = await database.of(ask(client, route, "acme", ids))
            missing = await database.of(ask(client, route, "acme", nothing))
            assert there == missing
            assert there[0] == 404

    run(tmp_path, test, request_log="off")


def _like(id: str) -> str:
    """An id of the same form that nobody has."""
    return re.sub(r"[0-9A-Za-z](?=[^0-9A-Za-z]*$)", lambda m: "0" if m[0] != "0" else "1", id)


# Method, path and body of SCIM requests that name an id; {id} is put in.
SCIM: list[tuple[str, str, Any]] = [
    ("GET", "/Users/{id}", None),
    ("GET", "/Groups/{id}", None),
    ("GET", '/Users?filter=id eq "{id}"', None),
    ("GET", '/Users?filter=groups.value eq "{id}"', None),
    ("GET", '/Groups?filter=members.value eq "{id}"', None),
    ("GET", '/?filter=id eq "{id}"', None),
    ("PUT", "/Users/{id}", USER),
    ("PUT", "/Groups/{id}", GROUP),
    ("PATCH", "/Users/{id}", {"op": "add", "path": "title", "value": "x"}),
    ("PATCH", "/Groups/{id}", {"op": "add", "path": "members", "value": [{"value": "x"}]}),
    ("DELETE", "/Users/{id}", None),
    ("DELETE", "/Groups/{id}", None),
    ("POST", "/Bulk", {"method": "DELETE", "path": "/Users/{id}"}),
    ("POST", "/Bulk", {"method": "PATCH", "path": "/Groups/{id}", "data": RENAME}),
    ("PATCH", "/Groups/{own}", {"op": "add", "path": "members", "value": [{"value": "{id}"}]}),
    ("PATCH", "/Groups/{own}", {"op": "remove", "path": 'members[value eq "{id}"]'}),
]  # fmt: skip


def filled(body: Any, **ids: str) -> Any:
    """The body as a message, with ids put in."""
    if isinstance(body, str):
        return body.replace("{id}", ids["id"])
    if isinstance(body, list):
        return [filled(item, **ids) for item in body]
    if not isinstance(body, dict):
        return body
    body = {name: filled(item, **ids) for name, item in body.items()}
    if "method" in body:
        return {"schemas": [urns.BULK_REQUEST], "Operations": [body]}
    return {"schemas": [urns.PATCH_OP], "Operations": [body]} if "op" in body else body


@pytest.mark.parametrize("number", range(len(SCIM)), ids=lambda n: f"{SCIM[n][0]} {SCIM[n][1]} {n}")
def test_scim_does_the_same_work_for_ids_of_others_of_nobody_and_of_the_deleted(
    tmp_path: Path, number: int
) -> None:
    method, path, body = SCIM[number]

    async def test(world: World) -> None:
        foreign = await fill(world)
        own = (await world.group("Own"))["id"]
        deleted_user = (await world.user("gone"))["id"]
        deleted_group = (await world.group("Gone"))["id"]
        for address in (f"/Users/{deleted_user}", f"/Groups/{deleted_group}"):
            assert (await world.scim.delete(address)).status_code == 204
        groups = "/Groups/{id}" in str((path, body)) or "groups.value" in path
        kind = "group" if groups else "user"
        ids = [
            foreign[kind],
            _like(foreign[kind]),
            deleted_group if groups else deleted_user,
        ]
        database = statements(world)
        work = []
        for id in ids:
            address, _, query = path.format(id=id, own=own).partition("?")
            params = {"filter": query.removeprefix("filter=")} if query else {}
            request = world.scim.request(
                method, address, params=params, json=filled(body, id=id) if body else None
            )
            await world.scim.get("/ResourceTypes")  # whose token it is was asked before
            work.append(await database.of(request))
        assert work[0] == work[1] == work[2]
        assert work[0][1], "nothing was looked at"

    run(tmp_path, test, request_log="off")


def test_the_address_of_another_directory_is_the_work_of_none(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.scim.get("/Users")  # what is known of the own directory is read once
        database = statements(world)
        there = await database.of(world.scim.get("/d/other/Users"))
        assert there == await database.of(world.scim.get("/d/wherever/Users"))
        assert there[0] == 404

    run(tmp_path, test, request_log="off")
