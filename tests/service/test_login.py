"""Logging in, sessions, administrators and set-up links on a real store, with a clock moved by hand."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from service.logging_in import ELSEWHERE, HOME, PASSWORD, World, run

from rosterd.scim import errors
from rosterd.service.administrators import Administrator, LastOwner, fold
from rosterd.service.audit import ADMINISTRATOR, ROSTERD, SETUP_LINK
from rosterd.service.login import FREE, WINDOW, Identity, delay
from rosterd.service.sessions import IDLE, SEEN_EVERY, SETUP_LIFETIME, Place
from rosterd.service.setup_links import MAX_LIFETIME, MIN_LIFETIME
from rosterd.service.visitor import OPERATOR, OWNER, SETUP, VIEWER, Visitor
from rosterd.testing.scenario import BY, refused

ISSUER = "https://op.example"


# By password


def test_name_and_password_open_a_session_that_is_told(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann(OPERATOR)
        visitor = await world.visitor(await world.enter())
        assert (visitor.role, visitor.directory, visitor.connection) == (OPERATOR, None, None)
        assert (visitor.actor.kind, visitor.actor.name, visitor.actor.id) == (ADMINISTRATOR, ann.name, ann.id)
        assert visitor.actor.address == HOME.address
        ((target, after),) = await world.told("session.created")
        assert target == f"session {visitor.session} of administrator '{ann.name}'"
        assert after == {"by": "password", "agent": "Browser"}
        assert (await world.administrators.find(ann.id)).last_login == world.clock()

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("nobody", PASSWORD),
        ("ann@example.com", "wrong password"),
        ("ann@example.com", PASSWORD + " "),
        ("disabled", PASSWORD),
        ("without", PASSWORD),
    ],
)
def test_what_is_wrong_is_not_told(tmp_path: Path, name: str, password: str) -> None:
    async def test(world: World) -> None:
        await world.ann()
        gone = await world.administrators.create("disabled", VIEWER, password=PASSWORD, by=BY)
        await world.administrators.disable(gone, by=BY)
        await world.administrators.create("without", VIEWER, by=BY)
        error = await refused(errors.Unauthorized, world.login.by_password(name, password, HOME))
        assert (
            error.detail == "Name and password do not fit together. Both are needed, as an owner made them."
        )
        assert len(world.hasher.verified) == 1
        assert await world.told("session.created") == []

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("name", "password"), [("", "x"), ("ann@example.com", ""), ("x" * 255, "x"), ("a", "x" * 257)]
)
def test_what_cannot_be_right_costs_nothing(tmp_path: Path, name: str, password: str) -> None:
    async def test(world: World) -> None:
        await world.ann()
        await refused(errors.Unauthorized, world.login.by_password(name, password, HOME))
        assert world.hasher.verified == []

    run(tmp_path, test)


# Guessing


async def guess(world: World, name: str = "ann@example.com", place: Place = HOME, **more: Any) -> int | None:
    """One guess; the seconds to wait, if it came too early."""
    try:
        await world.login.by_password(name, "a wrong guess", place, **more)
    except errors.TooManyRequests as error:
        return error.retry_after
    except errors.Unauthorized:
        return None
    raise AssertionError("the guess was right")


@pytest.mark.parametrize("name", ["ann@example.com", "nobody"])
def test_after_five_failures_each_further_one_waits_longer(tmp_path: Path, name: str) -> None:
    async def test(world: World) -> None:
        await world.ann()
        assert [await guess(world, name) for _ in range(FREE)] == [None] * FREE
        for seconds in (30, 60, 120, 240, 480, 900, 900):
            assert await guess(world, name) == seconds
            world.clock.advance(ms=seconds * 1000 - 1)
            assert await guess(world, name) == 1
            world.clock.advance(ms=1)
            assert await guess(world, name) is None

    run(tmp_path, test)


def test_while_one_must_wait_the_right_password_is_not_looked_at_and_then_it_works(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.ann()
        for _ in range(FREE):
            await guess(world)
        looked = len(world.hasher.verified)
        await refused(errors.TooManyRequests, world.enter())
        assert len(world.hasher.verified) == looked
        world.clock.advance(ms=delay(FREE))
        await world.enter()

    run(tmp_path, test)


def test_names_and_addresses_are_counted_by_themselves(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.ann()
        for number in range(FREE):
            await guess(world, f"somebody{number}")
        assert await guess(world) == 30, "the address has guessed too often"
        assert await guess(world, place=ELSEWHERE) is None
        for _ in range(FREE - 1):
            await guess(world, place=ELSEWHERE)
        assert await guess(world, place=Place("203.0.113.9", "", "")) == 30, "the name was guessed too often"
        world.clock.advance(ms=WINDOW)
        assert await guess(world) is None

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        (None, None, True),
        ("no address", "no address", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_an_address_is_a_household(
    tmp_path: Path, address: str | None, other: str | None, same: bool
) -> None:
    async def test(world: World) -> None:
        for number in range(FREE):
            await guess(world, f"somebody{number}", Place(address, "", ""))
        assert (await guess(world, "x", Place(other, "", "")) is not None) is same

    run(tmp_path, test)


def test_strangers_do_not_keep_a_known_browser_out(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.ann()
        known = (await world.opened()).browser
        for _ in range(FREE):
            await guess(world)
        await refused(errors.TooManyRequests, world.enter())
        await world.enter(browser=known)
        assert [await guess(world, browser=known) for _ in range(FREE + 1)] == [*[None] * FREE, 30]
        await refused(errors.TooManyRequests, world.enter(browser=known))

    run(tmp_path, test)


@pytest.mark.parametrize(
    "change", [lambda b: b + "0", lambda b: "x" + b, lambda b: b[:-1], lambda b: ".", lambda b: "ä.ö"]
)
def test_a_browser_is_not_known_by_a_cookie_of_ones_own(tmp_path: Path, change: Callable[[str], str]) -> None:
    async def test(world: World) -> None:
        await world.ann()
        await world.administrators.create("bob", VIEWER, password=PASSWORD, by=BY)
        anns = (await world.opened()).browser
        for _ in range(FREE):
            await guess(world, "bob")
        for browser in (anns, change(anns)):
            assert await guess(world, "bob", browser=browser) == 30

    run(tmp_path, test)


def test_a_right_log_in_forgets_failures_of_the_name(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.ann()
        for _ in range(FREE - 1):
            await guess(world, place=ELSEWHERE)
        await world.enter()
        assert [await guess(world, place=Place(f"203.0.113.{n}", "", "")) for n in range(FREE)] == [
            None
        ] * FREE

    run(tmp_path, test)


def test_failures_are_told_together_and_never_what_was_typed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann()
        for _ in range(11):
            await guess(world)
            world.clock.advance(ms=WINDOW - 1)
        for _ in range(6):
            await guess(world, "hunter2-my-password", ELSEWHERE)
        told = await world.told("login.failed")
        assert [after["failures"] for target, after in told if target == ann.target] == [1, 5, 10]
        assert [after["failures"] for target, after in told if target == "address 198.51.100.7"] == [5]
        assert "hunter2" not in str(await world.store.audit_page(None, None, 200))
        assert {row.entry.actor.kind for row in await world.store.audit_page(None, None, 50, "login.")} == {
            ROSTERD
        }

    run(tmp_path, test)


def test_a_hasher_that_is_too_busy_counts_as_no_failure(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.ann()

        async def busy(kept: str | None, password: str) -> bool:
            raise errors.Unavailable

        verify, world.hasher.verify = world.hasher.verify, busy  # type: ignore[method-assign]
        for _ in range(FREE + 1):
            await refused(errors.Unavailable, world.enter())
        world.hasher.verify = verify  # type: ignore[method-assign]
        await world.enter()

    run(tmp_path, test)


def test_a_hasher_that_is_too_busy_keeps_nobody_from_a_new_password(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.ann()
        visitor = await world.visitor(await world.enter())

        async def busy(kept: str | None, password: str) -> bool:
            raise errors.Unavailable

        async def change() -> None:
            await world.own.change_password(visitor, PASSWORD, "a new password")

        verify, world.hasher.verify = world.hasher.verify, busy  # type: ignore[method-assign]
        for _ in range(FREE + 1):
            await refused(errors.Unavailable, change())
        world.hasher.verify = verify  # type: ignore[method-assign]
        await change()

    run(tmp_path, test)


def test_a_password_that_is_changed_while_it_is_looked_at_opens_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann()
        verify = world.hasher.verify

        async def slow(kept: str | None, password: str) -> bool:
            right = await verify(kept, password)
            await world.administrators.set_password(ann, "a new password", by=BY)
            return right

        world.hasher.verify = slow  # type: ignore[method-assign]
        await refused(errors.Conflict, world.enter())
        assert await world.sessions.list(ann.id) == ()
        assert await world.told("session.created") == []

    run(tmp_path, test)


# Sessions


@pytest.mark.parametrize(
    ("step", "times", "lives"),
    [(IDLE - 1, 1, True), (IDLE, 1, False), (IDLE - 1, 5, True), (IDLE - 1, 7, False)],
    ids=["used in time", "idle", "used all day", "too old"],
)
def test_a_session_ends_by_itself(tmp_path: Path, step: int, times: int, lives: bool) -> None:
    async def test(world: World) -> None:
        await world.ann()
        value = await world.enter()
        found = None
        for _ in range(times):
            world.clock.advance(ms=step)
            found = await world.sessions.visitor(value, HOME)
        assert (found is not None) is lives

    run(tmp_path, test)


def test_the_last_use_is_written_once_a_minute(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann()
        value = await world.enter()
        seen = []
        for step in (SEEN_EVERY - 1, 1, 1):
            world.clock.advance(ms=step)
            await world.visitor(value)
            seen.append((await world.sessions.list(ann.id))[0].seen - world.clock())
        assert seen == [-(SEEN_EVERY - 1), 0, -1]

    run(tmp_path, test)


@pytest.mark.parametrize("value", ["", "x", "rse_" + "0" * 49, "rst_abc", "ä" * 53])
def test_a_value_that_is_none_leads_to_nobody(tmp_path: Path, value: str) -> None:
    async def test(world: World) -> None:
        assert await world.sessions.visitor(value, HOME) is None

    run(tmp_path, test)


def test_what_ends_a_session_ends_it_at_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.administrators.create("root", OWNER, password=PASSWORD, by=BY)
        ann = await world.ann(VIEWER)
        bys: list[Callable[[Administrator, Visitor], Awaitable[Any]]] = [
            lambda ann, visitor: world.sessions.revoke(ann, visitor.session, by=BY),
            lambda ann, visitor: world.sessions.revoke_all(ann, by=BY),
            lambda ann, visitor: world.administrators.set_password(ann, PASSWORD + "!", by=BY),
            lambda ann, visitor: world.administrators.generate_password(ann, by=BY),
            lambda ann, visitor: world.administrators.update(ann, disabled=True, by=BY),
            lambda ann, visitor: world.administrators.update(ann, password=None, by=BY),
            lambda ann, visitor: world.administrators.disable(ann, by=BY),
            lambda ann, visitor: world.administrators.remove(ann, by=BY),
        ]
        for number, end in enumerate(bys):
            ann = await world.administrators.find(ann.id)
            value = await world.sessions.open(ann, HOME, way="test")
            await end(ann, await world.visitor(value))
            assert await world.sessions.visitor(value, HOME) is None, number
            if number < len(bys) - 1:
                ann = await world.administrators.find(ann.id)
                await world.administrators.enable(ann, by=BY)
                assert await world.sessions.visitor(value, HOME) is None, number

    run(tmp_path, test)


def test_a_new_role_counts_in_a_session_that_is_open(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.administrators.create("root", OWNER, by=BY)
        line = await world.line()
        ann = await world.ann(VIEWER)
        value = await world.enter()
        ann = await world.administrators.update(
            await world.administrators.find(ann.id), role=OPERATOR, directory=line.directory, by=BY
        )
        visitor = await world.visitor(value)
        assert (visitor.role, visitor.directory) == (OPERATOR, line.directory)

    run(tmp_path, test)


def test_a_log_in_takes_the_place_of_the_session_before_and_csrf_is_of_one_session(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.ann()
        first, second = await world.enter(), await world.enter()
        one, other = await world.visitor(first), await world.visitor(second)
        assert one.csrf != other.csrf
        assert one.csrf == (await world.visitor(first)).csrf
        third = await world.enter(replaces=first)
        assert third not in (first, second)
        assert await world.sessions.visitor(first, HOME) is None
        await world.visitor(second)
        await world.sessions.end(second, None, by=other.actor)
        assert await world.sessions.visitor(second, HOME) is None
        assert [target for target, _ in await world.told("session.ended")] == [
            "session of administrator 'Ann@Example.com'"
        ]

    run(tmp_path, test)


def test_ones_own_password_needs_the_old_one_and_ends_the_other_sessions(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann()
        here, there = await world.enter(), await world.enter()
        visitor = await world.visitor(here)

        async def change(old: str, new: str) -> None:
            await world.own.change_password(visitor, old, new)

        await refused(errors.Forbidden, change("wrong", "a new password"))
        await refused(errors.InvalidValue, change(PASSWORD, "short"))
        await change(PASSWORD, "a new password")
        await world.visitor(here)
        assert await world.sessions.visitor(there, HOME) is None
        await refused(errors.Unauthorized, world.enter())
        await world.login.by_password("ann@example.com", "a new password", HOME)
        for _ in range(FREE - 1):
            await refused(errors.Forbidden, change("wrong", "another password"))
        await refused(errors.TooManyRequests, change("a new password", "another password"))
        ((target, after),) = await world.told("administrator.password_changed")
        assert (target, after) == (ann.target, {"password": "•••"})

    run(tmp_path, test)


# By an OpenID provider


def identity(subject: str = "s1", email: str = "ann@example.com", verified: bool = True) -> Identity:
    return Identity(ISSUER, subject, email, verified)


def test_a_verified_address_links_once_and_the_subject_counts_from_then_on(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann()
        value = (await world.login.by_identity(identity(), HOME)).value
        assert (await world.visitor(value)).actor.id == ann.id
        linked = await world.administrators.find(ann.id)
        assert (linked.issuer, linked.subject) == (ISSUER, "s1")
        moved = await world.login.by_identity(identity(email="new@example.com", verified=False), HOME)
        assert (await world.visitor(moved.value)).actor.id == ann.id
        await refused(errors.Forbidden, world.login.by_identity(identity("s2"), HOME))
        again = world.administrators.link(linked, ISSUER, "s2", by=BY)
        await refused(errors.Conflict, again)
        bob = await world.administrators.create("bob", VIEWER, by=BY)
        await refused(errors.Conflict, world.administrators.link(bob, ISSUER, "s1", by=BY))
        assert [after["by"] for _, after in await world.told("session.created")] == ["OpenID Connect"] * 2
        assert len(await world.told("administrator.linked")) == 1

    run(tmp_path, test)


@pytest.mark.parametrize(
    "who",
    [
        identity(verified=False),
        identity(email=""),
        identity(email="eve@example.com"),
        identity(email="a\uff4en@example.com"),
        identity(email="ann@\u24d4xample.com"),
    ],
    ids=["not verified", "no address", "nobody", "a letter that looks alike", "a host that looks alike"],
)
def test_whoever_is_no_administrator_stays_outside(tmp_path: Path, who: Identity) -> None:
    async def test(world: World) -> None:
        await world.ann()
        for _ in range(7):
            await refused(errors.Forbidden, world.login.by_identity(who, HOME))
        assert await world.told("session.created") == []
        told = await world.told("login.failed")
        assert told == [(f"account 's1' of {ISSUER}", {"failures": count}) for count in (1, FREE)]

    run(tmp_path, test)


def test_a_disabled_administrator_is_neither_linked_nor_let_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.administrators.create("root", OWNER, by=BY)
        ann = await world.administrators.disable(await world.ann(), by=BY)
        await refused(errors.Forbidden, world.login.by_identity(identity(), HOME))
        assert await world.administrators.find(ann.id) == ann
        ann = await world.administrators.enable(ann, by=BY)
        await world.login.by_identity(identity(), HOME)
        await world.administrators.disable(await world.administrators.find(ann.id), by=BY)
        await refused(errors.Forbidden, world.login.by_identity(identity(), HOME))

    run(tmp_path, test, VIEWER)


def test_a_default_role_lets_everybody_in_whose_address_is_verified(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await refused(errors.Forbidden, world.login.by_identity(identity(verified=False), HOME))
        value = (await world.login.by_identity(identity(email="Eve@Example.com"), HOME)).value
        eve = await world.visitor(value)
        assert (eve.role, eve.actor.name) == (VIEWER, "Eve@Example.com")
        again = await world.visitor((await world.login.by_identity(identity(), HOME)).value)
        assert again.actor.id == eve.actor.id
        await refused(errors.Forbidden, world.login.by_identity(identity("s2", "eve@example.com"), HOME))

    run(tmp_path, test, VIEWER)


# Administrators


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", VIEWER, None),
        (" ann", VIEWER, None),
        ("an\nn", VIEWER, None),
        ("x" * 255, VIEWER, None),
        ("ann", SETUP, None),
        ("ann", "king", None),
        ("ann", VIEWER, "elevenchars"),
        ("ann", VIEWER, "x" * 257),
        ("ann", VIEWER, "aaaaaaaaaaaa"),
        ("long-enough-name", VIEWER, "Long-Enough-Name"),
    ],
)
def test_what_an_administrator_cannot_be(tmp_path: Path, name: str, role: str, password: str | None) -> None:
    async def test(world: World) -> None:
        await refused(errors.InvalidValue, world.administrators.create(name, role, password=password, by=BY))
        assert await world.store.administrator_page(None, "", 9) == ()

    run(tmp_path, test)


@pytest.mark.parametrize(("one", "other"), [("Ann", "ANN"), ("Straße", "STRASSE"), ("Ａnn", "ann")])
def test_a_name_is_one_whatever_its_letter_case(tmp_path: Path, one: str, other: str) -> None:
    async def test(world: World) -> None:
        assert fold(one) == fold(other)
        made = await world.administrators.create(one, VIEWER, by=BY)
        await refused(errors.Uniqueness, world.administrators.create(other, VIEWER, by=BY))
        assert await world.administrators.named(other) == made

    run(tmp_path, test)


def test_the_first_owner_is_made_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        first = await world.administrators.first(by=BY)
        assert first is not None
        assert await world.administrators.first(by=BY) is None
        ann, password = first
        assert (ann.name, ann.role, ann.directory) == ("admin", OWNER, None)
        assert len(password) == 34
        await world.login.by_password("ADMIN", password, HOME)
        for lesser in ({"role": VIEWER}, {"disabled": True}):
            await refused(LastOwner, world.administrators.update(ann, by=BY, **lesser))
        await refused(LastOwner, world.administrators.remove(ann, by=BY))
        await refused(LastOwner, world.administrators.disable(ann, by=BY))

    run(tmp_path, test)


def test_changes_are_told_and_one_made_on_an_old_look_is_refused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.administrators.create("root", OWNER, by=BY)
        ann = await world.ann(VIEWER)
        changed = await world.administrators.update(ann, role=OPERATOR, by=BY)
        assert await world.administrators.update(changed, role=OPERATOR, by=BY) == changed
        await refused(errors.Conflict, world.administrators.update(ann, role=OWNER, by=BY))
        assert await world.told("administrator.updated") == [(ann.target, {"role": OPERATOR})]
        await world.administrators.update(changed, password="another password", by=BY)
        assert (await world.told("administrator.updated"))[1:] == [(ann.target, {"password": "•••"})]

    run(tmp_path, test)


# Set-up links


def test_a_link_opens_one_connection_until_it_ends(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        line = await world.line()
        link, text = await world.links.create(line, label="Ann", lifetime=MIN_LIFETIME, by=BY)
        assert await world.links.by_text(text) == link
        value = await world.sessions.open_setup(await world.links.by_text(text), HOME)
        visitor = await world.visitor(value)
        assert (visitor.role, visitor.directory, visitor.connection) == (SETUP, line.directory, line.id)
        assert (visitor.actor.kind, visitor.actor.name, visitor.actor.id) == (SETUP_LINK, "Ann", link.id)
        assert not visitor.may(VIEWER)
        world.clock.advance(ms=MIN_LIFETIME * 1000)
        assert await world.sessions.visitor(value, HOME) is None
        assert "expired" in (await refused(errors.Gone, world.links.by_text(text))).detail

    run(tmp_path, test)


def test_a_session_of_a_link_lives_eight_hours_at_most(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        link, _ = await world.links.create(await world.line(), by=BY)
        value = await world.sessions.open_setup(link, HOME)
        for _ in range(8):
            world.clock.advance(ms=SETUP_LIFETIME // 8 - 1)
            await world.visitor(value)
        world.clock.advance(ms=8)
        assert await world.sessions.visitor(value, HOME) is None
        assert (
            await world.links.find(await world.store.connection(link.directory, "okta"), link.id)
        ).last_used

    run(tmp_path, test)


def test_revoking_a_link_ends_its_sessions_at_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        line = await world.line()
        link, text = await world.links.create(line, by=BY)
        value = await world.sessions.open_setup(link, HOME)
        await world.visitor(value)
        revoked = await world.links.revoke(line, link.id, by=BY)
        assert revoked.revoked == world.clock()
        assert await world.links.revoke(line, link.id, by=BY) == revoked
        assert await world.sessions.visitor(value, HOME) is None
        assert "revoked" in (await refused(errors.Gone, world.links.by_text(text))).detail
        assert [target for target, _ in await world.told("setup_link.")] == [
            f"set-up link {link.id} of connection 'okta'"
        ] * 2

    run(tmp_path, test)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "0", lambda t: t.replace("rsl_", "rst_"), lambda t: ""]
)
def test_a_link_that_is_none_is_not_found(tmp_path: Path, change: Callable[[str], str]) -> None:
    async def test(world: World) -> None:
        _, text = await world.links.create(await world.line(), by=BY)
        await refused(errors.NotFound, world.links.by_text(change(text)))

    run(tmp_path, test)


@pytest.mark.parametrize("lifetime", [0, MIN_LIFETIME - 1, MAX_LIFETIME + 1])
def test_a_link_lives_an_hour_to_thirty_days(tmp_path: Path, lifetime: int) -> None:
    async def test(world: World) -> None:
        line = await world.line()
        await refused(errors.InvalidValue, world.links.create(line, lifetime=lifetime, by=BY))
        await refused(errors.InvalidValue, world.links.create(line, label="x" * 201, by=BY))

    run(tmp_path, test)
