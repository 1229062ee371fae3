"""What wants attention at a connection, and the one word for how it is."""

from dataclasses import replace

import pytest

from rosterd.service.connections import FUSE
from rosterd.service.control import Connection, Token
from rosterd.service.health import Facts, concerns, word
from rosterd.service.request_log import DAY, HOUR, Activity, Hour
from rosterd.service.standing import Standing

NOW = 1_795_000_000_000
LINE = Connection(2, 1, "okta", NOW)
TOKEN = Token("t1", 1, 2, b"", "Okta", ("scim.read",), NOW - DAY, NOW + 365 * DAY)
FINE = Facts(LINE, Activity(2, NOW, NOW, None, (Hour(NOW - HOUR, 100, 0),)), (TOKEN,), NOW, 30)


def heard(ok: int, failed: int, at: int = NOW) -> Activity:
    return Activity(2, at, at, at if failed else None, (Hour(at, ok, failed),))


def standing(state: str, by: str) -> Facts:
    return replace(FINE, line=replace(LINE, standing=Standing(state, by, "it lost 21 of 100 accounts.", NOW)))


CASES = [
    ("all is well", FINE, ("Working", "good"), []),
    ("never used", replace(FINE, activity=None), ("Not used yet", "dim"), []),
    (
        "used, without a request log",
        replace(FINE, activity=None, tokens=(replace(TOKEN, last_used=NOW),)),
        ("Working", "good"),
        [],
    ),
    (
        "no token",
        replace(FINE, activity=None, tokens=()),
        ("Not used yet", "dim"),
        ["It has no token yet."],
    ),
    (
        "a token that expired",
        replace(FINE, tokens=(replace(TOKEN, expires=NOW),)),
        ("Problems", "bad"),
        ["No token works any more: all have expired or were revoked."],
    ),
    (
        "one token revoked, one works",
        replace(FINE, tokens=(replace(TOKEN, revoked=NOW), TOKEN)),
        ("Working", "good"),
        [],
    ),
    (
        "a token that ends soon",
        replace(FINE, tokens=(replace(TOKEN, expires=NOW + 7 * DAY),)),
        ("Needs a look", "warn"),
        ["Token “Okta” expires in 7 days. Rotate it."],
    ),
    (
        "one that a client fetched",
        replace(FINE, tokens=(replace(TOKEN, expires=NOW + DAY, client="rsc_x"),)),
        ("Working", "good"),
        [],
    ),
    (
        "warnings switched off",
        replace(FINE, warning_days=0, tokens=(replace(TOKEN, expires=NOW + DAY),)),
        ("Working", "good"),
        [],
    ),
    (
        "a few errors",
        replace(FINE, activity=heard(95, 5)),
        ("Needs a look", "warn"),
        ["5 of 100 requests failed in this hour or the last."],
    ),
    (
        "many errors",
        replace(FINE, activity=heard(1, 2)),
        ("Problems", "bad"),
        ["2 of 3 requests failed in this hour or the last."],
    ),
    ("no more than one of fifty", replace(FINE, activity=heard(49, 1)), ("Working", "good"), []),
    ("an error among thousands", replace(FINE, activity=heard(9_999, 1)), ("Working", "good"), []),
    ("errors of yesterday", replace(FINE, activity=heard(1, 9, NOW - DAY)), ("Working", "good"), []),
    (
        "silence",
        replace(FINE, activity=heard(1, 0, NOW - 20 * DAY)),
        ("Needs a look", "warn"),
        ["Nothing was heard of it for 20 days. Is provisioning still on?"],
    ),
    (
        "paused by the fuse",
        standing("paused", FUSE),
        ("Paused", "bad"),
        ["Paused by the mass-change fuse: it lost 21 of 100 accounts."],
    ),
    (
        "paused by hand",
        standing("paused", "ann"),
        ("Paused", "warn"),
        ["Paused by ann: it lost 21 of 100 accounts."],
    ),
    ("disabled", standing("disabled", "ann"), ("Disabled", "dim"), []),
]


@pytest.mark.parametrize(("name", "facts", "said", "texts"), CASES, ids=[case[0] for case in CASES])
def test_health(name: str, facts: Facts, said: tuple[str, str], texts: list[str]) -> None:
    assert word(facts) == said
    assert [concern.text for concern in concerns(facts)] == texts


def test_the_worst_comes_first() -> None:
    facts = replace(FINE, tokens=(replace(TOKEN, expires=NOW + DAY),), activity=heard(0, 3))
    assert [concern.tone for concern in concerns(facts)] == ["bad", "warn"]
