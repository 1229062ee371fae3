"""A process that adds users, prints the id of each once it is acknowledged, and may be killed."""

import asyncio
import sys
from pathlib import Path

from rosterd.service.ahead import Ahead
from rosterd.service.ports import Writer
from rosterd.store.sqlite import open_sqlite
from rosterd.testing.scenario import DIRECTORY, add, event


async def main(path: Path, number: int) -> None:
    store = await open_sqlite(path)

    async def one(id: str) -> None:
        async def work(tx: Writer) -> None:
            await tx.append(event(id))
            await add(tx, {"userName": id}, id)

        await store.write(DIRECTORY, work, Ahead(unique=(("User", "userName", id),)))
        print(id, flush=True)

    for first in range(0, number, 8):
        await asyncio.gather(*(one(f"c{n}") for n in range(first, min(first + 8, number))))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), 1_000_000 if sys.argv[2] == "forever" else int(sys.argv[2])))
