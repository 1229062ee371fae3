"""A directory as a file, as of one moment: everything as JSON Lines, or its users as a table.

It is sent while it is read. What goes wrong on the way breaks the download off, so that no part passes for
the whole.
"""

import csv
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from io import StringIO
from typing import Final

from rosterd.console.context import Console
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.http.reply import GUARDS, Header, Reply, Scope, Send, send_part
from rosterd.service import transfer
from rosterd.service.control import Directory
from rosterd.service.feed import lines
from rosterd.service.visitor import OPERATOR

CHUNK: Final = 64 * 1024
"""Characters of CSV that are collected before they are sent."""
_ALL: Final = "/directories/{directory}/export"
_LINES: Final[Header] = (b"content-type", b"application/x-ndjson; charset=utf-8")
_CSV: Final[Header] = (b"content-type", b"text/csv; charset=utf-8")


@dataclass(slots=True)
class Download(Reply):
    """A file that is sent chunk by chunk."""

    chunks: AsyncGenerator[bytes] = field(kw_only=True)
    """What follows the body, which is the beginning."""

    async def send(
        self,
        scope: Scope,
        send: Send,
        request_id: str,
        more: tuple[Header, ...] = (),
        guards: tuple[Header, ...] = GUARDS,
    ) -> None:
        """Send it as long as somebody takes it."""
        headers = [*guards, self.cache, self.content_type, *self.own_headers(request_id, more)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        async with aclosing(self.chunks) as chunks:
            if scope["method"] != "HEAD" and await send_part(send, self.body):
                async for chunk in chunks:
                    if not await send_part(send, chunk):
                        break
        await send_part(send, b"", last=True)


async def export_directory(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/export/directory.jsonl."""
    directory = await console.directory(request)
    return await _file(f"{directory.name}.jsonl", _LINES, _everything(console, directory))


async def export_users(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/export/users.csv."""
    directory = await console.directory(request)
    return await _file(f"{directory.name}-users.csv", _CSV, _users(console, directory))


async def _file(name: str, kind: Header, chunks: AsyncGenerator[bytes]) -> Reply:
    """The file; its beginning is read before, so that a failure can still become a status."""
    beginning = await anext(chunks)
    disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
    return Download(200, beginning, (disposition,), kind, chunks=chunks)


async def _everything(console: Console, directory: Directory) -> AsyncGenerator[bytes]:
    async with aclosing(console.feed.snapshot(directory, console.model_of(directory))) as portions:
        async for portion in portions:
            yield lines(portion)


async def _users(console: Console, directory: Directory) -> AsyncGenerator[bytes]:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    async with console.store.snapshot(directory.id) as reader:
        async for row in transfer.table(reader, console.model_of(directory).types["User"]):
            writer.writerow(row)
            if text.tell() > CHUNK:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
    yield text.getvalue().encode()


PAGES: Final = (
    Page("GET", f"{_ALL}/directory.jsonl", OPERATOR, export_directory),
    Page("GET", f"{_ALL}/users.csv", OPERATOR, export_users),
)
