"""A second factor beside the password, on a real store, with a clock moved by hand."""

import asyncio
import base64
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from service.logging_in import ELSEWHERE, HOME, PASSWORD, SECRET, World, run
from service.phone import STEP, shown, totp

from rosterd.delivery.signing import Vault
from rosterd.scim import errors
from rosterd.service.administrators import Administrator
from rosterd.service.login import FREE, TICKET_LIFETIME, CodeWanted, Opened, delay
from rosterd.service.second_factor import RECOVERY_CODES, Offer
from rosterd.service.sessions import Place
from rosterd.service.visitor import OWNER, VIEWER, Visitor
from rosterd.testing.scenario import BY, refused
from rosterd.wiring.authenticator import TotpAuthenticator


class App:
    """Ann's phone."""

    def __init__(self, world: World, offer: Offer) -> None:
        self.world = world
        self.secret = offer.secret

    def code(self, steps: int = 0) -> str:
        """What it shows now, or some steps later."""
        return shown(self.secret, self.world.clock() / 1000, steps)


async def equipped(world: World) -> tuple[Administrator, App, tuple[str, ...]]:
    """Ann with an app, and her recovery codes."""
    ann = await world.ann()
    offer = world.second_factors.offer(ann)
    app = App(world, offer)
    ann, codes = await world.second_factors.add(ann, offer.sealed, app.code(), by=BY)
    world.clock.advance(ms=STEP * 1000)
    return ann, app, codes


async def asked(world: World, **more: Any) -> CodeWanted:
    """What ann is asked for after the right password."""
    wanted = await world.login.by_password("ann@example.com", PASSWORD, HOME, **more)
    assert isinstance(wanted, CodeWanted)
    return wanted


async def coded(world: World, code: str, place: Place = HOME, **more: Any) -> Opened:
    """Log ann in by password and code."""
    return await world.login.by_code((await asked(world)).ticket, code, place, **more)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    vault = Vault(SECRET, lambda length: b"\1" * length)
    secret = b"12345678901234567890"
    authenticator = TotpAuthenticator(vault, lambda length: secret[:length])
    ann = Administrator("a1", "ann", OWNER, None, "hash", None, None, 0)
    sealed = authenticator.offer(ann).sealed
    assert totp(secret, seconds // STEP, 8) == code
    assert authenticator.step("a1", sealed, code[-6:], seconds * 1000) == seconds // STEP


def test_an_offer_is_what_apps_read_and_holds_the_secret_for_one_administrator_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann()
        bob = await world.administrators.create("bob", VIEWER, password=PASSWORD, by=BY)
        offer = world.second_factors.offer(ann)
        address = urlsplit(offer.address)
        assert (address.scheme, address.netloc) == ("otpauth", "totp")
        assert unquote(address.path) == "/rosterd:Ann@Example.com"
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert query["secret"].rstrip("=") == offer.secret
        assert query["issuer"] == "rosterd"
        for name, value in (("digits", "6"), ("algorithm", "SHA1"), ("period", "30")):
            assert query.get(name, value) == value
        assert len(base64.b32decode(offer.secret)) == 20
        assert offer.secret not in offer.sealed
        assert world.second_factors.offer(ann, offer.sealed) == offer
        assert world.second_factors.offer(bob, offer.sealed).secret != offer.secret
        code = App(world, offer).code()
        for sealed in (offer.sealed, "", "AAAA", "é", "x" * 1000):
            await refused(errors.InvalidValue, world.second_factors.add(bob, sealed, code, by=BY))
        assert (await world.administrators.find(bob.id)).second_factor is None

    run(tmp_path, test)


def test_a_password_alone_lets_nobody_in_who_has_a_second_factor(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, app, _ = await equipped(world)
        wanted = await asked(world)
        assert wanted.offer is None
        assert await world.sessions.list(ann.id) == ()
        assert await world.told("session.created") == []
        opened = await world.login.by_code(wanted.ticket, app.code(), HOME)
        visitor = await world.visitor(opened.value)
        assert visitor.actor.id == ann.id
        ((_, after),) = await world.told("session.created")
        assert after["by"] == "password and code"
        assert (await world.administrators.find(ann.id)).last_login == world.clock()

    run(tmp_path, test)


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_holds_for_a_step_more_on_either_side(tmp_path: Path, steps: int, right: bool) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        world.clock.advance(ms=STEP * 5000)
        if right:
            await coded(world, app.code(steps))
        else:
            await refused(errors.Unauthorized, coded(world, app.code(steps)))

    run(tmp_path, test)


@pytest.mark.parametrize("spell", [lambda c: f" {c[:3]} {c[3:]} ", lambda c: f"{c[:3]}-{c[3:]}"])
def test_a_code_may_be_typed_in_groups(tmp_path: Path, spell: Any) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        await coded(world, spell(app.code()))

    run(tmp_path, test)


def test_a_code_counts_once_and_so_does_the_one_before_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        used = app.code()
        await coded(world, used)
        for code in (used, app.code(-1)):
            await refused(errors.Unauthorized, coded(world, code))
        await coded(world, app.code(1))

    run(tmp_path, test)


def test_the_code_that_set_the_app_up_lets_nobody_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        await refused(errors.Unauthorized, coded(world, app.code(-1)))

    run(tmp_path, test)


def test_of_many_at_once_with_one_code_one_gets_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _ann, app, codes = await equipped(world)
        for code in (app.code(), codes[0]):
            tickets = [(await asked(world)).ticket for _ in range(4)]
            tries = [world.login.by_code(ticket, code, HOME) for ticket in tickets]
            results = await asyncio.gather(*tries, return_exceptions=True)
            assert [isinstance(result, Opened) for result in results].count(True) == 1, results
            world.clock.advance(ms=STEP * 40_000)
        assert len(await world.told("session.created")) == 2

    run(tmp_path, test)


def test_a_recovery_code_lets_in_once_in_place_of_the_app(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, app, codes = await equipped(world)
        assert len(set(codes)) == RECOVERY_CODES
        assert {len(code.replace("-", "")) for code in codes} == {32}
        await coded(world, codes[3].upper().replace("-", " "))
        await refused(errors.Unauthorized, coded(world, codes[3]))
        kept = (await world.administrators.find(ann.id)).second_factor
        assert kept is not None and len(kept.recovery) == RECOVERY_CODES - 1
        assert (await world.told("session.created"))[-1][1]["by"] == "password and recovery code"
        await coded(world, app.code())

    run(tmp_path, test)


def test_nothing_that_is_kept_or_told_lets_anybody_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, app, codes = await equipped(world)
        kept = (tmp_path / "rosterd.db").read_bytes() + (tmp_path / "rosterd.db-wal").read_bytes()
        told = repr(await world.store.audit_page(None, None, 100))
        for code in codes:
            assert code.encode() not in kept
            assert code.replace("-", "").encode() not in kept
            assert code not in told
        raw = base64.b32decode(app.secret)
        for form in (raw, app.secret.encode(), base64.b64encode(raw), raw.hex().encode()):
            assert form not in kept
        ((target, after),) = await world.told("administrator.second_factor_added")
        assert target == "administrator 'Ann@Example.com'"
        assert after == {"secondFactor": True, "recoveryCodes": RECOVERY_CODES}

    run(tmp_path, test)


@pytest.mark.parametrize("code", ["", "0", "12345", "1234567", "äöü123", "x" * 65, "a" * 32, "١٢٣٤٥٦"])
def test_what_cannot_be_a_code_is_a_wrong_one(tmp_path: Path, code: str) -> None:
    async def test(world: World) -> None:
        await equipped(world)
        await refused(errors.Unauthorized, coded(world, code))

    run(tmp_path, test)


def test_after_five_wrong_codes_each_further_one_waits_and_passwords_are_counted_apart(
    tmp_path: Path,
) -> None:
    async def test(world: World) -> None:
        ann, app, _ = await equipped(world)
        for _ in range(FREE):
            await refused(errors.Unauthorized, coded(world, "000000"))
        for place in (HOME, ELSEWHERE):
            wait = await refused(errors.TooManyRequests, coded(world, app.code(), place))
            assert wait.retry_after == delay(FREE) // 1000
        world.clock.advance(ms=delay(FREE))
        await coded(world, app.code())
        failed = [
            after["failures"] for target, after in await world.told("login.failed") if target == ann.target
        ]
        assert failed == [1, 5]

    run(tmp_path, test)


def test_who_guesses_codes_keeps_a_known_browser_not_out(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        browser = (await coded(world, app.code())).browser
        for _ in range(FREE):
            await refused(errors.Unauthorized, coded(world, "000000", ELSEWHERE))
        await refused(errors.TooManyRequests, coded(world, app.code(1), ELSEWHERE))
        await coded(world, app.code(1), browser=browser)

    run(tmp_path, test)


async def disable(world: World, ann: Administrator) -> None:
    await world.administrators.create("root", OWNER, password=PASSWORD, by=BY)
    await world.administrators.disable(ann, by=BY)


async def wait(world: World, ann: Administrator) -> None:
    world.clock.advance(ms=TICKET_LIFETIME)


async def change(world: World, ann: Administrator) -> None:
    await world.administrators.set_password(ann, "another password", by=BY)


async def lose(world: World, ann: Administrator) -> None:
    await world.second_factors.remove(ann, by=BY)


@pytest.mark.parametrize("happens", [disable, wait, change, lose])
def test_a_ticket_is_good_for_a_while_and_for_the_account_as_it_was(tmp_path: Path, happens: Any) -> None:
    async def test(world: World) -> None:
        ann, app, _ = await equipped(world)
        ticket = (await asked(world)).ticket
        await happens(world, ann)
        await refused(errors.Forbidden, world.login.by_code(ticket, app.code(), HOME))
        assert await world.told("session.created") == []

    run(tmp_path, test)


@pytest.mark.parametrize(
    "forge",
    [
        lambda t: "",
        lambda t: ".",
        lambda t: "ä.ö",
        lambda t: t[:-1],
        lambda t: t + "0",
        lambda t: t[:-7] + "0" * 7,
        lambda t: t.replace("rlt_", "rse_"),
    ],
)
def test_a_ticket_of_ones_own_is_none(tmp_path: Path, forge: Any) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        ticket = forge((await asked(world)).ticket)
        await refused(errors.Forbidden, world.login.by_code(ticket, app.code(), HOME))

    run(tmp_path, test)


def test_whoever_has_read_the_database_cannot_make_a_ticket(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await equipped(world)
        ticket = (await asked(world)).ticket
        kept = (tmp_path / "rosterd.db").read_bytes() + (tmp_path / "rosterd.db-wal").read_bytes()
        assert ticket.encode() not in kept

    run(tmp_path, test)


# Where one is required


def test_where_one_is_required_it_is_set_up_at_the_next_log_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, world.required = await world.ann(), True
        wanted = await asked(world)
        assert wanted.offer is not None
        app = App(world, wanted.offer)
        enrol = world.login.by_first_code
        await refused(errors.InvalidValue, enrol(wanted.ticket, wanted.offer.sealed, app.code(5), HOME))
        assert await world.login.offered(wanted.ticket, wanted.offer.sealed) == wanted.offer
        await refused(errors.Unauthorized, world.login.by_code(wanted.ticket, app.code(), HOME))
        opened, codes = await enrol(wanted.ticket, wanted.offer.sealed, app.code(), HOME)
        assert len(codes) == RECOVERY_CODES
        assert (await world.visitor(opened.value)).actor.id == ann.id
        await refused(errors.Forbidden, enrol(wanted.ticket, wanted.offer.sealed, app.code(1), HOME))
        assert (await asked(world)).offer is None
        await coded(world, app.code(1))

    run(tmp_path, test)


def test_who_has_one_cannot_set_up_another_by_the_password(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, app, _ = await equipped(world)
        world.required = True
        wanted = await asked(world)
        offer = world.second_factors.offer(ann)
        own = App(world, offer)
        first = world.login.by_first_code(wanted.ticket, offer.sealed, own.code(), HOME)
        await refused(errors.Conflict, first)
        await coded(world, app.code())

    run(tmp_path, test)


# One's own account


async def within(world: World, app: App | None = None) -> Visitor:
    """Ann with a session."""
    opened = await (coded(world, app.code()) if app else world.opened())
    return await world.visitor(opened.value)


def test_one_sets_it_up_with_the_password_and_a_code_and_the_other_sessions_end(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, there = await world.ann(), await world.enter()
        visitor = await within(world)
        offer = await world.own.offer_second_factor(visitor)
        app = App(world, offer)
        add = world.own.add_second_factor
        await refused(errors.Forbidden, add(visitor, "wrong", offer.sealed, app.code()))
        await refused(errors.InvalidValue, add(visitor, PASSWORD, offer.sealed, app.code(9)))
        assert len(await add(visitor, PASSWORD, offer.sealed, app.code())) == RECOVERY_CODES
        assert await world.sessions.visitor(there, HOME) is None
        assert [one.id for one in await world.sessions.list(ann.id)] == [visitor.session]
        await refused(errors.Conflict, add(visitor, PASSWORD, offer.sealed, app.code(1)))

    run(tmp_path, test)


def test_recovery_codes_are_made_anew_and_those_of_before_stop(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, app, before = await equipped(world)
        visitor = await within(world, app)
        renew = world.own.renew_recovery_codes
        world.clock.advance(ms=STEP * 1000)
        await refused(errors.Forbidden, renew(visitor, "wrong", app.code()))
        await refused(errors.Forbidden, renew(visitor, PASSWORD, "000000"))
        after = await renew(visitor, PASSWORD, before[0])
        assert not set(before) & set(after)
        await refused(errors.Unauthorized, coded(world, before[1]))
        await coded(world, after[1])
        assert (await world.told("administrator.second_factor_changed"))[-1][1] == {"recoveryCodes": 10}

    run(tmp_path, test)


def test_it_is_removed_by_password_and_code(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _ann, app, codes = await equipped(world)
        visitor = await within(world, app)
        world.clock.advance(ms=STEP * 1000)
        remove = world.own.remove_second_factor
        await refused(errors.Forbidden, remove(visitor, PASSWORD, app.code(7)))
        await refused(errors.Forbidden, remove(visitor, "wrong", app.code()))
        await remove(visitor, PASSWORD, app.code())
        await world.enter()
        await refused(errors.NotFound, remove(visitor, PASSWORD, codes[0]))
        assert (await world.told("administrator.second_factor_removed"))[-1][1]["secondFactor"] is False

    run(tmp_path, test)


def test_a_new_password_of_ones_own_takes_a_code_which_counts_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        visitor = await within(world, app)
        world.clock.advance(ms=STEP * 1000)
        change = world.own.change_password
        for code in ("", "000000", app.code(-1)):
            await refused(errors.Forbidden, change(visitor, PASSWORD, "a new password", code))
        await change(visitor, PASSWORD, "a new password", app.code())
        again = change(visitor, "a new password", "another password", app.code())
        await refused(errors.Forbidden, again)

    run(tmp_path, test)


def test_an_owner_removes_it_for_who_lost_it_and_all_sessions_end(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, app, _ = await equipped(world)
        await within(world, app)
        ann = await world.administrators.find(ann.id)
        await world.second_factors.remove(ann, by=BY)
        assert await world.sessions.list(ann.id) == ()
        await world.enter()
        ann = await world.administrators.find(ann.id)
        await refused(errors.NotFound, world.second_factors.remove(ann, by=BY))

    run(tmp_path, test)


def test_guessing_within_a_session_waits_too(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        _, app, _ = await equipped(world)
        visitor = await within(world, app)
        for _ in range(FREE):
            await refused(errors.Forbidden, world.own.remove_second_factor(visitor, PASSWORD, "000000"))
        world.clock.advance(ms=STEP * 500)
        await refused(errors.TooManyRequests, world.own.remove_second_factor(visitor, PASSWORD, app.code()))

    run(tmp_path, test)


def test_a_new_password_by_an_owner_passes_no_second_factor_by(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, _, _ = await equipped(world)
        _, password = await world.administrators.generate_password(ann, by=BY)
        wanted = await world.login.by_password("ann@example.com", password, HOME)
        assert isinstance(wanted, CodeWanted)

    run(tmp_path, test)


def test_a_secret_of_another_installation_opens_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, app, _ = await equipped(world)
        other = TotpAuthenticator(
            Vault(b"o" * 32, lambda length: b"\2" * length), lambda length: b"\3" * length
        )
        assert ann.second_factor is not None
        with pytest.raises(LookupError):
            other.step(ann.id, ann.second_factor.sealed, app.code(), world.clock())
        changed = replace(ann, id="b1")
        with pytest.raises(LookupError):
            world.authenticator.step(changed.id, ann.second_factor.sealed, app.code(), world.clock())

    run(tmp_path, test)
