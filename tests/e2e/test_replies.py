"""What goes over the wire: a whole reply in one piece, and everything else as HTTP/1.1 wants it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest
import uvicorn

from rosterd.http import reply as replies
from rosterd.wiring.doors import Bounds, Doors, refusal
from rosterd.wiring.protocol import protocol

GET = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"


def reply(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(text: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text, "more_body": more}


def whole(*headers: tuple[bytes, bytes], usual: tuple[tuple[bytes, bytes], ...] = ()) -> dict[str, Any]:
    headers = (FIVE, *headers)
    return {"type": replies.WHOLE, "status": 200, "headers": headers, "usual": usual, "body": b"hello"}


ONE = (b"content-length", b"1")
FIVE = (b"content-length", b"5")
REPLIES: dict[str, list[dict[str, Any]]] = {
    "whole": [whole((b"x-tab", b"a\tb\xff"))],
    "two": [reply(FIVE), body(b"hello")],
    "parts": [reply(FIVE), body(b"he", more=True), body(b"llo")],
    "unknown": [reply((b"x-kind", b"stream")), body(b"hello", more=True), body(b"")],
    "none": [reply(status=204), body(b"")],
    "closing": [reply(FIVE, (b"connection", b"close")), body(b"hello")],
    "short": [reply(FIVE), body(b"hell")],
    "long": [reply(FIVE), body(b"hello!")],
    "split": [whole((b"x-evil", b"a\r\nset-cookie: b=c"))],
    "bare": [whole((b"x-evil", b"a\nb"))],
    "usual": [whole(usual=((b"x-kind", b"usual"), (b"x-other", b"\xff")))],
    "other": [whole(usual=((b"x-kind", b"other"),))],
    "spread": [whole(usual=((b"x-kind", b"evil\r\nset-cookie: b=c"),))],
    "again": [whole(), whole()],
    "fails": [],
    "silent": [],
    "half": [reply(FIVE), body(b"he", more=True)],
}


async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    if scope["path"] == "/told":
        content = (await receive())["body"] + b" %d" % len(scope["headers"])
        size = (b"content-length", b"%d" % len(content))
        await send({"type": replies.WHOLE, "status": 200, "headers": [size], "usual": (), "body": content})
        return
    if scope["path"] == "/kept":
        same = scope["extensions"][replies.SAME]
        content = b"%d" % len(same)
        same.append("seen")
        await send({"type": replies.WHOLE, "status": 200, "headers": [ONE], "usual": (), "body": content})
        return
    if scope["path"] == "/which":
        content = f"{scope['http_version']} {scope['client'][0]}".encode()
        size = (b"content-length", b"%d" % len(content))
        await send({"type": replies.WHOLE, "status": 200, "headers": [size], "usual": (), "body": content})
        return
    for message in REPLIES[scope["path"].strip("/")]:
        await send(message)
    if scope["path"] == "/fails":
        raise ZeroDivisionError


def exchange(*said: bytes, expected: int = 0) -> list[bytes]:
    """What comes back for each thing said on one connection, and the rest of the ``expected`` bytes."""

    async def main() -> list[bytes]:
        doors = Doors(Bounds())
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            application, http=protocol(doors), lifespan="off", log_config=None, access_log=False,
            server_header=False, date_header=False,
        )  # fmt: skip
        server = uvicorn.Server(config)
        task = asyncio.create_task(server._serve([listener]))
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        heard = []
        async with asyncio.timeout(20):
            for one in said:
                writer.write(one)
                heard.append(await reader.read(65_536))
            rest = await reader.readexactly(max(0, expected - sum(map(len, heard))))
            if not reader.at_eof():
                writer.write_eof()
            heard.append(rest + await reader.read())
        writer.close()
        server.should_exit = True
        await task
        listener.close()
        return heard

    return asyncio.run(main())


WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-tab: a\tb\xff\r\n\r\nhello"
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nx-kind: stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
NONE = b"HTTP/1.1 204 No Content\r\n\r\n"
CLOSING = WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
POST = b"POST /%b HTTP/1.1\r\nhost: x\r\n%b\r\n\r\n%b"
UPGRADE = b"content-length: 2\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c"
CHUNKS = b"transfer-encoding: chunked"
TOLD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhi %d"
REFUSED = refusal(HTTPStatus.BAD_REQUEST)
FAULT = b"HTTP/1.1 500 Internal Server Error\r\n"
USUAL = b"HTTP/1.1 200 OK\r\nx-kind: usual\r\nx-other: \xff\r\ncontent-length: 5\r\n\r\nhello"
KEPT = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d"
AGAIN = GET % b"kept"
OTHERS = AGAIN.replace(b"host: x", b"host: x\r\nauthorization: y")
OTHER = b"HTTP/1.1 200 OK\r\nx-kind: other\r\ncontent-length: 5\r\n\r\nhello"
CASES: list[tuple[bytes, bytes]] = [
    # What was found out from the headers of a request is nothing that another one has if they differ.
    (AGAIN * 3 + OTHERS * 2 + AGAIN, b"".join(KEPT % n for n in (0, 1, 2, 0, 1, 0))),
    (AGAIN + AGAIN.replace(b"x", b"z") + AGAIN, KEPT % 0 * 3),
    (GET % b"usual" + GET % b"other" + GET % b"usual" + GET % b"whole", USUAL + OTHER + USUAL + WHOLE),
    (GET.replace(b"GET", b"HEAD") % b"usual", USUAL.removesuffix(b"hello")),
    (GET % b"whole", WHOLE),
    (GET % b"parts", PLAIN),
    (GET % b"unknown", CHUNKED),
    (GET % b"none", NONE),
    (GET % b"closing", PLAIN.replace(b"5\r\n", b"5\r\nconnection: close\r\n", 1)),
    (GET % b"two", PLAIN),
    (GET.replace(b"1.1", b"1.0") % b"whole", WHOLE.replace(b"\xff\r\n", b"\xff\r\nconnection: close\r\n")),
    (GET.replace(b"GET", b"HEAD") % b"whole", WHOLE.removesuffix(b"hello")),
    (GET % b"whole" * 3, WHOLE * 3),
    (GET % b"parts" + GET % b"whole" + GET % b"unknown" + GET % b"none", PLAIN + WHOLE + CHUNKED + NONE),
    (GET.replace(b"host: x", b"host: x\r\nconnection: upgrade\r\nupgrade: websocket") % b"whole", WHOLE),
    # Java's client asks for HTTP/2 with its first request, and its body follows all the same.
    (POST % (b"told", UPGRADE, b"hi") + GET % b"whole", TOLD % 3 + WHOLE),
    (GET.replace(b"1.1\r\n", b"1.0\r\nconnection: upgrade\r\nupgrade: h2c\r\n") % b"whole", CLOSING),
    (GET.replace(b"GET /", b"CONNECT x") % b"", REFUSED),
    (GET % b"?filter=userName eq", REFUSED),
    (GET % b"J\xc3\xb6rg", REFUSED),
    # What comes behind a body in chunks is no header of the request.
    (POST % (b"told", CHUNKS, b"2\r\nhi\r\n0\r\nauthorization: x\r\n\r\n"), TOLD % 2),
    (GET % b"whole" + b"\0", CLOSING),
    (POST % (b"whole", CHUNKS, b"2\r\nhi\r\nZ\r\n"), REFUSED),
    # Whoever is told no before it sends its body may send another request in its place.
    (POST % (b"whole", b"content-length: 50\r\nexpect: 100-continue", b"") + GET % b"whole", CLOSING),
    (POST % (b"whole", b"content-length: 2\r\nexpect: 100-continue", b"hi") + GET % b"whole", WHOLE * 2),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_reply_goes_out_as_it_is(case: int) -> None:
    said, expected = CASES[case]
    assert b"".join(exchange(said, expected=len(expected))) == expected


def test_head_and_body_come_in_one_piece() -> None:
    assert exchange(*[GET % b"whole"] * 5) == [WHOLE] * 5 + [b""]


@pytest.mark.parametrize("name", ["split", "bare", "spread"])
def test_a_header_cannot_hold_another_one(name: str) -> None:
    heard = b"".join(exchange(GET % name.encode()))
    assert heard.startswith(FAULT)
    assert b"evil" not in heard


def test_a_handler_that_fails_before_its_reply_is_a_fault() -> None:
    assert exchange(GET % b"fails")[0].startswith(FAULT)


def test_a_request_has_one_reply() -> None:
    assert b"".join(exchange(GET % b"again")) == PLAIN


@pytest.mark.parametrize("name", ["short", "long"])
def test_a_body_of_another_length_ends_the_connection(name: str) -> None:
    heard = b"".join(exchange(GET % name.encode()))
    assert heard.count(b"HTTP/1.1") == 1
    assert not heard.endswith(b"hello")


@pytest.mark.parametrize(
    ("version", "said", "told", "stays"),
    [
        (b"1.1", b"", b"1.1 127.0.0.1", True),
        (b"1.1", b"connection: keep-alive\r\n", b"1.1 127.0.0.1", True),
        (b"1.1", b"connection: close\r\n", b"1.1 127.0.0.1", False),
        (b"1.0", b"", b"1.0 127.0.0.1", False),
        (b"1.0", b"connection: keep-alive\r\n", b"1.0 127.0.0.1", False),
        (b"1.0", b"Proxy-Connection: keep-alive\r\n", b"1.0 127.0.0.1", False),
        (b"1.1", b"X-Forwarded-For: 192.0.2.7\r\n", b"1.1 192.0.2.7", True),
        (b"1.1", b"x-forwarded-for: 192.0.2.7\r\nconnection: close\r\n", b"1.1 192.0.2.7", False),
    ],
)
def test_a_request_is_what_its_head_says(version: bytes, said: bytes, told: bytes, stays: bool) -> None:
    text = b"".join(exchange(b"GET /which HTTP/%b\r\nhost: x\r\n%b\r\n" % (version, said)))
    assert text.endswith(b"\r\n\r\n" + told)
    assert (b"connection: close" in text) is not stays


def test_the_pieces_of_a_body_are_one_body() -> None:
    pieces = b"".join(b"1\r\n%c\r\n" % letter for letter in b"hello") + b"0\r\n\r\n"
    assert exchange(POST % (b"told", CHUNKS, pieces))[0].endswith(b"\r\n\r\nhello 2")


def test_an_application_that_says_nothing_is_a_fault() -> None:
    assert exchange(GET % b"silent")[0].startswith(FAULT)


def test_an_application_that_stops_within_its_reply_ends_the_connection() -> None:
    heard = b"".join(exchange(GET % b"half"))
    assert heard.startswith(b"HTTP/1.1 200 OK") and heard.endswith(b"he")
