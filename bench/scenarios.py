"""The scenarios: a table of what is measured, each with the requests it sends.

A scenario's ``prepare`` is told how many steps there will be at most, builds what it can before the
clock starts and returns the step to be timed, or ``None`` if the server does not offer it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum

import orjson

from bench.client import Connection, Step, expect
from bench.load import (
    BULK_SIZE,
    GROUP,
    World,
    add_members,
    bulk,
    bulk_ids,
    filter_query,
    once,
    patch,
    remove_member,
    user,
)

PAGE = 100
PUSHED = 100


@dataclass(frozen=True, slots=True)
class Run:
    """A step and how many times it can be done."""

    step: Step
    count: int


def _prebuilt(requests: list[bytes], *statuses: int) -> Run:
    async def step(connection: Connection, number: int) -> None:
        expect(await connection.exchange(requests[number]), *statuses)

    return Run(step, len(requests))


async def get(world: World, count: int) -> Run:
    """GET /Users/{id}, at random."""
    return _prebuilt([world.target.request("GET", f"/Users/{id}") for _, _, id in world.some(count)], 200)


async def filter_eq(world: World, count: int) -> Run:
    """GET /Users?filter=userName eq "…", each finding one user."""
    wanted = [
        (f"/Users{filter_query('userName', f'{name}@example.com')}", id) for name, _, id in world.some(count)
    ]
    requests = [(world.target.request("GET", path), f'"{id}"'.encode()) for path, id in wanted]

    async def step(connection: Connection, number: int) -> None:
        request, id = requests[number]
        body = expect(await connection.exchange(request), 200)
        if id not in body:
            raise ValueError(f"the filter did not find its user: {body[:200]!r}")

    return Run(step, count)


async def filter_co(world: World, count: int) -> Run:
    """GET /Users?filter=userName co "…" with a part that one user has."""
    requests = []
    for name, _, id in world.some(count):
        query = filter_query("userName", f"{name[-12:]}@", "co")
        requests.append((world.target.request("GET", f"/Users{query}"), f'"{id}"'.encode()))

    async def step(connection: Connection, number: int) -> None:
        request, id = requests[number]
        body = expect(await connection.exchange(request), 200)
        if id not in body:
            raise ValueError(f"the filter did not find its user: {body[:200]!r}")

    return Run(step, count)


async def patch_active(world: World, count: int) -> Run:
    """Okta's path-less PATCH that deactivates a user, or reactivates one that is inactive."""
    off, on = (patch({"op": "replace", "value": {"active": value}}) for value in (False, True))
    users = [id for _, _, id in world.some(count)]
    off_on = {
        id: [world.target.request("PATCH", f"/Users/{id}", body) for body in (off, on)] for id in set(users)
    }

    async def step(connection: Connection, number: int) -> None:
        id = users[number]
        inactive = id in world.inactive
        (world.inactive.discard if inactive else world.inactive.add)(id)
        expect(await connection.exchange(off_on[id][inactive]), 200, 204)

    return Run(step, count)


async def patch_title(world: World, count: int) -> Run:
    """PATCH with the path ``title``, a new value each time."""
    requests = []
    for number, (_, _, id) in enumerate(world.some(count)):
        body = patch({"op": "replace", "path": "title", "value": f"Title {world.made}.{number}"})
        requests.append(world.target.request("PATCH", f"/Users/{id}", body))
    world.made += count
    return _prebuilt(requests, 200, 204)


async def put(world: World, count: int) -> Run:
    """PUT of the whole user with another title."""
    requests = []
    for number, (name, index, id) in enumerate(world.some(count)):
        document = user(name, index, title=f"Put {world.made}.{number}") | {"id": id}
        requests.append(world.target.request("PUT", f"/Users/{id}", orjson.dumps(document)))
        world.inactive.discard(id)
    world.made += count
    return _prebuilt(requests, 200)


def pages(world: World) -> int:
    """How many pages a walk of all users has."""
    return -(-len(world.users) // PAGE)


async def walk_index(world: World, count: int) -> Run:
    """The listing by ``startIndex``, page after page to the end, then again."""
    last = pages(world)
    starts = [1 + (number % last) * PAGE for number in range(count)]
    return _prebuilt(
        [world.target.request("GET", f"/Users?startIndex={at}&count={PAGE}") for at in starts], 200
    )


async def walk_cursor(world: World, count: int) -> Run | None:
    """The listing by cursor (RFC 9865), page after page to the end, then again."""
    config = orjson.loads(await once(world.target, "GET", "/ServiceProviderConfig", None, 200))
    if not (config.get("pagination") or {}).get("cursor"):
        return None
    cursor = ""

    async def step(connection: Connection, number: int) -> None:
        nonlocal cursor
        request = world.target.request("GET", f"/Users?cursor={cursor}&count={PAGE}")
        body = expect(await connection.exchange(request), 200)
        _, found, rest = body.partition(b'"nextCursor":')
        cursor = rest.split(b'"', 2)[1].decode() if found and not rest.lstrip().startswith(b"null") else ""

    return Run(step, count)


async def member_remove(world: World, count: int) -> Run:
    """One member of the group removed by value filter, as Okta does."""
    path = f"/Groups/{world.group}"
    here = world.members[: min(count, len(world.members) // 2)]
    requests = [world.target.request("PATCH", path, remove_member(id)) for id in here]

    async def step(connection: Connection, number: int) -> None:
        expect(await connection.exchange(requests[number]), 200, 204)
        world.out.append(here[number])

    return Run(step, len(here))


async def member_add(world: World, count: int) -> Run:
    """One member added to the group: those that ``member_remove`` took out."""
    path = f"/Groups/{world.group}"
    world.out, gone = [], world.out
    return _prebuilt([world.target.request("PATCH", path, add_members([id])) for id in gone], 200, 204)


async def sync_users(world: World, count: int) -> Run:
    """Okta assigns a user: look for the userName, find nothing, POST."""
    requests = []
    for name, number in world.names(count):
        document = user(name, number)
        query = filter_query("userName", str(document["userName"]))
        look = world.target.request("GET", f"/Users{query}")
        requests.append((look, world.target.request("POST", "/Users", orjson.dumps(document))))

    async def step(connection: Connection, number: int) -> None:
        look, create = requests[number]
        expect(await connection.exchange(look), 200)
        body = expect(await connection.exchange(create), 201)
        world.synced.append(orjson.loads(body)["id"])

    return Run(step, count)


async def sync_groups(world: World, count: int) -> Run:
    """Okta pushes a group: POST it empty, then PATCH its name and its 100 members."""
    ids = (world.synced or [id for _, _, id in world.users])[:PUSHED]
    members = add_members(ids)
    names = [name for name, _ in world.names(count)]

    async def step(connection: Connection, number: int) -> None:
        document = {"schemas": [GROUP], "displayName": f"Pushed {names[number]}", "members": []}
        create = world.target.request("POST", "/Groups", orjson.dumps(document))
        id = orjson.loads(expect(await connection.exchange(create), 201))["id"]
        rename = patch({"op": "replace", "value": {"id": id, "displayName": document["displayName"]}})
        for body in (rename, members):
            expect(await connection.exchange(world.target.request("PATCH", f"/Groups/{id}", body)), 200, 204)

    return Run(step, count)


async def bulk_create(world: World, count: int) -> Run:
    """Bulk request of 100 POSTs of users."""
    names = world.names(count * BULK_SIZE)
    bodies = [bulk(names[at : at + BULK_SIZE]) for at in range(0, len(names), BULK_SIZE)]
    requests = [world.target.request("POST", "/Bulk", body) for body in bodies]

    async def step(connection: Connection, number: int) -> None:
        bulk_ids(expect(await connection.exchange(requests[number]), 200))

    return Run(step, count)


async def post(world: World, count: int) -> Run:
    """POST /Users."""
    bodies = [orjson.dumps(user(name, number)) for name, number in world.names(count)]
    return _prebuilt([world.target.request("POST", "/Users", body) for body in bodies], 201)


class Phase(IntEnum):
    """The order at one size: first what leaves the directory's size alone, last what may need more users."""

    CHANGE = 1
    CREATE = 2
    GROUP = 3


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table."""

    name: str
    family: str
    prepare: Callable[[World, int], Awaitable[Run | None]]
    phase: Phase = Phase.CHANGE
    """``GROUP``: measured against a group of the given size instead of a directory of that size."""
    weight: int = 1
    """SCIM operations in one step."""
    warm: int = 10
    """Steps before the clock starts; none where a step is dear or its order matters."""
    serial: bool = False
    """A walk is one client's: only at concurrency 1."""
    creates: int = 0
    """Resources one step leaves behind; the scenario may add half of the directory's size."""


SCENARIOS = (
    Scenario("get", "get", get),
    Scenario("filter_eq", "filter", filter_eq),
    Scenario("filter_co", "part", filter_co),
    Scenario("patch_active", "patch", patch_active),
    Scenario("patch_title", "patch", patch_title),
    Scenario("put", "put", put),
    Scenario("walk_index", "walk", walk_index, warm=0, serial=True),
    Scenario("walk_cursor", "walk", walk_cursor, warm=0, serial=True),
    Scenario("post", "post", post, Phase.CREATE, creates=1),
    Scenario("bulk_100", "bulk", bulk_create, Phase.CREATE, weight=BULK_SIZE, warm=0, creates=BULK_SIZE),
    Scenario("sync_users", "sync", sync_users, Phase.CREATE, creates=1),
    Scenario("sync_groups", "sync", sync_groups, Phase.CREATE, warm=0, creates=10),
    Scenario("member_remove", "members", member_remove, Phase.GROUP, warm=0),
    Scenario("member_add", "members", member_add, Phase.GROUP, warm=0),
)
FAMILIES = tuple(dict.fromkeys(scenario.family for scenario in SCENARIOS))
