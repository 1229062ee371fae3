"""Whoever fits what is typed is found once in a whole walk, and nobody else, whatever names they share."""

import asyncio
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from rosterd.service.control import Connection
from rosterd.service.lookup import Sought, look_up, state_of
from rosterd.service.ports import Stored, Writer
from rosterd.store.sqlite import open_sqlite
from rosterd.testing.scenario import AT, CONNECTION, DIRECTORY, USER, add, retain

NAMES = ("an", "anna", "AN", "be", "ban", "än")
CONNECTIONS = tuple(Connection(id, DIRECTORY, f"c{id}", AT) for id in (CONNECTION, CONNECTION + 1))


def person(rng: random.Random, number: int) -> dict[str, Any]:
    """Somebody whose names begin alike."""
    some = [rng.choice(NAMES) for _ in range(5)]
    return {
        "userName": f"{some[0]}{number}",
        **({"displayName": some[1]} if rng.random() < 0.7 else {}),
        **({"name": {"familyName": some[2]}} if rng.random() < 0.7 else {}),
        "emails": [{"value": f"{value}{number % 3}@x"} for value in some[3 : rng.randint(3, 5)]],
        "active": rng.random() < 0.7,
    }


def begins(document: dict[str, Any], text: str) -> bool:
    """The same, told slowly."""
    values = [document["userName"], document.get("displayName"), document.get("name", {}).get("familyName")]
    values += [email["value"] for email in document.get("emails", ())]
    return any(value is not None and value.casefold().startswith(text) for value in values)


def fits(row: Stored, sought: Sought) -> bool:
    if sought.state not in (None, state_of(row)) or sought.connection not in (None, row.connection):
        return False
    if sought.text and sought.exactly in (row.id, row.external_id):
        return True
    if row.deleted is not None:
        return not sought.text and sought.state == "deleted"
    return not sought.text or begins(orjson.loads(row.document), sought.text)


@pytest.mark.parametrize("seed", range(6))
def test_a_whole_walk_finds_whoever_fits_once(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)

    async def walk(sought: Sought, limit: int) -> list[str]:
        ids, place = list[str](), None
        while True:
            found = await look_up(store.reader(DIRECTORY), USER, CONNECTIONS, sought, place, limit)
            ids += [row.id for row in found.rows]
            place = found.place
            if place is None:
                return ids

    async def filled(tx: Writer) -> list[Stored]:
        return [
            await add(
                tx,
                person(rng, number),
                f"id{number}",
                external_id=rng.choice((None, f"an{number}", "an" if number % 10 == 0 else None)),
                connection=rng.choice(CONNECTIONS).id,
            )
            for number in range(60)
        ]

    async def main() -> None:
        nonlocal store
        store = await open_sqlite(tmp_path / "rosterd.db")
        try:
            rows = await store.write(DIRECTORY, filled)
            for row in rows[::7]:
                await store.write(DIRECTORY, retain(row))
            rows = [row if n % 7 else row._replace(deleted=AT) for n, row in enumerate(rows)]
            for typed in ("", "an", "AN", "a", "ban", "ä", "an1", "id7", "id8", "zz"):
                for state in (None, "active", "inactive", "deleted"):
                    for connection in (None, CONNECTION):
                        sought = Sought(typed.casefold(), typed, state, connection)
                        wanted = sorted(row.id for row in rows if fits(row, sought))
                        assert sorted(await walk(sought, rng.randint(1, 9))) == wanted, sought
        finally:
            await store.close()

    store: Any = None
    asyncio.run(main())
