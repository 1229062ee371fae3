"""Sealed cursors: they open where they were made for, and nowhere else."""

import json
import re
from hashlib import sha256
from typing import Any

import pytest

from rosterd.scim.cursor import Place, binding, seal, unseal
from rosterd.scim.errors import ExpiredCursor, InvalidCursor
from rosterd.scim.filter import AttrPath, parse_filter
from rosterd.scim.index import Scalar

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = 1_795_533_767_123
LATER = NOW + 600_000

ARGUMENTS: dict[str, Any] = {
    "endpoint": "/Users",
    "filter": parse_filter('userName sw "J"'),
    "sort_by": AttrPath(None, "userName"),
    "descending": False,
    "directory": 1,
    "connection": 2,
}
BINDING = binding(**ARGUMENTS)


@pytest.mark.parametrize(
    ("seq", "key", "extra"),
    [
        (1, None, ()),
        (2**53, "ann", (1, 2)),
        (1, "", ()),
        (1, 'Ærø "quoted" \\ \u0000 \U0001f600 \ud800', ()),
        (1, 0, (5,)),
        (1, -1.5, ()),
        (1, 1_795_533_767_123_456, ()),
        (1, True, ()),
        (1, "x" * 5000, ()),
    ],
)
def test_what_is_sealed_opens(seq: int, key: Scalar | None, extra: tuple[int, ...]) -> None:
    text = seal(seq, key, binding=BINDING, secret=SECRET, expires=LATER, extra=extra)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", text)
    assert unseal(text, binding=BINDING, secret=SECRET, now=NOW) == Place(seq, key, extra)


@pytest.mark.parametrize(
    "other",
    [
        {"endpoint": "/Groups"},
        {"endpoint": ""},
        {"filter": parse_filter('userName sw "K"')},
        {"filter": None},
        {"sort_by": None},
        {"sort_by": AttrPath(None, "displayName")},
        {"descending": True},
        {"directory": 2},
        {"connection": 1},
        {"connection": None},
    ],
)
def test_a_cursor_is_of_one_query_and_connection(other: dict[str, Any]) -> None:
    text = seal(1, "ann", binding=BINDING, secret=SECRET, expires=LATER)
    with pytest.raises(InvalidCursor, match="another query"):
        unseal(text, binding=binding(**(ARGUMENTS | other)), secret=SECRET, now=NOW)


def test_the_query_may_be_written_in_another_way() -> None:
    same: dict[str, Any] = {
        "endpoint": "users/",
        "filter": parse_filter('(username  SW "j")'),
        "sort_by": AttrPath(None, "USERNAME"),
    }
    assert binding(**(ARGUMENTS | same)) == BINDING


def test_a_cursor_of_the_former_descending_order_is_refused() -> None:
    former = ["users", 'username sw "j"', "username", True, 1, 2]
    text = seal(1, "ann", binding=sha256(json.dumps(former).encode()).digest(), secret=SECRET, expires=LATER)
    descending = binding(**(ARGUMENTS | {"descending": True}))
    with pytest.raises(InvalidCursor, match="start again without it"):
        unseal(text, binding=descending, secret=SECRET, now=NOW)
    ascending = sha256(json.dumps([*former[:3], False, *former[4:]]).encode()).digest()
    assert ascending == BINDING


def test_a_cursor_expires() -> None:
    text = seal(1, "ann", binding=BINDING, secret=SECRET, expires=LATER)
    assert unseal(text, binding=BINDING, secret=SECRET, now=LATER - 1).seq == 1
    with pytest.raises(ExpiredCursor):
        unseal(text, binding=BINDING, secret=SECRET, now=LATER)


def test_an_expired_cursor_of_somebody_else_is_invalid() -> None:
    text = seal(1, "ann", binding=BINDING, secret=SECRET, expires=NOW)
    with pytest.raises(InvalidCursor):
        unseal(text, binding=BINDING, secret=b"another", now=LATER)


@pytest.mark.parametrize(
    "text", ["", "A", "=", "AAAA", "é", "a b", "A" * 22, "A" * 44, "+/+/", "x\n", "\ud800"]
)
def test_what_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        unseal(text, binding=BINDING, secret=SECRET, now=NOW)


def test_each_cursor_has_one_spelling() -> None:
    text = seal(1, "ann", binding=BINDING, secret=SECRET, expires=LATER)
    for spelling in (
        text + "=",
        text + "==",
        text + "\n",
        " " + text,
        text.replace("-", "+").replace("_", "/") + "=",
    ):
        with pytest.raises(InvalidCursor):
            unseal(spelling, binding=BINDING, secret=SECRET, now=NOW)
