"""Conversations: matching, templates, and that nothing which differs goes unnoticed."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from rosterd.testing.conversation import (
    Conversation,
    ConversationError,
    ConversationFailure,
    Reply,
    read_place,
)
from rosterd.testing.matching import ABSENT, PatternError, differences

MATCHES: tuple[tuple[Any, Any], ...] = (
    (1, 1),
    (1, 1.0),
    ("a", "a"),
    (None, None),
    ({}, {"a": 1}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ([1, {"a": 1}], [1, {"a": 1, "b": 2}]),
    ({"a": {"$any": True}}, {"a": None}),
    ({"a": {"$any": "integer"}}, {"a": 3}),
    ({"a": {"$absent": True}}, {}),
    ({"$absent": True}, ABSENT),
    ({"$length": 2}, [1, 2]),
    ({"$length": 2}, "ab"),
    ({"$contains": {"a": 1}}, [{"b": 1}, {"a": 1, "b": 2}]),
    ({"$contains": "b"}, "abc"),
    ({"$contains": "b", "$length": 3}, "abc"),
    ({"$unordered": [2, 1]}, [1, 2]),
    ({"$each": {"$any": "string"}}, ["a", "b"]),
    ({"$regex": 'W/"\\d+"'}, 'W/"12"'),
    ({"$not": 1}, 2),
    ({"$exactly": {"a": {"$any": True}}}, {"a": 1}),
    ({"$oneOf": [1, {"$absent": True}]}, ABSENT),
    ({"$ref": "x"}, {"$ref": "x"}),
)
DIFFERS: tuple[tuple[Any, Any, str], ...] = (
    (1, True, "the body: expected 1, found true"),
    (1, "1", 'the body: expected 1, found "1"'),
    (True, 1, "the body: expected true, found 1"),
    ({"a": 1}, {}, "a: expected 1, found nothing"),
    ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b: expected 1, found 2"),
    ({"a": {}}, {"a": []}, "a: expected an object, found []"),
    ([1], [1, 2], "the body: expected 1 elements, found 2: [1, 2]"),
    ([{"a": 1}], [{"a": 2}], "[0].a: expected 1, found 2"),
    ([], {}, "the body: expected a list, found {}"),
    ({"a": {"$any": True}}, {}, "a: expected a value, found nothing"),
    ({"$any": "integer"}, True, "the body: expected a value of type integer, found true"),
    ({"a": {"$absent": True}}, {"a": None}, "a: expected nothing, found null"),
    ({"$length": 2}, [1], "the body: expected a list or string of length 2, found [1]"),
    ({"$contains": 3}, [1, 2], "the body: expected it to contain 3, found [1, 2]"),
    ({"$contains": 3}, ABSENT, "the body: expected it to contain 3, found nothing"),
    ({"$unordered": [1, 1]}, [1, 2], "the body: expected an element 1 among [2]"),
    ({"$unordered": [1]}, [1, 2], "the body: expected 1 elements, found [1, 2]"),
    ({"$each": 1}, [1, 2], "[1]: expected 1, found 2"),
    ({"$regex": "a"}, "ab", 'the body: expected a string like /a/, found "ab"'),
    ({"$not": {"a": 1}}, {"a": 1}, 'the body: expected anything but {"a": 1}, found {"a": 1}'),
    ({"$not": 1}, ABSENT, "the body: expected a value other than 1, found nothing"),
    ({"$exactly": {"a": 1}}, {"a": 1, "b": 2}, "b: expected nothing, found 2"),
    ({"$oneOf": [1, 2]}, 3, "the body: expected one of [1, 2], found 3"),
)


@pytest.mark.parametrize(("expected", "found"), MATCHES)
def test_what_matches(expected: Any, found: Any) -> None:
    assert differences(expected, found) == ()


@pytest.mark.parametrize(("expected", "found", "sentence"), DIFFERS)
def test_what_differs_is_said_with_its_place(expected: Any, found: Any, sentence: str) -> None:
    assert differences(expected, found) == (sentence,)


@pytest.mark.parametrize(
    "pattern",
    [
        {"$nay": 1},
        {"$any": True, "a": 1},
        {"$any": "cat"},
        {"$any": []},
        {"$absent": False},
        {"$length": "2"},
        {"$unordered": 1},
        {"$regex": 1},
        {"$exactly": 1},
        {"$oneOf": 1},
    ],
)
def test_a_pattern_that_is_not_valid_is_an_error(pattern: Any) -> None:
    with pytest.raises(PatternError):
        differences(pattern, {"a": 1})


def conversation(*steps: dict[str, Any], **more: Any) -> Conversation:
    return Conversation.from_json(
        {"client": "C", "source": "S", "description": "D", "steps": list(steps), **more}
    )


def step(path: str = "/x", status: Any = 200, **parts: Any) -> dict[str, Any]:
    request = {"method": parts.pop("method", "GET"), "path": path, **parts.pop("request", {})}
    expect = {"status": status, **parts.pop("expect", {})}
    return {"name": "n", "request": request, "expect": expect, **parts}


class Echo:
    """A server that answers with what it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes | None]] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        self.requests.append((method, url, dict(headers), body))
        text = json.dumps({"url": url, "body": json.loads(body) if body else None})
        return Reply(200, {"ETag": f'W/"{len(self.requests)}"'}, text.encode())


def test_variables_fill_paths_headers_bodies_and_expectations() -> None:
    echo = Echo()
    steps = (
        step(request={"body": {"n": 7, "s": "a"}}, method="POST", save={"n": "body.n", "tag": "header:etag"}),
        step(
            "/{{n}}/{{given}}",
            method="PUT",
            request={
                "headers": {"accept": "text/{{given}}"},
                "body": {"whole": "{{n}}", "{{given}}": ["<{{n}}>"]},
            },
            expect={
                "headers": {"etag": {"$not": "{{tag}}"}},
                "body": {"body": {"whole": "{{n}}", "g": ["<7>"]}},
            },
        ),
    )
    known = conversation(*steps).replay(
        echo, "http://h", headers={"Authorization": "x"}, variables={"given": "g"}
    )
    method, url, headers, body = echo.requests[1]
    assert (method, url) == ("PUT", "http://h/7/g")
    assert headers == {"accept": "text/g", "Content-Type": "application/scim+json", "Authorization": "x"}
    assert json.loads(body or b"") == {"whole": 7, "g": ["<7>"]}
    assert known == {"base": "http://h", "given": "g", "n": 7, "tag": 'W/"1"'}


def test_the_same_over_an_awaited_send() -> None:
    echo = Echo()

    async def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        return echo(method, url, headers, body)

    known = asyncio.run(conversation(step("/a", save={"u": "url"})).replay_async(send, "http://h"))
    assert known["u"] == "http://h/a"


def test_a_failure_shows_all_that_differs_and_the_exchange() -> None:
    wrong = step("/a", 201, expect={"body": {"url": "y", "body": 1}, "headers": {"X-None": "1"}})
    with pytest.raises(ConversationFailure) as failed:
        conversation(step(), wrong).replay(Echo(), "http://h")
    text = str(failed.value)
    assert text.startswith("C, step 2 «n»\n")
    for line in (
        "  - status: expected 201, found 200",
        '  - header X-None: expected "1", found nothing',
        '  - url: expected "y", found "http://h/a"',
        "  - body: expected 1, found null",
        "  GET http://h/a",
        "  → 200",
    ):
        assert line in text.splitlines()


def test_an_empty_body_and_one_that_is_no_json_are_seen() -> None:
    def send(*_: Any) -> Reply:
        return Reply(200, {}, body)

    body = b""
    conversation(step(expect={"body": {"$absent": True}})).replay(send)
    body = b"<html>"
    conversation(step(expect={"body": {"$contains": "html"}})).replay(send)
    with pytest.raises(ConversationFailure):
        conversation(step(expect={"body": {"$absent": True}})).replay(send)


def test_a_raw_body_is_sent_as_it_is() -> None:
    sent: list[bytes | None] = []

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        sent.append(body)
        return Reply(400, {}, b"")

    conversation(step(status=[400], method="POST", request={"raw": "{"})).replay(send)
    assert sent == [b"{"]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ([], "object"),
        ({"client": "C"}, "'description'"),
        ({"client": "C", "source": "S", "description": "D", "steps": []}, "steps"),
        ({"client": "C", "source": "S", "description": "D", "steps": [{}]}, "step 1"),
        ({"client": "C", "source": "S", "description": "D", "steps": [step(extra=1)]}, "'extra'"),
        ({"client": "C", "source": "S", "description": "D", "steps": [step("x")]}, "slash"),
        ({"client": "C", "source": "S", "description": "D", "steps": [step(status="200")]}, "status"),
        (
            {
                "client": "C",
                "source": "S",
                "description": "D",
                "steps": [step(request={"body": 1, "raw": "x"})],
            },
            "raw",
        ),
    ],
)
def test_a_file_that_is_not_valid_says_where(data: Any, word: str) -> None:
    with pytest.raises(ConversationError, match=word):
        Conversation.from_json(data)


@pytest.mark.parametrize(
    "faulty",
    [
        step("/{{unknown}}"),
        step(expect={"body": {"$nay": 1}}),
        step(save={"x": "no.such.place"}),
        step(save={"x": "url..y"}),
        step(save={"x": "header:None"}),
    ],
)
def test_a_step_that_cannot_be_carried_out_is_an_error(faulty: dict[str, Any]) -> None:
    with pytest.raises(ConversationError, match="step 1"):
        conversation(faulty).replay(Echo())


def test_places() -> None:
    value = {"a": [{"urn:x:2.0:U": {"$ref": 1}}]}
    assert read_place(value, 'a[0]["urn:x:2.0:U"].$ref') == 1
    assert read_place(value, "") == value
