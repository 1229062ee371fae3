"""The contract of administrators, sessions, failed log-ins and set-up links, as tests."""

# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rosterd.service.access import AccessControl
from rosterd.service.administrators import NONE, Administrator, LastOwner, SecondFactor
from rosterd.service.audit import AuditLog, Entry
from rosterd.service.control import Connection, Control, Policy
from rosterd.service.login import Attempt, Ticket, delay
from rosterd.service.ports import UniqueViolation
from rosterd.service.sessions import MOST, Found, Session
from rosterd.service.setup_links import SetupLink
from rosterd.testing.scenario import AT, BY, refused, scenario

_FREE = 5


class Plane(Control, AccessControl, AuditLog, Protocol):
    """What the contract looks at."""


def told(action: str) -> Entry:
    """An entry."""
    return Entry(BY, AT, action, "somebody")


def owner(id: str = "a1", name: str = "Änn", **fields: object) -> Administrator:
    """An owner of everything."""
    made = Administrator(id, name, "owner", None, "hash", None, None, AT)
    return replace(made, **fields)  # type: ignore[arg-type]


def session(id: str, administrator: str | None = "a1", link: str | None = None, at: int = AT) -> Session:
    """A session of an hour."""
    return Session(id, administrator, link, at, at, at + 3_600_000, "192.0.2.1", "Bröwser")


def link(connection: Connection, id: str = "k1", at: int = AT) -> SetupLink:
    """A link of an hour."""
    return SetupLink(id, connection.directory, connection.id, b"k" * 32, "Ann", at, at + 3_600_000)


async def lined(plane: Plane, name: str = "acme") -> Connection:
    """A connection in a directory of its own."""
    home = await plane.create_directory(name, AT, told("directory.created"))
    return await plane.create_connection(home.id, "okta", "auto", Policy(), AT, told("connection.created"))


async def opened(plane: Plane, id: str, *, revision: int = 1, **fields: object) -> bytes:
    """The digest of a new session."""
    digest = id.encode().ljust(32, b"\0")
    one = session(id, **fields)  # type: ignore[arg-type]
    await plane.create_session(one, digest, None, (), revision, told("session.created"))
    return digest


async def actions(plane: Plane) -> list[str]:
    """What the audit log has, oldest first, but for what makes directories and connections."""
    rows = [row.entry.action for row in await plane.audit_page(None, None, 100)][::-1]
    return [action for action in rows if not action.startswith(("directory.", "connection."))]


class AccessContract:
    """What every ``AccessControl`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_an_administrator_is_found_in_three_ways_and_paged_by_name(self, plane: Plane) -> None:
        home = (await lined(plane)).directory
        ann = owner(issuer="https://op", subject="s1")
        bob = owner("a2", "bob", role="viewer", directory=home, password=None)
        for one, folded in ((ann, "änn"), (bob, "bob")):
            await plane.create_administrator(one, folded, told("administrator.created"))
        assert await plane.administrator("a1") == ann
        assert await plane.administrator_named("bob") == bob
        assert await plane.administrator_named("Bob") is None
        assert await plane.administrator_linked("https://op", "s1") == ann
        assert await plane.administrator_linked("https://other", "s1") is None
        assert await plane.administrator_page(None, "", 9) == (bob, ann)
        assert await plane.administrator_page(None, "bob", 9) == (ann,)
        assert await plane.administrator_page(home, "", 9) == (bob,)
        assert await plane.administrator_page(None, "", 1) == (bob,)

    @scenario
    async def test_names_ids_and_subjects_are_unique(self, plane: Plane) -> None:
        entry = told("administrator.created")
        await plane.create_administrator(owner(issuer="i", subject="s"), "änn", entry)
        await refused(UniqueViolation, plane.create_administrator(owner("a2"), "änn", entry))
        await refused(UniqueViolation, plane.create_administrator(owner(), "other", entry))
        other = owner("a2", issuer="i", subject="s")
        await refused(UniqueViolation, plane.create_administrator(other, "x", entry))
        await refused(LookupError, plane.create_administrator(owner("a3", directory=99), "x", entry))
        await plane.create_administrator(owner("a2"), "x", entry)
        linked = replace(other, revision=2)
        violation = await refused(UniqueViolation, plane.update_administrator(linked, None, entry))
        assert violation.attribute == "subject"
        assert await actions(plane) == ["administrator.created"] * 2

    @scenario
    async def test_a_second_factor_is_kept_and_a_code_that_was_used_is_gone_with_the_log_in(
        self, plane: Plane
    ) -> None:
        factor = SecondFactor("c2VhbGVk", AT, 7, ("aa", "bb"))
        await plane.create_administrator(owner(), "änn", told("administrator.created"))
        changed = owner(second_factor=factor, revision=2)
        assert await plane.update_administrator(changed, None, told("administrator.updated")) is True
        assert await plane.administrator("a1") == changed
        left = replace(factor, step=9, recovery=("bb",))
        entry = told("session.created")
        one, digest = session("s1"), b"1" * 32
        late = plane.create_session(one, digest, None, (), 1, entry, left)
        await refused(LookupError, late)
        assert await plane.administrator("a1") == changed
        await plane.create_session(one, digest, None, (), 2, entry, left)
        after = replace(changed, second_factor=left, revision=3, last_login=AT)
        assert await plane.administrator_named("änn") == after
        assert await plane.administrator_page(None, "", 9) == (after,)
        found = await plane.session(digest)
        assert found is not None and found.administrator == after
        again = plane.create_session(session("s2"), b"2" * 32, None, (), 2, entry, left)
        await refused(LookupError, again)
        gone = replace(after, second_factor=None, revision=4)
        assert await plane.update_administrator(gone, None, told("administrator.updated")) is True
        assert await plane.administrator("a1") == gone

    @scenario
    async def test_a_ticket_is_kept_until_it_ends_or_its_administrator_is_gone(self, plane: Plane) -> None:
        await plane.create_administrator(owner(), "änn", told("administrator.created"))
        await plane.create_administrator(owner("a2"), "bob", told("administrator.created"))
        first = await plane.begin_login(("name änn",), AT, AT - 1, delay)
        await plane.keep_ticket(Ticket("a1", 1, AT + 9), b"1" * 32, AT, ("name änn",))
        assert await plane.ticket(b"1" * 32) == Ticket("a1", 1, AT + 9)
        assert await plane.ticket(b"2" * 32) is None
        assert await plane.begin_login(("name änn",), AT, AT - 1, delay) == first, "it was no failure"
        await refused(LookupError, plane.keep_ticket(Ticket("a9", 1, AT), b"9" * 32, AT, ()))
        await plane.keep_ticket(Ticket("a2", 1, AT + 20), b"2" * 32, AT + 9, ())
        assert await plane.ticket(b"1" * 32) is None
        await plane.remove_administrator("a2", told("administrator.removed"))
        assert await plane.ticket(b"2" * 32) is None

    @scenario
    async def test_a_change_counts_once(self, plane: Plane) -> None:
        for id in ("a1", "a2"):
            await plane.create_administrator(owner(id), id, told("administrator.created"))
        changed = owner(role="viewer", password=None, disabled=AT, revision=2)
        assert await plane.update_administrator(changed, None, told("administrator.updated")) is True
        assert await plane.administrator("a1") == changed
        again = replace(changed, role="owner")
        assert await plane.update_administrator(again, None, told("x.y")) is False
        assert await plane.update_administrator(owner("gone", revision=2), None, told("x.y")) is False
        assert (await actions(plane))[2:] == ["administrator.updated"]

    @scenario
    async def test_an_enabled_owner_of_everything_is_always_left(self, plane: Plane) -> None:
        home = (await lined(plane)).directory
        await plane.create_administrator(owner(), "a1", told("administrator.created"))
        for id, fields in (
            ("a2", {"directory": home}),
            ("a3", {"disabled": AT}),
            ("a4", {"role": "operator"}),
        ):
            await plane.create_administrator(owner(id, **fields), id, told("administrator.created"))
        for lesser in ({"role": "operator"}, {"disabled": AT}, {"directory": home}):
            change = plane.update_administrator(owner(revision=2, **lesser), None, told("x.y"))
            await refused(LastOwner, change)
        await refused(LastOwner, plane.remove_administrator("a1", told("x.y")))
        assert await plane.administrator("a1") == owner()
        assert "x.y" not in await actions(plane)
        assert await plane.update_administrator(owner("a3", revision=2), None, told("administrator.enabled"))
        assert await plane.remove_administrator("a1", told("administrator.removed")) is True
        assert await plane.remove_administrator("a1", told("x.y")) is False
        assert await plane.administrator("a1") is None
        assert (await actions(plane))[-2:] == ["administrator.enabled", "administrator.removed"]

    @scenario
    async def test_of_two_owners_who_remove_each_other_one_stays(self, plane: Plane) -> None:
        for id in ("a1", "a2"):
            await plane.create_administrator(owner(id), id, told("administrator.created"))
        entry = told("administrator.removed")
        done = await asyncio.gather(
            *(plane.remove_administrator(id, entry) for id in ("a1", "a2")), return_exceptions=True
        )
        assert sorted(str(type(value)) for value in done) == sorted(map(str, (bool, LastOwner)))
        assert len(await plane.administrator_page(None, "", 9)) == 1

    @scenario
    async def test_a_session_leads_to_whom_it_belongs(self, plane: Plane) -> None:
        line = await lined(plane)
        await plane.create_administrator(owner(), "a1", told("administrator.created"))
        await plane.create_setup_link(link(line), told("setup_link.created"))
        first = await opened(plane, "s1", at=AT + 5)
        second = await opened(plane, "s2", administrator=None, link="k1", at=AT + 7)
        assert await plane.session(first) == Found(session("s1", at=AT + 5), owner(last_login=AT + 5), None)
        used = replace(link(line), last_used=AT + 7)
        assert await plane.session(second) == Found(session("s2", None, "k1", AT + 7), None, used)
        assert await plane.session(b"?" * 32) is None
        lost = plane.create_session(session("s3", "gone"), b"3" * 32, None, (), 1, told("x.y"))
        await refused(LookupError, lost)
        assert await plane.update_administrator(owner("a1", revision=2, role="owner"), None, told("a.b"))
        found = await plane.session(first)
        assert found is not None
        assert found.administrator is not None
        assert found.administrator.revision == 2

    @scenario
    async def test_sessions_are_listed_seen_and_ended(self, plane: Plane) -> None:
        for id in ("a1", "a2"):
            await plane.create_administrator(owner(id), id, told("administrator.created"))
        digests = [await opened(plane, f"s{n}", at=AT + n) for n in range(4)]
        other = await opened(plane, "o1", administrator="a2")
        await plane.session_seen("s1", AT + 900)
        await plane.session_seen("s1", AT + 800)
        rows = await plane.sessions("a1", AT, AT - 1)
        assert [(row.id, row.seen - AT) for row in rows] == [("s3", 3), ("s2", 2), ("s1", 900), ("s0", 0)]
        assert [row.id for row in await plane.sessions("a1", AT + 3_600_001, 0)] == ["s3", "s2"]
        assert [row.id for row in await plane.sessions("a1", AT, AT + 2)] == ["s3", "s1"]
        assert await plane.end_session(digests[0], told("session.ended")) is True
        assert await plane.end_session(digests[0], told("x.y")) is False
        assert await plane.revoke_session("a2", "s1", told("x.y")) is False
        assert await plane.revoke_session("a1", "s1", told("session.revoked")) is True
        assert await plane.revoke_sessions("a1", "s2", told("session.revoked")) == 1
        assert await plane.revoke_sessions("a1", "s2", told("x.y")) == 0
        assert [row.id for row in await plane.sessions("a1", AT, 0)] == ["s2"]
        assert await plane.session(other) is not None
        assert "x.y" not in await actions(plane)
        assert await plane.purge_sessions(AT + 3_600_000) == 1
        assert await plane.session(other) is None

    @scenario
    async def test_a_change_may_end_all_sessions_but_one(self, plane: Plane) -> None:
        await plane.create_administrator(owner(), "a1", told("administrator.created"))
        kept, ended = await opened(plane, "s1"), await opened(plane, "s2")
        await plane.update_administrator(owner(revision=2), "s1", told("administrator.password_changed"))
        assert await plane.session(kept) is not None
        assert await plane.session(ended) is None
        await plane.update_administrator(owner(revision=3), NONE, told("administrator.disabled"))
        assert await plane.session(kept) is None
        removed = await opened(plane, "s3", revision=3)
        await plane.create_administrator(owner("a2"), "a2", told("administrator.created"))
        await plane.remove_administrator("a1", told("administrator.removed"))
        assert await plane.session(removed) is None

    @scenario
    async def test_whoever_was_changed_meanwhile_gets_no_session(self, plane: Plane) -> None:
        await plane.create_administrator(owner(), "a1", told("administrator.created"))
        old = await opened(plane, "old")
        await plane.update_administrator(owner(revision=2), "old", told("administrator.password_changed"))
        late = plane.create_session(session("s1"), b"1" * 32, old, ("name ann",), 1, told("x.y"))
        await refused(LookupError, late)
        assert await plane.session(b"1" * 32) is None
        assert await plane.session(old) is not None
        assert "x.y" not in await actions(plane)

    @scenario
    async def test_a_session_takes_the_place_of_another_and_there_are_so_many(self, plane: Plane) -> None:
        await plane.create_administrator(owner(), "a1", told("administrator.created"))
        old = await opened(plane, "old", at=AT - 1)
        await plane.create_session(session("new"), b"n" * 32, old, (), 1, told("session.created"))
        assert await plane.session(old) is None
        for number in range(MOST):
            await opened(plane, f"s{number}", at=AT + 1 + number)
        rows = await plane.sessions("a1", AT, 0)
        assert len(rows) == MOST
        assert "new" not in [row.id for row in rows]

    @scenario
    async def test_links_are_found_paged_and_revoked_with_their_sessions(self, plane: Plane) -> None:
        line, other = await lined(plane), await lined(plane, "zoo")
        made = [link(line), link(line, "k3", AT + 1), link(line, "k2", AT + 1)]
        for one in (*made, link(other, "k4")):
            await plane.create_setup_link(one, told("setup_link.created"))
        k1, k3, k2 = made
        assert await plane.setup_link("k1") == k1
        assert await plane.setup_link_page(line.directory, line.id, None, 9) == (k2, k3, k1)
        assert await plane.setup_link_page(line.directory, line.id, (AT + 1, "k2"), 1) == (k3,)
        assert await plane.setup_link_page(other.directory, line.id, None, 9) == ()
        entry = told("setup_link.revoked")
        (await refused(UniqueViolation, plane.create_setup_link(k1, entry)))
        await refused(LookupError, plane.create_setup_link(replace(k1, id="k9", connection=99), entry))
        ended = await opened(plane, "s1", administrator=None, link="k1")
        kept = await opened(plane, "s2", administrator=None, link="k2")
        assert await plane.revoke_setup_link(other.directory, "k1", AT + 5, told("x.y")) is False
        assert await plane.revoke_setup_link(line.directory, "k1", AT + 5, entry) is True
        assert await plane.revoke_setup_link(line.directory, "k1", AT + 9, told("x.y")) is False
        assert await plane.setup_link("k1") == replace(k1, revoked=AT + 5, last_used=AT)
        assert await plane.session(ended) is None
        assert await plane.session(kept) is not None
        assert (await actions(plane)).count("setup_link.revoked") == 1
        assert "x.y" not in await actions(plane)

    @scenario
    async def test_failures_are_counted_by_place_and_make_wait(self, plane: Plane) -> None:
        places = ("name ann", "address 192.0.2.1")
        for count in range(1, _FREE + 1):
            assert await plane.begin_login(places, AT, AT - 9, delay) == Attempt(0, (count, count))
        wait = delay(_FREE)
        assert wait > 0
        assert await plane.begin_login(places, AT + 1, AT - 9, delay) == Attempt(wait - 1, ())
        assert await plane.begin_login(("name bob", places[1]), AT, AT, delay) == Attempt(wait, ())
        assert await plane.begin_login(("name bob",), AT, AT, delay) == Attempt(0, (1,))
        assert await plane.begin_login(places, AT + wait, AT, delay) == Attempt(0, (6, 6))
        later = AT + wait + 100_000_000
        assert await plane.begin_login(places, later, later - 1, delay) == Attempt(0, (1, 1))

    @scenario
    async def test_many_at_once_do_not_get_past_the_count(self, plane: Plane) -> None:
        done = await asyncio.gather(*(plane.begin_login(("name ann",), AT, AT, delay) for _ in range(40)))
        assert sum(attempt.wait == 0 for attempt in done) == _FREE

    @scenario
    async def test_a_log_in_forgets_the_failures_of_the_name_and_one_of_the_address(
        self, plane: Plane
    ) -> None:
        await plane.create_administrator(owner(), "a1", told("administrator.created"))
        places = ("name ann", "address x")
        for _ in range(3):
            await plane.begin_login(places, AT, AT, delay)
        await plane.create_session(session("s1"), b"1" * 32, None, places, 1, told("session.created"))
        assert await plane.begin_login(places, AT, AT, delay) == Attempt(0, (1, 3))
        await plane.take_back(places)
        assert await plane.begin_login(places, AT, AT, delay) == Attempt(0, (1, 3))

    @scenario
    async def test_failures_are_told_and_forgotten(self, plane: Plane) -> None:
        await plane.tell_failure(told("login.failed"))
        assert await actions(plane) == ["login.failed"]
        for number in range(5):
            await plane.begin_login((f"name {number}",), AT + number, AT, delay)
        assert await plane.forget_failures(AT + 1, 99) == 1
        assert await plane.forget_failures(AT, 2) == 2
        assert await plane.forget_failures(AT, 2) == 0
        assert await plane.begin_login(("name 4",), AT + 4, AT, delay) == Attempt(0, (2,))
        assert await plane.begin_login(("name 2",), AT + 4, AT, delay) == Attempt(0, (1,))
