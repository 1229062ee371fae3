"""What leads from one state of a connection to another, and what its client is told meanwhile."""

import pytest

from rosterd.scim import errors
from rosterd.service.standing import MOVES, RETRY_AFTER, Standing, move, require_active

AT = 1_795_000_000_000


@pytest.mark.parametrize(
    ("state", "name", "target"),
    [
        ("active", "pause", "paused"),
        ("active", "resume", None),
        ("active", "disable", "disabled"),
        ("active", "enable", None),
        ("paused", "pause", None),
        ("paused", "resume", "active"),
        ("paused", "disable", "disabled"),
        ("disabled", "disable", None),
        ("disabled", "enable", "active"),
    ],
)
def test_moves(state: str, name: str, target: str | None) -> None:
    found = move(name, Standing(state), "okta")
    assert (found and found.target) == target


@pytest.mark.parametrize(
    ("state", "name", "way"),
    [("paused", "enable", "resume"), ("disabled", "pause", "enable"), ("disabled", "resume", "enable")],
)
def test_a_move_that_is_not_there_names_the_way(state: str, name: str, way: str) -> None:
    with pytest.raises(errors.Conflict, match=f"'okta' is {state}, so it cannot be {name}d; {way} it first"):
        move(name, Standing(state), "okta")


def test_each_move_has_an_event_of_its_own() -> None:
    assert len({step.event for step in MOVES.values()}) == len(MOVES) == 4


def test_an_active_connection_may_speak() -> None:
    require_active(Standing(), "okta", "acme")
    require_active(Standing("active", "ann", "again", AT), "okta", "acme")


@pytest.mark.parametrize("reason", ["moving house", "moving house."])
def test_a_paused_connection_is_told_who_when_why_and_what_to_do(reason: str) -> None:
    with pytest.raises(errors.Unavailable) as caught:
        require_active(Standing("paused", "ann", reason, AT), "okta", "acme")
    assert caught.value.retry_after == RETRY_AFTER
    assert caught.value.detail == (
        "Connection 'okta' was paused on 2026-11-18T11:06:40.000Z by ann: moving house. Nothing is read or "
        "changed meanwhile. An administrator who has looked into it resumes it, in the console or by "
        "'rosterd connection resume okta --directory acme'; then try again."
    )


def test_a_disabled_connection_is_refused_without_a_time_to_come_back() -> None:
    with pytest.raises(errors.Forbidden) as caught:
        require_active(Standing("disabled", "ann", "", AT), "okta", "acme")
    assert caught.value.retry_after is None
    assert "was disabled on 2026-11-18T11:06:40.000Z by ann." in caught.value.detail
    assert "rosterd connection enable okta --directory acme" in caught.value.detail
