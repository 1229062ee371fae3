"""Security event tokens are pushed by RFC 8935: signed, one to a request, in order, and refusals are read."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from delivery.receiving import Got, Receiver, World, opened, receiver
from delivery.sets import ISSUER, SetWorld, kept, signing_in

from rosterd.delivery.set_push import REFUSALS
from rosterd.scim import errors
from rosterd.service.audit import MASK
from rosterd.service.security_events import VERIFICATION
from rosterd.service.set_stream import POLL, Stream
from rosterd.service.webhook_messages import RETRIES
from rosterd.testing.scenario import BY

APP = Stream("https://app.example")


def run(path: Path, test: Callable[[World, SetWorld, Receiver], Awaitable[None]]) -> None:
    async def main() -> None:
        async with opened(path) as plain, receiver() as hook:
            sets = signing_in(plain)
            hook.answer = 202
            try:
                await test(sets.world, sets, hook)
            finally:
                await sets.world.sender.close()

    asyncio.run(main())


async def stream(world: World, url: str, **options: Any) -> Any:
    return (await world.admin.create(url, by=BY, **{"stream": APP, **options}))[0]


def refusing(code: str, description: str = "because") -> Callable[[Got], Awaitable[web.Response]]:
    async def answer(got: Got) -> web.Response:
        return web.json_response({"err": code, "description": description}, status=400)

    return answer


def test_every_change_comes_as_a_signed_token_in_order_and_nothing_else_does(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made, secret = await world.admin.create(hook.url, stream=APP, by=BY)
        assert (secret, made.secrets) == ("", ())
        seqs = []
        for type in ("user.created", "user.mapped", "user.updated", "token.expiring", "user.deactivated"):
            seqs += [int(id.rpartition("-")[2]) for id in await world.happen(acme, type=type)]
        await world.worker.settle()
        tokens = [await sets.token(got.body) for got in hook.got]
        assert [t.claims["jti"] for t in tokens] == [f"{made.id}.{acme.id}-{seqs[n]}" for n in (0, 2, 4)]
        for got, token in zip(hook.got, tokens, strict=True):
            assert got.headers["content-type"] == "application/secevent+jwt"
            assert got.headers["accept"] == "application/json"
            assert "authorization" not in got.headers
            assert token.header["typ"] == "secevent+jwt"
            assert (token.claims["iss"], token.claims["aud"]) == (ISSUER, "https://app.example")
        ((line, last),) = await world.store.lines(made.id, (0, -1), 9)
        assert line.cursor == last
        assert await world.store.dead_letters(made.id, (0, 0), 9) == ()

    run(tmp_path, test)


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_told_in_plain_words_and_tried_again_only_if_that_can_help(
    tmp_path: Path, code: str
) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made = await stream(world, hook.url)
        await world.happen(acme, 2)
        hook.answer = refusing(code)
        await world.worker.settle()
        meaning, final = REFUSALS[code]
        log = await world.store.attempts(made.id, None, 9)
        assert log[-1].attempt.outcome.error == f"The receiver {meaning} ({code}): because"
        dead = await world.store.dead_letters(made.id, (0, 0), 9)
        assert len(dead) == len(log) == (2 if final else 1) or not dead
        assert bool(dead) == final
        hook.answer = 202
        world.clock.advance(seconds=RETRIES[0])
        if final:
            await world.admin.replay(made, acme, failed=True, by=BY)
        await world.worker.settle()
        assert len(hook.accepted) == 2
        assert await world.store.dead_letters(made.id, (0, 0), 9) == ()

    run(tmp_path, test)


@pytest.mark.parametrize("status", [200, 204, 302, 400, 500])
def test_anything_but_202_is_a_failure_that_is_tried_again(tmp_path: Path, status: int) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made = await stream(world, hook.url)
        await world.happen(acme)
        hook.answer = status
        await world.worker.settle()
        (row,) = await world.store.attempts(made.id, None, 9)
        assert str(status) in row.attempt.outcome.error
        hook.answer = 202
        world.clock.advance(seconds=RETRIES[0])
        await world.worker.settle()
        first, second = [(await sets.token(got.body)).claims for got in hook.got]
        assert first == second, "a token that comes again says the same under the same id"

    run(tmp_path, test)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"err": 1}', b'{"err": "a b"}', b"<html>", b'{"err": "other"}']
)
def test_a_400_that_says_nothing_known_is_tried_again(tmp_path: Path, body: bytes) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        async def answer(got: Got) -> web.Response:
            return web.Response(status=400, body=body)

        acme = await world.directory("acme")
        made = await stream(world, hook.url)
        await world.happen(acme)
        hook.answer = answer
        await world.worker.settle()
        assert await world.store.dead_letters(made.id, (0, 0), 9) == ()
        (row,) = await world.store.attempts(made.id, None, 9)
        assert ("(other)" in row.attempt.outcome.error) == (b"other" in body)

    run(tmp_path, test)


def test_the_authorization_is_sent_and_kept_nowhere_to_be_read(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made = await stream(world, hook.url, authorization="Bearer s3cret")
        await world.happen(acme)
        await world.worker.settle()
        changed = await world.admin.update(made, authorization="Bearer other", by=BY)
        await world.happen(acme)
        world.clock.advance(seconds=2)
        await world.worker.settle()
        assert [got.headers["authorization"] for got in hook.got] == ["Bearer s3cret", "Bearer other"]
        shown = [*await world.store.attempts(made.id, None, 9), changed, made]
        shown += await world.store.audit_page(None, None, 99)
        assert not any("s3cret" in str(each) for each in shown)
        await world.store.close()
        assert b"s3cret" not in kept(tmp_path)

    run(tmp_path, test)


def test_a_test_is_a_verification_event(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        made = await stream(world, hook.url)
        stored = await world.admin.test(made, by=BY)
        assert stored.attempt.outcome.accepted
        token = await sets.token(hook.got[0].body)
        assert token.claims["events"] == {VERIFICATION: {}}
        assert token.claims["jti"] == stored.attempt.message
        body = await world.admin.sent(stored.attempt, None)
        assert body is not None
        assert b"verification" in body

    run(tmp_path, test)


def test_what_was_sent_is_shown_as_claims(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made = await stream(world, hook.url)
        await world.happen(acme)
        await world.worker.settle()
        (row,) = await world.store.attempts(made.id, None, 9)
        body = await world.admin.sent(row.attempt, acme)
        assert body is not None
        assert b'"jti":"' + row.attempt.message.encode() in body

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"max_events": 2}, True),
        ({"stream": Stream("")}, True),
        ({"stream": Stream("a", detail="some")}, True),
        ({"stream": Stream("a", vocabulary="risc")}, True),
        ({"stream": Stream("a", method=POLL)}, True),
        ({"stream": Stream("a", method=POLL)}, False),
        ({}, False),
        ({"authorization": "Bearer\r\nx: y"}, True),
        ({"authorization": ""}, True),
    ],
)
def test_a_stream_that_cannot_be_is_refused(tmp_path: Path, options: dict[str, Any], url: bool) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        with pytest.raises(errors.InvalidValue):
            await stream(world, hook.url if url else "", **options)
        assert await world.store.webhook_page(None, "", 9) == ()
        assert await world.store.signing_keys() == ()

    run(tmp_path, test)


def test_without_a_public_url_no_stream_is_made_and_no_token_is_sent(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        acme = await world.directory("acme")
        made = await stream(world, hook.url)
        nameless = signing_in(world, issuer="")
        with pytest.raises(errors.InvalidValue, match="ROSTERD_BASE_URL"):
            await stream(nameless.world, hook.url)
        await world.happen(acme)
        await nameless.world.worker.settle()
        await nameless.world.sender.close()
        assert hook.got == []
        (row,) = await world.store.attempts(made.id, None, 9)
        assert "ROSTERD_BASE_URL" in row.attempt.outcome.error

    run(tmp_path, test)


def test_a_stream_has_no_secret_to_rotate_and_a_webhook_no_stream_to_change(tmp_path: Path) -> None:
    async def test(world: World, sets: SetWorld, hook: Receiver) -> None:
        made = await stream(world, hook.url)
        with pytest.raises(errors.Conflict, match="set-key rotate"):
            await world.admin.rotate(made, by=BY)
        plain, _ = await world.webhook(hook.url)
        with pytest.raises(errors.InvalidValue):
            await world.admin.update(plain, stream={"detail": "notice"}, by=BY)
        assert MASK not in str(made)

    run(tmp_path, test)
