"""The contract of the audit log, as tests: an entry is kept with its change, and pages go back in time."""

# ruff: noqa: D102 - the name of a test is its sentence

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rosterd.service.audit import ADMINISTRATOR, Actor, AuditLog, Entry
from rosterd.service.clients import ClientControl
from rosterd.service.control import Control, Policy
from rosterd.service.ports import Store, UniqueViolation, Writer
from rosterd.service.registry import Registry
from rosterd.testing.client_contract import SECRET, client
from rosterd.testing.control_contract import connected, token
from rosterd.testing.registry_contract import key
from rosterd.testing.scenario import AT, ENTRY, refused, scenario

ANN = Actor(ADMINISTRATOR, "ann", "a1", "192.0.2.1", "r1")


class Plane(Store, Control, ClientControl, Registry, AuditLog, Protocol):
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
        made = replace(ENTRY, directory=home.id)
        kept = entry("token.created", home.id)

        async def work(tx: Writer) -> None:
            await tx.audit(kept)

        async def undone(tx: Writer) -> None:
            await tx.audit(entry("token.revoked", home.id))
            raise KeyError

        await plane.write(home.id, work)
        await refused(KeyError, plane.write(home.id, undone))
        assert [e.entry for e in await plane.audit_page(home.id, None, 10)] == [kept, made]

    @scenario
    async def test_a_write_that_changes_something_keeps_its_entry_and_no_other_does(
        self, plane: Plane
    ) -> None:
        home, okta = await connected(plane)
        kept = len(await plane.audit_page(None, None, 99))
        assert kept == 2

        async def told(count: int, write: Awaitable[object]) -> None:
            nonlocal kept
            with suppress(LookupError, UniqueViolation):
                await write
            kept += count
            assert len(await plane.audit_page(None, None, 99)) == kept

        here, on = home.id, entry("thing.done", home.id)
        gone = replace(okta, id=99)
        await told(0, plane.create_directory("acme", AT, on))
        await told(1, plane.create_connection(here, "entra", "auto", Policy(), AT, on))
        await told(0, plane.create_connection(here, "entra", "auto", Policy(), AT, on))
        strict = replace(okta, profile="strict")
        await told(1, plane.update_connection(okta, strict, on))
        await told(0, plane.update_connection(okta, strict, on))
        await told(0, plane.update_connection(gone, strict, on))
        await told(0, plane.update_connection(strict, replace(strict, name="entra"), on))
        await told(1, plane.create_token(token(okta), on))
        await told(0, plane.create_token(token(okta), on))
        await told(1, plane.rotate_token(token(okta, "t2"), "t1", AT + 9, on))
        await told(0, plane.rotate_token(token(okta, "t3"), "t9", AT + 9, on))
        for count, id, at in ((1, "t2", 5), (0, "t2", 5), (0, "t2", 6), (1, "t2", 4), (0, "t9", 5)):
            await told(count, plane.revoke_token(here, id, at, on))
        await told(1, plane.create_client(client(okta), on))
        await told(0, plane.create_client(client(okta), on))
        await told(
            1, plane.add_secret(here, "rsc_1", replace(SECRET, digest=b"2", created=AT + 1), AT + 5, on)
        )
        await told(0, plane.add_secret(here, "rsc_9", SECRET, AT + 5, on))
        await told(0, plane.issue_token(token(okta, "t4", client="rsc_1")))
        await told(0, plane.return_token("t4", AT))
        for count, id in ((1, "rsc_1"), (0, "rsc_1"), (0, "rsc_9")):
            await told(count, plane.revoke_client(here, id, AT, on))
        await told(1, plane.create_key(key(), on))
        await told(0, plane.create_key(key(), on))
        for count, id in ((1, "k1"), (0, "k1"), (0, "k9")):
            await told(count, plane.revoke_key(id, AT, on))

    @scenario
    async def test_pages_go_from_new_to_old_and_a_directory_sees_its_own(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        other = await plane.create_directory("b", AT, ENTRY)
        made = [replace(ENTRY, directory=home.id), replace(ENTRY, directory=other.id)]
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
        assert [e.entry for e in rows] == [*entries[::-1], *made[::-1]]
        assert [e.entry for e in await plane.audit_page(None, rows[1].seq, 1)] == [entries[1]]
        assert [e.entry for e in await plane.audit_page(home.id, None, 2)] == [entries[2], entries[0]]
        assert [e.entry for e in await plane.audit_page(None, None, 9, "token.")] == [entries[2], entries[0]]
        assert [e.entry for e in await plane.audit_page(None, None, 9, "key.created")] == [entries[3]]
        assert await plane.audit_page(None, None, 9, "key") == ()
        assert await plane.audit_page(None, None, 9, "*") == rows
