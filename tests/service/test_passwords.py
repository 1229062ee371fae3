"""Passwords: how they are hashed, beside the event loop, and how one is made."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable

import pytest

from rosterd.scim import errors
from rosterd.service import passwords
from rosterd.testing.scenario import refused
from rosterd.wiring.passwords import WAITING, Argon2Hasher


def run(test: Callable[[Argon2Hasher], Awaitable[None]]) -> None:
    async def main() -> None:
        hasher = Argon2Hasher()
        try:
            await test(hasher)
        finally:
            hasher.close()

    asyncio.run(main())


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    async def test(hasher: Argon2Hasher) -> None:
        one, other = await hasher.hash("correct horse"), await hasher.hash("correct horse")
        assert one.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
        assert one != other
        for kept in (one, other):
            assert await hasher.verify(kept, "correct horse")
            assert not await hasher.verify(kept, "correct Horse")

    run(test)


def test_costs_of_another_time_are_still_understood() -> None:
    async def test(hasher: Argon2Hasher) -> None:
        kept = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$MQV7GAnGZQ1kYy0mtgCAVg"
        assert not await hasher.verify(kept, "another")

    run(test)


@pytest.mark.parametrize("kept", [None, "", "$argon2id$", "plain"])
def test_nothing_is_right_without_a_hash(kept: str | None) -> None:
    async def test(hasher: Argon2Hasher) -> None:
        assert not await hasher.verify(kept, "")
        assert not await hasher.verify(kept, "nobody has this password")

    run(test)


@pytest.mark.parametrize("known", [True, False])
def test_hashing_is_done_in_another_thread_for_unknown_names_too(known: bool) -> None:
    async def test(hasher: Argon2Hasher) -> None:
        kept = await hasher.hash("correct horse")
        threads: list[int] = []
        matches = hasher._matches

        def noted(kept: str, password: str) -> bool:
            threads.append(threading.get_ident())
            return matches(kept, password)

        hasher._matches = noted  # type: ignore[method-assign]
        assert await hasher.verify(kept if known else None, "correct horse") is known
        assert len(threads) == 1
        assert threads[0] != threading.get_ident()

    run(test)


def test_whoever_comes_when_too_many_wait_is_sent_away() -> None:
    async def test(hasher: Argon2Hasher) -> None:
        hasher._waiting = WAITING
        error = await refused(errors.Unavailable, hasher.hash("correct horse"))
        assert error.retry_after
        hasher._waiting = 0
        await hasher.hash("correct horse")
        assert hasher._waiting == 0

    run(test)


def test_a_password_of_ours_is_long_and_can_be_read_out() -> None:
    made = {passwords.readable(os.urandom) for _ in range(1000)}
    assert len(made) == 1000
    letters = set("".join(made)) - {"-"}
    assert len(letters) == 32
    assert {len(text.replace("-", "")) for text in made} == {28}  # of five bits each: more than 128
    assert not letters & set("lo01")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("ADA@EXAMPLE.com", "name"),
        ("password1234", "guessed first"),
        ("qwertyuiop12", "guessed first"),
        ("aaaaaaaaaaaaaaaa", "guessed first"),
        ("rosterd-admin", "guessed first"),
        ("okta-company1", "guessed first"),
        ("ada@example.com1", "guessed first"),
        ("Password1234!", "guessed first"),
    ],
)
def test_what_is_guessed_first_is_no_password(password: str, words: str) -> None:
    async def test(hasher: Argon2Hasher) -> None:
        error = await refused(errors.InvalidValue, passwords.hashed(hasher, password, "ada@example.com"))
        assert words in error.detail

    run(test)


def test_estimates_are_made_one_after_the_other_and_no_log_in_waits_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done, under_way, at_once = threading.Event(), [0], []

    def slow(_: str, words: list[str]) -> float:
        under_way[0] += 1
        at_once.append(under_way[0])
        done.wait(30)
        under_way[0] -= 1
        return 1.0

    monkeypatch.setattr("rosterd.wiring.passwords._guesses", slow)

    async def test(hasher: Argon2Hasher) -> None:
        estimates = [asyncio.ensure_future(hasher.guessable("x", ())) for _ in range(3)]
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(20):
                assert await hasher.verify(await hasher.hash("correct horse"), "correct horse")
        finally:
            done.set()
        assert await asyncio.gather(*estimates) == [True] * 3
        assert at_once == [1] * 3

    run(test)


LONGEST = "".join(chr(0x4E00 + number * number * 7919 % 20_000) for number in range(256))


@pytest.mark.parametrize(
    "password", ["correct horse battery", "zunder klammer oboe", "pässe ohne ende 4", LONGEST], ids=len
)
def test_any_characters_make_a_password(password: str) -> None:
    async def test(hasher: Argon2Hasher) -> None:
        kept = await passwords.hashed(hasher, password, "ada@example.com")
        assert await hasher.verify(kept, password)

    run(test)


def test_passwords_of_ours_are_good_ones() -> None:
    async def test(hasher: Argon2Hasher) -> None:
        for _ in range(20):
            await passwords.hashed(hasher, passwords.readable(os.urandom), "admin")

    run(test)
