"""Cursors: what we sealed opens, nothing else does."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.scim.cursor import Place, seal, unseal
from rosterd.scim.errors import InvalidCursor
from rosterd.scim.index import Scalar

SECRET = b"s" * 32
BINDING = b"b" * 32
EXPIRES = 2_000_000_000_000
KEYS = (
    st.none() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
)


def opened(text: str) -> Place:
    return unseal(text, binding=BINDING, secret=SECRET, now=0)


@given(st.integers(min_value=0), KEYS, st.lists(st.integers(), max_size=3).map(tuple))
def test_what_is_sealed_opens(seq: int, key: Scalar | None, extra: tuple[int, ...]) -> None:
    text = seal(seq, key, binding=BINDING, secret=SECRET, expires=EXPIRES, extra=extra)
    assert opened(text) == Place(seq, key, extra)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,120}", fullmatch=True))
def test_random_text_never_opens(text: str) -> None:
    with pytest.raises(InvalidCursor):
        opened(text)


@given(KEYS, st.data())
def test_any_changed_bit_fails(key: Scalar | None, data: st.DataObject) -> None:
    text = seal(1, key, binding=BINDING, secret=SECRET, expires=EXPIRES)
    sealed = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    bit = data.draw(st.integers(min_value=0, max_value=8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidCursor):
        opened(base64.urlsafe_b64encode(sealed).rstrip(b"=").decode())


@given(KEYS, st.data())
def test_any_changed_character_fails(key: Scalar | None, data: st.DataObject) -> None:
    text = seal(1, key, binding=BINDING, secret=SECRET, expires=EXPIRES)
    at = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[at]))
    with pytest.raises(InvalidCursor):
        opened(text[:at] + other + text[at + 1 :])
