"""A service is ready if a durable write has just worked, and not because one once did."""

import asyncio

import pytest

from rosterd.service.ports import StoreUnavailable
from rosterd.wiring import readiness
from rosterd.wiring.readiness import Readiness


def test_what_was_found_last_counts_and_a_fault_is_no_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "AGE", 0.0)
    faults: list[Exception] = []

    async def probe() -> None:
        if faults:
            raise faults.pop()

    async def test() -> None:
        ready = Readiness(probe)
        assert await ready()
        faults.append(StoreUnavailable("away"))
        assert not await ready()
        assert await ready()
        faults.append(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            await ready()
        assert await ready()

    asyncio.run(test())
