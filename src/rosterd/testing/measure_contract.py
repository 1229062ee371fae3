"""The contract of what is measured of a store, as tests: what is written is counted, what ends is found."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from rosterd.service.control import Control, Policy
from rosterd.service.measures import DAYS, FOREVER, Measured
from rosterd.testing.control_contract import token
from rosterd.testing.scenario import ENTRY, scenario

_DAY = 86_400_000


class Plane(Measured, Control, Protocol):
    """What the contract looks at."""


class MeasureContract:
    """What every ``Measured`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_a_probe_is_written_and_counted_as_a_transaction(self, plane: Plane) -> None:
        load = plane.load()
        for number in range(1, 4):
            await plane.probe()
            assert sum(load.jobs.counts) >= number
            assert sum(load.sync.counts) >= number, "it was made durable"
        assert (load.refused, load.failed, load.waiting(), load.reads()) == (0, 0, 0, 0)

    @scenario
    async def test_there_is_room_for_some_connections_or_no_bound(self, plane: Plane) -> None:
        room = await plane.room()
        assert room is None or room > 0

    @scenario
    async def test_tokens_are_counted_by_the_days_within_which_they_end(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", 1, ENTRY)
        okta = await plane.create_connection(home.id, "okta", "auto", Policy(), 1, ENTRY)
        for number, days in enumerate((0, 1, 5, 5, 50, 3650)):
            await plane.create_token(token(okta, f"t{number}", expires=days * _DAY), ENTRY)
        await plane.create_token(token(okta, "revoked", expires=9 * _DAY, revoked=1), ENTRY)
        backlog = await plane.backlog(10)
        assert backlog.tokens == dict(zip((*DAYS, FOREVER), (1, 3, 3, 4, 5), strict=True))
        assert backlog.connections == {"active": 1}
        assert (backlog.lanes, backlog.undelivered, backlog.dead, backlog.unmapped) == (0, None, 0, 0)
