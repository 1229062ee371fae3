"""Bytes to JSON within limits."""

import asyncio

import pytest

from rosterd.http.decode import MAX_DEPTH, MAX_PARAMETERS, ClientGone, parse_json, parse_query, read_body
from rosterd.http.headers import Headers, check_media_type, negotiate
from rosterd.scim import errors


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        (b"", "no body"),
        (b"  \n", "no body"),
        (b"{", "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nests deeper"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes, fragment: str) -> None:
    with pytest.raises(errors.InvalidSyntax, match=fragment):
        parse_json(body)


def test_a_wide_body_is_not_a_deep_one() -> None:
    body = b'{"a":[' + b",".join([b"{}"] * 1000) + b"]}"
    assert len(parse_json(body)["a"]) == 1000


def read(messages: list[dict], limit: int = 10, headers: tuple = ()) -> bytes:
    queue = iter(messages)

    async def receive() -> dict:
        return next(queue)

    return asyncio.run(read_body(receive, Headers(headers), limit))


def part(body: bytes, more: bool = False) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([part(b"abc")], b"abc"),
        ([part(b"ab", True), part(b"c")], b"abc"),
        ([part(b"1234567890")], b"1234567890"),
    ],
)
def test_a_body_is_read_whole(messages: list[dict], expected: bytes) -> None:
    assert read(messages) == expected


@pytest.mark.parametrize(
    ("messages", "headers"),
    [
        ([], ((b"content-length", b"11"),)),
        ([part(b"12345678901")], ()),
        ([part(b"123456", True), part(b"123456", True)], ()),
    ],
)
def test_a_body_past_the_limit_is_refused_as_soon_as_it_is_known(messages: list, headers: tuple) -> None:
    with pytest.raises(errors.PayloadTooLarge):
        read(messages, headers=headers)


@pytest.mark.parametrize(
    "messages", [[{"type": "http.disconnect"}], [part(b"a", True), {"type": "http.disconnect"}]]
)
def test_a_client_that_goes_is_noticed(messages: list[dict]) -> None:
    with pytest.raises(ClientGone):
        read(messages)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b"filter=userName+eq+%22a%40b%22&count=1", [("filter", 'userName eq "a@b"'), ("count", "1")]),
        (b"cursor=", [("cursor", "")]),
        (b"cursor", [("cursor", "")]),
        ("filter=é".encode(), [("filter", "é")]),
    ],
)
def test_a_query_string_is_decoded(raw: bytes, expected: list) -> None:
    assert list(parse_query(raw)) == expected


@pytest.mark.parametrize(
    "raw", [b"a=%ff", b"a=\xff", b"&".join([b"a=1"] * (MAX_PARAMETERS + 1)), b"a=" + b"1" * 70_000]
)
def test_a_query_string_that_is_no_text_or_too_much_is_refused(raw: bytes) -> None:
    with pytest.raises(errors.InvalidSyntax):
        list(parse_query(raw))


@pytest.mark.parametrize(
    ("accept", "taken"),
    [
        (None, True),
        ("*/*", True),
        ("application/scim+json, application/json;q=0.5", True),
        ("application/scim+json; charset=utf-8", True),
        ("APPLICATION/JSON", True),
        ("text/html, */*;q=0.1", True),
        ("text/html", False),
        ("application/json;q=0", False),
    ],
)
def test_json_is_what_there_is_to_accept(accept: str | None, taken: bool) -> None:
    sent = accept.encode() if accept else None
    for _ in range(2):  # what was sent before is no other matter
        if taken:
            negotiate(sent)
        else:
            with pytest.raises(errors.NotAcceptable):
                negotiate(sent)


@pytest.mark.parametrize(
    ("declared", "taken"),
    [
        (None, True),
        ("application/json", True),
        ("application/scim+json; charset=utf-8", True),
        ("Application/JSON;charset=UTF-8", True),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
    ],
)
def test_a_body_is_sent_as_json(declared: str | None, taken: bool) -> None:
    sent = declared.encode() if declared else None
    for _ in range(2):
        if taken:
            check_media_type(sent)
        else:
            with pytest.raises(errors.UnsupportedMediaType, match="application/scim\\+json"):
                check_media_type(sent)
