"""What the request log hides of a body and of a query, and what it keeps as it was."""

import gc
from types import FunctionType, ModuleType
from typing import Any

import orjson
import pytest

from rosterd.scim.schema import Model
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service import partial_json
from rosterd.service.audit import MASK
from rosterd.service.credential_text import make
from rosterd.service.masking import Masks, masks_of

MASKS = masks_of(CORE_MODEL)
SECRET = "Geheim-4711"
TOKEN = make("rst", lambda n: bytes(range(n)))[1]


def masked(body: Any, masks: Masks = MASKS) -> Any:
    return orjson.loads(masks.body(orjson.dumps(body)).text)


HIDDEN = {
    "password": {"userName": "ann", "password": SECRET},
    "any letter case": {"PassWord": SECRET},
    "a number": {"password": 47114711},
    "in a list": {"x": [{"y": {"clientSecret": SECRET}}]},
    "counted": {"token2": SECRET, "apiKeys": SECRET},
    "a list of secrets": {"apiTokens": "x", "api_key": [SECRET, {"a": SECRET}]},
    "with its URN": {"urn:ietf:params:scim:schemas:core:2.0:User:password": SECRET},
    "dotted": {"value": {"credentials.value": SECRET}},
    "PATCH with a path": {"Operations": [{"op": "replace", "path": "password", "value": SECRET}]},
    "PATCH without one": {"Operations": [{"op": "replace", "value": {"password": SECRET}}]},
    "PATCH, the path last": {"Operations": [{"value": SECRET, "op": "add", "Path": "urn:a:b:User:password"}]},
    "a path with a filter": {
        "Operations": [{"op": "add", "path": 'tokens[value eq "Geheim-4711"].token', "value": SECRET}]
    },
    "a search": {"schemas": [], "filter": 'password eq "Geheim-4711"'},
    "in a bulk request": {
        "Operations": [
            {
                "method": "PATCH",
                "path": "/Users/1",
                "data": {"Operations": [{"path": "password", "value": SECRET}]},
            }
        ]
    },
    "name and value": {"extras": [{"name": "accessToken", "value": SECRET}]},
    "beyond every depth": {
        "a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{"secret": SECRET}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
    },
    "letters that fold": {"paßword": SECRET},
    "a credential of ours": {"title": f"my token is {TOKEN}."},
    "a credential as a key": {TOKEN: 1},
}


@pytest.mark.parametrize("case", HIDDEN)
def test_it_hides(case: str) -> None:
    found = MASKS.body(orjson.dumps(HIDDEN[case])).text
    assert SECRET not in found
    assert "4711" not in found
    assert TOKEN not in found
    assert MASK in found


@pytest.mark.parametrize(
    "body",
    [
        {"userName": "ann@example.com", "active": True, "emails": [{"type": "work", "value": "a@b"}]},
        {"displayName": "Müller ☃", "name": {"familyName": "O\"Brien"}},
        {"Operations": [{"op": "add", "path": "members", "value": [{"value": "1"}]}]},
        {"password": None},
    ],
)  # fmt: skip
def test_it_keeps_what_is_no_secret(body: Any) -> None:
    assert masked(body) == body


def test_a_body_without_suspicion_is_kept_to_the_letter() -> None:
    raw = b'{ "userName" :  "ann" }\n'
    assert MASKS.body(raw).text == raw.decode()


def test_a_key_cannot_hide_behind_escapes() -> None:
    assert SECRET not in MASKS.body(rb'{"p\u0061ssword": "Geheim-4711"}').text


@pytest.mark.parametrize(
    "raw", [b'{"password": "Geheim-4711"', b"password=Geheim-4711", b'\xff"secret":"Geheim-4711"']
)
def test_what_cannot_be_read_is_not_kept_if_it_may_hold_a_secret(raw: bytes) -> None:
    assert SECRET not in MASKS.body(raw).text


def test_what_cannot_be_read_is_kept_otherwise() -> None:
    assert MASKS.body(b'{"userName": ann}').text == '{"userName": ann}'


def test_what_is_never_returned_is_hidden_with_all_that_is_around_it() -> None:
    attributes = [
        {"name": "door_code", "type": "string", "returned": "never"},
        {"name": "badge", "type": "complex", "subAttributes": [{"name": "chip", "returned": "never"}]},
    ]
    schema = {"id": "urn:x:y", "name": "Y", "attributes": attributes}
    model = Model.build([schema], [{"name": "Y", "endpoint": "/Ys", "schema": "urn:x:y"}])
    body = {"Door_Code": SECRET, "badge": {"chip": SECRET, "colour": "red"}, "floor": 3}
    assert masked(body, masks_of(model)) == {"Door_Code": MASK, "badge": MASK, "floor": 3}
    assert masked(body) == body


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("filter=userName+eq+%22ann%22&count=1", 'filter=userName eq "ann"&count=1'),
        ("filter=password+eq+%22Geheim-4711%22", f'filter=password eq "{MASK}"'),
        ("access_token=Geheim-4711&a=b", f"access_token={MASK}&a=b"),
        (f"x={TOKEN}", f"x={MASK}"),
        ("%ff=%00&&", "\ufffd=\0&&"),
    ],
)
def test_a_query_is_readable_and_masked(query: str, shown: str) -> None:
    assert MASKS.query(query.encode()).text == shown


@pytest.mark.parametrize("secret", [SECRET, "x" * 23 + "SECRETtail" * 9])
def test_a_hidden_value_is_hidden_in_the_reply_too(secret: str) -> None:
    found = MASKS.body(orjson.dumps({"myToken": secret}))
    said = f'expected a boolean, found the string "{secret[:40]}…"'
    assert found.elsewhere(f'{{"detail": "{secret}", "more": "{said}"}}').count(MASK) == 2
    assert secret[:30] not in found.elsewhere(said)


@pytest.mark.parametrize("compared", [{"path": "tokens[value eq %s]"}, {"filter": "password eq %s"}])
def test_what_was_compared_with_a_secret_is_hidden_in_the_reply_too(compared: dict[str, str]) -> None:
    body = {key: text % f'"{SECRET}"' for key, text in compared.items()}
    assert MASKS.body(orjson.dumps(body)).elsewhere(f"Nobody has {SECRET}.") == f"Nobody has {MASK}."


def held_by(one: object) -> set[str]:
    """The texts that an object holds on to, code aside."""
    seen, level = {id(one)}, [one]
    texts: set[str] = set()
    while level:
        level = [
            inner
            for inner in gc.get_referents(*level)
            if not isinstance(inner, type | FunctionType | ModuleType) and id(inner) not in seen
        ]
        seen.update(map(id, level))
        texts.update(inner for inner in level if isinstance(inner, str))
    return texts


def test_a_credential_as_a_key_does_not_stay_in_memory() -> None:
    masks = Masks()
    masks.body(orjson.dumps({TOKEN: {f"my {TOKEN}": 1}, "password": SECRET, "userName": "ann"}))
    held = held_by(masks)
    assert "userName" in held
    assert not [text for text in held if TOKEN.casefold() in text.casefold()]


CUT = {
    '{"a": 1, "b": [1, 2': {"a": 1, "b": [1]},
    '{"a": "ann", "b": "be': {"a": "ann"},
    '{"a": {"b": {"c": true, "d': {"a": {"b": {"c": True}}},
    '{"Operations": [{"op": "add", "path": "title", "value": "x"}, {"op": "add", "value": "Geheim", "pa': {
        "Operations": [{"op": "add", "path": "title", "value": "x"}, {"op": "add"}]
    },
    '{"Operations": [{"op": "add", "path": "members", "value": [{"value": "1"}, {"value": "2': {
        "Operations": [{"op": "add", "path": "members", "value": [{"value": "1"}, {}]}]
    },
    '{"a": 1} ': {"a": 1},
}


@pytest.mark.parametrize("text", CUT)
def test_the_beginning_of_a_body_is_read_as_far_as_it_is_certain(text: str) -> None:
    assert partial_json.parse(text) == CUT[text]
    assert orjson.loads(MASKS.body(text.encode(), whole=False).text) == CUT[text]


@pytest.mark.parametrize("text", ["", "]", "{1,", "nul", "{[", "{,{", '"a"', "{]}"])
def test_what_does_not_begin_as_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it is about
        partial_json.parse(text)
