"""No secret of any document is ever shown: whole, cut anywhere, or as an operation with a path."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.masking import masks_of

MASKS = masks_of(CORE_MODEL)
SECRET = "Geheim4711"
NAMES = ("password", "PASSWORD", "clientSecret", "api_key", "apiKey", "accessToken", "refresh-token",
         "passphrase", "myCredentials", "Authorization", "private_key", "oldPassword", "pwd",
         "pass_word")  # fmt: skip

keys = st.text(max_size=8) | st.sampled_from(["value", "path", "op", "name", "emails", "Operations", "a.b"])
plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12)
secrets = st.recursive(
    st.just(SECRET) | st.text(max_size=5).map(lambda text: f"{text}{SECRET}"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=3,
)
names = st.sampled_from(NAMES)
paths = names | st.builds("urn:ietf:params:scim:schemas:core:2.0:User:{}".format, names)
secret_objects = st.builds(
    lambda other, name, value: {**other, name: value},
    st.dictionaries(keys, plain, max_size=2),
    paths,
    secrets,
)
operations = st.builds(
    lambda path, value, first: (
        {"op": "add", "path": path, "value": value} if first else {"value": value, "op": "add", "path": path}
    ),
    paths,
    secrets,
    st.booleans(),
)
documents = st.recursive(
    plain | secret_objects | operations,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


def shows(text: str) -> bool:
    return SECRET in text or SECRET in str(orjson.loads(text))


@given(st.dictionaries(keys, documents, max_size=4))
def test_a_secret_at_any_depth_is_never_shown(document: Any) -> None:
    raw = orjson.dumps(document)
    assert not shows(MASKS.body(raw).text)


@given(st.dictionaries(keys, documents, max_size=3), st.integers(0, 400))
def test_nor_of_a_body_that_is_cut(document: Any, length: int) -> None:
    raw = orjson.dumps(document)
    if len(raw) > length:
        assert SECRET not in MASKS.body(raw[:length], whole=False).text


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    MASKS.body(raw)
    MASKS.body(raw, whole=False)
    MASKS.query(raw)
