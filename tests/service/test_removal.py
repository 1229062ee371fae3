"""Deleting a directory, as a service does it: by the upkeep, a bounded number of portions at a time."""

import asyncio
from pathlib import Path

import pytest

from rosterd.scim import errors
from rosterd.service import removal as module
from rosterd.service.removal import Removal, confirm
from rosterd.store.memory import MemoryStore
from rosterd.testing.removal_contract import filled
from rosterd.testing.scenario import AT, BY
from rosterd.wiring import Settings, open_service


def test_the_upkeep_takes_away_what_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rosterd.wiring.chores._FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(module, "GRACE", 0)
    monkeypatch.setattr(module, "PORTION", 2)

    async def main() -> None:
        async with open_service(Settings(data=tmp_path), forgets=True) as service:
            acme, _ = await filled(service.store, "acme", 5)  # type: ignore[arg-type]
            await service.removal.remove(acme, by=BY)
            for _ in range(2000):
                if (await service.control.removed_directories(AT * 2))[0].cleared is not None:
                    break
                await asyncio.sleep(0.01)
            assert await service.store.reader(acme.id).count("User") == 0
            told = [row.entry.action for row in await service.control.audit_page(acme.id, None, 2)]
            assert told == ["directory.cleared", "directory.deleted"]

    asyncio.run(main())


def test_a_turn_takes_so_many_portions_at_most_and_the_next_one_goes_on() -> None:
    async def main() -> None:
        plane, now = MemoryStore(), AT
        removal = Removal(plane, plane, lambda: now)
        gone = [(await filled(plane, name))[0] for name in ("acme", "bcme")]
        for directory in gone:
            await removal.remove(directory, by=BY)
            with pytest.raises(errors.NotFound):
                await removal.remove(directory, by=BY)
        assert await removal.take_away()
        assert await plane.reader(gone[0].id).get("User", "u1"), "nothing goes in the first minute"
        now += module.GRACE
        assert not await removal.take_away(most=1)
        assert await removal.take_away(most=2)
        assert [one.cleared for one in await plane.removed_directories(now)] == [now, now]

    asyncio.run(main())


@pytest.mark.parametrize("typed", [None, "", "ACME", "acme ", "acme#1"])
def test_another_name_confirms_nothing(typed: str | None) -> None:
    async def main() -> None:
        directory, _ = await filled(MemoryStore(), "acme")
        with pytest.raises(errors.InvalidValue, match="confirm: must be the name of the directory, 'acme'"):
            confirm(directory, typed)
        confirm(directory, "acme")

    asyncio.run(main())
