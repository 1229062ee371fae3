"""The contract of the audit log, as tests: an entry is kept with its change, and pages go back in time."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from rosterd.service.audit import ADMINISTRATOR, Actor, AuditLog, Entry
from rosterd.service.control import Control
from rosterd.service.ports import Store, Writer
from rosterd.testing.scenario import AT, ENTRY, refused, scenario

ANN = Actor(ADMINISTRATOR, "ann", "a1", "192.0.2.1", "r1")


class Plane(Store, Control, AuditLog, Protocol):
    """What the contract looks at."""


def entry(action: str, directory: int | None, at: int = AT) -> Entry:
    """An entry of ann's."""
    return Entry(ANN, at, action, "tokén x", directory, {"label": "a"}, {"label": "b", "scopes": ["r"]})


class AuditContract:
    """What every ``AuditLog`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_an_entry_is_kept_with_its_transaction_only(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        kept = entry("token.created", home.id)

        async def work(tx: Writer) -> None:
            await tx.audit(kept)

        async def undone(tx: Writer) -> None:
            await tx.audit(entry("token.revoked", home.id))
            raise KeyError

        await plane.write(home.id, work)
        await refused(KeyError, plane.write(home.id, undone))
        assert [e.entry for e in await plane.audit_page(home.id, None, 10)] == [kept]

    @scenario
    async def test_pages_go_from_new_to_old_and_a_directory_sees_its_own(self, plane: Plane) -> None:
        home, other = (
            await plane.create_directory("acme", AT, ENTRY),
            await plane.create_directory("b", AT, ENTRY),
        )
        entries = [
            entry("token.created", home.id),
            entry("tokens.x", other.id),
            entry("token.revoked", home.id),
            entry("key.created", None),
        ]

        async def work(tx: Writer) -> None:
            for one in entries:
                await tx.audit(one)

        await plane.write(home.id, work)
        rows = await plane.audit_page(None, None, 10)
        assert [e.entry for e in rows] == entries[::-1]
        assert [e.entry for e in await plane.audit_page(None, rows[1].seq, 1)] == [entries[1]]
        assert [e.entry for e in await plane.audit_page(home.id, None, 10)] == [entries[2], entries[0]]
        assert [e.entry for e in await plane.audit_page(None, None, 9, "token.")] == [entries[2], entries[0]]
        assert [e.entry for e in await plane.audit_page(None, None, 9, "key.created")] == [entries[3]]
        assert await plane.audit_page(None, None, 9, "key") == ()
        assert await plane.audit_page(None, None, 9, "*") == rows
