"""What ticks a check off: each kind of evidence by itself, and the reasons of what failed."""

from dataclasses import replace
from typing import Any

import pytest

from rosterd.service.control import Connection, Directory, Token
from rosterd.service.ports import Stored
from rosterd.service.request_log import Activity, Exchange, StoredExchange
from rosterd.service.setup_checks import CHECKS, DONE, FAILED, WAITING, Seen, outcomes
from rosterd.service.setup_guide import PROVIDERS, TOKEN, URL, provider_of

NOW = 1_795_000_000_000
LINE = Connection(2, 1, "okta", NOW, "okta")
HOME = Directory(1, "acme", NOW, 1)
VALID = Token("t1", 1, 2, b"", "", ("scim.read",), NOW - 5, NOW + 5)
USER = Stored("u1", "User", 2, None, 5, 1, NOW, NOW, None, b"{}")
NOTHING = Seen((), None, 0, 0)


def exchange(method: str, path: str, status: int, **more: Any) -> Exchange:
    return Exchange(1, 2, "t1", NOW - 1, "r", method, path, "", status, 1, **more)


def states(seen: Seen, *exchanges: Exchange) -> dict[str, str]:
    recent = tuple(StoredExchange(number, one) for number, one in enumerate(exchanges))
    found = outcomes(replace(seen, recent=recent), HOME, LINE, NOW)
    assert [one.check.id for one in found] == [check.id for check in CHECKS]
    return {one.check.id: one.state for one in found}


def done(seen: Seen, *exchanges: Exchange) -> set[str]:
    return {id for id, state in states(seen, *exchanges).items() if state == DONE}


AT_REST = {"request", "test"}
HEARD = Activity(2, NOW, NOW, None, ())

EVIDENCE = [
    ("nothing", NOTHING, (), set()),
    ("a token", replace(NOTHING, tokens=(VALID,)), (), {"token"}),
    (
        "a token that was used",
        replace(NOTHING, tokens=(replace(VALID, last_used=NOW),)),
        (),
        {"token", *AT_REST},
    ),
    ("a request that was answered", replace(NOTHING, activity=HEARD), (), AT_REST),
    ("only refused ones", replace(NOTHING, activity=replace(HEARD, last_ok=None)), (), {"request"}),
    (
        "a token that was used at wrong addresses only",
        replace(NOTHING, tokens=(replace(VALID, last_used=NOW),), activity=replace(HEARD, last_ok=None)),
        (exchange("GET", "/Users/Users", 404, kind="User"),),
        {"token", "request"},
    ),
    ("a user", replace(NOTHING, users=1, accounts=(USER,)), (), {*AT_REST, "created"}),
    (
        "a changed user",
        replace(NOTHING, users=1, accounts=(USER._replace(version=2),)),
        (),
        {*AT_REST, "created", "updated"},
    ),
    ("somebody inactive", replace(NOTHING, users=1, lost=True), (), {*AT_REST, "created", "deactivated"}),
    ("a group", replace(NOTHING, activity=HEARD, groups=1), (), {*AT_REST, "group"}),
    ("members", replace(NOTHING, activity=HEARD, groups=1, filled=True), (), {*AT_REST, "group", "members"}),
    (
        "a user made and gone",
        replace(NOTHING, activity=HEARD),
        (exchange("POST", "/Users", 201, kind="User"),),
        {*AT_REST, "created"},
    ),
    (
        "an update by PUT",
        replace(NOTHING, activity=HEARD),
        (exchange("PUT", "/Users/1", 200, kind="User"),),
        {*AT_REST, "updated"},
    ),
    (
        "an update by PATCH",
        replace(NOTHING, activity=HEARD),
        (exchange("PATCH", "/Users/1", 204, kind="User"),),
        {*AT_REST, "updated"},
    ),
    (
        "a user deleted",
        replace(NOTHING, activity=HEARD),
        (exchange("DELETE", "/Users/1", 204, kind="User"),),
        {*AT_REST, "deactivated"},
    ),
    (
        "a group made and gone",
        replace(NOTHING, activity=HEARD),
        (exchange("POST", "/Groups", 201, kind="Group"),),
        {*AT_REST, "group"},
    ),
    (
        "members put",
        replace(NOTHING, activity=HEARD),
        (exchange("PATCH", "/Groups/1", 204, kind="Group"),),
        {*AT_REST, "members"},
    ),
]


@pytest.mark.parametrize(
    ("name", "seen", "exchanges", "expected"), EVIDENCE, ids=[row[0] for row in EVIDENCE]
)
def test_evidence_ticks_a_check(
    name: str, seen: Seen, exchanges: tuple[Exchange, ...], expected: set[str]
) -> None:
    assert done(seen, *exchanges) == expected


def test_a_check_that_failed_says_why_in_plain_words() -> None:
    taken = exchange(
        "POST",
        "/Users",
        409,
        kind="User",
        subject="ann",
        scim_type="uniqueness",
        detail="userName 'ann' is taken",
    )
    seen = replace(NOTHING, activity=HEARD, recent=(StoredExchange(7, taken),))
    (created,) = [one for one in outcomes(seen, HOME, LINE, NOW) if one.check.id == "created"]
    assert (created.state, created.request) == (FAILED, 7)
    assert created.why.startswith("Okta tried to create ann, but a user with this userName exists already")


def test_a_failure_that_was_mended_is_forgotten() -> None:
    refused = exchange("POST", "/Users", 400, kind="User", detail="no userName")
    assert states(NOTHING, refused)["created"] == FAILED
    assert states(replace(NOTHING, users=1, accounts=(USER,)), refused)["created"] == DONE
    assert states(NOTHING, refused, exchange("POST", "/Users", 201, kind="User"))["created"] == DONE


def test_a_connection_whose_tokens_ended_has_failed() -> None:
    ended = (replace(VALID, expires=NOW), replace(VALID, revoked=NOW - 1))
    assert states(replace(NOTHING, tokens=ended))["token"] == FAILED
    assert states(replace(NOTHING, tokens=(*ended, VALID)))["token"] == DONE


def test_users_are_counted_as_long_as_there_are_any() -> None:
    told = [
        {
            one.check.id: one.told
            for one in outcomes(replace(NOTHING, lost=True, users=count), HOME, LINE, NOW)
        }
        for count in (0, 1, 2)
    ]
    assert [each["created"] for each in told] == ["", "1 user so far", "2 users so far"]


def test_what_did_not_happen_is_waited_for() -> None:
    assert set(states(NOTHING).values()) == {WAITING}


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_each_guide_says_where_address_and_token_go(provider: Any) -> None:
    pasted = [paste.what for step in provider.steps for paste in step.pastes]
    assert pasted.count(URL) == 1
    assert pasted.count(TOKEN) == 1


def test_the_guide_follows_the_choice_then_the_profile_then_the_name() -> None:
    ping = replace(LINE, name="ping-prod", profile="auto")
    assert [provider_of(LINE, "entra").id, provider_of(LINE).id, provider_of(ping).id] == [
        "entra",
        "okta",
        "ping",
    ]
    assert provider_of(replace(ping, name="x"), "nonsense").id == "generic"
