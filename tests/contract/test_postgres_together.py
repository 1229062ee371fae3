"""Looks at single resources go together: few statements, and everybody gets what he wants, or the fault."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from contract.postgres_server import namespace

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres import open_postgres
from rosterd.store.postgres_run import Database
from rosterd.store.postgres_together import FLIGHTS, Gathered
from rosterd.testing.scenario import DIRECTORY, put, users


class Counting:
    """A database that counts its statements, waits to be let go, and fails if it is told to."""

    def __init__(self, real: Database) -> None:
        self._real = real
        self.asked: list[list[str]] = []
        self.go = asyncio.Event()
        self.fault: Exception | None = None

    async def rows(self, name: str, *parameters: Any) -> Sequence[Any]:
        self.asked.append(list(parameters[1]))
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return await self._real.rows(name, *parameters)


def test_what_waits_goes_together_and_comes_back_to_whoever_asked() -> None:
    async def main(url: str) -> None:
        store = await open_postgres(url)
        try:
            names = [f"u{n}" for n in range(20)]
            rows = {row.id: row for row in await users(store, names)}
            await store.write(2, put({"userName": "elsewhere"}, "elsewhere"))
            counting = Counting(store._database)
            gathered = Gathered(counting)  # type: ignore[arg-type]

            def look(*ids: str) -> list["asyncio.Task[Any]"]:
                return [asyncio.create_task(gathered.get(DIRECTORY, "User", id)) for id in ids]

            first = look("u0", "u1", "u0", "nobody", "elsewhere", "\0")
            await asyncio.sleep(0.01)
            second = look("u2")
            await asyncio.sleep(0.01)
            others = look(*names)
            gone = look("u3")[0]
            await asyncio.sleep(0.01)
            gone.cancel()
            assert len(counting.asked) == FLIGHTS
            counting.go.set()
            found = await asyncio.gather(*first, *second, *others)
            wanted = ["u0", "u1", "u0", "nobody", "elsewhere", "\0", "u2", *names]
            assert [one and one[0] for one in found] == [rows.get(id) for id in wanted]
            assert [sorted(ids) for ids in counting.asked[:FLIGHTS]] == [
                sorted({"u0", "u1", "nobody", "elsewhere", "\ufffd"}),
                ["u2"],
            ]
            assert len(counting.asked) == FLIGHTS + 1
            with pytest.raises(asyncio.CancelledError):
                await gone

            counting.fault = StoreUnavailable("away")
            faults = await asyncio.gather(*look("u1", "u2"), return_exceptions=True)
            assert [type(fault) for fault in faults] == [StoreUnavailable] * 2
            counting.fault = None
            assert (await look("u1")[0])[0] == rows["u1"]
            assert gathered._by_kind == {}, "nothing is kept of those who were answered"
        finally:
            await store.close()

    with namespace() as url:
        asyncio.run(main(url))
