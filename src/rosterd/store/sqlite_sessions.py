"""``SessionControl``, ``SetupLinkControl`` and ``LoginControl`` over SQLite; no session is remembered."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from rosterd.service.administrators import SecondFactor
from rosterd.service.audit import Entry
from rosterd.service.login import Attempt, Ticket
from rosterd.service.sessions import MOST, Found, Session
from rosterd.service.setup_links import SetupLink
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE
from rosterd.store.rows import MOST as LAST
from rosterd.store.rows import factor_row, found_of, session_row, setup_link_row
from rosterd.store.sqlite_administrators import SqliteAdministrators
from rosterd.store.sqlite_control import insert


class SqliteSessions(SqliteAdministrators):
    """See ``rosterd.service.sessions.SessionControl`` and the like."""

    async def session(self, digest: bytes) -> Found | None:
        rows = await self._rows("get_session", (digest,))
        return found_of(rows[0]) if rows else None

    async def sessions(self, administrator: str, at: int, idle: int) -> tuple[Session, ...]:
        rows = await self._rows("sessions_of", (administrator, at, idle))
        return tuple(Session(*row) for row in rows)

    async def create_session(
        self,
        session: Session,
        digest: bytes,
        replaces: bytes | None,
        passed: Sequence[str],
        revision: int,
        entry: Entry,
        factor: SecondFactor | None = None,
    ) -> None:
        s = session
        parameters = session_row(s, digest)

        def work(connection: sqlite3.Connection) -> None:
            if s.administrator is not None:
                noted = connection.execute(SQLITE["note_login"], (s.administrator, s.created, revision))
                if not noted.rowcount:
                    raise LookupError(f"administrator {s.administrator} is gone or was changed")
                if factor is not None:
                    connection.execute(SQLITE["use_second_factor"], (s.administrator, factor_row(factor)))
            if replaces is not None:
                connection.execute(SQLITE["end_session"], (replaces,))
            insert(connection, "insert_session", parameters, s.id, "session")
            if s.administrator is not None:
                connection.execute(SQLITE["end_surplus_sessions_of"], (s.administrator, MOST))
            else:
                connection.execute(SQLITE["end_surplus_sessions_of_link"], (s.setup_link, MOST))
                connection.execute(SQLITE["note_link_use"], (s.setup_link, s.created))
            for number, place in enumerate(passed):
                connection.execute(SQLITE["uncount_failure" if number else "forget_failures"], (place,))
            write_entry(connection, entry)

        await self._submit(work)

    async def session_seen(self, id: str, at: int) -> None:
        await self._submit(lambda c: c.execute(SQLITE["note_seen"], (id, at)).rowcount)

    async def end_session(self, digest: bytes, entry: Entry) -> bool:
        return bool(await self._ended("end_session", (digest,), entry))

    async def revoke_session(self, administrator: str, id: str, entry: Entry) -> bool:
        return bool(await self._ended("end_session_of", (administrator, id), entry))

    async def revoke_sessions(self, administrator: str, but: str, entry: Entry) -> int:
        return await self._ended("end_sessions_of", (administrator, but), entry)

    async def purge_sessions(self, at: int) -> int:
        return await self._purged("has_ended_sessions", "purge_sessions", (at,))

    async def setup_link(self, id: str) -> SetupLink | None:
        rows = await self._rows("get_setup_link", (id,))
        return SetupLink(*rows[0]) if rows else None

    async def setup_link_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[SetupLink, ...]:
        behind = after or (LAST, "")
        rows = await self._rows("setup_link_page", (directory, connection, *behind, limit))
        return tuple(SetupLink(*row) for row in rows)

    async def create_setup_link(self, link: SetupLink, entry: Entry) -> None:
        parameters = setup_link_row(link)

        def work(connection: sqlite3.Connection) -> None:
            insert(connection, "insert_setup_link", parameters, link.id, "id")
            write_entry(connection, entry)

        await self._submit(work)

    async def revoke_setup_link(self, directory: int, id: str, at: int, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE["revoke_setup_link"], (directory, id, at)).rowcount:
                return False
            connection.execute(SQLITE["end_sessions_of_link"], (id,))
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def begin_login(
        self, places: Sequence[str], at: int, since: int, delay: Callable[[int], int]
    ) -> Attempt:
        def work(connection: sqlite3.Connection) -> Attempt:
            wait = 0
            for place in places:
                row = connection.execute(SQLITE["get_failures"], (place,)).fetchone()
                count, last = row or (0, 0)
                if last >= since:
                    wait = max(wait, last + delay(count) - at)
            if wait > 0:
                return Attempt(wait, ())
            counted = [
                connection.execute(SQLITE["count_failure"], (place, at, since)).fetchone() for place in places
            ]
            return Attempt(0, tuple(count for (count,) in counted))

        return await self._submit(work)

    async def take_back(self, places: Sequence[str]) -> None:
        rows = [(place,) for place in places]
        await self._submit(lambda c: c.executemany(SQLITE["uncount_failure"], rows).rowcount)

    async def keep_ticket(self, ticket: Ticket, digest: bytes, at: int, passed: Sequence[str]) -> None:
        row = (digest, ticket.administrator, ticket.revision, ticket.expires)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(SQLITE["forget_tickets"], (at,))
            insert(connection, "keep_ticket", row, ticket.administrator)
            connection.executemany(SQLITE["uncount_failure"], [(place,) for place in passed])

        await self._submit(work)

    async def ticket(self, digest: bytes) -> Ticket | None:
        rows = await self._rows("get_ticket", (digest,))
        return Ticket(*rows[0]) if rows else None

    async def tell_failure(self, entry: Entry) -> None:
        await self._submit(lambda c: write_entry(c, entry))

    async def forget_failures(self, before: int, most: int) -> int:
        return await self._purged("has_failures", "forget_old_failures", (before, most))

    async def _purged(self, anything: str, name: str, parameters: tuple[int, ...]) -> int:
        if not (await self._rows(anything, parameters))[0][0]:  # which is no reason to write
            return 0
        return await self._submit(lambda c: c.execute(SQLITE[name], parameters).rowcount)

    async def _ended(self, name: str, parameters: tuple[Any, ...], entry: Entry) -> int:
        def work(connection: sqlite3.Connection) -> int:
            ended = connection.execute(SQLITE[name], parameters).rowcount
            if ended:
                write_entry(connection, entry)
            return ended

        return await self._submit(work)
