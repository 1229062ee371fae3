"""Whether a JSON value fits a schema, and where it does not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rosterd.http.api.fit import MOST_FAULTS, check_body, check_query, check_text
from rosterd.http.problems import InvalidRequest
from rosterd.scim.errors import InvalidSyntax

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]*$"},
        "count": {"type": "integer", "minimum": 0, "maximum": 9},
        "flag": {"type": "boolean"},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "list": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer"}},
        "open": {"type": "object"},
    },
}


def faults(body: Any) -> list[tuple[str, str]]:
    try:
        check_body(body, SCHEMA)
    except InvalidRequest as error:
        return list(error.faults)
    return []


@pytest.mark.parametrize(
    ("more", "place", "words"),
    [
        ({}, None, ""),
        ({"count": 0, "flag": False, "kind": "b", "list": [1, 2], "open": {"x": [None]}}, None, ""),
        ({"name": ""}, "/name", "must have at least 1 characters"),
        ({"name": "abcd"}, "/name", "must have at most 3 characters"),
        ({"name": "A"}, "/name", "must match ^[a-z]*$"),
        ({"name": "a\n"}, "/name", "must match ^[a-z]*$"),
        ({"name": None}, "/name", "must be a string"),
        ({"count": True}, "/count", "must be an integer"),
        ({"count": 1.0}, "/count", "must be an integer"),
        ({"count": -1}, "/count", "must be at least 0"),
        ({"count": 10}, "/count", "must be at most 9"),
        ({"flag": 1}, "/flag", "must be a boolean"),
        ({"kind": "c"}, "/kind", "must be one of a, b"),
        ({"list": []}, "/list", "must have at least 1 items"),
        ({"list": [1, 2, 3]}, "/list", "must have at most 2 items"),
        ({"list": [1, "2"]}, "/list/1", "must be an integer"),
        ({"list": {}}, "/list", "must be an array"),
        ({"open": []}, "/open", "must be an object"),
        ({"a/b~": 1}, "/a~1b~0", "is not known here"),
    ],
)
def test_a_fault_is_told_by_its_place(more: dict[str, Any], place: str | None, words: str) -> None:
    assert faults({"name": "x", **more}) == ([] if place is None else [(place, words)])


def test_all_faults_are_told() -> None:
    assert [place for place, _ in faults({"flag": 1, "x": 2})] == ["/name", "/flag", "/x"]


def test_a_query_is_read_by_its_schema() -> None:
    known = {"limit": {"type": "integer", "minimum": 1}, "q": {"type": "string"}}
    assert check_query([("limit", "5"), ("q", "x")], known) == {"limit": "5", "q": "x"}
    for pairs in (
        [("limit", "0")],
        [("limit", "1.0")],
        [("limit", "")],
        [("q", "a"), ("q", "a")],
        [("z", "")],
    ):
        with pytest.raises(InvalidRequest):
            check_query(pairs, known)


@pytest.mark.parametrize("value", ["\0", {"\0": 1}, {"a": [{"b": "x\0"}]}])
def test_no_text_may_hold_the_character_zero(value: Any) -> None:
    check_text({"a": ["x", 1, None]}, rb'{"a": "\\u0000"}')
    with pytest.raises(InvalidSyntax):
        check_text(value, json.dumps(value).encode())


def test_a_hundred_faults_are_told_and_no_more_looked_for() -> None:
    looked: list[int] = []

    class Counted(list[int]):
        def __iter__(self) -> Iterator[int]:
            for one in super().__iter__():
                looked.append(one)
                yield one

    schema = {"type": "array", "items": {"type": "string"}, "maxItems": 1000}
    with pytest.raises(InvalidRequest, match=r"more than 100 faults in all") as caught:
        check_body(Counted(range(500)), schema)
    assert len(caught.value.faults) == MOST_FAULTS
    assert len(looked) == MOST_FAULTS + 1
    with pytest.raises(InvalidRequest, match=r"^The body does not fit: it must have at most 1000 items\.$"):
        check_body([1] * 1001, schema)
