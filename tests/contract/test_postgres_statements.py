"""Every statement of the PostgreSQL store is one that the server takes, over the schema of this release."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest
from contract.postgres_store import database

from rosterd.store.queries import POSTGRES, own

STORE = Path(__file__).parents[2] / "src" / "rosterd" / "store"
SHARED = (STORE / "listing.py", STORE / "removal.py", STORE / "survey.py")
TEXT = "\n".join(path.read_text() for path in (*STORE.glob("postgres*.py"), *SHARED))
USED = sorted(name for name in POSTGRES if re.search(rf'["\']{name}["\']', TEXT))


@pytest.mark.parametrize("name", own("postgres"))
def test_a_statement_of_its_own_is_used(name: str) -> None:
    assert name in USED


def test_the_server_takes_every_statement() -> None:
    url = database()

    async def prepare() -> dict[str, str]:
        connection = await asyncpg.connect(url)
        refused = {}
        try:
            for name in USED:
                try:
                    await connection.prepare(POSTGRES[name])
                except asyncpg.PostgresError as error:
                    refused[name] = str(error)
        finally:
            await connection.close()
        return refused

    assert asyncio.run(prepare()) == {}
