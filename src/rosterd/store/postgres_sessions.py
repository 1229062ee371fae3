"""``SessionControl``, ``SetupLinkControl`` and ``LoginControl`` over PostgreSQL; no session is remembered.

A new session notes its log-in first: that locks whom it belongs to, so that there are not too many and none
outlives its link. Log-ins at the same place take turns, so that many at once do not get past the count.
"""

from collections.abc import Callable, Sequence

from rosterd.service.administrators import SecondFactor
from rosterd.service.audit import Entry
from rosterd.service.login import Attempt, Ticket
from rosterd.service.sessions import MOST, Found, Session
from rosterd.service.setup_links import SetupLink
from rosterd.store.postgres_administrators import PostgresAdministrators
from rosterd.store.postgres_entries import storable, write_entry
from rosterd.store.postgres_run import Link, insert
from rosterd.store.rows import MOST as LAST
from rosterd.store.rows import factor_row, found_of, session_row, setup_link_row


class PostgresSessions(PostgresAdministrators):
    """See ``rosterd.service.sessions.SessionControl`` and the like."""

    async def session(self, digest: bytes) -> Found | None:
        row = await self._row("get_session", digest)
        return found_of(row) if row else None

    async def sessions(self, administrator: str, at: int, idle: int) -> tuple[Session, ...]:
        rows = await self._rows("sessions_of", administrator, at, idle)
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
        parameters = tuple(map(storable, session_row(s, digest)))
        # Whoever counts or forgets at several places does it in their order; the first is forgotten whole.
        places = sorted((storable(place), number) for number, place in enumerate(passed))

        async def work(link: Link) -> None:
            if s.administrator is not None:
                if not await link.change("note_login", s.administrator, s.created, revision):
                    raise LookupError(f"administrator {s.administrator} is gone or was changed")
                if factor is not None:
                    await link.change("use_second_factor", s.administrator, factor_row(factor))
            else:
                await link.change("note_link_use", s.setup_link, s.created)
            if replaces is not None:
                await link.change("end_session", replaces)
            await insert(link, "insert_session", parameters, s.id, "session")
            if s.administrator is not None:
                await link.change("end_surplus_sessions_of", s.administrator, MOST)
            else:
                await link.change("end_surplus_sessions_of_link", s.setup_link, MOST)
            for place, number in places:
                await link.change("uncount_failure" if number else "forget_failures", place)
            await write_entry(link, entry)

        await self._write(work)

    async def session_seen(self, id: str, at: int) -> None:
        await self._changed("note_seen", id, at, governs=False)

    async def end_session(self, digest: bytes, entry: Entry) -> bool:
        return bool(await self._recorded("end_session", (digest,), entry))

    async def revoke_session(self, administrator: str, id: str, entry: Entry) -> bool:
        return bool(await self._recorded("end_session_of", (administrator, id), entry))

    async def revoke_sessions(self, administrator: str, but: str, entry: Entry) -> int:
        return await self._recorded("end_sessions_of", (administrator, but), entry)

    async def purge_sessions(self, at: int) -> int:
        return await self._purged("has_ended_sessions", "purge_sessions", at)

    async def setup_link(self, id: str) -> SetupLink | None:
        row = await self._row("get_setup_link", id)
        return SetupLink(*row) if row else None

    async def setup_link_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[SetupLink, ...]:
        behind = after or (LAST, "")
        rows = await self._rows("setup_link_page", directory, connection, *behind, limit)
        return tuple(SetupLink(*row) for row in rows)

    async def create_setup_link(self, link: SetupLink, entry: Entry) -> None:
        await self._inserted("insert_setup_link", setup_link_row(link), link.id, entry)

    async def revoke_setup_link(self, directory: int, id: str, at: int, entry: Entry) -> bool:
        async def end_sessions(link: Link) -> None:
            await link.change("end_sessions_of_link", id)

        return bool(await self._recorded("revoke_setup_link", (directory, id, at), entry, end_sessions))

    async def begin_login(
        self, places: Sequence[str], at: int, since: int, delay: Callable[[int], int]
    ) -> Attempt:
        kept = [storable(place) for place in places]

        async def work(link: Link) -> Attempt:
            await link.rows("take_turns", sorted(f"log-in {place}" for place in kept))
            wait = max(
                (
                    last + delay(count) - at
                    for count, last in await link.rows("get_failures", kept)
                    if last >= since
                ),
                default=0,
            )
            if wait > 0:
                return Attempt(wait, ())
            counted = dict(map(tuple, await link.rows("count_failure", sorted(set(kept)), at, since)))
            return Attempt(0, tuple(counted[place] for place in kept))

        return await self._write(work)

    async def take_back(self, places: Sequence[str]) -> None:
        kept = sorted(storable(place) for place in places)
        await self._write(lambda link: link.many("uncount_failure", [(place,) for place in kept]))

    async def keep_ticket(self, ticket: Ticket, digest: bytes, at: int, passed: Sequence[str]) -> None:
        row = (digest, ticket.administrator, ticket.revision, ticket.expires)
        places = sorted(storable(place) for place in passed)

        async def work(link: Link) -> None:
            await link.change("forget_tickets", at)
            await insert(link, "keep_ticket", row, ticket.administrator)
            await link.many("uncount_failure", [(place,) for place in places])

        await self._write(work)

    async def ticket(self, digest: bytes) -> Ticket | None:
        row = await self._row("get_ticket", digest)
        return Ticket(*row) if row else None

    async def tell_failure(self, entry: Entry) -> None:
        await self._write(lambda link: write_entry(link, entry))

    async def forget_failures(self, before: int, most: int) -> int:
        return await self._purged("has_failures", "forget_old_failures", before, most)

    async def _purged(self, anything: str, name: str, *parameters: int) -> int:
        if not (await self._rows(anything, *parameters))[0][0]:  # which is no reason to write
            return 0
        return await self._changed(name, *parameters)
