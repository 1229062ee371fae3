"""What is chosen for the installation holds for every process within a second; the environment wins."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rosterd.scim import errors
from rosterd.service.preferences import DEFAULTS, Installation, Preferences, Value
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing.scenario import BY

SECOND = 1_000_000_000


class Process:
    """One of several that work on a database; its clock stands until it is moved."""

    def __init__(self, store: SqliteStore, **fixed: Value) -> None:
        self.time = 0
        self.installation = Installation(store, fixed, lambda: 1, lambda: self.time)

    async def get(self) -> Preferences:
        return await self.installation.get()

    async def change(self, **values: Value | None) -> Preferences:
        return await self.installation.change(values, by=BY)


def run(path: Path, test: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def main() -> None:
        store = await open_sqlite(path / "rosterd.db")
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(main())


def test_a_change_holds_here_at_once_and_elsewhere_within_a_second(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        here, there = Process(store), Process(store)
        assert await here.get() == await there.get() == DEFAULTS
        changed = await here.change(eventRetentionDays=90, requestLogBodies=False)
        assert changed == await here.get() == Preferences(event_retention_days=90, request_log_bodies=False)
        there.time += SECOND - 1
        assert await there.get() == DEFAULTS
        there.time += 1
        assert await there.get() == changed
        assert await here.change(eventRetentionDays=None) == Preferences(request_log_bodies=False)

    run(tmp_path, test)


def test_asking_often_reads_the_store_once_a_second() -> None:
    reads = []

    class Counted:
        async def settings(self) -> dict[str, str]:
            reads.append(1)
            return {"eventRetentionDays": "1", "ofALaterRelease": "{}"}

    async def main() -> None:
        process = Process(Counted())  # type: ignore[arg-type]
        for _ in range(100):
            assert (await process.get()).event_retention_days == 1
        assert len(reads) == 1

    asyncio.run(main())


def test_what_the_environment_fixes_is_changed_nowhere_else(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        free = Process(store)
        await free.change(eventRetentionDays=90)
        fixed = Process(store, event_retention_days=7)
        assert (await fixed.get()).event_retention_days == 7
        assert fixed.installation.fixed == ("eventRetentionDays",)
        with pytest.raises(errors.Conflict, match="ROSTERD_EVENT_RETENTION_DAYS"):
            await fixed.change(tokenWarningDays=5, eventRetentionDays=8)
        assert await free.get() == Preferences(event_retention_days=90)
        assert (await fixed.change(tokenWarningDays=5)).event_retention_days == 7
        assert (await store.audit_page(None, None, 1))[0].entry.after == {"tokenWarningDays": 5}

    run(tmp_path, test)


@pytest.mark.parametrize(
    "values",
    [
        {"eventRetentionDays": -1},
        {"eventRetentionDays": 36_501},
        {"eventRetentionDays": True},
        {"eventRetentionDays": "7"},
        {"requestLogRetentionDays": 0},
        {"requestLogBodies": 1},
        {"tokenWarningDays": 5, "event_retention_days": 7},
    ],
)
def test_of_a_change_that_cannot_be_nothing_is_kept(tmp_path: Path, values: dict[str, Any]) -> None:
    async def test(store: SqliteStore) -> None:
        process = Process(store)
        with pytest.raises(errors.InvalidValue):
            await process.change(**values)
        assert await store.settings() == {}
        assert await store.audit_page(None, None, 9) == ()

    run(tmp_path, test)


def test_an_entry_says_what_was_and_what_is_and_no_change_leaves_none(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        process = Process(store)
        await process.change(eraseDeletedAfterDays=30, tokenWarningDays=30)
        await process.change(eraseDeletedAfterDays=30)
        await process.change()
        (row,) = await store.audit_page(None, None, 9)
        assert (row.entry.action, row.entry.actor, row.entry.directory) == ("settings.updated", BY, None)
        assert (row.entry.before, row.entry.after) == (
            {"eraseDeletedAfterDays": 0},
            {"eraseDeletedAfterDays": 30},
        )

    run(tmp_path, test)
