"""Looks at single resources go together: few statements, and everybody gets what he wants, or the fault."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest
from contract.postgres_server import namespace

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres import open_postgres
from rosterd.store.postgres_run import Database
from rosterd.store.postgres_together import FLIGHTS, Gathered, GatheredReader
from rosterd.testing.scenario import DIRECTORY, listed, put, retain, users

_AMONG = re.compile('"(.*?)"')
"""Each text in an array."""


class Counting:
    """A database that counts its statements, waits to be let go, and fails if it is told to."""

    def __init__(self, real: Database) -> None:
        self._real = real
        self.asked: list[list[str]] = []
        self.go = asyncio.Event()
        self.fault: Exception | None = None
        self.texts = 0

    async def rows(self, name: str, *parameters: Any) -> Sequence[Any]:
        self.asked.append([id for text in parameters[3:6:2] for id in _AMONG.findall(text)])
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return await self._real.rows(name, *parameters)

    async def fetch(self, text: str, parameters: Sequence[Any]) -> Sequence[Any]:
        self.texts += 1
        return await self._real.fetch(text, parameters)


def test_what_waits_goes_together_and_comes_back_to_whoever_asked() -> None:
    async def main(url: str) -> None:
        store = await open_postgres(url)
        try:
            names = [f"u{n}" for n in range(20)]
            rows = {row.id: row for row in await users(store, names)}
            await store.write(2, put({"userName": "elsewhere"}, "elsewhere"))
            counting = Counting(store._database)
            gathered = Gathered(counting)  # type: ignore[arg-type]

            def look(*ids: str) -> list["asyncio.Future[Any]"]:
                return [gathered.get(DIRECTORY, "User", (None, id, None)) for id in ids]

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
            assert [[one for one, _ in same] for same in found] == [
                [rows[id]] if id in rows else [] for id in wanted
            ]
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
            assert (await look("u1")[0])[0][0] == rows["u1"]
            await asyncio.sleep(0.01)
            assert gathered._by_kind == {}, "nothing is kept of those who were answered"
        finally:
            await store.close()

    with namespace() as url:
        asyncio.run(main(url))


def test_whoever_asks_by_an_external_id_goes_with_others_unless_several_have_it() -> None:
    async def main(url: str) -> None:
        store = await open_postgres(url)
        try:
            await users(store, ["u0", "gone"], external_id="x")
            own, gone = await users(store, ["u1", "gone-too"], external_id="y")
            await store.write(DIRECTORY, retain(gone))
            await users(store, ["u2"], external_id="y", connection=8)
            await users(store, ["u3"])
            counting: Any = Counting(store._database)
            counting.go.set()
            reader = GatheredReader(counting, Gathered(counting), DIRECTORY, store._words)
            several = listed('externalId eq "x"')
            pages = await asyncio.gather(
                *(reader.search(listed(f'externalId eq "{value}"')) for value in ("y", "nobody", "u3", "z")),
                reader.search(listed('externalId eq "y"', connection=8, total=False)),
                reader.search(listed('userName eq "u3"')),
                reader.get_with_groups("User", "u3"),
                reader.search(several),
                reader.search(listed('externalId eq "y"', connection=None)),
            )
            assert [([row.id for row in page.rows], page.total) for page in pages[:6]] == [
                (["u1"], 1), ([], 0), ([], 0), ([], 0), (["u2"], None), (["u3"], 1),
            ]  # fmt: skip
            assert pages[0].rows == (own,)
            assert [row.id for row in pages[7].rows] == ["u0", "gone"]
            assert [row.id for row in pages[8].rows] == ["u1", "u2"]
            assert counting.asked == [["u3", "u3", "y", "nobody", "u3", "z", "y", "x"]]
            assert counting.texts == 2
        finally:
            await store.close()

    with namespace() as url:
        asyncio.run(main(url))


def test_whoever_asks_by_a_unique_value_goes_with_those_who_ask_by_id() -> None:
    async def main(url: str) -> None:
        store = await open_postgres(url)
        try:
            rows = {row.id: row for row in await users(store, ["u0", "u1", "u2", "u3"])}
            await store.write(2, put({"userName": "elsewhere"}, "elsewhere"))
            counting: Any = Counting(store._database)
            counting.go.set()
            reader = GatheredReader(counting, Gathered(counting), DIRECTORY, store._words)
            pages = await asyncio.gather(
                reader.get_with_groups("User", "u0"),
                *(reader.search(listed(f'userName eq "{name}"')) for name in ("U1", "u2", "nobody", "u1")),
                reader.search(listed('userName eq "elsewhere"', total=False)),
            )
            assert pages[0] == (rows["u0"], ())
            assert [(page.rows, page.total, page.more) for page in pages[1:6]] == [
                ((rows["u1"],), 1, False),
                ((rows["u2"],), 1, False),
                ((), 0, False),
                ((rows["u1"],), 1, False),
                ((), None, False),
            ]
            assert counting.asked == [["u0", "u1", "u2", "nobody", "elsewhere"]]
        finally:
            await store.close()

    with namespace() as url:
        asyncio.run(main(url))
