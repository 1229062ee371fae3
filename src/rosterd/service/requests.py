"""The request log as administrators read it: connections by name, times as text, and why it came so.

It is read by the API, the command line and the console, and all show what this says.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service.control import Control, Directory
from rosterd.service.explain import Facts, explain
from rosterd.service.ports import Reader, Store
from rosterd.service.request_log import ExchangePage, RequestLog, StoredExchange, Wanted

STATUS: Final = "[1-5]([0-9][0-9]|xx)"
"""A status such as ``404``, or a class of them such as ``4xx``."""
PORTION: Final = 200
"""Exchanges read at a time by whoever reads many."""


@dataclass(frozen=True, slots=True)
class Explained:
    """An exchange with what it means."""

    stored: StoredExchange
    connection: str
    """Its name."""
    explanation: tuple[str, ...]

    def document(self, *, bodies: bool = True) -> dict[str, Any]:
        """As JSON; in a list without the bodies."""
        one = self.stored.exchange
        document = {
            "id": str(self.stored.seq),
            "at": format_time(one.at),
            "connection": self.connection,
            "token": one.token,
            "requestId": one.request_id,
            "method": one.method,
            "path": one.path,
            "query": one.query,
            "status": one.status,
            "microseconds": one.microseconds,
            "resourceType": one.kind,
            "resource": one.resource,
            "subject": one.subject,
            "tolerated": list(one.tolerated),
            "scimType": one.scim_type,
            "detail": one.detail,
            "explanation": list(self.explanation),
            "address": one.address,
            "userAgent": one.agent,
            "bodySize": one.body_size,
            "leftOut": one.left_out,
        }
        if bodies:
            document |= {"body": one.body, "reply": one.reply}
        return document


def parse_status(text: str) -> tuple[int, int]:
    """``404`` or ``4xx`` as from and to. Raises ``InvalidValue``."""
    if not re.fullmatch(STATUS, text):
        raise errors.InvalidValue(f"'{text[:20]}' is no status such as 404, and no class such as 4xx.")
    if text.endswith("xx"):
        return int(text[0]) * 100, int(text[0]) * 100 + 99
    return int(text), int(text)


class Requests:
    """Reads and explains the request log."""

    def __init__(self, log: RequestLog, store: Store, control: Control) -> None:
        self._log = log
        self._store = store
        self._control = control

    async def page(
        self, directory: Directory, connection: int | None, before: int | None, limit: int, wanted: Wanted
    ) -> tuple[list[Explained], int | None]:
        """Newest first, and where older ones begin; see ``RequestLog.exchange_page``."""
        page: ExchangePage = await self._log.exchange_page(directory.id, connection, before, limit, wanted)
        return await self.explained(directory, page.rows), page.before

    async def one(self, directory: Directory, id: str) -> Explained:
        """One exchange by its id. Raises ``NotFound``."""
        stored = None
        if re.fullmatch("[1-9][0-9]{0,17}", id):
            stored = await self._log.exchange(directory.id, int(id))
        if stored is None:
            raise errors.NotFound(f"There is no request '{id[:50]}' in this directory's log.")
        return (await self.explained(directory, (stored,)))[0]

    async def older(
        self, directory: Directory, connection: int | None, wanted: Wanted, most: int
    ) -> AsyncIterator[list[Explained]]:
        """All of them, newest first, in portions, until there have been ``most``."""
        before: int | None = None
        while most > 0:
            found, before = await self.page(directory, connection, before, min(PORTION, most), wanted)
            most -= len(found)
            yield found
            if before is None:
                return

    async def newer(
        self, directory: Directory, connection: int | None, after: int, wanted: Wanted
    ) -> list[Explained]:
        """Those behind a number, oldest first, ``PORTION`` at the most."""
        rows = await self._log.exchanges_after(directory.id, connection, after, PORTION, wanted)
        return await self.explained(directory, rows)

    async def last(self, directory: Directory) -> int:
        """The number of the newest one, for whoever follows from here."""
        return await self._log.last_exchange(directory.id)

    async def explained(self, directory: Directory, rows: Sequence[StoredExchange]) -> list[Explained]:
        """What they mean, as things are now."""
        if not rows:
            return []
        names = await self._control.connection_names(directory.id)
        profiles = {c.id: c.profile for c in await self._control.connections(directory.id)}
        reader = self._store.reader(directory.id)
        return [await _explained(directory, row, names, profiles, reader) for row in rows]


async def _explained(
    directory: Directory,
    row: StoredExchange,
    names: Mapping[int, str],
    profiles: Mapping[int, str],
    reader: Reader,
) -> Explained:
    one = row.exchange
    name = names.get(one.connection, f"#{one.connection}")
    owner, own, deleted = None, False, False
    if one.other and one.kind and (found := await reader.get(one.kind, one.other)):
        own = found.connection == one.connection
        owner = None if own else names.get(found.connection)
    if one.status == 404 and one.kind and one.resource:
        deleted = await reader.find_deleted(one.kind, one.resource) is not None
    profile = profiles.get(one.connection, "auto")
    facts = Facts(directory.name, name, profile, owner, own, deleted)
    return Explained(row, name, explain(one, facts))
