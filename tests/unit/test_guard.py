"""guard: failures are counted by address and client; whoever is known is counted apart."""

from typing import Any

import pytest

from rosterd.http.guard import MALFORMED, Guard, Rates
from rosterd.scim.errors import TooManyRequests
from rosterd.service.network import network
from rosterd.wiring import Settings, SettingsError

SECOND = 1_000_000_000


class Clock:
    """Nanoseconds that a test moves."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        return self.at


def scope(address: str | None) -> Any:
    return {"client": (address, 1) if address else None}


def fail(guard: Guard, address: str = "192.0.2.1", **more: Any) -> int:
    """The seconds to wait; 0 if the failure may be told as what it is."""
    try:
        guard.failed(scope(address), **more)
    except TooManyRequests as error:
        return error.retry_after or -1
    return 0


def test_a_minutes_failures_may_come_at_once_and_then_as_many_a_minute() -> None:
    clock = Clock()
    guard = Guard(clock, Rates(failures=30))
    assert [fail(guard) for _ in range(31)] == [0] * 30 + [2]
    assert fail(guard, "192.0.2.2") == 0
    clock.at += 2 * SECOND
    assert [fail(guard), fail(guard)] == [0, 2]


def test_a_client_id_is_guarded_from_all_addresses_together() -> None:
    guard = Guard(Clock(), Rates(failures=3))
    assert [fail(guard, f"192.0.2.{n}", client="rsc_1") for n in range(4)] == [0, 0, 0, 20]
    assert fail(guard, "192.0.2.9", client="rsc_2") == 0


def test_a_failure_counts_as_ten_faults_of_form() -> None:
    guard = Guard(Clock(), Rates(failures=1))
    assert [bool(fail(guard, cost=MALFORMED)) for _ in range(11)] == [False] * 10 + [True]


def test_failures_take_nothing_from_keys_and_clients() -> None:
    guard = Guard(Clock(), Rates(failures=1, api=2, tokens=2))
    assert [bool(fail(guard)) for _ in range(3)] == [False, True, True]
    headers, wait = guard.key("one")
    assert (dict(headers), wait) == (
        {b"ratelimit-limit": b"10", b"ratelimit-remaining": b"9", b"ratelimit-reset": b"1"},
        0,
    )
    for _ in range(9):
        assert guard.key("one")[1] == 0
    assert guard.key("one")[1] == 1
    assert guard.key("two")[1] == 0
    for _ in range(10):
        guard.client("rsc_1")
    with pytest.raises(TooManyRequests):
        guard.client("rsc_1")
    guard.client("rsc_2")


def test_no_limit_is_none() -> None:
    guard = Guard(Clock(), Rates(0, 0, 0))
    for _ in range(1000):
        assert fail(guard, client="rsc_1") == 0
        assert guard.key("one") == ((), 0)
        guard.client("rsc_1")


NETWORKS = {
    "192.0.2.1": "192.0.2.1",
    "2001:db8:1:2:3::1": "2001:db8:1:2::/64",
    "2001:db8:1:2:ffff::9": "2001:db8:1:2::/64",
    "::ffff:192.0.2.1": "192.0.2.1",
    "unix": "unix",
}


@pytest.mark.parametrize("address", NETWORKS)
def test_an_ipv6_network_is_one_address(address: str) -> None:
    assert network(address) == NETWORKS[address]


def test_whoever_has_no_address_is_nobody() -> None:
    assert network(None) == "unknown"


@pytest.mark.parametrize("name", ["failure_rate", "api_rate", "token_rate"])
def test_rates_are_settings(name: str) -> None:
    variable = f"ROSTERD_{name.upper()}"
    assert getattr(Settings.from_env({variable: "0"}), name) == 0
    assert getattr(Settings.from_env({variable: "1000000"}), name) == 1_000_000
    for text in ("-1", "1000001", "fast"):
        with pytest.raises(SettingsError, match=name):
            Settings.from_env({variable: text})
