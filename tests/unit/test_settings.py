"""Settings that are numbers: what is taken, and what is refused with the setting's name."""

import pytest

from rosterd.wiring import Settings, SettingsError


@pytest.mark.parametrize(("text", "days"), [("", 30), ("0", 0), ("7", 7), ("36500", 36_500)])
def test_days_that_events_are_kept(text: str, days: int) -> None:
    settings = Settings.from_env({"ROSTERD_EVENT_RETENTION_DAYS": text})
    assert settings.event_retention_days == days


@pytest.mark.parametrize("text", ["-1", "36501", "x", "1.5"])
def test_days_that_make_no_sense(text: str) -> None:
    with pytest.raises(SettingsError, match="event_retention_days"):
        Settings.from_env({"ROSTERD_EVENT_RETENTION_DAYS": text})
