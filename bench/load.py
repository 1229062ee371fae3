"""The people, groups and messages of the benchmark, and how a server is filled with them.

The same bytes go to every server. The users look like those of Okta's SCIM template app.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import orjson

from bench.client import Connection, Target, Timing, drive, expect

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

BULK_SIZE = 100
SEED_CONCURRENCY = 16
SEED_SECONDS = 900.0
MEMBERS_A_REQUEST = 10_000
_FIRST = ("Ada", "Ben", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas")
_LAST = ("Abbott", "Brandt", "Castillo", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ito")


def user(name: str, number: int, title: str = "Engineer") -> dict[str, object]:
    """A user as Okta posts it."""
    given, family = _FIRST[number % len(_FIRST)], _LAST[number % len(_LAST)]
    mail = f"{name}@example.com"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": mail,
        "externalId": f"00u{name}",
        "name": {"givenName": given, "familyName": family},
        "displayName": f"{given} {family}",
        "title": title,
        "locale": "en-US",
        "emails": [{"value": mail, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": f"+1-555-{number:07d}", "type": "work"}],
        "groups": [],
        "active": True,
        ENTERPRISE: {"employeeNumber": str(number), "department": f"Department {number % 40}"},
    }


def patch(*operations: dict[str, object]) -> bytes:
    """A PatchOp message."""
    return orjson.dumps({"schemas": [PATCH], "Operations": operations})


def add_members(ids: Sequence[str]) -> bytes:
    """The PATCH that adds these members."""
    return patch({"op": "add", "path": "members", "value": [{"value": id} for id in ids]})


def remove_member(id: str) -> bytes:
    """The PATCH that removes one member, as Okta sends it."""
    return patch({"op": "remove", "path": f'members[value eq "{id}"]'})


def bulk(names: Sequence[tuple[str, int]]) -> bytes:
    """A Bulk request that creates these users."""
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name, number)}
        for name, number in names
    ]
    return orjson.dumps({"schemas": [BULK], "Operations": operations})


def bulk_ids(body: bytes) -> list[str]:
    """The ids that a Bulk response tells. Raises ``ValueError`` if one operation failed."""
    ids = []
    for result in orjson.loads(body)["Operations"]:
        if str(result["status"]) != "201":
            raise ValueError(f"a bulk operation failed: {str(result)[:300]}")
        ids.append(result["location"].rsplit("/", 1)[1])
    return ids


def filter_query(attribute: str, value: str, operator: str = "eq") -> str:
    """``?filter=attribute eq "value"`` with the paging that Okta adds."""
    wanted = quote(f'{attribute} {operator} "{value}"', safe="")
    return f"?filter={wanted}&startIndex=1&count=100"


@dataclass(slots=True)
class World:
    """What the benchmark knows of one server's content."""

    target: Target
    tag: str
    """Part of every name, so that runs against the same server do not meet."""
    users: list[tuple[str, int, str]] = field(default_factory=list)
    """(name, number, id) of each user that stays."""
    inactive: set[str] = field(default_factory=set)
    synced: list[str] = field(default_factory=list)
    group: str = ""
    members: list[str] = field(default_factory=list)
    """Ids of the users that the present ``group`` was made with."""
    out: list[str] = field(default_factory=list)
    """Members taken out of the group and not put back yet."""
    made: int = 0

    def names(self, count: int) -> list[tuple[str, int]]:
        """Names never used before."""
        first = self.made
        self.made += count
        return [(f"{self.tag}{number:07d}", number) for number in range(first, first + count)]

    def some(self, count: int) -> list[tuple[str, int, str]]:
        """Users drawn at random, the same ones in every run."""
        return random.Random(count).choices(self.users, k=count)


async def once(target: Target, method: str, path: str, body: bytes | None, *statuses: int) -> bytes:
    """One request outside the measurement. Raises ``BadResponse``."""
    connection = Connection(target)
    try:
        return expect(await connection.exchange(target.request(method, path, body)), *statuses)
    finally:
        connection.close()


async def seed(world: World, upto: int, how: str) -> str:
    """Create users until there are ``upto``; a sentence that says how it was done and how fast.

    ``how`` is ``post``, ``bulk`` or ``auto``: a few by each, then the faster way."""
    missing = upto - len(world.users)
    if missing <= 0:
        return ""
    begin, rates = time.perf_counter(), {}
    if how == "auto":
        trial = min(200, missing // 4)
        for way in ("post", "bulk"):
            start = time.perf_counter()
            await _create(world, trial, way)
            rates[way] = trial / (time.perf_counter() - start)
        how = max(rates, key=lambda way: rates[way])
    await _create(world, upto - len(world.users), how)
    took = time.perf_counter() - begin
    ways = {"post": f"{SEED_CONCURRENCY} concurrent POSTs", "bulk": f"HTTP bulk of {BULK_SIZE}"}
    return f"{missing} users seeded through {ways[how]} in {took:.1f} s ({missing / took:.0f}/s)"


async def _create(world: World, count: int, how: str) -> None:
    names = world.names(count)
    size = BULK_SIZE if how == "bulk" else 1
    parts = [names[at : at + size] for at in range(0, count, size)]
    found: dict[int, list[str]] = {}

    async def step(connection: Connection, number: int) -> None:
        part = parts[number]
        if how == "bulk":
            request = world.target.request("POST", "/Bulk", bulk(part))
            found[number] = bulk_ids(expect(await connection.exchange(request), 200))
        else:
            request = world.target.request("POST", "/Users", orjson.dumps(user(*part[0])))
            found[number] = [orjson.loads(expect(await connection.exchange(request), 201))["id"]]

    timing: Timing = await drive(world.target, step, SEED_CONCURRENCY, 0, len(parts), SEED_SECONDS)
    if len(timing.latencies) < len(parts):
        raise TimeoutError(f"seeding {count} users took more than {SEED_SECONDS:.0f} s")
    for number, part in enumerate(parts):
        world.users += [(*pair, id) for pair, id in zip(part, found[number], strict=True)]


async def seed_group(world: World, size: int, real: bool) -> str:
    """Make the group of ``size`` members that the member scenarios use: existing users, or for a server
    that does not look them up (``real`` false) invented ids as well. Says how."""
    ids = [id for _, _, id in world.users[:size]]
    if not real:
        ids += [f"{number:032x}" for number in range(len(ids), size)]
    first, rest = ids[:MEMBERS_A_REQUEST], ids[MEMBERS_A_REQUEST:]
    begin = time.perf_counter()
    document = {
        "schemas": [GROUP],
        "displayName": f"{world.tag} {size} {time.time_ns()}",
        "members": [{"value": id} for id in first],
    }
    body = await once(world.target, "POST", "/Groups", orjson.dumps(document), 201)
    world.group, world.members, world.out = orjson.loads(body)["id"], ids, []
    for at in range(0, len(rest), MEMBERS_A_REQUEST):
        change = add_members(rest[at : at + MEMBERS_A_REQUEST])
        await once(world.target, "PATCH", f"/Groups/{world.group}", change, 200, 204)
    took = time.perf_counter() - begin
    invented = "" if real else f" ({max(0, size - len(world.users))} of them invented ids)"
    return f"group of {size} members{invented} seeded in {took:.1f} s"
