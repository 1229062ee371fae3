"""The contract of the installation's settings, as tests: kept with their entry, taken back by ``None``."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from rosterd.service.audit import AuditLog
from rosterd.service.preferences import SettingStore
from rosterd.testing.scenario import ENTRY, scenario


class Plane(SettingStore, AuditLog, Protocol):
    """What the contract looks at."""


class SettingContract:
    """What every ``SettingStore`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_what_was_chosen_is_kept_with_its_entry_until_it_is_taken_back(self, plane: Plane) -> None:
        assert await plane.settings() == {}
        assert await plane.change_settings({}, {"a": "1", "b": "true"}, ENTRY) is True
        assert await plane.change_settings({"a": "1", "b": "true"}, {"a": "2", "c": None}, ENTRY) is True
        assert await plane.settings() == {"a": "2", "b": "true"}
        assert await plane.change_settings({"a": "1", "b": "true"}, {"b": None}, ENTRY) is False
        assert await plane.settings() == {"a": "2", "b": "true"}
        assert await plane.change_settings({"a": "2", "b": "true"}, {"a": None, "b": "false"}, ENTRY) is True
        assert await plane.settings() == {"b": "false"}
        assert [row.entry for row in await plane.audit_page(None, None, 9)] == [ENTRY] * 3
