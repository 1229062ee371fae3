"""Keys of security event tokens: a receiver that keeps the key set as long as it may never meets another."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from delivery.receiving import World, opened
from delivery.sets import SetWorld, kept, signing_in, verified

from rosterd.scim import errors
from rosterd.service.signing_keys import AHEAD, ES256, KEEP, KEPT, NEXT, RS256, SIGNING
from rosterd.testing.scenario import BY

HOUR = 3_600_000
DAY = 24 * HOUR
CLAIMS = b'{"jti":"x"}'


def run(path: Path, test: Callable[[World, SetWorld], Awaitable[None]]) -> None:
    async def main() -> None:
        async with opened(path) as plain:
            sets = signing_in(plain)
            await test(plain, sets)
            await sets.world.sender.close()

    asyncio.run(main())


@pytest.mark.parametrize("days", [1, 3, 30])
def test_a_receiver_that_keeps_the_key_set_for_two_days_knows_every_key(tmp_path: Path, days: int) -> None:
    async def test(world: World, sets: SetWorld) -> None:
        await sets.signing.ensure(by=BY)
        fetched, kids, late = await sets.signing.jwks(), set(), []
        for hour in range(100 * 24):
            if hour % 48 == 0:
                fetched = await sets.signing.jwks()
            token = await sets.signing.sign(CLAIMS)
            kids.add(verified(token, fetched).header["kid"])
            late.append(token)
            if len(late) > KEEP // HOUR:  # whoever verifies a token a week later still finds its key
                verified(late.pop(0), await sets.signing.jwks())
            world.clock.advance(ms=HOUR)
            await sets.signing.keep_up(days)
            assert len(await world.store.signing_keys()) <= 4 + KEEP // DAY
        assert 100 // days - 2 <= len(kids) <= 100 // days + 1

    run(tmp_path, test)


def test_a_key_that_is_rotated_by_hand_is_next_then_signs_then_is_kept_then_goes(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld) -> None:
        await sets.signing.ensure(by=BY)
        await sets.signing.ensure(by=BY)
        (first,) = await sets.signing.published()
        second = await sets.signing.rotate(by=BY)
        with pytest.raises(errors.Conflict, match="published already"):
            await sets.signing.rotate(by=BY)

        async def states() -> dict[str, str]:
            return {key.kid: sets.signing.state(key) for key in await sets.signing.published()}

        assert await states() == {second.kid: NEXT, first.kid: SIGNING}
        world.clock.advance(ms=AHEAD - 1)
        assert verified(await sets.signing.sign(CLAIMS), await sets.signing.jwks()).header["kid"] == first.kid
        world.clock.advance(ms=1)
        assert (
            verified(await sets.signing.sign(CLAIMS), await sets.signing.jwks()).header["kid"] == second.kid
        )
        assert await states() == {second.kid: SIGNING, first.kid: KEPT}
        world.clock.advance(ms=KEEP)
        assert await states() == {second.kid: SIGNING}
        await sets.signing.keep_up(0)
        assert [key.kid for key in await world.store.signing_keys()] == [second.kid]

    run(tmp_path, test)


def test_after_a_theft_every_other_key_is_withdrawn_at_once_also_the_next_one(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld) -> None:
        await sets.signing.ensure(by=BY)
        await sets.signing.rotate(by=BY)
        stolen = await sets.signing.sign(CLAIMS)
        new = await sets.signing.rotate(at_once=True, by=BY)
        assert [key["kid"] for key in (await sets.signing.jwks())["keys"]] == [new.kid]
        assert verified(await sets.signing.sign(CLAIMS), await sets.signing.jwks()).header["kid"] == new.kid
        with pytest.raises(LookupError):
            verified(stolen, await sets.signing.jwks())
        following = await sets.signing.rotate(by=BY)
        assert following.signs == world.clock() + AHEAD

    run(tmp_path, test)


@pytest.mark.parametrize("algorithm", [ES256, RS256])
def test_either_algorithm_signs_what_others_verify(tmp_path: Path, algorithm: str) -> None:
    async def test(world: World, sets: SetWorld) -> None:
        made = await sets.signing.rotate(algorithm=algorithm, by=BY)
        token = verified(await sets.signing.sign(CLAIMS), await sets.signing.jwks())
        assert token.header == {"alg": algorithm, "typ": "secevent+jwt", "kid": made.kid}
        assert token.claims == {"jti": "x"}
        world.clock.advance(ms=DAY)
        assert (await sets.signing.rotate(by=BY)).algorithm == algorithm

    run(tmp_path, test)


def test_another_algorithm_than_those_is_refused_and_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld) -> None:
        with pytest.raises(errors.InvalidValue):
            await sets.signing.rotate(algorithm="none", by=BY)
        with pytest.raises(LookupError, match="set-key rotate"):
            await sets.signing.sign(CLAIMS)
        assert await sets.signing.jwks() == {"keys": []}
        await sets.signing.keep_up(1)
        assert await world.store.signing_keys() == ()

    run(tmp_path, test)


def test_of_two_who_rotate_at_once_one_is_told_so(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld) -> None:
        await sets.signing.ensure(by=BY)
        other = signing_in(world)
        results: list[Any] = await asyncio.gather(
            *(each.signing.rotate(by=BY) for each in (sets, other)), return_exceptions=True
        )
        assert sum(isinstance(result, errors.Conflict) for result in results) == 1
        assert len(await world.store.signing_keys()) == 2
        await other.world.sender.close()

    run(tmp_path, test)


def test_private_keys_are_encrypted_and_no_entry_holds_one(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld) -> None:
        await sets.signing.rotate(by=BY)
        (key,) = await world.store.signing_keys()
        opened_key = world.vault.unseal(f"signing key {key.kid}", key.sealed)
        secret = opened_key.split(b'"d":"')[1].split(b'"')[0]
        entries = await world.store.audit_page(None, None, 9)
        assert [e.entry.action for e in entries] == ["set-key.rotated"]
        await world.store.close()
        assert secret not in kept(tmp_path)

    run(tmp_path, test)
